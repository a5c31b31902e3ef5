//! Quality of themes: agreement with labels, coherence of their terms, and stability when papers are added.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::table::{Cell, Table};
use crate::engine::{Engine, ThemesOptions};
use crate::error::{Error, Result};
use crate::paper::Paper;
use crate::paper::english::singular;

/// A grouping by another program, to compare with.
#[derive(Debug, Clone, Default)]
pub struct OtherGrouping {
    /// Group by paper id; "-1" or an empty string for none.
    pub groups: HashMap<String, String>,
    /// Terms by group, best first.
    pub words: HashMap<String, Vec<String>>,
}

/// Coherence is measured on so many terms of a theme.
const TERMS: usize = 10;

/// A grouping of the labelled papers.
struct Grouping {
    name: String,
    /// The group of each paper; `None` for papers in no group.
    group: Vec<Option<u32>>,
    /// The same with every paper in the nearest group, if that is known.
    nearest: Option<Vec<Option<u32>>>,
    /// Terms of each group.
    terms: Vec<Vec<String>>,
}

/// Compares the themes of a data folder with the label of every paper (the first value of a field such as `categories`
/// or `venue`), and with another grouping. Papers without the label do not count.
///
/// # Errors
/// [`Error::Invalid`] when no paper has the label; those of the engine's calls.
pub fn run(engine: &Engine, label: &str, other: Option<&OtherGrouping>) -> Result<Table> {
    let list = engine.themes(&ThemesOptions::default())?;
    let mut labels: HashMap<String, u32> = HashMap::new();
    let mut truth: Vec<u32> = Vec::new();
    let mut texts: Vec<String> = Vec::new();
    let levels = list.meta.levels;
    let mut number: HashMap<String, u32> = HashMap::new();
    let mut groupings: Vec<Grouping> = (0..levels)
        .map(|l| Grouping {
            name: format!("level {l}"),
            group: Vec::new(),
            nearest: Some(Vec::new()),
            terms: Vec::new(),
        })
        .collect();
    for theme in &list.themes {
        let of_level = &mut groupings[theme.level].terms;
        number.insert(theme.id.clone(), of_level.len() as u32);
        of_level.push(theme.terms.clone());
    }
    let mut theirs = Grouping { name: "other".into(), group: Vec::new(), nearest: None, terms: Vec::new() };
    let mut foreign_number: HashMap<&str, u32> = HashMap::new();
    engine.each_assignment(&mut |paper, assigned| {
        let Some(value) = label_of(paper, label) else { return };
        if other.is_some_and(|o| !o.groups.contains_key(paper.id.as_str())) {
            return;
        }
        let next = labels.len() as u32;
        truth.push(*labels.entry(value).or_insert(next));
        texts.push(paper.text());
        for (l, grouping) in groupings.iter_mut().enumerate() {
            let theme = assigned.path.get(l).and_then(|id| number.get(id)).copied();
            grouping.group.push(theme.filter(|_| assigned.member));
            grouping.nearest.iter_mut().for_each(|n| n.push(theme));
        }
        if let Some(other) = other {
            let group = other.groups.get(paper.id.as_str()).filter(|g| !g.is_empty() && *g != "-1");
            theirs.group.push(group.map(|g| {
                *foreign_number.entry(g).or_insert_with(|| {
                    theirs.terms.push(other.words.get(g).cloned().unwrap_or_default());
                    theirs.terms.len() as u32 - 1
                })
            }));
        }
    })?;
    if truth.is_empty() {
        return Err(Error::Invalid(format!("no paper has the label {label:?}")));
    }
    if other.is_some() {
        groupings.push(theirs);
    }
    let columns = [
        "grouping",
        "groups",
        "in none",
        "NMI",
        "NMI nearest",
        "ARI",
        "ARI nearest",
        "purity",
        "NPMI terms",
        "NPMI words",
    ];
    let title = format!("Themes beside {} values of {label:?} on {} papers", labels.len(), truth.len());
    let mut table = Table::new(title, columns);
    let coherence = coherence(&texts, &groupings);
    for (grouping, (terms, words)) in groupings.iter().zip(coherence) {
        // Papers in no group form one group of their own, the usual treatment of methods that leave papers out.
        let whole = |group: &[Option<u32>]| -> Vec<u32> { group.iter().map(|g| g.map_or(0, |g| g + 1)).collect() };
        let strict = whole(&grouping.group);
        let near = grouping.nearest.as_ref().map(|n| whole(n));
        let none = grouping.group.iter().filter(|g| g.is_none()).count() as f64 / truth.len() as f64;
        let figure = |x: Option<f64>| x.map_or_else(|| Cell::from("-"), |x| Cell::Text(format!("{x:.3}")));
        table.rows.push(vec![
            Cell::Text(grouping.name.clone()),
            Cell::from(grouping.terms.len()),
            Cell::Text(format!("{:.1}%", 100.0 * none)),
            figure(Some(mutual_information(&truth, &strict))),
            figure(near.as_ref().map(|n| mutual_information(&truth, n))),
            figure(Some(rand_index(&truth, &strict))),
            figure(near.as_ref().map(|n| rand_index(&truth, n))),
            figure(Some(purity(&truth, &strict))),
            figure(terms),
            figure(words),
        ]);
    }
    Ok(table)
}

/// Stability of themes: the newest papers are removed, the rest is clustered afresh, then the papers are added again.
///
/// # Errors
/// [`Error::Invalid`] when the corpus has no other papers.
pub fn stability(engine: &Engine, newest: usize) -> Result<Table> {
    let s = engine.theme_stability(newest)?;
    let mut table = Table::new(
        format!("{} papers, then the {} newest more", s.before, s.new),
        ["level", "keep their theme when papers join", "keep it after a full run", "of papers", "full run, s"],
    );
    for (level, (kept, of)) in s.kept.iter().enumerate() {
        let share = *kept as f64 / (*of).max(1) as f64;
        // By construction, papers that are added move no other paper.
        let row = [
            format!("{level}"),
            "100%".into(),
            format!("{:.2}%", 100.0 * share),
            format!("{of}"),
            format!("{:.1}", s.took_s),
        ];
        table.rows.push(row.into_iter().map(Cell::Text).collect());
    }
    Ok(table)
}

/// The first value of a field of a paper.
fn label_of(paper: &Paper, field: &str) -> Option<String> {
    let value = serde_json::to_value(paper).ok()?;
    let found = value.get(field).or_else(|| value.get("extra").and_then(|e| e.get(field)))?;
    let first = if let Value::Array(items) = found { items.first()? } else { found };
    match first {
        Value::String(s) if !s.trim().is_empty() => Some(s.trim().to_string()),
        Value::Number(n) => Some(n.to_string()),
        Value::Bool(b) => Some(b.to_string()),
        _ => None,
    }
}

struct Counts {
    a: HashMap<u32, f64>,
    b: HashMap<u32, f64>,
    both: HashMap<(u32, u32), f64>,
    n: f64,
}

fn count(a: &[u32], b: &[u32]) -> Counts {
    let mut counts = Counts { a: HashMap::new(), b: HashMap::new(), both: HashMap::new(), n: a.len() as f64 };
    for (x, y) in a.iter().zip(b) {
        *counts.a.entry(*x).or_default() += 1.0;
        *counts.b.entry(*y).or_default() += 1.0;
        *counts.both.entry((*x, *y)).or_default() += 1.0;
    }
    counts
}

/// Normalised mutual information, from 0 to 1: twice the mutual information divided by the sum of the entropies.
pub fn mutual_information(a: &[u32], b: &[u32]) -> f64 {
    let c = count(a, b);
    let entropy = |m: &HashMap<u32, f64>| -m.values().map(|v| v / c.n * (v / c.n).ln()).sum::<f64>();
    let shared: f64 = c.both.iter().map(|((x, y), v)| v / c.n * (v * c.n / (c.a[x] * c.b[y])).ln()).sum();
    let all = entropy(&c.a) + entropy(&c.b);
    // Two groupings of one group each are equal.
    if all <= 0.0 { 1.0 } else { (2.0 * shared / all).clamp(0.0, 1.0) }
}

/// The adjusted Rand index (Hubert and Arabie, 1985): 1 for equal groupings, about 0 for random ones.
pub fn rand_index(a: &[u32], b: &[u32]) -> f64 {
    let c = count(a, b);
    let pairs = |x: f64| x * (x - 1.0) / 2.0;
    let (both, in_a, in_b): (f64, f64, f64) = (
        c.both.values().map(|v| pairs(*v)).sum(),
        c.a.values().map(|v| pairs(*v)).sum(),
        c.b.values().map(|v| pairs(*v)).sum(),
    );
    let chance = in_a * in_b / pairs(c.n).max(1.0);
    let most = (in_a + in_b) / 2.0;
    if most - chance <= 0.0 { 1.0 } else { (both - chance) / (most - chance) }
}

/// The share of papers whose label is the most frequent one of their group.
pub fn purity(labels: &[u32], groups: &[u32]) -> f64 {
    let c = count(labels, groups);
    let mut most: HashMap<u32, f64> = HashMap::new();
    for ((_, group), n) in &c.both {
        let best = most.entry(*group).or_default();
        *best = best.max(*n);
    }
    most.values().sum::<f64>() / c.n.max(1.0)
}

/// The coherence of every grouping: the mean, over its groups, of the normalised pointwise mutual information of all
/// pairs of terms (Bouma, 2009), from -1 to 1, where a pair that never occurs together counts -1. Once for the terms,
/// and once for their single words.
fn coherence(texts: &[String], groupings: &[Grouping]) -> Vec<(Option<f64>, Option<f64>)> {
    // Every term once, as its words in the singular.
    let mut number: HashMap<Vec<String>, u32> = HashMap::new();
    let mut lists: Vec<[Vec<Vec<u32>>; 2]> = Vec::new();
    let mut of = |words: Vec<String>| {
        let next = number.len() as u32;
        *number.entry(words).or_insert(next)
    };
    for grouping in groupings {
        let terms = grouping.terms.iter().map(|t| t.iter().take(TERMS).map(|t| of(words_of(t))).collect());
        let terms: Vec<Vec<u32>> = terms.collect();
        let words = grouping.terms.iter().map(|t| {
            let mut seen = HashSet::new();
            let single = t.iter().flat_map(|t| words_of(t)).filter(|w| seen.insert(w.clone())).take(TERMS);
            single.map(|w| of(vec![w])).collect()
        });
        lists.push([terms, words.collect()]);
    }
    let mut by_first: HashMap<&str, Vec<(&[String], u32)>> = HashMap::new();
    for (words, id) in &number {
        if let Some(first) = words.first() {
            by_first.entry(first).or_default().push((words, *id));
        }
    }
    // The papers that contain each term, sorted.
    let mut containing: Vec<Vec<u32>> = vec![Vec::new(); number.len()];
    for (k, text) in texts.iter().enumerate() {
        let words = words_of(text);
        for (at, word) in words.iter().enumerate() {
            for (term, id) in by_first.get(word.as_str()).into_iter().flatten() {
                let list = &mut containing[*id as usize];
                if words[at..].starts_with(term) && list.last() != Some(&(k as u32)) {
                    list.push(k as u32);
                }
            }
        }
    }
    let n = texts.len() as f64;
    let pair = |a: u32, b: u32| {
        let (x, y) = (&containing[a as usize], &containing[b as usize]);
        let both = shared(x, y) as f64 / n;
        if both <= 0.0 {
            return -1.0;
        }
        let (p, q) = (x.len() as f64 / n, y.len() as f64 / n);
        // Two terms that are in every paper are independent.
        if both >= 1.0 { 0.0 } else { (both / (p * q)).ln() / -both.ln() }
    };
    let mean = |lists: &Vec<Vec<u32>>| {
        let each: Vec<f64> = lists
            .iter()
            .filter(|l| l.len() > 1)
            .map(|l| {
                let pairs = (0..l.len()).flat_map(|i| (0..i).map(move |j| (i, j)));
                let values: Vec<f64> = pairs.map(|(i, j)| pair(l[i], l[j])).collect();
                values.iter().sum::<f64>() / values.len() as f64
            })
            .collect();
        (!each.is_empty()).then(|| each.iter().sum::<f64>() / each.len() as f64)
    };
    lists.iter().map(|[terms, words]| (mean(terms), mean(words))).collect()
}

/// How many numbers two sorted lists have in common.
fn shared(a: &[u32], b: &[u32]) -> usize {
    let (mut i, mut j, mut n) = (0, 0, 0);
    while i < a.len() && j < b.len() {
        match a[i].cmp(&b[j]) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => (i, j, n) = (i + 1, j + 1, n + 1),
        }
    }
    n
}

/// The words of a text, in lower case and the singular.
fn words_of(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty());
    words.map(|w| singular(&w.to_lowercase())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn figures_are_those_of_the_definitions() {
        let (a, b) = ([0, 0, 0, 1, 1, 1], [0, 0, 1, 1, 2, 2]);
        // By hand: H(a) = ln 2, H(b) = ln 3, I = ln 3 - (ln 2) / 3; pairs 2 of 6 and 3, chance 18 / 15.
        let (h2, h3) = (2f64.ln(), 3f64.ln());
        assert!((mutual_information(&a, &b) - 2.0 * (h2 - h2 / 3.0) / (h2 + h3)).abs() < 1e-12);
        assert!((rand_index(&a, &b) - (2.0 - 1.2) / (4.5 - 1.2)).abs() < 1e-12);
        assert!((purity(&a, &b) - 5.0 / 6.0).abs() < 1e-12);
        assert!((purity(&b, &a) - 4.0 / 6.0).abs() < 1e-12);
    }

    #[test]
    fn terms_that_occur_together_are_coherent_and_others_are_not() {
        let texts: Vec<String> =
            ["honey bee hives", "bees and hives", "ocean tides", "tides of the ocean"].map(str::to_string).to_vec();
        let grouping = |terms: [&str; 2]| Grouping {
            name: String::new(),
            group: Vec::new(),
            nearest: None,
            terms: vec![terms.map(str::to_string).to_vec()],
        };
        let found = coherence(
            &texts,
            &[grouping(["bee", "hive"]), grouping(["bees", "tide"]), grouping(["honey bee", "hives"])],
        );
        assert_eq!((found[0].0, found[1].0), (Some(1.0), Some(-1.0)));
        // "honey bee" is in one paper, "hive" in two: ln 2 / ln 4.
        assert!((found[2].0.expect("a pair") - 0.5).abs() < 1e-12);
        assert!(found[2].1.is_some());
    }

    proptest! {
        #[test]
        fn names_of_groups_do_not_matter(pairs in prop::collection::vec((0u32..4, 0u32..5), 1..60)) {
            let (a, b): (Vec<u32>, Vec<u32>) = pairs.into_iter().unzip();
            let other: Vec<u32> = b.iter().map(|x| (x * 7 + 3) % 11).collect();
            for f in [mutual_information, rand_index, purity] {
                prop_assert!((f(&a, &b) - f(&a, &other)).abs() < 1e-9);
                prop_assert!((f(&a, &a) - 1.0).abs() < 1e-9);
                prop_assert!(f(&a, &b) <= 1.0 + 1e-9);
            }
        }
    }
}
