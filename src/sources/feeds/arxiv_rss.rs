//! arXiv's announcements of the day, as RSS.
//!
//! Checked on 2026-11-26 against the source of its server (arXiv/arxiv-feed) and arXiv's help pages. The feed has the papers of
//! one announcement, 2,000 at most, and is empty at week-ends and on holidays, which is no error. All authors stand in one text;
//! the abstract stands behind a line that says what is announced; a category that there is not is status 400 with a feed that
//! says so. `pubDate` is the announcement, and not when a paper was sent in.
//!
//! The place is the day of the last announcement with what makes the next request a conditional one.

use std::time::Duration;

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};

use super::super::references::xml::{Element, elements, parse, root};
use super::super::web::{Ask, Reply, Web};
use super::known::Known;
use super::record::{Record, decoded, rejected};
use super::{Batch, Place, Source};
use crate::cancel;
use crate::engine::Incoming;
use crate::error::{Error, Result};
use crate::paper::percent::encoded;
use crate::paper::{PaperDate, head};

/// Announcements in a feed at most.
const MOST: usize = 2000;

/// Answers in a row that may end in the middle.
const CUT: u32 = 3;

/// The announcements of some categories.
pub struct ArxivRss {
    ask: Ask,
    known: Known,
    done: bool,
}

impl ArxivRss {
    /// Of these categories; `base` is `https://rss.arxiv.org`.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a place of another source.
    pub fn new(base: &str, categories: &[String], place: Option<&Place>) -> Result<Self> {
        let categories: Vec<String> = categories.iter().map(|c| encoded(c.trim())).collect();
        let address = format!("{base}/rss/{}", categories.join("+"));
        let known = Known::of(place, &address)?;
        // arXiv counts the requests to all of its hosts together.
        let service = base.ends_with(".arxiv.org").then_some("arxiv");
        let ask = Ask::get(address).paced(service, Duration::from_secs(3)).or_refusal(400);
        Ok(ArxivRss { ask, known, done: false })
    }
}

impl Source for ArxivRss {
    fn next(&mut self, web: &Web) -> Result<Option<Batch>> {
        if std::mem::replace(&mut self.done, true) {
            return Ok(None);
        }
        let mut cut = 0;
        let (page, text) = loop {
            let Reply::Page(page) = web.ask(&self.ask.clone().unless(self.known.validators()))? else {
                return Ok(None);
            };
            let text = decoded(&page).into_owned();
            if root(&text).as_deref() != Some("rss") {
                let begins = head(&text.split_whitespace().collect::<Vec<_>>().join(" "), 60);
                return Err(Error::Remote(format!("arXiv's feed is no RSS; it begins with {begins:?}")));
            }
            match text.trim_end().ends_with("</rss>") {
                true => break (page, text),
                false if cut < CUT => cut += 1,
                false => return Err(Error::Remote(format!("arXiv's feed ends in the middle, {CUT} times"))),
            }
        };
        if page.refused {
            let said = elements(&text, &["description"]);
            let said = said.iter().filter_map(|(_, part)| parse(part).ok()).map(|part| part.text());
            let said = said.filter(|text| !text.is_empty()).collect::<Vec<_>>().join("; ");
            return Err(Error::Invalid(format!("arXiv refuses these categories: {}", head(&said, 200))));
        }
        let items = elements(&text, &["item"]);
        let above =
            items.first().map_or(text.as_str(), |(_, first)| &text[..first.as_ptr() as usize - text.as_ptr() as usize]);
        let day = ["pubDate", "lastBuildDate"]
            .iter()
            .find_map(|name| elements(above, &[name]).iter().find_map(|(_, part)| day_of(&parse(part).ok()?.text())));
        if items.len() >= MOST {
            tracing::warn!(
                "arXiv's feed is full with {MOST} announcements, and there may be more; the kind `arxiv` has all of them"
            );
        }
        if let (Some(before), Some(day)) = (self.known.day(), day) {
            missed(before, day);
        }
        let mut papers = Vec::new();
        for (k, (_, item)) in items.iter().enumerate() {
            cancel::check()?;
            papers.push(match parse(item) {
                Ok(item) => paper(k + 1, &item, day),
                Err(why) => rejected(k + 1, None, why),
            });
        }
        let known = self.known.after(&page).of_day(day.or(self.known.day()));
        Ok(Some(Batch { papers, place: Some(known.place()), ..Batch::default() }))
    }
}

fn day_of(text: &str) -> Option<Date> {
    PaperDate::read(text).ok()?.as_str().parse().ok()
}

/// Tells of week-days between two announcements: what was announced on them is in no feed any more.
fn missed(before: Date, day: Date) {
    let is_week_day = |day: &Date| !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
    let between = (1..31).map(|k: i32| before.saturating_add(k.days())).take_while(|between| *between < day);
    let days: Vec<String> = between.filter(is_week_day).map(|day| day.to_string()).collect();
    if !days.is_empty() {
        tracing::warn!(
            "arXiv's feed has one day alone, and it was not asked on {}; if papers were announced then, a source of the kind \
             `arxiv` gets them",
            days.join(", ")
        );
    }
}

fn paper(entry: usize, item: &Element, day: Option<Date>) -> Incoming {
    let guid = item.text_at("guid");
    let versioned = guid.strip_prefix("oai:arXiv.org:").unwrap_or_default();
    let (id, version) = match versioned.rsplit_once('v') {
        Some((id, version)) if !id.is_empty() => (id, version.parse::<u64>().ok()),
        _ => (versioned, None),
    };
    if id.is_empty() {
        return rejected(entry, Some(&guid), "the announcement has no arXiv id");
    }
    let kind = item.text_at("announce_type");
    let day = day_of(&item.text_at("pubDate")).or(day);
    let mut record = Record::new(format!("arxiv:{id}"));
    record
        .text("title", &item.text_at("title"))
        .text("abstract", abstract_of(&item.text_at("description")))
        .list("authors", item.text_at("creator").split(", ").map(str::to_string))
        .list("categories", item.children("category").map(Element::text))
        .text("url", &format!("https://arxiv.org/abs/{id}"))
        .text("doi", item.text_at("DOI").split_whitespace().next().unwrap_or_default())
        .text("venue", &item.text_at("journal_reference"))
        .text("license", &item.text_at("rights"))
        .text("announced", &kind)
        .number("versions", version);
    if matches!(kind.as_str(), "new" | "cross") {
        record.text("listed", &day.map(|day| day.to_string()).unwrap_or_default());
    } else if let (Some(year), Some(month)) = (id.get(..2), id.get(2..4)) {
        // A replacement is as old as its id: `2203.01250` is of March 2022.
        if id.as_bytes().get(4) == Some(&b'.') {
            record.text("date", &format!("20{year}-{month}"));
        }
    }
    record.finish(entry)
}

/// `arXiv:2203.01250v3 Announce Type: replace-cross Abstract: We show ...`, from the abstract on.
fn abstract_of(text: &str) -> &str {
    let announced = text.strip_prefix("arXiv:").and_then(|rest| rest.split_once("Announce Type:"));
    match announced.and_then(|(_, rest)| rest.split_once("Abstract:")) {
        // The word may stand in an abstract as well, but not so early.
        Some((kind, rest)) if kind.trim().len() <= 20 => rest.trim(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_announced_is_cut_off() {
        for (text, wanted) in [
            (
                "arXiv:2203.01250v3 Announce Type: replace-cross Abstract: We show. Abstract: no.",
                "We show. Abstract: no.",
            ),
            ("We show.", "We show."),
            ("arXiv:2203.01250v3 is continued here.", "arXiv:2203.01250v3 is continued here."),
        ] {
            assert_eq!(abstract_of(text), wanted);
        }
    }
}
