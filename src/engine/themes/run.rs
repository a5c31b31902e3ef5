//! A run: all papers grouped, named and laid out anew, growing out of the themes that were there.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use rayon::prelude::*;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::centres::{BLOCK, Centres};
use super::snapshot::{Assignment, RunFacts, SnapshotTheme, ThemeFacts, ThemeSnapshot};
use super::{NAMING, State, theme_id};
use crate::cancel;
use crate::engine::corpus::EmbeddingSpace;
use crate::engine::themes::Themes;
use crate::error::{Error, Result};
use crate::index::behind_requests;
use crate::paper::{Row, head, plain, prose};
use crate::store::{StoredAssignment, StoredRun, StoredThemeEvent};
use crate::themes::graph::Knn;
use crate::themes::layout::{self, Moves, Place};
use crate::themes::levels::{self, FINEST, Grouping, LEVELS, NONE, Start};
use crate::themes::lineage::{self, Event, Lineage};
use crate::themes::names::{self, Name};
use crate::themes::text::{PhraseCounts, PhraseFinder};
use crate::user::Moment;

/// The seed of every run.
const SEED: u64 = 1;

/// Papers of a finest theme that are read for its name.
const READ: usize = 80;

/// A theme keeps its name while it shares at least this part of its papers with what it was.
const KEEPS_NAME: f64 = 0.5;

/// The resolutions of the run before are kept while the corpus is about as large.
const SAME_SIZE: f64 = 0.25;

/// What a run did.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ThemesRun {
    /// Its number.
    pub run: u64,
    /// Papers grouped.
    pub papers: usize,
    /// Themes of each level, coarsest first.
    pub themes: Vec<usize>,
    /// Papers that belong to none.
    pub unassigned: usize,
    /// What happened since the run before.
    pub events: usize,
    /// The share of papers that were in a finest theme before and after and are in the same one; none in a first run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stayed: Option<f64>,
    /// Seconds for the neighbours, the grouping, names and map, and writing it all down.
    pub took_s: Vec<f64>,
}

/// A run that nobody else knows of yet.
struct Made {
    snapshot: ThemeSnapshot,
    events: Vec<StoredThemeEvent>,
    /// All but the seconds.
    report: ThemesRun,
    /// When each step was done, from the beginning on.
    took: Vec<Duration>,
}

impl Themes {
    /// Groups, names and lays out all papers. Themes that were there carry on under their ids and names where enough of
    /// their papers stay together; `afresh` forgets them. Searches and ingests go on meanwhile.
    pub fn run_themes(&self, afresh: bool) -> Result<ThemesRun> {
        let _running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        self.run(afresh)
    }

    /// A run, unless somebody else made one just now.
    pub(super) fn run_themes_if_due(&self) -> Result<Option<ThemesRun>> {
        let _running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if self.themes_due()? { self.run(false).map(Some) } else { Ok(None) }
    }

    fn run(&self, afresh: bool) -> Result<ThemesRun> {
        let began = Instant::now();
        let before = self.snapshot_of_all()?;
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let asked = cancel::current();
        let made = behind_requests(threads, || asked.scope(|| self.make(before.as_deref(), afresh, began)));
        let Made { snapshot, events, report, mut took } = made??;
        let stored: Vec<StoredAssignment> = snapshot.papers.iter().map(|p| snapshot.stored(p)).collect();
        {
            // Papers that joined the old snapshot while this one was made are missing here; whoever keeps the themes lets them in.
            // Not on a thread that gives way: requests may be waiting for the lock.
            let mut state = self.snapshot.write().unwrap_or_else(PoisonError::into_inner);
            self.store.put_theme_run(&snapshot.run, &snapshot.stored_themes()?, &stored, &events)?;
            *state = State::Made(Arc::new(snapshot));
            self.fall_behind();
        }
        took.push(began.elapsed());
        let steps = std::iter::once(Duration::ZERO).chain(took.iter().copied()).zip(&took);
        let took_s: Vec<f64> =
            steps.map(|(before, at)| ((*at - before).as_secs_f64() * 1000.0).round() / 1000.0).collect();
        tracing::info!(
            "themes of {} papers: {:?} at the levels, {} papers in none, {} events; {took_s:?} s",
            report.papers,
            report.themes,
            report.unassigned,
            report.events
        );
        Ok(ThemesRun { took_s, ..report })
    }

    /// All of a run but keeping it.
    fn make(&self, before: Option<&ThemeSnapshot>, afresh: bool, began: Instant) -> Result<Made> {
        let base = before.filter(|_| !afresh);
        let change = self.store.change()?;
        let space = self.corpus.space();
        let (rows, knn) = self.neighbour_lists(&space)?;
        cancel::check()?;
        let near = began.elapsed();
        let start = base.map(|p| start_of(p, &rows));
        let grouping = levels::group(&knn, SEED, start.as_ref());
        let lineages = compare(base, &rows, &grouping);
        let grouped = began.elapsed();
        let centres = Centres::of(&space, &rows, &grouping)?;
        cancel::check()?;
        let (places, named) = rayon::join(
            || self.lay_out(&space, base, &rows, &knn, &centres),
            || self.name(base, &rows, &grouping, &lineages, &centres),
        );
        let (places, named) = (places?, cancel::check().and(named)?);
        let drawn = began.elapsed();
        // From here on it is kept whole, or not at all.
        let now = Moment::now().0.div_euclid(1_000_000);
        let number = before.map_or(0, |p| p.run.run) + 1;
        let mut next = before.map_or(1, |p| p.run.next);
        let themes = known(base, &grouping, &lineages, &centres, &named, now, &mut next);
        let events = told(base, before.filter(|_| afresh), &themes, &lineages, number, now);
        let days = self.store.days_and_votes(&rows)?;
        let offset = themes.iter().filter(|t| t.level < FINEST).count() as u32;
        let placed: Vec<Assignment> = (0..rows.len())
            .map(|i| Assignment {
                row: rows[i],
                theme: Some(grouping.nearest[i]).filter(|t| *t != NONE).map(|t| t + offset),
                member: grouping.member[i],
                strength: grouping.strength[i],
                at: places[i],
                day: days[i].and_then(|d| d.0),
            })
            .collect();
        let facts = RunFacts {
            naming: NAMING,
            resolutions: grouping.resolutions,
            last_row: rows.last().map_or(0, |row| row.0),
        };
        let json = serde_json::to_string(&facts).map_err(|e| Error::Internal(format!("a run: {e}")))?;
        let run = StoredRun {
            run: number,
            change,
            papers: rows.len(),
            model: space.model().fingerprint.clone(),
            at: now,
            next,
            json,
        };
        let snapshot = ThemeSnapshot::new(run, facts, themes, placed);
        let report = ThemesRun {
            run: number,
            papers: rows.len(),
            themes: (0..LEVELS).map(|l| grouping.themes(l)).collect(),
            unassigned: grouping.member.iter().filter(|m| !**m).count(),
            events: events.len(),
            stayed: base.and_then(|b| snapshot.stayed_since(b)),
            took_s: Vec::new(),
        };
        Ok(Made { snapshot, events, report, took: vec![near, grouped, drawn] })
    }

    fn lay_out(
        &self,
        space: &EmbeddingSpace,
        base: Option<&ThemeSnapshot>,
        rows: &[Row],
        knn: &Knn,
        centres: &Centres,
    ) -> Result<Vec<Place>> {
        let known: Vec<Option<Place>> =
            rows.iter().map(|row| base.and_then(|b| b.placed(*row)).map(|p| p.at)).collect();
        let old = known.iter().flatten().count();
        if 2 * old > rows.len() {
            let place = |(i, at): (usize, &Option<Place>)| {
                at.or_else(|| layout::between(knn.of(i).filter_map(|(j, s)| Some((known[j]?, s))))).unwrap_or_default()
            };
            let places = known.iter().enumerate().map(place).collect();
            return Ok(layout::lay_out(knn, places, &Moves::onward()));
        }
        let mut places: Vec<Place> = vec![[0.0; 2]; rows.len()];
        if let Some(plane) = layout::components(centres.finest(), centres.dimension, &centres.weights()) {
            places.par_chunks_mut(BLOCK).zip(rows.par_chunks(BLOCK)).try_for_each(|(places, rows)| {
                for (place, vector) in places.iter_mut().zip(space.vectors(rows)?) {
                    *place = vector.map(|v| plane.place(&v)).unwrap_or_default();
                }
                Ok::<(), Error>(())
            })?;
        }
        layout::spread(&mut places);
        Ok(layout::lay_out(knn, places, &Moves::anew(rows.len())))
    }

    /// The names of all themes, from the words of some papers of each.
    fn name(
        &self,
        base: Option<&ThemeSnapshot>,
        rows: &[Row],
        grouping: &Grouping,
        lineages: &[Compared],
        centres: &Centres,
    ) -> Result<Vec<Vec<Name>>> {
        let words = PhraseFinder::default();
        let finest = grouping.themes(FINEST);
        let mut members: Vec<Vec<Row>> = vec![Vec::new(); finest];
        for i in (0..rows.len()).filter(|i| grouping.member[*i]) {
            members[grouping.nearest[i] as usize].push(rows[i]);
        }
        let sizes: Vec<usize> = members.iter().map(Vec::len).collect();
        let read = |members: &Vec<Row>| -> Result<PhraseCounts> {
            // Spread over the whole theme, old papers and new.
            let step = (members.len() as f64 / READ as f64).max(1.0);
            let some = (0..members.len().min(READ)).map(|k| members[(k as f64 * step) as usize]);
            let papers = self.store.papers(&some.collect::<Vec<_>>())?;
            let texts: Vec<_> = papers.iter().map(|(_, p)| (prose(&p.title), prose(&p.summary))).collect();
            Ok(PhraseCounts::of(&words, texts.iter().map(|(title, summary)| (&**title, &**summary))))
        };
        let counts: Vec<PhraseCounts> = members.par_iter().map(read).collect::<Result<_>>()?;
        // Names that were made by other rules go.
        let base = base.filter(|b| b.facts.naming == NAMING);
        let kept = |l: usize, t: usize| {
            let heir = lineages[l].lineage.heir_of[t].filter(|_| lineages[l].lineage.likeness[t] >= KEEPS_NAME)?;
            Some(base?.themes[lineages[l].before[heir as usize]].facts.name.clone())
        };
        let fallback = |l: usize, t: usize| {
            let row = centres.examples[l][t].first().copied();
            let paper = row.and_then(|r| self.store.papers(&[r]).ok()).and_then(|mut p| p.pop());
            paper.map(|(_, p)| head(plain(&p.title).trim(), 60)).unwrap_or_default()
        };
        Ok(names::name_all(&counts, &sizes, &grouping.levels, &kept, &fallback))
    }
}

/// What a run starts from: for every paper the themes that the run before put it in. Papers that joined since begin alone,
/// so that they can be a new theme together.
fn start_of(snapshot: &ThemeSnapshot, rows: &[Row]) -> Start {
    let theme = |row: &Row, level| {
        let p = snapshot.grouped(*row).filter(|p| p.member)?;
        snapshot.at_level(p.theme?, level).map(|t| t as u32)
    };
    let themes = (0..LEVELS).map(|l| rows.iter().map(|row| theme(row, l).unwrap_or(NONE)).collect()).collect();
    let before = snapshot.run.papers as f64;
    let alike = (rows.len() as f64 - before).abs() <= SAME_SIZE * before;
    Start { themes, resolutions: alike.then_some(snapshot.facts.resolutions) }
}

/// The lineage of a level, and the places among the old themes of those it numbers.
struct Compared {
    lineage: Lineage,
    before: Vec<usize>,
}

fn compare(base: Option<&ThemeSnapshot>, rows: &[Row], grouping: &Grouping) -> Vec<Compared> {
    let one = |level: usize| {
        let before: Vec<usize> = base
            .iter()
            .flat_map(|p| p.themes.iter().enumerate().filter(|(_, t)| t.level == level).map(|(k, _)| k))
            .collect();
        let number: HashMap<usize, u32> = before.iter().zip(0..).map(|(k, n)| (*k, n)).collect();
        let old = |row: Row| {
            let base = base?;
            let placed = base.grouped(row).filter(|p| p.member)?;
            number.get(&base.at_level(placed.theme?, level)?).copied()
        };
        let pairs: Vec<(Option<u32>, Option<u32>)> =
            rows.iter().enumerate().map(|(i, row)| (old(*row), grouping.theme(level, i))).collect();
        let sizes: Vec<usize> =
            base.map_or_else(Vec::new, |base| before.iter().map(|k| base.themes[*k].facts.size).collect());
        Compared { lineage: lineage::compare(&pairs, &sizes, grouping.themes(level)), before }
    };
    (0..LEVELS).map(one).collect()
}

/// The themes of a run with their numbers: those of their forerunners, or new ones.
fn known(
    base: Option<&ThemeSnapshot>,
    grouping: &Grouping,
    lineages: &[Compared],
    centres: &Centres,
    named: &[Vec<Name>],
    now: i64,
    next: &mut u32,
) -> Vec<SnapshotTheme> {
    let mut ids: Vec<Vec<u32>> = Vec::new();
    let mut themes: Vec<SnapshotTheme> = Vec::new();
    for (level, compared) in lineages.iter().enumerate() {
        let forerunner = |t: usize| {
            let heir = compared.lineage.heir_of[t]?;
            base.map(|b| &b.themes[compared.before[heir as usize]])
        };
        let own: Vec<u32> = (0..grouping.themes(level))
            .map(|t| {
                forerunner(t).map_or_else(
                    || {
                        *next += 1;
                        *next - 1
                    },
                    |k| k.id,
                )
            })
            .collect();
        let above = if level == 0 { 0 } else { themes.len() - ids[level - 1].len() };
        for (t, id) in own.iter().enumerate() {
            let parent = grouping.levels[level].iter().position(|x| *x as usize == t).filter(|_| level > 0);
            let name = &named[level][t];
            themes.push(SnapshotTheme {
                id: *id,
                level,
                parent: parent.map(|c| above + grouping.levels[level - 1][c] as usize),
                facts: ThemeFacts {
                    name: name.name.clone(),
                    terms: name.terms.clone(),
                    examples: centres.examples[level][t].iter().map(|r| r.0).collect(),
                    related: centres.related(level, t).into_iter().map(|(o, s)| (own[o], s)).collect(),
                    since: forerunner(t).map_or(now, |k| k.facts.since),
                    size: centres.size(level, t),
                },
            });
        }
        ids.push(own);
    }
    themes
}

/// What happened, for the memory: one entry for every theme concerned.
fn told(
    base: Option<&ThemeSnapshot>,
    forgotten: Option<&ThemeSnapshot>,
    themes: &[SnapshotTheme],
    lineages: &[Compared],
    run: u64,
    at: i64,
) -> Vec<StoredThemeEvent> {
    let mut out = Vec::new();
    let mut tell = |theme: u32, json: Value| out.push(StoredThemeEvent { run, at, theme, json: json.to_string() });
    // A run that begins afresh ends every theme that was there.
    for old in forgotten.iter().flat_map(|p| &p.themes) {
        tell(old.id, json!({ "kind": "died", "level": old.level, "name": old.facts.name }));
    }
    for (level, compared) in lineages.iter().enumerate() {
        let own: Vec<&SnapshotTheme> = themes.iter().filter(|t| t.level == level).collect();
        let old = |t: u32| base.map(|b| &b.themes[compared.before[t as usize]]);
        let other = |k: &SnapshotTheme| json!({ "id": theme_id(k.id), "name": k.facts.name });
        for event in &compared.lineage.events {
            match event {
                Event::Born { after } => {
                    let t = own[*after as usize];
                    tell(t.id, json!({ "kind": "born", "level": level, "name": t.facts.name }));
                }
                Event::Grown { after, was, is } => {
                    let t = own[*after as usize];
                    tell(t.id, json!({ "kind": "grown", "level": level, "name": t.facts.name, "was": was, "is": is }));
                }
                Event::Shrunk { after, was, is } => {
                    let t = own[*after as usize];
                    tell(t.id, json!({ "kind": "shrunk", "level": level, "name": t.facts.name, "was": was, "is": is }));
                }
                Event::Split { after, before } => {
                    let t = own[*after as usize];
                    let Some(from) = old(*before) else { continue };
                    tell(t.id, json!({ "kind": "split", "level": level, "name": t.facts.name, "other": other(from) }));
                }
                Event::Merged { before, after } => {
                    let Some(gone) = old(*before) else { continue };
                    let into = own[*after as usize];
                    tell(
                        gone.id,
                        json!({ "kind": "merged", "level": level, "name": gone.facts.name, "other": other(into) }),
                    );
                }
                Event::Died { before } => {
                    let Some(gone) = old(*before) else { continue };
                    tell(gone.id, json!({ "kind": "died", "level": level, "name": gone.facts.name }));
                }
            }
        }
    }
    out
}
