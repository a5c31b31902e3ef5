//! Papers from JSON as people and programs send it. Only the id and the title can cost a paper its place: of every other field
//! that cannot be read the paper is told without it.

use serde_json::Value;

use super::authors::{author, names};
use super::bounds::{AROUND, MAX_ABSTRACT, MAX_AUTHORS, MAX_LINE, MAX_NAME, MAX_TERMS, MAX_TITLE, MAX_URL};
use super::extra::Extra;
use super::fields::{KNOWN, PaperFields};
use super::json::{each_field, items};
use super::values::{List, classes, count, id_text, kind_of, no_text, phrases, prose_of, text_of};
use super::{Paper, PaperDate, PaperId, head};
use crate::error::{Error, Result};

/// A field that could not be read, or not all of it, so that its paper goes without it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Its name.
    pub field: &'static str,
    /// Why, for a person.
    pub reason: String,
}

impl Paper {
    /// Reads a paper from JSON, and tells which fields of it could not be read, or are longer than a paper has room for.
    /// Unknown fields are kept in [`Paper::extra`]; `null` counts as absent. Texts may be numbers, or a list with a text in it;
    /// authors strings or objects with `name` or `given` and `family`, or one string of all; counts may be `"5"` or `5.0`; dates
    /// as for [`PaperDate::read`].
    ///
    /// # Errors
    /// [`Error::Invalid`] or [`Error::BadRequest`] when it is no JSON, has no id or no title, or the title is too long.
    pub fn read_json(json: &str) -> Result<(Self, Vec<LeftOut>)> {
        if json.len() > MAX_LINE {
            return Err(Error::Invalid(format!("it is {} bytes long; at most {MAX_LINE} are allowed", json.len())));
        }
        if !json.trim_ascii_start().starts_with('{') {
            return Err(Error::BadRequest("a paper is a JSON object".into()));
        }
        PaperFields::parse(json).map_err(|e| Error::BadRequest(format!("not JSON: {e}"))).and_then(Paper::of)
    }

    /// The same for what was taken apart already.
    ///
    /// # Errors
    /// As for [`Paper::read_json`].
    pub fn of(given: PaperFields<'_>) -> Result<(Self, Vec<LeftOut>)> {
        Reading { given, left_out: Vec::new(), bounded: true }.paper()
    }

    /// Reads a paper as it was stored: what was let in once is as long as it is.
    ///
    /// # Errors
    /// [`Error::Invalid`] or [`Error::BadRequest`] when it is no paper.
    pub fn stored(json: &str) -> Result<Self> {
        let mut given = PaperFields::default();
        each_field(&mut serde_json::Deserializer::from_str(json), |name, value| {
            if let Some(k) = KNOWN.iter().position(|known| *known == name) {
                given.known[k] = Some(value);
            }
        })
        .map_err(|e| Error::BadRequest(format!("not JSON: {e}")))?;
        let extra = given.take("extra").map(Extra::stored);
        let (mut paper, _) = Reading { given, left_out: Vec::new(), bounded: false }.paper()?;
        paper.extra = extra.unwrap_or_default();
        Ok(paper)
    }

    /// The same as [`Paper::read_json`] for a value.
    ///
    /// # Errors
    /// As there.
    pub fn read(value: Value) -> Result<(Self, Vec<LeftOut>)> {
        Paper::read_json(&value.to_string())
    }

    /// The same for who does not ask what was left out.
    ///
    /// # Errors
    /// As for [`Paper::read_json`].
    pub fn from_json(value: Value) -> Result<Self> {
        Paper::read(value).map(|(paper, _)| paper)
    }
}

/// What of a paper was not read yet, and what could not be.
struct Reading<'a> {
    given: PaperFields<'a>,
    left_out: Vec<LeftOut>,
    /// Whether anything may be too long.
    bounded: bool,
}

impl Reading<'_> {
    fn paper(mut self) -> Result<(Paper, Vec<LeftOut>)> {
        let (id, title) = (self.id()?, self.title()?);
        let author_is = "an author is a text or has `name` or `given` and `family`";
        let mut paper = Paper {
            id,
            title,
            summary: self.summary(),
            authors: self.list("authors", MAX_AUTHORS, author_is, names, author),
            date: self.date("date"),
            categories: self.list("categories", MAX_TERMS, "a category is a text", classes, text_of),
            keywords: self.list("keywords", MAX_TERMS, "a keyword is a text", phrases, text_of),
            venue: self.text("venue", MAX_NAME),
            organization: self.text("organization", MAX_NAME),
            url: self.text("url", MAX_URL),
            upvotes: self.read("upvotes", count),
            comments: self.read("comments", count),
            submitted_by: self.text("submitted_by", MAX_NAME),
            listed: self.date("listed"),
            extra: Extra::default(),
        };
        let (extra, told) = std::mem::take(&mut self.given.gathered).finish();
        paper.extra = extra;
        self.left_out.extend(told);
        Ok((paper, self.left_out))
    }

    fn id(&mut self) -> Result<PaperId> {
        let Some(json) = self.given.take("id") else { return Err(Error::Invalid("the field `id` is missing".into())) };
        let value = self.tree(json, AROUND).map_err(|why| Error::Invalid(format!("the field `id`: {why}")))?;
        PaperId::new(id_text(&value).ok_or_else(|| no_text("id", &value))?)
    }

    fn title(&mut self) -> Result<String> {
        let Some(json) = self.given.take("title") else {
            return Err(Error::Invalid("the field `title` is missing".into()));
        };
        let most = 6 * MAX_TITLE + AROUND;
        if self.bounded && json.len() > most {
            let length = json.len();
            return Err(Error::Invalid(format!(
                "the field `title` is {length} bytes of JSON; a title has at most {MAX_TITLE}"
            )));
        }
        let value = self.tree(json, most);
        let title = match value.map_err(|why| Error::Invalid(format!("the field `title`: {why}")))? {
            Value::Array(items) if items.is_empty() => String::new(),
            value => text_of(&value).ok_or_else(|| no_text("title", &value))?,
        };
        if title.trim().is_empty() {
            return Err(Error::Invalid("the field `title` is empty".into()));
        }
        if self.bounded && title.len() > MAX_TITLE {
            return Err(Error::Invalid(format!(
                "the field `title` is {} bytes long; at most {MAX_TITLE} are allowed (it begins {:?})",
                title.len(),
                head(&title, 24)
            )));
        }
        Ok(title)
    }

    /// The beginning of an abstract.
    fn summary(&mut self) -> String {
        let Some(json) = self.given.take("abstract") else { return String::new() };
        let mut parts = Parts { text: String::new(), whole: 0, count: 0, reading: self };
        let read = match items(json) {
            Some(mut items) => items.try_for_each(|item| parts.add(item)),
            None => parts.add(json),
        };
        let (text, whole) = (parts.text, parts.whole);
        match read {
            Err(reason) => {
                self.leave_out("abstract", reason);
                String::new()
            }
            Ok(()) if self.bounded && whole > MAX_ABSTRACT => {
                let kept = &text[..text.floor_char_boundary(MAX_ABSTRACT)];
                self.leave_out("abstract", format!("it is {whole} bytes long; its first {} are kept", kept.len()));
                kept.to_string()
            }
            Ok(()) => text,
        }
    }

    /// A value as a tree, where its text is not longer than so many bytes.
    fn tree(&self, json: &str, most: usize) -> std::result::Result<Value, String> {
        if self.bounded && json.len() > most {
            return Err(format!("it is {} bytes of JSON, more than can be read", json.len()));
        }
        serde_json::from_str(json).map_err(|e| {
            let why = e.to_string();
            format!("it cannot be read: {}", why.split(" at line").next().unwrap_or_default())
        })
    }

    fn leave_out(&mut self, field: &'static str, reason: String) {
        self.left_out.push(LeftOut { field, reason });
    }

    /// A field through `read`, which says why where it cannot.
    fn read<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&Value) -> std::result::Result<Option<T>, String>,
    ) -> Option<T> {
        let json = self.given.take(name)?;
        match self.tree(json, AROUND).and_then(|value| read(&value)) {
            Ok(read) => read,
            Err(reason) => {
                self.leave_out(name, reason);
                None
            }
        }
    }

    fn text(&mut self, name: &'static str, most: usize) -> Option<String> {
        let bounded = self.bounded;
        self.read(name, |value| match value {
            Value::Array(items) if items.iter().all(Value::is_null) => Ok(None),
            value => match text_of(value) {
                Some(text) if bounded && text.len() > most => {
                    Err(format!("it is {} bytes long; at most {most} are allowed", text.len()))
                }
                Some(text) => Ok(Some(text)),
                None => Err(format!("it is {}, not a text", kind_of(value))),
            },
        })
    }

    fn date(&mut self, name: &'static str) -> Option<PaperDate> {
        self.read(name, |value| match value {
            Value::String(text) if text.trim().is_empty() => Ok(None),
            value => PaperDate::of_value(value).map(Some).map_err(|e| e.to_string()),
        })
    }

    /// A list of at most so many: its entries, or what `split` makes of one text. What of it cannot be read is told, and the
    /// rest stays.
    fn list(
        &mut self,
        name: &'static str,
        most: usize,
        should: &str,
        split: fn(&str) -> Vec<String>,
        entry: fn(&Value) -> Option<String>,
    ) -> Vec<String> {
        let Some(json) = self.given.take(name) else { return Vec::new() };
        let mut list = List::default();
        let bounds = if self.bounded { (most, MAX_NAME) } else { (usize::MAX, usize::MAX) };
        match (json.as_bytes().first(), items(json)) {
            (Some(b'"'), _) => match self.tree(json, 32 * AROUND) {
                Ok(Value::String(text)) => split(&text).into_iter().for_each(|text| list.add(text, bounds)),
                Ok(_) => {}
                Err(reason) => self.leave_out(name, reason),
            },
            (_, Some(items)) => {
                for item in items.filter(|item| *item != "null") {
                    match self.tree(item, AROUND).ok().and_then(|value| entry(&value)) {
                        Some(text) => list.add(text, bounds),
                        None => list.miss(item),
                    }
                }
            }
            _ => match self.tree(json, AROUND).ok().and_then(|value| entry(&value)) {
                Some(text) => list.add(text, bounds),
                None => list.miss(json),
            },
        }
        if let Some(first) = list.bad {
            let more = if list.bad_total > 1 { format!(" and {} more", list.bad_total - 1) } else { String::new() };
            self.leave_out(name, format!("{first}{more} left out: {should}"));
        }
        if list.long > 0 {
            self.leave_out(name, format!("{} of more than {MAX_NAME} bytes left out", list.long));
        }
        if list.all > list.texts.len() {
            self.leave_out(name, format!("there are {}; the first {} are kept", list.all, list.texts.len()));
        }
        list.texts
    }
}

/// The parts of an abstract, of which no more than needed is read.
struct Parts<'r, 'a> {
    text: String,
    /// Bytes of all that was given, kept or not.
    whole: usize,
    count: usize,
    reading: &'r Reading<'a>,
}

impl Parts<'_, '_> {
    fn add(&mut self, json: &str) -> std::result::Result<(), String> {
        if json == "null" {
            return Ok(());
        }
        if self.reading.bounded && self.text.len() > MAX_ABSTRACT {
            self.whole += json.len();
            return Ok(());
        }
        // A text alone is no tree, whatever its length.
        let most = if json.starts_with('"') { MAX_LINE } else { 4 * MAX_ABSTRACT };
        let part = prose_of(&self.reading.tree(json, most)?)?;
        if self.count > 0 {
            self.text.push('\n');
            self.whole += 1;
        }
        self.count += 1;
        self.whole += part.len();
        self.text += &part;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::bounds::MAX_EXTRA;
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

    fn told(fields: &str) -> (Paper, String) {
        let (paper, told) = Paper::read_json(&format!("{{\"id\":\"x\",\"title\":\"T\",{fields}}}")).expect("a paper");
        (paper, told.into_iter().map(|t| format!("{}: {}", t.field, t.reason)).collect::<Vec<_>>().join("\n"))
    }

    #[test]
    fn what_is_too_long_is_told() {
        let title = |n: usize| Paper::read(json!({"id": "x", "title": "é".repeat(n / 2)}));
        assert!(title(MAX_TITLE).is_ok());
        for n in [MAX_TITLE + 2, 8_000_000] {
            let e = if n > MAX_LINE { title(MAX_LINE - 100) } else { title(n) }.expect_err("too long").to_string();
            assert!(e.contains("title") && e.contains("4096"), "{e}");
        }
        let (paper, why) = told(&format!("\"abstract\":\"a{}\"", "é".repeat(MAX_ABSTRACT)));
        assert_eq!(paper.summary.len(), MAX_ABSTRACT - 1, "cut between two letters");
        assert!(why.starts_with("abstract: it is 204801 bytes long"), "{why}");
        let (paper, why) = told(&format!("\"abstract\":[\"{}\",\"b\",\"c\"]", "a".repeat(MAX_ABSTRACT)));
        assert!(paper.summary.len() == MAX_ABSTRACT && why.starts_with("abstract"), "{why}");
        let many = |n: usize| format!("[{}]", vec!["\"a\""; n].join(","));
        for (field, most) in [("authors", MAX_AUTHORS), ("categories", MAX_TERMS), ("keywords", MAX_TERMS)] {
            assert_eq!(told(&format!("\"{field}\":{}", many(most))).1, "");
            let (paper, why) = told(&format!("\"{field}\":{}", many(most + 1)));
            assert_eq!(why, format!("{field}: there are {}; the first {most} are kept", most + 1));
            assert_eq!(paper.authors.len() + paper.categories.len() + paper.keywords.len(), most);
            let (_, why) = told(&format!("\"{field}\":[\"{}\",\"b\"]", "a".repeat(MAX_NAME + 1)));
            assert_eq!(why, format!("{field}: 1 of more than 1024 bytes left out"));
        }
        for (field, most) in
            [("venue", MAX_NAME), ("organization", MAX_NAME), ("submitted_by", MAX_NAME), ("url", MAX_URL)]
        {
            assert_eq!(told(&format!("\"{field}\":\"{}\"", "a".repeat(most))).1, "");
            let (_, why) = told(&format!("\"{field}\":\"{}\"", "a".repeat(most + 1)));
            assert!(why.starts_with(field) && why.contains(&most.to_string()), "{why}");
            assert!(told(&format!("\"{field}\":[{}1]", "[],".repeat(10_000))).1.starts_with(field));
        }
        for field in ["date", "upvotes"] {
            assert!(told(&format!("\"{field}\":{}1{}", "[".repeat(200), "]".repeat(200))).1.starts_with(field));
        }
    }

    #[test]
    fn unknown_fields_stay_as_they_are_written() {
        let fields = r#""z":1e400,"a":[12345678901234567890123,0.10,{"b" : null}],"z2":"\u00e9""#;
        let (paper, why) = told(fields);
        assert_eq!(
            (paper.extra.as_json(), why.as_str()),
            (r#"{"z":1e400,"a":[12345678901234567890123,0.10,{"b":null}],"z2":"é"}"#, "")
        );
        let out = serde_json::to_string(&paper).expect("serialises");
        assert_eq!(Paper::read_json(&out).expect("a paper"), (paper.clone(), vec![]));
        // What stands under `extra` comes before the others, and gives way to them.
        let (paper, _) = told(r#""q":2,"extra":{"p":1,"q":1,"n":null},"r":null,"q":3"#);
        assert_eq!(paper.extra.as_json(), r#"{"p":1,"q":3,"n":null}"#);
        let deep = |n: usize| format!("{}1{}", "[".repeat(n), "]".repeat(n));
        let (paper, why) =
            told(&format!("\"a\":{},\"b\":{},\"c\":1,\"d\":\"{}\"", deep(100), deep(101), "x".repeat(MAX_EXTRA)));
        assert_eq!(paper.extra.fields().map(|(name, _)| name.into_owned()).collect::<Vec<_>>(), ["a", "c"]);
        assert!(why.starts_with("extra: \"b\" (it is nested deeper than 100), \"d\" (65538 bytes) left out"), "{why}");
        let many: Vec<String> = (0..20_000).map(|k| format!("\"k{k}\":{k}")).collect();
        let (paper, why) = told(&many.join(","));
        assert!((60_000..=MAX_EXTRA).contains(&paper.extra.as_json().len()) && why.contains(" more left out"), "{why}");
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
            let out = serde_json::to_string(&paper).expect("serialises");
            let (back, left_out) = Paper::read_json(&out).expect("a paper");
            prop_assert_eq!(left_out, vec![]);
            prop_assert_eq!(&back, &paper);
            prop_assert_eq!(Paper::stored(&out).expect("a paper"), paper);
        }
    }
}
