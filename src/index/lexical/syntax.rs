//! The language of queries: `author:"..."`, `title:`, `category:`, `date:2025..2026-03`, `"a phrase"`, `-word`, `a OR
//! b`.
//!
//! It knows no errors: what cannot be an operator is words. A quote that is never closed, a blank behind a field's
//! colon or a date that is none was most often written by an author, so the first two are taken as operators only where
//! some paper meets them. A text of more than [`LONGEST`] words or [`MOST_BYTES`] bytes, or of more than one line, is a
//! text and no query.

use std::borrow::Cow;

use super::conditions::{Atom, Condition};
use super::segmenter::is_unread;
use crate::error::Result;
use crate::paper::PaperDate;

/// Words up to which a text is read as a query.
const LONGEST: usize = 32;

/// Bytes up to which it is: so many words with long names and phrases among them. An abstract in Chinese has no blanks
/// to count words by.
const MOST_BYTES: usize = 1024;

const FIELDS: [&str; 4] = ["author", "title", "category", "date"];

/// A query as read: what papers must meet, and what they are ranked by.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Query {
    /// The words to rank by, those of phrases and titles included.
    pub words: String,
    /// All of these must hold.
    pub conditions: Vec<Condition>,
}

/// Says whether any paper meets a condition.
pub type MustContain<'a> = dyn Fn(&Atom) -> Result<bool> + 'a;

/// Whether a text is a text and no query.
pub fn is_prose(text: &str) -> bool {
    let text = text.trim();
    text.len() > MOST_BYTES || text.lines().count() > 1 || text.split_whitespace().count() > LONGEST
}

/// A text without what nobody sees in it and pasting brings along: zero-width spaces, soft hyphens, marks of order.
pub fn visible(text: &str) -> Cow<'_, str> {
    if text.contains(is_unread) {
        Cow::Owned(text.chars().filter(|c| !is_unread(*c)).collect())
    } else {
        Cow::Borrowed(text)
    }
}

impl Query {
    /// A text that is nothing but words.
    pub fn plain(text: &str) -> Self {
        Query { words: text.to_string(), conditions: Vec::new() }
    }

    /// Reads a query; `holds` is asked where something is an operator only if a paper meets it.
    ///
    /// # Errors
    /// Those of `holds`.
    pub fn read(text: &str, holds: &MustContain<'_>) -> Result<Self> {
        if is_prose(text) {
            return Ok(Query::plain(text));
        }
        let mut query = Query::default();
        let mut words: Vec<&str> = Vec::new();
        let pieces = pieces(text, holds)?;
        let mut k = 0;
        while let Some(first) = pieces.get(k) {
            k += 1;
            if first.is_or() {
                // With nothing to join: a word, and a function word at that.
                continue;
            }
            let mut group = vec![first];
            while let (Some(or), Some(next)) = (pieces.get(k), pieces.get(k + 1))
                && or.is_or()
                && first.can_be_joined()
                && next.can_be_joined()
            {
                group.push(next);
                k += 2;
            }
            for piece in &group {
                if !piece.not && matches!(piece.atom, Atom::Phrase(_) | Atom::Word(_) | Atom::Title(_)) {
                    words.push(piece.text);
                }
            }
            // A word alone is looked for, not insisted on.
            if group.len() > 1 || first.not || !matches!(first.atom, Atom::Word(_)) {
                let any = group.iter().map(|piece| piece.atom.clone()).collect();
                query.conditions.push(Condition { any, not: first.not });
            }
        }
        query.words = words.join(" ");
        Ok(query)
    }

    /// Whether the query is one phrase in quotes and nothing else.
    pub fn is_one_phrase(&self) -> bool {
        match &self.conditions[..] {
            [Condition { any, not: false }] => matches!(&any[..], [Atom::Phrase(text)] if *text == self.words),
            _ => false,
        }
    }
}

/// A word, a phrase, or a field with its value.
struct Piece<'a> {
    not: bool,
    atom: Atom,
    text: &'a str,
}

impl Piece<'_> {
    fn is_or(&self) -> bool {
        !self.not && matches!(self.atom, Atom::Word(_)) && self.text == "OR"
    }

    fn can_be_joined(&self) -> bool {
        !self.not && !self.is_or() && self.text.chars().any(char::is_alphanumeric)
    }
}

fn pieces<'a>(text: &'a str, holds: &MustContain<'_>) -> Result<Vec<Piece<'a>>> {
    let mut pieces = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        // A minus counts only where a word, a phrase or a field follows at once.
        let body = rest.strip_prefix('-').filter(|r| r.starts_with(char::is_alphanumeric) || quote(r).is_some());
        let not = body.is_some();
        let body = body.unwrap_or(rest);
        let read = match field(body) {
            Some((name, value)) => of_field(name, value, holds)?,
            None => phrase(body, holds)?,
        };
        let (atom, text, behind) = read.unwrap_or_else(|| {
            let begin = quote(body).unwrap_or(0);
            let end = body[begin..].find(char::is_whitespace).map_or(body.len(), |end| begin + end);
            let word = &body[begin..end];
            (Atom::Word(word.to_string()), word, &body[end..])
        });
        // What holds no letter is nothing to leave out or to insist on, but may be read with what stands beside it.
        let says = text.chars().any(char::is_alphanumeric);
        pieces.push(Piece { not: not && says, atom, text });
        rest = behind.trim_start();
    }
    Ok(pieces)
}

/// What a piece means, its text, and what stands behind it.
type Read<'a> = Option<(Atom, &'a str, &'a str)>;

/// The name of a field, and what stands behind its colon.
fn field(text: &str) -> Option<(&'static str, &str)> {
    FIELDS.iter().copied().find_map(|f| {
        let (name, value) = text.split_at_checked(f.len())?;
        Some((f, value.strip_prefix(':').filter(|_| name.eq_ignore_ascii_case(f))?))
    })
}

/// A field with the value that begins here, perhaps behind a blank.
fn of_field<'a>(name: &str, behind_colon: &'a str, holds: &MustContain<'_>) -> Result<Read<'a>> {
    let begin = behind_colon.trim_start();
    let apart = begin.len() < behind_colon.len();
    let (value, behind) = match quoted(begin) {
        Some(quoted) => quoted,
        None => begin.split_at(begin.find(char::is_whitespace).unwrap_or(begin.len())),
    };
    if !value.chars().any(char::is_alphanumeric) {
        return Ok(None);
    }
    let (atom, behind) = match name {
        "title" => (Atom::Title(value.to_string()), behind),
        "author" => (Atom::Author(value.to_string()), behind),
        "category" => (Atom::Category(value.to_string()), behind),
        _ => match days(value, behind) {
            Some(read) => read,
            None => return Ok(None),
        },
    };
    let meant = !apart || holds(&atom)?;
    Ok(meant.then_some((atom, value, behind)))
}

/// The phrase in quotes that begins here. One that is never closed is a phrase up to the end, if a paper holds it.
fn phrase<'a>(text: &'a str, holds: &MustContain<'_>) -> Result<Read<'a>> {
    let open = text.trim_start_matches(['(', '[', '{']);
    let Some(begin) = quote(open) else { return Ok(None) };
    let (value, behind, closed) = match quoted(open) {
        Some((value, behind)) => (value, behind, true),
        None => (&open[begin..], "", false),
    };
    if !value.chars().any(char::is_alphanumeric) {
        return Ok(None);
    }
    let atom = Atom::Phrase(value.to_string());
    let meant = closed || (value.split_whitespace().count() > 1 && holds(&atom)?);
    Ok(meant.then_some((atom, value, behind)))
}

/// How many bytes the quote has that a text begins with: straight, curly, low, pointed or cornered, or two of TeX's.
fn quote(text: &str) -> Option<usize> {
    let c = text.chars().next()?;
    match c {
        '"' | '“' | '”' | '„' | '‟' | '«' | '»' | '‹' | '›' | '「' | '」' | '『' | '』' | '〝' | '〞' | '〟' | '＂'
        | '″' | '❝' | '❞' => Some(c.len_utf8()),
        '\'' | '`' | '‘' | '’' | '‚' if text[c.len_utf8()..].starts_with(c) => Some(2 * c.len_utf8()),
        _ => None,
    }
}

/// What stands between the quote here and the next one, and what stands behind that.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let inside = &text[quote(text)?..];
    let (at, length) = inside.char_indices().find_map(|(at, _)| Some((at, quote(&inside[at..])?)))?;
    Some((&inside[..at], &inside[at + length..]))
}

/// The days of `2025`, `2025..2026-03`, `2020-2024`, `2020 - 2024`, `2020 to 2024`, `..2023`, `2024..`, `>2020`,
/// `<=2024`; a range may be turned round. Gives what stands behind it; `None` for what is no date.
fn days<'a>(value: &str, behind: &'a str) -> Option<(Atom, &'a str)> {
    if let Some(date) = date(value) {
        // `2020 - 2024`: the end stands apart.
        let (dash, then) = next_word(behind);
        let (end, rest) = next_word(then);
        if matches!(dash, "-" | "–" | "—" | ".." | "…" | "to" | "until")
            && let Some(end) = self::date(end)
        {
            return Some((range(Some(date), Some(end)), rest));
        }
        return Some((range(Some(date.clone()), Some(date)), behind));
    }
    for (sign, from) in [(">=", true), ("≥", true), ("<=", false), ("≤", false), (">", true), ("<", false)] {
        if let Some(date) = value.strip_prefix(sign).and_then(date) {
            let strictly = i32::from(sign == ">" || sign == "<");
            let days = if from {
                // After 2020 begins with 2021.
                let first = if strictly == 1 { date.last_day() + 1 } else { date.first_day() };
                Atom::Days(Some(first), None)
            } else {
                Atom::Days(None, Some(if strictly == 1 { date.first_day() - 1 } else { date.last_day() }))
            };
            return Some((days, behind));
        }
    }
    let dashes = value.match_indices(['-', '–', '—', '…', ':', '/']);
    let dots = ["...", ".."].into_iter().filter_map(|dots| value.find(dots).map(|at| (at, dots)));
    for (at, dash) in dots.chain(dashes) {
        let (from, to) = (value[..at].trim(), value[at + dash.len()..].trim());
        let (first, last) = (date(from), date(to));
        let open = |text: &str, date: &Option<PaperDate>| date.is_some() || text.is_empty();
        if (first.is_some() || last.is_some()) && open(from, &first) && open(to, &last) {
            return Some((range(first, last), behind));
        }
    }
    None
}

/// A date; `2024/05/22` is one, but a dash or a dot may be that of a range.
fn date(text: &str) -> Option<PaperDate> {
    let text = text.trim();
    PaperDate::parse(text).or_else(|_| PaperDate::parse(&text.replace('/', "-"))).ok()
}

fn next_word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    text.split_at(text.find(char::is_whitespace).unwrap_or(text.len()))
}

fn range(from: Option<PaperDate>, to: Option<PaperDate>) -> Atom {
    match (from, to) {
        // Who turns it round means what lies between.
        (Some(from), Some(to)) if from.first_day() > to.last_day() => {
            Atom::Days(Some(to.first_day()), Some(from.last_day()))
        }
        (from, to) => Atom::Days(from.map(|d| d.first_day()), to.map(|d| d.last_day())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(date: &str) -> i32 {
        PaperDate::parse(date).map(|d| d.first_day()).expect("a date")
    }

    fn read(text: &str) -> Query {
        Query::read(text, &|_| Ok(true)).expect("read")
    }

    fn must(any: Vec<Atom>) -> Condition {
        Condition { any, not: false }
    }

    fn days(from: &str, to: &str) -> Vec<Condition> {
        vec![must(vec![Atom::Days(Some(day(from)), Some(day(to)))])]
    }

    #[test]
    fn queries_are_read() {
        let q = read("graph networks");
        assert_eq!((q.words.as_str(), q.conditions.len()), ("graph networks", 0));
        let q = read(r#"author:"Yann LeCun" convolutional -survey"#);
        assert_eq!(q.words, "convolutional");
        assert_eq!(
            q.conditions,
            [
                must(vec![Atom::Author("Yann LeCun".into())]),
                Condition { any: vec![Atom::Word("survey".into())], not: true }
            ]
        );
        let q = read("date:2025..2026-03 category:cs.LG OR category:stat.ML robots");
        let categories = vec![Atom::Category("cs.LG".into()), Atom::Category("stat.ML".into())];
        let conditions = [days("2025-01-01", "2026-03-31"), vec![must(categories)]].concat();
        assert_eq!((q.words.as_str(), q.conditions), ("robots", conditions));
        let q = read(r#""state of the art" cat OR dog title:bert -"large language""#);
        assert_eq!(q.words, "state of the art cat dog bert");
        assert_eq!(q.conditions.len(), 4);
        assert_eq!(read("date:..2025").conditions, [must(vec![Atom::Days(None, Some(day("2025-12-31")))])]);
        // What only looks like an operator is words.
        for text in [
            "-",
            "- a",
            "self-supervised",
            "note: this",
            "http://x.org/a",
            "C: a b",
            "5 - 3",
            "AND/OR graphs",
            "``",
            "\"\"",
        ] {
            assert_eq!(read(text).conditions, [], "{text}");
        }
    }

    #[test]
    fn quotes_of_all_kinds_are_quotes() {
        for text in [
            "\"rising seas\" kelp",
            "“rising seas” kelp",
            "”rising seas” kelp",
            "„rising seas“ kelp",
            "«rising seas» kelp",
            "»rising seas« kelp",
            "‹rising seas› kelp",
            "「rising seas」 kelp",
            "``rising seas'' kelp",
            "\"rising seas'' kelp",
            "(\"rising seas\") kelp",
            "‘‘rising seas’’ kelp",
        ] {
            let q = read(text);
            assert_eq!(q.conditions, [must(vec![Atom::Phrase("rising seas".into())])], "{text}");
            assert!(q.words.starts_with("rising seas") && q.words.ends_with("kelp"), "{text}");
        }
        assert_eq!(read("author:“Ada Lovelace”").conditions, [must(vec![Atom::Author("Ada Lovelace".into())])]);
        assert_eq!(read("5\" and 7\" screens").conditions, []);
    }

    #[test]
    fn dates_are_read_as_people_write_them() {
        for (text, from, to) in [
            ("date:2024", "2024-01-01", "2024-12-31"),
            ("date: 2024", "2024-01-01", "2024-12-31"),
            ("date:2024-05", "2024-05-01", "2024-05-31"),
            ("date:2020-2024", "2020-01-01", "2024-12-31"),
            ("date:2020–2024", "2020-01-01", "2024-12-31"),
            ("date:2020...2024", "2020-01-01", "2024-12-31"),
            ("date:2024..2020", "2020-01-01", "2024-12-31"),
            ("date: 2020 - 2024", "2020-01-01", "2024-12-31"),
            ("date:2020 to 2024", "2020-01-01", "2024-12-31"),
            ("date:2020-03-2024-05", "2020-03-01", "2024-05-31"),
            ("DATE:2020-03-01..2024-05-02", "2020-03-01", "2024-05-02"),
        ] {
            assert_eq!(read(text).conditions, days(from, to), "{text}");
        }
        for (text, from, to) in [
            ("date:2024..", Some("2024-01-01"), None),
            ("date:2024-", Some("2024-01-01"), None),
            ("date:>2023", Some("2024-01-01"), None),
            ("date:>=2024", Some("2024-01-01"), None),
            ("date:<2024", None, Some("2023-12-31")),
            ("date:-2023", None, Some("2023-12-31")),
        ] {
            let (from, to) = (from.map(day), to.map(day));
            assert_eq!(read(text).conditions, [must(vec![Atom::Days(from, to)])], "{text}");
        }
    }

    #[test]
    fn what_cannot_be_an_operator_is_words() {
        let nothing = |text: &str| Query::read(text, &|_| Ok(false)).expect("read");
        for (text, words) in [
            ("DATE: telling the age", "DATE: telling the age"),
            ("x date:yesterday", "x date:yesterday"),
            ("über author:", "über author:"),
            ("author: nobody here", "author: nobody here"),
            (r#"deep "learning of"#, "deep learning of"),
            ("graphs OR", "graphs"),
            ("OR graphs", "graphs"),
            ("venue:nature", "venue:nature"),
            ("- OR -", "- -"),
            ("title:\"\" x", "title:\"\" x"),
        ] {
            let q = nothing(text);
            assert_eq!((q.words.as_str(), &q.conditions[..]), (words, &[][..]), "{text}");
        }
        // Where a paper holds them, an open quote and a blank mean what they do elsewhere.
        assert_eq!(read(r#"deep "learning of"#).conditions, [must(vec![Atom::Phrase("learning of".into())])]);
        assert_eq!(read("author: Hinton deep").conditions, [must(vec![Atom::Author("Hinton".into())])]);
        assert_eq!(read("author: \"Ada Q\" deep").words, "deep");
        assert_eq!(nothing("a OR -b").conditions, [Condition { any: vec![Atom::Word("b".into())], not: true }]);
        assert!(read("\"a phrase\"").is_one_phrase() && !read("\"a phrase\" more").is_one_phrase());
    }

    #[test]
    fn a_pasted_abstract_is_never_wrong() {
        let text = format!("Methods: we use \"quotes, author: none OR OR date:never {}", "word ".repeat(40));
        assert_eq!(read(&text).conditions.len(), 0);
        for long in ["深度学习\"".repeat(100), "a1-b2-".repeat(40_000)] {
            assert_eq!(read(&long), Query::plain(&long));
        }
        let most = format!("author:\"{}\"", "x".repeat(1000));
        assert_eq!(read(&most).conditions.len(), 1);
    }

    #[test]
    fn what_nobody_sees_parts_nothing() {
        assert_eq!(visible("\u{feff}trans\u{200b}for\u{ad}mer\u{202c}s"), "transformers");
        assert_eq!(read("\u{a0}author:\u{a0}Hinton\u{2003}deep").words, "deep");
    }

    proptest! {
        /// Every text is read, and no letter of it gets lost unless an operator took it.
        #[test]
        fn any_text_is_read(text in "(author:|date:|title: |\"|“|''|«|-| |OR|a|é|2025|\\PC){0,20}") {
            for met in [false, true] {
                let query = Query::read(&text, &|_| Ok(met)).expect("read");
                if query.conditions.is_empty() && !text.contains("OR") {
                    let letters = |t: &str| t.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
                    prop_assert_eq!(letters(&query.words), letters(&text));
                }
            }
        }
    }
}
