//! A look at the provider's status page, beside the flow: an outage that the provider admits, or
//! does not, is told apart. It never fails a probe, and no secret of the module goes there.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method};
use tokio::time::Instant;

use super::Context;
use crate::net::{HttpSession, Origin, Request, Route, Rules, SecretTo};
use crate::report::{self, Endpoint, StatusIndicator};
use crate::settings::{self, Answered, Content, StatusReading};

/// The time that it may take, inside the budget of the probe.
const LONGEST: Duration = Duration::from_secs(2);

/// Reads the page and puts on record what it says.
pub(super) async fn look(page: &settings::StatusPage, context: &Context<'_>) {
    // What a panic leaves behind is a page that was not read.
    context.record().report.status_page = Some(report::StatusPage::Unreadable);
    let (text, found) = match read(page, context).await {
        Ok(StatusReading { indicator, words }) => {
            let indicator = indicator_of(indicator);
            let words =
                if words.is_empty() { words } else { format!(" ({})", context.foreign(&words)) };
            let text = format!("the status page of the provider says {indicator}{words}");
            (text, report::StatusPage::Shows(indicator))
        }
        Err(problem) => {
            let text = format!("the status page of the provider cannot be read: {problem}");
            (text, report::StatusPage::Unreadable)
        }
    };
    let mut record = context.record();
    record.note_beside(&text);
    record.report.status_page = Some(found);
}

async fn read(page: &settings::StatusPage, context: &Context<'_>) -> Result<StatusReading, String> {
    let url = page.url.resolve(context.target().url()).ok_or("it has no URL")?;
    let http = &context.module().http;
    // Whatever the module sends elsewhere is not for this page: a session of its own has none of
    // it, be the page at the target's origin.
    let rules = Rules {
        target: Origin::of(&url),
        allowed_origins: [].into(),
        allow_plain_http: http.allow_plain_http || !page.is_secret,
        body_size_limit: http.body_size_limit,
        user_agent: HeaderValue::from_static(super::USER_AGENT),
        target_headers: HeaderMap::new(),
    };
    let route = Route { server_name: None, ..http.route.clone() };
    let deadline = context.deadline().min(Instant::now() + LONGEST);
    let session = HttpSession::new(&http.transport, route, None, rules, deadline);
    let secret_to = if page.is_secret { SecretTo::Configured } else { SecretTo::Nobody };
    let request = Request::new(Endpoint::StatusPage, Method::GET, url, secret_to);
    let mut exchanges = Vec::new();
    let answer = session.send(request, &mut exchanges).await;
    for exchange in exchanges {
        context.record().exchange_beside(exchange);
    }
    let answer =
        answer.map_err(|failure| format!("{}, {}", failure.reason, context.told(&failure)))?;
    let answered = Answered {
        status: answer.status,
        headers: &answer.headers,
        body: Content::Whole(&answer.body),
        json: None,
        response_time: answer.duration,
    };
    page.judge(answered, &answer.body, context.unix_now()).map_err(|problem| problem.to_string())
}

const fn indicator_of(indicator: settings::StatusIndicator) -> StatusIndicator {
    match indicator {
        settings::StatusIndicator::None => StatusIndicator::None,
        settings::StatusIndicator::Maintenance => StatusIndicator::Maintenance,
        settings::StatusIndicator::Unknown => StatusIndicator::Unknown,
        settings::StatusIndicator::Minor => StatusIndicator::Minor,
        settings::StatusIndicator::Major => StatusIndicator::Major,
        settings::StatusIndicator::Critical => StatusIndicator::Critical,
    }
}
