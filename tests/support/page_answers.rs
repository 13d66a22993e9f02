//! How a page checks what the bridge answers.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use p256::ecdsa::signature::Verifier as _;
use p256::ecdsa::{Signature, VerifyingKey};
use sha2::{Digest as _, Sha256};

/// That the bridge with this key gave this answer to the request with this signature. Gives the signed text.
///
/// # Errors
/// What is wrong.
pub fn verify_answer(
    bridge_key: &[u8; 65],
    request: &[u8; 64],
    status: u16,
    headers: &[(String, String)],
    body: &[u8],
) -> Result<String, String> {
    let once = |name: &str| {
        let mut values = headers.iter().filter(|(there, _)| there.eq_ignore_ascii_case(name));
        match (values.next(), values.next()) {
            (Some((_, value)), None) => Ok(value.as_str()),
            (None, _) => Err(format!("no {name}")),
            (Some(_), Some(_)) => Err(format!("{name} twice")),
        }
    };
    let content_type = header(headers, "Content-Type").unwrap_or_default();
    let json = ["application/json", "application/problem+json"]
        .contains(&content_type.split(';').next().unwrap_or_default().trim());

    let mut covered = r#"("@status" "signature";req;key="saltbridge""#.to_owned();
    let mut base = format!(
        "\"@status\": {status}\n\"signature\";req;key=\"saltbridge\": :{}:\n",
        BASE64_STANDARD.encode(request)
    );
    if json {
        let digest = once("Content-Digest")?;
        if digest != content_digest(body) {
            return Err("the digest is another body's".to_owned());
        }
        covered += " \"content-digest\"";
        base += &format!("\"content-digest\": {digest}\n");
    }
    covered.push(')');

    let input = once("Signature-Input")?;
    let parameters = input
        .strip_prefix("saltbridge=")
        .and_then(|rest| rest.strip_prefix(&covered))
        .ok_or(format!("other components: {input}"))?;
    let end = format!(";keyid=\"{}\";tag=\"saltbridge-answer\"", key_id(bridge_key));
    let created = parameters
        .strip_prefix(";created=")
        .and_then(|rest| rest.strip_suffix(&end))
        .ok_or(format!("other parameters: {parameters}"))?;
    if created.is_empty() || !created.bytes().all(|c| c.is_ascii_digit()) {
        return Err(format!("created is {created}"));
    }
    base += &format!("\"@signature-params\": {covered}{parameters}");

    let signature = once("Signature")?
        .strip_prefix("saltbridge=:")
        .and_then(|rest| rest.strip_suffix(':'))
        .ok_or("no signature under the label saltbridge")?;
    let signature = BASE64_STANDARD.decode(signature).map_err(|error| error.to_string())?;
    let signature = Signature::from_slice(&signature).map_err(|error| error.to_string())?;
    let key = VerifyingKey::from_sec1_bytes(bridge_key).map_err(|error| error.to_string())?;
    key.verify(base.as_bytes(), &signature)
        .map_err(|_| "the answer's signature does not verify".to_owned())?;
    Ok(base)
}

pub fn content_digest(body: &[u8]) -> String {
    format!("sha-256=:{}:", BASE64_STANDARD.encode(Sha256::digest(body)))
}

pub fn key_id(public_key: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(public_key))
}

/// The first value of a header.
pub fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = headers.iter().find(|(there, _)| there.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.as_str())
}
