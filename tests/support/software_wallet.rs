//! A wallet in software: any private key, any form of v, low or high s.
#![allow(dead_code, unreachable_pub, missing_docs, clippy::unwrap_used)]

use k256::ecdsa::{Signature as Scalars, SigningKey};
use saltbridge::encryption::SignableMessage;
use saltbridge::ethereum::{Address, Signature, VForm};
use saltbridge::unlock::Wallet;

#[derive(Clone, Debug)]
pub struct SoftwareWallet {
    key: SigningKey,
    /// The form of v that it answers with.
    pub form: VForm,
    /// Whether it answers with the higher of the two possible s. Recovery accepts both, EIP-2 and all wallets do not.
    pub high_s: bool,
    /// The address that it says it has, if it says any before it has signed.
    pub claims: Option<Address>,
    /// How often it was asked to sign.
    pub asked: usize,
}

impl SoftwareWallet {
    /// Nothing if the 32 bytes are zero or not below the order of the curve.
    pub fn new(private_key: &[u8; 32]) -> Option<Self> {
        let key = SigningKey::from_slice(private_key).ok()?;
        Some(Self {
            claims: Some(Address::from_public_key(key.verifying_key())),
            key,
            form: VForm::Offset27,
            high_s: false,
            asked: 0,
        })
    }

    pub fn own_address(&self) -> Address {
        Address::from_public_key(self.key.verifying_key())
    }

    pub fn sign(&self, hash: &[u8; 32]) -> Signature {
        let (scalars, recovery) = self.key.sign_prehash_recoverable(hash);
        assert_eq!(scalars.normalize_s(), scalars, "wallets give the low s");
        let mut parity = u8::from(recovery.is_y_odd());
        let mut bytes = [0; 65];
        bytes[..64].copy_from_slice(&scalars.to_bytes());
        if self.high_s {
            let (r, s) = scalars.split_scalars();
            bytes[..64].copy_from_slice(&Scalars::from_scalars(r, -s).unwrap().to_bytes());
            parity ^= 1;
        }
        bytes[64] = parity;
        Signature::from_bytes(&bytes).unwrap().in_v_form(self.form)
    }
}

impl Wallet for SoftwareWallet {
    type Error = std::convert::Infallible;

    fn address(&mut self) -> Result<Option<Address>, Self::Error> {
        Ok(self.claims)
    }

    fn personal_sign(&mut self, message: &SignableMessage) -> Result<Signature, Self::Error> {
        self.asked += 1;
        Ok(self.sign(&message.hash()))
    }
}
