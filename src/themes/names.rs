//! Names of themes: class-based TF-IDF over phrases, made readable.
//!
//! Grootendorst, "BERTopic: Neural topic modeling with a class-based TF-IDF procedure", 2022: a phrase speaks for a theme
//! when it is frequent in it and rare in the others. Here frequency is the share of a theme's papers that hold the
//! phrase; what says the same twice (a word of a phrase already taken, an acronym and what it stands for) is left out.

use std::collections::{HashMap, HashSet};

use super::text::Counts;

/// Terms kept of a theme.
const TERMS: usize = 10;

/// Terms at most that a name is made of; more only where two themes would else have one name.
const IN_NAME: usize = 2;

/// The least share of a theme's papers that hold a phrase which may stand in its name.
const LEAST_SHARE: f64 = 0.06;

/// From this part of its uses on within one longer phrase, a phrase is a piece of that one.
const WHOLE: f64 = 0.72;

/// What a theme is called.
#[derive(Debug, Clone, PartialEq)]
pub struct Name {
    /// One line for people; no two themes of a run have the same.
    pub name: String,
    /// The most telling phrases with their weight, greatest first; at most ten.
    pub terms: Vec<(String, f64)>,
}

/// A phrase in a theme.
#[derive(Debug, Clone)]
struct Term {
    key: String,
    form: String,
    share: f64,
    weight: f64,
}

/// Names the themes of every level. `counts[c]` are the phrases of the finest theme `c`, `sizes[c]` its papers;
/// `levels[l][c]` is the theme of level `l` (coarsest first, the last the finest themselves) that `c` lies in.
/// `kept(l, t)` is the name that a theme has from before and keeps; `fallback(l, t)` gives one where no phrase serves (the
/// title of a paper).
pub fn name_all(
    counts: &[Counts],
    sizes: &[usize],
    levels: &[Vec<u32>],
    kept: &dyn Fn(usize, usize) -> Option<String>,
    fallback: &dyn Fn(usize, usize) -> String,
) -> Vec<Vec<Name>> {
    let all: f64 = sizes.iter().map(|s| *s as f64).sum::<f64>().max(1.0);
    // The share of all papers that hold a phrase, and how it is written where it is most frequent.
    let mut overall: HashMap<&str, (f64, f64, &str)> = HashMap::new();
    for (c, count) in counts.iter().enumerate() {
        for (key, (papers, form)) in &count.phrases {
            let share = f64::from(*papers) / count.papers.max(1) as f64;
            let mass = share * sizes[c] as f64;
            let entry = overall.entry(key).or_insert((0.0, 0.0, form));
            entry.0 += mass / all;
            // Equal masses: the smaller form, so that no order of a hash map shows.
            if mass > entry.1 || (mass == entry.1 && form.as_str() < entry.2) {
                (entry.1, entry.2) = (mass, form);
            }
        }
    }
    let themes = |of: &[u32]| of.iter().max().map_or(0, |m| *m as usize + 1);
    let before = levels.iter().enumerate().flat_map(|(l, of)| (0..themes(of)).filter_map(move |t| kept(l, t)));
    let mut used: HashSet<String> = before.map(|name| name.to_lowercase()).collect();
    let mut out: Vec<Vec<Name>> = Vec::with_capacity(levels.len());
    for (l, of) in levels.iter().enumerate() {
        let mut members: Vec<Vec<usize>> = vec![Vec::new(); themes(of)];
        for (c, t) in of.iter().enumerate() {
            members[*t as usize].push(c);
        }
        let terms: Vec<Vec<Term>> = {
            use rayon::prelude::*;
            members.par_iter().map(|members| telling(members, counts, sizes, &overall)).collect()
        };
        let names = terms.into_iter().enumerate().map(|(t, terms)| {
            // What the name of the coarser theme says already tells its parts from nothing.
            let above =
                members[t].first().filter(|_| l > 0).map(|c| out[l - 1][levels[l - 1][*c] as usize].name.as_str());
            let fresh = after_the_known(&terms, above.unwrap_or_default());
            let name = kept(l, t).unwrap_or_else(|| make_name(&fresh, &mut used, &|| fallback(l, t)));
            let terms = terms.into_iter().take(TERMS).map(|t| (t.form, (t.weight * 1e4).round() / 1e4)).collect();
            Name { name, terms }
        });
        let names = names.collect();
        out.push(names);
    }
    out
}

/// The telling phrases of a theme made of some finest themes, best first, without repetitions.
fn telling(
    members: &[usize],
    counts: &[Counts],
    sizes: &[usize],
    overall: &HashMap<&str, (f64, f64, &str)>,
) -> Vec<Term> {
    let size: f64 = members.iter().map(|c| sizes[*c] as f64).sum::<f64>().max(1.0);
    let mut shares: HashMap<&str, f64> = HashMap::new();
    for &c in members {
        for (key, (papers, _)) in &counts[c].phrases {
            *shares.entry(key).or_default() +=
                f64::from(*papers) / counts[c].papers.max(1) as f64 * sizes[c] as f64 / size;
        }
    }
    // A phrase that hardly ever stands without a certain longer one is a piece of it, not a term.
    let mut longest: HashMap<&str, f64> = HashMap::new();
    for (key, share) in &shares {
        for piece in pieces(key) {
            let most = longest.entry(piece).or_default();
            *most = most.max(*share);
        }
    }
    let whole = |key: &str, share: f64| longest.get(key).is_none_or(|longer| *longer < WHOLE * share);
    let mut terms: Vec<Term> = shares
        .iter()
        .filter(|(key, share)| whole(key, **share))
        .filter_map(|(key, share)| {
            let (mean, _, form) = overall.get(key)?;
            let words = 1 + key.matches(' ').count();
            // Longer phrases are rarer by nature and say more.
            let length = if adjective(key) { 0.6 } else { [1.0, 1.5, 1.6][words.min(3) - 1] };
            let weight = share * (1.0 + share / mean.max(1e-9)).ln() * length;
            Some(Term { key: (*key).to_string(), form: (*form).to_string(), share: *share, weight })
        })
        .collect();
    terms.sort_by(|a, b| b.weight.total_cmp(&a.weight).then(a.key.cmp(&b.key)));
    terms.truncate(80);
    without_repetitions(terms)
}

/// The phrases of one word less that a phrase holds.
fn pieces(key: &str) -> impl Iterator<Item = &str> {
    let (first, last) = (key.find(' '), key.rfind(' '));
    [first.map(|k| &key[k + 1..]), last.map(|k| &key[..k])].into_iter().flatten()
}

/// Whether a single word looks like an English adjective, which names nothing by itself ("facial", "abstractive").
fn adjective(key: &str) -> bool {
    let nouns = [
        "arithmetic",
        "topic",
        "music",
        "traffic",
        "logic",
        "magnetic",
        "retrieval",
        "material",
        "signal",
        "crystal",
        "metal",
    ];
    let endings =
        ["ical", "ional", "ural", "ial", "ific", "otic", "astic", "ative", "ctive", "itive", "lingual", "ous"];
    !key.contains(' ') && !nouns.contains(&key) && endings.iter().any(|e| key.ends_with(e))
}

/// Drops what says the same as a term before it, and lets a phrase stand for its words where it holds most of them.
fn without_repetitions(terms: Vec<Term>) -> Vec<Term> {
    let mut kept: Vec<Term> = Vec::new();
    for term in terms {
        let words: Vec<&str> = term.key.split([' ', '-']).collect();
        let mut says_new = true;
        let mut longer_of = None;
        for (k, before) in kept.iter().enumerate() {
            let other: Vec<&str> = before.key.split([' ', '-']).collect();
            let inside = contains(&other, &words);
            let around = contains(&words, &other);
            if inside || stands_for(&term.key, &before.key) || stands_for(&before.key, &term.key) {
                says_new = false;
                break;
            }
            if around {
                // "diffusion" before "diffusion model": the phrase replaces the word when most who say one say both.
                if term.share >= 0.45 * before.share && longer_of.is_none() {
                    longer_of = Some(k);
                } else {
                    says_new = false;
                }
            } else if overlap(&other, &words) * 2 > words.len().max(other.len()) {
                says_new = false;
            }
        }
        match (says_new, longer_of) {
            (true, Some(k)) => {
                let weight = kept[k].weight;
                kept[k] = Term { weight, ..term };
            }
            (true, None) => kept.push(term),
            _ => {}
        }
    }
    // A phrase that replaced a word may now hold another that stands behind it.
    let keys: Vec<Vec<String>> = kept.iter().map(|t| t.key.split([' ', '-']).map(str::to_string).collect()).collect();
    let mut k = 0;
    kept.retain(|_| {
        let own = &keys[k];
        let fresh = !keys[..k].iter().any(|before| before.windows(own.len()).any(|w| w == own.as_slice()));
        k += 1;
        fresh
    });
    kept
}

/// Whether `words` stands in `phrase`, in order and without a gap.
fn contains(phrase: &[&str], words: &[&str]) -> bool {
    phrase.windows(words.len()).any(|w| w == words)
}

fn overlap(a: &[&str], b: &[&str]) -> usize {
    a.iter().filter(|w| b.contains(w)).count()
}

/// Whether a word is the acronym of a phrase: "llm" of "large language model", "rl" of "reinforcement learning".
fn stands_for(word: &str, phrase: &str) -> bool {
    let letters: String = word.chars().filter(|c| c.is_alphanumeric()).collect();
    let initials: String = phrase.split([' ', '-']).filter_map(|w| w.chars().next()).collect();
    let count = letters.chars().count();
    // "llm" also stands for "language model": one letter more in front.
    let near = letters.ends_with(&initials) && initials.chars().count() >= 2 && count <= initials.chars().count() + 1;
    !word.contains(' ') && (2..=6).contains(&count) && (initials == letters || near)
}

/// The terms with those behind the others that stand in a name given already, as long as others say enough.
fn after_the_known<'a>(terms: &'a [Term], name: &str) -> Vec<&'a Term> {
    let most = terms.first().map_or(0.0, |t| t.weight);
    let said = |t: &Term| name.to_lowercase().split(", ").any(|part| part == t.form.to_lowercase());
    let (mut first, mut last): (Vec<&Term>, Vec<&Term>) =
        terms.iter().partition(|t| !said(t) && t.weight >= 0.35 * most && t.share >= LEAST_SHARE);
    if first.is_empty() {
        return terms.iter().collect();
    }
    last.sort_by(|a, b| said(a).cmp(&said(b)).then(b.weight.total_cmp(&a.weight)).then(a.key.cmp(&b.key)));
    first.extend(last);
    first
}

fn make_name(terms: &[&Term], used: &mut HashSet<String>, fallback: &dyn Fn() -> String) -> String {
    let good: Vec<&str> = terms.iter().filter(|t| t.share >= LEAST_SHARE).map(|t| t.form.as_str()).collect();
    let usable: Vec<&str> =
        if good.is_empty() { terms.iter().take(TERMS).map(|t| t.form.as_str()).collect() } else { good };
    for length in IN_NAME.min(usable.len()).max(1)..=usable.len().min(TERMS) {
        let name = joined(&usable[..length]);
        if !name.is_empty() && used.insert(name.to_lowercase()) {
            return name;
        }
    }
    let title = fallback();
    let base = if title.trim().is_empty() { "Unnamed".to_string() } else { title.trim().to_string() };
    let mut name = base.clone();
    let mut number = 2;
    while !used.insert(name.to_lowercase()) {
        name = format!("{base} ({number})");
        number += 1;
    }
    name
}

/// The terms as one line, beginning with a capital.
fn joined(terms: &[&str]) -> String {
    let line = terms.join(", ");
    // "mRNA" and "eBPF" keep their way of writing.
    let own_way = line.split([' ', ',']).next().is_some_and(|w| w.chars().skip(1).any(char::is_uppercase));
    let mut chars = line.chars();
    match chars.next() {
        Some(first) if !own_way => first.to_uppercase().chain(chars).collect(),
        _ => line,
    }
}

#[cfg(test)]
mod tests {
    use super::super::text::Words;
    use super::*;

    fn counts(papers: &[&str]) -> Counts {
        Counts::of(&Words::default(), papers.iter().map(|p| (*p, "")))
    }

    #[test]
    fn names_tell_themes_apart_and_are_never_the_same() {
        let tides =
            ["Ocean tides and salt marshes", "Salt marshes under ocean tides", "Tidal salt marshes", "Ocean tides"];
        let bees = ["Honey bees and pollen", "Pollen of honey bees", "Honey bees in winter", "Wild honey bees"];
        let counts = [counts(&tides), counts(&bees), counts(&bees)];
        let levels = [vec![0, 1, 1], vec![0, 1, 2]];
        let names = name_all(&counts, &[4, 4, 4], &levels, &|_, _| None, &|_, t| format!("Theme {t}"));
        assert!(names[0][0].name.to_lowercase().contains("salt marsh"), "{names:?}");
        assert!(names[0][1].name.to_lowercase().contains("honey bee"), "{names:?}");
        let all: Vec<String> = names.iter().flatten().map(|n| n.name.to_lowercase()).collect();
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len(), "{all:?}");
        let kept = |l: usize, t: usize| (l == 1 && t == 2).then(|| names[0][1].name.clone());
        let again = name_all(&counts, &[4, 4, 4], &levels, &kept, &|_, t| format!("Theme {t}"));
        assert_eq!(again[1][2].name, names[0][1].name);
        assert_ne!(again[0][1].name, names[0][1].name);
    }

    #[test]
    fn what_says_nothing_is_named_by_its_paper() {
        let names = name_all(&[counts(&["???", "!!!"]), counts(&[])], &[2, 1], &[vec![0, 1]], &|_, _| None, &|_, _| {
            "A title".into()
        });
        assert_eq!((names[0][0].name.as_str(), names[0][1].name.as_str()), ("A title", "A title (2)"));
    }

    #[test]
    fn acronyms_and_parts_are_not_said_twice() {
        assert!(stands_for("rl", "reinforcement learning") && stands_for("llm", "large language model"));
        assert!(!stands_for("rl", "robot learning process") && !stands_for("a b", "a b"));
        let papers = [
            "Reinforcement learning (RL) for gliders",
            "RL: reinforcement learning and gliders",
            "Reinforcement learning",
        ];
        let names = name_all(
            &[counts(&papers), counts(&["Ocean tides", "Ocean waves"])],
            &[3, 2],
            &[vec![0, 1]],
            &|_, _| None,
            &|_, _| String::new(),
        );
        let name = names[0][0].name.to_lowercase();
        assert!(name.contains("reinforcement learning") && !name.contains("rl,") && !name.ends_with("rl"), "{name}");
    }
}
