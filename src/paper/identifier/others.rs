//! The shorter identifiers: PubMed, PubMed Central, Semantic Scholar, the ACL Anthology, OpenReview.

use super::Identifier;

/// The identifier that a text begins with and that needs no label: `PMC123456`, `2020.acl-main.1`, and where nothing else
/// stands there `P19-1001`.
pub fn bare(text: &str, alone: bool) -> Option<(Identifier, usize)> {
    if let Some(number) = text.get(..3).filter(|p| p.eq_ignore_ascii_case("pmc")).map(|_| &text[3..]) {
        let (identifier, len) = numbered("pmcid", number)?;
        // Shorter ones could be anything.
        return (len >= 5 || alone).then_some((identifier, len + 3));
    }
    let (identifier, len) = acl(text)?;
    let new = text.as_bytes()[0].is_ascii_digit();
    (new || (alone && len == text.trim_end().len())).then_some((identifier, len))
}

/// A number, and how long it is: of PubMed, PubMed Central (a version behind a dot counts for nothing) or Semantic Scholar.
pub fn numbered(kind: &str, text: &str) -> Option<(Identifier, usize)> {
    let len = text.bytes().take_while(u8::is_ascii_digit).count();
    let number = text[..len].trim_start_matches('0');
    let most = if kind == "corpusid" { 12 } else { 9 };
    if number.is_empty() || len > most {
        return None;
    }
    let rest = &text[len..];
    let version = rest.strip_prefix('.').map_or(0, |r| r.bytes().take_while(u8::is_ascii_digit).count());
    let version = if kind == "pmcid" && version > 0 { 1 + version } else { 0 };
    let ends = rest[version..].chars().next().is_none_or(|c| !c.is_alphanumeric());
    ends.then(|| (Identifier::new(kind, number), len + version))
}

/// An id of the ACL Anthology: `2020.acl-main.1`, or of before 2020 `P19-1001`; a revision may follow (`v2`).
pub fn acl(text: &str) -> Option<(Identifier, usize)> {
    let shaped = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    let id = &text[..text.bytes().take_while(shaped).count()];
    let id = id.trim_end_matches(['.', '-', '_']);
    // An address of the text ends in what kind of file it is.
    let id = id.strip_suffix(".pdf").or_else(|| id.strip_suffix(".bib")).unwrap_or(id);
    let bare = id.trim_end_matches(|c: char| c.is_ascii_digit());
    let (name, version) = match bare.strip_suffix('v').filter(|left| left.ends_with(|c: char| c.is_ascii_digit())) {
        Some(left) if bare.len() < id.len() => (left, id[bare.len()..].parse().ok()),
        _ => (id, None),
    };
    is_acl(name).then(|| (Identifier::new("acl", &name.to_lowercase()).of_version(version), id.len()))
}

fn is_acl(id: &str) -> bool {
    let digits =
        |s: &str, n: std::ops::RangeInclusive<usize>| n.contains(&s.len()) && s.bytes().all(|b| b.is_ascii_digit());
    let new = || {
        let (year, rest) = id.split_once('.')?;
        let (volume, number) = rest.rsplit_once('.')?;
        let (venue, name) = volume.split_once('-')?;
        let lettered = venue.starts_with(|c: char| c.is_ascii_alphabetic()) && !name.is_empty();
        Some(digits(year, 4..=4) && lettered && digits(number, 1..=4))
    };
    let old = || {
        let (letter, rest) = id.split_at_checked(1)?;
        let (year, number) = rest.split_once('-')?;
        let lettered = letter.bytes().all(|b| b.is_ascii_alphabetic());
        Some(lettered && digits(year, 2..=2) && digits(number, 4..=5))
    };
    new() == Some(true) || old() == Some(true)
}

/// The id of a paper at OpenReview: some letters of either case, which differ.
pub fn openreview(text: &str) -> Option<(Identifier, usize)> {
    let len = text.bytes().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')).count();
    let more = text[len..].starts_with(['/', '.']) && text[len + 1..].starts_with(|c: char| c.is_alphanumeric());
    ((5..=20).contains(&len) && !more).then(|| (Identifier::new("openreview", &text[..len]), len))
}
