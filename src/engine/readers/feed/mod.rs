//! The daily feed: candidates from every interest, each its share, nothing seen, nothing dismissed.

mod candidates;
mod cold;
mod digest;
mod follows;
mod mark;
mod pick;
mod rank_candidates;
mod score;
mod why;

use std::sync::Arc;
use std::time::Instant;

use roaring::RoaringBitmap;

use crate::cancel;
use crate::engine::answer::{Answer, Meta, Mode, SearchOptions};
use crate::engine::corpus::EmbeddingSpace;
use crate::engine::readers::Readers;
use crate::engine::readers::calibration::foresee;
use crate::engine::readers::interests::shares;
use crate::engine::readers::pool::Scored;
use crate::engine::readers::reader::Reader;
use crate::error::{Error, Result};
use crate::paper::{Paper, PaperDate, PaperId, head};
use crate::user::{Event, Moment};
use pick::LINE;
use score::Scorer;
use why::Explain;

pub use candidates::SCORE_ALL;
pub use digest::TakeFeed;
pub use mark::Mark;

/// Pages are cut from one order, so what is looked at grows in steps and not with each page: the first step, and how many
/// times as much the next one is.
const FIRST_STEP: usize = 128;
const NEXT_STEP: usize = 4;

/// Which papers a feed is about.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Since {
    /// The whole corpus, newer papers first, softly.
    #[default]
    Ever,
    /// Papers listed (else dated) in this span.
    Date(PaperDate),
    /// Papers listed (else dated) on the day of this moment or later.
    Moment(Moment),
    /// Papers listed (else dated) on one of these days, the last included; days since 1970-01-01.
    Days(i32, i32),
    /// These papers, whatever their days are: none is worth less for its age.
    Rows(RoaringBitmap),
}

/// What to put into a feed.
#[derive(Debug, Clone, Default)]
pub struct Feed {
    /// Limit, filter and the rest, `diversity` apart.
    pub ask: SearchOptions,
    /// From 0, best first, to 1, as unlike each other as can be; none takes the user's own setting.
    pub diversity: Option<f32>,
    /// Which papers.
    pub since: Since,
    /// At most so many papers of one author; none takes the user's own setting.
    pub per_author: Option<usize>,
    /// The share outside the interests; none takes the user's own setting.
    pub exploration: Option<f32>,
    /// Whether every interest that has something for the reader gets a place, however small its share is, as far as there are
    /// places, and the other places go to what is worth most: what is sent once for many days leaves none out, and is no list of the
    /// last day.
    pub cover: bool,
    /// Whether papers of muted interests stand among the others: a list that was asked for by name is whole.
    pub whole: bool,
    /// Only papers of this interest, by its id.
    pub interest: Option<String>,
    /// Events that are taken as if they had happened, and are not stored.
    pub hypothetical_events: Vec<Event>,
}

impl Readers {
    /// The personal feed.
    pub fn feed(&self, name: &str, feed: &Feed) -> Result<Answer> {
        let began = Instant::now();
        feed.check()?;
        let space = self.corpus.space();
        let reader = self.reader_for(&space, name, &feed.hypothetical_events)?;
        self.feed_for(&space, &reader, feed, began)
    }

    /// The newest `n` days up to today: what is dated ahead of the clock is among them when its day has come. Where no paper
    /// has a day that was, everything.
    pub fn newest_days(&self, n: i32) -> Result<Since> {
        let clock = Moment::now().day();
        match self.store.today(clock)? {
            Some(today) if !self.store.listed_in(i32::MIN, today)?.is_empty() => Ok(Since::Days(today - n + 1, clock)),
            _ => Ok(Since::Ever),
        }
    }

    /// The reader of this name, with events that are taken as if they had happened, and are not stored.
    fn reader_for(&self, space: &EmbeddingSpace, name: &str, hypothetical_events: &[Event]) -> Result<Arc<Reader>> {
        if hypothetical_events.is_empty() {
            return self.reader(space, name);
        }
        let now = Moment::now();
        let hypothetical_events = self.events_of_given_ids(name, hypothetical_events)?;
        let ids: Vec<&PaperId> = hypothetical_events.iter().map(|e| &e.paper).collect();
        for (event, row) in hypothetical_events.iter().zip(self.store.rows(&ids)?) {
            event.check(now)?;
            row.ok_or_else(|| Error::no_paper(event.paper.as_str()))?;
        }
        self.reader_with(space, name, &hypothetical_events).map(Arc::new)
    }

    pub(in crate::engine::readers) fn feed_for(
        &self,
        space: &EmbeddingSpace,
        reader: &Reader,
        feed: &Feed,
        began: Instant,
    ) -> Result<Answer> {
        let ask = &feed.ask;
        let wanted = feed.interest.as_ref().map(|id| {
            let found = reader.interests.iter().position(|interest| interest.id() == *id);
            found.ok_or_else(|| Error::NotFound { what: "interest", id: head(id, 80) })
        });
        let wanted = wanted.transpose()?;
        let eligible = self.eligible(feed, reader)?;
        let alerts = self.alerts(space, reader, feed, &eligible)?;
        let (Some(preferences), Some(common)) = (&reader.preferences, self.corpus.common(space)?) else {
            return self.cold(space, reader, feed, (&eligible, &alerts), began);
        };
        let total = eligible.count(space.len());
        let bent = match ask.mode {
            Mode::Hybrid => None,
            Mode::Dense => Some(preferences.without_words()),
            Mode::Lexical => Some(preferences.words_only()),
        };
        let preferences = bent.as_ref().unwrap_or(preferences);
        let needed = ask.offset.saturating_add(ask.limit).min(total.max(1));
        cancel::check()?;
        let scorer = Scorer { space, reader, preferences, common: &common };
        let (mut scored, plan) = self.scored(scorer, feed, &eligible, needed)?;
        self.score_alerts(scorer, &alerts, &mut scored)?;
        if let Since::Ever | Since::Moment(_) | Since::Days(..) = feed.since {
            self.age(&mut scored)?;
        }
        cancel::check()?;
        self.ask_others(space, reader, &mut scored)?;
        cancel::check()?;
        follows::lift(&mut scored, &alerts);
        let shares = shares(&reader.interests);
        let silent = |s: &Scored| match s.standing.interest {
            // In doubt whether it is of a muted interest, a paper must be well worth showing for another.
            Some(k) => shares[k] <= 0.0 || (!s.standing.open && s.score < LINE),
            None => s.standing.muted || !s.standing.open,
        };
        scored.sort_by(|a, b| b.score.total_cmp(&a.score).then(b.row.cmp(&a.row)));
        foresee(reader.calibration, &mut scored);
        scored.retain(|s| (feed.whole || !silent(s)) && ask.min_score.is_none_or(|least| s.score >= least));
        // What is there because it is followed is of no interest that was found.
        scored.retain(|s| wanted.is_none_or(|wanted| s.standing.interest == Some(wanted) && s.follow.is_none()));
        let total = if wanted.is_some() { scored.len() } else { total };
        let picked = self.pick(space, reader, feed, (&scored, &alerts), needed)?;
        let mut page: Vec<Shown<'_>> = picked.into_iter().skip(ask.offset).take(ask.limit).collect();
        // The line is drawn once: of a day, that is the order of the scores.
        page.sort_by(|a, b| {
            let (a, b) = (a.scored, b.scored);
            let side = feed.is_for(b).cmp(&feed.is_for(a));
            side.then(b.score.total_cmp(&a.score)).then(b.row.cmp(&a.row))
        });
        let sides: Vec<bool> = page.iter().map(|shown| feed.is_for(shown.scored)).collect();
        let explain: &Explain<'_> = &|_, vector, terms| preferences.parts(vector, terms);
        let mut papers = self.hits(space, reader, page, ask.explain.then_some(explain))?;
        papers.iter_mut().zip(sides).for_each(|(hit, side)| hit.for_you = Some(side));
        Ok(Answer { papers, meta: Meta::since(began, plan, total, ask.mode) })
    }
}

/// A paper that is shown.
struct Shown<'a> {
    scored: &'a Scored,
    paper: Paper,
    /// Whether it is there to explore.
    explore: bool,
    /// What brought it that the reader follows, as a place among that.
    follow: Option<usize>,
}

/// The step of a page that ends here.
fn step(needed: usize) -> usize {
    let mut step = FIRST_STEP;
    while step < needed {
        step = step.saturating_mul(NEXT_STEP);
    }
    step
}

impl Feed {
    fn check(&self) -> Result<()> {
        SearchOptions { diversity: self.diversity.unwrap_or_default(), ..self.ask.clone() }.check()?;
        if self.per_author == Some(0) {
            return Err(Error::Invalid("per_author must be at least 1".into()));
        }
        if self.exploration.is_some_and(|e| !(0.0..=0.5).contains(&e)) {
            return Err(Error::Invalid(format!(
                "exploration is {}; it goes from 0 to 0.5",
                self.exploration.unwrap_or_default()
            )));
        }
        if self.hypothetical_events.len() > crate::engine::readers::users::MAX_EVENTS {
            return Err(Error::Invalid(format!("more than {} events", crate::engine::readers::users::MAX_EVENTS)));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::engine::{Engine, Incoming};
    use crate::user::EventKind;

    const TOPICS: [&str; 4] = ["quasars and their jets", "soil fungi", "graph colouring", "medieval trade"];

    /// A corpus that is too large to score all of it: `n` papers of each topic, and some of the first seen by `ada`.
    fn engine(folder: &std::path::Path, n: usize, seen: usize) -> Engine {
        let config = Config { model: Some("hash".into()), ..Config::new(folder) };
        let mut engine = Engine::open(config).expect("opens").engine;
        engine.readers.score_all = 300;
        let paper = |k: usize| {
            let topic = TOPICS[k % 4];
            let id = format!("p{k}");
            let value =
                serde_json::json!({"id": id, "title": format!("{topic}: observation {k}"), "date": "2020-01-01"});
            Ok(Incoming::new(k + 1, Paper::read(value).map_err(|_| unreachable())))
        };
        engine.ingest(&mut (0..4 * n).map(paper), &|_| {}).expect("goes in");
        let at = Moment::parse("2026-01-01").expect("a day");
        let like = |k: usize| {
            let paper = PaperId::new(format!("p{}", 4 * k)).expect("an id");
            Event { paper, kind: EventKind::Like, at, weight: 1.0 }
        };
        engine.add_events("ada", &(0..seen).map(like).collect::<Vec<_>>()).expect("written");
        engine
    }

    fn unreachable() -> crate::engine::Rejection {
        crate::engine::Rejection { id: None, reason: "the test's own papers are papers".into() }
    }

    fn topic(hit: &crate::engine::Hit) -> usize {
        hit.paper.id.as_str()[1..].parse::<usize>().expect("a number") % 4
    }

    #[test]
    fn a_feed_of_one_interest_is_that_and_has_all_of_its_pages() {
        let folder = tempfile::tempdir().expect("a folder");
        let engine = engine(folder.path(), 60, 8);
        let at = Moment::parse("2026-01-01").expect("a day");
        let like = |k: usize| {
            let paper = PaperId::new(format!("p{}", 4 * k + 1)).expect("an id");
            Event { paper, kind: EventKind::Like, at, weight: 1.0 }
        };
        // One that has little of the mixed feed.
        engine.add_events("ada", &(0..2).map(like).collect::<Vec<_>>()).expect("written");
        let interests = engine.interests("ada").expect("interests");
        let small = interests.iter().find(|i| i.papers.iter().all(|p| p == "p1" || p == "p5")).expect("the small one");
        let page = |offset| {
            let ask = SearchOptions { limit: 20, offset, ..SearchOptions::default() };
            let feed = Feed { ask, interest: Some(small.id.clone()), ..Feed::default() };
            engine.feed("ada", &feed).expect("a feed").papers
        };
        let (first, second) = (page(0), page(20));
        assert_eq!((first.len(), second.len()), (20, 20));
        // Further down come papers that it is merely the nearest to.
        assert!(
            first.iter().all(|hit| topic(hit) == 1) && second.iter().all(|hit| topic(hit) != 0),
            "{:?}",
            first.iter().chain(&second).map(|hit| (topic(hit), hit.score)).collect::<Vec<_>>()
        );
        let ids: std::collections::HashSet<_> = first.iter().chain(&second).map(|hit| &hit.paper.id).collect();
        assert_eq!(ids.len(), 40, "none twice");
        let gone = Feed { interest: Some("i99".into()), ..Feed::default() };
        assert!(matches!(engine.feed("ada", &gone), Err(Error::NotFound { what: "interest", .. })));
    }

    #[test]
    fn what_was_seen_does_not_hide_what_lies_behind_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let engine = engine(folder.path(), 700, 600);
        let answer = engine
            .feed("ada", &Feed { ask: SearchOptions { limit: 40, ..SearchOptions::default() }, ..Feed::default() });
        let answer = answer.expect("a feed");
        assert_eq!(answer.papers.len(), 40);
        let own = answer.papers.iter().filter(|h| topic(h) == 0).count();
        assert!(own >= 36, "only {own} of 40 are of the one topic that ada reads");
        assert_eq!(answer.meta.total, 4 * 700 - 600);
    }

    #[test]
    fn pages_join_and_a_second_visit_is_the_same() {
        let folder = tempfile::tempdir().expect("a folder");
        let engine = engine(folder.path(), 200, 30);
        let page = |offset, limit| {
            let feed = Feed { ask: SearchOptions { offset, limit, ..SearchOptions::default() }, ..Feed::default() };
            let answer = engine.feed("ada", &feed).expect("a feed");
            answer.papers.iter().map(|h| h.paper.id.to_string()).collect::<Vec<_>>()
        };
        let mut whole = page(0, 100);
        let mut parts: Vec<String> = (0..5).flat_map(|k| page(20 * k, 20)).collect();
        whole.sort();
        parts.sort();
        assert_eq!(parts, whole);
        assert_eq!(page(0, 20), page(0, 20));
        assert!(page(usize::MAX, 20).is_empty());
    }

    #[test]
    fn a_preview_leaves_no_trace() {
        let folder = tempfile::tempdir().expect("a folder");
        let engine = engine(folder.path(), 60, 8);
        let ids = |engine: &Engine| engine.interests("ada").expect("read");
        let before = ids(&engine);
        let at = Moment::parse("2026-01-02").expect("a day");
        let like = |k: usize| {
            let paper = PaperId::new(format!("p{}", 4 * k + 1)).expect("an id");
            Event { paper, kind: EventKind::Like, at, weight: 1.0 }
        };
        let feed = Feed { hypothetical_events: (0..20).map(like).collect(), ..Feed::default() };
        assert!(!engine.feed("ada", &feed).expect("a feed").papers.is_empty());
        assert_eq!(ids(&engine), before);
        let stored = engine.export_users(None, 10).expect("read").remove(0).interests;
        assert_eq!(stored.len(), before.len());
    }
}
