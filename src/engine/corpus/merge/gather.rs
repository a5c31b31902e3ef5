//! What comes from a source on its way in: which paper each record is of, and what that paper is with it.

use std::collections::{BTreeSet, HashMap};

use super::same::{Known, Sameness, search_keys};
use crate::engine::corpus::Corpus;
use crate::error::Result;
use crate::paper::{Paper, PaperDate, PaperId};
use crate::store::{BY_HAND, Fingerprints, KnownRecord, SourceRecord};
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
    /// The places of the entries that touched it, in what came in.
    pub entries: Vec<usize>,
    /// The keys of its records that the source has taken away.
    pub deleted: Vec<String>,
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
#[derive(Default)]
struct Group {
    entries: Vec<usize>,
    deleted: Vec<String>,
    records: Vec<SourceRecord>,
    /// The papers of it that are stored.
    stored: Vec<(PaperId, Fingerprints)>,
    /// The paper as it stands; none before the first record.
    paper: Option<Paper>,
}

impl Group {
    fn by_hand(&self) -> Option<&PaperId> {
        let by_hand = self.records.iter().any(|r| r.source == BY_HAND);
        by_hand.then(|| self.stored.first().map(|(id, _)| id)).flatten()
    }

    fn known(&self) -> Known {
        Known::of(self.records.iter().map(|r| &r.paper))
    }

    fn newness(&self) -> i64 {
        self.paper.as_ref().map_or(0, Paper::newness)
    }
}

/// Records that come in one after the other.
struct Gatherer<'a> {
    corpus: &'a Corpus,
    origin: &'a Origin,
    now: Moment,
    groups: Vec<Option<Group>>,
    by_key: HashMap<String, BTreeSet<usize>>,
    by_stored: HashMap<PaperId, usize>,
    /// The group of each record of the source that came in now.
    by_record: HashMap<String, usize>,
    unchanged: usize,
}

impl Corpus {
    /// Finds the paper of each record of a source, and makes it anew with it. Of a record that comes twice the last counts; one that
    /// comes and is taken away is taken away. Nothing is written.
    pub fn gather(&self, origin: &Origin, papers: &[&Paper], deleted: &[String], now: Moment) -> Result<Gathering> {
        let last: HashMap<&str, usize> = papers.iter().enumerate().map(|(k, paper)| (paper.id.as_str(), k)).collect();
        let keys: Vec<&str> = last.keys().copied().chain(deleted.iter().map(String::as_str)).collect();
        let known = self.store.known_records(&origin.source, &keys)?;
        let mut gatherer = Gatherer {
            corpus: self,
            origin,
            now,
            groups: Vec::new(),
            by_key: HashMap::new(),
            by_stored: HashMap::new(),
            by_record: HashMap::new(),
            unchanged: 0,
        };
        for (k, paper) in papers.iter().enumerate() {
            crate::cancel::check()?;
            match last.get(paper.id.as_str()) {
                Some(last) if *last == k => gatherer.take(k, paper, known.get(paper.id.as_str()))?,
                _ => gatherer.unchanged += 1,
            }
        }
        for key in deleted {
            gatherer.take_away(key, known.get(key.as_str()))?;
        }
        Ok(gatherer.finish())
    }
}

impl Gatherer<'_> {
    fn take(&mut self, entry: usize, paper: &Paper, known: Option<&KnownRecord>) -> Result<()> {
        let record = SourceRecord {
            source: self.origin.source.clone(),
            kind: self.origin.kind.clone(),
            key: paper.id.to_string(),
            since: self.now,
            gone: false,
            paper: paper.clone(),
        };
        match known {
            Some(known) if known.paper.is_some() && !known.gone && known.hash == record.hash() => {
                self.unchanged += 1;
                Ok(())
            }
            known => self.add(entry, record, known),
        }
    }

    /// Puts a record to its paper, and makes papers one that it shows to be.
    fn add(&mut self, entry: usize, mut record: SourceRecord, known: Option<&KnownRecord>) -> Result<()> {
        let found = self.papers_of(&record, known)?;
        if found.is_empty() && self.was_taken_away(&record, known)? {
            self.unchanged += 1;
            return Ok(());
        }
        let group = match found.split_first() {
            Some((first, others)) => {
                others.iter().for_each(|other| self.absorb(*first, *other));
                *first
            }
            None => {
                self.groups.push(Some(Group::default()));
                self.groups.len() - 1
            }
        };
        let Some(own) = self.groups[group].as_mut() else { return Ok(()) };
        own.entries.push(entry);
        self.by_record.insert(record.key.clone(), group);
        let mut keys = search_keys(&record.paper);
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
        let paper = self.corpus.merged(&own.records);
        keys.extend(search_keys(&paper));
        own.paper = Some(paper);
        for key in keys {
            self.by_key.entry(key).or_default().insert(group);
        }
        Ok(())
    }

    fn take_away(&mut self, key: &str, known: Option<&KnownRecord>) -> Result<()> {
        let group = match (self.by_record.get(key), known) {
            (Some(group), _) => Some(*group),
            (None, Some(KnownRecord { paper: Some(paper), gone: false, .. })) => self.stored(paper)?,
            _ => None,
        };
        let Some(own) = group.and_then(|group| self.groups[group].as_mut()) else {
            self.unchanged += 1;
            return Ok(());
        };
        for record in own.records.iter_mut().filter(|r| r.source == self.origin.source && r.key == key) {
            (record.gone, record.since) = (true, self.now);
        }
        own.deleted.push(key.to_string());
        own.paper = Some(self.corpus.merged(&own.records));
        Ok(())
    }

    /// The papers that a record is of, of which the first takes in the others: the one that it was of, those that have one of its
    /// identifiers, and the one that has its title. They are of one paper as far as nothing says that they are two.
    fn papers_of(&mut self, record: &SourceRecord, known: Option<&KnownRecord>) -> Result<Vec<usize>> {
        let own = Known::of([&record.paper]);
        let former = known.and_then(|known| known.paper.as_ref());
        let former = former.map(|id| self.stored(id)).transpose()?.flatten();
        let (mut by_identifier, mut by_title) = (Vec::new(), Vec::new());
        for group in self.alike(&record.paper)? {
            let Some(of) = self.groups[group].as_ref() else { continue };
            match own.sameness(&of.known()) {
                Some(Sameness::Identifier) => by_identifier.push(group),
                Some(Sameness::Title) => by_title.push(group),
                None => {}
            }
        }
        // Of several of one title it may be any.
        if by_title.len() > 1 {
            by_title.clear();
        }
        let mut found: Vec<usize> = former.into_iter().collect();
        let id = |group: &usize| self.groups[*group].as_ref().and_then(|g| g.paper.as_ref()).map(|p| p.id.to_string());
        by_identifier.sort_by_key(id);
        for group in by_identifier.into_iter().chain(by_title) {
            if !found.contains(&group) {
                found.push(group);
            }
        }
        self.keep_one_by_hand(&mut found, former, &record.paper.id);
        let first = found.first().and_then(|first| self.groups[*first].as_ref()).map(Group::known);
        let may_be_one = |group: &usize| {
            let other = self.groups[*group].as_ref().map(Group::known);
            first.as_ref().zip(other).is_some_and(|(a, b)| a.may_be_one_with(&b, Sameness::Title))
        };
        let others: Vec<usize> = found.iter().skip(1).copied().filter(|group| may_be_one(group)).collect();
        Ok(found.into_iter().take(1).chain(others).collect())
    }

    /// Whether a paper that has none here was taken away by hand: then it stays away.
    fn was_taken_away(&self, record: &SourceRecord, known: Option<&KnownRecord>) -> Result<bool> {
        if let Some(known) = known {
            return Ok(known.paper.is_none());
        }
        let identifiers = record.paper.identifiers();
        let keys: Vec<&str> = identifiers.iter().map(|found| found.key()).chain([record.key.as_str()]).collect();
        self.corpus.store.any_is_buried(&keys)
    }

    /// Papers that share a key with this one, stored or gathered.
    fn alike(&mut self, paper: &Paper) -> Result<BTreeSet<usize>> {
        let mut groups = BTreeSet::new();
        for key in search_keys(paper) {
            groups.extend(self.by_key.get(&key).into_iter().flatten().copied());
            let rows: Vec<_> = self.corpus.store.rows_of_key(&key)?.into_iter().take(MOST_ALIKE).collect();
            for id in self.corpus.store.ids(&rows)?.into_iter().flatten() {
                groups.extend(self.stored(&PaperId::new(id)?)?);
            }
        }
        Ok(groups)
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
        let records = self.corpus.store.records_of(&[&paper.id])?.remove(&paper.id);
        let records = records.unwrap_or_else(|| vec![by_hand(&paper)]);
        let stored = vec![(paper.id.clone(), Fingerprints::of(&paper))];
        let group = self.groups.len();
        self.by_stored.insert(paper.id.clone(), group);
        self.groups.push(Some(Group { records, stored, paper: Some(paper), ..Group::default() }));
        Ok(Some(group))
    }

    /// Of papers that were given by hand none is made one with another: who gave them wants both. The one that the record was of
    /// stays, else the one of its id, else the newest; it comes first, since its id stays.
    fn keep_one_by_hand(&self, found: &mut Vec<usize>, former: Option<usize>, id: &PaperId) {
        let group = |k: &usize| self.groups[*k].as_ref();
        let by_hand: Vec<usize> =
            found.iter().copied().filter(|k| group(k).is_some_and(|g| g.by_hand().is_some())).collect();
        let newest = || by_hand.iter().copied().max_by_key(|k| group(k).map(Group::newness));
        let named = || by_hand.iter().copied().find(|k| group(k).is_some_and(|g| g.by_hand() == Some(id)));
        let Some(kept) = former.filter(|k| by_hand.contains(k)).or_else(named).or_else(newest) else { return };
        found.retain(|k| *k == kept || !by_hand.contains(k));
        found.sort_by_key(|k| *k != kept);
    }

    fn absorb(&mut self, into: usize, other: usize) {
        let Some(gone) = self.groups[other].take() else { return };
        for (id, _) in &gone.stored {
            self.by_stored.insert(id.clone(), into);
        }
        self.by_record.values_mut().filter(|k| **k == other).for_each(|k| *k = into);
        for groups in self.by_key.values_mut() {
            if groups.remove(&other) {
                groups.insert(into);
            }
        }
        if let Some(group) = self.groups[into].as_mut() {
            group.entries.extend(gone.entries);
            group.deleted.extend(gone.deleted);
            group.records.extend(gone.records);
            group.stored.extend(gone.stored);
        }
    }

    fn finish(self) -> Gathering {
        let mut gathering = Gathering { unchanged: self.unchanged, ..Gathering::default() };
        for group in self.groups.into_iter().flatten() {
            let Group { entries, deleted, records, stored, paper } = group;
            let Some(paper) = paper.filter(|_| !entries.is_empty() || !deleted.is_empty()) else { continue };
            gathering.unchanged += entries.len().saturating_sub(1);
            let text = Fingerprints::of(&paper).text;
            let lender = stored.iter().find(|(id, _)| *id == paper.id).or_else(|| stored.first());
            let keeps_text = lender.is_some_and(|(_, prints)| prints.text == text);
            // The one that lends its row comes first.
            let lender = lender.map(|(id, _)| id.clone());
            let mut absorbs: Vec<PaperId> =
                stored.iter().map(|(id, _)| id.clone()).filter(|id| *id != paper.id).collect();
            absorbs.sort_by_key(|id| lender.as_ref() != Some(id));
            let mut seen: Vec<(PaperId, Option<[u8; 16]>)> =
                stored.iter().map(|(id, prints)| (id.clone(), Some(prints.all))).collect();
            if !stored.iter().any(|(id, _)| *id == paper.id) {
                seen.push((paper.id.clone(), None));
            }
            gathering.papers.push(Gathered { entries, deleted, paper, keeps_text, records, absorbs, seen });
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
