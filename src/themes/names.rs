//! Names of themes: class-based TF-IDF over phrases, made readable.
//!
//! Grootendorst, "BERTopic: Neural topic modeling with a class-based TF-IDF procedure", 2022: a phrase speaks for a
//! theme when it is frequent in it and rare in the others. Here frequency is the share of a theme's papers that hold
//! the phrase; what says the same twice (a word of a phrase already taken, an acronym and what it stands for) is left
//! out.
//!
//! A name should tell a theme from those around it. So the phrases of a level are dealt out: each goes to the theme for
//! which it speaks most, and no theme is named by a phrase that stands in the name of a theme above it, or that is
//! nearly the same as one of its siblings ("captions", "captioning"). A theme that is left without a second phrase has
//! a name of one.

use std::collections::{HashMap, HashSet};

use super::text::PhraseCounts;
use crate::paper::english::singular;

/// Terms kept of a theme.
const TERMS: usize = 10;

/// Terms at most that a name is made of; more only where two themes would else have one name.
const IN_NAME: usize = 2;

/// The least share of a theme's papers that hold a phrase which may stand in its name.
const LEAST_SHARE: f64 = 0.06;

/// A phrase that weighs less than this part of a theme's first does not stand in its name.
const WORTH_SAYING: f64 = 0.35;

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
/// `levels[l][c]` is the theme of level `l` (coarsest first, the last the finest themselves) that `c` lies in. `kept(l,
/// t)` is the name that a theme has from before and keeps; `fallback(l, t)` gives one where no phrase serves (the title
/// of a paper).
pub fn name_all(
    counts: &[PhraseCounts],
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
    // The phrases in the names of the themes above and of the theme itself, level by level.
    let mut said: Vec<Vec<Vec<String>>> = Vec::with_capacity(levels.len());
    for (l, of) in levels.iter().enumerate() {
        let mut members: Vec<Vec<usize>> = vec![Vec::new(); themes(of)];
        for (c, t) in of.iter().enumerate() {
            members[*t as usize].push(c);
        }
        let terms: Vec<Vec<Term>> = {
            use rayon::prelude::*;
            members.par_iter().map(|members| telling(members, counts, sizes, &overall)).collect()
        };
        let parent = |t: usize| members[t].first().filter(|_| l > 0).map(|c| levels[l - 1][*c] as usize);
        let above: Vec<Vec<String>> =
            (0..members.len()).map(|t| parent(t).map_or_else(Vec::new, |p| said[l - 1][p].clone())).collect();
        let given: Vec<Option<String>> = (0..members.len()).map(|t| kept(l, t)).collect();
        let known: Vec<Vec<String>> = given.iter().map(|name| name.as_deref().map_or_else(Vec::new, keys_of)).collect();
        let level = Level { terms: &terms, above: &above, parent: &parent, named: &given };
        let dealt = level.deal(&known);
        let named = (0..members.len()).map(|t| match &given[t] {
            Some(name) => name.clone(),
            None => make_name(&dealt[t], &terms[t], &mut used, &|| fallback(l, t)),
        });
        let named: Vec<String> = named.collect();
        said.push((0..members.len()).map(|t| [above[t].clone(), keys_of(&named[t])].concat()).collect());
        let shown = |terms: Vec<Term>| {
            terms.into_iter().take(TERMS).map(|t| (t.form, (t.weight * 1e4).round() / 1e4)).collect::<Vec<_>>()
        };
        out.push(named.into_iter().zip(terms).map(|(name, terms)| Name { name, terms: shown(terms) }).collect());
    }
    out
}

/// The phrases that a name is made of, in lower case and the singular.
fn keys_of(name: &str) -> Vec<String> {
    let key = |part: &str| part.split(' ').map(|w| singular(&w.to_lowercase())).collect::<Vec<_>>().join(" ");
    name.split(", ").map(key).collect()
}

/// The themes of a level that are to be named.
struct Level<'a> {
    terms: &'a [Vec<Term>],
    /// What stands in the names of the themes above each.
    above: &'a [Vec<String>],
    parent: &'a dyn Fn(usize) -> Option<usize>,
    named: &'a [Option<String>],
}

impl Level<'_> {
    /// Up to [`IN_NAME`] phrases for each theme, by their places among its terms. `known` are the phrases of names that
    /// are given already.
    fn deal(&self, known: &[Vec<String>]) -> Vec<Vec<usize>> {
        let mut taken: HashSet<&str> = known.iter().flatten().map(String::as_str).collect();
        let mut of_parent: HashMap<Option<usize>, Vec<&str>> = HashMap::new();
        for (t, keys) in known.iter().enumerate() {
            of_parent.entry((self.parent)(t)).or_default().extend(keys.iter().map(String::as_str));
        }
        let least = |t: usize| WORTH_SAYING * self.terms[t].first().map_or(0.0, |first| first.weight);
        let mut bids: Vec<(usize, usize)> = (0..self.terms.len())
            .filter(|t| self.named[*t].is_none())
            .flat_map(|t| (0..self.terms[t].len()).map(move |k| (t, k)))
            .collect();
        let term = |(t, k): &(usize, usize)| &self.terms[*t][*k];
        bids.sort_by(|a, b| term(b).weight.total_cmp(&term(a).weight).then_with(|| a.cmp(b)));
        let mut dealt: Vec<Vec<usize>> = vec![Vec::new(); self.terms.len()];
        // A first phrase for each, if need be a weak one; then a second where it is worth saying.
        for (phrases, strong) in [(1, true), (1, false), (IN_NAME, true)] {
            for bid in &bids {
                let (t, k) = *bid;
                let key = term(bid).key.as_str();
                let siblings = of_parent.entry((self.parent)(t)).or_default();
                if dealt[t].len() < phrases
                    && (!strong || term(bid).share >= LEAST_SHARE && term(bid).weight >= least(t))
                    && !taken.contains(key)
                    && !self.above[t].iter().any(|other| alike(key, other))
                    && !siblings.iter().any(|other| alike(key, other))
                {
                    dealt[t].push(k);
                    taken.insert(key);
                    siblings.push(key);
                }
            }
        }
        dealt
    }
}

/// Whether two phrases say much the same: one stands in the other, or is its acronym, or they differ by endings alone.
fn alike(a: &str, b: &str) -> bool {
    let (x, y): (Vec<&str>, Vec<&str>) = (a.split([' ', '-']).collect(), b.split([' ', '-']).collect());
    let (short, long) = if x.len() <= y.len() { (&x, &y) } else { (&y, &x) };
    let inside = long.windows(short.len()).any(|w| w.iter().zip(short).all(|(v, w)| one_word(v, w)));
    inside || stands_for(a, b) || stands_for(b, a)
}

/// Whether two words differ by their endings alone, in the languages that are frequent here.
fn one_word(a: &str, b: &str) -> bool {
    const ENDINGS: &[&str] = &[
        "", "a", "ai", "al", "ar", "as", "ation", "aux", "e", "ed", "en", "er", "ern", "ers", "es", "i", "ic", "ing",
        "ion", "is", "ment", "n", "ning", "o", "or", "os", "r", "s", "um", "ung", "x", "y",
    ];
    if a == b {
        return true;
    }
    let shared: usize = a.chars().zip(b.chars()).take_while(|(x, y)| x == y).map(|(x, _)| x.len_utf8()).sum();
    let count = a[..shared].chars().count();
    count >= 4
        && 10 * count >= 6 * a.chars().count().min(b.chars().count()).max(6)
        && ENDINGS.contains(&&a[shared..])
        && ENDINGS.contains(&&b[shared..])
}

/// The telling phrases of a theme made of some finest themes, best first, without repetitions.
fn telling(
    members: &[usize],
    counts: &[PhraseCounts],
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

/// A name of the phrases dealt to a theme; when others have it, or there are none, of one phrase more; else what
/// `fallback` gives.
fn make_name(dealt: &[usize], terms: &[Term], used: &mut HashSet<String>, fallback: &dyn Fn() -> String) -> String {
    let mut order: Vec<usize> = dealt.to_vec();
    order.sort_unstable();
    let rest = (0..terms.len()).filter(|k| !dealt.contains(k) && (terms[*k].share >= LEAST_SHARE || dealt.is_empty()));
    order.extend(rest.take(TERMS));
    let first = if dealt.is_empty() { IN_NAME.min(order.len()) } else { dealt.len() };
    for length in first.max(1)..=order.len().min(TERMS) {
        let forms: Vec<&str> = order[..length].iter().map(|k| terms[*k].form.as_str()).collect();
        let name = joined(&forms);
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
    use super::super::text::PhraseFinder;
    use super::*;

    fn counts(papers: &[&str]) -> PhraseCounts {
        PhraseCounts::of(&PhraseFinder::default(), papers.iter().map(|p| (*p, "")))
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
    fn no_phrase_stands_in_two_names_of_a_level_or_below_its_own() {
        let of = |what: &str| {
            let lines = [
                format!("{what} with glass lenses"),
                format!("{what} and glass lenses"),
                format!("{what} in glass lenses"),
            ];
            let papers: Vec<&str> = lines.iter().map(String::as_str).collect();
            counts(&papers)
        };
        let counts = [of("Captions of kites"), of("Captioning of owls"), of("Tides of salt"), of("Pollen of bees")];
        let levels = [vec![0, 0, 1, 1], vec![0, 1, 2, 3]];
        let names = name_all(&counts, &[9, 9, 9, 9], &levels, &|_, _| None, &|l, t| format!("Theme {l} {t}"));
        for level in &names {
            let parts: Vec<Vec<String>> = level.iter().map(|n| keys_of(&n.name)).collect();
            for (t, own) in parts.iter().enumerate() {
                let others = parts.iter().enumerate().filter(|(o, _)| *o != t).flat_map(|(_, p)| p);
                assert!(others.into_iter().all(|o| own.iter().all(|k| k != o)), "{names:?}");
            }
        }
        for (c, t) in levels[0].iter().enumerate() {
            let above = keys_of(&names[0][*t as usize].name);
            assert!(keys_of(&names[1][c].name).iter().all(|k| above.iter().all(|a| !alike(k, a))), "{names:?}");
        }
    }

    #[test]
    fn words_with_other_endings_are_one() {
        for (a, b) in [
            ("caption", "captioning"),
            ("agent", "agentic"),
            ("wald", "walden"),
            ("fichte", "fichten"),
            ("reward model", "reward modeling"),
        ] {
            assert!(alike(a, b) && alike(b, a), "{a} {b}");
        }
        for (a, b) in [
            ("multimodal", "multilingual"),
            ("video generation", "video understanding"),
            ("prompt", "proof"),
            ("tide", "tiger"),
        ] {
            assert!(!alike(a, b), "{a} {b}");
        }
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
