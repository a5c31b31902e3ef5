//! `GET /`: the papers of a day, a week or a month, as everybody or as one reader wants them.

use std::collections::HashSet;

use axum::extract::State;
use axum::response::Response;
use minijinja::context;
use minijinja::value::Serde;
use serde::{Deserialize, Serialize};

use super::cards::{Card, Told, cards, plain_cards};
use super::dates;
use super::groups::{Group, Heading, grouped};
use super::pages::Page;
use super::texts::text_of;
use super::visitor::{Visitor, known};
use crate::engine::{Engine, Feed, Listing, SearchOptions, Since, Sort};
use crate::http::App;
use crate::http::error::ApiError;
use crate::http::extract::Params;
use crate::paper::{PaperDate, PaperId};
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
    // An address shows what it says; what is kept for this browser is chosen by a form (`deeds::choices`).
    let mut choices = visitor.choices.clone();
    let given = [("look", &asked.look), ("by", &asked.by), ("sort", &asked.sort)];
    let given: Vec<(&str, &str)> =
        given.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?))).collect();
    given.iter().try_for_each(|(name, value)| choices.set(name, value))?;
    let clock = Moment::now().day();
    let Some(newest) = newest_day(engine, i32::MIN, clock)? else { return without_days(engine, visitor, asked.after) };
    let span = span_of(&asked);
    let (first, last) = days_of(&asked, span, newest);
    let reader = visitor.name().map(str::to_string);
    let user = reader.as_deref().map(|reader| known(engine.user(reader))).transpose()?.flatten();
    let is_known = user.is_some_and(|user| user.events > 0);
    let sort = match choices.sort.as_str() {
        "" if is_known => "me",
        "" => "votes",
        "me" if reader.is_none() => "votes",
        sort => sort,
    };
    let shown = match (sort, &reader) {
        ("me", Some(reader)) => {
            // Of a day the line between what is for the reader and the rest is drawn by the scores alone.
            let since = match span {
                Span::Day => Since::Date(PaperDate::parse(&dates::iso(last))?),
                _ => Since::Days(first, last),
            };
            for_reader(engine, reader, &since, (first, last), asked.page)?
        }
        _ => for_everybody(engine, reader.as_deref(), (first, last), sort, asked.after.clone())?,
    };
    let themed = choices.by == "theme";
    let groups = if themed { by_theme(shown.cards) } else { vec![Group::of_all(shown.cards)] };
    let earlier = newest_day(engine, i32::MIN, first - 1)?;
    let later = next_day(engine, last, newest)?;
    let heading = match span {
        Span::Day => dates::long(last),
        Span::Week => format!("{} – {}", dates::short(first), dates::short(last)),
        Span::Month => dates::month(last),
        Span::Year => dates::iso(last)[..4].to_string(),
    };
    let shows = context! {
        heading => heading.as_str(), span => Serde(span), sort, by_theme => themed, groups => Serde(groups),
        lines => choices.look == "lines",
        // Of a month or a year that goes on the newest day is where a day or a week is looked at.
        date => dates::iso(if (first..=last).contains(&newest) { newest } else { last }), newest => dates::iso(newest),
        is_newest => last >= newest,
        earlier => earlier.map(dates::iso), later => later.map(dates::iso),
        total => shown.total, counts => Serde(shown.counts), mine => shown.mine,
        next => shown.next, next_page => shown.next_page, first => shown.first,
        // A further page is one of this order, also where another would be chosen by then.
        sorted => asked.sort.is_some(), given => Serde(given),
    };
    let title = format!("{} {heading}", text_of("today", "papers_of"));
    Ok(Page::new("today.html", title, shows).at("today"))
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
    /// How many are of which kind, where that is known.
    counts: Option<Counts>,
    /// Whether they are in the order of a reader of whom something is known.
    mine: bool,
    next: Option<String>,
    next_page: Option<usize>,
    first: bool,
}

/// The papers of some days as one reader has them.
#[derive(Debug, Serialize)]
struct Counts {
    for_you: usize,
    others: usize,
    seen: usize,
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
    Ok(Shown { cards, total: page.total, counts: None, mine: false, next: page.next, next_page: None, first })
}

/// What is for the reader first, then the others, and behind the last of these what they have seen. How many there are
/// of each is told of as many papers as can be put in order at once; of more, that they come in this order.
fn for_reader(engine: &Engine, reader: &str, since: &Since, days: (i32, i32), page: usize) -> Result<Shown, ApiError> {
    let feed = |limit, offset, explain| Feed {
        ask: SearchOptions { limit, offset, explain, ..SearchOptions::default() },
        since: since.clone(),
        // A list that was asked for is whole.
        whole: true,
        per_author: Some(usize::MAX),
        ..Feed::default()
    };
    let hits = engine.feed(reader, &feed(PAGE, (page - 1).saturating_mul(PAGE), true))?.papers;
    let mut last = hits.len() < PAGE;
    // Of whom too little is known nothing is for them.
    let tells = hits.first().is_none_or(|hit| hit.for_you.is_some());
    let mut shown = cards(engine, Some(reader), &hits, Told::Feed)?;
    let listing = Listing { days: Some(days), sort: Sort::Upvotes, limit: MOST, ..Listing::default() };
    let listed = engine.list(&listing)?;
    let total = listed.total;
    let mut counts = None;
    if total <= MOST {
        let all = engine.feed(reader, &feed(MOST, 0, false))?.papers;
        let for_you = all.iter().filter(|hit| hit.for_you == Some(true)).count();
        last = page.saturating_mul(PAGE) >= all.len();
        let unseen: HashSet<&PaperId> = all.iter().map(|hit| &hit.paper.id).collect();
        let rest = listed.items.into_iter().filter(|paper| !unseen.contains(&paper.id)).collect();
        // Also what they said something of and took back, and other versions of what they know.
        let rest = plain_cards(engine, Some(reader), rest)?;
        counts = tells.then(|| Counts { for_you, others: all.len() - for_you, seen: rest.len() });
        if last {
            shown.extend(rest);
        }
    }
    let next_page = (!last).then_some(page + 1);
    Ok(Shown { cards: shown, total, counts, mine: tells, next: None, next_page, first: page == 1 })
}

/// By theme, the theme of the best paper first; what belongs to none last.
fn by_theme(cards: Vec<Card>) -> Vec<Group> {
    let theme = |card: &Card| card.theme.clone().map(|theme| Heading { name: theme.name, path: theme.path, hue: None });
    let (groups, without) = grouped(cards, theme);
    // A heading over each paper would be no order.
    let (mut groups, alone): (Vec<Group>, Vec<Group>) = groups.into_iter().partition(|group| group.cards.len() > 1);
    let rest: Vec<Card> = alone.into_iter().flat_map(|group| group.cards).chain(without).collect();
    if !rest.is_empty() {
        let name = if groups.is_empty() { String::new() } else { text_of("today", "in_no_theme") };
        groups.push(Group::named(name, rest));
    }
    groups
}
