//! What counts as a tag. Text is full of what only looks like one (`a<b, then c>`, `<think>`, `<eos>`), so only what is known
//! does: a name of a list, with attributes as XML has them, and for names that could be anything its other half as well.

use quick_xml::events::BytesStart;

use super::{listed, within};

/// The longest tag, in bytes.
const MAX_TAG: usize = 2000;

/// Prefixes of names that are nothing but markup, whatever the name.
const PREFIXES: [&str; 8] = ["jats", "mml", "m", "math", "mathml", "html", "xhtml", "ns0"];

/// Elements that end a line.
pub const BLOCKS: &str = " p div br hr sec section title abstract trans-abstract list list-item def-list def-item ul ol li dl dt dd \
h1 h2 h3 h4 h5 h6 tr td th table thead tbody caption blockquote disp-quote disp-formula boxed-text fig table-wrap label pre \
break article body front ";

/// Elements inside a line.
const INLINE: &str = " i b em strong italic bold u underline sub sup inf small big sc font span a tt code monospace sans-serif \
roman strike del ins mark abbr cite xref ext-link uri email named-content styled-content inline-formula formula alternatives \
tex-math tex inline-graphic graphic fn script style ";

/// MathML without a prefix.
const MATH: &str = " math mrow mi mn mo mtext ms mspace msub msup msubsup mfrac msqrt mroot munder mover munderover mfenced \
menclose mtable mtr mtd mstyle merror mpadded mphantom mmultiscripts mprescripts semantics annotation annotation-xml ";

/// What a tag does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    Open,
    Close,
    Empty,
}

/// A part of a text.
#[derive(Debug)]
pub enum Token<'a> {
    /// What lies between.
    Text(&'a str),
    /// What stands in a CDATA section: no entities.
    Verbatim(&'a str),
    /// What may be a tag.
    Tag(Tag<'a>),
}

/// What may be a tag.
#[derive(Debug)]
pub struct Tag<'a> {
    /// Whether it begins, ends or is an element.
    pub kind: Kind,
    /// Without its prefix, in lower case.
    pub name: String,
    /// As it stands in the text.
    pub source: &'a str,
    /// Where it begins there, in bytes.
    pub at: usize,
    /// Whether it counts without its other half.
    sure: bool,
}

/// Parts a text into what may be a tag and what lies between.
pub fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let (mut begin, mut at) = (0, 0);
    // An end that was looked for and is not there is not there further on either.
    let (mut comments, mut sections) = (true, true);
    while let Some(found) = text[at..].find('<') {
        let start = at + found;
        let rest = &text[start..];
        let mut token = None;
        if let (true, Some(inner)) = (comments, rest.strip_prefix("<!--")) {
            match inner.find("-->") {
                Some(end) => token = Some((end + 7, Token::Verbatim(""))),
                None => comments = false,
            }
        } else if let (true, Some(inner)) = (sections, rest.strip_prefix("<![CDATA[")) {
            match inner.find("]]>") {
                Some(end) => token = Some((end + 12, Token::Verbatim(&inner[..end]))),
                None => sections = false,
            }
        } else if let Some(end) =
            within(&rest[1..], MAX_TAG).find(['<', '>']).filter(|end| rest[1 + end..].starts_with('>'))
        {
            let inner = &rest[1..1 + end];
            if inner.starts_with("?xml") || inner.starts_with("!DOCTYPE") {
                token = Some((end + 2, Token::Verbatim("")));
            } else if let Some(tag) = tag(&rest[..end + 2], start) {
                token = Some((end + 2, Token::Tag(tag)));
            }
        }
        match token {
            Some((length, token)) => {
                if start > begin {
                    tokens.push(Token::Text(&text[begin..start]));
                }
                tokens.push(token);
                begin = start + length;
                at = begin;
            }
            None => at = start + 1,
        }
    }
    if begin < text.len() {
        tokens.push(Token::Text(&text[begin..]));
    }
    tokens
}

/// Reads `<name attribute="value">`, `</name>`, `<name/>`; nothing where the name is not known.
fn tag(source: &str, at: usize) -> Option<Tag<'_>> {
    let inner = &source[1..source.len() - 1];
    let (kind, inner) = match (inner.strip_prefix('/'), inner.strip_suffix('/')) {
        (Some(name), _) => (Kind::Close, name),
        (None, Some(inner)) => (Kind::Empty, inner),
        (None, None) => (Kind::Open, inner),
    };
    let length = inner.find(|c: char| c.is_whitespace()).unwrap_or(inner.len());
    let full = &inner[..length];
    let (prefix, local) = full.split_once(':').map_or(("", full), |(prefix, local)| (prefix, local));
    let named = |s: &str| {
        s.starts_with(|c: char| c.is_ascii_alphabetic())
            && s.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    };
    if !named(local) || (!prefix.is_empty() && !named(prefix)) {
        return None;
    }
    let name = local.to_ascii_lowercase();
    let prefixed = !prefix.is_empty() && PREFIXES.contains(&prefix.to_ascii_lowercase().as_str());
    let math = prefix.is_empty() && listed(MATH, &name);
    let other = prefix.is_empty() && (listed(BLOCKS, &name) || listed(INLINE, &name));
    if !(prefixed || math || other) {
        return None;
    }
    let attributes = &inner[length..];
    if kind == Kind::Close && !attributes.trim().is_empty() {
        return None;
    }
    if !attributes.trim().is_empty() && BytesStart::from_content(inner, length).attributes().any(|a| a.is_err()) {
        return None;
    }
    let sure = prefixed || name == "br" || (kind == Kind::Empty && (math || other));
    Some(Tag { kind, name, source, at, sure })
}

/// The tokens, with tags that lack their other half as the text that they are.
pub fn matched(mut tokens: Vec<Token<'_>>) -> Vec<Token<'_>> {
    // Of each name the ends that no beginning has taken yet, from the last one back.
    let mut ends: std::collections::HashMap<String, Vec<usize>> = std::collections::HashMap::new();
    let mut counts = vec![false; tokens.len()];
    let paragraphs = |t: &Token<'_>| matches!(t, Token::Tag(tag) if tag.name == "p" && tag.kind == Kind::Open);
    let begins = tokens.first().is_some_and(paragraphs);
    let many = begins || tokens.iter().filter(|t| paragraphs(t)).count() > 1;
    for (k, token) in tokens.iter().enumerate().rev() {
        match token {
            Token::Tag(tag) if tag.sure || (many && tag.name == "p") => counts[k] = true,
            Token::Tag(Tag { kind: Kind::Close, name, .. }) => ends.entry(name.clone()).or_default().push(k),
            Token::Tag(Tag { kind: Kind::Open, name, .. }) => {
                if let Some(end) = ends.get_mut(name).and_then(Vec::pop) {
                    (counts[k], counts[end]) = (true, true);
                }
            }
            _ => {}
        }
    }
    for (token, counts) in tokens.iter_mut().zip(counts) {
        let source = match token {
            Token::Tag(tag) if !counts => tag.source,
            _ => continue,
        };
        *token = Token::Text(source);
    }
    tokens
}
