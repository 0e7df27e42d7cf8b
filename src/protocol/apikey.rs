//! A wrong API key of the same shape as the right one.

/// A key that is not `key` but looks like it: every letter and digit is replaced by
/// another of its class, everything else stays, so that it is refused for being
/// unknown and not for its format. It says nothing of the key but its shape:
/// services write refused keys into their logs.
///
/// `entropy` gives one byte a character; where it ends it begins again.
#[must_use]
pub fn wrong_key(key: &str, entropy: &[u8]) -> String {
    let mut bytes = entropy.iter().cycle().copied();
    let wrong: String = key.chars().map(|c| pick(c, bytes.next().unwrap_or_default())).collect();
    if wrong == key {
        // No letter or digit to replace, or chance: any other text will do.
        format!("{wrong}x")
    } else {
        wrong
    }
}

fn pick(c: char, byte: u8) -> char {
    let from = |first: u8, count: u8| char::from(first + byte % count);
    match c {
        '0'..='9' => from(b'0', 10),
        'a'..='z' => from(b'a', 26),
        'A'..='Z' => from(b'A', 26),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_shape_and_never_the_key() {
        assert_eq!(wrong_key("sk_Live-0a9", &[3, 7]), "dh_Hdhd-3h3");
        assert_eq!(wrong_key("d3", &[3, 3]), "d3x");
        assert_eq!(wrong_key("---", &[1]), "---x");
        assert_eq!(wrong_key("a", &[]), "ax");
    }
}
