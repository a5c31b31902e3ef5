//! Away: what the one mail behind a pause is worth beside the mails of the days that were missed.
//!
//! A reader of a log is away for some days. The catch-up mail is made of what they had taken up before, as it is for a subscriber: the
//! papers of all days within the budget, every interest covered. Beside it stand the best of the single days: each day's mail within
//! the same budget, and of all their papers as many as one mail holds, by the score that was known then. What a paper is worth is
//! said by the reader's later reading: its score, in standard deviations above a paper at large, for the reader that they were
//! in the end.

use std::collections::{BTreeMap, HashMap, HashSet};

use roaring::RoaringBitmap;

use super::Progress;
use super::bootstrap;
use super::sets::{Half, LogEntry};
use super::table::{Cell, Table};
use crate::engine::{Engine, Feed, Hit, SearchOptions, Since};
use crate::error::Result;
use crate::paper::PaperId;
use crate::user::{Event, EventKind, Moment};

/// The name of the reader who is nobody that is stored.
const NOBODY: &str = "eval: nobody";

/// What to run.
#[derive(Debug, Clone)]
pub struct Away {
    /// Readers with fewer papers are left out.
    pub least: usize,
    /// Days of an absence.
    pub days: i32,
    /// Papers of a mail.
    pub budget: usize,
    /// Absences of each reader, at even distances of what they took up.
    pub absences: usize,
    /// Which readers to use.
    pub half: Half,
}

/// What one absence came to.
struct Absence {
    /// The worth of the catch-up's papers, beside that of the best of the single days.
    share: f64,
    /// The same beside the best papers there were, known only afterwards.
    of_best: f64,
    /// Interests that had papers in the days' mails, and those of them that the catch-up has.
    interests: (usize, usize),
    /// Papers that the reader took up in those days: in the catch-up, in the days' mails, in all.
    taken: (usize, usize, usize),
}

/// Measures absences of the readers of a log.
///
/// # Errors
/// Those of the engine's calls.
pub fn away(engine: &Engine, log: &[LogEntry], plan: &Away, progress: Progress<'_>) -> Result<Table> {
    let mut rows: HashMap<String, u32> = HashMap::new();
    let mut after = None;
    loop {
        let page = engine.ids(after, 10_000)?;
        let Some((last, _)) = page.last() else { break };
        after = Some(*last);
        rows.extend(page.into_iter().map(|(row, id)| (id.to_string(), row.0)));
    }
    let mut readers: BTreeMap<&str, Vec<&LogEntry>> = BTreeMap::new();
    log.iter().filter(|e| rows.contains_key(&e.paper)).for_each(|e| readers.entry(&e.user).or_default().push(e));
    let readers: Vec<Vec<&LogEntry>> = readers.into_values().filter(|taken| taken.len() >= plan.least).collect();
    let readers = plan.half.of(readers);
    let mut of_day: BTreeMap<i32, RoaringBitmap> = BTreeMap::new();
    for (id, row) in &rows {
        if let Some(day) = engine.paper(id)?.list_day() {
            of_day.entry(day).or_default().insert(*row);
        }
    }
    let mut absences = Vec::new();
    for (k, mut taken) in readers.iter().cloned().enumerate() {
        progress(k, readers.len());
        taken.sort_by_key(|e| (e.day, &e.paper));
        for n in 1..=plan.absences {
            let first = taken[n * taken.len() / (plan.absences + 1)].day;
            absences.extend(absence(engine, &taken, first, &of_day, plan)?);
        }
    }
    progress(readers.len(), readers.len());
    Ok(table(plan, readers.len(), &absences))
}

/// One absence that begins on a day; none where too little was taken up before or behind it, or no day had papers.
fn absence(
    engine: &Engine,
    taken: &[&LogEntry],
    first: i32,
    of_day: &BTreeMap<i32, RoaringBitmap>,
    plan: &Away,
) -> Result<Option<Absence>> {
    let last = first + plan.days - 1;
    let past: Vec<&&LogEntry> = taken.iter().filter(|e| e.day < first).collect();
    let later = taken.iter().filter(|e| e.day > last).count();
    let days: Vec<&RoaringBitmap> = of_day.range(first..=last).map(|(_, rows)| rows).collect();
    if past.len() < plan.least / 3 || later < plan.least / 3 || days.len() < 2 {
        return Ok(None);
    }
    let events = likes(&past)?;
    let mail = |rows: RoaringBitmap, cover: bool| -> Result<Vec<Hit>> {
        let ask = SearchOptions { limit: plan.budget, explain: true, ..SearchOptions::default() };
        let hypothetical_events = events.clone();
        let feed = Feed { ask, since: Since::Rows(rows), cover, hypothetical_events, ..Feed::default() };
        Ok(engine.feed(NOBODY, &feed)?.papers)
    };
    let catch_up = mail(days.iter().fold(RoaringBitmap::new(), |all, rows| all | *rows), true)?;
    let mut single: Vec<Hit> = Vec::new();
    for rows in &days {
        single.extend(mail((*rows).clone(), false)?);
    }
    single.sort_by(|a, b| b.score.total_cmp(&a.score));
    let interests = |hits: &[Hit]| -> HashSet<String> {
        let for_reader = hits.iter().filter(|hit| hit.for_you == Some(true));
        for_reader.filter_map(|hit| Some(hit.why.as_ref()?.interest.as_ref()?.id.clone())).collect()
    };
    let (had, has) = (interests(&single), interests(&catch_up));
    // What each is worth in the end.
    let ids: Vec<PaperId> = catch_up.iter().chain(&single).map(|hit| hit.paper.id.clone()).collect();
    let everything: Vec<&&LogEntry> = taken.iter().collect();
    let worth: HashMap<PaperId, f64> = engine
        .rank_for(NOBODY, &ids, &likes(&everything)?, false)?
        .papers
        .into_iter()
        .map(|hit| (hit.paper.id, f64::from(hit.score)))
        .collect();
    let sum = |hits: &[Hit]| hits.iter().filter_map(|hit| worth.get(&hit.paper.id)).sum::<f64>();
    let best = &single[..plan.budget.min(single.len())];
    let mut afterwards: Vec<f64> = worth.values().copied().collect();
    afterwards.sort_by(|a, b| b.total_cmp(a));
    let most: f64 = afterwards.iter().take(catch_up.len()).sum();
    if sum(best) <= 0.0 {
        return Ok(None);
    }
    let meant: HashSet<&str> =
        taken.iter().filter(|e| (first..=last).contains(&e.day)).map(|e| e.paper.as_str()).collect();
    let of = |hits: &[Hit]| hits.iter().filter(|hit| meant.contains(hit.paper.id.as_str())).count();
    Ok(Some(Absence {
        share: sum(&catch_up) / sum(best),
        of_best: sum(&catch_up) / most,
        interests: (had.len(), had.intersection(&has).count()),
        taken: (of(&catch_up), of(&single), meant.len()),
    }))
}

fn likes(taken: &[&&LogEntry]) -> Result<Vec<Event>> {
    let one = |e: &&&LogEntry| {
        let at = Moment(i64::from(e.day) * 86_400_000_000);
        Ok(Event { paper: PaperId::new(e.paper.as_str())?, kind: EventKind::Like, at, weight: 1.0 })
    };
    taken.iter().map(one).collect()
}

fn table(plan: &Away, readers: usize, absences: &[Absence]) -> Table {
    let columns = [
        "absences",
        "worth of the best of the days",
        "absences with 0.9 of it",
        "worth of the best there was",
        "interests that had papers",
        "covered",
        "taken up",
        "in the days' mails",
        "in the catch-up",
    ];
    let Away { days, budget, .. } = plan;
    let title = format!("{readers} readers, away for {days} days, {budget} papers in the mail behind that");
    let mut table = Table::new(title, columns);
    let mean =
        |of: &dyn Fn(&Absence) -> f64| -> Cell { bootstrap::mean(&absences.iter().map(of).collect::<Vec<_>>()).into() };
    let sum = |of: &dyn Fn(&Absence) -> usize| -> Cell { absences.iter().map(of).sum::<usize>().into() };
    table.rows.push(vec![
        absences.len().into(),
        mean(&|a| a.share),
        sum(&|a| usize::from(a.share >= 0.9)),
        mean(&|a| a.of_best),
        sum(&|a| a.interests.0),
        sum(&|a| a.interests.1),
        sum(&|a| a.taken.2),
        sum(&|a| a.taken.1),
        sum(&|a| a.taken.0),
    ]);
    table
}
