//! Which papers match a search under its conditions, and what these have in common, counted.

use std::cell::OnceCell;
use std::collections::HashMap;

use roaring::RoaringBitmap;

use super::matches::Matcher;
use super::{Corpus, EmbeddingSpace};
use crate::bounds;
use crate::engine::answer::{Facet, FacetValue, Facets, Mode, SearchOptions};
use crate::error::{Error, Result};
use crate::paper::{Filter, Paper, PaperDate, Row, unaccented};
use crate::store::{Column, Counted};

/// Papers that match.
#[derive(Clone)]
pub struct Matching {
    pub rows: RoaringBitmap,
    /// Whether these are all.
    pub all: bool,
}

/// What matches one query, under whichever conditions somebody asks.
pub struct MatchingUnder<'a> {
    corpus: &'a Corpus,
    space: &'a EmbeddingSpace,
    matcher: &'a Matcher,
    ask: &'a SearchOptions,
    /// What matches without the conditions that facets are of.
    widest: OnceCell<Matching>,
}

impl<'a> MatchingUnder<'a> {
    pub fn new(corpus: &'a Corpus, space: &'a EmbeddingSpace, matcher: &'a Matcher, ask: &'a SearchOptions) -> Self {
        MatchingUnder { corpus, space, matcher, ask, widest: OnceCell::new() }
    }

    /// The papers that match and meet a filter, which differs from the one that was asked for in conditions of facets alone.
    pub fn filter(&self, filter: &Filter) -> Result<Matching> {
        let asked = &self.ask.filter;
        let widest = match self.widest.get() {
            Some(widest) => widest,
            None => {
                let (organizations, exclude) = (asked.organizations.clone(), asked.exclude.clone());
                let wide = Filter { organizations, exclude, ..Filter::default() };
                let matching = self.look(&wide)?;
                self.widest.get_or_init(|| matching)
            }
        };
        // Whether a paper matches does not depend on the conditions. Where not all were found, more of those that meet them are
        // found among them alone.
        if !widest.all {
            return self.look(filter);
        }
        let allowed = self.corpus.allowed(filter)?;
        let rows = allowed.map_or_else(|| widest.rows.clone(), |allowed| allowed & &widest.rows);
        Ok(Matching { rows, all: true })
    }

    fn look(&self, filter: &Filter) -> Result<Matching> {
        let Self { corpus, space, matcher, ask, .. } = self;
        let mut among = corpus.lexical().rows();
        if let Some(allowed) = corpus.allowed(filter)? {
            among &= allowed;
        }
        if !ask.versions {
            among -= corpus.versions().superseded_rows(None);
        }
        among -= corpus.excluded(filter)?;
        if let Some(only) = matcher.only() {
            among &= only;
        }
        let (mut rows, all) = match matcher.words().filter(|_| ask.mode == Mode::Lexical) {
            // Without words that say anything its conditions decide, as in the search.
            Some(words) if words.is_empty() => {
                (matcher.only().map_or_else(RoaringBitmap::new, |_| among.clone()), true)
            }
            Some(words) => (corpus.lexical().holding(words)? & &among, true),
            None if matcher.is_of_conditions() => (among.clone(), true),
            None => {
                let (found, all) = corpus.matching_or_best(space, matcher, &among)?;
                (found.iter().map(|f| f.row.0).collect(), all)
            }
        };
        rows.extend(matcher.named().iter().map(|row| row.0).filter(|row| among.contains(*row)));
        Ok(Matching { rows, all })
    }
}

impl Corpus {
    /// Counts what some facets ask for, each under all conditions but its own; `matching` is what matches under all of them.
    pub(super) fn count_facets(
        &self,
        facets: &[Facet],
        under: &MatchingUnder<'_>,
        matching: &Matching,
    ) -> Result<Facets> {
        let filter = &under.ask.filter;
        let mut counts = Facets::default();
        for facet in facets {
            let others = without(*facet, filter);
            let wider = if others == *filter { None } else { Some(under.filter(&others)?) };
            let rows = &wider.as_ref().unwrap_or(matching).rows;
            match facet {
                Facet::Year => counts.year = Some(self.years(rows, filter)?),
                Facet::Category => counts.category = Some(self.values(Column::Category, rows, &filter.categories)?),
                Facet::Author => counts.author = Some(self.values(Column::Author, rows, &filter.authors)?),
                Facet::Source => counts.source = Some(self.values(Column::Source, rows, &filter.sources)?),
                Facet::Theme => {
                    let groups = self.groups();
                    let among = |groups: std::sync::Arc<dyn super::Groups>| {
                        groups.groups_among(rows, &filter.themes, bounds::FACET_VALUES)
                    };
                    counts.theme = match groups.map(among).transpose() {
                        // They come with a later search.
                        Err(Error::BeingMade { .. }) => None,
                        themes => themes?,
                    };
                }
            }
        }
        Ok(counts)
    }

    fn years(&self, rows: &RoaringBitmap, filter: &Filter) -> Result<Vec<FacetValue>> {
        let asked = filter.from.as_ref().zip(filter.to.as_ref()).map(|(f, t)| (f.first_day(), t.last_day()));
        let value = |counted: Counted| {
            let year = PaperDate::parse(&counted.value).ok().map(|year| (year.first_day(), year.last_day()));
            FacetValue {
                chosen: asked.is_some() && asked == year,
                count: counted.papers as usize,
                value: counted.value,
                name: None,
            }
        };
        let years = self.store.values_among(Column::Year, rows, bounds::FACET_YEARS)?;
        Ok(years.into_iter().map(value).collect())
    }

    /// The values of a column, as they are written in one of their papers, and those that were chosen.
    fn values(&self, column: Column, rows: &RoaringBitmap, chosen: &[String]) -> Result<Vec<FacetValue>> {
        let counted = self.store.values_among(column, rows, bounds::FACET_VALUES)?;
        let folded: Vec<String> = counted.iter().map(|c| c.value.clone()).collect();
        let mut values = self.as_written(column, counted)?;
        let fold = |name: &String| if column == Column::Source { name.clone() } else { unaccented(name) };
        let mut added: Vec<String> = Vec::new();
        for name in chosen {
            let own = fold(name);
            if let Some(place) = folded.iter().position(|value| *value == own) {
                values[place].chosen = true;
            } else if !added.contains(&own) {
                let one = |wanted: Column| if wanted == column { vec![name.clone()] } else { Vec::new() };
                let (categories, authors, sources) = (one(Column::Category), one(Column::Author), one(Column::Source));
                let allowed = self.store.allowed(&Filter { categories, authors, sources, ..Filter::default() })?;
                let allowed = allowed.unwrap_or_default();
                let papers = allowed.intersection_len(rows);
                // Any paper that has it says how it is written.
                let one = allowed.min().map(|row| Counted { value: own.clone(), papers, row: Row(row) });
                let written =
                    one.map(|one| self.as_written(column, vec![one])).transpose()?.and_then(|mut all| all.pop());
                let as_typed = || FacetValue { value: name.clone(), name: None, count: papers as usize, chosen: true };
                values.push(written.map_or_else(as_typed, |value| FacetValue { chosen: true, ..value }));
                added.push(own);
            }
        }
        Ok(values)
    }

    /// Names as papers have them, for those that filters compare.
    pub(super) fn as_written(&self, column: Column, counted: Vec<Counted>) -> Result<Vec<FacetValue>> {
        let papers: HashMap<Row, Paper> = match column {
            Column::Category | Column::Author => {
                self.store.papers(&counted.iter().map(|c| c.row).collect::<Vec<_>>())?.into_iter().collect()
            }
            Column::Year | Column::Source => HashMap::new(),
        };
        let value = |counted: Counted| {
            let names = papers.get(&counted.row).map(|paper| match column {
                Column::Author => &paper.authors,
                _ => &paper.categories,
            });
            let written = names.into_iter().flatten().find(|name| unaccented(name) == counted.value).cloned();
            FacetValue {
                count: counted.papers as usize,
                value: written.unwrap_or(counted.value),
                name: None,
                chosen: false,
            }
        };
        Ok(counted.into_iter().map(value).collect())
    }
}

/// A filter without the conditions that a facet is of.
fn without(facet: Facet, filter: &Filter) -> Filter {
    let mut others = filter.clone();
    match facet {
        Facet::Year => (others.from, others.to) = (None, None),
        Facet::Category => others.categories.clear(),
        Facet::Author => others.authors.clear(),
        Facet::Source => others.sources.clear(),
        Facet::Theme => others.themes.clear(),
    }
    others
}
