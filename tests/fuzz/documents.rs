//! What providers answer with: JSON, HTML, XML and parameters of URLs.

use std::sync::LazyLock;

use auth_exporter::protocol::authorization::{Callback, Expected, ResponseMode};
use auth_exporter::protocol::challenge;
use auth_exporter::protocol::expiry::{ExpiryFormat, date_or_time};
use auth_exporter::protocol::html::{
    self, Asked, Filling, Found, MAX_CONTROLS, MAX_FORMS, Overrides, Page,
};
use auth_exporter::protocol::json::Document;
use auth_exporter::protocol::login;
use auth_exporter::protocol::metadata::{EndpointName as Name, Metadata};
use auth_exporter::protocol::oauth;
use auth_exporter::protocol::placeholders;
use auth_exporter::protocol::saml::metadata::{MetadataReader, Trust};
use auth_exporter::protocol::saml::response::{self, Signed, judge};
use auth_exporter::protocol::saml::time;
use auth_exporter::protocol::status_page;
use auth_exporter::protocol::totp::Totp;
use auth_exporter::protocol::xml::canonical::{EXCLUSIVE, INCLUSIVE, Method, canonicalize};
use auth_exporter::protocol::xml::signature::{self, Options, PublicKey, Signer, sign};
use auth_exporter::protocol::xml::{Document as XmlDocument, Limits};
use aws_lc_rs::rand::SystemRandom;
use serde_json::Value;
use url::Url;

use super::Target;
use super::seeds::{files, texts};
use super::tokens::{NOW, PAIRS};

fn url(text: &str) -> Url {
    Url::parse(text).expect("a URL")
}

pub(crate) const TOKEN_RESPONSES: Target = Target {
    name: "token responses",
    read: |input| {
        let document = match Document::parse(input) {
            Ok(document) => document,
            Err(error) => return error.to_string(),
        };
        let scopes = ["read".to_owned(), "openid".to_owned()];
        let judged = |exchange| {
            document.members().map(|members| oauth::judge_token(members, &scopes, exchange))
        };
        let refused = oauth::error_response(&document);
        format!("{:?} {:?} {refused:?} {}", judged(false), judged(true), document.duplicate_member)
    },
    seeds: || {
        texts(&[
            r#"{"access_token":"at","token_type":"Bearer","expires_in":3600,"scope":"read openid","refresh_token":"rt","id_token":"a.b.c"}"#,
            r#"{"access_token":"at","token_type":"bearer","expires_in":"3600","issued_token_type":"urn:ietf:params:oauth:token-type:access_token"}"#,
            r#"{"error":"invalid_client","error_description":"No such \"client\"\n","error_uri":"https://id.example"}"#,
            r#"{"access_token":"a","access_token":"b","token_type":"DPoP","expires_in":1.5,"scope":["read"]}"#,
            r#"[{"error":null}]"#,
        ])
    },
};

pub(crate) const PROVIDER_METADATA: Target = Target {
    name: "provider metadata",
    read: |input| {
        let document = match Document::parse(input) {
            Ok(document) => document,
            Err(error) => return error.to_string(),
        };
        let metadata = match Metadata::read(&document, "https://id.example") {
            Ok(metadata) => metadata,
            Err(error) => return format!("{error:?}"),
        };
        let names = [
            Name::Token,
            Name::Authorization,
            Name::PushedAuthorization,
            Name::Userinfo,
            Name::EndSession,
            Name::Jwks,
            Name::Introspection,
        ];
        let endpoints = names.map(|name| {
            let found = [false, true].map(|mutual_tls| metadata.endpoint(name, mutual_tls));
            for (url, _) in found.iter().flatten() {
                assert!(["http", "https"].contains(&url.scheme()), "{url}");
            }
            found
        });
        let promised = metadata.promises("authorization_response_iss_parameter_supported");
        format!("{endpoints:?} {promised}")
    },
    seeds: || {
        texts(&[
            r#"{"issuer":"https://id.example","token_endpoint":"https://id.example/token","authorization_endpoint":"https://id.example/authorize?a=b","jwks_uri":"https://keys.example/jwks","userinfo_endpoint":"https://id.example:8443/userinfo","end_session_endpoint":"http://id.example/logout","introspection_endpoint":"/introspect","pushed_authorization_request_endpoint":"https://user@id.example/par","mtls_endpoint_aliases":{"token_endpoint":"https://mtls.id.example/token"},"authorization_response_iss_parameter_supported":true}"#,
            r#"{"issuer":"https://id.example/","token_endpoint":null}"#,
            r#"{"issuer":"https://id.example","token_endpoint":["https://id.example"],"jwks_uri":"file:///etc/passwd","mtls_endpoint_aliases":[]}"#,
        ])
    },
};

pub(crate) const CALLBACKS: Target = Target {
    name: "callbacks and redirects",
    read: |input| {
        let text = String::from_utf8_lossy(input);
        let redirect_uri = url("https://app.example/callback?tenant=1");
        let from = url("https://id.example/login/a?next=1");
        let Ok(location) = from.join(&text) else { return "no URL".to_owned() };
        let expected = Expected {
            state: "s",
            mode: ResponseMode::Query,
            issuer: Some("https://id.example"),
            issuer_promised: true,
        };
        let callback = Callback::of_redirect(&redirect_uri, &location);
        let judged = callback.as_ref().map(|callback| callback.code(expected));
        let hidden = callback.as_ref().map_or(0, |callback| callback.hidden().count());
        let astray = Callback::is_astray(&redirect_uri, &location, "s");
        let pairs: Vec<_> = location.query_pairs().collect();
        let pairs = || pairs.iter().map(|(name, value)| (&**name, &**value));
        let form = Callback::of_form(&redirect_uri, &redirect_uri, pairs());
        format!(
            "{callback:?} {judged:?} {hidden} {astray} {:?} {} {} {} {} {:?}",
            form.map(|form| form.code(expected)),
            Callback::is_form_astray(pairs(), "s"),
            login::is_login(&location),
            login::leads_to_login(&from, &location),
            login::asks_for_login(&location),
            html::parse_refresh(&text, &from),
        )
    },
    seeds: || {
        texts(&[
            "https://app.example/callback?tenant=1&code=c&state=s&iss=https%3A%2F%2Fid.example",
            "https://app.example/callback?tenant=1&error=access_denied&error_description=no%0Away&state=s",
            "https://app.example/callback?tenant=1#code=c&state=s",
            "https://app.example/callback?state=s&code=a&code=b",
            "/login?prompt=login&return_to=%2Fauthorize%3Fa%3D%252B",
            "//other.example\\@id.example:8443/x/../%2e%2e/y?q=%ff#f",
            "com.example.app:/callback?code=c",
            "javascript:alert(1)",
            "5; url=/next?a=b",
            "0;URL='https://id.example/continue'",
        ])
    },
};

pub(crate) const CHALLENGES: Target = Target {
    name: "challenges",
    read: |input| {
        let text = String::from_utf8_lossy(input);
        format!("{:?}", challenge::error_code(text.split('\n')))
    },
    seeds: || {
        texts(&[
            "Bearer realm=\"api\", error=\"invalid_token\", error_description=\"The \\\"token\\\" expired\"",
            "Basic realm=\"a, error=x\", charset=\"UTF-8\"\nBearer error=insufficient_scope, scope=\"read\"",
            "DPoP algs=\"ES256\", Negotiate dG9rZW4=, Digest qop=\"auth\", error=\"\"",
        ])
    },
};

/// Every way of filling in what was found, so that nothing that can be sent is left out.
fn sent(page: &Page, found: &Found) -> String {
    let secret = "the-password";
    let (form, filling) = match found {
        Found::Login(login) | Found::OneTimeCode(login) => {
            let mut filling = Filling::new().submitter(login.submit);
            if let Some(at) = login.identifier {
                filling = filling.text(at, "ada");
            }
            for at in [login.password, login.code].into_iter().flatten() {
                filling = filling.secret(at, secret);
            }
            (login.form, filling)
        }
        Found::Consent(consent) => {
            let filling = Filling::new().submitter(consent.accept);
            (consent.form, consent.grants.iter().fold(filling, |filling, at| filling.check(*at)))
        }
        Found::AutoPost { form } => (*form, Filling::new()),
        Found::Refresh
        | Found::ScriptRequired
        | Found::CaptchaRequired
        | Found::MfaRequired
        | Found::LoginFormNotFound => return String::new(),
    };
    let sent = page.submission(form, &filling, "boundary");
    if let Ok(sent) = &sent {
        // No password in a URL, whatever the page says.
        assert!(!sent.url.as_str().contains(secret), "{}", sent.url);
    }
    let entries = page.forms.get(form).map(|form| form.entries(&filling).len());
    format!("{sent:?} {entries:?}")
}

pub(crate) const LOGIN_PAGES: Target = Target {
    name: "login pages",
    read: |input| {
        let page = match html::parse(input, &url("https://id.example/login?a=b")) {
            Ok(page) => page,
            Err(error) => return error.to_string(),
        };
        let controls: usize = page.forms.iter().map(|form| form.controls.len()).sum();
        assert!(page.forms.len() <= MAX_FORMS && controls <= MAX_CONTROLS);
        let found = html::classify(&page, &Overrides::default());
        let asked = match &found {
            Found::Login(login) => {
                Asked::of(&page, login).map(|asked| asked.is_again(&page, &found))
            }
            _ => None,
        };
        // Overrides that match much.
        let any = |text: &str| html::Target::parse(text).ok();
        let overrides = Overrides {
            form: any("form"),
            username: any("input"),
            password: any("[type=password]"),
            totp: any("[name*=code]"),
            submit: any("button"),
            accept: any("[value^=y]"),
        };
        let by_name = html::classify(&page, &overrides);
        format!(
            "{found:?} {asked:?} {} {:?} {by_name:?} {}",
            sent(&page, &found),
            html::logout_form(&page),
            sent(&page, &by_name).len()
        )
    },
    seeds: || {
        let mut seeds = files("src/protocol/html/tests/pages", ".html");
        seeds.extend(texts(&[
            "<base href=/b/><form id=f method=post enctype=multipart/form-data action=?step=1><fieldset disabled><input name=off></fieldset><select name=s multiple><optgroup><option selected>1<option value=2 selected></select><textarea form=f name=t>\nx</textarea><input type=image name=i><input type=email name=u autocomplete=username><input type=password name=p></form><button form=f formaction=/go formmethod=get name=b value=1>Go",
            "<svg><title><![CDATA[<form>]]></title></svg><math><mi><table><form method=post><tr><td><input name=user><template><form></template></table><input type=password>",
            "<noscript><meta http-equiv=refresh content='0; url=/noscript'></noscript><body onload='document.forms[0].submit()'><form method=post action=/acs><input type=hidden name=SAMLResponse value=PHA+></form>",
        ]));
        seeds
    },
};

pub(crate) const SELECTORS: Target = Target {
    name: "selectors and placeholders",
    read: |input| {
        static PAGE: LazyLock<Page> = LazyLock::new(|| {
            let html = b"<form id=login class='a b' name=f><input id=u name='user[login]' type=text data-x='1 2'><input type=password name=pw><button class=go>Go</button></form>";
            html::parse(html, &url("https://id.example/")).expect("a page")
        });
        let text = String::from_utf8_lossy(input);
        let names: Vec<_> = placeholders::names(&text).collect();
        let filled = placeholders::fill(&text, |name| Some(name.to_uppercase().into()));
        let found = html::Target::parse(&text).map(|target| {
            let controls =
                PAGE.forms.iter().map(|form| (target.is_form(form), target.controls(form)));
            controls.collect::<Vec<_>>()
        });
        format!(
            "{found:?} {names:?} {filled:?} {} {:?}",
            placeholders::is_name(&text),
            placeholders::in_json(&text)
        )
    },
    seeds: || {
        texts(&[
            "user[login]",
            "form#login input[type=password]",
            "#u.a.b[data-x~='2'][name^=\"us\"]",
            "*[name$=login][name*='er[']",
            "#j_id1\\:user",
            "{username}:{password} {{totp}} {}",
        ])
    },
};

const SAML: &str = "urn:oasis:names:tc:SAML:2.0:assertion";

/// XML that a key signed, with these parts before and after the signature.
fn signed(before: &str, after: &str, id: &str) -> Option<String> {
    sign(before, after, id, &Signer::new(&PAIRS.signing), &SystemRandom::new()).ok()
}

fn key() -> PublicKey {
    PublicKey::from_certificate(&PAIRS.certificate).expect("a key")
}

fn assertion_before() -> String {
    format!(
        "<a:Assertion xmlns:a=\"{SAML}\" ID=\"a\" Version=\"2.0\" \
         IssueInstant=\"2027-01-15T08:00:00Z\"><a:Issuer>https://idp.example</a:Issuer>"
    )
}

const ASSERTION_AFTER: &str = "<a:Subject><a:NameID>ada</a:NameID><a:SubjectConfirmation \
    Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\"><a:SubjectConfirmationData InResponseTo=\"r\" \
    Recipient=\"https://sp.example/acs\" NotOnOrAfter=\"2027-01-15T08:05:00Z\"/>\
    </a:SubjectConfirmation></a:Subject><a:Conditions NotBefore=\"2027-01-15T07:59:00Z\" \
    NotOnOrAfter=\"2027-01-15T08:05:00.5Z\"><a:AudienceRestriction><a:Audience>https://sp.example\
    </a:Audience></a:AudienceRestriction></a:Conditions><a:AuthnStatement \
    AuthnInstant=\"2027-01-15T08:00:00Z\" SessionIndex=\"1\"><a:AuthnContext>\
    <a:AuthnContextClassRef>urn:p</a:AuthnContextClassRef></a:AuthnContext></a:AuthnStatement>\
    <a:AttributeStatement><a:Attribute Name=\"mail\"><a:AttributeValue>ada@x</a:AttributeValue>\
    <a:AttributeValue/></a:Attribute></a:AttributeStatement>";

fn response_around(assertion: &str) -> String {
    format!(
        "<p:Response xmlns:p=\"urn:oasis:names:tc:SAML:2.0:protocol\" ID=\"p\" Version=\"2.0\" \
         IssueInstant=\"2027-01-15T08:00:00Z\" Destination=\"https://sp.example/acs\" \
         InResponseTo=\"r\"><p:Status><p:StatusCode \
         Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"/></p:Status>{assertion}</p:Response>"
    )
}

fn response() -> String {
    let after = format!("{ASSERTION_AFTER}</a:Assertion>");
    response_around(&signed(&assertion_before(), &after, "a").expect("a signature"))
}

fn metadata() -> String {
    let certificate =
        base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &PAIRS.certificate);
    let before = "<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" ID=\"m\" \
        entityID=\"https://idp.example\" validUntil=\"2030-01-01T00:00:00Z\" cacheDuration=\"PT1H\">";
    let after = format!(
        "<md:IDPSSODescriptor WantAuthnRequestsSigned=\"true\" \
         protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\"><md:KeyDescriptor \
         use=\"signing\"><ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:X509Data>\
         <ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>\
         </md:KeyDescriptor><md:SingleSignOnService \
         Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" \
         Location=\"https://idp.example/sso\"/></md:IDPSSODescriptor></md:EntityDescriptor>"
    );
    signed(before, &after, "m").expect("a signature")
}

pub(crate) const XML: Target = Target {
    name: "XML",
    read: |input| {
        let document = match XmlDocument::parse(input, Limits::DOCUMENT) {
            Ok(document) => document,
            Err(error) => return format!("{error:?}"),
        };
        let methods = [EXCLUSIVE, INCLUSIVE].map(|uri| Method::from_uri(uri).expect("a method"));
        let forms = methods.map(|method| {
            let form = canonicalize(document.root(), &method, None);
            if let Ok(form) = &form {
                // What is canonical is read again, and is its own canonical form.
                let again = XmlDocument::parse(form, Limits::DOCUMENT).expect("a document");
                assert_eq!(canonicalize(again.root(), &method, None).as_ref(), Ok(form));
            }
            form.map(|form| form.len())
        });
        let verified = signature::verify(document.root(), &[key()], Options::default());
        format!("{forms:?} {:?}", verified.map(|_| ()))
    },
    seeds: || {
        let mut seeds = files("src/protocol/xml/signature/tests/fixtures", ".xml");
        seeds.extend(texts(&[
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a xmlns=\"urn:d\" xmlns:p='urn:p' p:x=\"&lt;&#10;&amp;\" ID='a'><!-- c --><p:b xml:lang=\"e\"/><![CDATA[<&]]>&#x10FFFF;<?pi data?></a>",
            "<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>",
            "\u{feff}<a/>",
        ]));
        seeds.push(metadata().into_bytes());
        seeds
    },
};

pub(crate) const SAML_METADATA: Target = Target {
    name: "SAML metadata",
    read: |input| {
        let read = |piece: usize, required| {
            let trust = Trust { keys: vec![key()], options: Options::default(), required };
            let entity = Some("https://idp.example".to_owned());
            let mut reader = MetadataReader::new(entity, Some(trust));
            for piece in input.chunks(piece) {
                reader.push(piece)?;
            }
            reader.finish()
        };
        let found = read(usize::MAX, false);
        assert_eq!(read(7, false), found, "pieces make a difference");
        format!("{found:?} {:?}", read(4096, true).map(|_| ()))
    },
    seeds: || {
        let signed = metadata();
        let bare = signed.split("<ds:Signature").next().unwrap_or_default().to_owned()
            + signed.split("</ds:Signature>").last().unwrap_or_default();
        let many = format!(
            "<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" Name=\"all\">{}</md:EntitiesDescriptor>",
            bare.repeat(2)
        );
        texts(&[&signed, &bare, &many])
    },
};

fn judged(text: &[u8]) -> String {
    let keys = [key()];
    let expected = response::Expected {
        now: NOW,
        leeway: 60.0,
        in_response_to: Some("r"),
        acs_url: "https://sp.example/acs",
        audience: "https://sp.example",
        issuer: "https://idp.example",
        keys: &keys,
        options: Options::default(),
        signed: Signed::Either,
        decryption_keys: &[],
    };
    format!("{:?} {:?}", judge(text, &expected), response::succeeded(text))
}

pub(crate) const SAML_RESPONSES: Target = Target {
    name: "SAML responses",
    read: |input| {
        let text = String::from_utf8_lossy(input);
        let from_form = response::from_post_value(&text).map(|bytes| judged(&bytes));
        format!("{} {from_form:?} {}", judged(input), response::mentions(&text, "r"))
    },
    seeds: || {
        let good = response();
        let posted =
            base64::Engine::encode(&base64::engine::general_purpose::STANDARD, good.as_bytes());
        let denied = response_around("").replace("status:Success", "status:Responder");
        let encrypted = response_around(&format!(
            "<a:EncryptedAssertion xmlns:a=\"{SAML}\"><e:EncryptedData xmlns:e=\"{}\"><e:CipherData><e:CipherValue>AAAA</e:CipherValue></e:CipherData></e:EncryptedData></a:EncryptedAssertion>",
            xml_encryption()
        ));
        texts(&[&good, &posted, &denied, &encrypted])
    },
};

const fn xml_encryption() -> &'static str {
    "http://www.w3.org/2001/04/xmlenc#"
}

pub(crate) const SAML_ASSERTIONS: Target = Target {
    name: "SAML assertions that are signed as they are",
    read: |input| {
        // What is judged after the signature is reached by signing the damage.
        let after = format!("{}</a:Assertion>", String::from_utf8_lossy(input));
        match signed(&assertion_before(), &after, "a") {
            Some(assertion) => judged(response_around(&assertion).as_bytes()),
            None => "no XML".to_owned(),
        }
    },
    seeds: || texts(&[ASSERTION_AFTER]),
};

pub(crate) const STATUS_PAGES: Target = Target {
    name: "status pages",
    read: |input| format!("{:?}", status_page::read(input, NOW)),
    seeds: || {
        texts(&[
            r#"{"page":{"name":"P"},"status":{"indicator":"minor","description":"Minor Service Outage"},"scheduled_maintenances":[{"status":"in_progress","name":"db"}],"incidents":[{"impact":"major"}]}"#,
            "<feed xmlns=\"http://www.w3.org/2005/Atom\"><title>t</title><entry><title>Service Disruption in cell 1</title><updated>2027-01-15T07:00:00Z</updated><content type=\"html\">&lt;p&gt;&lt;strong&gt;Investigating&lt;/strong&gt; - slow&lt;/p&gt;</content></entry><entry><title>Resolved: x</title><updated>2027-01-01T00:00:00+02:00</updated></entry></feed>",
            "<rss><channel><item><title>Maintenance</title><pubDate>Fri, 15 Jan 2027 07:00:00 GMT</pubDate></item></channel></rss>",
        ])
    },
};

pub(crate) const DATES: Target = Target {
    name: "dates and durations",
    read: |input| {
        let text = String::from_utf8_lossy(input);
        let json = serde_json::from_slice(input).unwrap_or_else(|_| Value::from(&*text));
        let formats = [
            ExpiryFormat::Auto,
            ExpiryFormat::Rfc3339,
            ExpiryFormat::Date,
            ExpiryFormat::UnixSeconds,
            ExpiryFormat::UnixMilliseconds,
            ExpiryFormat::SecondsLeft,
        ];
        let expiries = formats.map(|format| format.read(&json, NOW));
        let moments =
            [date_or_time(&text), time::date_time(&text).ok(), time::duration(&text).ok()];
        for moment in moments.into_iter().flatten() {
            assert!(moment.is_finite(), "{moment}");
        }
        format!("{expiries:?} {moments:?}")
    },
    seeds: || {
        texts(&[
            "2027-01-15T08:00:00.123Z",
            "2027-01-15T08:00:00+14:00",
            "2027-02-29",
            "-0001-12-31T24:00:00Z",
            "P1Y2M3DT4H5M6.7S",
            "-PT0.5S",
            "Fri, 15 Jan 2027 08:00:00 GMT",
            "1800000000",
            "1800000000000.5",
            "\"1800000000\"",
            "null",
        ])
    },
};

pub(crate) const ONE_TIME_CODES: Target = Target {
    name: "secrets of one-time codes",
    read: |input| {
        let text = String::from_utf8_lossy(input);
        let found = Totp::parse(&text).map(|totp| {
            let code = totp.code(1_800_000_000);
            assert!((6..=8).contains(&code.digits.len()), "{}", code.digits);
            (code.step, code.digits, totp.begins(code.step))
        });
        format!("{found:?}")
    },
    seeds: || {
        texts(&[
            "JBSWY3DPEHPK3PXP",
            "jbsw y3dp ehpk 3pxp====",
            "otpauth://totp/Id:ada?secret=JBSWY3DPEHPK3PXP&issuer=Id&algorithm=SHA256&digits=8&period=60",
        ])
    },
};
