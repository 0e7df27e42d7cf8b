//! Sign-on by SAML: the endpoint of the identity provider, its login page and the response that
//! it sends (SAML profiles §4.1); and the service provider that takes it.

use std::io::Read;
use std::sync::PoisonError;

use auth_exporter::protocol::saml::time;
use auth_exporter::protocol::xml::signature::{Options, PublicKey, Signer, sign, verify};
use auth_exporter::protocol::xml::{Document, Limits};
use aws_lc_rs::rand::SystemRandom;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use flate2::read::DeflateDecoder;
use http::header::LOCATION;
use http::{Method, StatusCode};

use super::answer::Answer;
use super::fault::{Fault, Service};
use super::received::Received;
use super::{Mark, Site, USERNAME, client, keys, page, random, saml};

pub(super) const SSO: &str = "/saml/sso";
/// Where the login page posts to.
pub(super) const LOGIN: &str = "/saml/login";
pub(super) const ACS: &str = "/saml/acs";

/// What the service provider asked for.
struct Asked {
    id: String,
    acs_url: String,
    issuer: String,
}

/// Takes a request by either binding and shows the login page.
pub(super) fn sso(site: &Site, request: &Received) -> Answer {
    let parameters = if request.method == Method::POST { request.form() } else { request.query() };
    let relay_state = client::one(&parameters, "RelayState").unwrap_or_default();
    let Some(asked) = read(request, &parameters) else {
        return page::plain(
            StatusCode::BAD_REQUEST,
            "Error",
            "This request is none, or not signed.",
        );
    };
    if asked.issuer != sp(site) || asked.acs_url != acs_url(site) {
        return page::plain(StatusCode::FORBIDDEN, "Error", "This service provider is not known.");
    }
    login_page(&asked.id, relay_state, None)
}

fn login_page(id: &str, relay_state: &str, wrong: Option<&str>) -> Answer {
    let wrong = wrong.map(|text| format!("<p>{text}</p>")).unwrap_or_default();
    let form = format!(
        "{wrong}<form method=\"post\" action=\"{LOGIN}\">{}{}\
         <label>Name <input name=\"username\" autocomplete=\"username\"></label>\
         <label>Password <input type=\"password\" name=\"password\"></label>\
         <button>Sign in</button></form>",
        page::hidden("request", id),
        page::hidden("relay", relay_state),
    );
    page::html(StatusCode::OK, "Sign in", &form)
}

/// The ID of a request that the service provider signed.
fn read(request: &Received, parameters: &[(String, String)]) -> Option<Asked> {
    let message = STANDARD.decode(client::one(parameters, "SAMLRequest")?).ok()?;
    let public = PublicKey::from_certificate(&saml::PARTNER.der).ok()?;
    let by_form = request.method == Method::POST;
    let text = if by_form {
        message
    } else {
        let mut text = Vec::new();
        DeflateDecoder::new(message.as_slice()).take(1 << 20).read_to_end(&mut text).ok()?;
        text
    };
    let document = Document::parse(&text, Limits::DOCUMENT).ok()?;
    let root = document.root();
    if by_form {
        verify(root, &[public], Options::default()).ok()?;
    } else {
        // What is signed is the query up to its signature (SAML bindings §3.4.4.1).
        let (signed, _) = request.uri.query()?.split_once("&Signature=")?;
        let signature = STANDARD.decode(client::one(parameters, "Signature")?).ok()?;
        saml::PARTNER.verifies(signed.as_bytes(), &signature).then_some(())?;
    }
    let issuer = root.child("urn:oasis:names:tc:SAML:2.0:assertion", "Issuer")?;
    Some(Asked {
        id: root.attribute("ID")?.to_owned(),
        acs_url: root.attribute("AssertionConsumerServiceURL")?.to_owned(),
        issuer: issuer.text()?,
    })
}

fn sp(site: &Site) -> String {
    format!("{}/saml/sp", site.base)
}

fn acs_url(site: &Site) -> String {
    format!("{}{ACS}", site.base)
}

/// Takes name and password, and sends the browser on with the response.
pub(super) fn login(site: &Site, request: &Received) -> Answer {
    let form = request.form();
    let one = |name| client::one(&form, name).unwrap_or_default();
    let (id, relay_state) = (one("request"), one("relay"));
    let good = one("username") == USERNAME && one("password") == site.shared.credentials.password;
    if !good {
        return login_page(id, relay_state, Some("Wrong name or password."));
    }
    let fault = site.shared.faults.of(Service::SamlResponse);
    let response = STANDARD.encode(response(site, id, fault));
    let mut fields = vec![("SAMLResponse", response.as_str())];
    if fault != Some(Fault::SamlRelayStateLost) {
        fields.push(("RelayState", relay_state));
    }
    let elsewhere = format!("{}{ACS}", site.other);
    let to = acs_url(site);
    let to = if fault == Some(Fault::SamlResponseElsewhere) { &elsewhere } else { &to };
    page::form_post(to, fields.into_iter())
}

/// A response about the user, in which one thing may be wrong.
fn response(site: &Site, request: &str, fault: Option<Fault>) -> String {
    let is = |other: Fault| fault == Some(other);
    let id = || format!("_{}", URL_SAFE_NO_PAD.encode(random::<16>()));
    #[allow(clippy::cast_precision_loss)] // seconds of this age
    let at = |seconds: i64| time::format(keys::now() as f64 + seconds as f64);
    let (response_id, assertion_id, issued) = (id(), id(), at(0));
    let (idp, sp) = (format!("{}/saml/idp", site.base), sp(site));
    let says = if is(Fault::SamlResponseOtherIssuer) { &sp } else { &idp };
    let audience = if is(Fault::SamlResponseOtherAudience) { &idp } else { &sp };
    let request = if is(Fault::SamlResponseOtherRequest) { "_another" } else { request };
    let acs = acs_url(site);
    let recipient = if is(Fault::SamlResponseOtherRecipient) { &idp } else { &acs };
    let (from, until) = match fault {
        Some(Fault::SamlResponseExpired) => (at(-900), at(-600)),
        Some(Fault::SamlResponseNotYetValid) => (at(600), at(900)),
        _ => (at(-5), at(300)),
    };
    let issued = if is(Fault::SamlResponseIssuedInFuture) { at(600) } else { issued };
    let status = "urn:oasis:names:tc:SAML:2.0:status:";
    let code = if is(Fault::SamlResponseFailed) {
        format!(
            "<samlp:StatusCode Value=\"{status}Responder\"><samlp:StatusCode \
             Value=\"{status}NoAuthnContext\"/></samlp:StatusCode>"
        )
    } else {
        format!("<samlp:StatusCode Value=\"{status}Success\"/>")
    };
    let statement = if is(Fault::SamlResponseNoStatement) {
        String::new()
    } else {
        format!(
            "<saml:AuthnStatement AuthnInstant=\"{issued}\" SessionIndex=\"1\"><saml:AuthnContext>\
             <saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:\
             PasswordProtectedTransport</saml:AuthnContextClassRef></saml:AuthnContext>\
             </saml:AuthnStatement>"
        )
    };
    let name = if is(Fault::SamlResponseBlankName) { " " } else { USERNAME };
    let before = format!(
        "<samlp:Response xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
         xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"{response_id}\" \
         Version=\"2.0\" IssueInstant=\"{issued}\" Destination=\"{acs}\" \
         InResponseTo=\"{request}\"><saml:Issuer>{says}</saml:Issuer>\
         <samlp:Status>{code}</samlp:Status><saml:Assertion ID=\"{assertion_id}\" \
         Version=\"2.0\" IssueInstant=\"{issued}\"><saml:Issuer>{says}</saml:Issuer>"
    );
    let after = format!(
        "<saml:Subject><saml:NameID>{name}</saml:NameID><saml:SubjectConfirmation \
         Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\"><saml:SubjectConfirmationData \
         InResponseTo=\"{request}\" Recipient=\"{recipient}\" NotOnOrAfter=\"{until}\"/>\
         </saml:SubjectConfirmation></saml:Subject>\
         <saml:Conditions NotBefore=\"{from}\" NotOnOrAfter=\"{until}\"><saml:AudienceRestriction>\
         <saml:Audience>{audience}</saml:Audience></saml:AudienceRestriction></saml:Conditions>\
         {statement}<saml:AttributeStatement><saml:Attribute Name=\"urn:oid:0.9.2342.19200300.100.1.3\" \
         FriendlyName=\"mail\"><saml:AttributeValue>{USERNAME}@example.com</saml:AttributeValue>\
         </saml:Attribute></saml:AttributeStatement></saml:Assertion></samlp:Response>"
    );
    if is(Fault::SamlResponseUnsigned) {
        return before + &after;
    }
    let key = if is(Fault::SamlResponseForeignKey) {
        saml::PARTNER.signing_key()
    } else {
        site.shared.federation.idp_signing_key()
    };
    let random = SystemRandom::new();
    let signed = sign(&before, &after, &assertion_id, &Signer::new(&key), &random);
    let signed = signed.expect("a document with this ID");
    match fault {
        Some(Fault::SamlResponseTampered) => signed.replacen("@example.com", "@example.org", 1),
        Some(Fault::SamlResponseCommented) => {
            signed.replacen("@example.com", "@<!-- -->example.com", 1)
        }
        _ => signed,
    }
}

/// The service provider: a response begins a session, once.
pub(super) fn acs(site: &Site, request: &Received) -> Answer {
    let form = request.form();
    let response = client::one(&form, "SAMLResponse").unwrap_or_default();
    let faults = &site.shared.faults;
    if faults.is_on(Fault::SamlAcsAlike) {
        let cookie = format!("visitor={}; Path=/", Mark::Cookie.random());
        return page::plain(StatusCode::OK, "Portal", "Good day.").cookie(&cookie);
    }
    let verifies = !faults.is_on(Fault::SamlAcsUnchecked);
    let Some(id) = good_response(site, response, verifies) else {
        return page::plain(StatusCode::FORBIDDEN, "Error", "This response is not good.");
    };
    let fresh = site.shared.spent.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
    let takes = fresh || faults.is_on(Fault::SamlAcsTakesReplay) || !verifies;
    let home = Answer::text(StatusCode::SEE_OTHER, "").with(LOCATION, "/home");
    let session = format!("sp_session={}; Path=/; HttpOnly", Mark::Cookie.random());
    match faults.of(Service::SamlAcs) {
        Some(Fault::SamlAcsShowsLogin) => sp_login("Who are you?").cookie(&session),
        Some(Fault::SamlAcsPages) if takes => {
            page::plain(StatusCode::OK, "Welcome", "You are signed in.").cookie(&session)
        }
        Some(Fault::SamlAcsPages) => sp_login("This response was sent before.").cookie(&session),
        _ if !takes => {
            page::plain(StatusCode::FORBIDDEN, "Error", "This response was sent before.")
        }
        Some(Fault::SamlAcsNoSession) => home,
        Some(Fault::SamlAcsForeignCookie) => {
            home.cookie(&format!("{session}; Domain=other.example"))
        }
        _ => home.cookie(&session),
    }
}

/// The login page of the service provider, for people who have a password there.
fn sp_login(text: &str) -> Answer {
    let form = format!(
        "<p>{text}</p><form method=\"post\" action=\"/login\"><label>Name <input name=\"user\">\
         </label><label>Password <input type=\"password\" name=\"password\"></label>\
         <button>Sign in</button></form>"
    );
    page::html(StatusCode::OK, "Sign in", &form)
}

/// The ID of an assertion that the identity provider signed.
fn good_response(site: &Site, value: &str, verifies: bool) -> Option<String> {
    let document = Document::parse(&STANDARD.decode(value).ok()?, Limits::DOCUMENT).ok()?;
    let assertion = document.root().child("urn:oasis:names:tc:SAML:2.0:assertion", "Assertion")?;
    if !verifies {
        return assertion.attribute("ID").map(str::to_owned);
    }
    let key = PublicKey::from_certificate(site.shared.federation.idp_certificate()).ok()?;
    let signed = verify(assertion, &[key], Options::default()).ok()?;
    signed.element().attribute("ID").map(str::to_owned)
}
