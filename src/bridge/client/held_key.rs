//! A key that the bridge holds, for a program that opens boxes itself: it asks for the key of each box, and never sees the
//! private key.

use std::sync::{Mutex, PoisonError};

use http::Method;
use zeroize::Zeroizing;

use super::{Client, ClientError};
use crate::bridge::calls::{BoxKeyAnswer, BoxKeyRequest};
use crate::encryption::PublicKey;
use crate::encryption::sealed_box::{BoxKey, BoxKeyError, BoxOpener};
use crate::fault::Fault as _;

/// A key that the bridge holds, and the boxes that it opens.
pub struct HeldKey {
    client: Mutex<Client>,
    handle: String,
    public_key: PublicKey,
}

impl HeldKey {
    /// The key under this handle.
    pub fn new(client: Client, handle: String, public_key: PublicKey) -> Self {
        Self {
            client: Mutex::new(client),
            handle,
            public_key,
        }
    }

    /// Its public key.
    pub fn public_key(&self) -> PublicKey {
        self.public_key
    }

    /// The text of numerbay.json, if the person was told that the key would be given away. Wiped on drop.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn export(&self) -> Result<Zeroizing<String>, ClientError> {
        let client = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        let nothing = serde_json::json!({});
        client.call_for_text(Method::POST, &format!("/v1/keys/{}/export", self.handle), Some(&nothing))
    }
}

impl BoxOpener for HeldKey {
    fn box_key(&self, ephemeral: &PublicKey) -> Result<BoxKey, BoxKeyError> {
        let target = format!("/v1/keys/{}/box-key", self.handle);
        let request = BoxKeyRequest {
            ephemeral: ephemeral.to_string(),
        };
        // One runtime is used by one thread at a time.
        let client = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        let answer: BoxKeyAnswer = match client.call(Method::POST, &target, Some(&request)) {
            Ok(answer) => answer,
            Err(ClientError::Refused { explanation, .. }) if explanation.code == "low-order-box" => {
                return Err(BoxKeyError::LowOrder);
            }
            Err(error) => {
                return Err(BoxKeyError::NotGiven {
                    message: error.to_string(),
                    explanation: error.explain(),
                });
            }
        };
        let bytes = answer.bytes().ok_or_else(|| BoxKeyError::NotGiven {
            message: ClientError::Nonsense.to_string(),
            explanation: ClientError::Nonsense.explain(),
        })?;
        Ok(BoxKey::from_parts(&bytes, ephemeral, &self.public_key))
    }
}
