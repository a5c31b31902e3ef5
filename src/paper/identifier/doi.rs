//! DOIs: `10.`, a number of the registrant, a stroke, and nearly any letters. Upper and lower case are alike.

use super::{Identifier, arxiv, wrapping};
use crate::paper::percent;

/// What publishers put behind the DOI in an address.
const TAILS: &[&str] = &[
    "/full",
    "/fulltext",
    "/full-text",
    "/fullhtml",
    "/pdf",
    "/pdfft",
    "/epdf",
    "/epub",
    "/abstract",
    "/abs",
    "/meta",
    "/html",
    "/summary",
    "/references",
    "/citations",
    "/cited-by",
    "/figures",
    "/tables",
    "/metrics",
    "/supplementary",
    "/supplementary-material",
    "/suppinfo",
    "/download",
    "/xml",
    ".pdf",
    ".html",
    ".full",
    ".full-text",
    ".abstract",
    ".short",
    ".long",
    ".extract",
    ".xml",
    ".epub",
    ".pdf+html",
    ".figures-only",
    ".article-info",
    ".supplementary-material",
];

/// The DOI that a text begins with, and its length.
pub fn read(text: &str) -> Option<(Identifier, usize)> {
    if !text.starts_with("10.") {
        return None;
    }
    let token = wrapping::token(text);
    let identifier = of(&wrapping::plain(token), false)?;
    let trailing = token.len() - wrapping::without_trailing(token).len();
    Some((identifier, token.len() - trailing))
}

/// A text that is a DOI, with nothing escaped any more; `in_address` when more of an address may stand behind it.
pub fn of(text: &str, in_address: bool) -> Option<Identifier> {
    let text = text.to_lowercase();
    let (registrant, name) = text.strip_prefix("10.")?.split_once('/')?;
    let mut parts = registrant.split('.');
    let number = parts.next()?;
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !(4..=9).contains(&number.len()) || !digits(number) || !parts.all(digits) {
        return None;
    }
    let mut name = name.trim_start_matches('/');
    if let Some(end) = name.find(char::is_whitespace) {
        name = &name[..end];
    }
    if in_address {
        name = name.split(";jsessionid").next().unwrap_or_default();
        name = without_tails(name);
    }
    name = wrapping::without_trailing(name);
    // arXiv gives each of its papers a DOI.
    if let (Some(id), "48550") = (name.strip_prefix("arxiv."), registrant) {
        return arxiv::read(id).map(|(identifier, _)| identifier);
    }
    if matches!(registrant, "1101" | "64898")
        && let Some((preprint, version)) = preprint(name)
    {
        return Some(Identifier::new("doi", &format!("10.{registrant}/{preprint}")).of_version(version));
    }
    let named = name.contains(char::is_alphanumeric) && !name.contains(char::is_control);
    named.then(|| Identifier::new("doi", &format!("10.{registrant}/{name}")))
}

/// The preprint of bioRxiv or medRxiv that a name names, and the version: they write `2020.01.01.123456v2.full` in addresses,
/// and the DOI is what stands before the `v`.
pub fn preprint(name: &str) -> Option<(&str, Option<u32>)> {
    let len = name.bytes().take_while(|b| b.is_ascii_digit() || *b == b'.').count();
    let (number, rest) = name.split_at(len);
    let number = number.trim_end_matches('.');
    let dated = number.split('.').map(str::len).collect::<Vec<_>>();
    if !matches!(dated[..], [4, 2, 2, 6..=8] | [6]) {
        return None;
    }
    let version = rest.strip_prefix('v')?;
    let digits = version.bytes().take_while(u8::is_ascii_digit).count();
    let ends = version[digits..].chars().next().is_none_or(|c| !c.is_alphanumeric());
    (digits > 0 && ends).then(|| (number, version[..digits].parse().ok()))
}

fn without_tails(mut name: &str) -> &str {
    loop {
        let bare = name.trim_end_matches(['/', '.']);
        match TAILS.iter().find_map(|tail| bare.strip_suffix(tail)).filter(|left| !left.is_empty()) {
            Some(left) => name = left,
            None => return bare,
        }
    }
}

/// A DOI as it is written in an address.
pub fn in_an_address(doi: &str) -> String {
    let sign = "<>\"{}|\\^`#?%[]";
    percent::encoded_where(doi, |c| sign.contains(c))
}
