//! Identifiers behind a word that says what they are: `arXiv:2405.13729`, `doi: 10.1145/3292500`, `PMID 123`.

use super::{Identifier, address, arxiv, doi, others};

/// What a word announces.
#[derive(Clone, Copy)]
enum Kind {
    Arxiv,
    /// Of arXiv, without its name: only ids that are its own beyond doubt.
    Eprint,
    Doi,
    Number(&'static str),
    Pmc,
    Acl,
    OpenReview,
    Address,
    /// Another label follows.
    Label,
}

/// The words, in lower case; of two that begin alike the longer first.
const LABELS: &[(&str, Kind)] = &[
    ("info:eu-repo/semantics/altidentifier/", Kind::Label),
    ("oai:arxiv.org:", Kind::Arxiv),
    ("info:", Kind::Label),
    ("urn:", Kind::Label),
    ("arxiv", Kind::Arxiv),
    ("eprint", Kind::Eprint),
    ("e-print", Kind::Eprint),
    ("abs/", Kind::Eprint),
    ("pdf/", Kind::Eprint),
    ("digital object identifier", Kind::Doi),
    ("doi", Kind::Doi),
    ("pubmed central id", Kind::Pmc),
    ("pubmed central", Kind::Pmc),
    ("pubmed id", Kind::Number("pmid")),
    ("pubmed", Kind::Number("pmid")),
    ("pmid", Kind::Number("pmid")),
    ("medline", Kind::Number("pmid")),
    ("pmcid", Kind::Pmc),
    ("corpusid", Kind::Number("corpusid")),
    ("corpus id", Kind::Number("corpusid")),
    ("corpus_id", Kind::Number("corpusid")),
    ("s2cid", Kind::Number("corpusid")),
    ("acl anthology", Kind::Acl),
    ("acl:", Kind::Acl),
    ("openreview:", Kind::OpenReview),
    ("url", Kind::Address),
    ("uri", Kind::Address),
];

/// Words that may stand between the name of arXiv and an id.
const BETWEEN: &[&str] = &[
    "preprint",
    "eprints",
    "eprint",
    "e-prints",
    "e-print",
    "identifier",
    "id",
    "number",
    "no",
    "nr",
    "abs",
    "pdf",
    "org",
    "arxiv",
];

/// Bytes that may stand between a word and its identifier.
const GAP: usize = 48;

/// The identifier that a text begins with, and its length.
pub fn read(text: &str) -> Option<(Identifier, usize)> {
    LABELS.iter().find_map(|(word, kind)| {
        let given = text.get(..word.len()).filter(|given| given.eq_ignore_ascii_case(word))?;
        let rest = &text[given.len()..];
        // `doing` is no DOI and `urls` no address.
        if word.ends_with(|c: char| c.is_alphabetic()) && rest.starts_with(|c: char| c.is_alphabetic()) {
            return None;
        }
        let (identifier, rest) = announced(*kind, rest)?;
        Some((identifier, text.len() - rest.len()))
    })
}

/// What stands behind a word of a kind, and what is left behind that.
fn announced(kind: Kind, text: &str) -> Option<(Identifier, &str)> {
    let bare = gap(text, matches!(kind, Kind::Arxiv | Kind::Eprint));
    let (identifier, len) = match kind {
        Kind::Arxiv => arxiv::read(bare).or_else(|| address::read(bare))?,
        Kind::Eprint => {
            let (identifier, len) = arxiv::new(bare).or_else(|| arxiv::old(bare, true)).or_else(|| read(bare))?;
            return Some((identifier, &bare[len..]));
        }
        Kind::Doi => {
            let bare = bare.get(..4).filter(|l| l.eq_ignore_ascii_case("doi:")).map_or(bare, |_| &bare[4..]);
            doi::read(bare).or_else(|| address::read(bare))?
        }
        Kind::Number(kind) => {
            let bare = id_word(bare);
            let (identifier, len) = others::numbered(kind, bare)?;
            return Some((identifier, &bare[len..]));
        }
        Kind::Pmc => {
            let bare = id_word(bare);
            let bare = bare.get(..3).filter(|p| p.eq_ignore_ascii_case("pmc")).map_or(bare, |_| &bare[3..]);
            let (identifier, len) = others::numbered("pmcid", bare)?;
            return Some((identifier, &bare[len..]));
        }
        Kind::Acl => {
            let bare = id_word(bare);
            let (identifier, len) = others::acl(bare)?;
            return Some((identifier, &bare[len..]));
        }
        Kind::OpenReview => others::openreview(bare)?,
        Kind::Address => address::read(bare)?,
        Kind::Label => {
            let bare = text.trim_start_matches([':', '/']);
            let (identifier, len) = read(bare)?;
            return Some((identifier, &bare[len..]));
        }
    };
    Some((identifier, &bare[len..]))
}

/// Without the word `ID` that people write behind the name of a collection.
fn id_word(text: &str) -> &str {
    match text.get(..2).filter(|id| id.eq_ignore_ascii_case("id")) {
        Some(_) if !text[2..].starts_with(|c: char| c.is_alphanumeric()) => gap(&text[2..], false),
        _ => text,
    }
}

/// What is left when the signs (and words, between the name of arXiv and an id) in front are taken off.
fn gap(text: &str, words: bool) -> &str {
    let mut rest = text;
    while text.len() - rest.len() < GAP {
        let bare = rest
            .trim_start_matches([' ', '\t', '\n', ':', '=', '{', '"', '(', '<', '|', '#', '.', '-', '_', '/', '\'']);
        let word = BETWEEN.iter().filter(|_| words).find(|word| {
            bare.get(..word.len()).is_some_and(|w| w.eq_ignore_ascii_case(word))
                && !bare[word.len()..].starts_with(|c: char| c.is_alphabetic())
        });
        match word {
            Some(word) => rest = &bare[word.len()..],
            None => return bare,
        }
    }
    rest
}
