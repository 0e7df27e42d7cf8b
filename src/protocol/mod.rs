//! The protocols as pure functions: bytes, URLs and a given entropy in, values or
//! typed errors out. No async, socket, file, clock or randomness.
//!
//! Each error names the clause that it enforces; which failure reason it becomes
//! is decided in the steps room.

pub mod apikey;
pub mod authorization;
pub mod certificate;
pub mod challenge;
pub mod claims;
pub mod client_assertion;
pub mod expiry;
pub mod hex;
pub mod html;
pub mod id_token;
pub mod jose;
pub mod json;
pub mod login;
pub mod metadata;
pub mod oauth;
pub mod placeholders;
pub mod saml;
pub mod status_page;
pub mod totp;
pub mod xml;
