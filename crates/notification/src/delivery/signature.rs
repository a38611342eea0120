//! Signatures of Standard Webhooks 1.0.0: `v1,` and base64 of HMAC-SHA256 over
//! `id.timestamp.body`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;

/// A signing secret, `whsec_` and base64 of 24 to 64 bytes.
pub(crate) struct Secret(hmac::Key);

impl Secret {
    /// Reads a secret; `None` when it is not one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes = STANDARD.decode(text.strip_prefix("whsec_")?).ok()?;
        (24..=64).contains(&bytes.len()).then(|| Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }

    fn sign(&self, content: &[u8]) -> String {
        format!("v1,{}", STANDARD.encode(hmac::sign(&self.0, content)))
    }
}

/// The `webhook-signature` header: one signature per secret, so that a receiver can know either
/// while a secret is being changed. `timestamp` is that of the attempt, in unix seconds.
pub(crate) fn header(secrets: &[Secret], id: &str, timestamp: i64, body: &[u8]) -> String {
    let mut content = format!("{id}.{timestamp}.").into_bytes();
    content.extend_from_slice(body);
    secrets.iter().map(|secret| secret.sign(&content)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's own libraries.
    #[test]
    fn agrees_with_the_reference_implementation() {
        let secret = Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let header = header(
            &[secret],
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            br#"{"test": 2432232314}"#,
        );
        assert_eq!(header, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn short_or_foreign_secrets_are_refused() {
        assert!(Secret::parse("whsec_AAAA").is_none());
        assert!(Secret::parse("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").is_none());
    }
}
