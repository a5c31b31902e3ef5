//! Addresses of papers: of arXiv and what mirrors it, of doi.org and publishers, of the collections.

use super::{Identifier, arxiv, doi, label, others, wrapping};

/// The identifier that an address names, where a text begins with one, and the length of the address.
pub fn read(text: &str) -> Option<(Identifier, usize)> {
    let token = token_of(text)?;
    Some((of(&wrapping::without_latex(token), 0)?, token.len()))
}

/// How long the address is that a text begins with; none where it begins with no scheme.
pub fn length(text: &str) -> Option<usize> {
    let schemed = scheme(text)? > 0;
    schemed.then(|| token_of(text).map(str::len)).flatten()
}

/// The stretch of an address. What people write without `https://` is one when it begins with a name of a machine.
fn token_of(text: &str) -> Option<&str> {
    let begin = scheme(text)?;
    // Most that begins with a letter has no name of a machine, and is looked at no further.
    let name = text[begin..].bytes().take(256).position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.')));
    let (name, sign) = text[begin..].split_at(name?);
    if !name.contains('.') || !sign.starts_with(['/', '?', '#', ':']) {
        return None;
    }
    let token = wrapping::without_trailing(wrapping::token(text));
    let rest = token.get(begin..)?;
    let host = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    let name = host.split(':').next().unwrap_or_default();
    let top = name.rsplit_once('.')?.1;
    let named = top.len() >= 2
        && top.bytes().all(|b| b.is_ascii_alphabetic())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'));
    (named && rest.len() > host.len()).then_some(token)
}

/// The length of `https://` and the like; 0 without.
fn scheme(text: &str) -> Option<usize> {
    let first = text.bytes().next()?;
    if !first.is_ascii_alphanumeric() && first != b'/' {
        return None;
    }
    let known = ["https://", "http://", "ftp://", "https:/", "http:/", "//"];
    let found = known.iter().find(|s| text.get(..s.len()).is_some_and(|t| t.eq_ignore_ascii_case(s)));
    Some(found.map_or(0, |s| s.len()))
}

/// What an address names. `depth` counts the addresses that it stands in.
fn of(address: &str, depth: usize) -> Option<Identifier> {
    let rest = &address[scheme(address)?..];
    let (whole, _) = rest.split_once('#').unwrap_or((rest, ""));
    let (place, query) = whole.split_once('?').unwrap_or((whole, ""));
    let (host, path) = place.split_at(place.find('/').unwrap_or(place.len()));
    let host = host.split(':').next().unwrap_or_default().to_ascii_lowercase();
    let host = host.strip_prefix("www.").unwrap_or(&host);
    // Only now: what is escaped divides nothing.
    let path = &wrapping::plain(path);
    let parameters: Vec<(&str, String)> =
        query.split('&').filter_map(|pair| pair.split_once('=')).map(|(name, v)| (name, wrapping::plain(v))).collect();
    let of_arxiv = host == "arxiv.org" || host.ends_with(".arxiv.org") || host.contains("lanl.gov");
    let mirrors = of_arxiv || host.contains("arxiv") || host.contains("ar5iv") || host == "xxx.itp.ac.cn";
    if mirrors && let Some(found) = of_segments(path, true) {
        return Some(found);
    }
    let in_parameters = || parameters.iter().find_map(|(_, value)| of_parameter(value, depth));
    of_collection(host, path, &parameters)
        .or_else(|| of_doi(path))
        .or_else(|| of_labels(path))
        .or_else(|| of_segments(path, mirrors))
        .or_else(in_parameters)
}

/// The DOI in a path, wherever it stands there.
fn of_doi(path: &str) -> Option<Identifier> {
    let begins = |place: usize| path[..place].ends_with(['/', '=', ':', '(']);
    path.match_indices("10.").filter(|(place, _)| begins(*place)).find_map(|(place, _)| doi::of(&path[place..], true))
}

/// The id of arXiv in a path: a segment that is nothing else. `mirrors` tells sites on which old and short ones are meant.
fn of_segments(path: &str, mirrors: bool) -> Option<Identifier> {
    let starts = path.match_indices('/').map(|(place, _)| &path[place + 1..]);
    for rest in starts {
        let segment = rest.split('/').next().unwrap_or_default();
        if let Some((identifier, len)) = arxiv::new(rest)
            && (len == segment.len() || !segment[len..].starts_with(['-', '_']))
            && (mirrors || arxiv::is_of_today(&identifier))
        {
            return Some(identifier);
        }
        if mirrors && let Some((identifier, _)) = arxiv::old(rest, true) {
            return Some(identifier);
        }
    }
    None
}

/// `/CorpusID:123`, `/arXiv:2405.13729`: segments that say what they are.
fn of_labels(path: &str) -> Option<Identifier> {
    path.split('/').filter(|segment| segment.contains(':')).find_map(label::read).map(|(id, _)| id)
}

/// A DOI, a label or an address that another address carries along.
fn of_parameter(value: &str, depth: usize) -> Option<Identifier> {
    let address = || (depth < 2 && scheme(value)? > 0).then(|| of(value, depth + 1)).flatten();
    // A form writes a blank like this.
    let labelled = || label::read(&value.replace('+', " ")).map(|(id, _)| id);
    doi::of(value, true).or_else(address).or_else(labelled)
}

/// What the collections name by addresses of their own.
fn of_collection(host: &str, path: &str, parameters: &[(&str, String)]) -> Option<Identifier> {
    let segments = || path.split('/').filter(|s| !s.is_empty());
    let parameter = |name: &str| parameters.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str());
    let number = |kind: &'static str, text: &str| others::numbered(kind, text).map(|(id, _)| id);
    let central =
        |text: &str| text.get(..3).filter(|p| p.eq_ignore_ascii_case("pmc")).and_then(|_| number("pmcid", &text[3..]));
    if host.ends_with("nlm.nih.gov") {
        let of_pubmed = host.starts_with("pubmed.") || segments().any(|s| s == "pubmed");
        let in_central = segments().any(|s| s == "pmc" || s == "articles");
        let bare = || in_central.then(|| segments().find_map(|s| number("pmcid", s))).flatten();
        let found = segments().find_map(central).or_else(bare);
        let plain = || segments().find_map(|s| number("pmid", s)).or_else(|| number("pmid", parameter("term")?));
        return found.or_else(|| of_pubmed.then(plain).flatten());
    }
    if host.ends_with("europepmc.org") {
        let of_medline = segments().any(|s| s.eq_ignore_ascii_case("med"));
        let found = segments().find_map(central);
        return found.or_else(|| of_medline.then(|| segments().find_map(|s| number("pmid", s))).flatten());
    }
    if host.contains("aclanthology.") || host == "aclweb.org" {
        let paper = |s: &str| others::acl(s).filter(|(_, len)| s[*len..].starts_with('.') || s.len() == *len);
        return segments().rev().find_map(paper).map(|(id, _)| id);
    }
    if host == "openreview.net" {
        return others::openreview(parameter("id")?).map(|(id, _)| id);
    }
    let last = segments().next_back().map(|s| s.strip_suffix(".pdf").unwrap_or(s));
    // Where the name in the address is that of the DOI.
    let named = |prefix: &str| doi::of(&format!("{prefix}{}", last?), true);
    match (host, segments().next()) {
        ("nature.com", Some("articles")) => named("10.1038/"),
        ("elifesciences.org", Some("articles")) => named("10.7554/elife."),
        ("zenodo.org", Some("record" | "records")) => {
            let record = segments().nth(1).filter(|s| s.bytes().all(|b| b.is_ascii_digit()))?;
            doi::of(&format!("10.5281/zenodo.{record}"), true)
        }
        // Their older addresses hold the name without what comes before it in the DOI.
        ("biorxiv.org" | "medrxiv.org", _) if !path.contains("/10.") => {
            segments().find_map(|s| doi::preprint(s)).and_then(|name| doi::of(&format!("10.1101/{}", name.0), true))
        }
        // `2024arXiv240513729D`
        _ if host.ends_with("adsabs.harvard.edu") => segments().find_map(|s| {
            let (_, id) = s.split_once("arXiv").filter(|(year, _)| year.len() == 4)?;
            let id = id.trim_end_matches(|c: char| c.is_ascii_alphabetic());
            let id = if id.contains('.') { id.to_string() } else { format!("{}.{}", id.get(..4)?, id.get(4..)?) };
            arxiv::new(&id).map(|(identifier, _)| identifier)
        }),
        _ => None,
    }
}
