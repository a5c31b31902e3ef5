//! `GET /`: the papers of a day, a week or a month, as everybody or as one reader wants them.

use axum::extract::State;
use axum::response::Response;
use minijinja::context;
use minijinja::value::Serde;
use serde::{Deserialize, Serialize};

use super::cards::{Card, Told, cards, plain_cards};
use super::dates;
use super::pages::Page;
use super::texts::text_of;
use super::visitor::Visitor;
use crate::engine::{Engine, Feed, Hit, Listing, SearchOptions, Since, Sort};
use crate::http::App;
use crate::http::error::ApiError;
use crate::http::extract::Params;
use crate::paper::PaperDate;
use crate::user::Moment;

/// Papers a page.
const PAGE: usize = 50;

/// The most papers that are looked through for what a reader has seen of them, and for how many are for them.
const MOST: usize = 500;

/// Days without papers that the way to the next day passes over.
const GAP: i32 = 31;

/// What was asked for.
struct Asked {
    date: Option<PaperDate>,
    span: Option<Span>,
    sort: Option<String>,
    by: Option<String>,
    look: Option<String>,
    after: Option<String>,
    page: usize,
}

/// The days that are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Span {
    Day,
    Week,
    Month,
    Year,
}

/// Some papers under one heading.
#[derive(Serialize)]
struct Group {
    /// Nothing where papers are not grouped.
    name: String,
    path: Option<String>,
    cards: Vec<Card>,
}

/// `GET /`
pub async fn today(State(app): State<App>, visitor: Visitor, given: Result<Params, ApiError>) -> Response {
    app.page(visitor, 0, move |engine, visitor| {
        let Params(mut given) = given?;
        let mut take = |name| given.take(name);
        let asked = Asked {
            date: take("date").date()?,
            span: take("span").word()?,
            sort: take("sort").word()?,
            by: take("by").word()?,
            look: take("look").word()?,
            after: take("after").word()?,
            page: take("page").whole()?.unwrap_or(1).max(1),
        };
        given.nothing_else()?;
        page(engine, visitor, asked)
    })
    .await
}

fn page(engine: &Engine, visitor: &Visitor, asked: Asked) -> Result<Page, ApiError> {
    let mut visitor = visitor.clone();
    let chosen = [("look", &asked.look), ("by", &asked.by), ("sort", &asked.sort)];
    let mut anew = false;
    for (name, value) in chosen {
        if let Some(value) = value {
            visitor.choices.set(name, value)?;
            anew = true;
        }
    }
    let clock = Moment::now().day();
    let Some(newest) = newest_day(engine, i32::MIN, clock)? else { return without_days(engine, &visitor, asked.after) };
    let span = span_of(&asked);
    let (first, last) = days_of(&asked, span, newest);
    let reader = visitor.name().map(str::to_string);
    let sort = match visitor.choices.sort.as_str() {
        "" if reader.is_some() && engine.user(reader.as_deref().unwrap_or_default()).is_ok() => "me",
        "" => "votes",
        "me" if reader.is_none() => "votes",
        sort => sort,
    };
    let shown = match (sort, &reader) {
        ("me", Some(reader)) => for_reader(engine, reader, (first, last), asked.page)?,
        _ => for_everybody(engine, reader.as_deref(), (first, last), sort, asked.after.clone())?,
    };
    let by_theme = visitor.choices.by == "theme";
    let groups = if by_theme {
        grouped(shown.cards)
    } else {
        vec![Group { name: String::new(), path: None, cards: shown.cards }]
    };
    let earlier = newest_day(engine, i32::MIN, first - 1)?;
    let later = next_day(engine, last, newest)?;
    let heading = match span {
        Span::Day => dates::long(last),
        Span::Week => format!("{} – {}", dates::short(first), dates::short(last)),
        Span::Month => dates::month(last),
        Span::Year => dates::iso(last)[..4].to_string(),
    };
    let shows = context! {
        heading => heading.as_str(), span => Serde(span), sort, by_theme, groups => Serde(groups),
        lines => visitor.choices.look == "lines",
        // Of a month or a year that goes on the newest day is where a day or a week is looked at.
        date => dates::iso(if (first..=last).contains(&newest) { newest } else { last }), newest => dates::iso(newest),
        is_newest => last >= newest,
        earlier => earlier.map(dates::iso), later => later.map(dates::iso),
        total => shown.total, for_you => shown.for_you, others => shown.others, seen => shown.seen,
        next => shown.next, next_page => shown.next_page, first => shown.first,
    };
    let title = format!("{} {heading}", text_of("today", "papers_of"));
    let mut page = Page { place: "today", ..Page::new("today.html", title, shows) };
    if anew {
        page.headers.insert(axum::http::header::SET_COOKIE, visitor.choices.keep(visitor.jar));
    }
    Ok(page)
}

/// The papers where none is of a day that has come: all of them, or that there are none.
fn without_days(engine: &Engine, visitor: &Visitor, after: Option<String>) -> Result<Page, ApiError> {
    let first = after.is_none();
    let page = engine.list(&Listing { limit: PAGE, cursor: after, ..Listing::default() })?;
    let cards = plain_cards(engine, visitor.name(), page.items)?;
    let shows = context! {
        empty => page.total == 0, cards => Serde(cards), total => page.total, next => page.next, first,
        lines => visitor.choices.look == "lines",
    };
    Ok(Page::new("undated.html", text_of("today", "title"), shows).at("today"))
}

fn span_of(asked: &Asked) -> Span {
    match (asked.span, &asked.date) {
        (Some(span), _) => span,
        (None, Some(date)) if date.as_str().len() == 4 => Span::Year,
        (None, Some(date)) if date.as_str().len() == 7 => Span::Month,
        _ => Span::Day,
    }
}

/// The first and the last day that are shown.
fn days_of(asked: &Asked, span: Span, newest: i32) -> (i32, i32) {
    let last = asked.date.as_ref().map_or(newest, PaperDate::last_day);
    match span {
        Span::Day => (last, last),
        Span::Week => (last - 6, last),
        Span::Month => dates::month_of(last),
        Span::Year => dates::year_of(last),
    }
}

/// The newest day from `first` to `last` on which papers were listed.
fn newest_day(engine: &Engine, first: i32, last: i32) -> Result<Option<i32>, ApiError> {
    let listing = Listing { days: Some((first, last)), sort: Sort::Date, limit: 1, ..Listing::default() };
    Ok(engine.list(&listing)?.items.first().and_then(crate::paper::Paper::list_day))
}

/// The next day behind one on which papers were listed.
fn next_day(engine: &Engine, day: i32, newest: i32) -> Result<Option<i32>, ApiError> {
    for next in day + 1..=newest.min(day.saturating_add(GAP)) {
        if newest_day(engine, next, next)?.is_some() {
            return Ok(Some(next));
        }
    }
    Ok((day < newest).then_some(newest))
}

/// The papers of some days in their order.
struct Shown {
    cards: Vec<Card>,
    total: usize,
    for_you: Option<usize>,
    others: usize,
    seen: usize,
    next: Option<String>,
    next_page: Option<usize>,
    first: bool,
}

fn for_everybody(
    engine: &Engine,
    reader: Option<&str>,
    days: (i32, i32),
    sort: &str,
    after: Option<String>,
) -> Result<Shown, ApiError> {
    let sort = match sort {
        "date" => Sort::Date,
        "trending" => Sort::Trending,
        _ => Sort::Upvotes,
    };
    let first = after.is_none();
    let page = engine.list(&Listing { days: Some(days), sort, limit: PAGE, cursor: after })?;
    let cards = plain_cards(engine, reader, page.items)?;
    Ok(Shown { cards, total: page.total, for_you: None, others: 0, seen: 0, next: page.next, next_page: None, first })
}

/// What is for the reader first, then the others, and behind the last of these what they have seen.
fn for_reader(engine: &Engine, reader: &str, days: (i32, i32), page: usize) -> Result<Shown, ApiError> {
    let offset = (page - 1).saturating_mul(PAGE);
    let feed = |limit, offset, explain| Feed {
        ask: SearchOptions { limit, offset, explain, ..SearchOptions::default() },
        since: Since::Days(days.0, days.1),
        whole: true,
        ..Feed::default()
    };
    let answer = engine.feed(reader, &feed(PAGE, offset, true))?;
    let known = |hit: &Hit| hit.for_you == Some(true);
    // Those that are for the reader come first: there are more on further pages only where this one is full of them.
    let for_you = match answer.papers.iter().filter(|hit| known(hit)).count() {
        n if page == 1 && n < PAGE => n,
        _ => engine.feed(reader, &feed(MOST, 0, false))?.papers.iter().filter(|hit| known(hit)).count(),
    };
    let unseen = answer.meta.total;
    let mut shown = cards(engine, Some(reader), &answer.papers, Told::Feed)?;
    let listing = Listing { days: Some(days), sort: Sort::Upvotes, limit: MOST, ..Listing::default() };
    let listed = engine.list(&listing)?;
    let last = offset + shown.len() >= unseen;
    let mut seen = 0;
    if listed.total <= MOST {
        let rest: Vec<Card> = plain_cards(engine, Some(reader), listed.items)?;
        let rest: Vec<Card> = rest.into_iter().filter(|card| card.said.any()).collect();
        seen = rest.len();
        if last {
            shown.extend(rest);
        }
    }
    Ok(Shown {
        cards: shown,
        total: listed.total,
        for_you: Some(for_you),
        others: unseen.saturating_sub(for_you),
        seen,
        next: None,
        next_page: (!last).then_some(page + 1),
        first: page == 1,
    })
}

/// By theme, the theme of the best paper first; what belongs to none last.
fn grouped(cards: Vec<Card>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut without = Vec::new();
    for card in cards {
        match card.theme.clone() {
            None => without.push(card),
            Some(theme) => match groups.iter_mut().find(|group| group.path.as_ref() == Some(&theme.path)) {
                Some(group) => group.cards.push(card),
                None => groups.push(Group { name: theme.name, path: Some(theme.path), cards: vec![card] }),
            },
        }
    }
    // A heading over each paper would be no order.
    let (groups, alone): (Vec<Group>, Vec<Group>) = groups.into_iter().partition(|group| group.cards.len() > 1);
    let mut groups = groups;
    let rest: Vec<Card> = alone.into_iter().flat_map(|group| group.cards).chain(without).collect();
    if !rest.is_empty() {
        let name = if groups.is_empty() { String::new() } else { text_of("today", "in_no_theme") };
        groups.push(Group { name, path: None, cards: rest });
    }
    groups
}
