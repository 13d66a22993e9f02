//! The worked example of docs/bridge-protocol.md: `cargo run --example bridge_protocol_example`.
//!
//! The page is the tests' own implementation (tests/support/page.rs), the bridge is the library: each checks what the
//! other made. Both keys are SHA-256 of a word, so everybody has them.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, unreachable_pub)]

#[path = "../tests/support/page.rs"]
mod page;

use http::HeaderName;
use p256::pkcs8::{EncodePrivateKey as _, LineEnding};
use page::{Body, Draft, Page, SignedRequest, fields, read_code};
use saltbridge::bridge::protocol::{
    Code, Identity, PageKey, Pairing, PairingAnswer, PairingRequest, RequestSignature, Scopes, body_digest,
    content_digest,
};
use serde_json::json;
use sha2::{Digest as _, Sha256};

const ORIGIN: &str = "https://numerbay.ai";
const AUTHORITY: &str = "127.0.0.1:21730";
const CODE: &str = "0123-4567-89AB-CDEF";
const CREATED: i64 = 1_800_000_000;

fn main() {
    print!("{}", text());
}

/// The whole example, as it stands in docs/bridge-protocol.md.
pub fn text() -> String {
    let page_scalar: [u8; 32] = Sha256::digest("page").into();
    let bridge_scalar: [u8; 32] = Sha256::digest("bridge").into();
    let mut page = Page::with_key(ORIGIN, AUTHORITY, &page_scalar);
    let secret = p256::SecretKey::from_slice(&bridge_scalar).unwrap();
    let bridge = Identity::from_pem(&secret.to_pkcs8_pem(LineEnding::LF).unwrap()).unwrap();
    let mut out = String::from("### Keys\n\n```text\n");
    for (whose, scalar, key) in
        [("page", page_scalar, page.public_key()), ("bridge", bridge_scalar, bridge.public_key())]
    {
        let key = PageKey::from_bytes(&key).unwrap();
        let mut line = |what: &str, value: &str| out += &format!("{:28}{value}\n", format!("{whose}'s {what}"));
        line("private key (hex)", &hex(&scalar));
        line("key (hex)", &hex(key.as_bytes()));
        line("key (base64)", &key.to_string());
        line("key ID", &key.key_id().to_string());
    }
    out += "```\n\n### Pairing\n\n";
    out += &pairing(&mut page, &bridge);
    out += "### A call without a body\n\n";
    let status = draft(&page, "GET", "/v1/status", Body::None, 2).sign();
    let body = json!({"version": "0.1.0"}).to_string();
    out += &call(&page, &bridge, &status, &body);
    out += "### A call with a query and an answer that is no JSON\n\n";
    let sealed = Body::Bytes(b"plain".to_vec());
    let encrypt = draft(&page, "POST", "/v1/encrypt?public_key=a%2Bb%3D", sealed, 3).sign();
    out += &request(&page, &encrypt);
    out += &answer(&page, &bridge, &encrypt, "application/octet-stream", b"sealed");
    out.truncate(out.len() - 1);
    out
}

fn pairing(page: &mut Page, bridge: &Identity) -> String {
    let code: Code = CODE.parse().unwrap();
    let (origin, page_key) = (ORIGIN.parse().unwrap(), PageKey::from_bytes(&page.public_key()).unwrap());
    let pairing = Pairing {
        origin: &origin,
        authority: AUTHORITY,
        page_key: &page_key,
    };
    let input = fields(&[b"saltbridge pairing v1 page", ORIGIN.as_bytes(), AUTHORITY.as_bytes(), &page.public_key()]);
    let mut out = format!(
        "```text\ncode                          {CODE}\ncode's bytes (hex)            {}\nfields of the page's proof    {}\npage's proof (hex)            {}\n```\n\n",
        hex(&read_code(CODE)),
        hex(&input),
        hex(pairing.page_proof(&code).as_bytes()),
    );
    let signed = draft(page, "POST", "/v1/pairings", Body::Json(page.pairing_body(CODE)), 1).sign();
    let sent: PairingRequest = serde_json::from_slice(&signed.body).unwrap();
    assert!(sent.proof == pairing.page_proof(&code) && sent.public_key == page_key);
    out += &request(page, &signed);

    let scopes = Scopes::default();
    let names = scopes.to_string();
    let mut list = vec![b"saltbridge pairing v1 bridge".as_slice(), ORIGIN.as_bytes(), AUTHORITY.as_bytes()];
    let bridge_key = bridge.public_key();
    list.extend([page_key.as_bytes().as_slice(), &bridge_key]);
    list.extend(names.split(',').map(str::as_bytes));
    let proof = pairing.bridge_proof(&code, &bridge.key(), &scopes);
    out += &format!(
        "```text\nfields of the bridge's proof  {}\nbridge's proof (hex)          {}\n```\n\n",
        hex(&fields(&list)),
        hex(proof.as_bytes()),
    );
    let body = PairingAnswer {
        public_key: bridge.key(),
        scopes,
        proof,
    };
    let body = serde_json::to_vec(&body).unwrap();
    let headers = signed_headers(bridge, &signed, "application/json", &body);
    let granted = page.pair(CODE, &signed, 200, &headers, &body).unwrap();
    assert_eq!(granted.join(","), names);
    out + &answer(page, bridge, &signed, "application/json", &body)
}

fn call(page: &Page, bridge: &Identity, signed: &SignedRequest, body: &str) -> String {
    request(page, signed) + &answer(page, bridge, signed, "application/json", body.as_bytes())
}

fn draft<'a>(page: &'a Page, method: &str, target: &str, body: Body, number: u8) -> Draft<'a> {
    page.draft(method, target, body)
        .created(CREATED + i64::from(number))
        .nonce(&[number; 16])
}

/// A request that the bridge accepts: the signed text, and what is sent.
fn request(page: &Page, signed: &SignedRequest) -> String {
    let mut parts = http::Request::builder()
        .method(signed.method.as_str())
        .uri(&signed.target);
    for (name, value) in &signed.headers {
        parts = parts.header(name.parse::<HeaderName>().unwrap(), value);
    }
    let has_json = signed.headers.iter().any(|(_, value)| value == "application/json");
    let parts = parts.body(()).unwrap().into_parts().0;
    let signature = RequestSignature::parse(&parts, has_json).unwrap();
    let key = PageKey::from_bytes(&page.public_key()).unwrap();
    signature.verify(AUTHORITY, &key).unwrap();
    assert!(!has_json || signature.check_body(&signed.body).is_ok());

    let head = String::from_utf8(signed.head.clone()).unwrap().replace("\r\n", "\n");
    let body = String::from_utf8(signed.body.clone()).unwrap();
    format!(
        "The page signs\n\n```text\n{}\n```\n\nand sends\n\n```http\n{}```\n\n",
        signed.base,
        if body.is_empty() {
            head.trim_end().to_owned() + "\n"
        } else {
            head + &body + "\n"
        }
    )
}

fn signed_headers(bridge: &Identity, signed: &SignedRequest, content_type: &str, body: &[u8]) -> Vec<(String, String)> {
    let digest = (content_type == "application/json").then(|| body_digest(body));
    let signature = bridge.sign_answer(200, &signed.signature, digest, CREATED + 5);
    let mut headers = vec![("Content-Type", content_type.to_owned())];
    headers.extend(digest.map(|digest| ("Content-Digest", text_of(&content_digest(&digest)))));
    headers.push(("Signature-Input", text_of(&signature.signature_input)));
    headers.push(("Signature", text_of(&signature.signature)));
    headers
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// An answer that the page accepts: the signed text, and what is sent.
fn answer(page: &Page, bridge: &Identity, signed: &SignedRequest, content_type: &str, body: &[u8]) -> String {
    let headers = signed_headers(bridge, signed, content_type, body);
    let base = page.verify(signed, 200, &headers, body).unwrap();
    let mut out = format!("The bridge signs\n\n```text\n{base}\n```\n\nand answers\n\n```http\nHTTP/1.1 200 OK\n");
    for (name, value) in headers {
        out += &format!("{name}: {value}\n");
    }
    out + "\n" + std::str::from_utf8(body).unwrap() + "\n```\n\n"
}

fn text_of(value: &http::HeaderValue) -> String {
    value.to_str().unwrap().to_owned()
}

fn hex(bytes: &[u8]) -> String {
    base16ct::lower::encode_string(bytes)
}
