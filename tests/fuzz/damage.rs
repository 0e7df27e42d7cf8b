//! Damaged input: bytes turned, parts gone, doubled or from another input, numbers made extreme.

use std::collections::BTreeSet;

use super::LONGEST;

/// `SplitMix64`: the same seed, the same numbers.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below this one, which is not 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).expect("below a usize")
    }

    fn byte(&mut self) -> u8 {
        self.next().to_be_bytes()[0]
    }

    fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    /// Mostly short, and never longer than this.
    fn length(&mut self, most: usize) -> usize {
        let end = if self.below(4) == 0 { most } else { most.min(16) };
        self.below(end + 1)
    }
}

/// What is inserted whatever the format.
const EXTREMES: [&str; 30] = [
    "0",
    "-1",
    "1e309",
    "-0.0",
    "0.1",
    "9223372036854775808",
    "18446744073709551616",
    "99999999999999999999999999",
    "null",
    "true",
    "\"\"",
    "[]",
    "{}",
    "\\u0000",
    "\\ud800",
    "\0",
    "\u{feff}",
    "\u{fffd}",
    "\u{10ffff}",
    "\u{202e}",
    "\u{e9}",
    "e\u{301}",
    "\r\n",
    "\n\n",
    "\t",
    "%00",
    "%",
    "=",
    "&",
    "..",
];

pub(crate) struct Damager {
    /// Words of the seeds.
    words: Vec<Vec<u8>>,
}

impl Damager {
    pub(crate) fn new(seeds: &[Vec<u8>]) -> Self {
        let mut words: BTreeSet<Vec<u8>> =
            EXTREMES.iter().map(|text| text.as_bytes().to_vec()).collect();
        for seed in seeds {
            let ends_word = |byte: &u8| !byte.is_ascii_alphanumeric() && *byte != b'_';
            words.extend(
                seed.split(ends_word)
                    .filter(|word| (2..40).contains(&word.len()))
                    .map(<[u8]>::to_vec),
            );
            // With what stands around it, as `<a>` or `"a":`.
            words.extend(
                seed.split_inclusive(|byte| b">;,&\n".contains(byte))
                    .filter(|word| (2..80).contains(&word.len()))
                    .map(<[u8]>::to_vec),
            );
        }
        Self { words: words.into_iter().take(4000).collect() }
    }

    /// One of the corpus with one to eight things wrong.
    pub(crate) fn damage(&self, corpus: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
        let mut input = random.of(corpus).clone();
        for _ in 0..=random.below(8) {
            self.once(&mut input, corpus, random);
        }
        input.truncate(LONGEST);
        input
    }

    fn once(&self, input: &mut Vec<u8>, corpus: &[Vec<u8>], random: &mut Random) {
        let from = random.below(input.len() + 1);
        let to = from + random.length(input.len() - from);
        match random.below(12) {
            0 if from < input.len() => input[from] ^= 1 << random.below(8),
            1 if from < input.len() => input[from] = random.byte(),
            2 if from < input.len() => {
                input[from] = *random.of(b"\0\"'<>&=;:,.-+/\\%#?@[]{}()\r\n\t 09aAzZ\x7f\xc3\xff");
            }
            3 => drop(input.drain(from..to)),
            4 => {
                let twice = input[from..to].to_vec();
                let at = random.below(input.len() + 1);
                input.splice(at..at, twice);
            }
            // Nested, or in a row, many times.
            5 => {
                let part = input[from..to.min(from + 64)].to_vec();
                let times = 1 << random.below(11);
                let most = LONGEST.saturating_sub(input.len()) / part.len().max(1);
                input.splice(from..from, part.repeat(times.min(most)));
            }
            6 => input.truncate(from),
            7 | 8 => {
                let word = random.of(&self.words);
                let end = if random.below(2) == 0 { from } else { to };
                input.splice(from..end, word.iter().copied());
            }
            9 => {
                let other = random.of(corpus);
                let begin = random.below(other.len() + 1);
                let end = begin + random.length(other.len() - begin);
                input.splice(from..to, other[begin..end].iter().copied());
            }
            10 => {
                // The end of another one behind the beginning of this one.
                let other = random.of(corpus);
                input.truncate(from);
                input.extend(&other[random.below(other.len() + 1)..]);
            }
            _ => {
                // A number becomes another one.
                let digits = |byte: &u8| byte.is_ascii_digit();
                let Some(begin) = input[from..].iter().position(digits).map(|at| from + at) else {
                    return;
                };
                let end = begin + input[begin..].iter().take_while(|byte| digits(byte)).count();
                let extreme = random.of(&EXTREMES[..8]).bytes();
                input.splice(begin..end, extreme);
            }
        }
    }
}
