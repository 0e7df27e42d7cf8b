//! Headless Chromium behind its driver, which logs in as the exporter does: what a probe of a
//! login costs that is made of a browser.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use serde_json::{Value, json};

use crate::Result;
use crate::process::{Process, TICK};
use crate::target::{LOGIN_PASSWORD, LOGIN_USER, Target};

/// A page may take so long on a machine with other work.
const PATIENCE: Duration = Duration::from_secs(60);

/// The name of an element's id in the protocol (WebDriver §11.2).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser with one open window.
pub(crate) struct Browser {
    driver: Process,
    address: SocketAddr,
    session: String,
}

impl Browser {
    /// Starts it on the contenders' core.
    pub(crate) fn start() -> Result<Self> {
        let (driver, chromium) = (find("chromedriver")?, find("chromium")?);
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let port = format!("--port={}", address.port());
        let arguments = [OsStr::new(&port), OsStr::new("--silent")];
        let driver = Process::start(&driver, &arguments, &[], Stdio::null())?;
        let mut browser = Self { driver, address, session: String::new() };
        let started = Instant::now();
        while TcpStream::connect(address).is_err() {
            if started.elapsed() > PATIENCE {
                return Err("chromedriver does not listen".into());
            }
            thread::sleep(Duration::from_millis(10));
        }
        // The sandbox needs a user who is not root; the certificate is the benchmark's own.
        let options = json!({
            "binary": chromium,
            "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
        });
        let capabilities = json!({"alwaysMatch": {
            "acceptInsecureCerts": true,
            "goog:chromeOptions": options,
        }});
        let session = browser.ask("POST", "/session", &json!({"capabilities": capabilities}))?;
        let id = session.get("sessionId").and_then(Value::as_str);
        browser.session = format!("/session/{}", id.ok_or("the driver began no session")?);
        Ok(browser)
    }

    /// Logs in as somebody whom the provider does not know yet, until the browser is back at the
    /// client.
    pub(crate) fn log_in(&self, target: &Target) -> Result<()> {
        self.tell("DELETE", "/cookie", &Value::Null)?;
        self.tell("POST", "/url", &json!({"url": target.login_url()}))?;
        for (name, text) in [("username", LOGIN_USER), ("password", LOGIN_PASSWORD)] {
            let field = self.element(&format!("input[name={name}]"))?;
            self.tell("POST", &format!("/element/{field}/value"), &json!({"text": text}))?;
        }
        let button = self.element("button[type=submit]")?;
        self.tell("POST", &format!("/element/{button}/click"), &json!({}))?;
        let started = Instant::now();
        loop {
            let url = self.tell("GET", "/url", &Value::Null)?;
            if url.as_str().is_some_and(|url| url.starts_with(&target.callback_url())) {
                return Ok(());
            }
            if started.elapsed() > PATIENCE {
                return Err(format!("the browser stays at {url}").into());
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// CPU time of the driver and the browser so far, with that of processes that have ended.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        let mut ticks = 0;
        for process in self.processes()? {
            // User and system time, of itself and of its children that have ended: fields 14 to 17.
            ticks += process.fields.iter().skip(14 - 3).take(4).sum::<u32>();
        }
        Ok(TICK * ticks)
    }

    /// Their memory, in bytes; what several of them share counts once.
    pub(crate) fn memory(&self) -> Result<u64> {
        let mut kilobytes = 0;
        for process in self.processes()? {
            let shares = fs::read_to_string(format!("/proc/{}/smaps_rollup", process.id));
            // It may have ended meanwhile.
            let shares = shares.unwrap_or_default();
            let share = shares.lines().find_map(|line| line.strip_prefix("Pss:"));
            let share = share.and_then(|share| share.trim().strip_suffix(" kB"));
            kilobytes += share.map_or(Ok(0), str::parse::<u64>)?;
        }
        Ok(kilobytes * 1024)
    }

    /// The driver and all that descends from it.
    fn processes(&self) -> Result<Vec<Running>> {
        let mut all = BTreeMap::new();
        for entry in fs::read_dir("/proc")? {
            let name = entry?.file_name();
            let Some(id) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else {
                continue;
            };
            let Ok(stat) = fs::read_to_string(format!("/proc/{id}/stat")) else { continue };
            // What follows the name in parentheses begins with field 3; the parent is field 4.
            let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
            let fields =
                fields.split_whitespace().map(|field| field.parse().unwrap_or(0)).collect();
            all.insert(id, Running { id, fields });
        }
        let mut wanted = vec![self.driver.0.id()];
        let mut found = Vec::new();
        while let Some(id) = wanted.pop() {
            wanted.extend(all.values().filter(|it| it.fields.get(1) == Some(&id)).map(|it| it.id));
            found.extend(all.remove(&id));
        }
        Ok(found)
    }

    fn element(&self, selector: &str) -> Result<String> {
        let query = json!({"using": "css selector", "value": selector});
        let found = self.tell("POST", "/element", &query)?;
        let id = found.get(ELEMENT).and_then(Value::as_str);
        Ok(id.ok_or_else(|| format!("there is no {selector}: {found}"))?.to_owned())
    }

    fn tell(&self, method: &str, command: &str, body: &Value) -> Result<Value> {
        self.ask(method, &format!("{}{command}", self.session), body)
    }

    /// One command of the driver's HTTP interface.
    fn ask(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let mut stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        )?;
        let mut answer = BufReader::new(stream);
        let (mut length, mut line) = (0, String::new());
        while answer.read_line(&mut line)? > 2 {
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse()?;
            }
            line.clear();
        }
        let mut text = vec![0; length];
        answer.read_exact(&mut text)?;
        let mut answer: Value = serde_json::from_slice(&text)?;
        let value = answer.get_mut("value").map(Value::take).unwrap_or_default();
        match value.get("error") {
            Some(error) => Err(format!("chromedriver: {method} {path}: {error}").into()),
            None => Ok(value),
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver takes the browser along.
        let _ = self.tell("DELETE", "", &Value::Null);
    }
}

/// A process, and the fields of its `stat` from the third on that are numbers.
struct Running {
    id: u32,
    fields: Vec<u32>,
}

fn find(program: &str) -> Result<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
        .ok_or_else(|| {
            format!("{program} is missing (Debian: chromium and chromium-driver)").into()
        })
}
