//! Answers of the authorization endpoint, changed on their way back to the client. One that is
//! posted by a form stays as it is.

use http::header::LOCATION;
use url::Url;

use super::super::Site;
use super::super::answer::Answer;

/// The parameters of an answer, and where it goes.
pub(super) struct Parameters {
    to: Url,
    pairs: Vec<(String, String)>,
    in_fragment: bool,
}

impl Parameters {
    pub(super) fn one(&self, name: &str) -> String {
        let found = self.pairs.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    }

    pub(super) fn drop(&mut self, name: &str) {
        self.pairs.retain(|(known, _)| known != name);
    }

    pub(super) fn add(&mut self, name: &str, value: &str) {
        self.pairs.push((name.to_owned(), value.to_owned()));
    }

    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.drop(name);
        self.add(name, value);
    }

    /// An error in the place of the code (RFC 6749 §4.1.2.1).
    pub(super) fn fail(&mut self, error: &str) {
        self.drop("code");
        self.add("error", error);
    }

    /// The same path at another origin.
    pub(super) fn go_to(&mut self, origin: &str) {
        self.to = Url::parse(origin).expect("our own URL").join(self.to.path()).expect("a path");
    }

    pub(super) fn move_to_fragment(&mut self) {
        self.in_fragment = true;
    }
}

impl Answer {
    /// The same with the answer to the client changed.
    pub(super) fn callback(self, change: impl FnOnce(&mut Parameters)) -> Self {
        let Some(location) = self.headers.get(LOCATION).and_then(|to| to.to_str().ok()) else {
            return self;
        };
        let mut to = Url::parse(location).expect("our own URL");
        let pairs = to.query_pairs().into_owned().collect();
        to.set_query(None);
        let mut parameters = Parameters { to, pairs, in_fragment: false };
        change(&mut parameters);
        let Parameters { mut to, pairs, in_fragment } = parameters;
        to.query_pairs_mut().extend_pairs(pairs);
        if in_fragment {
            let query = to.query().map(str::to_owned);
            to.set_fragment(query.as_deref());
            to.set_query(None);
        }
        self.with(LOCATION, to.as_str())
    }

    /// A redirect to a path of the provider, to the same path at another origin.
    pub(super) fn elsewhere(self, site: &Site) -> Self {
        let Some(path) = self.headers.get(LOCATION).and_then(|to| to.to_str().ok()) else {
            return self;
        };
        let elsewhere = format!("{}{path}", site.other);
        self.with(LOCATION, &elsewhere)
    }
}
