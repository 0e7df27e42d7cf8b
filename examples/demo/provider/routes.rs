//! Which service answers a path, and which fault stands in its way.

use std::sync::PoisonError;

use http::StatusCode;

use super::answer::Answer;
use super::fault::{Fault, Service};
use super::received::Received;
use super::server::Closed;
use super::{
    Seen, Site, account, api, authorize, consent, echo, introspection, login, logout, metadata,
    misbehaviour, saml, sign_on, status_page, switches, token, userinfo,
};

pub(super) async fn answer(site: &Site, request: &Received) -> Result<Answer, Closed> {
    if switches::is_asked(request) {
        return Ok(switches::answer(&site.shared.faults, request));
    }
    record(site, request);
    let (service, good) = match request.path() {
        metadata::OPENID_CONNECT | metadata::OAUTH => {
            (Service::Discovery, metadata::document(site))
        }
        metadata::JWKS => (Service::Keys, metadata::key_set(site)),
        authorize::PATH => authorize::answer(site, request),
        authorize::PUSHED_PATH => (Service::Pushed, authorize::push(site, request)),
        path if path.starts_with(login::FOLDER) => login::answer(site, request),
        consent::PATH => consent::answer(site, request),
        userinfo::PATH => (Service::Userinfo, userinfo::answer(site, request)),
        logout::PATH => (Service::Logout, logout::answer(site, request)),
        token::PATH => (Service::Token, token::answer(site, request)),
        introspection::PATH => (Service::Introspection, introspection::answer(site, request)),
        introspection::REVOCATION_PATH => (Service::Revocation, revoke(site, request)),
        api::PATH => (Service::Api, api::answer(site, request)),
        account::PATH => (Service::Account, account::answer(site, request)),
        account::KEY_PATH => (Service::KeyInfo, account::key_info(site, request)),
        sign_on::SSO => (Service::SamlSso, sign_on::sso(site, request)),
        sign_on::LOGIN => (Service::SamlResponse, sign_on::login(site, request)),
        sign_on::ACS => (Service::SamlAcs, sign_on::acs(site, request)),
        status_page::PATH => (Service::StatusPage, status_page::statuspage(None)),
        status_page::FEED_PATH => (Service::StatusPage, status_page::feed(None)),
        saml::METADATA => (Service::SamlMetadata, saml::metadata(site)),
        // Whoever comes here has to sign in first: it says so with 200, as login pages do.
        "/login" => (Service::Everything, Answer::html(StatusCode::OK, "Sign in")),
        _ => (Service::Everything, Answer::text(StatusCode::NOT_FOUND, "Not found\n")),
    };
    match site.shared.faults.of(service) {
        Some(fault) => misbehaviour::apply(fault, site, request, good).await,
        None => Ok(good),
    }
}

fn revoke(site: &Site, request: &Received) -> Answer {
    let effective = !site.shared.faults.is_on(Fault::RevocationIneffective);
    introspection::revoke(site, request, effective)
}

fn record(site: &Site, request: &Received) {
    let seen = Seen {
        site: site.base.clone(),
        line: format!("{} {}", request.method, request.uri),
        secrets: echo::secrets(request),
    };
    site.shared.seen.lock().unwrap_or_else(PoisonError::into_inner).push(seen);
}
