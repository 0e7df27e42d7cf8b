//! The names in an expression of Prometheus. Only as much of the language as the dashboards use;
//! Prometheus says whether an expression is right.

use std::collections::BTreeSet;

/// What an expression names.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Names {
    /// Metrics, each with the labels that it is selected by.
    pub(crate) metrics: Vec<(String, Vec<String>)>,
    /// Labels of `by`, `on`, `group_left` and the like.
    pub(crate) groups: BTreeSet<String>,
    /// Labels that `label_replace` makes.
    pub(crate) made: BTreeSet<String>,
}

const GROUPINGS: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];
const WORDS: [&str; 6] = ["and", "or", "unless", "bool", "offset", "inf"];

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Sign(char),
}

fn tokens(expression: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = expression.chars().peekable();
    while let Some(c) = rest.next() {
        if c == '"' {
            let mut text = String::new();
            while let Some(c) = rest.next().filter(|c| *c != '"') {
                text.push(c);
                if c == '\\' {
                    text.extend(rest.next());
                }
            }
            tokens.push(Token::Text(text));
        } else if c == '[' {
            // A duration.
            while rest.next().is_some_and(|c| c != ']') {}
        } else if c.is_ascii_alphabetic() || c == '_' {
            let mut word = c.to_string();
            while let Some(c) =
                rest.next_if(|c| c.is_ascii_alphanumeric() || *c == '_' || *c == ':')
            {
                word.push(c);
            }
            tokens.push(Token::Word(word));
        } else if c.is_ascii_digit() {
            while rest.next_if(|c| c.is_ascii_alphanumeric() || *c == '.').is_some() {}
        } else if !c.is_whitespace() {
            tokens.push(Token::Sign(c));
        }
    }
    tokens
}

/// The names in an expression whose variables stand in texts and durations alone.
pub(crate) fn names(expression: &str) -> Names {
    let tokens = tokens(expression);
    let mut names = Names::default();
    let mut at = 0;
    let sign = |at: usize, sign: char| tokens.get(at) == Some(&Token::Sign(sign));
    // The words up to a closing sign.
    let words_until = |mut at: usize, closing: char| {
        let mut words = Vec::new();
        while at < tokens.len() && !sign(at, closing) {
            if let Token::Word(word) = &tokens[at] {
                words.push(word.clone());
            }
            at += 1;
        }
        (words, at + 1)
    };
    while at < tokens.len() {
        let Token::Word(word) = &tokens[at] else {
            at += 1;
            continue;
        };
        at += 1;
        if GROUPINGS.contains(&word.as_str()) {
            assert!(sign(at, '('), "{word} without labels in {expression}");
            let (words, after) = words_until(at + 1, ')');
            names.groups.extend(words);
            at = after;
        } else if word == "label_replace" {
            names.made.extend(made_label(&tokens[at..]));
        } else if WORDS.contains(&word.as_str()) || sign(at, '(') {
            // An operator, a function or an aggregation, or `by` stands between it and `(`.
        } else if matches!(tokens.get(at), Some(Token::Word(next)) if GROUPINGS.contains(&next.as_str()))
            && !word.contains('_')
        {
            // An aggregation before its grouping.
        } else if sign(at, '{') {
            let (words, after) = words_until(at + 1, '}');
            names.metrics.push((word.clone(), words));
            at = after;
        } else {
            names.metrics.push((word.clone(), Vec::new()));
        }
    }
    names
}

/// The label that a `label_replace` makes, whose arguments begin here: the first text outside
/// of inner parentheses and braces.
fn made_label(tokens: &[Token]) -> Option<String> {
    let mut depth = 0;
    for token in tokens {
        match token {
            Token::Sign('(' | '{') => depth += 1,
            Token::Sign(')' | '}') => depth -= 1,
            Token::Text(text) if depth == 1 => return Some(text.clone()),
            _ => {}
        }
    }
    None
}

#[test]
fn names_of_an_expression() {
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(
        names(
            r#"sum by (step) (rate(a_total{job=~"$job",x="y}"}[$__range])) / 60 * on (job) group_left (p) b
               or label_replace(min(c{z="1"} offset 5m), "kind", "$1", "z", "(.*)") > bool 0"#
        ),
        Names {
            metrics: vec![
                ("a_total".into(), vec!["job".into(), "x".into()]),
                ("b".into(), vec![]),
                ("c".into(), vec!["z".into()]),
            ],
            groups: set(&["job", "p", "step"]),
            made: set(&["kind"]),
        }
    );
}
