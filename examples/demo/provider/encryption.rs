//! Encrypted tokens: compact JWE (RFC 7516 §7.1) with RSA-OAEP-256 and A256GCM.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use super::{keys, random};

/// A signed token inside an encrypted one, which says so (RFC 7519 §5.2), or claims.
pub(super) fn encrypt(content: &str, content_type: Option<&str>) -> String {
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let (_, public) = keys::encryption();
    let public = PublicEncryptingKey::from_der(public).expect("our own key");
    let public = OaepPublicEncryptingKey::new(public).expect("our own key");
    let (content_key, nonce) = (random::<32>(), random::<12>());
    let mut wrapped = vec![0; public.ciphertext_size()];
    public.encrypt(&OAEP_SHA256_MGF1SHA256, &content_key, &mut wrapped, None).expect("a short key");
    let mut header = json!({"alg": "RSA-OAEP-256", "enc": "A256GCM"});
    if let Some(content_type) = content_type {
        header["cty"] = content_type.into();
    }
    let header = text(header.to_string().as_bytes());
    let cipher = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &content_key).expect("32 bytes"));
    let mut content = content.as_bytes().to_vec();
    let tag = cipher
        .seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(header.as_bytes()),
            &mut content,
        )
        .expect("a short token");
    [header, text(&wrapped), text(&nonce), text(&content), text(tag.as_ref())].join(".")
}
