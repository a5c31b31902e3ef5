//! `GET /for-you`: the personal feed, with the interests that it comes from. `GET /begin` and `GET /questions`: from nothing to a
//! feed. `GET /turned-down`: what a reader said no to.

use axum::extract::State;
use axum::response::Response;
use minijinja::context;
use minijinja::value::Serde;
use serde::Serialize;

use super::cards::{Card, Told, cards, hue, plain_cards};
use super::dates;
use super::pages::Page;
use super::rich;
use super::texts::text_of;
use super::visitor::Visitor;
use crate::engine::{Engine, Feed, InterestView, QuestionsOptions, SearchOptions, Since, ThemesOptions};
use crate::error::Error;
use crate::http::App;
use crate::http::error::ApiError;
use crate::http::extract::Params;
use crate::paper::percent::encoded;
use crate::paper::{PaperId, shown};
use crate::user::{EventKind, Moment};

/// Papers a page.
const PAGE: usize = 20;

/// Papers of a feed that is grouped by interests.
const GROUPED: usize = 60;

/// Themes to begin with.
const TILES: usize = 16;

/// Questions at the beginning.
const QUESTIONS: usize = 10;

/// Likes from which on nothing more is said of how a feed gets better.
const ENOUGH: usize = 5;

/// An interest as it is shown.
#[derive(Serialize)]
struct InterestShown {
    id: String,
    path: String,
    name: String,
    terms: String,
    hue: u32,
    /// Of a hundred.
    share: u32,
    papers: usize,
    muted: bool,
    pinned: bool,
    weight: f32,
    edited: bool,
}

/// What is tried: how a feed would be.
#[derive(Default, Serialize)]
struct WhatIf {
    exploration: Option<f32>,
    diversity: Option<f32>,
    per_author: Option<usize>,
}

/// Papers of one interest.
#[derive(Serialize)]
struct Group {
    name: String,
    hue: Option<u32>,
    cards: Vec<Card>,
}

/// `GET /for-you`
pub async fn for_you(State(app): State<App>, visitor: Visitor, given: Result<Params, ApiError>) -> Response {
    app.page(visitor, 0, move |engine, visitor| {
        let Params(mut given) = given?;
        let mut take = |name| given.take(name);
        let interest: Option<String> = take("interest").word()?;
        let by: Option<String> = take("by").word()?;
        let span: Option<String> = take("span").word()?;
        let page_number: usize = take("page").whole()?.unwrap_or(1);
        let what_if = WhatIf {
            exploration: take("exploration").number()?,
            diversity: take("diversity").number()?,
            per_author: take("per_author").whole()?,
        };
        given.nothing_else()?;
        let Some(reader) = visitor.name() else { return Ok(stranger("for-you")) };
        feed_page(engine, reader, interest.as_deref(), by.as_deref(), span.as_deref(), page_number, &what_if)
    })
    .await
}

/// Who reads is asked in place of a page that depends on it.
pub fn stranger(place: &'static str) -> Page {
    Page::new("stranger.html", text_of("for_you", "title"), context! { to => format!("/{place}") }).at(place)
}

#[allow(clippy::too_many_arguments)] // Each is a parameter of the address.
fn feed_page(
    engine: &Engine,
    reader: &str,
    interest: Option<&str>,
    by: Option<&str>,
    span: Option<&str>,
    page_number: usize,
    what_if: &WhatIf,
) -> Result<Page, ApiError> {
    let user = match engine.user(reader) {
        Ok(user) if user.events > 0 => user,
        Ok(_) | Err(Error::NotFound { .. }) => return begin_page(engine, reader, None),
        Err(e) => return Err(e.into()),
    };
    let interests = engine.interests(reader)?;
    // One that is gone (merged, or made anew) narrows nothing.
    let interest = interest.filter(|id| interests.iter().any(|i| i.id == *id));
    let grouped = by == Some("interest") && interest.is_none();
    let limit = if grouped || interest.is_some() { GROUPED } else { PAGE };
    let offset = if grouped || interest.is_some() { 0 } else { page_number.saturating_sub(1).saturating_mul(PAGE) };
    let since = match span {
        Some("day") => engine.newest_days(1)?,
        Some("week") => engine.newest_days(7)?,
        _ => Since::Ever,
    };
    let feed = |what_if: &WhatIf| Feed {
        ask: SearchOptions { limit, offset, explain: true, ..SearchOptions::default() },
        since: since.clone(),
        exploration: what_if.exploration,
        diversity: what_if.diversity,
        per_author: what_if.per_author,
        ..Feed::default()
    };
    let mut hits = engine.feed(reader, &feed(what_if))?.papers;
    // What would come anew with other settings is told beside it.
    let tries = what_if.exploration.is_some() || what_if.diversity.is_some() || what_if.per_author.is_some();
    let fresh = if tries {
        let kept = engine.feed(reader, &feed(&WhatIf::default()))?.papers;
        Some(hits.iter().filter(|hit| !kept.iter().any(|other| other.paper.id == hit.paper.id)).count())
    } else {
        None
    };
    let full = hits.len() == limit;
    if let Some(wanted) = interest {
        hits.retain(|hit| hit.why.as_ref().and_then(|why| why.interest.as_ref()).is_some_and(|own| own.id == wanted));
    }
    let named = interest.and_then(|id| interests.iter().find(|i| i.id == id)).map(|i| shown(&i.name));
    let shown_cards = cards(engine, Some(reader), &hits, Told::Feed)?;
    let count = shown_cards.len();
    let groups = if grouped {
        by_interest(shown_cards)
    } else {
        vec![Group { name: String::new(), hue: None, cards: shown_cards }]
    };
    let liked: usize = interests.iter().map(|i| i.papers.len()).sum();
    let down = engine.turned_down(reader, 1, None)?.total;
    let settings = &user.settings;
    let shows = context! {
        groups => Serde(groups), count, grouped, span => span.unwrap_or("all"), interest => named,
        interests => Serde(interests.iter().map(interest_shown).collect::<Vec<_>>()),
        learning => liked < ENOUGH, liked, turned_down => down,
        all_muted => !interests.is_empty() && interests.iter().all(|i| i.muted),
        next => (full && !grouped && interest.is_none()).then_some(page_number + 1), page => page_number,
        encoded_reader => encoded(reader), tries, fresh,
        exploration => what_if.exploration.or(settings.exploration).unwrap_or(0.05),
        diversity => what_if.diversity.or(settings.diversity).unwrap_or(0.1),
        per_author => what_if.per_author.or(settings.per_author).unwrap_or(3),
        // New settings replace all that there were.
        half_life_days => settings.half_life_days,
    };
    Ok(Page::new("for_you.html", text_of("for_you", "title"), shows).at("for-you"))
}

fn interest_shown(view: &InterestView) -> InterestShown {
    let terms: Vec<String> =
        view.terms.iter().filter(|term| !view.name.contains(*term)).take(6).map(|term| shown(term)).collect();
    InterestShown {
        path: format!("for-you?interest={}", encoded(&view.id)),
        id: view.id.clone(),
        name: shown(&view.name),
        terms: terms.join(", "),
        hue: hue(&view.id),
        share: (100.0 * view.share).round() as u32,
        papers: view.papers.len(),
        muted: view.muted,
        pinned: view.pinned,
        weight: view.weight,
        edited: view.edited,
    }
}

/// By what brought them, in the order of their best papers; what nothing brought last.
fn by_interest(cards: Vec<Card>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut rest = Vec::new();
    for card in cards {
        let Some(chip) = card.interest.clone() else {
            rest.push(card);
            continue;
        };
        match groups.iter_mut().find(|group| group.name == chip.name) {
            Some(group) => group.cards.push(card),
            None => groups.push(Group { name: chip.name, hue: Some(chip.hue), cards: vec![card] }),
        }
    }
    if !rest.is_empty() {
        groups.push(Group { name: text_of("for_you", "other_papers"), hue: None, cards: rest });
    }
    groups
}

/// `GET /begin`
pub async fn begin(State(app): State<App>, visitor: Visitor, given: Result<Params, ApiError>) -> Response {
    app.page(visitor, 0, move |engine, visitor| {
        given?.0.nothing_else()?;
        match visitor.name() {
            Some(reader) => begin_page(engine, reader, None),
            None => Ok(stranger("begin")),
        }
    })
    .await
}

/// A theme to begin with.
#[derive(Serialize)]
struct Tile {
    id: String,
    name: String,
    size: usize,
    terms: String,
    examples: Vec<String>,
}

/// `typed` is what was chosen and typed before.
fn begin_page(engine: &Engine, reader: &str, typed: Option<&QuestionsOptions>) -> Result<Page, ApiError> {
    // Without themes (none yet, or the first are being made) there are still words.
    let ask = ThemesOptions { about: Some(TILES), ..ThemesOptions::default() };
    let themes = match engine.themes(&ask) {
        Ok(list) => list.themes,
        Err(Error::BeingMade { .. }) => Vec::new(),
        Err(e) => return Err(e.into()),
    };
    let tile = |theme: crate::engine::Theme| Tile {
        name: shown(&theme.name),
        size: theme.size,
        terms: theme
            .terms
            .iter()
            .filter(|t| !theme.name.contains(*t))
            .take(3)
            .map(|t| shown(t))
            .collect::<Vec<_>>()
            .join(", "),
        examples: theme.examples.iter().take(2).map(|example| rich::text(&example.title)).collect(),
        id: theme.id,
    };
    let tiles: Vec<Tile> = themes.into_iter().take(TILES).map(tile).collect();
    let shows = context! {
        tiles => Serde(tiles), encoded_reader => encoded(reader),
        chosen => Serde(typed.map(|typed| typed.themes.clone()).unwrap_or_default()),
        topics => typed.map(|typed| typed.topics.join("; ")).unwrap_or_default(),
        authors => typed.map(|typed| typed.authors.join("; ")).unwrap_or_default(),
    };
    Ok(Page::new("begin.html", text_of("begin", "title"), shows).at("for-you"))
}

/// `GET /questions`
pub async fn questions(State(app): State<App>, visitor: Visitor, given: Result<Params, ApiError>) -> Response {
    app.page(visitor, 0, move |engine, visitor| {
        let Params(mut given) = given?;
        let mut take = |name| given.take(name);
        let asked: usize = take("asked").whole()?.unwrap_or(0);
        let filled = |texts: Vec<String>| texts.into_iter().map(|t| t.trim().to_string()).filter(|t| !t.is_empty());
        // A field may hold several, one after the other.
        let several = |texts: Vec<String>| -> Vec<String> {
            filled(texts)
                .flat_map(|t| t.split(';').map(|one| one.trim().to_string()).collect::<Vec<_>>())
                .filter(|t| !t.is_empty())
                .collect()
        };
        let from = QuestionsOptions {
            limit: 1,
            topics: several(take("topic").texts()?),
            themes: filled(take("theme").texts()?).collect(),
            authors: several(take("author").texts()?),
            passed: take("passed").texts()?.into_iter().map(PaperId::new).collect::<crate::Result<_>>()?,
        };
        given.nothing_else()?;
        let Some(reader) = visitor.name() else { return Ok(stranger("begin")) };
        question_page(engine, reader, asked, &from)
    })
    .await
}

fn question_page(engine: &Engine, reader: &str, asked: usize, from: &QuestionsOptions) -> Result<Page, ApiError> {
    let address = |asked: usize, passed: Option<&PaperId>| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let lists = [("topic", &from.topics), ("theme", &from.themes), ("author", &from.authors)];
        for (name, one) in lists.iter().flat_map(|(name, all)| all.iter().map(move |one| (name, one))) {
            query.append_pair(name, one);
        }
        for id in from.passed.iter().chain(passed) {
            query.append_pair("passed", id.as_str());
        }
        format!("questions?{}", query.append_pair("asked", &asked.to_string()).finish())
    };
    let found = if asked < QUESTIONS {
        match engine.questions(reader, from) {
            Ok(answer) => answer.papers.into_iter().next(),
            // An author whom nobody knows, a theme that is no more: whoever typed it chooses anew.
            Err(Error::NotFound { what, id }) => {
                let wrong = text_of("begin", if what == "author" { "no_author" } else { "gone" })
                    .replace("{name}", &shown(&id));
                let page = begin_page(engine, reader, Some(from))?;
                return Ok(Page { wrong: Some(wrong), ..page });
            }
            Err(e) => return Err(e.into()),
        }
    } else {
        None
    };
    let liked = match engine.interests(reader) {
        Ok(interests) => interests.iter().map(|i| i.papers.len()).sum(),
        Err(Error::NotFound { .. }) => 0,
        Err(e) => return Err(e.into()),
    };
    let passed = found.as_ref().map(|hit| address(asked + 1, Some(&hit.paper.id)));
    let summary = found.as_ref().map(|hit| rich::summary(&hit.paper.summary, None));
    let card = match found {
        Some(hit) => plain_cards(engine, Some(reader), vec![hit.paper])?.into_iter().next(),
        None => None,
    };
    let shows = context! {
        card => Serde(card), summary, asked, questions => QUESTIONS, liked,
        then => format!("/{}", address(asked + 1, None)), passed, more => address(0, None),
    };
    Ok(Page::new("questions.html", text_of("begin", "title"), shows).at("for-you"))
}

/// A paper that a reader said no to.
#[derive(Serialize)]
struct Refused {
    card: Option<Card>,
    disliked: bool,
    on: String,
}

/// `GET /turned-down`
pub async fn turned_down(State(app): State<App>, visitor: Visitor, given: Result<Params, ApiError>) -> Response {
    app.page(visitor, 0, move |engine, visitor| {
        let Params(mut given) = given?;
        let after: Option<String> = given.take("after").word()?;
        given.nothing_else()?;
        let Some(reader) = visitor.name() else { return Ok(stranger("turned-down")) };
        let page = match engine.turned_down(reader, PAGE, after.as_deref()) {
            Ok(page) => page,
            Err(Error::NotFound { .. }) => {
                let shows = context! { total => 0, encoded_reader => encoded(reader) };
                return Ok(Page::new("turned_down.html", text_of("for_you", "turned_down_title"), shows).at("for-you"));
            }
            Err(e) => return Err(e.into()),
        };
        let kinds: Vec<(EventKind, Moment)> = page.items.iter().map(|down| (down.kind, down.at)).collect();
        let papers = page.items.into_iter().map(|down| down.paper).collect();
        let shown = plain_cards(engine, Some(reader), papers)?;
        let refused: Vec<Refused> = shown
            .into_iter()
            .zip(kinds)
            .map(|(card, (kind, at))| Refused {
                card: Some(card),
                disliked: kind == EventKind::Dislike,
                on: dates::short(at.day()),
            })
            .collect();
        let muted: Vec<InterestShown> =
            engine.interests(reader)?.iter().filter(|i| i.muted).map(interest_shown).collect();
        let shows = context! {
            refused => Serde(refused), muted => Serde(muted), total => page.total, next => page.next,
            encoded_reader => encoded(reader),
        };
        Ok(Page::new("turned_down.html", text_of("for_you", "turned_down_title"), shows).at("for-you"))
    })
    .await
}
