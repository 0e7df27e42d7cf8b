//! From an element to a control, and what the controls of a form settle among themselves.

use std::collections::HashMap;

use super::elements::known;
use super::open::Surroundings;
use crate::protocol::html::{Attributes, Control, Kind};

pub(super) fn control(
    name: &str,
    attributes: Attributes,
    inside: Surroundings,
    in_noscript: bool,
) -> Option<Control> {
    let kind = kind(name, &attributes)?;
    let required = attributes.has("required") || attributes.is("aria-required", "true");
    // Screen readers and keyboards are told to pass over decoys by these, but never over what
    // people need.
    let passed_over = kind.is_typed()
        && (attributes.is("aria-hidden", "true") || (attributes.is("tabindex", "-1") && !required));
    Some(Control {
        element: known(name).unwrap_or("input"),
        kind,
        name: attributes.text("name").to_owned(),
        value: sanitized(kind, attributes.text("value")),
        checked: attributes.has("checked"),
        disabled: attributes.has("disabled") || inside.disabled,
        required,
        readonly: attributes.has("readonly"),
        in_datalist: inside.in_datalist,
        in_noscript,
        concealed: inside.concealed || passed_over,
        label: String::new(),
        options: Vec::new(),
        attributes,
    })
}

/// `None` for a button that resets.
fn kind(name: &str, attributes: &Attributes) -> Option<Kind> {
    let kind = attributes.text("type").to_ascii_lowercase();
    Some(match (name, kind.as_str()) {
        ("select", _) => Kind::Select,
        ("textarea", _) => Kind::Textarea,
        ("input" | "button", "reset") => return None,
        ("input" | "button", "button") => Kind::Button,
        ("button", "submit") => Kind::Submit,
        ("button", _) if attributes.has("command") || attributes.has("commandfor") => Kind::Button,
        ("button", _) | ("input", "submit") => Kind::Submit,
        ("input", "hidden") => Kind::Hidden,
        ("input", "search") => Kind::Search,
        ("input", "tel") => Kind::Tel,
        ("input", "url") => Kind::Url,
        ("input", "email") => Kind::Email,
        ("input", "password") => Kind::Password,
        ("input", "number") => Kind::Number,
        ("input", "checkbox") => Kind::Checkbox,
        ("input", "radio") => Kind::Radio,
        ("input", "file") => Kind::File,
        ("input", "image") => Kind::Image,
        ("input", "date" | "month" | "week" | "time" | "datetime-local" | "range" | "color") => {
            Kind::OtherInput
        }
        _ => Kind::Text,
    })
}

/// The value sanitization algorithm of the kinds that one types into (§4.10.5.1).
pub(in crate::protocol::html) fn sanitized(kind: Kind, value: &str) -> String {
    match kind {
        Kind::Text | Kind::Search | Kind::Tel | Kind::Password => value.replace(['\r', '\n'], ""),
        Kind::Url | Kind::Email => {
            value.replace(['\r', '\n'], "").trim_matches(|c: char| c.is_ascii_whitespace()).into()
        }
        Kind::Number if value.parse::<f64>().is_err() => String::new(),
        _ => value.to_owned(),
    }
}

/// What the controls of one form decide among themselves: one radio of a group, one option of
/// a list.
pub(super) fn settle(controls: &mut [Control]) {
    let mut checked = HashMap::new();
    for (index, control) in controls.iter().enumerate() {
        if control.kind == Kind::Radio && control.checked && !control.name.is_empty() {
            checked.insert(control.name.clone(), index);
        }
    }
    for (index, control) in controls.iter_mut().enumerate() {
        if control.kind == Kind::Radio && checked.get(&control.name).is_some_and(|c| *c != index) {
            control.checked = false;
        }
        if control.kind == Kind::Select && !control.attributes.has("multiple") {
            select_one(control);
        }
    }
}

/// The selectedness setting algorithm (§4.10.7): the last of several, or the first of none in a
/// list that shows one line.
fn select_one(control: &mut Control) {
    let last = control.options.iter().rposition(|option| option.selected);
    let one_line = control.attributes.text("size").trim().parse::<u32>().unwrap_or(0) <= 1;
    let chosen = last.or_else(|| {
        control.options.iter().position(|option| !option.disabled).filter(|_| one_line)
    });
    for (index, option) in control.options.iter_mut().enumerate() {
        option.selected = Some(index) == chosen;
    }
}
