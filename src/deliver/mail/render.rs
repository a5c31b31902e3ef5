//! What a mail says: a subject, HTML from templates (`*.html`), and the same as plain text.
//!
//! Everything that is shown was made one plain line first; in HTML it is then escaped by where it stands. Of addresses only those of
//! the web are kept.

use std::fmt::Write as _;

use minijinja::value::Serde;
use minijinja::{Value, context};
use serde::Serialize;

use super::message::{SUBJECT, is_web_address};
use super::plain::{WIDTH, beginning, columns, cut, from_right, line, typed, wrapped};
use super::{Confirmation, Digest, DigestPaper, Rendered};
use crate::error::{Error, Result};
use crate::paper::MONTHS;
use crate::paper::percent::encoded_where;
use crate::templates::{Templates, text};

static TEMPLATES: Templates = Templates::new(&[
    text!("frame.html", "src/deliver/mail", "frame.html"),
    text!("digest.html", "src/deliver/mail", "digest.html"),
    text!("confirmation.html", "src/deliver/mail", "confirmation.html"),
]);

/// Characters of what is shown.
const TITLE: usize = 300;
const NAME: usize = 80;
const SENTENCE: usize = 300;
/// About two lines of the column.
const ABSTRACT: usize = 180;

/// Authors that are named before the others are counted.
const AUTHORS: usize = 3;

/// A paper as it is shown.
#[derive(Serialize)]
struct PaperView {
    title: String,
    /// `rtl` where it begins from the right.
    direction: &'static str,
    link: Option<String>,
    /// Authors, where it appeared, when.
    byline: Vec<String>,
    why: Option<String>,
    beginning: String,
    beginning_direction: &'static str,
    actions: Vec<Action>,
}

#[derive(Serialize)]
struct Action {
    name: &'static str,
    link: String,
}

#[derive(Serialize)]
struct SectionView {
    title: Option<String>,
    papers: Vec<PaperView>,
}

/// What stands at the end of a digest.
#[derive(Serialize)]
struct Footer {
    because: String,
    manage: Option<String>,
    unsubscribe: Option<String>,
    site: Option<String>,
    site_name: Option<String>,
}

fn direction(text: &str) -> &'static str {
    if from_right(text) { "rtl" } else { "ltr" }
}

/// An address of the web as a link has it, with escapes for what cannot stand in one; none for any other.
fn web(address: &str) -> Option<String> {
    let escapes = |c: char| !c.is_ascii_graphic() || "<>\"\\^`{|}".contains(c);
    let address = address.trim();
    if address.len() > 2000 || address.chars().any(char::is_control) {
        return None;
    }
    Some(encoded_where(address, escapes)).filter(|address| is_web_address(address))
}

/// `2026-08-21` as `21 August 2026`; anything else as it is.
fn day(text: &str) -> String {
    let text = typed(text, NAME);
    let named = || {
        let (year, rest) = text.split_once('-')?;
        let (month, day) = rest.split_once('-')?;
        let month = month.parse::<usize>().ok()?.checked_sub(1).and_then(|k| MONTHS.get(k))?;
        let day = day.parse::<u8>().ok()?;
        year.parse::<u16>().ok()?;
        // On one line.
        Some(format!("{day}\u{a0}{}{}\u{a0}{year}", month[..1].to_uppercase(), &month[1..]))
    };
    named().unwrap_or(text.clone())
}

impl PaperView {
    fn of(paper: &DigestPaper) -> Self {
        let title = line(&paper.title, TITLE);
        let title = if title.is_empty() { "Untitled".to_string() } else { title };
        let text = beginning(&paper.abstract_text, ABSTRACT);
        let actions = [("Like", &paper.like), ("Save", &paper.save), ("Hide", &paper.hide)];
        let actions = actions
            .into_iter()
            .filter_map(|(name, link)| Some(Action { name, link: web(link.as_deref()?)? }))
            .collect();
        let why = paper.why.as_deref().map(|why| typed(why, SENTENCE)).filter(|why| !why.is_empty());
        let rest = [paper.venue.as_deref().map(|venue| line(venue, NAME)), paper.day.as_deref().map(day)];
        let byline: Vec<String> =
            [Some(authors(&paper.authors))].into_iter().chain(rest).flatten().filter(|part| !part.is_empty()).collect();
        PaperView {
            direction: direction(&title),
            link: web(&paper.link),
            byline,
            why,
            beginning_direction: direction(&text),
            beginning: text,
            actions,
            title,
        }
    }
}

/// `A. Person, B. Other and 12 more`
fn authors(all: &[String]) -> String {
    let named = if all.len() > AUTHORS { AUTHORS - 1 } else { all.len() };
    let mut names: Vec<String> =
        all.iter().take(named).map(|name| line(name, NAME)).filter(|n| !n.is_empty()).collect();
    let more = all.len() - named;
    match (more, names.len()) {
        (0, 0 | 1) => names.pop().unwrap_or_default(),
        (0, _) => {
            let last = names.pop().unwrap_or_default();
            format!("{} and {last}", names.join(", "))
        }
        (more, 0) => format!("{more} authors"),
        (more, _) => format!("{} and {more} more", names.join(", ")),
    }
}

/// The name of the host in an address.
fn host(address: &str) -> String {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default().to_string()
}

impl Digest {
    /// What the mail says.
    ///
    /// # Errors
    /// [`Error::Internal`] when a template cannot be filled in, which is a defect.
    pub fn render(&self) -> Result<Rendered> {
        let sections: Vec<SectionView> = self
            .sections
            .iter()
            .filter(|section| !section.papers.is_empty())
            .map(|section| SectionView {
                title: section.title.as_deref().map(|title| typed(title, NAME)).filter(|title| !title.is_empty()),
                papers: section.papers.iter().map(PaperView::of).collect(),
            })
            .collect();
        let title = typed(&self.title, 2 * NAME);
        let period = typed(&self.period, NAME);
        let intro = self.intro.as_deref().map(|intro| typed(intro, SENTENCE)).filter(|intro| !intro.is_empty());
        let titles: Vec<&str> = sections.iter().flat_map(|s| &s.papers).map(|paper| paper.title.as_str()).collect();
        let subject = subject(&title, &period, &titles);
        let site = self.site.as_deref().and_then(web);
        let footer = Footer {
            because: typed(&self.because, SENTENCE),
            manage: web(&self.manage),
            unsubscribe: web(&self.unsubscribe),
            site_name: site.as_deref().map(host),
            site,
        };
        let first = titles.iter().skip(1).take(3).copied().collect::<Vec<_>>().join(" · ");
        let preheader = cut([intro.as_deref().unwrap_or_default(), &first].join(" ").trim(), 160);
        let html = html(
            "digest.html",
            &subject,
            &preheader,
            &context! { title => &title, period => &period, intro => &intro, sections => Serde(&sections), footer => Serde(&footer), count => titles.len() },
        )?;
        let text = digest_text(&title, &period, intro.as_deref(), &sections, &footer);
        Ok(Rendered { subject, text, html })
    }
}

/// What is in it: `Your papers: Diffusion models for proteins, and 14 more`.
fn subject(title: &str, period: &str, titles: &[&str]) -> String {
    let mut title = cut(title, SUBJECT / 2);
    if title.contains('“') && !title.contains('”') {
        title.push('”');
    }
    let more = match titles.len() {
        0 => return cut(&format!("{title}, {period}"), SUBJECT),
        1 => String::new(),
        n => format!(", and {} more", n - 1),
    };
    let room = SUBJECT.saturating_sub(title.chars().count() + 2 + more.chars().count());
    let first = cut(titles[0].trim_end_matches('.'), room);
    format!("{title}: {first}{more}")
}

fn digest_text(title: &str, period: &str, intro: Option<&str>, sections: &[SectionView], footer: &Footer) -> String {
    let mut out = String::new();
    out.push_str(&wrapped(title, ""));
    out.push_str(&wrapped(period, ""));
    if let Some(intro) = intro {
        let _ = write!(out, "\n{}", wrapped(intro, ""));
    }
    let mut number = 0;
    for section in sections {
        if let Some(title) = &section.title {
            let rule = "-".repeat(columns(title).min(WIDTH));
            let _ = write!(out, "\n\n{}{rule}\n", wrapped(title, ""));
        }
        for paper in &section.papers {
            number += 1;
            out.push('\n');
            let heading = wrapped(&paper.title, "    ");
            let figure = format!("{number}.");
            let _ = write!(out, "{figure:<4}{}", heading.strip_prefix("    ").unwrap_or(&heading));
            if !paper.byline.is_empty() {
                out.push_str(&wrapped(&paper.byline.join(" · "), "    "));
            }
            if let Some(link) = &paper.link {
                let _ = writeln!(out, "    {link}");
            }
            if let Some(why) = &paper.why {
                let _ = write!(out, "\n{}", wrapped(why, "    > "));
            }
            if !paper.beginning.is_empty() {
                let _ = write!(out, "\n{}", wrapped(&paper.beginning, "    "));
            }
            if !paper.actions.is_empty() {
                out.push('\n');
            }
            for action in &paper.actions {
                let _ = writeln!(out, "    {}: {}", action.name, action.link);
            }
        }
    }
    // What readers of mail take for a signature.
    let _ = write!(out, "\n-- \n{}", wrapped(&footer.because, ""));
    let ways = [("Change it", &footer.manage), ("Unsubscribe", &footer.unsubscribe), ("All papers", &footer.site)];
    for (name, link) in ways {
        if let Some(link) = link {
            let _ = writeln!(out, "{name}: {link}");
        }
    }
    out
}

/// Characters of what somebody asked for in the name of whoever gets the mail.
const TITLE_OF_A_STRANGER: usize = 80;

impl Confirmation {
    /// What the mail says.
    ///
    /// # Errors
    /// [`Error::Internal`] when a template cannot be filled in, which is a defect.
    pub fn render(&self) -> Result<Rendered> {
        let (what, cadence) = (typed(&self.what, NAME), typed(&self.cadence, NAME));
        let (link, site) = (web(&self.link), self.site.as_deref().and_then(web));
        // Anybody can have this sent to anybody: what they wrote is short, leads nowhere, and is not the subject.
        let what = cut(&what.replace("://", ": //").replace("www.", "www ."), TITLE_OF_A_STRANGER);
        let subject = "Please confirm: papers by mail".to_string();
        let preheader = format!("One click, and they come {cadence}.");
        let site_name = site.as_deref().map(host);
        let html = html(
            "confirmation.html",
            &subject,
            &preheader,
            &context! { what => &what, cadence => &cadence, link => &link, site => &site, site_name => &site_name },
        )?;
        let asked = match &site_name {
            Some(name) => format!("Somebody, we hope you, asked {name} to send this to you by mail:"),
            None => "Somebody, we hope you, asked for this to be sent to you by mail:".into(),
        };
        let mut text = wrapped("Do you want these papers?", "");
        let _ = write!(text, "\n{}\n{}{}\n", wrapped(&asked, ""), wrapped(&what, "    "), wrapped(&cadence, "    "));
        if let Some(link) = link {
            let _ = write!(text, "Confirm it here:\n{link}\n\n");
        }
        text.push_str(&wrapped("If it was not you, do nothing: no further mail comes.", ""));
        Ok(Rendered { subject, text, html })
    }
}

fn html(template: &str, subject: &str, preheader: &str, shows: &Value) -> Result<String> {
    TEMPLATES
        .framed(template, shows, context! { subject, preheader })
        .map_err(|e| Error::Internal(format!("the mail {template}: {e}")))
}
