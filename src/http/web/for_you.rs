//! `GET /for-you`: the personal feed, with the interests that it comes from. `GET /begin` and `GET /questions`: from nothing to a
//! feed. `GET /turned-down`: what a reader said no to.

use axum::extract::State;
use axum::response::Response;
use minijinja::context;
use minijinja::value::Serde;
use serde::{Deserialize, Serialize};

use super::cards::{Card, Told, cards, hue, plain_cards};
use super::dates;
use super::groups::{Group, Heading, grouped};
use super::pages::Page;
use super::rich;
use super::texts::text_of;
use super::visitor::{Visitor, known};
use crate::engine::{Engine, Feed, InterestView, QuestionsOptions, SearchOptions, Since, ThemesOptions};
use crate::error::Error;
use crate::http::App;
use crate::http::error::ApiError;
use crate::http::extract::Params;
use crate::paper::percent::encoded;
use crate::paper::{PaperId, shown};
use crate::user::{EventKind, Moment, Settings};

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

/// What was asked for.
struct Asked {
    interest: Option<String>,
    by: Grouping,
    span: Span,
    page: usize,
    what_if: WhatIf,
}

/// In one list, or by what brought each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Grouping {
    #[default]
    Mixed,
    Interest,
}

/// Of all papers, or of the newest days.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Span {
    #[default]
    All,
    Week,
    Day,
}

/// What is tried: how a feed would be.
#[derive(Default, Clone, Copy, PartialEq)]
struct WhatIf {
    exploration: Option<f32>,
    diversity: Option<f32>,
    per_author: Option<usize>,
}

/// `GET /for-you`
pub async fn for_you(State(app): State<App>, visitor: Visitor, given: Result<Params, ApiError>) -> Response {
    app.page(visitor, 0, move |engine, visitor| {
        let Params(mut given) = given?;
        let mut take = |name| given.take(name);
        let asked = Asked {
            interest: take("interest").word()?,
            by: take("by").word()?.unwrap_or_default(),
            span: take("span").word()?.unwrap_or_default(),
            page: take("page").whole()?.unwrap_or(1).max(1),
            what_if: WhatIf {
                exploration: take("exploration").number()?,
                diversity: take("diversity").number()?,
                per_author: take("per_author").whole()?,
            },
        };
        given.nothing_else()?;
        let Some(reader) = visitor.name() else { return Ok(stranger("for-you")) };
        feed_page(engine, reader, asked)
    })
    .await
}

/// Who reads is asked in place of a page that depends on it.
pub fn stranger(place: &'static str) -> Page {
    let title = text_of(if place == "library" { "library" } else { "for_you" }, "title");
    Page::new("stranger.html", title, context! { to => format!("/{place}") }).at(place)
}

fn feed_page(engine: &Engine, reader: &str, asked: Asked) -> Result<Page, ApiError> {
    let Some(user) = known(engine.user(reader))?.filter(|user| user.events > 0) else {
        return begin_page(engine, reader, None);
    };
    let Asked { by, span, what_if, .. } = asked;
    let interests = engine.interests(reader)?;
    // One that is gone (merged, or made anew) narrows nothing.
    let interest = asked.interest.and_then(|id| interests.iter().find(|interest| interest.id == id));
    let grouped = by == Grouping::Interest && interest.is_none();
    let limit = if grouped { GROUPED } else { PAGE };
    let offset = if grouped { 0 } else { (asked.page - 1).saturating_mul(PAGE) };
    let since = match span {
        Span::Day => engine.newest_days(1)?,
        Span::Week => engine.newest_days(7)?,
        Span::All => Since::Ever,
    };
    let feed = |what_if: WhatIf| Feed {
        ask: SearchOptions { limit, offset, explain: true, ..SearchOptions::default() },
        since: since.clone(),
        interest: interest.map(|interest| interest.id.clone()),
        exploration: what_if.exploration,
        diversity: what_if.diversity,
        per_author: what_if.per_author,
        ..Feed::default()
    };
    let hits = engine.feed(reader, &feed(what_if))?.papers;
    // What would come anew with other settings is told beside it.
    let tries = what_if != WhatIf::default();
    let fresh = if tries {
        let kept = engine.feed(reader, &feed(WhatIf::default()))?.papers;
        Some(hits.iter().filter(|hit| !kept.iter().any(|other| other.paper.id == hit.paper.id)).count())
    } else {
        None
    };
    let full = hits.len() == limit;
    let shown_cards = cards(engine, Some(reader), &hits, Told::Feed)?;
    let count = shown_cards.len();
    let groups = if grouped { by_interest(shown_cards) } else { vec![Group::of_all(shown_cards)] };
    let liked: usize = interests.iter().map(|i| i.papers.len()).sum();
    let down = engine.turned_down(reader, 1, None)?.total;
    let settings = &user.settings;
    let shows = context! {
        groups => Serde(groups), count, grouped, span => Serde(span),
        interest => interest.map(|i| context! { id => i.id.as_str(), name => shown(&i.name) }),
        interests => Serde(interests.iter().map(interest_shown).collect::<Vec<_>>()),
        learning => liked < ENOUGH, liked, turned_down => down,
        all_muted => !interests.is_empty() && interests.iter().all(|i| i.muted),
        next => (full && !grouped).then_some(asked.page + 1), page => asked.page,
        encoded_reader => encoded(reader), tries, fresh,
        exploration => what_if.exploration.or(settings.exploration).unwrap_or(Settings::EXPLORATION),
        diversity => what_if.diversity.or(settings.diversity).unwrap_or(Settings::DIVERSITY),
        per_author => what_if.per_author.or(settings.per_author).unwrap_or(Settings::PER_AUTHOR),
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
    let key = |card: &Card| {
        card.interest.clone().map(|chip| Heading { name: chip.name, path: chip.path, hue: Some(chip.hue) })
    };
    let (mut groups, rest) = grouped(cards, key);
    if !rest.is_empty() {
        groups.push(Group::named(text_of("for_you", "other_papers"), rest));
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
    let interests = known(engine.interests(reader))?.unwrap_or_default();
    let liked: usize = interests.iter().map(|i| i.papers.len()).sum();
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
        let Some(page) = known(engine.turned_down(reader, PAGE, after.as_deref()))? else {
            let shows = context! { total => 0, encoded_reader => encoded(reader) };
            return Ok(Page::new("turned_down.html", text_of("for_you", "turned_down_title"), shows).at("for-you"));
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
