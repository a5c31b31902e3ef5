//! A paper, its two names, and the conditions a paper can be asked to meet. No input or output happens here.

mod authors;
pub mod bounds;
pub mod category;
mod date;
pub mod english;
mod extra;
mod fields;
mod identifier;
mod json;
mod link;
pub mod percent;
pub mod person;
mod read;
mod shown;
mod standing;
mod text;
mod values;
mod work;
mod written;

pub use date::{PaperDate, year_of};
pub use extra::Extra;
pub use fields::PaperFields;
pub use identifier::Identifier;
pub use json::{Items, items, object};
pub use read::LeftOut;
pub use shown::{EscapedJson, escaped, hides, is_invisible, shown};
pub use standing::Retirement;
pub use text::{Face, Piece, READING, Source, Span};
pub use text::{is_cjk, is_link, latin_folded, letters, pieces, plain, prose, spans, spelled, tex, unaccented};
pub use work::{Edition, TELLING_TITLE, Works, id_key, is_of_a_preprint};
pub use written::MONTHS;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The name of a paper outside: any non-empty string of at most 256 bytes without control characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PaperId(String);

impl PaperId {
    /// Checks the rules of an id.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is empty, too long, or holds a control character.
    pub fn new(id: impl Into<String>) -> Result<Self> {
        checked_name("the id", id.into()).map(PaperId)
    }

    /// The id as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id without a trailing arXiv version: `arxiv:2405.13729v2` gives `arxiv:2405.13729`.
    ///
    /// Two ids with the same base are versions of one work. Only a `v` and digits behind a digit count as a version.
    pub fn base(&self) -> &str {
        let digits = self.0.bytes().rev().take_while(u8::is_ascii_digit).count();
        let rest = &self.0[..self.0.len() - digits];
        match rest.strip_suffix('v') {
            Some(base) if digits > 0 && base.ends_with(|c: char| c.is_ascii_digit()) => base,
            _ => &self.0,
        }
    }
}

impl fmt::Display for PaperId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for PaperId {
    type Error = Error;
    fn try_from(id: String) -> Result<Self> {
        PaperId::new(id)
    }
}

impl From<PaperId> for String {
    fn from(id: PaperId) -> String {
        id.0
    }
}

/// The number of a paper inside: one immutable text and its vector. Never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Row(pub u32);

/// A research paper as it comes in and goes out. Only `id` and `title` are required, and only they can cost a paper its place.
///
/// What is longer than said at a field is told as a warning (with `strict` the paper is rejected): an abstract is kept as far as
/// its bound, lists with their first entries, any other field is left out. A line, or a paper in a JSON list, has at most
/// 4 MiB. Bytes are those of UTF-8.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Paper {
    /// The name outside; at most 256 bytes.
    #[schema(value_type = String, max_length = 256)]
    pub id: PaperId,
    /// The title; never blank. At most 4,096 bytes: a paper with a longer one is rejected.
    #[schema(max_length = 4096)]
    pub title: String,
    /// The abstract; may be empty. At most 102,400 bytes are kept.
    #[serde(rename = "abstract")]
    #[schema(max_length = 102400)]
    pub summary: String,
    /// Full names, in order; at most 10,000, each of at most 1,024 bytes.
    #[schema(max_items = 10000)]
    pub authors: Vec<String>,
    /// When it appeared.
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<PaperDate>,
    /// Subject classes, for example `cs.CV`; at most 1,000, each of at most 1,024 bytes.
    #[schema(max_items = 1000)]
    pub categories: Vec<String>,
    /// Free terms; at most 1,000, each of at most 1,024 bytes.
    #[schema(max_items = 1000)]
    pub keywords: Vec<String>,
    /// Journal, conference or series; at most 1,024 bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 1024)]
    pub venue: Option<String>,
    /// Where it was made; at most 1,024 bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 1024)]
    pub organization: Option<String>,
    /// Where it can be read; at most 4,096 bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 4096)]
    pub url: Option<String>,
    /// Votes of readers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upvotes: Option<u32>,
    /// Number of comments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comments: Option<u32>,
    /// Who put it on the daily list; at most 1,024 bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 1024)]
    pub submitted_by: Option<String>,
    /// The day it was put on the daily list.
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listed: Option<PaperDate>,
    /// Every field that is not one of the above, as it came, every number as it was written; at most 65,536 bytes of JSON in
    /// all, nested at most 100 deep.
    #[schema(value_type = Object)]
    #[serde(skip_serializing_if = "Extra::is_empty")]
    pub extra: Extra,
}

impl Paper {
    /// What most encoders read: `title. abstract`, or the title alone when there is no abstract; without markup
    /// ([`plain`]).
    pub fn text(&self) -> String {
        self.text_joined(". ")
    }

    /// The same for encoders that want something else between title and abstract.
    pub fn text_joined(&self, separator: &str) -> String {
        let (title, summary) = (plain(&self.title), plain(&self.summary));
        // A title that is nothing but markup is better than none.
        let title = if title.trim().is_empty() { self.title.trim() } else { title.trim() };
        match summary.trim() {
            "" => title.to_string(),
            summary => format!("{title}{separator}{summary}"),
        }
    }

    /// About how many bytes of memory it takes.
    pub fn weight(&self) -> usize {
        let list = |texts: &[String]| texts.iter().map(|text| text.len() + 32).sum::<usize>();
        let texts = [&self.venue, &self.organization, &self.url, &self.submitted_by].into_iter().flatten();
        let lists = list(&self.authors) + list(&self.categories) + list(&self.keywords);
        let short = self.id.as_str().len() + texts.map(String::len).sum::<usize>();
        size_of::<Self>() + self.title.len() + self.summary.len() + short + lists + self.extra.as_json().len()
    }

    /// What readers gave it: votes, and comments twice.
    pub fn attention(&self) -> f64 {
        f64::from(self.upvotes.unwrap_or(0)) + 2.0 * f64::from(self.comments.unwrap_or(0))
    }

    /// The day that places it on a daily list: `listed`, else `date`; days since 1970-01-01. None of a paper that was taken back
    /// ([`Paper::retirement`]): it is on no list of a day.
    pub fn list_day(&self) -> Option<i32> {
        if self.retirement().is_some() {
            return None;
        }
        self.listed.as_ref().or(self.date.as_ref()).map(PaperDate::first_day)
    }

    /// The day it appeared: `date`, else `listed`; days since 1970-01-01. Date filters look at this one.
    pub fn day(&self) -> Option<i32> {
        self.date.as_ref().or(self.listed.as_ref()).map(PaperDate::first_day)
    }
}

/// The longest name of a paper or user, in bytes of UTF-8.
const MAX_NAME_BYTES: usize = 256;

/// Checks the rules that every name outside obeys; `what` says in the message which name it is.
///
/// # Errors
/// [`Error::Invalid`] when it is blank, too long, or holds a control character.
pub(crate) fn checked_name(what: &str, name: String) -> Result<String> {
    if name.trim().is_empty() {
        return Err(Error::Invalid(format!("{what} is empty")));
    }
    if name.len() > MAX_NAME_BYTES {
        return Err(Error::Invalid(format!(
            "{what} is {} bytes long; at most {MAX_NAME_BYTES} are allowed (it begins {:?})",
            name.len(),
            head(&name, 24)
        )));
    }
    if let Some(c) = name.chars().find(|c| c.is_control()) {
        return Err(Error::Invalid(format!("{what} {name:?} holds the control character {c:?}")));
    }
    Ok(name)
}

/// The first `n` characters, for messages that must stay short.
pub fn head(text: &str, n: usize) -> String {
    let mut out: String = text.chars().take(n).collect();
    if out.len() < text.len() {
        out.push('…');
    }
    out
}

/// Conditions on the papers of an answer. Empty lists and absent dates allow everything.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    /// Papers of this date or later; a paper without a date does not pass.
    pub from: Option<PaperDate>,
    /// Papers of this date or earlier; `2026` reaches to its last day. A paper without a date does not pass.
    pub to: Option<PaperDate>,
    /// Papers in any of these categories (upper and lower case alike); an archive stands for its classes, `math` for
    /// `math.OC`.
    pub categories: Vec<String>,
    /// Papers by any of these authors (the full name, upper and lower case alike, with or without accents).
    pub authors: Vec<String>,
    /// Papers of any of these organizations (the whole name, compared as those of authors).
    pub organizations: Vec<String>,
    /// Papers that any of these sources told of, by their names in the settings; [`GIVEN_BY_HAND`] for those that were ingested
    /// or sent.
    pub sources: Vec<String>,
    /// Papers that belong to any of these themes, by id. Whoever keeps the themes knows which these are; a store does not.
    pub themes: Vec<String>,
    /// None of these papers.
    pub exclude: Vec<PaperId>,
}

/// What stands for a source where papers were ingested or sent and no source told of them. No source can be called so.
pub const GIVEN_BY_HAND: &str = "by hand";

impl Filter {
    /// Allows every paper.
    pub fn is_empty(&self) -> bool {
        *self == Filter::default()
    }

    /// Whether it says which papers are wanted, and not only which are not.
    pub fn narrows(&self) -> bool {
        !Filter { exclude: Vec::new(), ..self.clone() }.is_empty()
    }

    /// Checks what parsing cannot.
    ///
    /// # Errors
    /// [`Error::Invalid`] when a list is too long ([`bounds`]) or the range of dates is turned round.
    pub fn check(&self) -> Result<()> {
        crate::bounds::at_most("category", self.categories.len(), crate::bounds::VALUES)?;
        crate::bounds::at_most("author", self.authors.len(), crate::bounds::VALUES)?;
        crate::bounds::at_most("organization", self.organizations.len(), crate::bounds::VALUES)?;
        crate::bounds::at_most("source", self.sources.len(), crate::bounds::VALUES)?;
        crate::bounds::at_most("theme", self.themes.len(), crate::bounds::STARTS)?;
        crate::bounds::at_most("exclude", self.exclude.len(), crate::bounds::EXCLUDED)?;
        match (&self.from, &self.to) {
            (Some(from), Some(to)) if from.first_day() > to.last_day() => {
                Err(Error::Invalid(format!("the range of dates is turned round: from {from} is later than to {to}")))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn versions_share_a_base() {
        for (id, base) in [
            ("arxiv:2405.13729v2", "arxiv:2405.13729"),
            ("arxiv:2405.13729", "arxiv:2405.13729"),
            ("arxiv:hep-th/9901001v12", "arxiv:hep-th/9901001"),
            ("rev2", "rev2"),
            ("v2", "v2"),
            ("é9v1", "é9"),
        ] {
            assert_eq!(PaperId::new(id).map(|i| i.base().to_string()).ok().as_deref(), Some(base));
        }
    }

    proptest! {
        #[test]
        fn a_paper_survives_the_way_out_and_in(title in "\\PC{1,40}", extra in "[a-z]{3,8}", up in 0u32..1000) {
            let sent = serde_json::json!({"id": "x", "title": format!("T{title}"), "upvotes": up, format!("q{extra}"): {"deep": [1, null]}});
            let paper = Paper::from_json(sent).expect("valid");
            let (back, _) = Paper::read_json(&serde_json::to_string(&paper).expect("serialises")).expect("valid");
            prop_assert_eq!(paper, back);
        }

        #[test]
        fn parsers_never_panic(s in "\\PC{0,60}") {
            let _ = PaperDate::parse(&s);
            if let Ok(id) = PaperId::new(s.clone()) { let _ = id.base(); }
            if let Ok(v) = serde_json::from_str(&s) { let _ = Paper::from_json(v); }
        }
    }
}
