//! The language of queries: `author:"..."`, `title:`, `category:`, `date:2025..2026-03`, `"a phrase"`, `-word`, `a OR b`.
//!
//! Everything else is words. A text of more than [`LONGEST`] words or [`MOST_BYTES`] bytes, or of more than one line, is a
//! text and no query: what looks like an operator there was written by an author.

use super::query::{Atom, Condition, Query};
use crate::error::{Error, Result};
use crate::paper::{PaperDate, head};

/// Words up to which a text is read as a query.
const LONGEST: usize = 32;

/// Bytes up to which it is: so many words with long names and phrases among them. An abstract in Chinese has no blanks to
/// count words by.
const MOST_BYTES: usize = 1024;

const FIELDS: [&str; 4] = ["author", "title", "category", "date"];

/// Whether a text is a text and no query.
pub fn is_prose(text: &str) -> bool {
    let text = text.trim();
    text.len() > MOST_BYTES || text.lines().count() > 1 || text.split_whitespace().count() > LONGEST
}

impl Query {
    /// Reads a query.
    ///
    /// # Errors
    /// [`Error::BadRequest`] names the place (in characters, from 1): a quote that is not closed, a field without a value, a
    /// date that is none, `OR` without something on both sides.
    pub fn parse(text: &str) -> Result<Self> {
        if is_prose(text) {
            return Ok(Query { words: text.to_string(), conditions: Vec::new() });
        }
        let mut query = Query::default();
        let mut words: Vec<&str> = Vec::new();
        let pieces = pieces(text)?;
        let mut k = 0;
        while k < pieces.len() {
            let first = &pieces[k];
            if first.is_or() {
                return Err(at(first.place, "OR needs something on both sides"));
            }
            let mut group = vec![first];
            while pieces.get(k + 1).is_some_and(Piece::is_or) {
                let or = &pieces[k + 1];
                match pieces.get(k + 2).filter(|p| !p.is_or()) {
                    Some(next) if next.not => return Err(at(next.place, "OR cannot join what is left out with -")),
                    Some(next) => group.push(next),
                    None => return Err(at(or.place, "OR needs something on both sides")),
                }
                k += 2;
            }
            k += 1;
            if group.len() > 1 && first.not {
                return Err(at(first.place, "OR cannot join what is left out with -"));
            }
            let mut any = Vec::new();
            for piece in &group {
                any.push(piece.atom()?);
                if !piece.not && !matches!(piece.field, Some("author" | "category" | "date")) {
                    words.push(piece.text);
                }
            }
            // A word alone is looked for, not insisted on.
            let insisted = group.len() > 1 || first.not || first.quoted || first.field.is_some();
            if insisted {
                query.conditions.push(Condition { any, not: first.not });
            }
        }
        query.words = words.join(" ");
        Ok(query)
    }
}

/// A word, a phrase, or a field with its value.
struct Piece<'a> {
    /// Where it begins, in characters from 1.
    place: usize,
    not: bool,
    field: Option<&'static str>,
    quoted: bool,
    text: &'a str,
}

impl Piece<'_> {
    fn is_or(&self) -> bool {
        !self.quoted && !self.not && self.field.is_none() && self.text == "OR"
    }

    fn atom(&self) -> Result<Atom> {
        let text = self.text.to_string();
        Ok(match self.field {
            None => Atom::Phrase(text),
            Some("title") => Atom::Title(text),
            Some("author") => Atom::Author(text),
            Some("category") => Atom::Category(text),
            Some(_) => {
                let (from, to) = self.text.split_once("..").unwrap_or((self.text, self.text));
                let date = |text: &str| match text.trim() {
                    "" => Ok(None),
                    text => PaperDate::read(text).map(Some).map_err(|e| at(self.place, &e.to_string())),
                };
                let (from, to) = (date(from)?, date(to)?);
                if let (Some(from), Some(to)) = (&from, &to)
                    && from.first_day() > to.last_day()
                {
                    // It can be read, and is not allowed.
                    return Err(Error::Invalid(format!(
                        "the query asks for nothing at character {}: the range of dates is turned round: {from} to {to}",
                        self.place
                    )));
                }
                Atom::Days(from.map(|d| d.first_day()), to.map(|d| d.last_day()))
            }
        })
    }
}

fn at(place: usize, what: &str) -> Error {
    Error::BadRequest(format!("the query cannot be read at character {place}: {what}"))
}

fn pieces(text: &str) -> Result<Vec<Piece<'_>>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            return Ok(pieces);
        }
        let place = |rest: &str| text[..text.len() - rest.len()].chars().count() + 1;
        let begin = place(rest);
        // A minus counts only where a word, a phrase or a field follows at once.
        let body = rest.strip_prefix('-').filter(|r| r.starts_with(|c: char| c.is_alphanumeric() || c == '"'));
        let not = body.is_some();
        let mut body = body.unwrap_or(rest);
        let field = FIELDS.iter().copied().find_map(|f| {
            let (name, value) = body.split_at_checked(f.len())?;
            Some((f, value.strip_prefix(':').filter(|_| name.eq_ignore_ascii_case(f))?))
        });
        if let Some((name, value)) = field {
            if value.is_empty() || value.starts_with(char::is_whitespace) {
                return Err(at(place(value), &format!("{name}: needs a value behind it at once")));
            }
            body = value;
        }
        let quoted = body.starts_with('"');
        let end = if quoted {
            match body[1..].find('"') {
                Some(end) => end + 2,
                None => return Err(at(place(body), "the quote is never closed")),
            }
        } else {
            body.find(char::is_whitespace).unwrap_or(body.len())
        };
        let value = if quoted { &body[1..end - 1] } else { &body[..end] };
        if !value.chars().any(char::is_alphanumeric) && (field.is_some() || quoted) {
            return Err(at(begin, &format!("{:?} holds no word", head(value, 20))));
        }
        pieces.push(Piece { place: begin, not, field: field.map(|(f, _)| f), quoted, text: value });
        rest = &body[end..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(date: &str) -> i32 {
        PaperDate::parse(date).map(|d| d.first_day()).expect("a date")
    }

    #[test]
    fn queries_are_read() {
        let read = |text: &str| Query::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        let must = |any: Vec<Atom>| Condition { any, not: false };
        let q = read("graph networks");
        assert_eq!((q.words.as_str(), q.conditions.len()), ("graph networks", 0));
        let q = read(r#"author:"Yann LeCun" convolutional -survey"#);
        assert_eq!(q.words, "convolutional");
        assert_eq!(
            q.conditions,
            [
                must(vec![Atom::Author("Yann LeCun".into())]),
                Condition { any: vec![Atom::Phrase("survey".into())], not: true }
            ]
        );
        let q = read("date:2025..2026-03 category:cs.LG OR category:stat.ML robots");
        let days = Atom::Days(Some(day("2025-01-01")), Some(day("2026-03-31")));
        let categories = vec![Atom::Category("cs.LG".into()), Atom::Category("stat.ML".into())];
        assert_eq!((q.words.as_str(), q.conditions), ("robots", vec![must(vec![days]), must(categories)]));
        let q = read(r#""state of the art" cat OR dog title:bert -"large language""#);
        assert_eq!(q.words, "state of the art cat dog bert");
        assert_eq!(q.conditions.len(), 4);
        assert_eq!(read("date:..2025").conditions, [must(vec![Atom::Days(None, Some(day("2025-12-31")))])]);
        // What only looks like an operator is words.
        for text in ["-", "- a", "self-supervised", "note: this", "http://x.org/a", "C: a b", "5 - 3", "AND/OR graphs"]
        {
            assert_eq!(read(text).conditions, [], "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_said_with_its_place() {
        for (text, place) in [
            (r#"deep "learning of"#, 6),
            ("über author:", 13),
            ("graphs OR", 8),
            ("OR graphs", 1),
            ("a OR OR b", 3),
            ("x date:yesterday", 3),
            ("date:2026..2025", 1),
            (r#"x title:"""#, 3),
            ("a OR -b", 6),
        ] {
            let e = Query::parse(text).expect_err(text).to_string();
            assert!(e.contains(&format!("character {place}:")), "{text}: {e}");
        }
    }

    #[test]
    fn a_pasted_abstract_is_never_wrong() {
        let text = format!("Methods: we use \"quotes, author: none OR OR date:never {}", "word ".repeat(40));
        assert_eq!(Query::parse(&text).map(|q| q.conditions.len()).ok(), Some(0));
        assert!(Query::parse("Title \"here\ntwo lines OR").is_ok());
        for long in ["深度学习\"".repeat(100), "a1-b2-".repeat(40_000)] {
            assert_eq!(Query::parse(&long).map(|q| (q.words, q.conditions)).ok(), Some((long, Vec::new())));
        }
        let most = format!("author:\"{}\"", "x".repeat(1000));
        assert_eq!(Query::parse(&most).map(|q| q.conditions.len()).ok(), Some(1));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(author:|date:|\"|-| |OR|a|é|2025|\\PC){0,20}") {
            let _ = Query::parse(&text);
        }
    }
}
