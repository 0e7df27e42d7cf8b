//! A Prometheus that scrapes an exporter that probes the demo's provider.

use std::fmt::Write;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use tempfile::TempDir;

use crate::exporter::Exporter;
use crate::http::{get, with_query};
use crate::installed;
use crate::provider::{CLIENT_ID, Credentials, Fault, Provider, REDIRECT_URI, USERNAME};
use crate::running::Running;

/// Discovery is applied after up to 5 s, and a few scrapes come after that.
const STORED: Duration = Duration::from_secs(90);

const SCRAPES: &str = include_str!("../../examples/prometheus.yml");
const DEMO: &str = include_str!("../../examples/demo/auth_exporter.yml");

/// For the panels that show alerts: what fires here is not looked at.
const RULES: &str = r"
groups:
  - name: dashboards
    rules:
      - {alert: AuthProbeFailed, expr: probe_success == 0, labels: {severity: critical}}
";

/// All three. They are stopped in this order.
pub(crate) struct Scraped {
    address: String,
    _prometheus: Running,
    _exporter: Exporter,
    pub(crate) provider: Provider,
    _folder: TempDir,
}

/// The modules of the demo, and those that it does not need but dashboards show.
fn modules(provider: &Provider, folder: &TempDir) -> String {
    let ca_file = folder.path().join("ca.pem");
    std::fs::write(&ca_file, provider.ca_pem()).unwrap();
    let mut modules = provider.fill_in(DEMO, &ca_file);
    let (url, federation) = (provider.url(), provider.federation_file());
    let (federation, signing) = (federation.display(), provider.saml_sp_key_file());
    let signing = signing.display();
    let Credentials { client_secret: secret, api_key: key, password, .. } = provider.credentials();
    write!(
        modules,
        "
  metadata:
    prober: saml
    targets: ['{url}/saml/metadata']
    saml: {{role: idp, entity_id: '{url}/saml/idp', signature: {{certificate_file: '{federation}'}}, certificates: ['{federation}']}}
  key_with_an_end:
    prober: apikey
    min_interval: 1s
    targets: ['{url}/v1/account']
    apikey:
      key: {key}
      name: X-API-Key
      key_info: {{url: /v1/keys/self, headers: {{X-API-Key: {key}}}, expiry: {{path: $.expires_at}}, id: $.id}}
  sign_on:
    prober: saml
    targets: ['{url}/saml/metadata']
    saml:
      role: idp
      entity_id: {url}/saml/idp
      signature: {{certificate_file: '{federation}'}}
      sso:
        sp_entity_id: {url}/saml/sp
        acs_url: {url}/saml/acs
        signing_key_file: '{signing}'
        login: {{username: {USERNAME}, password: {password}}}
        acs: {{}}
  pushed:
    prober: oauth_authcode
    targets: ['{url}']
    oauth_authcode:
      client: {{id: {CLIENT_ID}, secret: {secret}}}
      redirect_uri: {REDIRECT_URI}
      scopes: [openid]
      par: true
      login: {{username: {USERNAME}, password: {password}, consent: accept}}
"
    )
    .unwrap();
    modules
}

impl Scraped {
    /// Starts them, and waits until everything was scraped a few times. There are warnings, an
    /// account that is suspended, and the demo's certificate that has expired.
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let provider = Provider::start().await;
        provider.switch_on(Fault::TokenCacheable);
        provider.switch_on(Fault::KeyAccountSuspended);
        let exporter = Exporter::start(&modules(&provider, &folder)).await;
        let key = format!("{}/v1/account", provider.url());
        let configuration = [
            ("127.0.0.1:10115", exporter.address.to_string().as_str()),
            ("https://auth.example.com", provider.url()),
            ("https://api.example.com/v1/account", &key),
            ("scrape_interval: 1m", "scrape_interval: 3s\n  evaluation_interval: 3s"),
            ("scrape_timeout: 30s", "scrape_timeout: 3s"),
        ]
        .into_iter()
        .fold(SCRAPES.to_owned(), |text, (written, substitute)| {
            assert!(text.contains(written), "{written} is not in the example");
            text.replace(written, substitute)
        });
        let (file, rules) = (folder.path().join("prometheus.yml"), folder.path().join("rules.yml"));
        std::fs::write(&file, format!("{configuration}\nrule_files: ['{}']\n", rules.display()))
            .unwrap();
        std::fs::write(rules, RULES).unwrap();
        let mut command = installed::debian("prometheus");
        command.arg("--config.file").arg(file).arg("--storage.tsdb.path").arg(folder.path());
        command.args(["--web.listen-address", "127.0.0.1:0"]);
        let mut running = Running::start("prometheus", &mut command);
        // The two lines come in either order.
        let (mut address, mut ready) = (None, false);
        let address = running.wait_for("address and that it is ready", |line| {
            if let Some((_, listening)) = line.split_once(r#"msg="Listening on" address="#) {
                address = Some(listening.to_owned());
            }
            ready |= line.contains("Server is ready");
            address.clone().filter(|_| ready)
        });
        let scraped =
            Self { address, _prometheus: running, _exporter: exporter, provider, _folder: folder };
        // Two of static targets, ten of service discovery, the exporter itself; all but three
        // are well.
        scraped.wait_for("count(count_over_time(up[1m]) > 3)", "13");
        scraped.wait_for("count(probe_success == 1)", "9");
        scraped.wait_for("count(ALERTS{alertstate=\"firing\"})", "3");
        scraped
    }

    fn wait_for(&self, expression: &str, value: &str) {
        let deadline = Instant::now() + STORED;
        loop {
            let found = self.instant(expression, now());
            if found.iter().any(|series| series["value"][1] == value) {
                return;
            }
            assert!(Instant::now() < deadline, "{expression} is not {value} but {found:?}");
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    fn ask(&self, path: &str, parameters: &[(&str, &str)]) -> Value {
        let body = get(&self.address, &with_query(path, parameters), "application/json");
        let answer: Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!(answer["status"], "success", "{answer}");
        answer["data"].clone()
    }

    /// The series of an expression at a time in Unix seconds.
    pub(crate) fn instant(&self, expression: &str, time: u64) -> Vec<Value> {
        let parameters = [("query", expression), ("time", &time.to_string())];
        let data = self.ask("/api/v1/query", &parameters);
        assert_eq!(data["resultType"], "vector", "{expression}");
        data["result"].as_array().expect("series").clone()
    }

    /// The series of an expression over the minute before that time.
    pub(crate) fn range(&self, expression: &str, time: u64) -> Vec<Value> {
        let (start, end) = ((time - 60).to_string(), time.to_string());
        let parameters = [("query", expression), ("start", &start), ("end", &end), ("step", "5")];
        let data = self.ask("/api/v1/query_range", &parameters);
        data["result"].as_array().expect("series").clone()
    }

    /// The values of a label of series.
    pub(crate) fn label_values(&self, series: &str, label: &str) -> Vec<String> {
        let data = self.ask(&format!("/api/v1/label/{label}/values"), &[("match[]", series)]);
        data.as_array()
            .expect("values")
            .iter()
            .map(|value| value.as_str().unwrap().to_owned())
            .collect()
    }
}

/// Unix seconds.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970").as_secs()
}
