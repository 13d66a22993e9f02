//! A web page's side of docs/bridge-protocol.md, implemented a second time: texts are put together by hand, and nothing of
//! the bridge's own code is used. What it sends is spelled exactly as it was told to, nearly right too.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

#[path = "page_answers.rs"]
mod answers;

use std::time::{SystemTime, UNIX_EPOCH};

pub use answers::{content_digest, header, key_id, verify_answer};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey, VerifyingKey};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// What the client of one page has: its origin, its key, the bridge's address, and, once paired, the bridge's key.
pub struct Page {
    pub origin: String,
    /// Host and port of the bridge.
    pub authority: String,
    pub bridge_key: Option<[u8; 65]>,
    key: SigningKey,
}

/// A request's body.
pub enum Body {
    None,
    /// `application/json`; its digest is signed.
    Json(Value),
    /// `application/octet-stream`; no digest.
    Bytes(Vec<u8>),
}

impl Page {
    /// A page with a new key.
    pub fn new(origin: &str, authority: &str) -> Self {
        let mut scalar = [0; 32];
        getrandom::fill(&mut scalar).unwrap();
        // Below the order of the curve, and not zero.
        scalar[0] = scalar[0] & 0x7f | 1;
        Self::with_key(origin, authority, &scalar)
    }

    /// A page whose private key is this number.
    pub fn with_key(origin: &str, authority: &str, scalar: &[u8; 32]) -> Self {
        Self {
            origin: origin.to_owned(),
            authority: authority.to_owned(),
            bridge_key: None,
            key: SigningKey::from_slice(scalar).unwrap(),
        }
    }

    /// The same page with another key, as in another browser.
    pub fn in_another_browser(&self) -> Self {
        Self::new(&self.origin, &self.authority)
    }

    /// 04 ‖ x ‖ y.
    pub fn public_key(&self) -> [u8; 65] {
        uncompressed(self.key.verifying_key())
    }

    pub fn key_id(&self) -> String {
        key_id(&self.public_key())
    }

    /// A signed request as the protocol wants it. `target` is path and query.
    pub fn request(&self, method: &str, target: &str, body: Body) -> SignedRequest {
        self.draft(method, target, body).sign()
    }

    /// The same before it is signed, to be changed.
    pub fn draft(&self, method: &str, target: &str, body: Body) -> Draft<'_> {
        let mut nonce = [0; 16];
        getrandom::fill(&mut nonce).unwrap();
        let mut components: Vec<String> = ["@method", "@authority", "@path", "@query"]
            .map(|name| format!("\"{name}\""))
            .into();
        let mut headers = vec![("Host".to_owned(), self.authority.clone()), ("Origin".to_owned(), self.origin.clone())];
        let body = match body {
            Body::None => Vec::new(),
            Body::Json(value) => {
                let body = value.to_string().into_bytes();
                components.push("\"content-digest\"".to_owned());
                headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
                headers.push(("Content-Digest".to_owned(), content_digest(&body)));
                body
            }
            Body::Bytes(body) => {
                headers.push(("Content-Type".to_owned(), "application/octet-stream".to_owned()));
                body
            }
        };
        let parameters = [
            ("created", now().to_string()),
            ("nonce", format!("\"{}\"", BASE64_STANDARD.encode(nonce))),
            ("keyid", format!("\"{}\"", self.key_id())),
            ("tag", "\"saltbridge-request\"".to_owned()),
        ];
        Draft {
            page: self,
            signed: [method.to_owned(), self.authority.clone(), target.to_owned()],
            method: method.to_owned(),
            target: target.to_owned(),
            headers,
            body,
            label: "saltbridge".to_owned(),
            components,
            parameters: parameters.map(|(name, value)| (name.to_owned(), value)).into(),
            changes: Vec::new(),
        }
    }

    /// That the bridge whose key is pinned gave this answer to this request, with this body. Gives the signed text.
    ///
    /// # Errors
    /// What is wrong.
    pub fn verify(
        &self,
        request: &SignedRequest,
        status: u16,
        headers: &[(String, String)],
        body: &[u8],
    ) -> Result<String, String> {
        let bridge_key = self.bridge_key.ok_or("no bridge is paired")?;
        verify_answer(&bridge_key, &request.signature, status, headers, body)
    }

    /// `POST /v1/pairings` with the code that a person pasted.
    pub fn pairing_request(&self, code: &str) -> SignedRequest {
        self.request("POST", "/v1/pairings", Body::Json(self.pairing_body(code)))
    }

    /// Its body.
    pub fn pairing_body(&self, code: &str) -> Value {
        json!({
            "proof": BASE64_STANDARD.encode(self.page_proof(code)),
            "public_key": BASE64_STANDARD.encode(self.public_key()),
        })
    }

    pub fn page_proof(&self, code: &str) -> [u8; 32] {
        let (origin, authority) = (self.origin.as_bytes(), self.authority.as_bytes());
        hmac(&read_code(code), &fields(&[b"saltbridge pairing v1 page", origin, authority, &self.public_key()]))
    }

    pub fn bridge_proof(&self, code: &str, bridge_key: &[u8], scopes: &[&str]) -> [u8; 32] {
        let (origin, authority, key) = (self.origin.as_bytes(), self.authority.as_bytes(), self.public_key());
        let mut list: Vec<&[u8]> = vec![b"saltbridge pairing v1 bridge", origin, authority, &key, bridge_key];
        list.extend(scopes.iter().map(|scope| scope.as_bytes()));
        hmac(&read_code(code), &fields(&list))
    }

    /// Takes the answer to [`Self::pairing_request`]: checks proof and signature, keeps the bridge's key, and gives the
    /// scopes.
    ///
    /// # Errors
    /// What is wrong; no key is kept then.
    pub fn pair(
        &mut self,
        code: &str,
        request: &SignedRequest,
        status: u16,
        headers: &[(String, String)],
        body: &[u8],
    ) -> Result<Vec<String>, String> {
        let answer: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        let field = |name: &str| answer[name].as_str().ok_or(format!("no {name}"));
        let decoded = |name: &str| BASE64_STANDARD.decode(field(name)?).map_err(|error| error.to_string());
        let bridge_key: [u8; 65] = decoded("public_key")?
            .try_into()
            .map_err(|_| "the key has another length")?;
        let scopes = answer["scopes"].as_array().ok_or("no scopes")?;
        let scopes: Vec<&str> = scopes.iter().filter_map(Value::as_str).collect();
        if !scopes.is_sorted() {
            return Err("the scopes are not sorted".to_owned());
        }
        if decoded("proof")? != self.bridge_proof(code, &bridge_key, &scopes) {
            return Err("the proof is another one".to_owned());
        }
        verify_answer(&bridge_key, &request.signature, status, headers, body)?;
        self.bridge_key = Some(bridge_key);
        Ok(scopes.into_iter().map(str::to_owned).collect())
    }

    fn sign(&self, text: &str) -> [u8; 64] {
        let signature: Signature = self.key.sign(text.as_bytes());
        signature.to_bytes().into()
    }
}

/// A request that is not signed yet. What is public is signed as it stands here; the rest is changed by methods.
pub struct Draft<'a> {
    page: &'a Page,
    pub method: String,
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub label: String,
    /// As they stand in the list, in quotes.
    pub components: Vec<String>,
    /// Names and values, as they stand behind the list.
    pub parameters: Vec<(String, String)>,
    /// Method, authority and target that are signed.
    pub signed: [String; 3],
    changes: Vec<Change>,
}

enum Change {
    Set(String, String),
    Add(String, String),
    Remove(String),
}

impl Draft<'_> {
    pub fn created(self, seconds: i64) -> Self {
        self.parameter("created", &seconds.to_string())
    }

    pub fn nonce(self, nonce: &[u8]) -> Self {
        self.parameter("nonce", &format!("\"{}\"", BASE64_STANDARD.encode(nonce)))
    }

    /// A parameter with the value as it is to stand there; one that is there is changed, another is added.
    pub fn parameter(mut self, name: &str, value: &str) -> Self {
        match self.parameters.iter_mut().find(|(there, _)| there == name) {
            Some((_, there)) => *there = value.to_owned(),
            None => self.parameters.push((name.to_owned(), value.to_owned())),
        }
        self
    }

    pub fn without_parameter(mut self, name: &str) -> Self {
        self.parameters.retain(|(there, _)| there != name);
        self
    }

    /// Covers these components, given as they stand in the list.
    pub fn components(mut self, components: &[&str]) -> Self {
        self.components = components.iter().map(|&name| name.to_owned()).collect();
        self
    }

    pub fn label(mut self, label: &str) -> Self {
        self.label = label.to_owned();
        self
    }

    /// Signs another method, authority or target than those that are sent.
    pub fn signing(mut self, method: &str, authority: &str, target: &str) -> Self {
        self.signed = [method, authority, target].map(str::to_owned);
        self
    }

    /// After signing, `name` (any header, `Signature` too) has this value.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.changes.push(Change::Set(name.to_owned(), value.to_owned()));
        self
    }

    /// After signing, `name` stands there once more, with this value.
    pub fn another(mut self, name: &str, value: &str) -> Self {
        self.changes.push(Change::Add(name.to_owned(), value.to_owned()));
        self
    }

    /// After signing, `name` is not there.
    pub fn without(mut self, name: &str) -> Self {
        self.changes.push(Change::Remove(name.to_owned()));
        self
    }

    pub fn sign(mut self) -> SignedRequest {
        let input = self.signature_input();
        let base = self.base(&input);
        let signature = self.page.sign(&base);
        let encoded = BASE64_STANDARD.encode(signature);
        self.headers
            .push(("Signature-Input".to_owned(), format!("{}={input}", self.label)));
        self.headers
            .push(("Signature".to_owned(), format!("{}=:{encoded}:", self.label)));
        for change in self.changes {
            match change {
                Change::Set(name, value) => {
                    self.headers.retain(|(there, _)| !there.eq_ignore_ascii_case(&name));
                    self.headers.push((name, value));
                }
                Change::Add(name, value) => self.headers.push((name, value)),
                Change::Remove(name) => self.headers.retain(|(there, _)| !there.eq_ignore_ascii_case(&name)),
            }
        }
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        if self.method != "GET" && header(&self.headers, "Content-Length").is_none() {
            head += &format!("Content-Length: {}\r\n", self.body.len());
        }
        head += "\r\n";
        SignedRequest {
            head: head.into_bytes(),
            method: self.method,
            target: self.target,
            headers: self.headers,
            body: self.body,
            base,
            signature,
        }
    }

    fn signature_input(&self) -> String {
        let mut input = format!("({})", self.components.join(" "));
        for (name, value) in &self.parameters {
            input += &format!(";{name}={value}");
        }
        input
    }

    fn base(&self, input: &str) -> String {
        let [method, authority, target] = &self.signed;
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut base = String::new();
        for component in &self.components {
            let name = component.split('"').nth(1).unwrap_or_default();
            let value = match name {
                "@method" => method.clone(),
                "@authority" => authority.clone(),
                "@path" => path.to_owned(),
                "@query" => format!("?{query}"),
                "@request-target" => target.clone(),
                _ => header(&self.headers, name).unwrap_or_default().to_owned(),
            };
            base += &format!("{component}: {value}\n");
        }
        base + "\"@signature-params\": " + input
    }
}

/// A request as it is sent.
#[derive(Clone, Debug)]
pub struct SignedRequest {
    /// Request line and headers with the empty line behind them, ready for a socket; the body comes after it.
    pub head: Vec<u8>,
    pub method: String,
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// The text that was signed.
    pub base: String,
    /// r ‖ s.
    pub signature: [u8; 64],
}

impl SignedRequest {
    /// Head and body.
    pub fn bytes(&self) -> Vec<u8> {
        [&self.head[..], &self.body].concat()
    }
}

pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    since.as_secs().try_into().unwrap()
}

/// The ten bytes of a code.
pub fn read_code(code: &str) -> [u8; 10] {
    let digits = code.bytes().filter(|c| *c != b'-').map(|c| {
        let position = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ".iter().position(|digit| *digit == c);
        position.expect("a digit of Crockford's base 32")
    });
    let bits: String = digits.map(|value| format!("{value:05b}")).collect();
    let bytes: Vec<u8> = (0..bits.len() / 8)
        .map(|index| u8::from_str_radix(&bits[8 * index..8 * index + 8], 2).unwrap())
        .collect();
    bytes.try_into().expect("16 digits")
}

/// Each field with its length in front.
pub fn fields(fields: &[&[u8]]) -> Vec<u8> {
    let lengths = fields
        .iter()
        .map(|field| u32::try_from(field.len()).unwrap().to_be_bytes());
    lengths
        .zip(fields)
        .flat_map(|(length, field)| [&length[..], field].concat())
        .collect()
}

/// HMAC-SHA256 from the bare hash function (RFC 2104), for keys of at most 64 bytes.
pub fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut padded = [0; 64];
    padded[..key.len()].copy_from_slice(key);
    let inner = Sha256::digest([&padded.map(|byte| byte ^ 0x36)[..], message].concat());
    Sha256::digest([&padded.map(|byte| byte ^ 0x5c)[..], &inner].concat()).into()
}

fn uncompressed(key: &VerifyingKey) -> [u8; 65] {
    key.to_sec1_point(false).as_bytes().try_into().unwrap()
}
