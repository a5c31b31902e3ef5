//! One paper of what several sources say of it.
//!
//! What each source says is kept as it came (a *record*), and the paper is a function of its records and of nothing else: it does
//! not matter in which order they came, and a source that is asked again changes nothing. Which records are of one paper is
//! decided in [`same`], when they come in in [`gather`].
//!
//! Field by field the best source counts that says something:
//!
//! | fields | order |
//! |---|---|
//! | title, abstract, authors, date, categories, keywords, url | arXiv (OAI-PMH, then RSS), bioRxiv and medRxiv, repositories, Europe PMC, Crossref, OpenAlex, Semantic Scholar, Zotero, files, daily lists, feeds |
//! | venue, organization, DOI, publication type | Crossref, Europe PMC, OpenAlex, Semantic Scholar, then the others in the order above |
//! | votes, comments, who listed it and when, its code and page | daily lists, then the others in the order above |
//!
//! So the server that has the preprint speaks for its text, and whoever registers DOIs for where it was published. Of two
//! sources of one kind the one counts that is in the settings, then the one whose name is first. What was given by hand counts
//! until the source that would count else says something new. What says that a paper was taken back counts whoever says it.
//!
//! One thing is decided when a record comes: a record that has nothing but a title, and whose title several papers have, is a paper
//! of its own, and two papers that each have an arXiv id, or a DOI of an article, stay two whatever a third record says.

mod gather;
mod same;

use std::collections::{BTreeSet, HashSet};

use serde_json::{Map, Value};

use crate::config::SourceKind;
use crate::engine::corpus::Corpus;
use crate::paper::{Identifier, Paper, Retirement, is_of_a_preprint};
use crate::store::{BY_HAND, SourceRecord};

pub use gather::{Gathered, Gathering, Origin};

/// Which fields a source is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Field {
    Text,
    Publication,
    Listing,
}

/// Fields of publishers and of daily lists among those that no paper has by itself.
const PUBLICATION: [&str; 3] = ["doi", "published_doi", "type"];
const LISTING: [&str; 3] = ["github", "project_page", "stars"];

/// The fields of a paper that are texts, numbers or lists of texts, and who is asked for each.
const FIELDS: [(&str, Field); 13] = [
    ("title", Field::Text),
    ("abstract", Field::Text),
    ("authors", Field::Text),
    ("date", Field::Text),
    ("categories", Field::Text),
    ("keywords", Field::Text),
    ("url", Field::Text),
    ("venue", Field::Publication),
    ("organization", Field::Publication),
    ("upvotes", Field::Listing),
    ("comments", Field::Listing),
    ("submitted_by", Field::Listing),
    ("listed", Field::Listing),
];

/// The place of a kind in the order of those who speak for a field: the least counts.
fn rank(kind: &str, field: Field) -> usize {
    use SourceKind::*;
    const TEXT: [SourceKind; 13] = [
        Arxiv,
        ArxivRss,
        Biorxiv,
        Medrxiv,
        OaiPmh,
        EuropePmc,
        Crossref,
        Openalex,
        SemanticScholar,
        Zotero,
        Files,
        DailyPapers,
        Feed,
    ];
    let first: &[SourceKind] = match field {
        Field::Text => &[],
        Field::Publication => &[Crossref, EuropePmc, Openalex, SemanticScholar],
        Field::Listing => &[DailyPapers],
    };
    first.iter().chain(&TEXT).position(|known| known.name() == kind).unwrap_or(usize::MAX)
}

/// The paper that some records make, at least one. `configured` says whether a source is in the settings.
fn merged(records: &[SourceRecord], configured: &dyn Fn(&str) -> bool) -> Paper {
    let mut live: Vec<&SourceRecord> = records.iter().filter(|r| !r.gone).collect();
    let all_gone = live.is_empty();
    if all_gone {
        live = records.iter().collect();
    }
    // What it is known by, it is known by also when a source has taken it away.
    let all: Vec<&SourceRecord> = records.iter().collect();
    let id = id_of(&all, configured);
    let retirement = retirement(&live, all_gone);
    if let ([only], [_]) = (&live[..], &all[..])
        && only.paper.id.as_str() == id
        && only.paper.retirement() == retirement
    {
        return only.paper.clone();
    }
    let mut paper = Map::new();
    paper.insert("id".into(), id.into());
    let values: Vec<(&SourceRecord, Value)> =
        live.iter().map(|r| (*r, serde_json::to_value(&r.paper).unwrap_or_default())).collect();
    let mut put = |name: &str, field: Field, path: &dyn Fn(&Value) -> Option<Value>| {
        if let Some(value) = best(&values, field, configured, path) {
            paper.insert(name.to_string(), value);
        }
    };
    for (name, field) in FIELDS {
        put(name, field, &|paper| paper.get(name).filter(|value| says_something(value)).cloned());
    }
    let mut others: Vec<String> = Vec::new();
    for (_, value) in &values {
        let fields = value.get("extra").and_then(Value::as_object);
        others.extend(fields.into_iter().flat_map(|fields| fields.keys().cloned()));
    }
    others.sort_unstable();
    others.dedup();
    let mut extra = Map::new();
    for name in others.iter().filter(|name| !matches!(name.as_str(), "status" | "is_retracted" | "identifiers")) {
        let field = match name.as_str() {
            name if PUBLICATION.contains(&name) => Field::Publication,
            name if LISTING.contains(&name) => Field::Listing,
            _ => Field::Text,
        };
        let of = |paper: &Value| paper.get("extra")?.get(name).filter(|value| says_something(value)).cloned();
        if let Some(value) = best(&values, field, configured, &of) {
            extra.insert(name.clone(), value);
        }
    }
    match retirement {
        Some(retirement) => drop(extra.insert("status".into(), retirement.word().into())),
        None => {
            let of = |paper: &Value| paper.get("extra")?.get("status").filter(|value| says_something(value)).cloned();
            extra.extend(best(&values, Field::Text, configured, &of).map(|status| ("status".to_string(), status)));
        }
    }
    let made = |extra: &Map<String, Value>| {
        let fields = (!extra.is_empty()).then(|| ("extra".to_string(), Value::Object(extra.clone())));
        let all = paper.iter().map(|(name, value)| (name.clone(), value.clone())).chain(fields).collect();
        // What made each of the records a paper makes this one: a title is there, and nothing is longer than in one of them.
        Paper::from_json(Value::Object(all)).unwrap_or_else(|_| live[0].paper.clone())
    };
    let whole = made(&extra);
    // By whatever anybody knows it, it stays known.
    let known: HashSet<String> = whole.identifiers().iter().map(|found| found.key().to_string()).collect();
    let further: BTreeSet<String> = all
        .iter()
        .flat_map(|record| record.paper.identifiers())
        .map(|found| found.key().to_string())
        .filter(|key| !known.contains(key))
        .collect();
    if further.is_empty() {
        return whole;
    }
    extra.insert("identifiers".into(), further.into_iter().collect());
    made(&extra)
}

/// What counts of a field.
fn best(
    values: &[(&SourceRecord, Value)],
    field: Field,
    configured: &dyn Fn(&str) -> bool,
    of: &dyn Fn(&Value) -> Option<Value>,
) -> Option<Value> {
    let said = || values.iter().filter_map(|(record, paper)| Some((*record, of(paper)?)));
    let by_source = said().filter(|(r, _)| r.source != BY_HAND).min_by(|(a, _), (b, _)| {
        let order = |r: &SourceRecord| (rank(&r.kind, field), !configured(&r.source));
        order(a).cmp(&order(b)).then_with(|| (&a.source, &a.key).cmp(&(&b.source, &b.key)))
    });
    let by_hand = said().filter(|(r, _)| r.source == BY_HAND).min_by(|(a, _), (b, _)| a.key.cmp(&b.key));
    match (by_source, by_hand) {
        (Some((source, _)), Some((hand, value))) if hand.since > source.since => Some(value),
        (Some((_, value)), _) => Some(value),
        (None, hand) => hand.map(|(_, value)| value),
    }
}

fn says_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(values) => !values.is_empty(),
        _ => true,
    }
}

/// The id: that of the paper given by hand, else the best identifier that a record has, else the name that the best source has
/// for it. A preprint keeps its own when it is published.
fn id_of(all: &[&SourceRecord], configured: &dyn Fn(&str) -> bool) -> String {
    if let Some(hand) = all.iter().filter(|r| r.source == BY_HAND).map(|r| &r.key).min() {
        return hand.clone();
    }
    let mut best: Option<(IdRank<'_>, String)> = None;
    for record in all {
        let own = Identifier::parse(record.paper.id.as_str()).map(|found| found.key().to_string());
        let source = (rank(&record.kind, Field::Text), !configured(&record.source), record.key.as_str());
        let mut offer = |scheme: usize, id: String| {
            let offered = (scheme, source);
            if best.as_ref().is_none_or(|(known, known_id)| (&offered, &id) < (known, known_id)) {
                best = Some((offered, id));
            }
        };
        if own.is_none() {
            offer(usize::MAX, record.paper.id.to_string());
        }
        for found in record.paper.identifiers() {
            offer(scheme(found.key()), found.key().to_string());
        }
    }
    best.map(|(_, id)| id).unwrap_or_else(|| all[0].paper.id.to_string())
}

type IdRank<'a> = (usize, (usize, bool, &'a str));

/// Which identifier is a better id: the least.
fn scheme(key: &str) -> usize {
    match key.split_once(':') {
        Some(("arxiv", _)) => 0,
        Some(("doi", doi)) if is_of_a_preprint(doi) => 1,
        Some(("doi", _)) => 2,
        Some(("pmid", _)) => 3,
        Some(("pmcid", _)) => 4,
        Some(("acl", _)) => 5,
        Some(("openreview", _)) => 6,
        _ => 7,
    }
}

/// That one who says so is enough, and a retraction is the graver word; also where everybody has taken it away.
fn retirement(live: &[&SourceRecord], all_gone: bool) -> Option<Retirement> {
    let said: Vec<Retirement> = live.iter().filter_map(|r| r.paper.retirement()).collect();
    match said.contains(&Retirement::Retracted) {
        true => Some(Retirement::Retracted),
        false => (all_gone || !said.is_empty()).then_some(Retirement::Withdrawn),
    }
}

impl Corpus {
    /// The paper that some records make, with the sources of the settings.
    pub(super) fn merged(&self, records: &[SourceRecord]) -> Paper {
        merged(records, &|name| self.config().sources.iter().any(|source| source.name == name))
    }
}

#[cfg(test)]
mod tests;
