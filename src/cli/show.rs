//! Prints results for people and as JSON.

use std::fmt::Display;
use std::io::{BufWriter, Write};

use console::{StyledObject, measure_text_width, truncate_str};
use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter};

use super::streams::{Out, here, out, say};
use crate::engine::{Answer, FacetValue, Facets, Hit, Part};
use crate::error::{Error, Result};
use crate::index::Correction;
use crate::paper::{EscapedJson, shown};

/// The papers of an answer: a table, or one JSON object a line.
pub fn answer(answer: &Answer, json: bool) -> anyhow::Result<()> {
    let mut out = out();
    for Correction { from, to } in &answer.meta.corrected {
        say!("no paper holds \"{}\"; these are for \"{}\"", plain(from), plain(to));
    }
    if json {
        return lines(&mut out, &answer.papers);
    }
    // A pipe has no width, so nothing is cut.
    let width = here().out_term().size_checked().map_or(usize::MAX, |(_, columns)| usize::from(columns).max(40));
    for (k, hit) in answer.papers.iter().enumerate() {
        show_hit(&mut out, k + 1, hit, width)?;
    }
    if answer.papers.is_empty() {
        writeln!(out, "No papers.")?;
    }
    let meta = &answer.meta;
    let matched = meta.matched.map_or_else(String::new, |m| {
        format!("; {}{} match", if m.all { "" } else { "at least " }, thousands(m.papers))
    });
    say!("{} of {} papers{matched}, {:.1} ms", answer.papers.len(), meta.total, meta.took_ms);
    Ok(())
}

/// Counts behind the hits: a table for each facet, or one JSON object on a line.
pub fn facets(facets: &Facets, json: bool) -> anyhow::Result<()> {
    let mut out = out();
    if json {
        return lines(&mut out, [serde_json::json!({ "facets": facets })]);
    }
    let all = [
        ("year", &facets.year),
        ("category", &facets.category),
        ("author", &facets.author),
        ("source", &facets.source),
        ("theme", &facets.theme),
    ];
    for (name, values) in all.into_iter().filter_map(|(name, values)| Some((name, values.as_ref()?))) {
        writeln!(out, "\n{}", style(name).bold())?;
        for FacetValue { value, name, count, .. } in values {
            let name = name.as_ref().map_or_else(String::new, |name| format!("  {name}"));
            writeln!(out, "{:>9}  {}", thousands(*count), plain(&format!("{value}{name}")))?;
        }
    }
    Ok(())
}

fn show_hit(out: &mut impl Write, rank: usize, hit: &Hit, width: usize) -> std::io::Result<()> {
    let paper = &hit.paper;
    let head = format!("{rank:>3}  {:.3}  ", hit.score);
    let room = width.saturating_sub(measure_text_width(&head));
    writeln!(out, "{head}{}", style(truncate_str(&title(&paper.title), room, "…")).bold())?;
    let mut facts = vec![paper.id.to_string()];
    facts.extend(paper.date.as_ref().map(ToString::to_string));
    if !paper.categories.is_empty() {
        facts.push(paper.categories.join(" "));
    }
    match &paper.authors[..] {
        [] => {}
        [a] => facts.push(a.clone()),
        [a, b] => facts.push(format!("{a}, {b}")),
        [a, rest @ ..] => facts.push(format!("{a} and {} more", rest.len())),
    }
    let interest = hit.why.as_ref().and_then(|w| w.interest.as_ref());
    facts.extend(interest.map(|i| format!("for your interest in {}", i.name)));
    facts.extend(hit.explore.then(|| "outside your interests".to_string()));
    facts.extend(hit.chance.map(|p| format!("liked with a chance of {:.0}%", 100.0 * p)));
    let facts = plain(&facts.join(" · "));
    writeln!(out, "            {}", style(truncate_str(&facts, width.saturating_sub(12), "…")).dim())?;
    for part in hit.why.iter().flat_map(|w| &w.parts) {
        let (value, what) = match part {
            Part::Paper { id, title, value } => (value, format!("{id}  {title}")),
            Part::Text { text, value } => (value, format!("\"{text}\"")),
            Part::Vector { value } => (value, "the vector".into()),
            Part::Votes { value } => (value, "votes and comments".into()),
            Part::Others { value } => (value, "what readers of the same papers read (co-reading)".into()),
            Part::Rest { value } => (value, "all other papers and words".into()),
            Part::Term { term, value } => (value, format!("the word {term}")),
            Part::Feedback { value } => (value, "what the best candidates have in common".into()),
            Part::Exact { value } => (value, "exactly the paper that was named".into()),
            Part::Background { value } => (value, "difference from the average paper".into()),
            Part::Follow { name, value, .. } => (value, format!("you follow {name}")),
            Part::Recency { value } => (value, "its age".into()),
        };
        writeln!(out, "              {value:+.3}  {}", truncate_str(&plain(&what), width.saturating_sub(22), "…"))?;
    }
    Ok(())
}

fn write_json<F: Formatter>(out: &mut impl Write, value: &impl Serialize, formatter: F) -> std::io::Result<()> {
    value.serialize(&mut Serializer::with_formatter(out, EscapedJson(formatter))).map_err(std::io::Error::from)
}

/// One JSON object a line.
pub fn lines<T: Serialize>(out: &mut impl Write, items: impl IntoIterator<Item = T>) -> anyhow::Result<()> {
    for item in items {
        write_json(out, &item, CompactFormatter)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// Writes JSON Lines to stdout from within a callback that can return only our own errors.
pub struct JsonLines {
    out: BufWriter<Out>,
    written: anyhow::Result<()>,
}

impl JsonLines {
    pub fn new() -> Self {
        JsonLines { out: BufWriter::new(out()), written: Ok(()) }
    }

    /// Writes one JSON object as a line. The first failure ends the call.
    pub fn line(&mut self, item: impl Serialize) -> Result<()> {
        self.written = lines(&mut self.out, [item]);
        self.written.as_ref().map_or_else(|e| Err(Error::Internal(e.to_string())), |()| Ok(()))
    }

    /// The outcome of the call, with a write failure as the error that every command reports.
    pub fn finish(mut self, told: Result<()>) -> anyhow::Result<()> {
        self.written?;
        told?;
        Ok(self.out.flush()?)
    }
}

/// Prints text of our own for people, made [`plain`]; its line breaks are kept. Unlike `println!` it does not panic when the pipe
/// is closed.
pub fn text(text: &str) -> anyhow::Result<()> {
    table(text.split('\n'))
}

/// Prints lines for people, each made [`plain`]: whatever is quoted in one stays on it.
pub fn table<T: AsRef<str>>(lines: impl IntoIterator<Item = T>) -> anyhow::Result<()> {
    let mut out = out();
    for line in lines {
        writeln!(out, "{}", plain(line.as_ref()))?;
    }
    Ok(())
}

/// A text in a style, if stdout supports styles.
pub fn style<T: Display>(text: T) -> StyledObject<T> {
    console::style(text).force_styling(here().coloured())
}

/// A text made safe by [`shown`], so that a paper's content cannot steer the terminal. For everything that is printed
/// for people and was written by somebody else.
pub fn plain(text: &str) -> String {
    shown(text)
}

/// A title on one line, [`plain`].
pub fn title(text: &str) -> String {
    plain(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// One JSON document.
pub fn document(value: &impl Serialize) -> anyhow::Result<()> {
    let mut out = out();
    write_json(&mut out, value, PrettyFormatter::new())?;
    out.write_all(b"\n")?;
    Ok(())
}

/// `1234567` as `1,234,567`.
pub fn thousands(n: usize) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (k, c) in digits.chars().enumerate() {
        if k > 0 && (digits.len() - k).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// A count with its noun: `1 segment`, `2,000 segments`.
pub fn counted(n: usize, what: &str) -> String {
    format!("{} {what}{}", thousands(n), if n == 1 { "" } else { "s" })
}

/// Bytes in a fitting unit.
pub fn bytes(n: u64) -> String {
    let (mut value, mut unit) = (n as f64, "B");
    for next in ["kB", "MB", "GB", "TB"] {
        if value < 1000.0 {
            break;
        }
        value /= 1000.0;
        unit = next;
    }
    if unit == "B" { format!("{n} B") } else { format!("{value:.1} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paper::hides;

    #[test]
    fn control_characters_are_not_shown() {
        assert_eq!(plain("a\u{1b}]0;owned\u{7}b\u{9b}2J \u{7f}c\u{0}"), "a]0;ownedb2J c");
        assert_eq!(plain("  two  spaces\tand\nlines\r "), "  two  spaces and lines  ");
        assert_eq!(plain("Größe ≤ 5 µm, 東京, 👩‍🔬"), "Größe ≤ 5 µm, 東京, 👩‍🔬");
        assert_eq!(title(" A\n  title\u{1b}[2J "), "A title[2J");
    }

    #[test]
    fn json_escapes_what_a_terminal_would_heed() {
        let value =
            serde_json::json!({ "a\u{202e}": ["x\u{1b}[2J\u{7f}\u{9b}\u{e0041}\n ä 👩‍🔬", 1.5, null, {}], "b": {} });
        for pretty in [false, true] {
            let mut out = Vec::new();
            if pretty {
                write_json(&mut out, &value, PrettyFormatter::new()).expect("written");
                assert_eq!(out.iter().filter(|b| **b == b'\n').count(), 8);
            } else {
                write_json(&mut out, &value, CompactFormatter).expect("written");
            }
            let text = String::from_utf8(out).expect("UTF-8");
            assert!(text.chars().all(|c| c == '\n' || !hides(c)), "{text}");
            assert_eq!(serde_json::from_str::<serde_json::Value>(&text).expect("JSON"), value);
        }
    }
}
