//! What a call tells: the same once as JSON, for programs, and once as a short text, which is what most models are
//! shown.

use std::fmt::Write;

use serde::Serialize;
use serde_json::Value;

use crate::deliver::mail::why_sentence;
use crate::engine::{Hit, OneTheme, PaperInFull, Theme, ThemeList, Why};
use crate::error::{Error, Result};
use crate::paper::{Paper, plain, shown};
use crate::themes::trend::Direction;

/// Authors that are named in a list of papers.
const AUTHORS: usize = 3;

/// What a call tells.
#[derive(Debug)]
pub struct Told {
    /// For who reads.
    pub text: String,
    /// For programs: an object.
    pub structured: Value,
}

/// What of each paper is told besides what it is.
#[derive(Debug, Clone, Copy)]
pub struct Detail {
    /// Its abstract.
    pub abstracts: bool,
    /// What its score is made of.
    pub explain: bool,
}

/// A paper as it is told: fields as everywhere in the API, those that it has, and titles and abstracts as plain text.
#[derive(Serialize)]
struct Item<'a> {
    id: &'a str,
    title: String,
    authors: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    listed: Option<String>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    categories: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    venue: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upvotes: Option<u32>,
    #[serde(rename = "abstract", skip_serializing_if = "Option::is_none")]
    summary: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<f32>,
    /// Why it is here, in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a Why>,
    #[serde(skip_serializing_if = "Option::is_none")]
    for_you: Option<bool>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    explore: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    chance: Option<f32>,
}

fn item(paper: &Paper, abstracts: bool) -> Item<'_> {
    Item {
        id: paper.id.as_str(),
        title: line(&paper.title),
        authors: &paper.authors,
        date: paper.date.as_ref().map(ToString::to_string),
        listed: paper.listed.as_ref().map(ToString::to_string),
        categories: &paper.categories,
        venue: paper.venue.as_deref(),
        url: paper.link(),
        upvotes: paper.upvotes,
        summary: abstracts.then(|| line(&paper.summary)).filter(|text| !text.is_empty()),
        score: None,
        reason: None,
        why: None,
        for_you: None,
        explore: false,
        chance: None,
    }
}

fn hit_item(hit: &Hit, detail: Detail) -> Item<'_> {
    Item {
        score: Some(hit.score),
        reason: why_sentence(hit),
        why: hit.why.as_ref().filter(|_| detail.explain),
        for_you: hit.for_you,
        explore: hit.explore,
        chance: hit.chance,
        ..item(&hit.paper, detail.abstracts)
    }
}

/// Hits, in their order, under a heading; `meta` says how they were found, `first` how many were passed over before.
///
/// # Errors
/// When something cannot be written as JSON, which no paper can cause.
pub fn hits(heading: &str, hits: &[Hit], meta: &impl Serialize, first: usize, detail: Detail) -> Result<Told> {
    told(heading, hits.iter().map(|hit| hit_item(hit, detail)).collect(), meta, first)
}

/// Papers of which no score is told.
///
/// # Errors
/// As [`hits`].
pub fn papers(heading: &str, papers: &[Paper], meta: &impl Serialize, detail: Detail) -> Result<Told> {
    told(heading, papers.iter().map(|paper| item(paper, detail.abstracts)).collect(), meta, 0)
}

fn told(heading: &str, items: Vec<Item<'_>>, meta: &impl Serialize, first: usize) -> Result<Told> {
    let mut text = format!("{heading}\n");
    for (k, item) in items.iter().enumerate() {
        text.push('\n');
        push_item(&mut text, first + k + 1, item);
    }
    let structured = serde_json::json!({ "papers": json(&items)?, "meta": json(meta)? });
    Ok(Told { text, structured })
}

/// A paper in a numbered list: its title, then who, when and which, then why.
fn push_item(text: &mut String, number: usize, item: &Item<'_>) {
    // Writing to a text cannot fail.
    let _ = writeln!(text, "{number}. {}", item.title);
    let names = names(item.authors);
    let date = item.date.clone().or_else(|| item.listed.clone()).unwrap_or_default();
    let facts: Vec<String> = [names, date, shown(item.id)].into_iter().filter(|fact| !fact.is_empty()).collect();
    let _ = writeln!(text, "   {}", facts.join(" · "));
    if let Some(reason) = &item.reason {
        let _ = writeln!(text, "   {reason}");
    }
    if let Some(summary) = &item.summary {
        let _ = writeln!(text, "   {summary}");
    }
}

/// The first authors, and that there are more.
fn names(authors: &[String]) -> String {
    let named: Vec<String> = authors.iter().take(AUTHORS).map(|name| line(name)).collect();
    let more = if authors.len() > AUTHORS { " et al." } else { "" };
    format!("{}{more}", named.join(", "))
}

/// One paper in full.
///
/// # Errors
/// As [`hits`].
pub fn paper(paper: &PaperInFull) -> Result<Told> {
    let mut structured = json(paper)?;
    if let Some(fields) = structured.as_object_mut() {
        fields.insert("title".into(), line(&paper.paper.title).into());
        fields.insert("abstract".into(), paragraphs(&paper.paper.summary).into());
    }
    Ok(Told { text: markdown(paper), structured })
}

/// One paper as Markdown.
pub fn markdown(paper: &PaperInFull) -> String {
    let PaperInFull { paper, versions } = paper;
    let mut text = format!("# {}\n\n", line(&paper.title));
    let mut fact = |name: &str, value: String| {
        if !value.trim().is_empty() {
            let _ = writeln!(text, "- {name}: {value}");
        }
    };
    let joined = |values: &[String]| values.iter().map(|value| line(value)).collect::<Vec<_>>().join(", ");
    fact("Authors", joined(&paper.authors));
    fact("Date", paper.date.as_ref().map(ToString::to_string).unwrap_or_default());
    fact("Id", shown(paper.id.as_str()));
    fact("Address", paper.link().map(|link| shown(&link)).unwrap_or_default());
    fact("Venue", paper.venue.as_deref().map(line).unwrap_or_default());
    fact("Organization", paper.organization.as_deref().map(line).unwrap_or_default());
    fact("Categories", joined(&paper.categories));
    fact("Keywords", joined(&paper.keywords));
    fact("Votes", paper.upvotes.map(|votes| votes.to_string()).unwrap_or_default());
    let versions: Vec<String> = versions.iter().map(|version| version.id.clone()).collect();
    fact("Other versions", joined(&versions));
    let summary = paragraphs(&paper.summary);
    if !summary.is_empty() {
        let _ = write!(text, "\n## Abstract\n\n{summary}\n");
    }
    text
}

/// Themes, one a line.
///
/// # Errors
/// As [`hits`].
pub fn themes(list: &ThemeList) -> Result<Told> {
    let meta = &list.meta;
    let mut text = format!(
        "{} of {} papers; {} belong to none. `themes` with an id tells more of one.\n\n",
        counted(list.themes.len(), "theme"),
        meta.papers,
        meta.unassigned
    );
    for (k, theme) in list.themes.iter().enumerate() {
        let _ = writeln!(text, "{}. {}", k + 1, facts_of(theme));
    }
    Ok(Told { text, structured: json(list)? })
}

/// One theme with a page of its papers.
///
/// # Errors
/// As [`hits`].
pub fn theme(one: &OneTheme, detail: Detail, first: usize) -> Result<Told> {
    let mut text = format!("{}\n", facts_of(&one.theme));
    let terms: Vec<String> = one.theme.terms.iter().map(|term| line(term)).collect();
    let below: Vec<String> = one.subthemes.iter().map(|t| format!("{} ({})", line(&t.name), t.id)).collect();
    let beside: Vec<String> = one.related.iter().map(|t| format!("{} ({})", line(&t.name), t.id)).collect();
    let above: Vec<String> = one.path.iter().map(|t| format!("{} ({})", line(&t.name), t.id)).collect();
    for (name, values) in [("Words", terms), ("Lies in", above), ("Holds", below), ("Like it", beside)] {
        if !values.is_empty() {
            let _ = writeln!(text, "{name}: {}", values.join(", "));
        }
    }
    let items: Vec<Item<'_>> =
        one.papers.iter().map(|p| Item { score: p.score, ..item(&p.paper, detail.abstracts) }).collect();
    for (k, item) in items.iter().enumerate() {
        text.push('\n');
        push_item(&mut text, first + k + 1, item);
    }
    let mut structured = json(one)?;
    if let Some(fields) = structured.as_object_mut() {
        fields.insert("papers".into(), json(&items)?);
    }
    Ok(Told { text, structured })
}

fn facts_of(theme: &Theme) -> String {
    let trend = match theme.trend.direction {
        Direction::Rising => ", rising",
        Direction::Falling => ", falling",
        Direction::Steady | Direction::Unknown => "",
    };
    let example = theme.examples.first().map(|example| format!("; for example “{}”", line(&example.title)));
    let size = counted(theme.size, "paper");
    format!("{} ({}): {size}{trend}{}", line(&theme.name), theme.id, example.unwrap_or_default())
}

/// `1 paper`, `2 papers`.
pub fn counted(n: usize, what: &str) -> String {
    if n == 1 { format!("{n} {what}") } else { format!("{n} {what}s") }
}

/// At most so many characters, with `…` where some are missing.
pub fn cut(text: &str, length: usize) -> String {
    if text.chars().count() <= length {
        return text.to_string();
    }
    let kept: String = text.chars().take(length.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// One line of plain text of what was sent with markup, without what hides or steers.
pub fn line(text: &str) -> String {
    shown(&plain(text)).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The same of a text of several paragraphs, which are kept.
fn paragraphs(text: &str) -> String {
    let plain = plain(text);
    let lines: Vec<String> = plain.lines().map(line).filter(|line| !line.is_empty()).collect();
    lines.join("\n\n")
}

fn json(what: &impl Serialize) -> Result<Value> {
    serde_json::to_value(what).map_err(|e| Error::Internal(format!("an answer could not be written: {e}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paper_in_a_list_is_what_a_model_needs_and_one_line_each() {
        let paper = Paper::from_json(serde_json::json!({
            "id": "x/1", "title": "A <i>title</i>\u{202e} of\n$O(n^2)$", "abstract": "First.\u{1b}[2J\nSecond.",
            "authors": ["A. One", "B. Two", "C. Three", "D. Four"], "date": "2026-03-04", "upvotes": 3
        }))
        .expect("a paper");
        let detail = Detail { abstracts: true, explain: false };
        let one = papers("1 paper:", &[paper], &serde_json::json!({ "total": 1 }), detail).expect("told");
        let lines: Vec<&str> = one.text.lines().collect();
        assert_eq!(lines[0], "1 paper:");
        assert!(lines[2].starts_with("1. A title of "), "{lines:?}");
        assert_eq!(lines[3], "   A. One, B. Two, C. Three et al. · 2026-03-04 · x/1");
        assert!(lines[4].starts_with("   First.") && lines.len() == 5, "{lines:?}");
        assert!(!one.text.contains(['\u{202e}', '\u{1b}']));
        let first = &one.structured["papers"][0];
        assert_eq!((first["id"].as_str(), first["upvotes"].as_u64()), (Some("x/1"), Some(3)));
        assert!(first.get("score").is_none() && first.get("venue").is_none(), "{first}");
    }
}
