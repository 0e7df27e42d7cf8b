//! The prober `oauth_authcode`: every way in which a login goes through, what it sends and where,
//! and what keeps an account from being locked.

mod by_hand;
mod cost;
mod goodbye;
mod once;
mod provider;
mod refused;
mod ways;

use crate::exporter::Exporter;
use crate::provider::{Credentials, Provider, Seen};
use crate::scrape::Metrics;

/// Codes change so fast that a test can wait for the next one.
const PERIOD: u64 = 2;

async fn start() -> Provider {
    let credentials = Credentials { totp_period: PERIOD, ..Credentials::random() };
    Provider::start_with(credentials, ([127, 0, 0, 1], 0).into()).await.unwrap()
}

/// A block with what the provider accepts in the place of these names, and what all have.
fn block(provider: &Provider, text: &str) -> String {
    let credentials = provider.credentials();
    let totp = format!(
        "'otpauth://totp/demo?secret={}&period={}'",
        credentials.totp_secret, credentials.totp_period
    );
    let text = text
        .replace("$monitor", "client: {id: monitor, secret: $secret}")
        .replace("$public", "client: {id: monitor-public, auth: none}")
        .replace("$openid", "scopes: [openid, profile, offline_access]")
        .replace("$user", "username: demo-user, password: $password, consent: accept")
        .replace("$secret", &credentials.client_secret)
        .replace("$password", &credentials.password)
        .replace("$totp", &totp)
        .replace("$url", provider.url());
    if text.contains("redirect_uri") {
        text
    } else {
        format!("redirect_uri: 'https://app.example.com/callback', {text}")
    }
}

/// A module of this block.
fn module(provider: &Provider, text: &str) -> String {
    format!(
        "{{prober: oauth_authcode, targets: ['{}'], oauth_authcode: {{{}}}}}",
        provider.url(),
        block(provider, text)
    )
}

/// Probes a module that nobody probed before.
async fn probe(provider: &Provider, text: &str) -> Metrics {
    let exporter = Exporter::start(&format!("modules: {{m: {}}}", module(provider, text))).await;
    exporter.probe("m", provider.url(), 20.0).await
}

/// The requests that carry this value.
fn carrying(provider: &Provider, value: &str) -> Vec<Seen> {
    let holds = |seen: &Seen| seen.secrets.iter().any(|secret| secret.contains(value));
    provider.seen().into_iter().filter(holds).collect()
}
