//! What stands around an identifier, and how it is escaped: bullets, quotes, brackets; LaTeX, HTML, percent signs.

use std::borrow::Cow;

use crate::paper::{hides, percent};

/// The longest stretch without a blank that is looked at, in bytes.
const LONGEST_TOKEN: usize = 2048;

/// How far the end of the text of a link is looked for, in bytes.
const LONGEST_TITLE: usize = 512;

/// The first so many bytes, or a little less: what looks for an end looks no further.
fn begin(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

/// A text with one sign for each meaning: no invisible letters, blanks for whatever looks like one, hyphens for the dashes
/// that typesetting makes of them, ASCII for full-width letters, and nothing escaped as in HTML. Lines stay lines.
pub fn cleaned(text: &str) -> String {
    // Twice, for what was escaped once more on its way.
    let once = html_escape::decode_html_entities(text);
    let text = html_escape::decode_html_entities(&once);
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{B}' | '\u{C}' => out.push('\n'),
            c if c.is_whitespace() || c.is_control() => out.push(' '),
            c if hides(c) => {}
            '\u{2010}'..='\u{2013}' | '\u{2212}' => out.push('-'),
            '\u{FF01}'..='\u{FF5E}' => out.push(char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c)),
            c => out.push(c),
        }
    }
    out
}

/// A text without what a list, a mail, a link or a field of BibTeX puts in front of an identifier.
pub fn undressed(text: &str) -> &str {
    let mut rest = text.trim_start();
    loop {
        let before = rest;
        rest = without_bullet(rest);
        if rest.len() < before.len() {
            continue;
        }
        rest = rest.trim_start_matches(|c: char| {
            c.is_whitespace()
                || matches!(c, '"' | '\'' | '`' | '“' | '”' | '„' | '‘' | '’' | '‚' | '«' | '»' | '‹' | '›' | '(' | '{')
        });
        rest = without_link(rest);
        rest = without_command(rest);
        if rest.len() == before.len() {
            return rest;
        }
    }
}

/// Without a bullet, a mark of a quoted mail, a box to tick, or a number in front.
fn without_bullet(text: &str) -> &str {
    let bare = text
        .trim_start_matches(['•', '·', '▪', '◦', '‣', '∙', '●', '○', '■', '□', '☐', '☑', '✓', '→', '>', '*', '|', '—']);
    if bare.len() < text.len() {
        return bare.trim_start();
    }
    if let Some(rest) = text.strip_prefix(['-', '+']).filter(|rest| rest.starts_with(char::is_whitespace)) {
        return rest.trim_start();
    }
    if let Some(inner) = text.strip_prefix('[')
        && let Some(end) = begin(inner, 16).find(']')
    {
        let (mark, rest) = (&inner[..end], &inner[end + 1..]);
        // A box to tick, or the number of a reference.
        let mark = mark.trim();
        let numbered = mark.len() <= 3 && mark.bytes().all(|b| b.is_ascii_digit());
        if (numbered || mark.eq_ignore_ascii_case("x")) && rest.starts_with(char::is_whitespace) {
            return rest.trim_start();
        }
    }
    let numbered = text.strip_prefix('(').or_else(|| text.strip_prefix('#')).unwrap_or(text);
    let digits = numbered.bytes().take_while(u8::is_ascii_digit).count();
    let lettered = usize::from(digits == 0 && numbered.starts_with(|c: char| c.is_ascii_alphabetic()));
    let rest = &numbered[digits + lettered..];
    if (1..=3).contains(&(digits + lettered))
        && let Some(rest) = rest.strip_prefix(['.', ')', ':']).map(|r| r.strip_prefix(')').unwrap_or(r))
        && rest.starts_with(char::is_whitespace)
    {
        return rest.trim_start();
    }
    text
}

/// Without the text of a link: `[title](address)`, `[[address][title]]`, `<address>`, `<a href="address">`.
fn without_link(text: &str) -> &str {
    if let Some(rest) = text.strip_prefix("[[").or_else(|| text.strip_prefix('!').filter(|r| r.starts_with('['))) {
        return rest;
    }
    if let Some(inner) = text.strip_prefix('[') {
        let near = begin(inner, LONGEST_TITLE);
        let title = near.find("](").map(|end| (end, 2)).or_else(|| near.find("]: ").map(|end| (end, 3)));
        if let Some((end, sign)) = title.filter(|(end, _)| !inner[..*end].contains('\n')) {
            return &inner[end + sign..];
        }
        let address = inner.get(..4).is_some_and(|s| s.eq_ignore_ascii_case("http"));
        let labelled = inner.starts_with(|c: char| c.is_alphabetic());
        return if address || labelled { inner } else { text };
    }
    let Some(tag) = text.strip_prefix('<') else { return text };
    if tag.get(..2).is_some_and(|a| a.eq_ignore_ascii_case("a ")) {
        let found = begin(tag, LONGEST_TITLE).to_ascii_lowercase().find("href=").map(|place| &tag[place + 5..]);
        return found.map_or(tag, |rest| rest.trim_start_matches(['"', '\'']));
    }
    tag
}

/// Without a command of LaTeX: `\url{`, `\href{`, `\doi{`.
fn without_command(text: &str) -> &str {
    let Some(name) = text.strip_prefix('\\') else { return text };
    let letters = name.bytes().take_while(u8::is_ascii_alphabetic).count();
    match name[letters..].trim_start().strip_prefix('{') {
        // `\doi{10.1145/1}` says what it holds, and so does what it holds.
        Some(rest) if letters > 0 => rest,
        _ => text,
    }
}

/// The stretch that a text begins with and that an identifier or address may take up: to the next blank or sign that none
/// can hold, to a bracket that closes what was opened before, to where the next of a list begins.
pub fn token(text: &str) -> &str {
    let mut open = [0u32; 4];
    for (place, c) in text.char_indices() {
        let rest = &text[place + c.len_utf8()..];
        if place >= LONGEST_TOKEN || c.is_whitespace() {
            return &text[..place];
        }
        let stops = match c {
            '"' | '`' | '|' | '“' | '”' | '„' | '‘' | '’' | '«' | '»' | '…' | '，' | '。' | '；' | '、' | '）'
            | '（' | '】' | '【' | '《' | '》' | '」' | '「' => true,
            // Only old DOIs hold one, and a number follows: anything else is a tag.
            '<' => !rest.trim_start_matches(['$', '}']).starts_with(|c: char| c.is_ascii_digit()),
            '\\' => rest.is_empty() || rest.starts_with(['\\', ' ']),
            ',' | ';' => another_begins(rest),
            _ => false,
        };
        if stops {
            return &text[..place];
        }
        let opened = "([{<".find(c);
        let closed = ")]}>".find(c);
        if let Some(kind) = opened {
            open[kind] += 1;
        }
        if let Some(kind) = closed {
            if open[kind] == 0 {
                return &text[..place];
            }
            open[kind] -= 1;
        }
    }
    text
}

/// Whether the next of a list of identifiers begins here.
fn another_begins(text: &str) -> bool {
    let begins = ["10.", "http", "doi:", "arxiv:", "pmid:", "pmc"];
    begins.iter().any(|b| text.get(..b.len()).is_some_and(|t| t.eq_ignore_ascii_case(b)))
}

/// A stretch with nothing escaped as in LaTeX or an address any more.
pub fn plain(token: &str) -> String {
    let mut text = without_latex(token).into_owned();
    for _ in 0..2 {
        match percent::decoded(&text) {
            Some(other) => text = other,
            None => break,
        }
    }
    // A tag that was escaped.
    let tag = |place: &usize| !text[place + 1..].starts_with(|c: char| c.is_ascii_digit());
    let cut = text.match_indices('<').map(|(place, _)| place).find(tag);
    text.truncate(cut.unwrap_or(text.len()));
    text
}

pub fn without_latex(text: &str) -> Cow<'_, str> {
    const COMMANDS: &[(&str, &str)] = &[
        ("\\textunderscore", "_"),
        ("\\textless", "<"),
        ("\\textgreater", ">"),
        ("\\textasciitilde", "~"),
        ("\\allowbreak", ""),
        ("\\_", "_"),
        ("\\%", "%"),
        ("\\&", "&"),
        ("\\#", "#"),
        ("\\-", ""),
        ("\\/", "/"),
        ("\\~", "~"),
        ("\\:", ":"),
        ("$", ""),
        ("{", ""),
        ("}", ""),
    ];
    if !text.contains(['\\', '{', '$']) {
        return Cow::Borrowed(text);
    }
    let mut out = text.to_string();
    for (command, meaning) in COMMANDS {
        if out.contains(command) {
            out = out.replace(command, meaning);
        }
    }
    Cow::Owned(out)
}

/// Without the punctuation behind it, and without brackets that close nothing.
pub fn without_trailing(text: &str) -> &str {
    let mut text = text;
    // How many of each bracket there are more that close than that open, counted once.
    let mut over = [0i64; 4];
    for c in text.chars() {
        if let Some(kind) = "([{<".find(c) {
            over[kind] -= 1;
        } else if let Some(kind) = ")]}>".find(c) {
            over[kind] += 1;
        }
    }
    while let Some(c) = text.chars().next_back() {
        match (".,;:!?'*/\\([{<$&=".contains(c), ")]}>".find(c)) {
            (true, _) => {
                if let Some(kind) = "([{<".find(c) {
                    over[kind] += 1;
                }
            }
            (_, Some(kind)) if over[kind] > 0 => over[kind] -= 1,
            _ => break,
        }
        text = &text[..text.len() - c.len_utf8()];
    }
    text
}
