//! A paper, its two names, and the conditions a paper can be asked to meet. No input or output happens here.

use std::collections::HashSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::{Error, Result};

/// The name of a paper outside: any non-empty string of at most 256 bytes without control characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PaperId(String);

impl PaperId {
    /// The longest id, in bytes of UTF-8.
    pub const MAX_BYTES: usize = 256;

    /// Checks the rules of an id.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is empty, too long, or holds a control character.
    pub fn new(id: impl Into<String>) -> Result<Self> {
        let id = id.into();
        if id.trim().is_empty() {
            return Err(Error::Invalid("the id is empty".into()));
        }
        if id.len() > Self::MAX_BYTES {
            return Err(Error::Invalid(format!(
                "the id is {} bytes long; at most {} are allowed (it begins {:?})",
                id.len(),
                Self::MAX_BYTES,
                head(&id, 24)
            )));
        }
        if let Some(c) = id.chars().find(|c| c.is_control()) {
            return Err(Error::Invalid(format!("the id {id:?} holds the control character {c:?}")));
        }
        Ok(PaperId(id))
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

/// A date of `YYYY`, `YYYY-MM` or `YYYY-MM-DD`. What is left out counts as the first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PaperDate {
    text: String,
    day: i32,
}

impl PaperDate {
    /// Reads a date.
    ///
    /// # Errors
    /// [`Error::BadRequest`] when the text has another form or names a day that the calendar does not have.
    pub fn parse(text: &str) -> Result<Self> {
        let no_date = |why: &str| {
            Error::BadRequest(format!("{:?} is no date{why}; write YYYY, YYYY-MM or YYYY-MM-DD", head(text, 40)))
        };
        let parts: Vec<&str> = text.split('-').collect();
        let widths = [4, 2, 2];
        let shaped = parts.len() <= 3
            && parts.iter().zip(widths).all(|(p, w)| p.len() == w && p.bytes().all(|b| b.is_ascii_digit()));
        if !shaped {
            return Err(no_date(""));
        }
        let number = |k: usize| parts.get(k).map_or(Ok(1), |p| p.parse::<i16>()).map_err(|_| no_date(""));
        let (year, month, day) = (number(0)?, number(1)?, number(2)?);
        let month = i8::try_from(month).map_err(|_| no_date(""))?;
        let day = i8::try_from(day).map_err(|_| no_date(""))?;
        let date = jiff::civil::Date::new(year, month, day).map_err(|_| no_date(" of the calendar"))?;
        Ok(PaperDate { text: text.to_string(), day: days_since_epoch(date) })
    }

    /// The text as it was given.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The first day it covers, in days since 1970-01-01.
    pub fn first_day(&self) -> i32 {
        self.day
    }

    /// The last day it covers: `2026-02` reaches to 2026-02-28.
    pub fn last_day(&self) -> i32 {
        let date = date_of(self.day);
        let last = match self.text.len() {
            4 => date.last_of_year(),
            7 => date.last_of_month(),
            _ => date,
        };
        days_since_epoch(last)
    }
}

fn days_since_epoch(date: jiff::civil::Date) -> i32 {
    // A span between two civil dates in days always fits: the calendar ends with the year 9999.
    (date - jiff::civil::date(1970, 1, 1)).get_days()
}

fn date_of(day: i32) -> jiff::civil::Date {
    jiff::civil::date(1970, 1, 1).saturating_add(jiff::Span::new().days(day))
}

impl fmt::Display for PaperDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TryFrom<String> for PaperDate {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        PaperDate::parse(&text)
    }
}

impl From<PaperDate> for String {
    fn from(date: PaperDate) -> String {
        date.text
    }
}

/// A research paper as it comes in and goes out. Only `id` and `title` are required.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Paper {
    /// The name outside.
    #[schema(value_type = String, max_length = 256)]
    pub id: PaperId,
    /// The title; never blank.
    pub title: String,
    /// The abstract; may be empty.
    #[serde(rename = "abstract")]
    pub summary: String,
    /// Full names, in order.
    pub authors: Vec<String>,
    /// When it appeared.
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<PaperDate>,
    /// Subject classes, for example `cs.CV`.
    pub categories: Vec<String>,
    /// Free terms.
    pub keywords: Vec<String>,
    /// Journal, conference or series.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub venue: Option<String>,
    /// Where it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// Where it can be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Votes of readers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upvotes: Option<u32>,
    /// Number of comments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comments: Option<u32>,
    /// Who put it on the daily list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub submitted_by: Option<String>,
    /// The day it was put on the daily list.
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listed: Option<PaperDate>,
    /// Every field that is not one of the above, as it came.
    #[schema(value_type = Object)]
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

impl Paper {
    /// Reads a paper from a JSON value. Unknown fields are kept in [`Paper::extra`]; `null` counts as absent.
    ///
    /// # Errors
    /// [`Error::Invalid`] or [`Error::BadRequest`], naming the field.
    pub fn from_json(value: Value) -> Result<Self> {
        let Value::Object(mut fields) = value else {
            return Err(Error::BadRequest("a paper is a JSON object".into()));
        };
        fields.retain(|_, v| !v.is_null());
        let mut take = |name: &str| fields.shift_remove(name);
        let id = match text("id", take("id"))? {
            Some(id) => PaperId::new(id)?,
            None => return Err(Error::Invalid("the field `id` is missing".into())),
        };
        let title = match text("title", take("title"))? {
            Some(title) if !title.trim().is_empty() => title,
            Some(_) => return Err(Error::Invalid("the field `title` is empty".into())),
            None => return Err(Error::Invalid("the field `title` is missing".into())),
        };
        let date = |name: &str, v| match text(name, v)? {
            Some(d) if !d.is_empty() => {
                PaperDate::parse(&d).map(Some).map_err(|e| Error::BadRequest(format!("the field `{name}`: {e}")))
            }
            _ => Ok(None),
        };
        let mut paper = Paper {
            id,
            title,
            summary: text("abstract", take("abstract"))?.unwrap_or_default(),
            authors: texts("authors", take("authors"))?,
            date: date("date", take("date"))?,
            categories: texts("categories", take("categories"))?,
            keywords: texts("keywords", take("keywords"))?,
            venue: text("venue", take("venue"))?,
            organization: text("organization", take("organization"))?,
            url: text("url", take("url"))?,
            upvotes: count("upvotes", take("upvotes"))?,
            comments: count("comments", take("comments"))?,
            submitted_by: text("submitted_by", take("submitted_by"))?,
            listed: date("listed", take("listed"))?,
            extra: Map::new(),
        };
        // What went out under `extra` comes back in at the same place.
        match fields.shift_remove("extra") {
            Some(Value::Object(extra)) => paper.extra = extra,
            Some(other) => {
                paper.extra.insert("extra".into(), other);
            }
            None => {}
        }
        paper.extra.extend(fields);
        Ok(paper)
    }

    /// What most encoders read: `title. abstract`, or the title alone when there is no abstract.
    pub fn text(&self) -> String {
        self.text_joined(". ")
    }

    /// The same for encoders that want something else between title and abstract.
    pub fn text_joined(&self, separator: &str) -> String {
        match self.summary.trim() {
            "" => self.title.trim().to_string(),
            summary => format!("{}{separator}{summary}", self.title.trim()),
        }
    }

    /// The day that places it on a daily list: `listed`, else `date`; days since 1970-01-01.
    pub fn list_day(&self) -> Option<i32> {
        self.listed.as_ref().or(self.date.as_ref()).map(PaperDate::first_day)
    }

    /// The day it appeared: `date`, else `listed`; days since 1970-01-01. Date filters look at this one.
    pub fn day(&self) -> Option<i32> {
        self.date.as_ref().or(self.listed.as_ref()).map(PaperDate::first_day)
    }
}

/// What records of one work have in common, as keys that can be compared: see [`Paper::work_keys`].
#[derive(Debug, Clone, Default)]
pub struct Works {
    keys: HashSet<String>,
}

impl Works {
    /// The works of some papers.
    pub fn of<'a>(papers: impl IntoIterator<Item = &'a Paper>) -> Self {
        Works { keys: papers.into_iter().flat_map(Paper::work_keys).collect() }
    }

    /// Adds the work of a paper.
    pub fn insert(&mut self, paper: &Paper) {
        self.keys.extend(paper.work_keys());
    }

    /// Whether a paper is a record of one of these works.
    pub fn contains(&self, paper: &Paper) -> bool {
        !self.keys.is_empty() && paper.work_keys().iter().any(|key| self.keys.contains(key))
    }
}

/// Letters from which on a title says something even without author and abstract.
const TELLING_TITLE: usize = 16;

impl Paper {
    /// Keys of the work that this is a record of; two papers that share one are versions or duplicates of each other.
    ///
    /// They are the id without its version, the arXiv id and the DOI (from the id, the url, or the fields `doi` and
    /// `arxiv_id`), and the title with the first author's surname and initial; without an author, the title with
    /// the beginning of the abstract, if they say anything together: every journal has an "Editorial".
    pub fn work_keys(&self) -> Vec<String> {
        let mut keys = vec![format!("id:{}", self.id.base().to_lowercase())];
        let mut add = |key: String| {
            if !keys.contains(&key) {
                keys.push(key);
            }
        };
        let given = ["doi", "arxiv_id", "DOI"].into_iter().filter_map(|name| self.extra.get(name)?.as_str());
        for text in [Some(self.id.as_str()), self.url.as_deref()].into_iter().flatten().chain(given) {
            if let Some(key) = identifier_key(text) {
                add(key);
            }
        }
        let title = folded(&self.title);
        match self.authors.first().map(|name| name_key(name)).filter(|n| !n.is_empty()) {
            Some(name) if !title.is_empty() => add(format!("title:{title}|{name}")),
            Some(_) => {}
            None => {
                let summary: String = folded(&self.summary).chars().take(80).collect();
                if title.len() >= TELLING_TITLE || !(title.is_empty() || summary.is_empty()) {
                    add(format!("title:{title}|={summary}"));
                }
            }
        }
        keys
    }

    /// Which of several records of one work is the newest: by day, then by version.
    pub fn newness(&self) -> i64 {
        let version = self.id.as_str()[self.id.base().len()..].trim_start_matches('v').parse::<i64>().unwrap_or(0);
        i64::from(self.day().unwrap_or(0)) * 1000 + version.min(999)
    }
}

/// The key of an arXiv id (with or without prefix, version, address) or of a DOI; `None` for anything else.
pub fn identifier_key(text: &str) -> Option<String> {
    let text = text.trim().to_lowercase();
    let text = text.trim_end_matches(['.', ',', ')', ']', '/']);
    let bare = text.trim_start_matches("https://").trim_start_matches("http://").trim_start_matches("www.");
    for begin in ["doi.org/", "dx.doi.org/", "doi:", "doi "] {
        if let Some(doi) = bare.strip_prefix(begin) {
            return doi_key(doi.trim());
        }
    }
    for begin in ["arxiv.org/abs/", "arxiv.org/pdf/", "export.arxiv.org/abs/", "arxiv.org/html/", "arxiv:", "arxiv "] {
        if let Some(id) = bare.strip_prefix(begin) {
            return arxiv_key(id.trim().trim_end_matches(".pdf"));
        }
    }
    arxiv_key(bare).or_else(|| doi_key(bare))
}

fn doi_key(doi: &str) -> Option<String> {
    // arXiv gives each of its papers a DOI.
    if let Some(id) = doi.strip_prefix("10.48550/arxiv.") {
        return arxiv_key(id);
    }
    let (registrant, name) = doi.strip_prefix("10.")?.split_once('/')?;
    let known = registrant.len() >= 4 && registrant.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    (known && !name.is_empty() && !name.contains(char::is_whitespace)).then(|| format!("doi:{doi}"))
}

/// `2405.13729v2` and `hep-th/9901001` without the version.
fn arxiv_key(id: &str) -> Option<String> {
    let digits =
        |s: &str, n: std::ops::RangeInclusive<usize>| n.contains(&s.len()) && s.bytes().all(|b| b.is_ascii_digit());
    let base = match id.rsplit_once('v') {
        Some((base, version)) if digits(version, 1..=3) => base,
        _ => id,
    };
    let new = base.split_once('.').is_some_and(|(month, number)| digits(month, 4..=4) && digits(number, 4..=5));
    let old = base.split_once('/').is_some_and(|(archive, number)| {
        digits(number, 7..=7)
            && archive.len() >= 4
            && archive.bytes().all(|b| b.is_ascii_alphabetic() || matches!(b, b'-' | b'.'))
    });
    (new || old).then(|| format!("arxiv:{base}"))
}

/// A name by its initial and its surname, so that `Doe, J.`, `J. Doe` and `Jane A. Doe` meet.
fn name_key(name: &str) -> String {
    let (first, last) = match name.split_once(',') {
        Some((last, first)) => (first.trim(), last.trim()),
        None => name.trim().rsplit_once(char::is_whitespace).unwrap_or(("", name)),
    };
    let initial: String = folded(first).chars().take(1).collect();
    format!("{initial}{}", folded(last))
}

/// The form in which titles are compared: letters and digits in lower case.
pub fn title_key(title: &str) -> String {
    folded(title)
}

/// Letters and digits in lower case, everything else dropped: the form in which titles and names are compared.
fn folded(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The first `n` characters, for messages that must stay short.
pub fn head(text: &str, n: usize) -> String {
    let mut out: String = text.chars().take(n).collect();
    if out.len() < text.len() {
        out.push('…');
    }
    out
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn text(name: &str, value: Option<Value>) -> Result<Option<String>> {
    match value {
        None => Ok(None),
        Some(Value::String(s)) => Ok(Some(s)),
        Some(other) => Err(Error::BadRequest(format!("the field `{name}` must be a text, not {}", kind_of(&other)))),
    }
}

fn texts(name: &str, value: Option<Value>) -> Result<Vec<String>> {
    let wrong =
        |v: &Value| Error::BadRequest(format!("the field `{name}` must be a list of texts, not {} in it", kind_of(v)));
    match value {
        None => Ok(Vec::new()),
        Some(Value::Array(items)) => items
            .into_iter()
            .map(|v| match v {
                Value::String(s) => Ok(s),
                other => Err(wrong(&other)),
            })
            .collect(),
        Some(other) => {
            Err(Error::BadRequest(format!("the field `{name}` must be a list of texts, not {}", kind_of(&other))))
        }
    }
}

fn count(name: &str, value: Option<Value>) -> Result<Option<u32>> {
    match value {
        None => Ok(None),
        Some(v) => match v.as_u64().and_then(|n| u32::try_from(n).ok()) {
            Some(n) => Ok(Some(n)),
            None => Err(Error::BadRequest(format!(
                "the field `{name}` must be a whole number from 0 to {}, not {}",
                u32::MAX,
                head(&v.to_string(), 40)
            ))),
        },
    }
}

/// Conditions on the papers of an answer. Empty lists and absent dates allow everything.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    /// Papers of this date or later; a paper without a date does not pass.
    pub from: Option<PaperDate>,
    /// Papers of this date or earlier; `2026` reaches to its last day. A paper without a date does not pass.
    pub to: Option<PaperDate>,
    /// Papers in any of these categories (upper and lower case alike).
    pub categories: Vec<String>,
    /// Papers by any of these authors (the full name, upper and lower case alike).
    pub authors: Vec<String>,
    /// None of these papers.
    pub exclude: Vec<PaperId>,
}

impl Filter {
    /// Allows every paper.
    pub fn is_empty(&self) -> bool {
        *self == Filter::default()
    }

    /// Checks what parsing cannot.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the range of dates is turned round.
    pub fn check(&self) -> Result<()> {
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
    fn dates_cover_what_they_say() {
        let d = |s: &str| PaperDate::parse(s).map(|d| (d.first_day(), d.last_day()));
        assert_eq!(d("1970-01-01").ok(), Some((0, 0)));
        assert_eq!(d("1970").ok(), Some((0, 364)));
        assert_eq!(d("2024-02").ok().map(|(a, b)| b - a), Some(28));
        for bad in ["", "24", "2024-13", "2024-02-30", "2024-2-3", "yesterday", "2024-01-01T00:00", "-2024", "２０２４"]
        {
            assert!(d(bad).is_err(), "{bad:?} was taken for a date");
        }
    }

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

    fn paper(id: &str, title: &str, author: &str) -> Paper {
        Paper::from_json(serde_json::json!({"id": id, "title": title, "authors": [author]})).expect("valid")
    }

    #[test]
    fn records_of_one_work_are_known() {
        let works = Works::of([&paper("arxiv:2401.00001v1", "On Things", "A. Person")]);
        assert!(works.contains(&paper("arxiv:2401.00001v3", "On Other Things", "B. Person")));
        assert!(works.contains(&paper("doi:10.1/x", "on  things.", "a person")));
        assert!(!works.contains(&paper("doi:10.1/x", "On Things", "B. Person")));
        assert!(!works.contains(&paper("arxiv:2401.00002", "On Things!?", "C. Person")));
        assert!(works.contains(&paper("2401.00001", "Renamed", "Z. Other")));
        assert!(works.contains(&paper("x", "On Things", "Person, Alice")));
    }

    #[test]
    fn identifiers_are_known_in_every_dress() {
        for text in [
            "2405.13729",
            "2405.13729v3",
            "arXiv:2405.13729v1",
            "https://arxiv.org/abs/2405.13729",
            "http://arxiv.org/pdf/2405.13729v2.pdf",
            "10.48550/arXiv.2405.13729",
            "https://doi.org/10.48550/arXiv.2405.13729",
        ] {
            assert_eq!(identifier_key(text).as_deref(), Some("arxiv:2405.13729"), "{text}");
        }
        assert_eq!(identifier_key("hep-th/9901001v2").as_deref(), Some("arxiv:hep-th/9901001"));
        for text in ["10.1145/3292500", "doi:10.1145/3292500", "https://doi.org/10.1145/3292500."] {
            assert_eq!(identifier_key(text).as_deref(), Some("doi:10.1145/3292500"), "{text}");
        }
        for text in ["", "2405", "3.14", "version 2405.13729 of it", "10.1/x y", "and/1234567", "10.5/x", "-"] {
            assert_eq!(identifier_key(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_day_of_the_calendar_survives_text(day in -200_000i32..200_000) {
            let text = date_of(day).to_string();
            let parsed = PaperDate::parse(&text);
            prop_assert_eq!(parsed.map(|d| (d.first_day(), d.last_day())).ok(), Some((day, day)));
        }

        #[test]
        fn a_paper_survives_the_way_out_and_in(title in "\\PC{1,40}", extra in "[a-z]{3,8}", up in 0u32..1000) {
            let sent = serde_json::json!({"id": "x", "title": format!("T{title}"), "upvotes": up, format!("q{extra}"): {"deep": [1, null]}});
            let paper = Paper::from_json(sent).expect("valid");
            let back = Paper::from_json(serde_json::to_value(&paper).expect("serialises")).expect("valid");
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
