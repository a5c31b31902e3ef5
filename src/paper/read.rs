//! Papers from JSON as people and programs send it. Only the id and the title can cost a paper its place: of every other field
//! that cannot be read the paper is told without it.

use serde_json::{Map, Value};

use super::authors::authors;
use super::{Paper, PaperDate, PaperId, head};
use crate::error::{Error, Result};

/// A field that could not be read, so that its paper goes without it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Its name.
    pub field: &'static str,
    /// Why, for a person.
    pub reason: String,
}

impl Paper {
    /// Reads a paper from a JSON value, and tells which fields of it could not be read. Unknown fields are kept in
    /// [`Paper::extra`]; `null` counts as absent. Texts may be numbers, or a list with a text in it; authors strings or objects
    /// with `name` or `given` and `family`, or one string of all; counts may be `"5"` or `5.0`; dates as for [`PaperDate::read`].
    ///
    /// # Errors
    /// [`Error::Invalid`] or [`Error::BadRequest`] when it has no id or no title.
    pub fn read(value: Value) -> Result<(Self, Vec<LeftOut>)> {
        let Value::Object(mut given) = value else {
            return Err(Error::BadRequest("a paper is a JSON object".into()));
        };
        given.retain(|_, v| !v.is_null());
        let id = match given.shift_remove("id") {
            Some(value) => PaperId::new(id_text(&value).ok_or_else(|| no_text("id", &value))?)?,
            None => return Err(Error::Invalid("the field `id` is missing".into())),
        };
        let title = match given.shift_remove("title") {
            Some(Value::Array(items)) if items.is_empty() => String::new(),
            Some(value) => text_of(&value).ok_or_else(|| no_text("title", &value))?,
            None => return Err(Error::Invalid("the field `title` is missing".into())),
        };
        if title.trim().is_empty() {
            return Err(Error::Invalid("the field `title` is empty".into()));
        }
        let mut fields = Fields { given, left_out: Vec::new() };
        let mut paper = Paper {
            id,
            title,
            summary: fields.read("abstract", |v| prose_of(v).map(Some)).unwrap_or_default(),
            authors: fields.list("authors", "an author is a text or has `name` or `given` and `family`", authors),
            date: fields.date("date"),
            categories: fields.list("categories", "a category is a text", |v| terms(v, classes)),
            keywords: fields.list("keywords", "a keyword is a text", |v| terms(v, phrases)),
            venue: fields.text("venue"),
            organization: fields.text("organization"),
            url: fields.text("url"),
            upvotes: fields.read("upvotes", count),
            comments: fields.read("comments", count),
            submitted_by: fields.text("submitted_by"),
            listed: fields.date("listed"),
            extra: Map::new(),
        };
        let Fields { mut given, left_out } = fields;
        // What went out under `extra` comes back in at the same place.
        match given.shift_remove("extra") {
            Some(Value::Object(extra)) => paper.extra = extra,
            Some(other) => {
                paper.extra.insert("extra".into(), other);
            }
            None => {}
        }
        paper.extra.extend(given);
        Ok((paper, left_out))
    }

    /// The same for who does not ask what was left out.
    ///
    /// # Errors
    /// As for [`Paper::read`].
    pub fn from_json(value: Value) -> Result<Self> {
        Paper::read(value).map(|(paper, _)| paper)
    }
}

/// The id that a JSON value gives, be it that the value is no paper: for messages.
pub fn id_in(value: &Value) -> Option<String> {
    id_text(value.get("id")?).map(|id| head(&id, 80))
}

/// What of a paper was not read yet, and what could not be.
struct Fields {
    given: Map<String, Value>,
    left_out: Vec<LeftOut>,
}

impl Fields {
    /// A field through `read`, which says why where it cannot.
    fn read<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&Value) -> std::result::Result<Option<T>, String>,
    ) -> Option<T> {
        let value = self.given.shift_remove(name)?;
        match read(&value) {
            Ok(read) => read,
            Err(reason) => {
                self.left_out.push(LeftOut { field: name, reason });
                None
            }
        }
    }

    fn text(&mut self, name: &'static str) -> Option<String> {
        self.read(name, |value| match value {
            Value::Array(items) if items.iter().all(Value::is_null) => Ok(None),
            value => text_of(value).map(Some).ok_or_else(|| format!("it is {}, not a text", kind_of(value))),
        })
    }

    fn date(&mut self, name: &'static str) -> Option<PaperDate> {
        self.read(name, |value| match value {
            Value::String(text) if text.trim().is_empty() => Ok(None),
            value => PaperDate::of_value(value).map(Some).map_err(|e| e.to_string()),
        })
    }

    /// A list; what of it cannot be read is told, and the rest stays.
    fn list(
        &mut self,
        name: &'static str,
        should: &str,
        read: impl Fn(&Value) -> (Vec<String>, Vec<&Value>),
    ) -> Vec<String> {
        let Some(value) = self.given.shift_remove(name) else { return Vec::new() };
        let (list, bad) = read(&value);
        if let Some(first) = bad.first() {
            let more = if bad.len() > 1 { format!(" and {} more", bad.len() - 1) } else { String::new() };
            let reason = format!("{}{more} left out: {should}", head(&first.to_string(), 40));
            self.left_out.push(LeftOut { field: name, reason });
        }
        list
    }
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

fn no_text(name: &str, value: &Value) -> Error {
    Error::BadRequest(format!("the field `{name}` must be a text, not {}", kind_of(value)))
}

/// A number as text: a whole one that went through a table of floats without its `.0`.
fn number_text(n: &serde_json::Number) -> String {
    match n.as_f64() {
        Some(x) if n.is_f64() && x.fract() == 0.0 && x.abs() < 9e15 => format!("{}", x as i64),
        _ => n.to_string(),
    }
}

fn id_text(value: &Value) -> Option<String> {
    match value {
        Value::String(s) => Some(s.clone()),
        Value::Number(n) => Some(number_text(n)),
        _ => None,
    }
}

/// What objects call the text that stands for them.
pub(super) const NAMES: &[&str] = &[
    "name",
    "display_name",
    "displayName",
    "full_name",
    "fullName",
    "fullname",
    "literal",
    "title",
    "label",
    "term",
    "tag",
    "keyword",
    "category",
    "user",
    "username",
    "URL",
    "url",
    "href",
    "value",
    "text",
];

/// The text that a value is or that stands for it; of a list the first.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(s) => Some(s.clone()),
        Value::Number(n) => Some(number_text(n)),
        Value::Array(items) => items.iter().find_map(text_of),
        Value::Object(fields) => NAMES.iter().find_map(|name| text_of(fields.get(*name)?)),
        Value::Null | Value::Bool(_) => None,
    }
}

/// An abstract: a text, or its parts in a list or under their headings.
fn prose_of(value: &Value) -> std::result::Result<String, String> {
    let wrong = || format!("it is {}, not a text", kind_of(value));
    match value {
        Value::Array(items) => {
            let parts: std::result::Result<Vec<String>, String> =
                items.iter().filter(|v| !v.is_null()).map(prose_of).collect();
            Ok(parts?.join("\n"))
        }
        Value::Object(fields) => {
            let text = |names: &[&str]| names.iter().find_map(|name| fields.get(*name)?.as_str());
            match (text(&["label", "Label", "heading"]), text(&["text", "value", "content", "abstract", "p"])) {
                (Some(label), Some(text)) => Ok(format!("{label}: {text}")),
                (None, Some(text)) => Ok(text.to_string()),
                (_, None) => {
                    let part = |(name, v): (&String, &Value)| Some(format!("{name}: {}", v.as_str()?));
                    let parts: Option<Vec<String>> = fields.iter().map(part).collect();
                    parts.filter(|p| !p.is_empty()).map(|p| p.join("\n")).ok_or_else(wrong)
                }
            }
        }
        value => text_of(value).ok_or_else(wrong),
    }
}

/// A count: `5`, `5.0`, `"5"`.
fn count(value: &Value) -> std::result::Result<Option<u32>, String> {
    let number = match value {
        Value::String(s) if s.trim().is_empty() => return Ok(None),
        Value::String(s) => s.trim().parse::<f64>().ok(),
        value => value.as_f64(),
    };
    match number.filter(|n| n.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(n)) {
        Some(n) => Ok(Some(n as u32)),
        None => Err(format!("{} is no whole number from 0 to {}", head(&value.to_string(), 40), u32::MAX)),
    }
}

/// Terms of a list, or of one text through `split`; and what is none.
fn terms(value: &Value, split: fn(&str) -> Vec<String>) -> (Vec<String>, Vec<&Value>) {
    match value {
        Value::String(text) => (split(text), Vec::new()),
        Value::Array(items) => sorted(items, text_of),
        value => sorted(std::slice::from_ref(value), text_of),
    }
}

/// What `read` makes of each item, and those that it makes nothing of.
pub(super) fn sorted(items: &[Value], read: impl Fn(&Value) -> Option<String>) -> (Vec<String>, Vec<&Value>) {
    let (mut texts, mut bad) = (Vec::new(), Vec::new());
    for item in items.iter().filter(|v| !v.is_null()) {
        match read(item) {
            Some(text) => texts.push(text),
            None => bad.push(item),
        }
    }
    (texts, bad)
}

pub(super) fn trimmed<'a>(pieces: impl Iterator<Item = &'a str>) -> Vec<String> {
    pieces.map(str::trim).filter(|p| !p.is_empty()).map(str::to_string).collect()
}

/// The subject classes of one text: parted by commas or semicolons, or by blanks as arXiv does (`cs.LG stat.ML`).
fn classes(text: &str) -> Vec<String> {
    if text.contains([',', ';', '|']) {
        return trimmed(text.split([',', ';', '|']));
    }
    let class = |word: &str| {
        word.contains(['.', '-']) && word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'))
    };
    if text.split_whitespace().all(class) { trimmed(text.split_whitespace()) } else { trimmed(std::iter::once(text)) }
}

/// The keywords of one text, parted by semicolons, else by commas.
fn phrases(text: &str) -> Vec<String> {
    let sign = if text.contains(';') { ';' } else { ',' };
    trimmed(text.split([sign, '\n']))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn read(mut fields: Value) -> (Paper, Vec<&'static str>) {
        fields["id"] = fields["id"].take();
        if fields["id"].is_null() {
            fields["id"] = "x".into();
        }
        if fields["title"].is_null() {
            fields["title"] = "T".into();
        }
        let (paper, left_out) = Paper::read(fields).expect("a paper");
        (paper, left_out.into_iter().map(|l| l.field).collect())
    }

    #[test]
    fn only_id_and_title_cost_a_paper_its_place() {
        let (paper, left_out) = read(json!({
            "abstract": true, "authors": 5, "date": "n.d.", "categories": {"x": 1}, "keywords": [true, "kept"], "venue": false,
            "organization": [[]], "url": {}, "upvotes": -1, "comments": "12 pages", "submitted_by": [true], "listed": [],
        }));
        assert_eq!(
            left_out,
            [
                "abstract",
                "authors",
                "date",
                "categories",
                "keywords",
                "venue",
                "organization",
                "url",
                "upvotes",
                "comments",
                "submitted_by",
                "listed"
            ]
        );
        assert_eq!(paper.keywords, ["kept"]);
        for (bad, word) in [
            (json!({"title": "T"}), "id"),
            (json!({"id": true, "title": "T"}), "id"),
            (json!({"id": "x"}), "title"),
            (json!({"id": "x", "title": []}), "title"),
            (json!({"id": "x", "title": {"a": 1}}), "title"),
            (json!([]), "object"),
        ] {
            let e = Paper::read(bad.clone()).expect_err("no paper").to_string();
            assert!(e.contains(word), "{bad}: {e}");
        }
    }

    #[test]
    fn fields_are_read_in_the_forms_that_are_sent() {
        let (paper, left_out) = read(json!({
            "id": 12345.0, "title": ["A title"], "abstract": [{"label": "AIM", "text": "To see."}, "And more."],
            "categories": "cs.LG stat.ML", "keywords": "one thing; another", "venue": {"display_name": "A journal"},
            "url": ["https://x.org/a"], "upvotes": "5", "comments": 7.0, "date": 2024, "listed": "2024/05/22", "extra": 1,
        }));
        assert_eq!(left_out, [] as [&str; 0]);
        assert_eq!((paper.id.as_str(), paper.title.as_str()), ("12345", "A title"));
        assert_eq!(paper.summary, "AIM: To see.\nAnd more.");
        assert_eq!(
            (paper.categories, paper.keywords),
            (vec!["cs.LG".into(), "stat.ML".into()], vec!["one thing".into(), "another".into()])
        );
        assert_eq!((paper.venue.as_deref(), paper.url.as_deref()), (Some("A journal"), Some("https://x.org/a")));
        assert_eq!((paper.upvotes, paper.comments), (Some(5), Some(7)));
        let days = (paper.date.map(String::from), paper.listed.map(String::from));
        assert_eq!(days, (Some("2024".into()), Some("2024-05-22".into())));
        assert_eq!(read(json!({"categories": "Machine Learning"})).0.categories, ["Machine Learning"]);
        assert_eq!(read(json!({"categories": ["a b", {"term": "cs.LG"}]})).0.categories, ["a b", "cs.LG"]);
        assert_eq!(read(json!({"id": 7})).0.id.as_str(), "7");
        assert_eq!(read(json!({"date": " ", "upvotes": "", "venue": null})).1, [] as [&str; 0]);
    }

    fn json_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "\\PC{0,20}".prop_map(Value::from),
            "[A-Z][a-z]{1,5}(, | and |; )[A-Z][a-z]{1,5}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 12, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::hash_map("(name|given|family|date-parts|year|[a-z]{1,4})", inner, 0..4)
                    .prop_map(|m| Value::Object(m.into_iter().collect())),
            ]
        })
    }

    proptest! {
        /// Whatever a field holds, the paper is there, and comes out as it went in from then on.
        #[test]
        fn no_field_costs_a_paper_its_place(values in prop::collection::vec(json_value(), 13)) {
            let names = ["abstract", "authors", "date", "categories", "keywords", "venue", "organization", "url", "upvotes",
                "comments", "submitted_by", "listed", "more"];
            let mut sent = json!({"id": "x", "title": "T"});
            for (name, value) in names.iter().zip(values) {
                sent[*name] = value;
            }
            let (paper, _) = Paper::read(sent).expect("a paper");
            let out = serde_json::to_value(&paper).expect("serialises");
            let (back, left_out) = Paper::read(out).expect("a paper");
            prop_assert_eq!(left_out, vec![]);
            prop_assert_eq!(back, paper);
        }
    }
}
