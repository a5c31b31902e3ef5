//! What a service says of a paper, on its way in; and what all services have in common in how they say it.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::super::charset::to_utf8;
use super::super::references::encoding;
use super::super::web::Page;
use crate::engine::{Incoming, Rejection};
use crate::paper::{Paper, head, plain};

/// The fields of a paper, as the service has them.
#[derive(Debug, Default)]
pub struct Record(Map<String, Value>);

impl Record {
    /// A paper of this id.
    pub fn new(id: impl Into<String>) -> Self {
        let mut record = Record::default();
        record.text("id", &id.into());
        record
    }

    /// A paper of these fields.
    pub fn of(fields: Map<String, Value>) -> Self {
        Record(fields)
    }

    /// A field, unless there is nothing in it.
    pub fn text(&mut self, field: &str, text: &str) -> &mut Self {
        let text = text.trim();
        if !text.is_empty() {
            self.0.insert(field.into(), Value::String(text.into()));
        }
        self
    }

    /// A field of several texts; blank ones are left out.
    pub fn list(&mut self, field: &str, texts: impl IntoIterator<Item = String>) -> &mut Self {
        let texts: Vec<Value> = texts.into_iter().filter(|t| !t.trim().is_empty()).map(Value::String).collect();
        if !texts.is_empty() {
            self.0.insert(field.into(), Value::Array(texts));
        }
        self
    }

    /// A number.
    pub fn number(&mut self, field: &str, number: Option<u64>) -> &mut Self {
        if let Some(number) = number {
            self.0.insert(field.into(), number.into());
        }
        self
    }

    /// As it goes in, as the entry of this number: read by the one door of all papers. What its title says of its standing is
    /// noted, where the service says nothing else.
    pub fn finish(mut self, entry: usize) -> Incoming {
        let id = self.0.get("id").and_then(Value::as_str).map(|id| head(id, 80));
        if !self.0.contains_key("status")
            && let Some(status) = self.0.get("title").and_then(Value::as_str).and_then(standing)
        {
            self.text("status", status);
        }
        let read = Paper::read(Value::Object(self.0));
        Incoming::new(entry, read.map_err(|e| Rejection { id, reason: e.to_string() }))
    }
}

/// An entry that holds no paper.
pub fn rejected(entry: usize, id: Option<&str>, reason: impl Into<String>) -> Incoming {
    Incoming::new(entry, Err(Rejection { id: id.map(|id| head(id, 80)), reason: reason.into() }))
}

/// What a title says of its paper: `RETRACTED: Title`, `Retracted Article: Title`, `[WITHDRAWN] Title`. A notice (`Retraction
/// of: ...`, `Retraction Note: ...`) is a paper of its own, which nobody took back.
pub fn standing(title: &str) -> Option<&'static str> {
    let title = plain(title);
    let title = title.trim_start_matches(|c: char| c.is_whitespace() || "[(*\"".contains(c));
    let word: String = title.chars().take_while(|c| c.is_ascii_alphabetic()).collect();
    let status = match word.to_ascii_lowercase().as_str() {
        "retracted" => "retracted",
        "withdrawn" => "withdrawn",
        _ => return None,
    };
    let rest = title[word.len()..].trim_start().to_lowercase();
    let rest = ["article", "paper", "chapter", "preprint"].iter().find_map(|of| rest.strip_prefix(of)).unwrap_or(&rest);
    rest.trim_start().starts_with([':', ']', ')', '-', '–', '—', '.']).then_some(status)
}

/// Whether a remark of arXiv's says that its paper was withdrawn: `This paper has been withdrawn by the authors`. A part of a
/// paper (`Section 3 has been withdrawn`), or an older version, is not the paper.
pub fn is_withdrawn(comment: &str) -> bool {
    const PAPERS: [&str; 7] = ["paper", "article", "submission", "manuscript", "preprint", "work", "note"];
    let words: Vec<String> = comment
        .split_whitespace()
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase())
        .filter(|word| !word.is_empty())
        .collect();
    let at = |k: usize| words.get(k).map_or("", String::as_str);
    words.iter().enumerate().filter(|(_, word)| *word == "withdrawn").any(|(k, _)| {
        let before: Vec<&str> = words[k.saturating_sub(4)..k].iter().map(String::as_str).collect();
        match &before[..] {
            [] => !matches!(at(k + 1), "from"),
            [.., noun, "has" | "have", "been"] | [.., noun, "is" | "was"] => PAPERS.contains(noun),
            // `Paper withdrawn by the author`.
            [noun] => PAPERS.contains(noun),
            [.., "this", noun] => PAPERS.contains(noun) && at(k + 1) == "by",
            _ => false,
        }
    })
}

/// `Wright, K. M.` as `K. M. Wright`; a name without a comma, or with two, as it is.
pub fn given_first(name: &str) -> String {
    match name.split_once(',') {
        Some((family, given)) if !given.contains(',') => {
            format!("{} {}", given.trim(), family.trim()).trim().to_string()
        }
        _ => name.trim().to_string(),
    }
}

/// The text of a page of XML: in the character set of its header, else as it says itself. What is UTF-8 beyond doubt is that,
/// whatever a server writes over all its files.
pub fn decoded(page: &Page) -> Cow<'_, str> {
    let body = &page.body;
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    if let (Ok(text), false) = (std::str::from_utf8(body), body.is_ascii()) {
        return Cow::Borrowed(text);
    }
    let charset = page.header("content-type").and_then(|kind| {
        let (_, charset) = kind.split_once("charset=")?;
        Some(charset.trim_matches(['"', '\'', ' ']).split(';').next().unwrap_or_default().to_string())
    });
    let named = charset.filter(|charset| !charset.eq_ignore_ascii_case("utf-8"));
    match named.and_then(|charset| to_utf8(body, &charset)) {
        Some(text) => Cow::Owned(text),
        None => encoding::decode(body),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_tells_what_was_taken_back() {
        for (title, wanted) in [
            ("RETRACTED: On plates", Some("retracted")),
            ("Retracted Article: On plates", Some("retracted")),
            ("[RETRACTED] On plates", Some("retracted")),
            ("<b>WITHDRAWN</b>: On plates", Some("withdrawn")),
            ("Withdrawn: On plates", Some("withdrawn")),
            ("Retraction: On plates", None),
            ("Retracted articles and their citations", None),
            ("Withdrawn kelp grows", None),
            ("On plates", None),
        ] {
            assert_eq!(standing(title), wanted, "{title}");
        }
    }

    #[test]
    fn a_remark_tells_that_the_paper_was_withdrawn_and_not_a_part_of_it() {
        for text in [
            "This paper has been withdrawn by the author due to a crucial error in equation 1",
            "The paper has been withdrawn.",
            "arXiv admin note: This article has been withdrawn by arXiv administrators",
            "Withdrawn by the authors",
            "Paper withdrawn",
            "This submission is withdrawn; 12 pages",
            "12 pages. This paper withdrawn by the author",
        ] {
            assert!(is_withdrawn(text), "{text}");
        }
        for text in [
            "Section 3 has been withdrawn",
            "12 pages, 3 figures",
            "A study of withdrawn drugs",
            "Theorem 2 of v1 was withdrawn",
            "Withdrawn from the proceedings at the request of the chair",
            "",
        ] {
            assert!(!is_withdrawn(text), "{text}");
        }
    }

    #[test]
    fn names_are_turned_round() {
        for (name, wanted) in
            [("Wright, K. M.", "K. M. Wright"), ("K. M. Wright", "K. M. Wright"), ("Doe, Jr., J.", "Doe, Jr., J.")]
        {
            assert_eq!(given_first(name), wanted);
        }
    }
}
