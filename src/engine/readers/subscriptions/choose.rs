//! What is in a mail: the best papers of the days since the last one, within the budget, none that whoever gets it has had.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use roaring::RoaringBitmap;

use crate::engine::answer::{Hit, SearchOptions};
use crate::engine::corpus::Candidate;
use crate::engine::readers::Readers;
use crate::engine::readers::feed::{Feed, Since};
use crate::engine::readers::trending::{LONGEST_WINDOW, in_all};
use crate::error::{Error, Result};
use crate::paper::{Paper, PaperId, Row};
use crate::store::{Looked, StoredSubscription};
use crate::user::{Cadence, Follow, Subject};

/// Days that a mail looks back over, at most: who was away for longer is not shown what nobody talks of any more.
const LONGEST: i32 = 60;

/// Days before the last mail whose papers are still looked for among those that arrived since: sources are late.
const LATE: i32 = 30;

/// What a mail is to hold.
#[derive(Debug, Clone)]
pub struct Chosen {
    /// The papers, the best first, each with its reasons.
    pub papers: Vec<Hit>,
    /// The first and the last day that was looked at; days since 1970-01-01.
    pub days: (i32, i32),
    /// How many papers they were chosen from.
    pub of: usize,
    /// How far this has looked.
    pub looked: Looked,
}

/// What mails that are made at once share: the papers of their days, and, where they are made to be looked at, what is taken
/// back in thought.
#[derive(Default)]
pub struct Windows {
    of_days: Mutex<HashMap<(i32, i32, u64), Arc<Window>>>,
    returned: Mutex<HashMap<String, Returned>>,
}

/// By paper (without the version of arXiv) the id that was in a mail which is taken back, and the subscription of that.
type Returned = HashMap<String, (String, String)>;

impl Windows {
    /// Lets the papers of a mail that waits count as not had, as if it had been taken back, without anything being written. How
    /// far its subscription has looked is for whoever asks to set.
    pub fn take_back(&self, s: &StoredSubscription, papers: &[String]) {
        let mut returned = self.returned.lock().unwrap_or_else(PoisonError::into_inner);
        let of_address = returned.entry(s.email.to_ascii_lowercase()).or_default();
        of_address.extend(papers.iter().map(|id| (base(id), (id.clone(), s.id.clone()))));
    }

    fn returned(&self, s: &StoredSubscription) -> Returned {
        let returned = self.returned.lock().unwrap_or_else(PoisonError::into_inner);
        returned.get(&s.email.to_ascii_lowercase()).cloned().unwrap_or_default()
    }
}

/// The papers of some days.
struct Window {
    /// The change of the store before they were looked for: what came later is in a later one.
    change: u64,
    rows: RoaringBitmap,
    /// Of each row the ids under which its work may have been in a mail.
    ids: Vec<(u32, Vec<String>)>,
}

impl Window {
    /// The rows of works that were in no mail.
    fn without(&self, had: &HashSet<String>) -> RoaringBitmap {
        if had.is_empty() {
            return self.rows.clone();
        }
        let had = |ids: &[String]| ids.iter().any(|id| had.contains(id));
        self.ids.iter().filter(|(_, ids)| !had(ids)).map(|(row, _)| *row).collect()
    }
}

impl Readers {
    /// Chooses the papers of the mail of a day. Nothing is written.
    pub fn choose(
        &self,
        s: &StoredSubscription,
        issue: i32,
        windows: &Windows,
        also_had: &HashSet<String>,
    ) -> Result<Chosen> {
        let days = self.days_of(s, issue)?;
        // What came late counts where the last mail is behind this one.
        let since = s.looked.day.filter(|day| *day < issue).map(|_| s.looked.change);
        let window = self.window(days, since, windows)?;
        let looked = Looked { day: Some(issue), change: window.change };
        let returned = windows.returned(s);
        let mut had: HashSet<String> = self.store.had_papers(&s.email)?.iter().map(|id| base(id)).collect();
        had.retain(|id| !returned.contains_key(id));
        had.extend(also_had.iter().map(|id| base(id)));
        let mut rows = window.without(&had);
        if since.is_some() {
            let own = returned.iter().filter(|(id, (_, of))| *of == s.id && !had.contains(*id));
            rows |= self.late_again(own.map(|(_, (id, _))| id.as_str()), days.0)?;
        }
        let (papers, of) = if rows.is_empty() { (Vec::new(), 0) } else { self.best_of(s, rows, days)? };
        Ok(Chosen { papers, days, of, looked })
    }

    /// Which of some papers were late for the days from `first` on. In the mail that waited they came since the one before it;
    /// since it was chosen they did not.
    fn late_again<'i>(&self, ids: impl Iterator<Item = &'i str>, first: i32) -> Result<RoaringBitmap> {
        let ids: Vec<PaperId> = ids.filter_map(|id| PaperId::new(id).ok()).collect();
        if ids.is_empty() {
            return Ok(RoaringBitmap::new());
        }
        let known = self.store.rows(&ids.iter().collect::<Vec<_>>())?;
        let mut late: RoaringBitmap = known.into_iter().flatten().map(|row| row.0).collect();
        late &= self.store.listed_in(first - LATE, first - 1)?;
        late -= self.corpus.versions().superseded_rows(Some(&late));
        Ok(late)
    }

    /// The days that the mail of a day looks at: those behind the last one; of the first mail the newest that has papers,
    /// yesterday or today, and of the first of every week seven.
    fn days_of(&self, s: &StoredSubscription, issue: i32) -> Result<(i32, i32)> {
        let first = match (s.looked.day, s.plan.cadence) {
            (Some(day), _) if day < issue => (day + 1).max(issue - LONGEST + 1),
            (_, Cadence::Weekly) => issue - 6,
            (_, Cadence::Daily) if self.store.listed_in(issue, issue)?.is_empty() => issue - 1,
            (_, Cadence::Daily) => issue,
        };
        Ok((first, issue))
    }

    fn window(&self, (first, last): (i32, i32), since: Option<u64>, windows: &Windows) -> Result<Arc<Window>> {
        let key = (first, last, since.unwrap_or(u64::MAX));
        let kept = || windows.of_days.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = kept().get(&key) {
            return Ok(Arc::clone(known));
        }
        let change = self.store.change()?;
        let mut rows = self.store.listed_in(first, last)?;
        if let Some(change) = since {
            rows |= self.store.listed_in(first - LATE, first - 1)? & self.store.arrived_after(change)?;
        }
        rows -= self.corpus.versions().superseded_rows(Some(&rows));
        let mut of: Vec<(u32, Row)> = Vec::new();
        for row in &rows {
            of.push((row, Row(row)));
            of.extend(self.corpus.versions().others(Row(row)).into_iter().map(|other| (row, other)));
        }
        let all: Vec<Row> = of.iter().map(|(_, other)| *other).collect();
        let mut ids: Vec<(u32, Vec<String>)> = Vec::new();
        for ((row, _), id) in of.iter().zip(self.store.ids(&all)?) {
            if ids.last().is_none_or(|(last, _)| last != row) {
                ids.push((*row, Vec::new()));
            }
            if let (Some(id), Some((_, known))) = (id, ids.last_mut()) {
                known.push(base(&id));
            }
        }
        let made = Arc::new(Window { change, rows, ids });
        kept().insert(key, Arc::clone(&made));
        Ok(made)
    }

    /// The best of some rows for whoever gets the mail, and how many there were to choose from.
    fn best_of(&self, s: &StoredSubscription, rows: RoaringBitmap, days: (i32, i32)) -> Result<(Vec<Hit>, usize)> {
        let rows = match &s.plan.what {
            Subject::Follow(follow) => match self.of_follow(follow, &rows, s)? {
                Found::Hits(hits, of) => return Ok((hits, of)),
                Found::Rows(rows) => rows,
            },
            Subject::Daily | Subject::Reader(_) => rows,
        };
        let of = rows.len() as usize;
        if rows.is_empty() {
            return Ok((Vec::new(), 0));
        }
        let name = self.reader_of_mail(s)?;
        let ask = SearchOptions {
            limit: s.plan.budget,
            min_score: s.plan.min_score,
            explain: true,
            ..SearchOptions::default()
        };
        let personal = matches!(s.plan.what, Subject::Reader(_));
        // One mail for many days.
        let cover = personal && days.1 - days.0 >= 2;
        // A list is in the order of its papers' worth; a feed is spread.
        let diversity = (!personal).then_some(0.0);
        // Who subscribes to an author wants all of theirs, whatever else they have muted.
        let per_author = (!personal).then_some(usize::MAX);
        let since = Since::Rows(rows.clone());
        let feed = Feed { ask, diversity, per_author, since, cover, whole: !personal, ..Feed::default() };
        let space = self.corpus.space();
        match self.reader(&space, name.as_str()) {
            Ok(reader) => Ok((self.feed_for(&space, &reader, &feed, Instant::now())?.papers, of)),
            // Nobody has answered a mail of this subscription yet.
            Err(Error::NotFound { .. }) => Ok((self.most_noticed(s, &rows)?, of)),
            Err(e) => Err(e),
        }
    }

    /// The papers of a list that got most attention.
    fn most_noticed(&self, s: &StoredSubscription, rows: &RoaringBitmap) -> Result<Vec<Hit>> {
        let mut noticed = self.attention(LONGEST_WINDOW, Some(rows), true)?;
        in_all(&mut noticed);
        noticed.retain(|a| s.plan.min_score.is_none_or(|least| a.score >= least));
        noticed.truncate(s.plan.budget);
        Ok(noticed.into_iter().map(|a| Hit { why: Some(a.why()), ..Hit::new(a.paper.clone(), a.score) }).collect())
    }

    /// What a follow finds among some rows.
    fn of_follow(&self, follow: &Follow, rows: &RoaringBitmap, s: &StoredSubscription) -> Result<Found> {
        let found = match self.matched(&self.corpus.space(), follow, rows) {
            // A theme that is gone, or not made yet, brings nothing.
            Err(Error::NotFound { .. } | Error::BeingMade { .. }) => return Ok(Found::Rows(RoaringBitmap::new())),
            found => found?,
        };
        if !matches!(follow, Follow::Query(_)) {
            return Ok(Found::Rows(found.papers.iter().map(|f| f.row.0).collect()));
        }
        let least = |f: &&Candidate| s.plan.min_score.is_none_or(|least| f.score >= least);
        let of = found.papers.iter().filter(least).count();
        let best: Vec<Candidate> = found.papers.iter().filter(least).take(s.plan.budget).copied().collect();
        let best_rows: Vec<Row> = best.iter().map(|f| f.row).collect();
        let mut papers: HashMap<Row, Paper> = self.store.papers(&best_rows)?.into_iter().collect();
        let hit = |f: &Candidate| {
            let paper = papers.remove(&f.row)?;
            Some(Hit { why: Some(self.match_why(&found, f)), ..Hit::new(paper, f.score) })
        };
        Ok(Found::Hits(best.iter().filter_map(hit).collect(), of))
    }
}

/// What a follow finds among some rows.
enum Found {
    /// In an order of its own, and how many there are.
    Hits(Vec<Hit>, usize),
    /// To be ordered for the reader.
    Rows(RoaringBitmap),
}

/// An id without the version of arXiv.
fn base(id: &str) -> String {
    PaperId::new(id).map_or_else(|_| id.to_string(), |id| id.base().to_string())
}
