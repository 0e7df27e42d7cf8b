//! Five targets, five different and right answers, each inside the budget.

use std::time::{Duration, Instant};

use crate::exporter::Exporter;
use crate::provider::{Certificate, Fault, Provider};

const EXPIRED: &str = "
  expired:
    prober: oauth_cc
    targets: ['${DEMO_PROVIDER_EXPIRED}']
    http: {tls_config: {ca_file: '${DEMO_CA_FILE}'}}
    oauth_cc:
      client: {id: monitor, secret: '${DEMO_CLIENT_SECRET}'}
";

#[tokio::test(flavor = "multi_thread")]
async fn good_refused_hanging_expired_and_redirecting() {
    let provider = Provider::start().await;
    let exporter = Exporter::start(&provider, EXPIRED).await;
    let (plain, expired) = (provider.url(), provider.tls_url(Certificate::Expired));
    for (module, target, fault, failures) in [
        ("client_credentials", plain, None, &[][..]),
        ("client_credentials", plain, Some(Fault::TokenRefusesClient), &["token invalid_client"]),
        ("client_credentials", plain, Some(Fault::TokenHang), &["token timeout"]),
        ("expired", expired, None, &["discovery certificate_expired"]),
        ("client_credentials", plain, Some(Fault::TokenRedirect), &["token redirect_refused"]),
    ] {
        fault.inspect(|fault| provider.switch_on(*fault));
        let began = Instant::now();
        let probe = exporter.probe(module, target, "2").await;
        let took = began.elapsed();
        fault.inspect(|fault| provider.switch_off(*fault));
        assert_eq!(probe.failures(), failures, "{module} {fault:?}");
        assert_eq!(probe.success(), failures.is_empty(), "{module} {fault:?}");
        assert!(took < Duration::from_secs(2), "{module} {fault:?} took {took:?}");
        if module == "expired" {
            // 2020-01-01T00:00:00Z: the expiry is known because of which nothing was sent.
            assert_eq!(probe.value("probe_ssl_earliest_cert_expiry"), Some(1_577_836_800.0));
        }
    }
    // Nothing followed the redirect to the other origin.
    assert_eq!(provider.seen().iter().filter(|seen| seen.site == provider.other_url()).count(), 0);
}
