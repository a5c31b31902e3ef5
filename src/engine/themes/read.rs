//! What is answered about themes: the list, one of them, what happened.

use std::time::Instant;

use roaring::RoaringBitmap;

use super::snapshot::ThemeSnapshot;
use super::view::{
    Named, OneMeta, OneTheme, PaperOrder, Related, ThemeEvents, ThemeList, ThemeOptions, ThemeOrder, ThemePaper,
    ThemesMeta, ThemesOptions, event, meta, rank, since, surety,
};
use super::{about, theme_id};
use crate::engine::answer::check_limit;
use crate::engine::corpus::check_query;
use crate::engine::themes::Themes;
use crate::error::{Error, Result};
use crate::index::dot;
use crate::paper::{Filter, Paper, PaperId, Row};
use crate::themes::levels::{FINEST, LEVELS};
use crate::vector::add;

impl Themes {
    /// The themes of a level, or of all.
    pub fn themes(&self, ask: &ThemesOptions) -> Result<ThemeList> {
        let began = Instant::now();
        let level = ask.level;
        ask.limit.map_or(Ok(()), check_limit)?;
        if let Some(level) = level.filter(|l| *l >= LEVELS) {
            return Err(Error::Invalid(format!("level is {level}; it goes from 0, the coarsest, to {FINEST}")));
        }
        if level.is_some() && ask.about.is_some() {
            return Err(Error::Invalid("give `level` or `about`, not both".into()));
        }
        let Some(snapshot) = self.snapshot_now()? else {
            let meta =
                ThemesMeta { took_ms: since(began), levels: LEVELS, sizes: vec![0; LEVELS], ..ThemesMeta::default() };
            return Ok(ThemeList { themes: Vec::new(), meta });
        };
        if let Some(wanted) = ask.about {
            return self.about(&snapshot, wanted, ask, began);
        }
        let counted = snapshot.counted();
        let mut order: Vec<usize> =
            (0..snapshot.themes.len()).filter(|t| level.is_none_or(|l| snapshot.themes[*t].level == l)).collect();
        order.sort_by_key(|t| rank(&snapshot, counted, *t));
        if ask.order == ThemeOrder::Trend {
            let surety = |t: &usize| surety(&counted.trends[*t]);
            order.sort_by(|a, b| {
                let level = |t: &usize| snapshot.themes[*t].level;
                level(a).cmp(&level(b)).then(surety(b).total_cmp(&surety(a)))
            });
        }
        let page: Vec<usize> = order.into_iter().skip(ask.offset).take(ask.limit.unwrap_or(usize::MAX)).collect();
        let themes = self.show(&snapshot, &page)?;
        Ok(ThemeList { themes, meta: meta(&snapshot, began) })
    }

    /// One theme with a page of its papers, or the papers of a search within it.
    pub fn theme(&self, id: &str, ask: &ThemeOptions) -> Result<OneTheme> {
        let began = Instant::now();
        check_limit(ask.limit)?;
        ask.filter.check()?;
        if let Some(q) = &ask.q {
            check_query(q)?;
        }
        let snapshot = self.snapshot_now()?.ok_or_else(|| Error::NotFound { what: "theme", id: id.to_string() })?;
        let parts = about::named(&snapshot, id)?;
        let counted = snapshot.counted();
        // Of one theme what lies in it; of some put together these themselves.
        let alone = Some(parts[0]).filter(|_| parts.len() == 1);
        let mut children: Vec<usize> = match alone {
            Some(theme) => (0..snapshot.themes.len()).filter(|t| snapshot.themes[*t].parent == Some(theme)).collect(),
            None => parts.clone(),
        };
        children.sort_by_key(|t| rank(&snapshot, counted, *t));
        let related = alone.iter().flat_map(|t| &snapshot.themes[*t].facts.related).filter_map(|(id, score)| {
            let t = snapshot.find(*id)?;
            let name = snapshot.themes[t].facts.name.clone();
            Some(Related { id: theme_id(*id), name, size: counted.members[t].len(), score: *score })
        });
        let mut path: Vec<Named> = alone
            .iter()
            .flat_map(|t| snapshot.upward(*t).skip(1))
            .map(|t| Named { id: theme_id(snapshot.themes[t].id), name: snapshot.themes[t].facts.name.clone() })
            .collect();
        path.reverse();
        let members = about::members_of(&snapshot, &parts);
        let members = members.iter().map(|k| snapshot.papers[*k as usize].row).collect();
        let rows = self.allowed_of(members, &ask.filter)?;
        let history = match alone {
            Some(theme) => self.store.theme_events(Some(snapshot.themes[theme].id), 100)?,
            None => Vec::new(),
        };
        Ok(OneTheme {
            theme: self.joined(&snapshot, &parts)?,
            papers: self.theme_papers(&snapshot, &rows, ask)?,
            subthemes: self.show(&snapshot, &children)?,
            related: related.collect(),
            path,
            history: history.into_iter().map(event).collect(),
            meta: OneMeta { took_ms: since(began), total: rows.len(), sort: ask.order },
        })
    }

    /// The rows of the papers that belong to a theme.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such theme (any more); [`Error::BeingMade`] before the first run.
    pub fn rows_of(&self, id: &str) -> Result<RoaringBitmap> {
        let snapshot = self.snapshot_now()?.ok_or_else(|| Error::NotFound { what: "theme", id: id.to_string() })?;
        let members = about::members_of(&snapshot, &about::named(&snapshot, id)?);
        Ok(members.iter().map(|k| snapshot.papers[*k as usize].row.0).collect())
    }

    /// The theme of a level that each of some papers belongs to, by their ids; none before the first run.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn themes_of_papers(&self, ids: &[&PaperId], level: usize) -> Result<Vec<Option<Named>>> {
        let Some(snapshot) = self.last()? else { return Ok(vec![None; ids.len()]) };
        let named = |row: Row| {
            let placed = snapshot.placed(row).filter(|placed| placed.member)?;
            let theme = &snapshot.themes[snapshot.at_level(placed.theme?, level)?];
            Some(Named { id: theme_id(theme.id), name: theme.facts.name.clone() })
        };
        Ok(self.store.rows(ids)?.into_iter().map(|row| named(row?)).collect())
    }

    /// What a theme is called.
    ///
    /// # Errors
    /// As [`Themes::rows_of`].
    pub fn name_of(&self, id: &str) -> Result<String> {
        let snapshot = self.snapshot_now()?.ok_or_else(|| Error::NotFound { what: "theme", id: id.to_string() })?;
        let parts = about::named(&snapshot, id)?;
        Ok(parts.first().map_or_else(|| id.to_string(), |theme| snapshot.themes[*theme].facts.name.clone()))
    }

    /// What happened to the themes, newest first.
    pub fn theme_events(&self, limit: usize) -> Result<ThemeEvents> {
        check_limit(limit)?;
        Ok(ThemeEvents { events: self.store.theme_events(None, limit)?.into_iter().map(event).collect() })
    }

    /// Those of some rows that a filter lets through.
    fn allowed_of(&self, mut rows: Vec<Row>, filter: &Filter) -> Result<Vec<Row>> {
        if let Some(allowed) = self.corpus.allowed(filter)? {
            rows.retain(|row| allowed.contains(row.0));
        }
        let excluded = self.corpus.excluded(filter)?;
        rows.retain(|row| !excluded.contains(row.0));
        Ok(rows)
    }

    /// A page of the papers of a theme, which are in these rows.
    fn theme_papers(&self, snapshot: &ThemeSnapshot, rows: &[Row], ask: &ThemeOptions) -> Result<Vec<ThemePaper>> {
        let space = self.corpus.space();
        let scored: Vec<(Row, Option<f32>)> = if let Some(q) = &ask.q {
            let vector = self.corpus.embed_query(&space, q)?;
            let allowed: RoaringBitmap = rows.iter().map(|r| r.0).collect();
            let wanted = ask.offset.saturating_add(ask.limit).min(rows.len());
            let found = space.search(&vector, wanted, Some((&allowed).into()))?;
            found.neighbours.into_iter().map(|n| (n.row, Some(n.score))).collect()
        } else if ask.order == PaperOrder::Central {
            let vectors = space.vectors(rows)?;
            let mut middle = vec![0f32; space.model().dimension];
            for v in vectors.iter().flatten() {
                add(&mut middle, 1.0, v);
            }
            let length = middle.iter().map(|x| x * x).sum::<f32>().sqrt().max(1e-12);
            middle.iter_mut().for_each(|x| *x /= length);
            let score = |v: &Option<Vec<f32>>| v.as_ref().map(|v| dot(v, &middle));
            let mut all: Vec<(Row, Option<f32>)> = rows.iter().zip(&vectors).map(|(r, v)| (*r, score(v))).collect();
            all.sort_by(|a, b| b.1.unwrap_or(-2.0).total_cmp(&a.1.unwrap_or(-2.0)).then(a.0.cmp(&b.0)));
            all
        } else {
            let facts = self.store.days_and_votes(rows)?;
            let mut all: Vec<(i64, i64, Row)> = rows
                .iter()
                .zip(facts)
                .map(|(row, fact)| {
                    let (day, votes) = fact.unwrap_or_default();
                    let (day, votes) = (day.map_or(i64::MIN, i64::from), i64::from(votes));
                    if ask.order == PaperOrder::Newest { (day, votes, *row) } else { (votes, day, *row) }
                })
                .collect();
            all.sort_by(|a, b| b.cmp(a));
            all.into_iter().map(|(_, _, row)| (row, None)).collect()
        };
        let page: Vec<(Row, Option<f32>)> = scored.into_iter().skip(ask.offset).take(ask.limit).collect();
        let rows: Vec<Row> = page.iter().map(|(row, _)| *row).collect();
        let scores: std::collections::HashMap<Row, Option<f32>> = page.into_iter().collect();
        let show = |(row, paper): (Row, Paper)| ThemePaper {
            score: scores.get(&row).copied().flatten(),
            strength: snapshot.placed(row).map_or(0.0, |p| p.strength),
            paper,
        };
        Ok(self.store.papers(&rows)?.into_iter().map(show).collect())
    }
}
