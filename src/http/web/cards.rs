//! Papers as pages show them: what a card or a line needs, made once for every list.

use std::collections::HashMap;

use minijinja::Value;
use serde::Serialize;

use super::dates;
use super::links::{Link, links_of};
use super::opinions::{Said, said};
use super::rich;
use super::why::{Numbers, numbers, sentence_of, strength};
use crate::engine::{Engine, Hit};
use crate::error::Result;
use crate::paper::percent::encoded;
use crate::paper::{Paper, PaperId, shown};
use crate::typeset::Matched;

/// Authors that are named in a list of papers.
const AUTHORS: usize = 3;

/// Characters of an abstract in a list: two lines of a card on a wide screen, and some more for who opens it.
const LEAD: usize = 420;

/// Categories that are named in a list of papers.
const CATEGORIES: usize = 3;

/// The level of themes that a chip names: the middle one.
const LEVEL: usize = 1;

/// Colours that interests may have; their rules are in `style/papers.css`.
const HUES: u32 = 12;

/// A name with where it leads, from the root of the service.
#[derive(Debug, Clone, Serialize)]
pub struct Named {
    /// What it is called.
    pub name: String,
    /// Where it leads.
    pub path: String,
}

/// What brought a paper: an interest, or what the reader follows.
#[derive(Debug, Clone, Serialize)]
pub struct Chip {
    /// Its name.
    pub name: String,
    /// Where it leads.
    pub path: String,
    /// Its colour, by number.
    pub hue: u32,
}

/// A paper in a list.
#[derive(Debug, Clone, Serialize)]
pub struct Card {
    /// Its id.
    pub id: String,
    /// Its page, from the root of the service.
    pub path: String,
    /// Its title, as safe HTML.
    pub title: Value,
    /// Its title as plain text.
    pub title_text: String,
    /// The first of its authors, and how many there are besides.
    pub authors: Vec<Named>,
    /// How many authors are not named.
    pub more_authors: usize,
    /// When it appeared, for a person and for a program.
    pub date: Option<String>,
    /// The same as it is written in the paper.
    pub date_iso: Option<String>,
    /// Votes of readers elsewhere.
    pub votes: Option<u32>,
    /// Comments elsewhere.
    pub comments: Option<u32>,
    /// Where it was made.
    pub organization: Option<Named>,
    /// Where it appeared.
    pub venue: Option<String>,
    /// Subject classes.
    pub categories: Vec<Named>,
    /// The theme that it belongs to.
    pub theme: Option<Named>,
    /// The interest that brought it.
    pub interest: Option<Chip>,
    /// Whether it lies outside the reader's interests on purpose.
    pub explore: bool,
    /// Whether it is for the reader; none where nothing is known of them.
    pub for_you: Option<bool>,
    /// Where it can be read elsewhere.
    pub links: Vec<Link>,
    /// How its abstract begins, as safe HTML.
    pub lead: Value,
    /// What the reader said of it.
    pub said: Said,
    /// Why it is here, in one sentence.
    pub reason: Option<String>,
    /// How strong a match it is, as the name of a text: `strong`, `good`, `some`.
    pub strength: Option<&'static str>,
    /// What its score is made of.
    pub numbers: Option<Numbers>,
}

/// What a list of papers is for, which decides what its cards tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// A list by day, votes or name: no scores.
    List,
    /// Hits of a search or neighbours of a paper: what they have in common.
    Likeness,
    /// A feed of a reader: why, how strong, and the numbers.
    Feed,
}

/// Cards of hits, in their order, for a reader.
///
/// # Errors
/// When the store cannot be read.
pub fn cards(engine: &Engine, reader: Option<&str>, hits: &[Hit], told: Told) -> Result<Vec<Card>> {
    marked_cards(engine, reader, hits, told, None)
}

/// The same, with what was looked for marked.
///
/// # Errors
/// When the store cannot be read.
pub fn marked_cards(
    engine: &Engine,
    reader: Option<&str>,
    hits: &[Hit],
    told: Told,
    matched: Option<&Matched<'_>>,
) -> Result<Vec<Card>> {
    let ids: Vec<&PaperId> = hits.iter().map(|hit| &hit.paper.id).collect();
    let themes = engine.themes_of_papers(&ids, LEVEL)?;
    let said: HashMap<PaperId, Said> = match reader {
        Some(reader) => said(engine, reader, &ids)?,
        None => HashMap::new(),
    };
    let themes = themes
        .into_iter()
        .map(|theme| theme.map(|theme| Named { path: format!("theme/{}", encoded(&theme.id)), name: theme.name }));
    Ok(hits
        .iter()
        .zip(themes)
        .map(|(hit, theme)| {
            let said = said.get(&hit.paper.id).copied().unwrap_or_default();
            let scored = told != Told::List;
            Card {
                theme,
                interest: hit.why.as_ref().and_then(|why| why.interest.as_ref()).map(|interest| Chip {
                    name: shown(&interest.name),
                    path: match interest.kind.as_str() {
                        "interest" => format!("for-you?interest={}", encoded(&interest.id)),
                        _ => format!("library/searches/{}", encoded(&interest.id)),
                    },
                    hue: hue(&interest.id),
                }),
                explore: hit.explore,
                for_you: hit.for_you,
                reason: scored.then(|| sentence_of(hit, told)).flatten(),
                strength: (told == Told::Feed).then(|| strength(hit)).flatten(),
                numbers: scored.then(|| numbers(hit, told)).flatten(),
                said,
                ..card_of(&hit.paper, matched)
            }
        })
        .collect())
}

/// Cards of papers of which nothing else is told.
///
/// # Errors
/// When the store cannot be read.
pub fn plain_cards(engine: &Engine, reader: Option<&str>, papers: Vec<Paper>) -> Result<Vec<Card>> {
    let hits: Vec<Hit> = papers.into_iter().map(|paper| Hit::new(paper, 0.0)).collect();
    cards(engine, reader, &hits, Told::List)
}

/// What a paper says of itself.
pub fn card_of(paper: &Paper, matched: Option<&Matched<'_>>) -> Card {
    let day = paper.date.as_ref().or(paper.listed.as_ref());
    Card {
        id: paper.id.to_string(),
        path: path_of(&paper.id),
        title: rich::title(&paper.title, matched),
        title_text: rich::text(&paper.title),
        authors: paper.authors.iter().take(AUTHORS).map(|name| author(name)).collect(),
        more_authors: paper.authors.len().saturating_sub(AUTHORS),
        date: day.map(dates::of_paper),
        date_iso: day.map(ToString::to_string),
        votes: paper.upvotes,
        comments: paper.comments.filter(|n| *n > 0),
        organization: paper.organization.as_deref().map(|name| search_for("organization", name)),
        venue: paper.venue.as_deref().map(shown),
        categories: paper.categories.iter().take(CATEGORIES).map(|name| search_for("category", name)).collect(),
        theme: None,
        interest: None,
        explore: false,
        for_you: None,
        links: links_of(paper),
        lead: rich::lead(&paper.summary, LEAD, matched),
        said: Said::default(),
        reason: None,
        strength: None,
        numbers: None,
    }
}

/// The page of a paper, from the root of the service.
pub fn path_of(id: &PaperId) -> String {
    format!("paper/{}", encoded(id.as_str()))
}

/// An author, with where their papers are.
pub fn author(name: &str) -> Named {
    search_for("author", name)
}

/// A name with the search for the papers of it.
pub fn search_for(field: &str, name: &str) -> Named {
    let wanted = name.replace(['"', '“', '”'], " ");
    Named { name: shown(name), path: format!("search?q={}", encoded(&format!("{field}:\"{}\"", wanted.trim()))) }
}

/// The colour of an interest, by number: neighbouring ids get colours far apart.
pub fn hue(id: &str) -> u32 {
    let digits: String = id.chars().filter(char::is_ascii_digit).take(6).collect();
    digits.parse::<u32>().unwrap_or(0).wrapping_mul(5) % HUES
}
