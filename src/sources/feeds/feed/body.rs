//! The abstract in what a feed says of a paper. Journals put there HTML with headings and pictures, a line of volume and page,
//! the authors once more, or the whole article.

use crate::paper::{Identifier, letters, plain};

/// Characters of an abstract at most; what is longer is an article.
const LONGEST: usize = 8000;

/// Letters of an abstract at least.
const SHORTEST: usize = 40;

/// Characters of a line that says where a paper stands.
const LINE: usize = 250;

/// Tags that no abstract needs, taken away with their attributes; [`plain`] knows the others.
const FRAMES: &str = " img figure figcaption iframe svg picture source video audio noscript input form button object embed \
                      center header footer nav main aside dir ";

/// Tags behind which another block begins.
const BLOCKS: [&str; 14] = [
    "</p>",
    "<p>",
    "<p ",
    "<br>",
    "<br/>",
    "<br />",
    "</div>",
    "<div",
    "</h1>",
    "</h2>",
    "</h3>",
    "</h4>",
    "</li>",
    "</span><div",
];

/// The abstract in some texts, of which each may hold it: the longest that is no article. Blank for none.
pub fn summary(bodies: &[String], title: &str, authors: &[String]) -> String {
    let mut found: Vec<String> = bodies.iter().map(|text| cleaned(text, title, authors)).collect();
    found.retain(|text| !text.is_empty());
    let short = found.iter().filter(|text| text.chars().count() <= LONGEST).max_by_key(|text| text.len());
    match short {
        Some(text) => text.clone(),
        None => found
            .iter()
            .min_by_key(|text| text.len())
            .map_or_else(String::new, |text| text.chars().take(LONGEST).collect::<String>().trim_end().to_string()),
    }
}

/// A text without its markup and without what is no abstract.
fn cleaned(text: &str, title: &str, authors: &[String]) -> String {
    let is_html = text.contains('<') && text.contains('>');
    let parts: Vec<String> = match is_html {
        true => blocks(&without_frames(text)),
        false => vec![text.trim().to_string()],
    };
    let mut kept: Vec<String> = Vec::new();
    for part in parts {
        let part = behind_imprint(&part).trim();
        let part = behind_heading(part).trim();
        if !is_frame(part, title, authors) {
            kept.push(part.to_string());
        }
    }
    let out = kept.join(" ");
    if letters(&plain(&out)).chars().count() < SHORTEST { String::new() } else { out }
}

/// The blocks of a text of HTML, each as text.
fn blocks(html: &str) -> Vec<String> {
    let lower = html.to_ascii_lowercase();
    let mut cuts: Vec<usize> = BLOCKS.iter().flat_map(|tag| lower.match_indices(tag)).map(|(at, _)| at).collect();
    cuts.sort_unstable();
    cuts.dedup();
    let ends = cuts.iter().copied().chain([html.len()]);
    let mut begin = 0;
    let parts = ends.map(|end| std::mem::replace(&mut begin, end)..end).map(|range| html[range].to_string());
    parts.map(|part| plain(&without_half_tags(&part)).trim().to_string()).filter(|part| !part.is_empty()).collect()
}

/// The name of the tag whose `<` this stands behind, in lower case; blank for none.
fn tag_name(behind: &str) -> String {
    let name = behind.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric);
    name.collect::<String>().to_ascii_lowercase()
}

/// A block without the halves of tags that its cutting left: of `<p>` and `</p>` each stands in another one.
fn without_half_tags(part: &str) -> String {
    let mut out = String::with_capacity(part.len());
    let mut rest = part;
    while let Some(at) = rest.find('<') {
        let behind = &rest[at + 1..];
        let name = tag_name(behind);
        let is_block = matches!(
            name.as_str(),
            "p" | "div"
                | "br"
                | "h1"
                | "h2"
                | "h3"
                | "h4"
                | "h5"
                | "h6"
                | "li"
                | "ul"
                | "ol"
                | "span"
                | "section"
                | "table"
                | "tr"
                | "td"
                | "th"
                | "tbody"
                | "a"
        );
        out.push_str(&rest[..at]);
        match behind.find('>').filter(|_| is_block) {
            Some(end) => {
                if !matches!(name.as_str(), "span" | "a") {
                    out.push(' ');
                }
                rest = &behind[end + 1..];
            }
            None => {
                out.push('<');
                rest = behind;
            }
        }
    }
    out.push_str(rest);
    out
}

/// HTML without pictures, frames, scripts and remarks.
fn without_frames(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        out.push_str(&rest[..at]);
        let behind = &rest[at + 1..];
        let name = tag_name(behind);
        let end = match name.as_str() {
            "" if behind.starts_with("!--") => behind.find("-->").map(|end| end + 3),
            "script" | "style" => {
                let close = format!("</{name}");
                let lower = behind.to_ascii_lowercase();
                lower.find(&close).and_then(|at| Some(at + behind[at..].find('>')? + 1))
            }
            name if !name.is_empty() && FRAMES.split(' ').any(|frame| frame == name) => {
                behind.find('>').map(|end| end + 1)
            }
            _ => None,
        };
        match end {
            Some(end) => rest = &behind[end..],
            None => {
                out.push('<');
                rest = behind;
            }
        }
    }
    out.push_str(rest);
    out
}

/// A text behind `Nature, Published online: 20 November 2026; doi:10.1038/...`, which journals of Nature put in front.
fn behind_imprint(text: &str) -> &str {
    let Some(at) = text.find("Published online:").filter(|at| *at <= LINE) else { return text };
    let rest = &text[at + "Published online:".len()..];
    let near = &rest[..rest.floor_char_boundary(80)];
    match near.find("doi:") {
        Some(doi) => {
            let rest = &rest[doi + 4..];
            rest.find(char::is_whitespace).map_or("", |end| &rest[end..])
        }
        None => near.find(['.', ';']).map_or("", |end| &rest[end + 1..]),
    }
}

/// A text behind its heading: `Abstract: We show`, `ABSTRACT We show`.
fn behind_heading(text: &str) -> &str {
    for heading in ["Abstract", "ABSTRACT", "Summary", "SUMMARY"] {
        if let Some(rest) = text.strip_prefix(heading) {
            let behind = rest.trim_start_matches([':', '.', ' ', '\n', '\u{a0}', '—', '–', '-']);
            // `Abstract interpretation is ...` begins no heading.
            if behind.len() < rest.len()
                && (rest.starts_with([':', '.', '—', '–']) || behind.starts_with(char::is_uppercase))
            {
                return behind;
            }
            if rest.trim().is_empty() {
                return "";
            }
        }
    }
    text
}

/// Whether a block says where a paper stands and whose it is, and not what is in it.
fn is_frame(part: &str, title: &str, authors: &[String]) -> bool {
    let lower = part.to_lowercase();
    let begins = |words: &[&str]| words.iter().any(|word| lower.starts_with(word));
    let short = part.chars().count() <= LINE;
    let numbers =
        ["volume ", "vol. ", "issue ", "page ", "pages ", "pp. "].iter().filter(|word| lower.contains(**word)).count();
    // `by Jane Doe, Max Roe` in front of an abstract.
    let by = || {
        lower.starts_with("by ")
            && !authors.is_empty()
            && authors.iter().take(3).all(|name| lower.contains(&name.to_lowercase()))
    };
    part.is_empty()
        || begins(&["publication date:", "source:", "author(s):", "authors:", "available online", "graphical abstract"])
        || short
            && begins(&[
                "doi:",
                "pmid:",
                "read more",
                "continue reading",
                "view article",
                "full text",
                "citation:",
                "the post ",
            ])
        || short && ["published online", "doi:10.", "doi: 10."].iter().any(|word| lower.contains(word))
        || short && numbers >= 2
        || short && Identifier::parse(part).is_some()
        || letters(part) == letters(&plain(title))
        || by()
}

/// The DOI that is named in place of an abstract.
pub fn named_doi(text: &str) -> Option<String> {
    let text = plain(text);
    let at = text.find("doi:").filter(|at| *at <= 2 * LINE)?;
    let word = text[at + "doi:".len()..].split_whitespace().next()?;
    Some(Identifier::parse(word.trim_end_matches(['.', ',', ';', ')']))?.key().to_string())
        .filter(|key| key.starts_with("doi:"))
}

/// The authors that are named in place of an abstract: `Author(s): Jane Doe, Max Roe`.
pub fn named_authors(text: &str) -> Option<String> {
    let part = blocks(&without_frames(text)).into_iter().find_map(|part| {
        part.strip_prefix("Author(s):").or_else(|| part.strip_prefix("Authors:")).map(|names| names.trim().to_string())
    });
    part.filter(|names| !names.is_empty())
}
