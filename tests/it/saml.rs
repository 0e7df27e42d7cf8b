//! The prober `saml` beyond one fault at a time: what it exports, other roles and files, and what
//! a large aggregate costs.

use std::path::Path;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::exporter::Exporter;
use crate::provider::{Fault, Provider, USERNAME};
use crate::scrape::Metrics;

fn target(provider: &Provider) -> String {
    format!("{}/saml/metadata", provider.url())
}

/// Probes a module of this block that nobody probed before.
async fn probe(provider: &Provider, block: &str) -> Metrics {
    let exporter = Exporter::start(&format!(
        "modules: {{m: {{prober: saml, targets: ['{}'], saml: {{{block}}}}}}}",
        target(provider)
    ))
    .await;
    exporter.probe("m", &target(provider), 10.0).await
}

fn idp(provider: &Provider, rest: &str) -> String {
    format!("role: idp, entity_id: '{}/saml/idp', {rest}", provider.url())
}

fn signature(provider: &Provider, rest: &str) -> String {
    format!("signature: {{certificate_file: '{}', {rest}}}", provider.federation_file().display())
}

/// The series whose names begin so, without their values.
fn series(metrics: &Metrics, beginning: &str) -> Vec<String> {
    metrics.series().map(|(name, _)| name.to_owned()).filter(|s| s.starts_with(beginning)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_is_told_as_metrics() {
    let provider = Provider::start().await;
    let block = idp(&provider, &signature(&provider, ""));
    let metrics = probe(&provider, &block).await;
    assert_eq!(metrics.story(), "metadata ok, certificates ok");
    for (series, value) in [
        ("probe_auth_saml_entities", 2.0),
        ("probe_auth_saml_signature_valid", 1.0),
        ("probe_auth_saml_cache_duration_seconds", 6.0 * 3600.0),
        (
            "probe_auth_saml_role_info{role=\"idp\",want_authn_requests_signed=\"true\",\
             authn_requests_signed=\"false\",want_assertions_signed=\"false\"}",
            1.0,
        ),
        ("probe_auth_saml_endpoint_info{role=\"idp\",binding=\"HTTP-POST\"}", 1.0),
        ("probe_auth_saml_endpoint_info{role=\"idp\",binding=\"HTTP-Redirect\"}", 1.0),
        ("probe_auth_saml_signing_certificates{state=\"valid\"}", 1.0),
        ("probe_auth_saml_signing_certificates{state=\"expired\"}", 0.0),
        ("probe_auth_saml_signing_certificates{state=\"not_yet_valid\"}", 0.0),
        ("probe_auth_endpoint_available{endpoint=\"metadata\"}", 1.0),
        ("probe_auth_step_http_status_code{step=\"metadata\"}", 200.0),
    ] {
        assert_eq!(metrics.value(series), Some(value), "{series}");
    }
    let days = metrics.value("probe_auth_saml_valid_until_days_remaining").unwrap();
    assert!((9.99..=10.0).contains(&days), "{days}");
    assert!(metrics.value("probe_auth_saml_valid_until_timestamp_seconds").unwrap() > 1e9);

    let fingerprint = provider.saml_fingerprint().replace(':', "").to_lowercase();
    let name = format!("{}/saml/idp", provider.url());
    let of = |source: &str, name: &str, role: &str, key_use: &str| {
        let days = "probe_auth_certificate_days_remaining";
        let beginning = format!(
            "{days}{{source=\"{source}\",name=\"{name}\",role=\"{role}\",use=\"{key_use}\","
        );
        series(&metrics, &beginning)
    };
    let signing = of("saml", &name, "idp", "signing");
    assert_eq!(signing.len(), 1, "{signing:?}");
    assert!(signing[0].ends_with(&format!("fingerprint_sha256=\"{fingerprint}\"}}")));
    assert_eq!(of("saml", &name, "idp", "encryption").len(), 1);
    assert_eq!(of("file", "federation.pem", "", "").len(), 1);
    let days = metrics.value(&signing[0]).unwrap();
    assert!((364.99..=365.0).contains(&days), "{days}");
}

/// What was found before the failure stays visible: an expired certificate most of all.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_over_is_counted_below_zero() {
    let provider = Provider::start().await;
    let block = idp(&provider, "");
    provider.switch_on(Fault::SamlCertificateExpired);
    let metrics = probe(&provider, &block).await;
    provider.switch_off(Fault::SamlCertificateExpired);
    assert_eq!(metrics.story(), "metadata ok, certificates certificate_expired [key_expired]");
    assert_eq!(metrics.value("probe_auth_saml_signing_certificates{state=\"valid\"}"), Some(0.0));
    assert_eq!(metrics.value("probe_auth_saml_signing_certificates{state=\"expired\"}"), Some(1.0));
    let expired: Vec<f64> = metrics
        .series()
        .filter(|(name, _)| name.starts_with("probe_auth_certificate_days_remaining"))
        .map(|(_, days)| days)
        .filter(|days| *days < 0.0)
        .collect();
    assert!(matches!(expired[..], [days] if days < -0.99 && days > -1.01), "{expired:?}");

    provider.switch_on(Fault::SamlMetadataExpired);
    let metrics = probe(&provider, &block).await;
    assert_eq!(metrics.story(), "metadata metadata_expired, certificates -");
    let days = metrics.value("probe_auth_saml_valid_until_days_remaining").unwrap();
    assert!((-1.01..-0.99).contains(&days), "{days}");
    assert_eq!(series(&metrics, "probe_auth_certificate_not_after_timestamp_seconds").len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn whether_it_is_signed_depends_on_who_asks() {
    let provider = Provider::start().await;
    let (good, optional) = (signature(&provider, ""), signature(&provider, "required: false"));
    let good_story = "metadata ok, certificates ok";
    let missing = "metadata signature_missing, certificates -";
    let invalid = "metadata signature_invalid, certificates -";
    for (fault, signature, story, valid) in [
        (None, "", good_story, None),
        (None, optional.as_str(), good_story, Some(1.0)),
        (Some(Fault::SamlMetadataUnsigned), "", good_story, None),
        (Some(Fault::SamlMetadataUnsigned), &optional, good_story, Some(0.0)),
        (Some(Fault::SamlMetadataUnsigned), &good, missing, Some(0.0)),
        (Some(Fault::SamlMetadataTampered), "", good_story, None),
        (Some(Fault::SamlMetadataTampered), &optional, invalid, Some(0.0)),
        (Some(Fault::SamlMetadataForeignSignature), &optional, invalid, Some(0.0)),
    ] {
        fault.inspect(|fault| provider.switch_on(*fault));
        let metrics = probe(&provider, &idp(&provider, signature)).await;
        fault.inspect(|fault| provider.switch_off(*fault));
        let name = fault.map(Fault::name);
        assert_eq!(metrics.story(), story, "{name:?} {signature}");
        let found = metrics.value("probe_auth_saml_signature_valid");
        assert_eq!(found, valid, "{name:?} {signature}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_entity_and_the_role_are_those_that_are_asked_for() {
    let provider = Provider::start().await;
    let url = provider.url();
    for (block, story) in [
        (format!("role: sp, entity_id: '{url}/saml/sp'"), "metadata ok, certificates ok"),
        (
            format!("role: sp, entity_id: '{url}/saml/idp'"),
            "metadata endpoint_not_found, certificates -",
        ),
        (
            format!("role: idp, entity_id: '{url}/saml/idp/'"),
            "metadata entity_not_found, certificates -",
        ),
        ("role: idp".to_owned(), "metadata entity_not_found, certificates -"),
    ] {
        let metrics = probe(&provider, &block).await;
        assert_eq!(metrics.story(), story, "{block}");
        assert_eq!(metrics.value("probe_auth_saml_entities"), Some(2.0), "{block}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn assertions_look_at_what_passes_by() {
    let provider = Provider::start().await;
    let assertions = "assertions: [
        {type: response_contains, value: urn:oasis:names:tc:SAML:2.0:metadata},
        {type: response_contains, value: nowhere, name: nowhere},
        {type: response_contains, operator: not_equals, value: nowhere},
        {type: header, path: content-type, value: application/samlmetadata+xml}]";
    let labels = [
        "response_contains:equals",
        "nowhere",
        "response_contains:not_equals",
        "header:content-type:equals",
    ];
    let held = |metrics: &Metrics| {
        labels.map(|label| {
            let labels = format!("step=\"metadata\",assertion=\"{label}\"");
            metrics.value(&format!("probe_auth_assertion_success{{{labels}}}"))
        })
    };
    let block = idp(&provider, assertions);
    let metrics = probe(&provider, &block).await;
    assert_eq!(metrics.story(), "metadata assertion_failed, certificates -");
    assert_eq!(held(&metrics), [1.0, 0.0, 1.0, 1.0].map(Some));
    // Also of a document that is refused: the text stands behind what it is refused for.
    provider.switch_on(Fault::SamlMetadataDoctype);
    let metrics = probe(&provider, &block).await;
    assert_eq!(metrics.story(), "metadata malformed_xml, certificates -");
    assert_eq!(held(&metrics), [1.0, 0.0, 1.0, 1.0].map(Some));
}

/// Metadata that does not arrive occupies no thread of those that all else shares: here there is
/// one, and `/config` needs it.
#[test]
fn a_silent_host_keeps_no_thread_busy() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/xml\r\ncontent-length: 1000000\r\n\r\n";
    let some = format!("{head}<a>{}", "<b/>".repeat(20_000));
    for sent in [String::new(), some] {
        runtime.block_on(async {
            let host = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let target = format!("http://{}/", host.local_addr().unwrap());
            let exporter = Exporter::start(&format!(
                "modules: {{m: {{prober: saml, targets: ['{target}'], saml: {{role: idp}}}}}}"
            ))
            .await;
            let silence = async {
                let (mut connection, _) = host.accept().await.unwrap();
                assert!(connection.read(&mut [0; 1024]).await.unwrap() > 0);
                connection.write_all(sent.as_bytes()).await.unwrap();
                tokio::time::sleep(Duration::from_millis(200)).await;
                let config = tokio::time::timeout(Duration::from_secs(1), exporter.get("/config"));
                assert_eq!(config.await.map(|answer| answer.status), Ok(200), "{}", sent.len());
                connection
            };
            let (metrics, _) = tokio::join!(exporter.probe("m", &target, 3.0), silence);
            assert_eq!(metrics.story(), "metadata timeout, certificates -");
        });
    }
}

/// A key that comes without certificate has no end, and none of the pinned certificates holds it.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_without_certificate_is_in_force() {
    let key = rcgen::KeyPair::generate().unwrap();
    let point = STANDARD.encode(key.public_key_raw());
    let text = format!(
        "<EntityDescriptor xmlns='urn:oasis:names:tc:SAML:2.0:metadata' entityID='urn:a'>\
         <IDPSSODescriptor protocolSupportEnumeration='urn:oasis:names:tc:SAML:2.0:protocol'>\
         <KeyDescriptor><KeyInfo xmlns='http://www.w3.org/2000/09/xmldsig#'><KeyValue>\
         <ECKeyValue xmlns='http://www.w3.org/2009/xmldsig11#'>\
         <NamedCurve URI='urn:oid:1.2.840.10045.3.1.7'/><PublicKey>{point}</PublicKey>\
         </ECKeyValue></KeyValue></KeyInfo></KeyDescriptor>\
         <SingleSignOnService Location='https://a.example/'\n\
         Binding='urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST'/>\
         </IDPSSODescriptor></EntityDescriptor>"
    );
    let host = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = format!("http://{}/", host.local_addr().unwrap());
    let pins = format!("fingerprints: ['{}']", "0a".repeat(32));
    for (rest, story) in [("", "ok"), (&pins, "fingerprint_mismatch")] {
        let exporter = Exporter::start(&format!(
            "modules: {{m: {{prober: saml, targets: ['{target}'], saml: {{role: idp, {rest}}}}}}}"
        ))
        .await;
        let answer = answer_once(&host, &text);
        let (metrics, _) = tokio::join!(exporter.probe("m", &target, 10.0), answer);
        assert_eq!(metrics.story(), format!("metadata ok, certificates {story}"));
        assert_eq!(series(&metrics, "probe_auth_certificate_").len(), 0);
    }
}

async fn answer_once(host: &TcpListener, metadata: &str) -> TcpStream {
    let (mut connection, _) = host.accept().await.unwrap();
    assert!(connection.read(&mut [0; 1024]).await.unwrap() > 0);
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/xml\r\ncontent-length";
    let answer = format!("{head}: {}\r\n\r\n{metadata}", metadata.len());
    connection.write_all(answer.as_bytes()).await.unwrap();
    connection
}

/// It is read, and strict partners do not.
#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_between_the_lines_of_pem_is_warned_of() {
    let pem = pem((2020, 2090));
    let bare: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let host = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = format!("http://{}/", host.local_addr().unwrap());
    let modules =
        format!("modules: {{m: {{prober: saml, targets: ['{target}'], saml: {{role: idp}}}}}}");
    for (certificate, story) in [(pem, "ok [certificate_malformed]"), (bare, "ok")] {
        let text = format!(
            "<EntityDescriptor xmlns='urn:oasis:names:tc:SAML:2.0:metadata' entityID='urn:a'>\
             <IDPSSODescriptor protocolSupportEnumeration='urn:oasis:names:tc:SAML:2.0:protocol'>\
             <KeyDescriptor><KeyInfo xmlns='http://www.w3.org/2000/09/xmldsig#'><X509Data>\
             <X509Certificate>{certificate}</X509Certificate></X509Data></KeyInfo></KeyDescriptor>\
             <SingleSignOnService Location='https://a.example/'\n\
             Binding='urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST'/>\
             </IDPSSODescriptor></EntityDescriptor>"
        );
        let exporter = Exporter::start(&modules).await;
        let answer = answer_once(&host, &text);
        let (metrics, _) = tokio::join!(exporter.probe("m", &target, 10.0), answer);
        assert_eq!(metrics.story(), format!("metadata ok, certificates {story}"));
    }
}

/// A certificate in PEM, valid from and until these years.
fn pem(years: (i32, i32)) -> String {
    let mut params = rcgen::CertificateParams::default();
    params.not_before = rcgen::date_time_ymd(years.0, 1, 1);
    params.not_after = rcgen::date_time_ymd(years.1, 1, 1);
    params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap().pem()
}

fn written(folder: &Path, name: &str, text: &str) -> String {
    let file = folder.join(name);
    std::fs::write(&file, text).unwrap();
    file.display().to_string()
}

/// Read on each probe, and whatever the other side answers.
#[tokio::test(flavor = "multi_thread")]
async fn files_of_certificates_are_watched() {
    let provider = Provider::start().await;
    let folder = tempfile::tempdir().unwrap();
    let (good, old) = (pem((2020, 2090)), pem((2019, 2020)));
    let file = written(folder.path(), "sp.crt", &good);
    let target = target(&provider);
    let exporter = Exporter::start(&format!(
        "modules: {{m: {{prober: saml, targets: ['{target}'], saml: {{role: idp, \
         entity_id: '{}/saml/idp', certificates: ['{file}']}}}}}}",
        provider.url()
    ))
    .await;
    let watched = "probe_auth_certificate_not_after_timestamp_seconds{source=\"file\"";
    for (content, story, shown) in [
        (good.clone(), "metadata ok, certificates ok", 1),
        (old.clone(), "metadata ok, certificates certificate_expired", 1),
        // A chain is as good as each of its links.
        (format!("{good}{old}"), "metadata ok, certificates certificate_expired", 2),
        (pem((2089, 2090)), "metadata ok, certificates ok [certificate_not_yet_valid]", 1),
        ("no certificate".to_owned(), "metadata ok, certificates certificate_invalid", 0),
        (String::new(), "metadata ok, certificates secret_unavailable", 0),
    ] {
        written(folder.path(), "sp.crt", &content);
        let metrics = exporter.probe("m", &target, 10.0).await;
        assert_eq!(metrics.story(), story);
        assert_eq!(series(&metrics, watched).len(), shown, "{story}");
    }
    std::fs::write(&file, good).unwrap();
    provider.switch_on(Fault::SamlMetadata500);
    let metrics = exporter.probe("m", &target, 10.0).await;
    assert_eq!(metrics.story(), "metadata http_5xx, certificates ok");
    assert!(!metrics.success());
    assert_eq!(series(&metrics, watched).len(), 1);
}

/// A module that signs on, with these lines in its `sso` block.
fn sso(provider: &Provider, lines: &str) -> String {
    let url = provider.url();
    idp(
        provider,
        &format!("sso: {{sp_entity_id: '{url}/saml/sp', acs_url: '{url}/saml/acs', {lines}}}"),
    )
}

fn user(provider: &Provider) -> String {
    format!("login: {{username: {USERNAME}, password: {}}}", provider.credentials().password)
}

fn signing(provider: &Provider) -> String {
    format!("signing_key_file: '{}'", provider.saml_sp_key_file().display())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_goes_by_either_binding() {
    let provider = Provider::start().await;
    let (user, signing) = (user(&provider), signing(&provider));
    for (binding, method) in
        [("", "GET"), ("binding: redirect,", "GET"), ("binding: post,", "POST")]
    {
        let block = sso(&provider, &format!("{binding} {signing}, {user}"));
        let metrics = probe(&provider, &block).await;
        let story = "metadata ok, certificates ok, sso ok, login ok, consent unasked, assertion ok";
        assert_eq!(metrics.story(), story, "{binding}");
        let seen = provider.seen();
        let request = seen.iter().rfind(|seen| seen.line.contains("/saml/sso")).unwrap();
        assert!(request.line.starts_with(method), "{}", request.line);
        assert_eq!(metrics.value("probe_auth_endpoint_available{endpoint=\"sso\"}"), Some(1.0));
        let skew = metrics.value("probe_auth_clock_skew_seconds{source=\"issue_instant\"}");
        assert!(skew.is_some_and(|skew| skew.abs() < 5.0), "{skew:?}");
    }
}

/// Whether the identity provider can be reached is seen without a user.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_login_the_way_ends_at_the_login_page() {
    let provider = Provider::start().await;
    let (user, signing) = (user(&provider), signing(&provider));
    let wrong = format!("login: {{username: {USERNAME}, password: not-the-password}}");
    let mine = "metadata ok, certificates ok";
    for (lines, story) in [
        (signing.clone(), format!("{mine}, sso ok")),
        // Whom nobody knows, and who does not sign.
        (String::new(), format!("{mine}, sso http_4xx [request_unsigned]")),
        (
            format!("{signing}, {wrong}"),
            format!("{mine}, sso ok, login login_rejected, consent -, assertion -"),
        ),
        (
            format!("{signing}, {user}, validate: {{signed: response}}"),
            format!("{mine}, sso ok, login ok, consent unasked, assertion signature_missing"),
        ),
        (
            format!("{signing}, {user}, validate: {{encrypted: true}}"),
            format!("{mine}, sso ok, login ok, consent unasked, assertion assertion_invalid"),
        ),
        (
            format!("{signing}, {user}, validate: {{required_attributes: [mail, phone]}}"),
            format!("{mine}, sso ok, login ok, consent unasked, assertion missing_claim"),
        ),
        (
            format!(
                "{signing}, {user}, validate: {{attributes: [{{path: $.name_id, value: other}}]}}"
            ),
            format!("{mine}, sso ok, login ok, consent unasked, assertion assertion_failed"),
        ),
    ] {
        let metrics = probe(&provider, &sso(&provider, &lines)).await;
        assert_eq!(metrics.story(), story, "{lines}");
    }
}

/// The response is a credential: it goes to the service provider alone, and twice there.
#[tokio::test(flavor = "multi_thread")]
async fn the_service_provider_gets_the_response_twice_and_a_forged_one() {
    let provider = Provider::start().await;
    let lines = format!("{}, {}", signing(&provider), user(&provider));
    let posts = |provider: &Provider| {
        provider.seen().iter().filter(|seen| seen.line == "POST /saml/acs").count()
    };
    for (acs, forged, replayed) in [
        ("acs: {}", true, true),
        ("acs: {replay_response: false}", true, false),
        ("acs: {forged_response: false}", false, true),
        ("acs: {forged_response: false, replay_response: false}", false, false),
    ] {
        let before = posts(&provider);
        let metrics = probe(&provider, &sso(&provider, &format!("{lines}, {acs}"))).await;
        assert!(metrics.success(), "{acs}: {}", metrics.story());
        let count = 1 + usize::from(forged) + usize::from(replayed);
        assert_eq!(posts(&provider) - before, count, "{acs}");
        for (check, sent) in [("forged_response", forged), ("replayed_response", replayed)] {
            let refused = metrics.value(&format!("probe_auth_refused{{check=\"{check}\"}}"));
            assert_eq!(refused, sent.then_some(1.0), "{acs} {check}");
        }
    }
}

/// A page and a cookie that a forged response gets too show no session.
#[tokio::test(flavor = "multi_thread")]
async fn what_whatever_is_sent_gets_is_no_session() {
    let provider = Provider::start().await;
    provider.switch_on(Fault::SamlAcsAlike);
    let lines = format!("{}, {}", signing(&provider), user(&provider));
    let before = "metadata ok, certificates ok, sso ok, login ok, consent unasked, assertion ok";
    for (acs, story) in [
        ("acs: {}", "acs ok, refuse session_missing"),
        ("acs: {assertions: [{type: status_code, value: 303}]}", "acs assertion_failed, refuse -"),
    ] {
        let metrics = probe(&provider, &sso(&provider, &format!("{lines}, {acs}"))).await;
        assert_eq!(metrics.story(), format!("{before}, {story}"), "{acs}");
    }
}

/// A login page is a refusal, also where its status is 200 and a cookie comes with it.
#[tokio::test(flavor = "multi_thread")]
async fn a_login_page_lets_nobody_in() {
    let provider = Provider::start().await;
    let block = sso(&provider, &format!("{}, {}, acs: {{}}", signing(&provider), user(&provider)));
    let before = "metadata ok, certificates ok, sso ok, login ok, consent unasked, assertion ok";
    for (fault, story) in [
        (Fault::SamlAcsShowsLogin, "acs session_missing, refuse -"),
        (Fault::SamlAcsPages, "acs ok, refuse ok"),
    ] {
        provider.switch_on(fault);
        let metrics = probe(&provider, &block).await;
        provider.switch_off(fault);
        assert_eq!(metrics.story(), format!("{before}, {story}"), "{}", fault.name());
    }
}
