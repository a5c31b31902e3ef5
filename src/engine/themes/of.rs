//! Themes of a selection: the papers of a list, a filter, a search or a reader's history, grouped by themselves.

use std::collections::HashMap;
use std::time::Instant;

use serde::Serialize;
use utoipa::ToSchema;

use super::snapshot::Example;
use super::view::since;
use crate::engine::answer::SearchOptions;
use crate::engine::corpus::EmbeddingSpace;
use crate::engine::themes::Themes;
use crate::error::{Error, Result};
use crate::index::dot;
use crate::paper::{Filter, Paper, PaperId, Row, head, plain, prose};
use crate::themes::graph::Knn;
use crate::themes::levels::{self, FINEST, NONE};
use crate::themes::names;
use crate::themes::text::{PhraseCounts, PhraseFinder};
use crate::user::EventKind;
use crate::vector::add;

/// Papers at most in a selection: every pair of them is compared while the one who asked waits.
pub const MOST: usize = crate::bounds::SELECTED;

/// Which papers to group.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// These papers.
    pub papers: Vec<PaperId>,
    /// The papers that this user viewed, opened, kept or liked, and did not turn down later.
    pub user: Option<String>,
    /// The best hits for this phrase.
    pub q: Option<String>,
    /// How many hits for the phrase.
    pub hits: usize,
    /// The papers that this allows (with a phrase: among which to search).
    pub filter: Option<Filter>,
}

/// The themes of a selection.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SelectionThemes {
    /// By level, then by falling size. Ids hold within this answer only.
    pub themes: Vec<SelectionTheme>,
    /// Papers that belong to none.
    pub unassigned: Vec<Unassigned>,
    /// How it was made.
    pub meta: SelectionMeta,
}

/// A theme of a selection.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SelectionTheme {
    /// Its id within this answer.
    pub id: String,
    /// 0 is the coarsest.
    pub level: usize,
    /// The theme one level up that it lies in.
    pub parent: Option<String>,
    /// What it is called.
    pub name: String,
    /// Its most telling words and phrases.
    pub terms: Vec<String>,
    /// Papers that belong to it.
    pub size: usize,
    /// Their ids, the most central first.
    pub papers: Vec<String>,
    /// Its most central papers.
    pub examples: Vec<Example>,
}

/// A paper that belongs to no theme.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Unassigned {
    /// Its id.
    pub id: String,
    /// The finest theme it is nearest to; null where none is near.
    pub nearest: Option<String>,
    /// How near, 0 to 1.
    pub strength: f32,
}

/// How a selection was grouped.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SelectionMeta {
    /// Milliseconds inside the engine.
    pub took_ms: f64,
    /// Papers grouped.
    pub papers: usize,
    /// Themes of each level, coarsest first. A level that would only repeat the one above is left out.
    pub sizes: Vec<usize>,
}

impl Themes {
    /// Groups just some papers.
    pub fn themes_of(&self, selection: &Selection) -> Result<SelectionThemes> {
        let began = Instant::now();
        let space = self.corpus.space();
        let rows = self.selected(&space, selection)?;
        let found = space.vectors(&rows)?;
        let papers = self.store.papers(&rows)?;
        let known: HashMap<Row, Paper> = papers.into_iter().collect();
        let mut chosen: Vec<(&Paper, Vec<f32>)> = Vec::with_capacity(rows.len());
        for (row, vector) in rows.iter().zip(found) {
            if let (Some(paper), Some(vector)) = (known.get(row), vector) {
                chosen.push((paper, vector));
            }
        }
        let d = space.model().dimension;
        let flat: Vec<f32> = chosen.iter().flat_map(|(_, v)| v.iter().copied()).collect();
        let knn = Knn::exact(&flat, d, super::NEIGHBOURS);
        let grouping = levels::group(&knn, 1, None);
        let finest = grouping.themes(FINEST);
        let words = PhraseFinder::default();
        let mut members: Vec<Vec<usize>> = vec![Vec::new(); finest];
        (0..chosen.len()).filter(|i| grouping.member[*i]).for_each(|i| members[grouping.nearest[i] as usize].push(i));
        let texts: Vec<_> = chosen.iter().map(|(paper, _)| (prose(&paper.title), prose(&paper.summary))).collect();
        let text = |i: &usize| (&*texts[*i].0, &*texts[*i].1);
        let counts: Vec<PhraseCounts> = members.iter().map(|m| PhraseCounts::of(&words, m.iter().map(text))).collect();
        let sizes: Vec<usize> = members.iter().map(Vec::len).collect();
        let central: Vec<Vec<Vec<usize>>> = (0..levels::LEVELS)
            .map(|l| (0..grouping.themes(l)).map(|t| by_centrality(&chosen, &grouping, l, t as u32)).collect())
            .collect();
        let fallback = |l: usize, t: usize| {
            central[l][t].first().map(|i| head(plain(&chosen[*i].0.title).trim(), 60)).unwrap_or_default()
        };
        // A level with as many themes as the one above is the same grouping again.
        let kept: Vec<usize> =
            (0..levels::LEVELS).filter(|l| *l == 0 || grouping.themes(*l) > grouping.themes(*l - 1)).collect();
        let trees: Vec<Vec<u32>> = kept.iter().map(|l| grouping.levels[*l].clone()).collect();
        let named = names::name_all(&counts, &sizes, &trees, &|_, _| None, &|l, t| fallback(kept[l], t));
        let id = |l: usize, t: u32| format!("s{l}.{t}");
        let mut themes = Vec::new();
        for (l, level) in kept.iter().enumerate() {
            for (t, name) in named[l].iter().enumerate() {
                let papers = &central[*level][t];
                let child = grouping.levels[*level].iter().position(|x| *x as usize == t);
                let parent = child.filter(|_| l > 0).map(|c| id(l - 1, grouping.levels[kept[l - 1]][c]));
                let example =
                    |i: &usize| Example { id: chosen[*i].0.id.to_string(), title: chosen[*i].0.title.clone() };
                themes.push(SelectionTheme {
                    id: id(l, t as u32),
                    level: l,
                    parent,
                    name: name.name.clone(),
                    terms: name.terms.iter().map(|(term, _)| term.clone()).collect(),
                    size: papers.len(),
                    papers: papers.iter().map(|i| chosen[*i].0.id.to_string()).collect(),
                    examples: papers.iter().take(3).map(example).collect(),
                });
            }
        }
        themes.sort_by(|a, b| a.level.cmp(&b.level).then(b.size.cmp(&a.size)));
        let finest_kept = kept.iter().rposition(|l| grouping.themes(*l) == finest).unwrap_or(0);
        let unassigned = (0..chosen.len())
            .filter(|i| !grouping.member[*i])
            .map(|i| Unassigned {
                id: chosen[i].0.id.to_string(),
                nearest: Some(grouping.nearest[i])
                    .filter(|t| *t != NONE)
                    .map(|t| id(finest_kept, grouping.levels[kept[finest_kept]][t as usize])),
                strength: grouping.strength[i],
            })
            .collect();
        let sizes = kept.iter().map(|l| grouping.themes(*l)).collect();
        Ok(SelectionThemes {
            themes,
            unassigned,
            meta: SelectionMeta { took_ms: since(began), papers: chosen.len(), sizes },
        })
    }

    /// The rows of a selection, each once, in order.
    fn selected(&self, space: &EmbeddingSpace, selection: &Selection) -> Result<Vec<Row>> {
        let mut rows: Vec<Row> = self.corpus.rows_of_all_named(&selection.papers)?;
        if let Some(user) = &selection.user {
            rows.extend(self.liked_by(user)?);
        }
        if let Some(q) = &selection.q {
            let filter = selection.filter.clone().unwrap_or_default();
            rows.extend(self.best_hits(space, q, selection.hits, filter)?);
        } else if let Some(filter) = &selection.filter {
            filter.check()?;
            let allowed = self.corpus.allowed(filter)?.unwrap_or_else(|| space.rows());
            let excluded = self.corpus.excluded(filter)?;
            if allowed.len() > MOST as u64 {
                return Err(too_many(allowed.len() as usize));
            }
            rows.extend((allowed - excluded).iter().map(Row));
        } else if selection.papers.is_empty() && selection.user.is_none() {
            return Err(Error::Invalid("nothing is selected: give papers, a filter, a query or a user".into()));
        }
        let mut seen = std::collections::HashSet::new();
        rows.retain(|r| seen.insert(*r));
        // Of the versions of a work only the newest of the selection.
        let all = super::bitmap(rows.iter().copied());
        let versions = self.corpus.versions();
        rows.retain(|r| versions.is_representative(*r, Some(&all)));
        drop(versions);
        if rows.len() > MOST {
            return Err(too_many(rows.len()));
        }
        Ok(rows)
    }

    /// The papers of a user's history that speak for what they like; those that are gone are passed over.
    fn liked_by(&self, user: &str) -> Result<Vec<Row>> {
        let history = self.store.history(self.store.user(user)?.number)?;
        // The last word on each paper, in the order in which they were said.
        let last: HashMap<&PaperId, usize> = history.iter().enumerate().map(|(k, e)| (&e.paper, k)).collect();
        let against =
            |kind| matches!(kind, EventKind::Dislike | EventKind::Dismiss | EventKind::Unsave | EventKind::Clear);
        let spoken = history.iter().enumerate().filter(|(k, e)| last[&e.paper] == *k && !against(e.kind));
        let ids: Vec<&PaperId> = spoken.map(|(_, e)| &e.paper).collect();
        Ok(self.store.rows(&ids)?.into_iter().flatten().collect())
    }

    /// The rows of the best hits for a phrase, the best first; 1 to 5,000 of them.
    pub(super) fn best_hits(&self, space: &EmbeddingSpace, q: &str, hits: usize, filter: Filter) -> Result<Vec<Row>> {
        if !(1..=MOST).contains(&hits) {
            return Err(Error::Invalid(format!("limit is {hits}; it goes from 1 to {MOST}")));
        }
        let mut ids: Vec<PaperId> = Vec::new();
        // The same search as everywhere, page by page.
        while ids.len() < hits {
            let limit = (hits - ids.len()).min(500);
            let ask = SearchOptions { limit, offset: ids.len(), filter: filter.clone(), ..SearchOptions::default() };
            let page = self.corpus.search_in(space, q, &ask)?.papers;
            let got = page.len();
            ids.extend(page.into_iter().map(|h| h.paper.id));
            if got < limit {
                break;
            }
        }
        let ids: Vec<&PaperId> = ids.iter().collect();
        Ok(self.store.rows(&ids)?.into_iter().flatten().collect())
    }
}

fn too_many(n: usize) -> Error {
    Error::Invalid(format!("{n} papers are selected; at most {MOST} can be grouped in one call"))
}

/// The papers of a theme, those closest to its middle first.
fn by_centrality(chosen: &[(&Paper, Vec<f32>)], grouping: &levels::Grouping, level: usize, theme: u32) -> Vec<usize> {
    let own: Vec<usize> = (0..chosen.len()).filter(|i| grouping.theme(level, *i) == Some(theme)).collect();
    let mut middle = vec![0f32; chosen.first().map_or(0, |(_, v)| v.len())];
    for i in &own {
        add(&mut middle, 1.0, &chosen[*i].1);
    }
    let mut scored: Vec<(f32, usize)> = own.into_iter().map(|i| (dot(&chosen[i].1, &middle), i)).collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    scored.into_iter().map(|(_, i)| i).collect()
}
