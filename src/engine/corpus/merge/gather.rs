//! What comes from a source on its way in: which paper each record is of, and what that paper is with it.

use std::collections::{BTreeSet, HashMap};

use super::same::{is_same, search_keys};
use crate::engine::corpus::Corpus;
use crate::error::Result;
use crate::paper::{Paper, PaperDate, PaperId};
use crate::store::{BY_HAND, Fingerprints, SourceRecord};
use crate::user::Moment;

/// Papers that share a key with a record, of which is looked whether they are the same.
const MOST_ALIKE: usize = 64;

/// Where records come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The source, by its name in the settings.
    pub source: String,
    /// Its kind, as in the settings.
    pub kind: String,
}

/// A paper that records have touched, as it is to be written.
pub struct Gathered {
    /// The entry that touched it last.
    pub line: usize,
    pub paper: Paper,
    /// Whether its text has a vector already, since a paper with that text lends its row.
    pub keeps_text: bool,
    pub records: Vec<SourceRecord>,
    pub absorbs: Vec<PaperId>,
    pub seen: Vec<(PaperId, Option<[u8; 16]>)>,
}

/// What became of some records.
#[derive(Default)]
pub struct Gathering {
    /// Papers that are to be written.
    pub papers: Vec<Gathered>,
    /// Records that say what they said before, or are one of several of one paper.
    pub unchanged: usize,
}

/// Papers that are one, while records are gathered.
struct Group {
    line: usize,
    records: Vec<SourceRecord>,
    /// The papers of it that are stored.
    stored: Vec<(PaperId, Fingerprints)>,
    /// The paper as it stands.
    paper: Paper,
    /// Whether a record has touched it.
    touched: bool,
}

impl Group {
    fn hand(&self) -> Option<&PaperId> {
        let by_hand = self.records.iter().any(|r| r.source == BY_HAND);
        by_hand.then(|| self.stored.first().map(|(id, _)| id)).flatten()
    }
}

/// Records that come in one after the other.
struct Gatherer<'a> {
    corpus: &'a Corpus,
    groups: Vec<Option<Group>>,
    by_key: HashMap<String, Vec<usize>>,
    by_stored: HashMap<PaperId, usize>,
    unchanged: usize,
}

impl Corpus {
    /// Finds the paper of each record of a source, and makes it anew with it. Nothing is written.
    pub fn gather(
        &self,
        origin: &Origin,
        papers: Vec<(usize, Paper)>,
        deleted: &[String],
        now: Moment,
    ) -> Result<Gathering> {
        let keys: Vec<&str> =
            papers.iter().map(|(_, p)| p.id.as_str()).chain(deleted.iter().map(String::as_str)).collect();
        let known = self.store.known_records(&origin.source, &keys)?;
        let mut gatherer = Gatherer {
            corpus: self,
            groups: Vec::new(),
            by_key: HashMap::new(),
            by_stored: HashMap::new(),
            unchanged: 0,
        };
        for (line, paper) in papers {
            crate::cancel::check()?;
            let known = known.get(paper.id.as_str());
            let record = SourceRecord {
                source: origin.source.clone(),
                kind: origin.kind.clone(),
                key: paper.id.to_string(),
                since: now,
                gone: false,
                paper,
            };
            match known {
                // Taken away by hand: it stays away.
                Some(known) if known.paper.is_none() => gatherer.unchanged += 1,
                Some(known) if !known.gone && known.hash == record.hash() => gatherer.unchanged += 1,
                known => gatherer.add(line, record, known.and_then(|k| k.paper.clone()))?,
            }
        }
        for key in deleted {
            match known.get(key.as_str()) {
                Some(known) if !known.gone => match &known.paper {
                    Some(paper) => gatherer.take_away(origin, key, paper, now)?,
                    None => gatherer.unchanged += 1,
                },
                _ => gatherer.unchanged += 1,
            }
        }
        Ok(gatherer.finish())
    }
}

impl Gatherer<'_> {
    /// Puts a record to its paper, and makes papers one that it shows to be.
    fn add(&mut self, line: usize, mut record: SourceRecord, of: Option<PaperId>) -> Result<()> {
        let mut found: BTreeSet<usize> = BTreeSet::new();
        // What it was of, it is of still.
        let former = of.map(|id| self.stored(&id)).transpose()?.flatten();
        found.extend(former);
        for id in self.alike(&record.paper)? {
            found.extend(self.stored(&id)?);
        }
        for key in search_keys(&record.paper) {
            let groups = self.by_key.get(&key).into_iter().flatten();
            let same = |k: &&usize| self.groups[**k].as_ref().is_some_and(|g| is_same(&g.paper, &record.paper));
            found.extend(groups.filter(same).copied());
        }
        let mut found: Vec<usize> = found.into_iter().collect();
        self.keep_one_by_hand(&mut found, former, &record.paper.id);
        let group = match found.first() {
            Some(first) => {
                for other in &found[1..] {
                    self.absorb(*first, *other);
                }
                *first
            }
            None => {
                let paper = record.paper.clone();
                self.groups.push(Some(Group { line, records: Vec::new(), stored: Vec::new(), paper, touched: true }));
                self.groups.len() - 1
            }
        };
        let Some(own) = self.groups[group].as_mut() else { return Ok(()) };
        if own.touched && own.line > 0 && own.line != line {
            // Two entries of one paper: it is counted once.
            self.unchanged += 1;
        }
        (own.line, own.touched) = (line, true);
        match own.records.iter_mut().find(|r| r.source == record.source && r.key == record.key) {
            Some(known) => {
                // The day on which it came first is the day on which it came.
                let (old, new) = (known.paper.listed.take(), record.paper.listed.take());
                record.paper.listed = earlier(old.clone(), new);
                known.paper.listed = old;
                if known.paper == record.paper && known.gone == record.gone {
                    record.since = known.since;
                }
                *known = record;
            }
            None => own.records.push(record),
        }
        own.paper = self.corpus.merged(&own.records);
        let keys = search_keys(&own.paper);
        for key in keys {
            let groups = self.by_key.entry(key).or_default();
            if !groups.contains(&group) {
                groups.push(group);
            }
        }
        Ok(())
    }

    fn take_away(&mut self, origin: &Origin, key: &str, paper: &PaperId, now: Moment) -> Result<()> {
        let Some(group) = self.stored(paper)? else { return Ok(()) };
        let Some(own) = self.groups[group].as_mut() else { return Ok(()) };
        for record in own.records.iter_mut().filter(|r| r.source == origin.source && r.key == key) {
            (record.gone, record.since) = (true, now);
        }
        own.paper = self.corpus.merged(&own.records);
        own.touched = true;
        Ok(())
    }

    /// Stored papers that are the same as this one.
    fn alike(&self, paper: &Paper) -> Result<Vec<PaperId>> {
        let mut rows = Vec::new();
        for key in search_keys(paper) {
            rows.extend(self.corpus.store.rows_of_key(&key)?.into_iter().take(MOST_ALIKE));
        }
        rows.sort_unstable();
        rows.dedup();
        let papers = self.corpus.store.papers(&rows)?;
        Ok(papers.into_iter().filter(|(_, other)| is_same(other, paper)).map(|(_, other)| other.id).collect())
    }

    /// The group of a stored paper, if it is there.
    fn stored(&mut self, id: &PaperId) -> Result<Option<usize>> {
        if let Some(group) = self.by_stored.get(id) {
            return Ok(Some(*group));
        }
        let Some((_, paper)) = self.corpus.store.paper(id.as_str())? else { return Ok(None) };
        // It may have another name by now.
        if let Some(group) = self.by_stored.get(&paper.id) {
            return Ok(Some(*group));
        }
        let records =
            self.corpus.store.records_of(&[&paper.id])?.remove(&paper.id).unwrap_or_else(|| vec![by_hand(&paper)]);
        let prints = Fingerprints::of(&paper);
        let group = self.groups.len();
        self.by_stored.insert(paper.id.clone(), group);
        self.groups.push(Some(Group {
            line: 0,
            records,
            stored: vec![(paper.id.clone(), prints)],
            paper,
            touched: false,
        }));
        Ok(Some(group))
    }

    /// Of papers that were given by hand none is made one with another: who gave them wants both. The one that the record was of
    /// stays, else the one of its id, else the newest.
    fn keep_one_by_hand(&self, found: &mut Vec<usize>, former: Option<usize>, id: &PaperId) {
        let group = |k: &usize| self.groups[*k].as_ref();
        let by_hand: Vec<usize> =
            found.iter().copied().filter(|k| group(k).is_some_and(|g| g.hand().is_some())).collect();
        let newest = || by_hand.iter().copied().max_by_key(|k| group(k).map(|g| g.paper.newness()));
        let named = || by_hand.iter().copied().find(|k| group(k).is_some_and(|g| g.hand() == Some(id)));
        let Some(kept) = former.filter(|k| by_hand.contains(k)).or_else(named).or_else(newest) else { return };
        found.retain(|k| *k == kept || !by_hand.contains(k));
        // It comes first: its id stays.
        found.sort_by_key(|k| *k != kept);
    }

    fn absorb(&mut self, into: usize, other: usize) {
        let Some(gone) = self.groups[other].take() else { return };
        for (id, _) in &gone.stored {
            self.by_stored.insert(id.clone(), into);
        }
        if let Some(group) = self.groups[into].as_mut() {
            group.records.extend(gone.records);
            group.stored.extend(gone.stored);
        }
        for groups in self.by_key.values_mut() {
            groups.iter_mut().filter(|k| **k == other).for_each(|k| *k = into);
        }
    }

    fn finish(self) -> Gathering {
        let mut gathering = Gathering { unchanged: self.unchanged, ..Gathering::default() };
        for group in self.groups.into_iter().flatten().filter(|group| group.touched) {
            let Group { line, records, stored, paper, .. } = group;
            let text = Fingerprints::of(&paper).text;
            let lender = stored.iter().find(|(id, _)| *id == paper.id).or_else(|| stored.first());
            let keeps_text = lender.is_some_and(|(_, prints)| prints.text == text);
            let absorbs = {
                // The one that lends its row comes first.
                let mut others: Vec<PaperId> =
                    stored.iter().map(|(id, _)| id.clone()).filter(|id| *id != paper.id).collect();
                if let Some((id, _)) = lender
                    && let Some(place) = others.iter().position(|other| other == id)
                {
                    others.swap(0, place);
                }
                others
            };
            let mut seen: Vec<(PaperId, Option<[u8; 16]>)> =
                stored.iter().map(|(id, prints)| (id.clone(), Some(prints.all))).collect();
            if !stored.iter().any(|(id, _)| *id == paper.id) {
                seen.push((paper.id.clone(), None));
            }
            gathering.papers.push(Gathered { line, paper, keeps_text, records, absorbs, seen });
        }
        gathering
    }
}

/// What a paper says that has no records: it was given by hand, before anything that a source says.
fn by_hand(paper: &Paper) -> SourceRecord {
    SourceRecord {
        source: BY_HAND.into(),
        kind: String::new(),
        key: paper.id.to_string(),
        since: Moment(0),
        gone: false,
        paper: paper.clone(),
    }
}

fn earlier(a: Option<PaperDate>, b: Option<PaperDate>) -> Option<PaperDate> {
    match (a, b) {
        (Some(a), Some(b)) if b.first_day() < a.first_day() => Some(b),
        (a, b) => a.or(b),
    }
}

impl Corpus {
    /// A paper that is given by hand of which others say something as well: what it is with that, and its records. None where it
    /// says what it said before.
    pub fn gather_by_hand(
        &self,
        paper: &Paper,
        mut records: Vec<SourceRecord>,
        now: Moment,
    ) -> Option<(Paper, Vec<SourceRecord>)> {
        let hand = SourceRecord { since: now, ..by_hand(paper) };
        match records.iter_mut().find(|r| r.source == BY_HAND && r.key == hand.key) {
            Some(known) if known.paper == hand.paper => return None,
            Some(known) => *known = hand,
            None => records.push(hand),
        }
        Some((self.merged(&records), records))
    }
}
