//! Dates of certificates are those that `openssl x509 -enddate` prints.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use auth_exporter::protocol::certificate::Certificate;
use rcgen::{KeyPair, PublicKeyData};
use serde_json::json;

use super::exporter::Exporter;
use super::installed;

/// A source of numbers that look random (xorshift64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % end
    }
}

/// An element of DER.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut element = vec![tag];
    match u8::try_from(length) {
        Ok(short @ ..0x80) => element.push(short),
        Ok(long) => element.extend([0x81, long]),
        Err(_) => {
            let bytes = u16::try_from(length).expect("a short certificate").to_be_bytes();
            element.extend([0x82, bytes[0], bytes[1]]);
        }
    }
    element.extend(content);
    element
}

const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// What a certificate may say, also what no authority should write.
struct Made {
    /// 1 to 3.
    version: u8,
    serial: Vec<u8>,
    not_before: (u8, String),
    not_after: (u8, String),
}

impl Made {
    fn der(&self, key: &[u8]) -> Vec<u8> {
        // ecdsa-with-SHA256, and a common name.
        let algorithm = der(0x30, &der(0x06, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02]));
        let name = [der(0x06, &[0x55, 0x04, 0x03]), der(0x0c, b"odd")].concat();
        let name = der(0x30, &der(0x31, &der(0x30, &name)));
        let time = |(tag, text): &(u8, String)| der(*tag, text.as_bytes());
        let validity = [time(&self.not_before), time(&self.not_after)].concat();
        let version = match self.version {
            // It is the default.
            1 => Vec::new(),
            version => der(0xa0, &der(0x02, &[version - 1])),
        };
        let content = [
            version,
            der(0x02, &self.serial),
            algorithm.clone(),
            name.clone(),
            der(0x30, &validity),
            name,
            key.to_vec(),
        ];
        // Nobody verifies the signature.
        let signature = der(0x03, &[0, 0x30, 6, 2, 1, 1, 2, 1, 1]);
        der(0x30, &[der(0x30, &content.concat()), algorithm, signature].concat())
    }
}

/// In `UTCTime` from 1950 to 2049, else in `GeneralizedTime` (RFC 5280 §4.1.2.5).
fn time([year, month, day, hour, minute, second]: [u64; 6]) -> (u8, String) {
    let rest = format!("{month:02}{day:02}{hour:02}{minute:02}{second:02}Z");
    if (1950..2050).contains(&year) {
        (UTC_TIME, format!("{:02}{rest}", year % 100))
    } else {
        (GENERALIZED_TIME, format!("{year:04}{rest}"))
    }
}

fn made_up_time(numbers: &mut Numbers) -> (u8, String) {
    let year = match numbers.below(4) {
        0 => 1 + numbers.below(9999),
        1 => 2045 + numbers.below(10),
        2 => 1945 + numbers.below(10),
        _ => 2020 + numbers.below(30),
    };
    let month = 1 + numbers.below(12);
    let day = 1 + numbers.below(days_in(year, month));
    let rest = [numbers.below(24), numbers.below(60), numbers.below(60)];
    let (tag, text) = time([year, month, day, rest[0], rest[1], rest[2]]);
    // Some write every time in the longer form.
    if tag == UTC_TIME && numbers.below(4) == 0 {
        let century = year / 100;
        return (GENERALIZED_TIME, format!("{century}{text}"));
    }
    (tag, text)
}

const fn days_in(year: u64, month: u64) -> u64 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Serial numbers: of one byte, negative, zero, and as long as they come.
fn serial(numbers: &mut Numbers) -> Vec<u8> {
    match numbers.below(6) {
        0 => vec![1],
        1 => vec![0xff],
        2 => vec![0x80, 0, 0, 1],
        3 => vec![0],
        4 => [vec![0x7f], vec![0xff; 19]].concat(),
        _ => vec![0, 0x80],
    }
}

/// Dates that are easy to get wrong.
fn odd() -> Vec<Made> {
    let utc = |text: &str| (UTC_TIME, text.to_owned());
    let generalized = |text: &str| (GENERALIZED_TIME, text.to_owned());
    let times = [
        generalized("00010101000000Z"),
        generalized("00010101000001Z"),
        generalized("00041231235959Z"),
        generalized("10000228235959Z"),
        generalized("15821010000000Z"),
        generalized("19000228235959Z"),
        generalized("19491231235959Z"),
        utc("500101000000Z"),
        utc("691231235959Z"),
        utc("700101000000Z"),
        utc("991231235959Z"),
        utc("000101000000Z"),
        utc("000229120000Z"),
        generalized("20380119031408Z"),
        utc("380119031407Z"),
        utc("491231235959Z"),
        generalized("20491231235959Z"),
        generalized("20500101000000Z"),
        generalized("21000228235959Z"),
        generalized("21060207062816Z"),
        generalized("24000229000000Z"),
        generalized("99991231235959Z"),
    ];
    let mut made = Vec::new();
    for (number, not_after) in times.into_iter().enumerate() {
        let version = u8::try_from(number % 3 + 1).expect("a small number");
        let serial = serial(&mut Numbers(number as u64 + 1));
        made.push(Made { version, serial, not_before: generalized("00010101000000Z"), not_after });
    }
    made
}

/// Seconds since 1970 of a date that `openssl` prints with `-dateopt iso_8601`.
fn seconds(text: &str) -> i64 {
    // Early years have spaces in front of them, and odd seconds a fraction behind them.
    let whole = text.trim().trim_end_matches('Z').split('.').next().unwrap_or_default();
    let parts: Vec<i64> = whole
        .split(['-', ' ', ':'])
        .map(|digits| digits.parse().unwrap_or_else(|_| panic!("{text}")))
        .collect();
    let [year, month, day, hour, minute, second] = parts[..] else { panic!("{text}") };
    // Years that begin with March, so that the leap day is the last one.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = year * 365 + year.div_euclid(4) - year.div_euclid(100)
        + year.div_euclid(400)
        + (month * 153 + 2) / 5
        + day
        - 1
        - 719_468;
    ((days * 24 + hour) * 60 + minute) * 60 + second
}

/// Both dates of a certificate in a file.
fn by_openssl(file: &Path) -> (i64, i64) {
    let mut command = installed::debian("openssl");
    command.args(["x509", "-noout", "-startdate", "-enddate", "-dateopt", "iso_8601"]);
    let output = command.args(["-inform", "DER", "-in"]).arg(file).output().expect("openssl");
    let text = String::from_utf8_lossy(&output.stdout);
    let date = |name: &str| {
        let found = text.lines().find_map(|line| line.strip_prefix(name));
        let complaint = String::from_utf8_lossy(&output.stderr);
        seconds(found.unwrap_or_else(|| panic!("{}: {text}{complaint}", file.display())))
    };
    (date("notBefore="), date("notAfter="))
}

fn write(folder: &Path, certificates: &[Made]) -> Vec<(PathBuf, Vec<u8>)> {
    let key = KeyPair::generate().expect("a key").subject_public_key_info();
    let write = |(number, made): (usize, &Made)| {
        let file = folder.join(format!("{number}.der"));
        let der = made.der(&key);
        std::fs::write(&file, &der).expect("a file");
        (file, der)
    };
    certificates.iter().enumerate().map(write).collect()
}

#[test]
fn a_thousand_certificates_have_the_dates_that_openssl_prints() {
    let mut numbers = Numbers(7);
    let mut certificates = odd();
    while certificates.len() < 1000 {
        certificates.push(Made {
            version: u8::try_from(numbers.below(3) + 1).expect("a small number"),
            serial: serial(&mut numbers),
            not_before: made_up_time(&mut numbers),
            not_after: made_up_time(&mut numbers),
        });
    }
    let folder = tempfile::tempdir().expect("a folder");
    let files = write(folder.path(), &certificates);
    std::thread::scope(|scope| {
        for half in files.chunks(files.len().div_ceil(2)) {
            scope.spawn(move || {
                for (file, der) in half {
                    let read = Certificate::from_der(der);
                    let read = read.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
                    let dates = (read.not_before, read.not_after);
                    assert_eq!(dates, by_openssl(file), "{}", hex(der));
                }
            });
        }
    });
}

/// Times that RFC 5280 §4.1.2.5 does not allow: none is read as another time than `openssl` reads.
#[test]
fn times_that_are_none_are_refused_or_read_as_openssl_does() {
    let key = KeyPair::generate().expect("a key").subject_public_key_info();
    let folder = tempfile::tempdir().expect("a folder");
    let mut refused = Vec::new();
    for (tag, text) in [
        (UTC_TIME, "4912312359Z"),
        (UTC_TIME, "491231235959+0100"),
        (UTC_TIME, "490229000000Z"),
        (UTC_TIME, "491331000000Z"),
        (UTC_TIME, "491231240000Z"),
        (UTC_TIME, "491231235960Z"),
        (UTC_TIME, "491231235959"),
        (UTC_TIME, ""),
        (GENERALIZED_TIME, "20491231235959.5Z"),
        (GENERALIZED_TIME, "204912312359Z"),
        (GENERALIZED_TIME, "20491231235959"),
        (GENERALIZED_TIME, "20491231235959+0100"),
        (GENERALIZED_TIME, "00000101000000Z"),
        (GENERALIZED_TIME, "x0491231235959Z"),
        (0x0c, "491231235959Z"),
    ] {
        let not_after = (tag, text.to_owned());
        let not_before = (UTC_TIME, "200101000000Z".to_owned());
        let der = Made { version: 3, serial: vec![1], not_before, not_after }.der(&key);
        match Certificate::from_der(&der) {
            Err(_) => refused.push(text),
            Ok(read) => {
                let file = folder.path().join("one.der");
                std::fs::write(&file, &der).expect("a file");
                assert_eq!(read.not_after, by_openssl(&file).1, "{text}");
            }
        }
    }
    assert!(refused.len() >= 8, "{refused:?}");
}

#[test]
fn the_running_exporter_tells_odd_dates_of_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let files = write(folder.path(), &odd());
    let paths: Vec<&PathBuf> = files.iter().map(|(file, _)| file).collect();
    let target = "http://127.0.0.1:1/metadata";
    let exporter = Exporter::start(
        &json!({"modules": {"files": {
            "prober": "saml",
            "targets": [target],
            "saml": {"role": "idp", "certificates": paths},
        }}})
        .to_string(),
    );
    let metrics = exporter.probe("files", target);
    for (file, _) in &files {
        let name = file.file_name().expect("a name").to_string_lossy();
        let start = "probe_auth_certificate_not_after_timestamp_seconds{source=\"file\",name=\"";
        let start = format!("{start}{name}\",");
        let line = metrics.lines().find(|line| line.starts_with(&start));
        let value = line.and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
        let (_, expected) = by_openssl(file);
        #[allow(clippy::cast_precision_loss)] // far below 2^53
        let expected = expected as f64;
        assert_eq!(value, Some(expected), "{name}\n{metrics}");
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
