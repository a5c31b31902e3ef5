//! From when until when a certificate is valid, read from its bytes (X.509 in DER; RFC 5280, 4.1).

use jiff::civil::DateTime;

use crate::user::Moment;

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// The first and the last moment of a certificate's validity; `None` for bytes that are no certificate.
pub fn validity(der: &[u8]) -> Option<(Moment, Moment)> {
    let (certificate, _) = of(SEQUENCE, der)?;
    let (signed, _) = of(SEQUENCE, certificate)?;
    let (tag, _, after_first) = element(signed)?;
    // The first version has no number.
    let after_version = if tag == VERSION { after_first } else { signed };
    let (_, _serial, rest) = element(after_version)?;
    let (_algorithm, rest) = of(SEQUENCE, rest)?;
    let (_issuer, rest) = of(SEQUENCE, rest)?;
    let (validity, _) = of(SEQUENCE, rest)?;
    let (tag, from, rest) = element(validity)?;
    let from = time(tag, from)?;
    let (tag, until, _) = element(rest)?;
    Some((from, time(tag, until)?))
}

/// The contents of an element with this tag at the beginning, and what comes behind it.
fn of(wanted: u8, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (tag, contents, rest) = element(bytes)?;
    (tag == wanted).then_some((contents, rest))
}

/// Tag and contents of the element at the beginning, and what comes behind it.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, bytes) = bytes.split_first()?;
    let (first, bytes) = bytes.split_first()?;
    let (length, bytes) = match first {
        0..=0x7f => (usize::from(*first), bytes),
        // No certificate is longer than four bytes can say.
        0x81..=0x84 => {
            let (length, bytes) = bytes.split_at_checked(usize::from(first & 0x7f))?;
            (length.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)), bytes)
        }
        _ => return None,
    };
    let (contents, rest) = bytes.split_at_checked(length)?;
    Some((*tag, contents, rest))
}

/// A time in UTC, to the second: `YYMMDDhhmmssZ` (from 1950 on), or with the whole year.
fn time(tag: u8, text: &[u8]) -> Option<Moment> {
    let digits = text.strip_suffix(b"Z")?;
    let number = |from: usize, to: usize| {
        let digits = digits.get(from..to)?;
        let whole = digits.iter().all(u8::is_ascii_digit);
        whole.then(|| digits.iter().fold(0i16, |sum, digit| sum * 10 + i16::from(digit - b'0')))
    };
    let (year, rest) = match (tag, digits.len()) {
        (UTC_TIME, 12) => (number(0, 2).map(|year| if year < 50 { 2000 + year } else { 1900 + year })?, 2),
        (GENERALIZED_TIME, 14) => (number(0, 4)?, 4),
        _ => return None,
    };
    let part = |k: usize| number(rest + 2 * k, rest + 2 * k + 2).and_then(|n| i8::try_from(n).ok());
    let at = DateTime::new(year, part(0)?, part(1)?, part(2)?, part(3)?, part(4)?, 0).ok()?;
    let since = at.duration_since(DateTime::constant(1970, 1, 1, 0, 0, 0, 0));
    i64::try_from(since.as_micros()).ok().map(Moment)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn certificate(from: (i32, u8, u8), until: (i32, u8, u8), names: usize) -> Vec<u8> {
        let names = (0..names).map(|k| format!("a{k}.example")).collect::<Vec<_>>();
        let mut params = rcgen::CertificateParams::new(names).expect("names");
        params.not_before = rcgen::date_time_ymd(from.0, from.1, from.2);
        params.not_after = rcgen::date_time_ymd(until.0, until.1, until.2);
        params.self_signed(&rcgen::KeyPair::generate().expect("a key")).expect("signed").der().to_vec()
    }

    fn moment(day: (i32, u8, u8)) -> Moment {
        Moment::parse(&format!("{:04}-{:02}-{:02}", day.0, day.1, day.2)).expect("a day")
    }

    fn day() -> impl Strategy<Value = (i32, u8, u8)> {
        (1950i32..=9998, 1u8..=12, 1u8..=28)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Short and long forms of time, and of lengths.
        #[test]
        fn what_was_written_is_read(from in day(), until in day(), names in 1usize..40) {
            let der = certificate(from, until, names);
            prop_assert_eq!(validity(&der), Some((moment(from), moment(until))));
        }

        #[test]
        fn damage_is_no_panic(at in 0usize..600, byte in any::<u8>(), cut in 0usize..600) {
            let mut der = certificate((2025, 1, 1), (2049, 12, 31), 3);
            let (at, cut) = (at % der.len(), cut % der.len());
            der[at] = byte;
            let _ = validity(&der);
            let _ = validity(&der[..cut]);
            prop_assert_eq!(validity(&der[..cut.min(40)]), None);
        }

        #[test]
        fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = validity(&bytes);
        }
    }

    #[test]
    fn times_are_read_to_the_second() {
        let read = |tag, text: &str| time(tag, text.as_bytes()).map(|at| at.to_string());
        assert_eq!(read(UTC_TIME, "491231235959Z").as_deref(), Some("2049-12-31T23:59:59Z"));
        assert_eq!(read(UTC_TIME, "500101000000Z").as_deref(), Some("1950-01-01T00:00:00Z"));
        assert_eq!(read(GENERALIZED_TIME, "99991231235959Z").as_deref(), Some("9999-12-31T23:59:59Z"), "for ever");
        for (tag, text) in [
            (UTC_TIME, "20500101000000Z"),
            (GENERALIZED_TIME, "500101000000Z"),
            (UTC_TIME, "501301000000Z"),
            (UTC_TIME, "50010100000Z"),
            (UTC_TIME, "5001010000:0Z"),
            (UTC_TIME, "500101000000+"),
            (0x16, "500101000000Z"),
            (UTC_TIME, ""),
        ] {
            assert_eq!(read(tag, text), None, "{text}");
        }
    }
}
