//! Each fault of the provider, the step that it fails and the reason; and that it heals.

use std::time::Instant;

use crate::expected::{Expected, expected};
use crate::exporter::Exporter;
use crate::modules::{configuration, healthy, target};
use crate::provider::{Fault, Provider};

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_fails_its_step_for_its_reason_and_heals() {
    let provider = Provider::start().await;
    let mut exporter = Exporter::start(&configuration(&provider)).await;
    let mut wrong = Vec::new();
    for fault in Fault::ALL {
        let Expected { module, story, checks } = expected(*fault);
        // Only what hangs needs a short budget; a login does more before it hangs.
        let timeout = match module {
            _ if !story.contains("timeout") => 10.0,
            "login" | "pushed" => 3.0,
            _ => 1.0,
        };
        let target = target(&provider, module);
        provider.switch_on(*fault);
        let began = Instant::now();
        let ill = exporter.probe(module, &target, timeout).await;
        provider.switch_off(*fault);
        let in_time = began.elapsed().as_secs_f64() < f64::min(timeout, 5.0);
        if ill.steps().iter().any(|step| step.name == "login" && !step.success) {
            // This exporter waits now, so as not to lock the account.
            exporter = Exporter::start(&configuration(&provider)).await;
        }
        let healed = exporter.probe(module, &target, 10.0).await;
        let all_ok = ill.steps().iter().all(|step| step.success);
        if (ill.story().as_str(), healed.story().as_str()) != (story.as_str(), healthy(module))
            || (ill.failed_checks(), healed.failed_checks()) != (checks.to_vec(), Vec::new())
            || ill.success() != all_ok
            || !healed.success()
            || !in_time
        {
            wrong.push(format!(
                "{}: {} {:?} (success {}, in time {in_time}), then {} {:?}",
                fault.name(),
                ill.story(),
                ill.failed_checks(),
                ill.success(),
                healed.story(),
                healed.failed_checks()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_to_an_origin_that_only_an_answer_named() {
    let provider = Provider::start().await;
    let exporter = Exporter::start(&configuration(&provider)).await;
    for (fault, module, reason) in [
        (Fault::DiscoveryForeignTokenEndpoint, "asserted", "endpoint_refused"),
        (Fault::TokenRedirect, "asserted", "redirect_refused"),
        (Fault::TokenRedirectEchoesSecret, "asserted", "redirect_refused"),
        (Fault::KeyRedirect, "key", "redirect_refused"),
    ] {
        provider.switch_on(fault);
        let story = exporter.probe(module, &target(&provider, module), 10.0).await.story();
        provider.switch_off(fault);
        assert!(story.contains(reason), "{}: {story}", fault.name());
    }
    let elsewhere: Vec<_> =
        provider.seen().into_iter().filter(|seen| seen.site == provider.other_url()).collect();
    assert_eq!(elsewhere, []);
}

/// What is wrong with the request itself, by the `oauth_cc` block that sends it.
#[tokio::test(flavor = "multi_thread")]
async fn the_token_endpoint_refuses_bad_requests() {
    let provider = Provider::start().await;
    let secret = &provider.credentials().client_secret;
    for (block, story) in [
        (format!("client: {{id: monitor, secret: {secret}}}"), "token ok"),
        (
            format!("client: {{id: monitor, auth: client_secret_post, secret: {secret}}}"),
            "token ok",
        ),
        ("client: {id: monitor-public, auth: none}".to_owned(), "token ok"),
        ("client: {id: monitor, secret: not-the-secret}".to_owned(), "token invalid_client"),
        (
            "client: {id: monitor, auth: client_secret_post, secret: not-the-secret}".to_owned(),
            "token invalid_client",
        ),
        (format!("client: {{id: nobody, secret: {secret}}}"), "token invalid_client"),
        ("client: {id: monitor, auth: none}".to_owned(), "token invalid_client"),
        (
            format!("client: {{id: monitor, secret: {secret}}}, scopes: [admin]"),
            "token invalid_scope",
        ),
    ] {
        let exporter = Exporter::start(&format!(
            "modules: {{m: {{prober: oauth_cc, targets: ['{url}/token'], oauth_cc: {{discovery: false, {block}}}}}}}",
            url = provider.url()
        ))
        .await;
        let target = format!("{}/token", provider.url());
        assert_eq!(exporter.probe("m", &target, 10.0).await.story(), story, "{block}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_taken_wherever_it_is_carried() {
    let provider = Provider::start().await;
    let key = &provider.credentials().api_key;
    let target = format!("{}/v1/account", provider.url());
    for place in [
        "in: header, name: X-API-Key",
        "in: header, name: Authorization, prefix: 'Bearer '",
        "in: query, name: api_key",
        "in: cookie, name: api_key",
        "in: basic",
        "in: basic, name: somebody",
        "in: bearer",
    ] {
        let exporter = Exporter::start(&format!(
            "modules: {{m: {{prober: apikey, targets: ['{target}'], apikey: {{key: {key}, {place}, must_refuse: [no_key, wrong_key]}}}}}}"
        ))
        .await;
        let metrics = exporter.probe("m", &target, 10.0).await;
        assert_eq!(metrics.story(), "request ok, refuse ok", "{place}");
        for check in ["no_key", "wrong_key"] {
            let refused = metrics.value(&format!("probe_auth_refused{{check=\"{check}\"}}"));
            assert_eq!(refused, Some(1.0), "{place}");
        }
    }
}
