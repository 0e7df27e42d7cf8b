//! `/faults`: the list, and the switches.
//!
//! ```text
//! GET    /faults         every fault, on or off
//! PUT    /faults/NAME    on
//! DELETE /faults/NAME    off
//! DELETE /faults         all off
//! ```

use std::fmt::Write;

use http::header::ALLOW;
use http::{Method, StatusCode};

use super::answer::Answer;
use super::fault::{Fault, Faults};
use super::received::Received;

const PATH: &str = "/faults";

pub(super) fn is_asked(request: &Received) -> bool {
    request.path().strip_prefix(PATH).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

pub(super) fn answer(faults: &Faults, request: &Received) -> Answer {
    let name = request.path().strip_prefix(PATH).unwrap_or_default().trim_start_matches('/');
    if name.is_empty() {
        return match request.method {
            Method::GET => Answer::text(StatusCode::OK, list(faults)),
            Method::DELETE => {
                for fault in Fault::ALL {
                    faults.switch(*fault, false);
                }
                Answer::text(StatusCode::OK, "all faults are off\n")
            }
            _ => not_allowed("GET, DELETE"),
        };
    }
    let Some(fault) = Fault::from_name(name) else {
        let message = format!("There is no fault {name:?}; GET {PATH} lists them\n");
        return Answer::text(StatusCode::NOT_FOUND, message);
    };
    let on = match request.method {
        Method::PUT => true,
        Method::DELETE => false,
        _ => return not_allowed("PUT, DELETE"),
    };
    faults.switch(fault, on);
    let said = if on { format!("on: {}", fault.does()) } else { "off".to_owned() };
    Answer::text(StatusCode::OK, format!("{name} is {said}\n"))
}

fn list(faults: &Faults) -> String {
    Fault::ALL.iter().fold(String::new(), |mut list, fault| {
        let state = if faults.is_on(*fault) { "on" } else { "off" };
        // Writing into a String cannot fail.
        let _ = writeln!(list, "{state:<4} {:<34} {}", fault.name(), fault.does());
        list
    })
}

fn not_allowed(allow: &str) -> Answer {
    Answer::text(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed\n").with(ALLOW, allow)
}
