//! What a hostile page costs: bounded time, computing and memory.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::modules::{configuration, healthy};
use crate::program::Program;
use crate::provider::{Fault, Provider};
use crate::scrape::probe_path;

/// Against pages that are slow on purpose the timeout of the scrape would be the bound.
const LARGE: [(Fault, &str); 6] = [
    (Fault::LoginHugePage, "body_too_large"),
    (Fault::LoginEndlessPage, "body_too_large"),
    (Fault::LoginTenThousandFields, "body_too_large"),
    (Fault::LoginDeepPage, "logout ok"),
    (Fault::LoginRefreshLoop, "too_many_redirects"),
    (Fault::AuthorizeRedirectLoop, "too_many_redirects"),
];
/// Computing that a probe may take, in a build that is not optimized.
const MOST_COMPUTING: Duration = Duration::from_millis(500);
/// Memory that all of them together may take beyond that of a good login, in KiB.
const MOST_MEMORY: u64 = 16 * 1024;
/// However busy the machine.
const SOON: Duration = Duration::from_secs(8);

#[tokio::test(flavor = "multi_thread")]
async fn hostile_pages_cost_little() {
    let provider = Provider::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("auth_exporter.yml");
    std::fs::write(&file, configuration(&provider)).unwrap();
    let program = Program::start(&file, &[], &BTreeMap::new()).await;
    let path = probe_path("login", provider.url());
    let good = program.get(&path).await.metrics();
    assert_eq!(good.story(), healthy("login"));
    let peak = program.peak_memory();
    for (fault, tells) in LARGE {
        let (began, computed) = (Instant::now(), program.computed());
        provider.switch_on(fault);
        let story = program.get(&path).await.metrics().story();
        provider.switch_off(fault);
        let (time, computing) = (began.elapsed(), program.computed().saturating_sub(computed));
        assert!(story.contains(tells), "{}: {story}", fault.name());
        assert!(time < SOON, "{}: {time:?}", fault.name());
        assert!(computing < MOST_COMPUTING, "{}: {computing:?} of the processor", fault.name());
    }
    let more = program.peak_memory() - peak;
    assert!(more < MOST_MEMORY, "{more} KiB more than a good login");
}
