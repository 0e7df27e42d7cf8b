//! The paths, their methods and parameters.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use http::header::HOST;
use http::request::Parts;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::{Map, Value, json};

use super::answer::{self, Answer, Refused, Wanted};
use super::paths::Route;
use super::{App, pages, probe};

/// Answers a request of a client that is let in.
pub(super) async fn answer(
    app: &Arc<App>,
    local: Option<SocketAddr>,
    client: IpAddr,
    request: Request<Incoming>,
) -> Answer {
    let (parts, _body) = request.into_parts();
    let (refusal, decoration) = app.web.refusal(&parts.headers, client, &app.refusals).await;
    let mut answer = match refusal {
        Some(refusal) => refusal,
        None => admitted(app, local, client, parts).await,
    };
    decoration.apply(&mut answer);
    answer
}

/// HEAD is answered as GET without the body, but for a probe.
async fn admitted(
    app: &Arc<App>,
    local: Option<SocketAddr>,
    client: IpAddr,
    parts: Parts,
) -> Answer {
    let is_read = matches!(parts.method, Method::GET | Method::HEAD);
    let path = match app.paths.route(parts.uri.path()) {
        Route::Own(path) => path,
        Route::Elsewhere(url) if is_read => return answer::redirect(&url),
        Route::Elsewhere(_) => return answer::method_not_allowed("GET, HEAD"),
        Route::Unknown => return answer::not_found(),
    };
    let mut answer = match path {
        "/probe" if parts.method == Method::GET => {
            let query = match Query::parse(parts.uri.query()) {
                Ok(query) => query,
                Err(refused) => return app.refusals.answer(client, None, refused),
            };
            let asked = probe::Asked::new(query, &parts.headers);
            // The buffer that holds the request is free while the probe runs.
            drop(parts);
            return match probe::answer(app, &asked).await {
                Ok(answer) => answer,
                Err(refused) => app.refusals.answer(client, Some(&asked.query), refused),
            };
        }
        "/probe" => answer::method_not_allowed("GET"),
        "/-/reload" if matches!(parts.method, Method::POST | Method::PUT) => {
            match app.reload().await {
                Ok(()) => answer::text(StatusCode::OK, ""),
                Err(error) => answer::error(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    format!("failed to reload config: {error}"),
                ),
            }
        }
        "/-/reload" => answer::method_not_allowed("POST, PUT"),
        "/metrics" if is_read => answer::own_metrics(Wanted::by(&parts.headers), app),
        "/config" if is_read => {
            aside(app, |app| answer::text(StatusCode::OK, app.store.current().shown())).await
        }
        "/sd" if is_read => {
            let query = match Query::parse(parts.uri.query()) {
                Ok(query) => query,
                Err(refused) => return app.refusals.answer(client, None, refused),
            };
            // In HTTP/2 the host stands in the URI, which wins where both are there (RFC 9112 §3.2.2).
            let host = app
                .paths
                .address()
                .or_else(|| parts.uri.authority().map(http::uri::Authority::as_str))
                .or_else(|| parts.headers.get(HOST).and_then(|host| host.to_str().ok()))
                .filter(|host| !host.is_empty())
                .map(str::to_owned)
                .or(local.map(|local| local.to_string()));
            let host = host.unwrap_or_default();
            aside(app, move |app| {
                service_discovery(app, &query, &host)
                    .unwrap_or_else(|refused| app.refusals.answer(client, Some(&query), refused))
            })
            .await
        }
        "/-/healthy" if is_read => answer::text(StatusCode::OK, "Healthy\n"),
        "/-/ready" if is_read => answer::text(StatusCode::OK, "Ready\n"),
        "/" if is_read => {
            aside(app, |app| pages::landing(&app.store.current(), &app.history.all())).await
        }
        "/logs" if is_read => Query::parse(parts.uri.query())
            .and_then(|query| logs(app, &query))
            .unwrap_or_else(Answer::from),
        "/metrics" | "/config" | "/sd" | "/logs" | "/-/healthy" | "/-/ready" | "/" => {
            answer::method_not_allowed("GET, HEAD")
        }
        _ => answer::not_found(),
    };
    if parts.method == Method::HEAD {
        without_body(&mut answer).await;
    }
    answer
}

/// Made off the threads of the probes, and one at a time: thousands of modules or targets take a
/// while, and anybody may ask.
async fn aside(app: &Arc<App>, make: impl FnOnce(&App) -> Answer + Send + 'static) -> Answer {
    static ONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    let one = ONE.lock().await;
    let app = app.clone();
    let answer = tokio::task::spawn_blocking(move || {
        let _one = one;
        make(&app)
    });
    answer.await.unwrap_or_else(|_| {
        answer::error(StatusCode::SERVICE_UNAVAILABLE, "the exporter is stopping")
    })
}

/// HEAD: the length of the body that GET would have (RFC 9110 §9.3.2).
async fn without_body(answer: &mut Answer) {
    let mut body = std::mem::replace(answer.body_mut(), answer::whole(""));
    let mut length = 0;
    while let Some(Ok(frame)) = body.frame().await {
        length += frame.data_ref().map_or(0, Bytes::len);
    }
    answer.headers_mut().insert(http::header::CONTENT_LENGTH, length.into());
}

/// The parameters of a request, decoded once.
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    fn parse(query: Option<&str>) -> Result<Self, Refused> {
        let query = query.unwrap_or_default();
        let pairs: Vec<(String, String)> =
            url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        // The parser puts U+FFFD where the bytes are no UTF-8.
        if pairs.iter().any(|(name, value)| name.contains('\u{fffd}') || value.contains('\u{fffd}'))
        {
            return Err(Refused::bad("A parameter is not UTF-8"));
        }
        Ok(Self(pairs))
    }

    /// A parameter that may stand once; an empty one is as good as none.
    pub(super) fn one(&self, name: &str) -> Result<Option<&str>, Refused> {
        let mut values = self.0.iter().filter(|(known, _)| known == name);
        let value = values.next().map(|(_, value)| value.as_str());
        if values.next().is_some() {
            return Err(Refused::bad(format!("Parameter {name} is given more than once")));
        }
        Ok(value.filter(|value| !value.is_empty()))
    }

    /// A parameter as it stands there first.
    pub(super) fn first(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }
}

/// The story of one of the last probes.
fn logs(app: &App, query: &Query) -> Result<Answer, Refused> {
    let (target, module) = (query.one("target")?, query.one("module")?);
    let kept = match (query.one("id")?, target, module) {
        (Some(id), None, None) => {
            let id = id.parse().map_err(|_| Refused::bad("Parameter id is not a number"))?;
            app.history.by_id(id)
        }
        (None, Some(target), module) => app.history.newest(target, module),
        (None, None, _) => return Err(Refused::bad("Parameter id or target is missing")),
        (Some(_), ..) => return Err(Refused::bad("Parameter id stands alone")),
    };
    kept.map(|kept| pages::logs(&kept)).ok_or_else(|| {
        let message =
            "There is no such probe, or it was too long ago: the landing page lists the last ones";
        Refused::new(StatusCode::NOT_FOUND, message)
    })
}

/// Every listed target in the form of Prometheus's HTTP service discovery.
fn service_discovery(app: &App, query: &Query, address: &str) -> Result<Answer, Refused> {
    let wanted = query.one("module")?;
    let (config, metrics_path) = (app.store.current(), app.paths.probe());
    // A port with TLS answers nothing else. Without the label the scrape configuration says it.
    let is_https = app.paths.is_https().unwrap_or_else(|| app.web.has_tls());
    let scheme = is_https.then_some(("__scheme__", "https"));
    if let Some(name) = wanted
        && !config.modules.contains_key(name)
    {
        return Err(probe::unknown_module(app, name));
    }
    let mut groups = Vec::new();
    for module in config.modules.values() {
        if wanted.is_some_and(|name| name != module.name) {
            continue;
        }
        for listed in module.targets.listed() {
            let target = &*listed.target;
            let mut labels = Map::new();
            for (name, value) in [
                ("__param_module", module.name.as_str()),
                ("__param_target", target),
                ("__metrics_path__", metrics_path.as_str()),
                ("instance", target),
            ]
            .into_iter()
            .chain(scheme)
            {
                labels.insert(name.to_owned(), value.into());
            }
            for (name, value) in &listed.labels {
                labels.insert(name.clone(), value.as_str().into());
            }
            groups.push(json!({"targets": [address], "labels": labels}));
        }
    }
    let body = Value::Array(groups).to_string();
    Ok(answer::content(StatusCode::OK, "application/json", body))
}
