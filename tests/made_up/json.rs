//! JSON texts: trees whose members are often those that matter.

use proptest::prelude::*;
use serde_json::{Map, Value};

/// Any JSON value, with small depth and size.
pub(crate) fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter("finite", |n| n.is_finite()).prop_map(Value::from),
        text().prop_map(Value::String),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec((text(), inner), 0..4)
                .prop_map(|members| Value::Object(Map::from_iter(members))),
        ]
    })
}

/// A short text, now and then one that needs escapes.
pub(crate) fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-zA-Z0-9_-]{0,8}", any::<String>()]
}

/// One of these, or any value.
pub(crate) fn often(choices: &[&'static str]) -> impl Strategy<Value = Value> + use<> {
    let choices: Vec<Value> = choices.iter().map(|choice| Value::from(*choice)).collect();
    prop_oneof![4 => prop::sample::select(choices), 1 => value()]
}

/// An object with some of the given members.
pub(crate) fn object(
    members: Vec<(&'static str, BoxedStrategy<Value>)>,
) -> impl Strategy<Value = Map<String, Value>> {
    let members: Vec<_> = members
        .into_iter()
        .map(|(name, value)| {
            prop::option::weighted(0.7, value).prop_map(move |value| Some((name, value?)))
        })
        .collect();
    members.prop_map(|members| {
        members.into_iter().flatten().map(|(name, value)| (name.to_owned(), value)).collect()
    })
}
