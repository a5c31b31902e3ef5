//! The daily feed: candidates from every interest, each its share, nothing seen, nothing dismissed.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use roaring::RoaringBitmap;

use super::interests::{Interest, shares};
use super::reader::{Common, Reader};
use super::space::Space;
use super::{Answer, Ask, Engine, Hit, InterestName, Meta, Mode, Part, Why};
use crate::error::{Error, Result};
use crate::index::{Plan, VectorIndex};
use crate::paper::{Paper, PaperDate, PaperId, Row};
use crate::rank::{Candidate, Taste, deal, decay, mmr};
use crate::user::{Event, Moment};

/// Candidates up to which all are scored; of more, those that a search finds near the user's interests.
const SCORE_ALL: usize = 12_000;

/// Papers that a search for the whole taste looks for, and those that the searches for its interests share, each at least
/// some.
const PER_SEARCH: usize = 200;
const PER_INTEREST: std::ops::RangeInclusive<usize> = 32..=200;

/// The newest papers are candidates too: of the longest of these spans of days that has not more than so many.
const FRESH_DAYS: [i32; 6] = [60, 30, 14, 7, 3, 1];
const FRESH: u64 = 2000;

/// What a paper loses at most for its age, in standard deviations of the score, and the days after which it has lost half
/// of that.
const AGE_COSTS: f32 = 0.5;
const AGE_HALF_LIFE: f32 = 30.0;

/// Products that a closer look may cost: `near` goes over every like for every paper.
const CLOSE_PRODUCTS: usize = 100_000;

/// The share of the feed outside the interests, how diverse it is, and how many papers an author may have, where nobody
/// says otherwise.
const EXPLORATION: f32 = 0.05;
const DIVERSITY: f32 = 0.1;
const PER_AUTHOR: usize = 3;

/// Papers, the best so far, for which the reading of others is asked.
const ASK_OTHERS: usize = 200;

/// Candidates from which on they themselves say what is common among them, and so many of them at most.
const ENOUGH_CANDIDATES: usize = 50;
const ADAPT_TO: usize = 4000;

/// What the best candidates say of the others, beside what one example says.
const FEEDBACK: f32 = 3.0;

/// Examples and words that are named in an explanation.
const NAMED: usize = 8;

/// Days of attention that a feed without a history begins with.
const COLD_WINDOW: f32 = 14.0;

/// How diverse it is: nobody knows yet what the reader wants, so a bit of everything.
const COLD_DIVERSITY: f32 = 0.5;

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
}

/// What to put into a feed.
#[derive(Debug, Clone, Default)]
pub struct Feed {
    /// Limit, filter and the rest, `diversity` apart.
    pub ask: Ask,
    /// From 0, best first, to 1, as unlike each other as can be; none takes the user's own setting.
    pub diversity: Option<f32>,
    /// Which papers.
    pub since: Since,
    /// At most so many papers of one author; none takes the user's own setting.
    pub per_author: Option<usize>,
    /// The share outside the interests; none takes the user's own setting.
    pub exploration: Option<f32>,
    /// Events that are taken as if they had happened, and are not stored.
    pub further: Vec<Event>,
}

/// A paper that could be shown.
struct Scored {
    row: Row,
    score: f32,
    /// What it has of the best candidates.
    feedback: f32,
    /// What the reading of others adds.
    others: f32,
    /// What age took away.
    age: f32,
    /// Which interest, as a place in the reader's list.
    interest: Option<usize>,
}

impl Engine {
    /// The personal feed.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such user; [`Error::Invalid`] for what is not allowed.
    pub fn feed(&self, name: &str, feed: &Feed) -> Result<Answer> {
        let began = Instant::now();
        feed.check()?;
        let space = self.space();
        let kept;
        let made;
        let reader: &Reader = if feed.further.is_empty() {
            kept = self.reader(&space, name)?;
            &kept
        } else {
            self.check_further(&feed.further)?;
            made = self.reader_with(&space, name, &feed.further)?;
            &made
        };
        self.feed_for(&space, reader, feed, began)
    }

    pub(super) fn feed_for(&self, space: &Space, reader: &Reader, feed: &Feed, began: Instant) -> Result<Answer> {
        let ask = &feed.ask;
        let allowed = self.candidates_of(feed, reader)?;
        let total = allowed.as_ref().map_or(space.index.len(), |rows| rows.len() as usize);
        let (Some(taste), Some(common)) = (&reader.taste, self.common(space)?) else {
            return self.cold(space, reader, feed, allowed, total, began);
        };
        let needed = ask.offset.saturating_add(ask.limit);
        let (rows, plan) = self.pool(space, reader, taste, allowed, needed)?;
        let mut scored = self.score_rows(space, reader, taste, &common, &rows)?;
        if let Since::Ever | Since::Moment(_) = feed.since {
            self.age(&mut scored)?;
        }
        self.ask_others(space, reader, &mut scored)?;
        let muted = |s: &Scored| s.interest.is_some_and(|k| reader.interests[k].edits.muted);
        scored.retain(|s| !muted(s) && ask.min_score.is_none_or(|least| s.score >= least));
        scored.sort_by(|a, b| b.score.total_cmp(&a.score).then(b.row.cmp(&a.row)));
        let picked = self.pick(space, reader, feed, &scored)?;
        let mut page: Vec<(&Scored, Paper, bool)> =
            picked.into_iter().skip(ask.offset).take(ask.limit).map(|(k, paper, e)| (&scored[k], paper, e)).collect();
        page.sort_by(|a, b| b.0.score.total_cmp(&a.0.score).then(b.0.row.cmp(&a.0.row)));
        let papers = self.hits(space, reader, taste, page, ask.explain);
        Ok(Answer { papers, meta: Meta::since(began, plan, total, Mode::Hybrid) })
    }

    /// Ranks exactly these papers for a user, all of them, seen ones included; with events that are taken as if they had
    /// happened, and are not stored.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a user or paper that is not there; [`Error::Invalid`] for no candidates or too many.
    pub fn rank_for(&self, name: &str, ids: &[PaperId], further: &[Event], explain: bool) -> Result<Answer> {
        let began = Instant::now();
        if ids.is_empty() || ids.len() > super::recommend::MAX_CANDIDATES {
            return Err(Error::Invalid(format!(
                "{} candidates; 1 to {} are allowed",
                ids.len(),
                super::recommend::MAX_CANDIDATES
            )));
        }
        let space = self.space();
        let kept;
        let made;
        let reader: &Reader = if further.is_empty() {
            kept = self.reader(&space, name)?;
            &kept
        } else {
            self.check_further(further)?;
            made = self.reader_with(&space, name, further)?;
            &made
        };
        let refs: Vec<&PaperId> = ids.iter().collect();
        let (mut rows, mut known) = (Vec::with_capacity(ids.len()), HashSet::new());
        for (id, row) in ids.iter().zip(self.store.rows(&refs)?) {
            let row = row.ok_or_else(|| Error::no_paper(id.as_str()))?;
            if known.insert(row) {
                rows.push(row);
            }
        }
        let total = rows.len();
        let (Some(taste), Some(common)) = (&reader.taste, self.common(&space)?) else {
            return self.rank_cold(rows, explain, began);
        };
        let adapted = self.adapt(&space, taste, &rows);
        let taste = adapted.as_ref().unwrap_or(taste);
        let mut scored = self.score_rows(&space, reader, taste, &common, &rows)?;
        if adapted.is_some() {
            self.learn_from_best(&space, taste, &mut scored);
        }
        self.ask_others(&space, reader, &mut scored)?;
        scored.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.row.cmp(&b.row)));
        let order: Vec<Row> = scored.iter().map(|s| s.row).collect();
        let papers = self.store.papers(&order)?;
        let by_row: HashMap<Row, &Scored> = scored.iter().map(|s| (s.row, s)).collect();
        let page = papers.into_iter().map(|(row, paper)| (by_row[&row], paper, false)).collect();
        let papers = self.hits(&space, reader, taste, page, explain);
        Ok(Answer { papers, meta: Meta::since(began, Plan::Exact, total, Mode::Hybrid) })
    }

    /// The taste as it looks among these papers: scores in their standard deviations, and words by how telling they are
    /// here. A word that all candidates hold tells nothing of them, however rare it is elsewhere. Only with enough
    /// candidates to know.
    fn adapt(&self, space: &Space, taste: &Taste, rows: &[Row]) -> Option<Taste> {
        if rows.len() < ENOUGH_CANDIDATES {
            return None;
        }
        let mut taste = taste.clone();
        let step = (rows.len() / ADAPT_TO).max(1);
        let some: Vec<Row> = rows.iter().copied().step_by(step).collect();
        let terms: Vec<_> = self.lexical.terms(&some).into_iter().map(Option::unwrap_or_default).collect();
        let mut held: HashMap<u32, f32> = HashMap::new();
        for (term, _) in terms.iter().flat_map(|t| &t.terms) {
            *held.entry(*term).or_default() += 1.0;
        }
        let n = some.len() as f32;
        taste.reweigh(|term| {
            let here = ((n + 1.0) / (held.get(&term).copied().unwrap_or(0.0) + 1.0)).ln();
            here / self.lexical.idf(term).max(0.1)
        });
        let step = (some.len() / 400).max(1);
        let sample: Vec<Row> = some.into_iter().step_by(step).collect();
        let words = self.word_products(&taste, &sample);
        let vectors = space.index.vectors(&sample);
        let sample: Vec<Candidate<'_>> =
            vectors.iter().zip(words).filter_map(|(v, words)| Some(Candidate { vector: v.as_ref()?, words })).collect();
        taste.calibrate(&sample);
        Some(taste)
    }

    /// Adds what each paper has of the best ones (pseudo-relevance feedback): much while few examples say what is wanted,
    /// little later.
    fn learn_from_best(&self, space: &Space, taste: &Taste, scored: &mut [Scored]) {
        let weight = FEEDBACK / (1.0 + taste.likes() as f32 / 4.0);
        let best = (scored.len() / 8).min(100);
        let mut order: Vec<usize> = (0..scored.len()).collect();
        order.sort_by(|a, b| scored[*b].score.total_cmp(&scored[*a].score).then(a.cmp(b)));
        let top: Vec<Row> = order.iter().take(best).map(|&k| scored[k].row).collect();
        let mut mean = vec![0f32; space.model.dimension];
        for v in space.index.vectors(&top).into_iter().flatten() {
            mean.iter_mut().zip(&v).for_each(|(m, x)| *m += x);
        }
        let terms = self.lexical.terms(&top).into_iter().flatten().flat_map(|t| t.terms).collect();
        let terms = crate::index::TermVector::from_weights(terms);
        let rows: Vec<Row> = scored.iter().map(|s| s.row).collect();
        let by_words = standard(self.lexical.cosines(&terms, &rows));
        let vectors = space.index.vectors(&rows);
        let by_vector =
            standard(vectors.iter().map(|v| v.as_ref().map_or(0.0, |v| crate::index::dot(v, &mean))).collect());
        let own = standard(scored.iter().map(|s| s.score).collect());
        // On the scale of the score itself, whatever that is among these papers.
        let spread = own.1;
        for ((s, a), b) in scored.iter_mut().zip(by_words.0).zip(by_vector.0) {
            s.feedback = weight * spread * 0.25 * (a + b);
            s.score += s.feedback;
        }
    }

    fn check_further(&self, further: &[Event]) -> Result<()> {
        let now = Moment::now();
        let ids: Vec<&PaperId> = further.iter().map(|e| &e.paper).collect();
        for (event, row) in further.iter().zip(self.store.rows(&ids)?) {
            event.check(now)?;
            row.ok_or_else(|| Error::no_paper(event.paper.as_str()))?;
        }
        Ok(())
    }

    /// The rows that may be shown at all; none when everything may.
    fn candidates_of(&self, feed: &Feed, reader: &Reader) -> Result<Option<RoaringBitmap>> {
        let span = match &feed.since {
            Since::Ever => None,
            Since::Date(date) => Some((date.first_day(), date.last_day())),
            Since::Moment(at) => Some((at.day(), i32::MAX)),
        };
        let listed = span.map(|(first, last)| self.store.listed_in(first, last)).transpose()?;
        let allowed = match (self.store.allowed(&feed.ask.filter)?, listed) {
            (Some(a), Some(b)) => Some(a & b),
            (a, b) => a.or(b),
        };
        let mut gone: Vec<&PaperId> = feed.ask.filter.exclude.iter().collect();
        gone.extend(reader.learned.iter().filter(|l| l.row.is_some()).map(|l| &l.id));
        let gone: RoaringBitmap = self.store.rows(&gone)?.into_iter().flatten().map(|r| r.0).collect();
        Ok(match allowed {
            Some(rows) => Some(rows - gone),
            // Searches cannot leave rows out, so what is gone is dropped from what they find.
            None if gone.is_empty() => None,
            None => Some(self.lexical.rows() - gone),
        })
    }

    /// The rows worth scoring.
    fn pool(
        &self,
        space: &Space,
        reader: &Reader,
        taste: &Taste,
        allowed: Option<RoaringBitmap>,
        needed: usize,
    ) -> Result<(Vec<Row>, Plan)> {
        let count = allowed.as_ref().map_or(space.index.len(), |a| a.len() as usize);
        if count <= SCORE_ALL {
            let all = allowed.unwrap_or_else(|| self.lexical.rows());
            return Ok((all.iter().map(Row).collect(), Plan::Exact));
        }
        let mut found = RoaringBitmap::new();
        let mut plan = Plan::Exact;
        let mut look = |direction: &[f32], within: Option<&RoaringBitmap>, k: usize| -> Result<()> {
            let length = direction.iter().map(|x| x * x).sum::<f32>().sqrt();
            if length < 1e-9 {
                return Ok(());
            }
            let unit: Vec<f32> = direction.iter().map(|x| x / length).collect();
            let near = space.index.search(&unit, k, within)?;
            plan = near.plan;
            found.extend(near.neighbours.iter().map(|n| n.row.0));
            Ok(())
        };
        // In all of the corpus what was seen is rare: it is dropped from what was found instead of being searched around.
        let everything = allowed.as_ref().is_none_or(|a| a.len() as usize + 2000 > space.index.len());
        let within = if everything { None } else { allowed.as_ref() };
        look(taste.direction(), within, PER_SEARCH)?;
        // An interest that gets a small part of the list needs few candidates.
        let least = (2 * needed).clamp(*PER_INTEREST.start(), *PER_INTEREST.end());
        for (interest, share) in reader.interests.iter().zip(shares(&reader.interests)).filter(|i| i.1 > 0.0) {
            let k = (8.0 * share * needed as f32) as usize;
            look(&interest.middle.0, within, k.clamp(least, 4 * *PER_INTEREST.end()))?;
        }
        if let Some(today) = self.today()? {
            for days in FRESH_DAYS {
                let fresh = self.store.listed_in(today - days, i32::MAX)?;
                if fresh.len() <= FRESH {
                    found |= fresh;
                    break;
                }
            }
        }
        if let Some(allowed) = &allowed {
            found &= allowed;
        }
        Ok((found.iter().map(Row).collect(), plan))
    }

    /// Scores rows, and says which interest each belongs to.
    fn score_rows(
        &self,
        space: &Space,
        reader: &Reader,
        taste: &Taste,
        common: &Common,
        rows: &[Row],
    ) -> Result<Vec<Scored>> {
        let words = self.word_products(taste, rows);
        let vectors = space.index.vectors(rows);
        let papers: Vec<(Row, Vec<f32>, f32)> = rows
            .iter()
            .zip(vectors)
            .zip(words)
            .filter_map(|((row, vector), words)| Some((*row, vector?, words)))
            .collect();
        let candidates: Vec<Candidate<'_>> =
            papers.iter().map(|(_, vector, words)| Candidate { vector, words: *words }).collect();
        let scores = taste.score_all(&candidates, closely(taste.likes()));
        let least = belongs(common);
        Ok(papers
            .iter()
            .zip(scores)
            .map(|((row, vector, _), score)| Scored {
                row: *row,
                score,
                feedback: 0.0,
                others: 0.0,
                age: 0.0,
                interest: closest(&reader.interests, vector, least),
            })
            .collect())
    }

    /// Adds what the reading of others says of the best papers so far.
    fn ask_others(&self, space: &Space, reader: &Reader, scored: &mut [Scored]) -> Result<()> {
        let by_score = |a: &Scored, b: &Scored| b.score.total_cmp(&a.score).then(b.row.cmp(&a.row));
        if scored.len() > ASK_OTHERS {
            scored.select_nth_unstable_by(ASK_OTHERS, by_score);
        }
        let best = scored.len().min(ASK_OTHERS);
        let rows: Vec<Row> = scored[..best].iter().map(|s| s.row).collect();
        for (s, value) in scored.iter_mut().zip(self.others_add(space, reader, &rows)?) {
            s.others = value;
            s.score += value;
        }
        Ok(())
    }

    /// Takes off what a paper loses for its age.
    fn age(&self, scored: &mut [Scored]) -> Result<()> {
        let Some(today) = self.today()? else { return Ok(()) };
        let rows: Vec<Row> = scored.iter().map(|s| s.row).collect();
        for (s, day) in scored.iter_mut().zip(self.store.list_days(&rows)?) {
            let kept = day.map_or(crate::rank::UNDATED, |day| decay((today - day) as f32, AGE_HALF_LIFE));
            s.age = -AGE_COSTS * (1.0 - kept);
            s.score += s.age;
        }
        Ok(())
    }

    /// The papers to show, in the order in which places are given: the place in `scored`, the paper, and whether it is
    /// there to explore.
    fn pick(
        &self,
        space: &Space,
        reader: &Reader,
        feed: &Feed,
        scored: &[Scored],
    ) -> Result<Vec<(usize, Paper, bool)>> {
        let needed = feed.ask.offset.saturating_add(feed.ask.limit);
        let n = reader.interests.len();
        let exploration = feed.exploration.or(reader.user.settings.exploration).unwrap_or(EXPLORATION);
        let mut groups: Vec<Vec<usize>> = vec![Vec::new(); n + 1];
        let pool = 4 * needed + 50;
        for (k, s) in scored.iter().enumerate() {
            // The last group is that of papers outside all interests: what there is to explore.
            let group = s.interest.unwrap_or(n);
            if groups[group].len() < pool {
                groups[group].push(k);
            }
        }
        let diversity = feed.diversity.or(reader.user.settings.diversity).unwrap_or(DIVERSITY);
        if diversity > 0.0 {
            let mut due = shares(&reader.interests);
            due.push(exploration);
            for (group, share) in groups.iter_mut().zip(due) {
                // Far down the list nobody sees the order.
                let head = (2.0 * share * needed as f32) as usize + 10;
                *group = self.spread(space, scored, group, diversity, head);
            }
        }
        let mut weights: Vec<f32> = shares(&reader.interests).iter().map(|s| s * (1.0 - exploration)).collect();
        weights.push(exploration.max(if n == 0 { 1.0 } else { 0.0 }));
        let mut chooser = Chooser {
            engine: self,
            reader,
            per_author: feed.per_author.or(reader.user.settings.per_author).unwrap_or(PER_AUTHOR),
            authors: HashMap::new(),
            works: crate::paper::Works::default(),
            papers: HashMap::new(),
        };
        // A group that runs dry gives its places to the others, so the places are dealt again until all are filled.
        let mut heads = vec![0usize; n + 1];
        let mut out: Vec<(usize, Paper, bool)> = Vec::new();
        let order = deal(&weights, &groups.iter().map(Vec::len).collect::<Vec<_>>(), groups.iter().map(Vec::len).sum());
        for group in order {
            if out.len() >= needed {
                break;
            }
            while heads[group] < groups[group].len() {
                let upcoming = &groups[group][heads[group]..];
                heads[group] += 1;
                if let Some(paper) = chooser.take(scored, upcoming, needed)? {
                    out.push((upcoming[0], paper, group == n && n > 0));
                    break;
                }
            }
        }
        Ok(out)
    }

    /// The same papers, those first that are good and unlike the ones before (MMR on scores between 0 and 1).
    fn spread(&self, space: &Space, scored: &[Scored], group: &[usize], diversity: f32, head: usize) -> Vec<usize> {
        let (head, tail) = group.split_at(group.len().min(head));
        let rows: Vec<Row> = head.iter().map(|&k| scored[k].row).collect();
        let zero = || vec![0.0; space.model.dimension];
        let vectors: Vec<Vec<f32>> = space.index.vectors(&rows).into_iter().map(|v| v.unwrap_or_else(zero)).collect();
        let (greatest, least) =
            (head.first().map_or(0.0, |&k| scored[k].score), head.last().map_or(0.0, |&k| scored[k].score));
        let span = (greatest - least).max(1e-6);
        let scores: Vec<f32> = head.iter().map(|&k| (scored[k].score - least) / span).collect();
        let mut out: Vec<usize> = mmr(&scores, &vectors, diversity, head.len()).into_iter().map(|k| head[k]).collect();
        out.extend(tail);
        out
    }

    fn hits(
        &self,
        space: &Space,
        reader: &Reader,
        taste: &Taste,
        page: Vec<(&Scored, Paper, bool)>,
        explain: bool,
    ) -> Vec<Hit> {
        let rows: Vec<Row> = page.iter().map(|p| p.0.row).collect();
        let (vectors, terms) = if explain {
            (space.index.vectors(&rows), self.lexical.terms(&rows))
        } else {
            (vec![None; rows.len()], vec![None; rows.len()])
        };
        page.into_iter()
            .zip(vectors)
            .zip(terms)
            .map(|(((s, paper, explore), vector), terms)| {
                let why = vector.map(|v| {
                    let mut why = self.why(reader, taste, &v, &terms.unwrap_or_default().terms, s);
                    let interest = s.interest.filter(|_| !explore).map(|k| &reader.interests[k]);
                    why.interest = interest.map(|i| InterestName { id: i.id(), name: i.name.clone() });
                    why
                });
                let chance = |(slope, constant): (f32, f32)| 1.0 / (1.0 + (-(slope * s.score + constant)).exp());
                Hit { why, explore, probability: reader.calibration.map(chance), ..Hit::new(paper, s.score) }
            })
            .collect()
    }

    /// The score of a paper taken apart: the papers and words that count most, the rest of them together, what papers at
    /// large would get, and age.
    fn why(&self, reader: &Reader, taste: &Taste, vector: &[f32], terms: &[(u32, f32)], s: &Scored) -> Why {
        let parts = taste.parts(vector, terms);
        let mut out = Vec::new();
        let mut named = 0.0;
        for k in greatest(&parts.examples) {
            let (l, value) = (&reader.learned[k], parts.examples[k]);
            named += value;
            out.push(Part::Paper { id: l.id.to_string(), title: l.title.clone(), value });
        }
        let values: Vec<f32> = parts.terms.iter().map(|t| t.1).collect();
        for k in greatest(&values) {
            if let Some(term) = self.lexical.term(parts.terms[k].0) {
                named += values[k];
                out.push(Part::Term { term, value: values[k] });
            }
        }
        if s.age != 0.0 {
            out.push(Part::Recency { value: s.age });
        }
        if s.others != 0.0 {
            out.push(Part::Others { value: s.others });
        }
        if s.feedback != 0.0 {
            out.push(Part::Feedback { value: s.feedback });
        }
        out.push(Part::Background { value: parts.baseline });
        // What a paper far down has by a short cut differs from the closer look; the rest takes the difference too.
        let rest = s.score - s.age - s.feedback - s.others - parts.baseline - named;
        if rest.abs() > 1e-6 {
            out.push(Part::Rest { value: rest });
        }
        Why::of(out)
    }

    /// A feed for somebody without a history: attention, spread over the corpus.
    fn cold(
        &self,
        space: &Space,
        reader: &Reader,
        feed: &Feed,
        allowed: Option<RoaringBitmap>,
        total: usize,
        began: Instant,
    ) -> Result<Answer> {
        let window = match feed.since {
            Since::Ever => COLD_WINDOW,
            // Everything in the span counts, whenever that was.
            Since::Date(_) | Since::Moment(_) => 3650.0,
        };
        let mut attended = self.attention(window)?;
        let fits = |row: Row| allowed.as_ref().is_none_or(|a| a.contains(row.0));
        attended.retain(|a| {
            fits(a.row)
                && !reader.seen.contains(a.paper.id.base())
                && feed.ask.min_score.is_none_or(|least| a.score >= least)
        });
        attended.truncate(2000);
        let rows: Vec<Row> = attended.iter().map(|a| a.row).collect();
        let zero = || vec![0.0; space.model.dimension];
        let vectors: Vec<Vec<f32>> = space.index.vectors(&rows).into_iter().map(|v| v.unwrap_or_else(zero)).collect();
        let most = attended.first().map_or(1.0, |a| a.score.max(1e-6));
        let scores: Vec<f32> = attended.iter().map(|a| a.score / most).collect();
        let needed = feed.ask.offset.saturating_add(feed.ask.limit);
        let diversity = feed.diversity.unwrap_or(COLD_DIVERSITY);
        let per_author = feed.per_author.or(reader.user.settings.per_author).unwrap_or(PER_AUTHOR);
        let mut authors: HashMap<&str, usize> = HashMap::new();
        let mut chosen = Vec::new();
        for k in mmr(&scores, &vectors, diversity, (2 * needed + 50).min(rows.len())) {
            let a = &attended[k];
            if reader.works.contains(&a.paper)
                || a.paper.authors.iter().any(|n| authors.get(n.as_str()).is_some_and(|c| *c >= per_author))
            {
                continue;
            }
            for name in &a.paper.authors {
                *authors.entry(name).or_default() += 1;
            }
            chosen.push(k);
        }
        let mut page: Vec<usize> = chosen.into_iter().skip(feed.ask.offset).take(feed.ask.limit).collect();
        page.sort_unstable();
        let hit = |k: usize| {
            let a = &attended[k];
            Hit { why: feed.ask.explain.then(|| a.why()), ..Hit::new(a.paper.clone(), a.score) }
        };
        let papers = page.into_iter().map(hit).collect();
        Ok(Answer { papers, meta: Meta::since(began, Plan::Exact, total, Mode::Hybrid) })
    }

    /// Candidates for somebody without a history: by attention alone.
    fn rank_cold(&self, rows: Vec<Row>, explain: bool, began: Instant) -> Result<Answer> {
        let mut papers: Vec<Hit> = self
            .store
            .papers(&rows)?
            .into_iter()
            .map(|(_, paper)| {
                let votes = paper.upvotes.unwrap_or(0) as f32 + 2.0 * paper.comments.unwrap_or(0) as f32;
                let score = (1.0 + votes).ln();
                let why = explain.then(|| Why::of(vec![Part::Votes { value: score }]));
                Hit { why, ..Hit::new(paper, score) }
            })
            .collect();
        papers.sort_by(|a, b| b.score.total_cmp(&a.score));
        let total = papers.len();
        Ok(Answer { papers, meta: Meta::since(began, Plan::Exact, total, Mode::Hybrid) })
    }
}

/// Lets papers through, one at a time: nothing seen, no second record of a work, not too many of one author.
struct Chooser<'a> {
    engine: &'a Engine,
    reader: &'a Reader,
    per_author: usize,
    authors: HashMap<String, usize>,
    works: crate::paper::Works,
    papers: HashMap<Row, Paper>,
}

impl Chooser<'_> {
    /// The first of the upcoming papers, if it may be shown.
    fn take(&mut self, scored: &[Scored], upcoming: &[usize], needed: usize) -> Result<Option<Paper>> {
        let Some(&first) = upcoming.first() else { return Ok(None) };
        if !self.papers.contains_key(&scored[first].row) {
            // In pieces: papers are the dearest part of an answer.
            let rows: Vec<Row> = upcoming.iter().take((needed / 3).clamp(4, 64)).map(|&k| scored[k].row).collect();
            self.papers.extend(self.engine.store.papers(&rows)?);
        }
        let Some(paper) = self.papers.remove(&scored[first].row) else { return Ok(None) };
        let seen = self.reader.seen.contains(paper.id.base()) || self.reader.works.contains(&paper);
        let full = |name: &String| self.authors.get(name).is_some_and(|n| *n >= self.per_author);
        if seen || self.works.contains(&paper) || paper.authors.iter().any(full) {
            return Ok(None);
        }
        for name in &paper.authors {
            *self.authors.entry(name.clone()).or_default() += 1;
        }
        self.works.insert(&paper);
        Ok(Some(paper))
    }
}

/// Candidates that get a closer look by a model of so many likes.
pub fn closely(likes: usize) -> usize {
    (CLOSE_PRODUCTS / likes.max(1)).max(200)
}

/// Values less their mean, by their standard deviation; and that deviation.
fn standard(values: Vec<f32>) -> (Vec<f32>, f32) {
    let n = values.len().max(1) as f32;
    let mean = values.iter().sum::<f32>() / n;
    let deviation = (values.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / n).sqrt().max(1e-6);
    (values.into_iter().map(|v| (v - mean) / deviation).collect(), deviation)
}

/// The product with the middle of an interest from which on a paper belongs to it.
fn belongs(common: &Common) -> f32 {
    // A mean cosine of 0.06 for a paper of mean length: papers at large have 0, those of an interest twice as much and more.
    0.06 * common.background.length()
}

/// The interest that a paper is closest to; none when it is close to none.
fn closest(interests: &[Interest], vector: &[f32], least: f32) -> Option<usize> {
    let near = |i: &Interest| crate::rank::dot(&i.middle.0, vector) - i.middle.1;
    let best = interests.iter().enumerate().map(|(k, i)| (k, near(i))).max_by(|a, b| a.1.total_cmp(&b.1));
    best.filter(|b| b.1 >= least).map(|b| b.0)
}

/// The places of the values that are furthest from zero, in the order of their values.
fn greatest(values: &[f32]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).filter(|k| values[*k] != 0.0).collect();
    order.sort_by(|a, b| values[*b].abs().total_cmp(&values[*a].abs()).then(a.cmp(b)));
    order.truncate(NAMED);
    order.sort_by(|a, b| values[*b].total_cmp(&values[*a]).then(a.cmp(b)));
    order
}

impl Feed {
    fn check(&self) -> Result<()> {
        Ask { diversity: self.diversity.unwrap_or_default(), ..self.ask.clone() }.check()?;
        if self.per_author == Some(0) {
            return Err(Error::Invalid("per_author must be at least 1".into()));
        }
        if self.exploration.is_some_and(|e| !(0.0..=0.5).contains(&e)) {
            return Err(Error::Invalid(format!(
                "exploration is {}; it goes from 0 to 0.5",
                self.exploration.unwrap_or_default()
            )));
        }
        if self.further.len() > super::MAX_EVENTS {
            return Err(Error::Invalid(format!("more than {} events", super::MAX_EVENTS)));
        }
        Ok(())
    }
}
