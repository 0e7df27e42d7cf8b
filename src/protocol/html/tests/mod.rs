//! Pages as servers write them, and as nobody should.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod again;
mod forms;
mod hostile;
mod logout;
mod overrides;
mod pages;
mod signs;
mod submissions;

use url::Url;

use super::{
    Asked, Filling, Form, Found, LoginForm, Overrides, Page, Submission, SubmitError, classify,
    parse,
};

const URL: &str = "https://auth.example/realm/page?q=1#f";

fn page(html: &str) -> Page {
    parse(html.as_bytes(), &Url::parse(URL).unwrap()).unwrap()
}

fn found(page: &Page) -> Found {
    classify(page, &Overrides::default())
}

/// What was found, with the names of the controls in the place of their indexes.
fn summary(page: &Page, found: &Found) -> String {
    let name = |form: usize, control: Option<usize>| {
        let control = control.map(|control| &page.forms[form].controls[control]);
        control.map_or("-", |control| match control.name.as_str() {
            "" if control.label.is_empty() => &control.value,
            "" => &control.label,
            name => name,
        })
    };
    let login = |what: &str, login: &LoginForm| {
        format!(
            "{what} in form {}: {} {} {} by {}",
            login.form,
            name(login.form, login.identifier),
            name(login.form, login.password),
            name(login.form, login.code),
            name(login.form, login.submit),
        )
    };
    match found {
        Found::Login(form) => login("login", form),
        Found::OneTimeCode(form) => login("code", form),
        Found::Consent(consent) => {
            let grants: Vec<&str> = consent
                .grants
                .iter()
                .map(|grant| page.forms[consent.form].controls[*grant].value.as_str())
                .collect();
            format!(
                "consent in form {}: {} {grants:?}",
                consent.form,
                name(consent.form, consent.accept)
            )
        }
        Found::AutoPost { form } => format!("auto post of form {form}"),
        other => format!("{other:?}"),
    }
}

fn summary_of(html: &str) -> String {
    let page = page(html);
    summary(&page, &found(&page))
}

/// The names and values of what a form sends as it comes.
fn entries(form: &Form) -> String {
    let entries = form.entries(&Filling::new());
    let entries: Vec<String> =
        entries.iter().map(|entry| format!("{}={}", entry.name, entry.value)).collect();
    entries.join("&")
}

fn submit(html: &str, filling: &Filling<'_>) -> Submission {
    page(html).submission(0, filling, "BOUNDARY").unwrap()
}
