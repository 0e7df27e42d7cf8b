//! The token endpoint. A client may ask for the algorithm of the signature and for a lifetime,
//! with the parameters `token_alg` and `token_lifetime`.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::access_token::{self, Grant, LIFETIME};
use super::answer::Answer;
use super::authorize::{self, Login};
use super::client::{self, ClientForm, Refusal, refusal};
use super::fault::Fault;
use super::received::Received;
use super::{Mark, Shared, Site, USERNAME, id_token, keys};

pub(super) const PATH: &str = "/token";
/// What both clients may ask for.
pub(super) const SCOPES: [&str; 2] = ["monitoring:health", "monitoring:detail"];
/// What a user may ask for as well, to get a refresh token (OpenID Connect Core §11).
const OFFLINE: &str = "offline_access";
/// All that goes with a user (§3.1.2.1, §5.4).
pub(super) const USER_SCOPES: [&str; 4] = ["openid", "profile", "email", OFFLINE];

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
/// The grants that are known.
pub(super) const GRANTS: [&str; 6] = [
    "authorization_code",
    "client_credentials",
    "password",
    "refresh_token",
    JWT_BEARER,
    TOKEN_EXCHANGE,
];

/// What a refresh token is good for.
pub(super) struct Refreshable {
    client: &'static str,
    sub: String,
    scope: String,
    /// The login by which it came.
    login: Option<Login>,
}

/// Who the token is about, and what the answer holds beside it.
struct Granted {
    sub: String,
    scope: String,
    refresh_token: Option<String>,
    issued_token_type: Option<&'static str>,
    login: Option<Login>,
}

pub(super) fn answer(site: &Site, request: &Received) -> Answer {
    client::answer(site, request, |form| issue(site, form))
}

fn issue(site: &Site, form: &ClientForm) -> Result<Answer, Refusal> {
    let granted = match form.one("grant_type") {
        Some("authorization_code") => code(site, form)?,
        Some("client_credentials") => plain(form.client, scope(form, false)?),
        Some("password") => password(site, form)?,
        Some("refresh_token") => refresh(site, form)?,
        Some(JWT_BEARER) => jwt_bearer(site, form)?,
        Some(TOKEN_EXCHANGE) => exchange(site, form)?,
        Some(_) => return Err(refusal("unsupported_grant_type", "this grant is not known")),
        None => return Err(refusal("invalid_request", "grant_type is missing")),
    };
    let mut audience = form.all(&["audience", "resource"]);
    if audience.is_empty() {
        audience.push(format!("{}/api", site.base));
    }
    let algorithm = form.one("token_alg").unwrap_or(keys::DEFAULT);
    let mut key = site.shared.ring.of(algorithm);
    let is_refresh = form.one("grant_type") == Some("refresh_token");
    let moved_on = [Fault::KeysRotatedJustNow, Fault::KeysRemovedTooEarly];
    let moved_on = moved_on.iter().any(|fault| site.shared.faults.is_on(*fault));
    let now = is_refresh && site.shared.faults.is_on(Fault::KeysRotatedBeforeRefresh);
    if moved_on || now {
        key = Some(site.shared.ring.spare());
    }
    let key = key.ok_or_else(|| refusal("invalid_request", "this token_alg is not known"))?;
    let lifetime = form.one("token_lifetime").map_or(Ok(LIFETIME), |lifetime| {
        lifetime
            .parse::<u32>()
            .map(u64::from)
            .map_err(|_| refusal("invalid_request", "token_lifetime is no number"))
    })?;
    let id = access_token::new_id();
    let grant = Grant {
        sub: &granted.sub,
        client: form.client,
        audience,
        scope: &granted.scope,
        lifetime,
        id: &id,
    };
    let mut token = access_token::issue(&site.base, &key, &grant);
    let mut newest = site.shared.newest.lock().unwrap_or_else(PoisonError::into_inner);
    if is_refresh && site.shared.faults.is_on(Fault::RefreshSameToken) {
        token.clone_from(&newest);
    }
    newest.clone_from(&token);
    drop(newest);
    site.shared.refreshed.store(is_refresh, Ordering::SeqCst);
    site.shared.key_sets.store(0, Ordering::SeqCst);
    let mut response = json!({
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": lifetime,
        "scope": granted.scope,
    });
    if let Some(refresh_token) = granted.refresh_token {
        response["refresh_token"] = refresh_token.into();
    }
    if let Some(issued) = granted.issued_token_type {
        response["issued_token_type"] = issued.into();
    }
    if let Some(login) = &granted.login {
        authorize::remember(&site.shared, &login.code, id);
        if granted.scope.split(' ').any(|word| word == "openid") {
            let who = (granted.sub.as_str(), form.client);
            response["id_token"] = id_token::issue(&site.base, &key, who, login, &token).into();
        }
    }
    Ok(client::not_stored(Answer::json(StatusCode::OK, &response)))
}

fn plain(sub: &str, scope: String) -> Granted {
    Granted {
        sub: sub.to_owned(),
        scope,
        refresh_token: None,
        issued_token_type: None,
        login: None,
    }
}

/// Whether every word of a scope is one that a user may grant.
pub(super) fn is_for_users(scope: &str) -> bool {
    scope
        .split(' ')
        .all(|word| word.is_empty() || SCOPES.contains(&word) || USER_SCOPES.contains(&word))
}

fn is_offline(scope: &str) -> bool {
    scope.split(' ').any(|word| word == OFFLINE)
}

/// RFC 6749 §4.1.3.
fn code(site: &Site, form: &ClientForm) -> Result<Granted, Refusal> {
    let login = authorize::redeem(site, form)?;
    let scope = login.scope.clone();
    // The nonce belongs to the first ID token alone (OpenID Connect Core §12.2).
    let later = Login { nonce: None, ..login.clone() };
    let refresh_token = is_offline(&scope)
        .then(|| refreshable(&site.shared, form.client, USERNAME, &scope, Some(later)));
    Ok(Granted { refresh_token, login: Some(login), ..plain(USERNAME, scope) })
}

fn scope(form: &ClientForm, offline: bool) -> Result<String, Refusal> {
    let allowed = |word: &str| SCOPES.contains(&word) || offline && word == OFFLINE;
    match form.one("scope") {
        None => Ok(SCOPES.join(" ")),
        Some(scope) if scope.split(' ').all(allowed) => Ok(scope.to_owned()),
        Some(_) => Err(refusal("invalid_scope", "the client may not have this scope")),
    }
}

fn needed<'a>(form: &'a ClientForm, name: &str) -> Result<&'a str, Refusal> {
    form.one(name).ok_or_else(|| refusal("invalid_request", "a parameter of the grant is missing"))
}

/// RFC 6749 §4.3.
fn password(site: &Site, form: &ClientForm) -> Result<Granted, Refusal> {
    let (user, password) = (needed(form, "username")?, needed(form, "password")?);
    if (user, password) != (USERNAME, &site.shared.credentials.password) {
        return Err(refusal("invalid_grant", "unknown user, or a wrong password"));
    }
    let scope = scope(form, true)?;
    let refresh_token =
        is_offline(&scope).then(|| refreshable(&site.shared, form.client, USERNAME, &scope, None));
    Ok(Granted { refresh_token, ..plain(USERNAME, scope) })
}

/// A new refresh token.
pub(super) fn refreshable(
    shared: &Shared,
    client: &'static str,
    sub: &str,
    scope: &str,
    login: Option<Login>,
) -> String {
    let token = Mark::Refresh.random();
    let held = Refreshable { client, sub: sub.to_owned(), scope: scope.to_owned(), login };
    let mut all = shared.refreshable.lock().unwrap_or_else(PoisonError::into_inner);
    all.insert(token.clone(), held);
    token
}

/// Revokes a refresh token.
pub(super) fn forget(shared: &Shared, token: &str) {
    shared.refreshable.lock().unwrap_or_else(PoisonError::into_inner).remove(token);
}

/// Revokes these access tokens, and all refresh tokens that came by a code.
pub(super) fn revoke_all(shared: &Shared, code: &str, access_tokens: Vec<String>) {
    let mut refreshable = shared.refreshable.lock().unwrap_or_else(PoisonError::into_inner);
    let is_of = |held: &Refreshable| held.login.as_ref().is_some_and(|login| login.code == code);
    refreshable.retain(|_, held| !is_of(held));
    let mut revoked = shared.revoked.lock().unwrap_or_else(PoisonError::into_inner);
    revoked.extend(access_tokens);
}

/// RFC 6749 §6.
fn refresh(site: &Site, form: &ClientForm) -> Result<Granted, Refusal> {
    let token = needed(form, "refresh_token")?;
    let mut all = site.shared.refreshable.lock().unwrap_or_else(PoisonError::into_inner);
    let held = all.get(token).filter(|held| held.client == form.client);
    let held = held.ok_or_else(|| refusal("invalid_grant", "no such refresh token"))?;
    let scope = match form.one("scope") {
        None => held.scope.clone(),
        Some(scope)
            if scope.split(' ').all(|word| held.scope.split(' ').any(|had| had == word)) =>
        {
            scope.to_owned()
        }
        Some(_) => return Err(refusal("invalid_scope", "more scope than there was")),
    };
    let granted = Granted { login: held.login.clone(), ..plain(&held.sub, scope) };
    if !site.shared.faults.is_on(Fault::TokenRotatesRefresh) {
        return Ok(granted);
    }
    let held = all.remove(token);
    drop(all);
    let refresh_token =
        held.map(|held| refreshable(&site.shared, held.client, &held.sub, &held.scope, held.login));
    Ok(Granted { refresh_token, ..granted })
}

/// Claims of an assertion (RFC 7523 §3).
#[derive(Deserialize)]
struct Assertion {
    iss: String,
    sub: String,
    aud: String,
    exp: u64,
}

const PARTNER: &str = "https://partner.example";

/// What a partner says of the user to the provider at this URL.
pub(super) fn assertion(base: &str) -> String {
    let header = json!({"alg": "EdDSA"});
    let claims = json!({
        "iss": PARTNER,
        "sub": USERNAME,
        "aud": format!("{base}{PATH}"),
        "exp": keys::now() + 3600,
    });
    keys::partner().sign(header.as_object().expect("an object"), &claims.to_string())
}

/// RFC 7523 §2.1.
fn jwt_bearer(site: &Site, form: &ClientForm) -> Result<Granted, Refusal> {
    let claims = asserted(needed(form, "assertion")?).filter(|claims| {
        claims.iss == PARTNER
            && claims.aud == format!("{}{PATH}", site.base)
            && claims.exp > keys::now()
    });
    let claims =
        claims.ok_or_else(|| refusal("invalid_grant", "the assertion is expired or forged"))?;
    Ok(plain(&claims.sub, scope(form, false)?))
}

/// The claims of an assertion that the partner signed.
fn asserted(assertion: &str) -> Option<Assertion> {
    let (message, signature) = assertion.rsplit_once('.')?;
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    if !keys::partner().verifies(message.as_bytes(), &signature) {
        return None;
    }
    let (_, claims) = message.split_once('.')?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
}

/// RFC 8693 §2.
fn exchange(site: &Site, form: &ClientForm) -> Result<Granted, Refusal> {
    let token = needed(form, "subject_token")?;
    if ![ACCESS_TOKEN, JWT].contains(&needed(form, "subject_token_type")?) {
        return Err(refusal("invalid_request", "tokens of this type are not exchanged"));
    }
    // Of a bad token §2.2.2 says invalid_request, too.
    let claims = access_token::verify(site, token)
        .map_err(|_| refusal("invalid_request", "the subject token is expired or forged"))?;
    let granted = plain(&claims.sub, scope(form, false)?);
    Ok(Granted { issued_token_type: Some(ACCESS_TOKEN), ..granted })
}
