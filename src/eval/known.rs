//! Quality of search for what is known: from a part of what a paper says, search must find that paper.
//!
//! Known-item search as in Azzopardi, de Rijke and Balog, "Building simulated queries for known-item topics", 2007: the
//! queries are made from the papers themselves, so any corpus can be measured, without judgements.

use fastrand::Rng;

use super::Progress;
use super::bootstrap::{self, draw};
use super::metrics::reciprocal_rank;
use super::sets::Half;
use super::table::{Table, named};
use crate::engine::{Engine, Mode, SearchOptions};
use crate::error::Result;
use crate::paper::english::is_function_word;
use crate::paper::{Paper, Row, Works, plain};

/// What is made of a paper to look for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clue {
    /// The whole title.
    Title,
    /// The title in small letters, with two neighbouring letters of a long word swapped.
    Typo,
    /// The title without three of its words; only of titles of seven words or more, so that more is left than is gone.
    PartOfTitle,
    /// Three to five words drawn from the ten that tell most of the paper, the most telling first.
    Words,
    /// The first sentence of the abstract.
    Sentence,
    /// The abstract without the title.
    Abstract,
}

impl Clue {
    /// All of them.
    pub const ALL: [Clue; 6] =
        [Clue::Title, Clue::Typo, Clue::PartOfTitle, Clue::Words, Clue::Sentence, Clue::Abstract];
}

/// What to measure.
#[derive(Debug, Clone)]
pub struct Plan {
    /// At most so many papers, at even distances; 0 for all.
    pub papers: usize,
    /// Which of these.
    pub half: Half,
    /// What is made of them.
    pub clues: Vec<Clue>,
    /// The modes to search in.
    pub modes: Vec<Mode>,
    /// Whether to list what was not found first, instead of the figures.
    pub misses: bool,
}

/// Ranks to look at.
const DEPTH: usize = 10;
/// Words that tell most of a paper.
const TELLING: usize = 10;
/// Words of a title from which on three may go.
const LONG_TITLE: usize = 7;

/// Makes queries from papers of the corpus and says how often each finds its paper first, among ten, and how far ahead. Another
/// version of the paper's work counts as the paper. The same corpus gives the same queries.
///
/// # Errors
/// Those of [`Engine::search`].
pub fn run(engine: &Engine, plan: &Plan, progress: Progress<'_>) -> Result<Table> {
    let ids = engine.ids(None, usize::MAX >> 1)?;
    let step = if plan.papers == 0 { 1 } else { ids.len().div_ceil(plan.papers).max(1) };
    let taken = plan.half.of(ids.into_iter().step_by(step).collect::<Vec<_>>());
    let columns: &[&str] = match plan.misses {
        true => &["looked for by", "mode", "paper", "rank", "first", "its title"],
        false => &["looked for by", "mode", "papers", "first", "among ten", "MRR"],
    };
    let mut table = Table::new(format!("{} papers, looked for by what they say", taken.len()), columns.iter().copied());
    let all = plan.clues.len() * plan.modes.len() * taken.len();
    let mut done = 0;
    for clue in &plan.clues {
        let mut queries: Vec<(Paper, String)> = Vec::new();
        for (row, id) in &taken {
            let paper = engine.paper(id.as_str())?;
            if let Some(query) = query(engine, *clue, *row, &paper) {
                queries.push((paper, query));
            }
        }
        for mode in &plan.modes {
            let (mut first, mut among, mut reciprocal) = (Vec::new(), Vec::new(), Vec::new());
            for (paper, query) in &queries {
                let ask = SearchOptions { limit: DEPTH, mode: *mode, ..SearchOptions::default() };
                let found = engine.search(query, &ask)?.papers;
                let work = Works::of([paper]);
                let is_it = |other: &Paper| other.id == paper.id || work.contains(other);
                let gains: Vec<f64> = found.iter().map(|h| f64::from(u8::from(is_it(&h.paper)))).collect();
                let value = reciprocal_rank(&gains);
                first.push(f64::from(u8::from(value == 1.0)));
                among.push(f64::from(u8::from(value > 0.0)));
                reciprocal.push(value);
                if plan.misses && value < 1.0 {
                    let rank = gains.iter().position(|g| *g > 0.0).map_or("".into(), |k| (k + 1).into());
                    let (id, title) = found.first().map_or(("", ""), |h| (h.paper.id.as_str(), &h.paper.title));
                    let paper = paper.id.as_str().into();
                    table.rows.push(vec![
                        spoken(*clue).as_str().into(),
                        named(mode).as_str().into(),
                        paper,
                        rank,
                        id.into(),
                        title.into(),
                    ]);
                }
                done += 1;
                progress(done, all);
            }
            done += taken.len() - queries.len();
            if !plan.misses {
                let mut cells = vec![spoken(*clue).as_str().into(), named(mode).as_str().into(), queries.len().into()];
                cells.extend([first, among, reciprocal].map(|values| bootstrap::mean(&values).into()));
                table.rows.push(cells);
            }
        }
    }
    progress(all, all);
    Ok(table)
}

fn spoken(clue: Clue) -> String {
    named(&clue).replace('_', " ")
}

/// A query for a paper; none where it does not say enough.
fn query(engine: &Engine, clue: Clue, row: Row, paper: &Paper) -> Option<String> {
    let mut random = Rng::with_seed(u64::from(row.0) * Clue::ALL.len() as u64 + clue as u64);
    let (title, summary) = (plain(&paper.title), plain(&paper.summary));
    match clue {
        Clue::Title => Some(title.to_string()),
        Clue::Typo => misspelled(&title, &mut random),
        Clue::PartOfTitle => shortened(&title, &mut random),
        Clue::Words => {
            let lexical = engine.lexical();
            let terms = lexical.terms(&[row]).pop().flatten()?;
            let mut telling = lexical.shared_parts(&terms, row);
            telling.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            telling.truncate(TELLING);
            let n = random.usize(3..=5);
            (telling.len() > n).then(|| in_order(&mut random, telling.into_iter().map(|t| t.0).collect(), n))
        }
        Clue::Sentence => Some(sentence(&summary)?.to_string()),
        Clue::Abstract => (!summary.trim().is_empty()).then(|| summary.to_string()),
    }
}

/// `n` of some words, in the order they have.
fn in_order(random: &mut Rng, words: Vec<String>, n: usize) -> String {
    let mut places = draw(random, &(0..words.len()).collect::<Vec<_>>(), n);
    places.sort_unstable();
    places.into_iter().map(|k| words[k].as_str()).collect::<Vec<_>>().join(" ")
}

/// A long title without three of its words.
fn shortened(title: &str, random: &mut Rng) -> Option<String> {
    let words: Vec<String> = title.split_whitespace().map(str::to_string).collect();
    let n = words.len();
    (n >= LONG_TITLE).then(|| in_order(random, words, n - 3))
}

/// A title in small letters, two neighbouring letters of a word of five or more swapped.
fn misspelled(title: &str, random: &mut Rng) -> Option<String> {
    let mut words: Vec<Vec<char>> = title.to_lowercase().split_whitespace().map(|w| w.chars().collect()).collect();
    let swaps = |word: &Vec<char>| -> Vec<usize> {
        let pairs = word.windows(2).enumerate().skip(1);
        pairs.filter(|(_, w)| w[0] != w[1] && w.iter().all(|c| c.is_alphabetic())).map(|(k, _)| k).collect()
    };
    let long: Vec<usize> = (0..words.len())
        .filter(|k| {
            words[*k].len() >= 5 && !is_function_word(&String::from_iter(&words[*k])) && !swaps(&words[*k]).is_empty()
        })
        .collect();
    let word = &mut words[*draw(random, &long, 1).first()?];
    let at = *draw(random, &swaps(word), 1).first()?;
    word.swap(at, at + 1);
    Some(words.into_iter().map(String::from_iter).collect::<Vec<_>>().join(" "))
}

/// The first sentence of a text of more than one: up to a full stop before a blank and a capital.
fn sentence(text: &str) -> Option<&str> {
    let text = text.trim();
    let ends = text.match_indices(['.', '?', '!']).map(|(at, _)| at + 1);
    let mut ends = ends.filter(|end| {
        let rest = &text[*end..];
        rest.starts_with(char::is_whitespace) && rest.trim_start().starts_with(char::is_uppercase)
    });
    // What is shorter is an abbreviation.
    ends.find(|end| text[..*end].split_whitespace().count() >= 5).map(|end| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clues_are_what_they_say() {
        let random = &mut Rng::with_seed(3);
        let title = "Seven words of which three may go";
        let short = shortened(title, random).expect("long enough");
        let left: Vec<&str> = short.split(' ').collect();
        assert_eq!(left.len(), 4);
        let mut words = title.split(' ');
        assert!(left.iter().all(|w| words.any(|other| other == *w)), "in order: {short}");
        assert_eq!(shortened("Six words, of which none goes", random), None);

        let wrong = misspelled("On Turbines", random).expect("a long word");
        let sorted = |text: &str| {
            let mut c: Vec<char> = text.chars().collect();
            c.sort_unstable();
            c
        };
        assert!(
            wrong.starts_with("on t") && wrong != "on turbines" && sorted(&wrong) == sorted("on turbines"),
            "{wrong}"
        );
        assert_eq!(misspelled("Of the with which", random), None);

        assert_eq!(sentence("We test e.g. a rule of thumb. Then we stop."), Some("We test e.g. a rule of thumb."));
        assert_eq!(sentence("Only one sentence, and no other."), None);
    }
}
