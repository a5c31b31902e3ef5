//! What stands in a mail, from what was chosen for it.

use serde::{Deserialize, Serialize};

use super::links::Links;
use crate::deliver::mail::{self, DigestPaper, Rendered, Section, why_sentence};
use crate::engine::{Chosen, Engine, ThemeOptions};
use crate::error::{Error, Result};
use crate::paper::percent::encoded;
use crate::paper::{Paper, head, shown};
use crate::store::{Issue, StoredSubscription};
use crate::user::{Cadence, Follow, MailPlan, Moment, Subject};

/// What a mail holds, as it is kept until it is sent: papers by their ids, so that what is sent is what they are by then.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Content {
    /// The first and the last day that was looked at.
    days: (i32, i32),
    /// How many papers they were chosen from.
    of: usize,
    papers: Vec<Listed>,
}

/// A paper of a mail.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Listed {
    id: String,
    /// Why it is here.
    why: Option<String>,
    /// Whether it is one of those that a personal list is filled up with.
    further: bool,
}

impl Content {
    /// What was chosen.
    pub fn of(chosen: &Chosen) -> Self {
        let listed = chosen.papers.iter().map(|hit| Listed {
            id: hit.paper.id.to_string(),
            why: why_sentence(hit),
            further: hit.for_you == Some(false),
        });
        Content { days: chosen.days, of: chosen.of, papers: listed.collect() }
    }

    /// As it is kept.
    pub fn text(&self) -> Result<String> {
        serde_json::to_string(self).map_err(|e| Error::Internal(format!("a mail cannot be written down: {e}")))
    }

    /// From what was kept.
    ///
    /// # Errors
    /// [`Error::Data`] when it cannot be read.
    pub fn read(text: &str) -> Result<Self> {
        serde_json::from_str(text).map_err(|e| Error::Data(format!("a mail that waits cannot be read: {e}")))
    }

    /// The first day that was looked at.
    pub fn first_day(&self) -> i32 {
        self.days.0
    }

    /// The papers in it.
    pub fn ids(&self) -> Vec<String> {
        self.papers.iter().map(|p| p.id.clone()).collect()
    }
}

/// The mail of a day. None when no paper of it is there any more.
///
/// # Errors
/// When the store cannot be read, or a template not be filled.
pub fn digest(
    engine: &Engine,
    base: &str,
    s: &StoredSubscription,
    issue: i32,
    content: &Content,
) -> Result<Option<Rendered>> {
    let links = Links::new(engine, base, &s.id);
    let date = iso(issue);
    let (mut own, mut further) = (Vec::new(), Vec::new());
    for listed in &content.papers {
        match engine.paper(&listed.id) {
            Ok(paper) => {
                let paper = digest_paper(&links, base, listed, paper, &date)?;
                if listed.further { further.push(paper) } else { own.push(paper) }
            }
            // It was taken away since it was chosen.
            Err(Error::NotFound { .. }) => {}
            Err(e) => return Err(e),
        }
    }
    let count = own.len() + further.len();
    if count == 0 {
        return Ok(None);
    }
    let below = (!own.is_empty()).then(|| "Further from what you read".to_string());
    let mut sections = Vec::new();
    if !own.is_empty() {
        sections.push(Section { title: None, papers: own });
    }
    if !further.is_empty() {
        sections.push(Section { title: below, papers: further });
    }
    let digest = mail::Digest {
        title: title(engine, &s.plan.what),
        period: period(content.days),
        intro: intro(&s.plan, content, count),
        sections,
        site: Some(base.to_string()),
        manage: links.manage()?,
        unsubscribe: links.unsubscribe()?,
        because: format!("You get this because {} asked for it: {}.", s.email, cadence(&s.plan)),
    };
    digest.render().map(Some)
}

/// The mail that asks whether a subscription is wanted.
///
/// # Errors
/// When the store cannot be read, or a template not be filled.
pub fn confirmation(engine: &Engine, base: &str, s: &StoredSubscription) -> Result<Rendered> {
    let link = Links::new(engine, base, &s.id).confirm()?;
    let what = title(engine, &s.plan.what);
    mail::Confirmation { what, cadence: cadence(&s.plan), link, site: Some(base.to_string()) }.render()
}

fn digest_paper(links: &Links<'_>, base: &str, listed: &Listed, paper: Paper, date: &str) -> Result<DigestPaper> {
    let id = paper.id.as_str();
    let act = |word| links.act(word, id, date).map(Some);
    Ok(DigestPaper {
        why: listed.why.clone(),
        link: paper.link().unwrap_or_else(|| format!("{base}/paper/{}", encoded(id))),
        like: act("like")?,
        save: act("save")?,
        hide: act("hide")?,
        day: paper.listed.as_ref().or(paper.date.as_ref()).map(ToString::to_string),
        title: paper.title,
        authors: paper.authors,
        venue: paper.venue,
        abstract_text: paper.summary,
    })
}

/// What a mail is called.
pub fn title(engine: &Engine, what: &Subject) -> String {
    let named = |text: &str| head(&shown(text), 120);
    match what {
        Subject::Daily => "Daily papers".into(),
        Subject::Reader(_) => "Your papers".into(),
        Subject::Follow(follow) => match follow {
            Follow::Query(query) => format!("New papers for “{}”", named(query)),
            Follow::Author(name) => format!("New papers by {}", named(name)),
            Follow::Category(name) => format!("New papers in {}", named(name)),
            Follow::Organization(name) => format!("New papers from {}", named(name)),
            Follow::Theme(id) => {
                let theme = engine.theme(id, &ThemeOptions { limit: 1, ..ThemeOptions::default() });
                format!(
                    "New papers in the theme “{}”",
                    named(&theme.map_or_else(|_| id.clone(), |theme| theme.theme.name))
                )
            }
        },
    }
}

/// How often and when, for a person.
pub fn cadence(plan: &MailPlan) -> String {
    let often = match (plan.cadence, plan.weekday) {
        (Cadence::Daily, _) => "daily".to_string(),
        (Cadence::Weekly, None) => "weekly".to_string(),
        (Cadence::Weekly, Some(day)) => format!("every {day:?}"),
    };
    format!("{often} at {}:00 ({})", plan.hour, shown(&plan.time_zone))
}

/// What is told of a mail that looks further back than others, and of how many papers these are the best.
fn intro(plan: &MailPlan, content: &Content, count: usize) -> Option<String> {
    let (first, last) = content.days;
    let days = last - first + 1;
    let usual = if plan.cadence == Cadence::Weekly { 7 } else { 2 };
    let best = match count {
        1 => format!("the best of {} papers", content.of),
        _ => format!("the best {count} of {} papers", content.of),
    };
    match (days > usual, content.of > count) {
        (true, true) => Some(format!("Since your last mail {days} days went by: {best}.")),
        (true, false) => Some(format!("Since your last mail {days} days went by.")),
        (false, true) => {
            let mut letters = best.chars();
            let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
            Some(format!("{first}{}.", letters.as_str()))
        }
        (false, false) => None,
    }
}

/// A day as `2026-11-26`.
pub fn iso(day: i32) -> String {
    Moment(i64::from(day) * 86_400_000_000).to_string().chars().take(10).collect()
}

/// A day, or a span of days, for a person.
fn period((first, last): (i32, i32)) -> String {
    let named = |day: i32| {
        let iso = iso(day);
        let month = iso.get(5..7).and_then(|m| m.parse::<usize>().ok()).and_then(|m| MONTHS.get(m - 1)).copied();
        let date = iso.get(8..10).map(|d| d.trim_start_matches('0').to_string());
        (date.unwrap_or_default(), month.unwrap_or_default(), iso.chars().take(4).collect::<String>())
    };
    let ((d1, m1, y1), (d2, m2, y2)) = (named(first), named(last));
    match () {
        () if first == last => format!("{d2} {m2} {y2}"),
        () if (m1, &y1) == (m2, &y2) => format!("{d1} to {d2} {m2} {y2}"),
        () if y1 == y2 => format!("{d1} {m1} to {d2} {m2} {y2}"),
        () => format!("{d1} {m1} {y1} to {d2} {m2} {y2}"),
    }
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The Message-ID of a mail, without brackets: of its subscription, what it is of, and the domain of the sender. The same whenever
/// it is sent.
pub fn message_id(subscription: &str, issue: Issue, domain: &str) -> String {
    let of = match issue {
        Issue::Day(day) => iso(day).replace('-', ""),
        Issue::Confirmation(n) => format!("confirm{}", n + 1),
    };
    format!("{subscription}.{of}@{domain}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_named_for_people() {
        let day = |text: &str| Moment::parse(text).expect("a day").day();
        for (first, last, wanted) in [
            ("2026-11-26", "2026-11-26", "26 November 2026"),
            ("2026-11-01", "2026-11-26", "1 to 26 November 2026"),
            ("2026-10-31", "2026-11-02", "31 October to 2 November 2026"),
            ("2025-12-31", "2026-01-01", "31 December 2025 to 1 January 2026"),
        ] {
            assert_eq!(period((day(first), day(last))), wanted);
        }
        assert_eq!(message_id("abc", Issue::Day(day("2026-11-06")), "x.example"), "abc.20261106@x.example");
        assert_eq!(message_id("abc", Issue::Confirmation(0), "x.example"), "abc.confirm1@x.example");
    }

    #[test]
    fn a_mail_says_how_far_it_looks_back_and_how_much_it_leaves_out() {
        let plan = MailPlan::of(Subject::Daily, "UTC");
        let content = |first, last, of| Content { days: (first, last), of, papers: Vec::new() };
        assert_eq!(intro(&plan, &content(5, 5, 3), 3), None);
        assert_eq!(intro(&plan, &content(5, 5, 40), 15).as_deref(), Some("The best 15 of 40 papers."));
        let away = intro(&plan, &content(5, 16, 431), 15);
        assert_eq!(away.as_deref(), Some("Since your last mail 12 days went by: the best 15 of 431 papers."));
        assert_eq!(intro(&plan, &content(5, 16, 2), 2).as_deref(), Some("Since your last mail 12 days went by."));
        let weekly = MailPlan { cadence: Cadence::Weekly, ..plan };
        assert_eq!(intro(&weekly, &content(5, 11, 1), 1), None);
        assert_eq!(cadence(&weekly), "weekly at 7:00 (UTC)");
    }
}
