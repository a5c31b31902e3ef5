//! What interests are called: as themes are (`themes::names`), from what the reader's papers say beside the corpus at large.

use std::borrow::Cow;
use std::collections::HashMap;

use super::Interest;
use crate::engine::corpus::Common;
use crate::engine::readers::Readers;
use crate::engine::readers::reader::Reader;
use crate::error::Result;
use crate::paper::english::is_plural;
use crate::paper::{Identifier, Paper, PaperId, Row, head, is_cjk, plain};
use crate::themes::names::{Name, name_all};
use crate::themes::text::{PhraseCounts, PhraseFinder};

/// Papers of an interest that are read for its name: the heaviest.
const READ: usize = 30;

/// Papers of the corpus that say how common a phrase is.
const AT_LARGE: usize = 1000;

/// The longest name made of a title.
const TITLE: usize = 60;

/// What an interest is called whose papers say nothing that could be read.
const UNREAD: &str = "From your reading list";

impl Readers {
    /// The names of a reader's interests, in their order, no two the same; made when they are first asked for.
    pub(in crate::engine::readers) fn interest_names<'r>(&self, reader: &'r Reader) -> Result<&'r [Name]> {
        if let Some(names) = reader.names.get() {
            return Ok(names);
        }
        let made = self.name_interests(reader)?;
        Ok(reader.names.get_or_init(|| made))
    }

    fn name_interests(&self, reader: &Reader) -> Result<Vec<Name>> {
        let interests = &reader.interests;
        let Some(common) = self.corpus.common(&self.corpus.space())?.filter(|_| !interests.is_empty()) else {
            return Ok(interests
                .iter()
                .map(|i| Name { name: own_name(i).unwrap_or_default(), terms: Vec::new() })
                .collect());
        };
        let read: Vec<Vec<PaperId>> = interests.iter().map(|i| to_read(reader, i)).collect();
        let papers = self.texts(reader, &read)?;
        let words = PhraseFinder::default();
        let groups: Vec<Vec<&(String, String)>> =
            read.iter().map(|ids| ids.iter().filter_map(|id| papers.get(id)).collect()).collect();
        let mut counts: Vec<PhraseCounts> = groups.iter().map(|g| counts(&words, g)).collect();
        let mut sizes: Vec<usize> = groups.iter().map(Vec::len).collect();
        // The corpus is one more group, behind the others: what is frequent there tells nothing.
        counts.push(self.phrases_at_large(&common, &words)?);
        sizes.push(self.corpus.lexical().len().max(1));
        let levels = [(0..counts.len() as u32).collect()];
        let kept = |_: usize, k: usize| interests.get(k).and_then(own_name);
        let title = |k: usize| groups.get(k).and_then(|g| g.first()).map(|p| head(p.0.trim(), TITLE));
        let fallback = |_: usize, k: usize| title(k).unwrap_or_else(|| UNREAD.to_string());
        let mut names = name_all(&counts, &sizes, &levels, &kept, &fallback).pop().unwrap_or_default();
        names.truncate(interests.len());
        Ok(names)
    }

    /// Title and abstract of papers, as text, those of the reader's library included; without what an import did not
    /// understand.
    fn texts(&self, reader: &Reader, read: &[Vec<PaperId>]) -> Result<HashMap<PaperId, (String, String)>> {
        let ids: Vec<&PaperId> = read.iter().flatten().collect();
        let rows: Vec<Row> = self.store.rows(&ids)?.into_iter().flatten().collect();
        let text = |p: &Paper| (plain(&p.title).into_owned(), plain(&p.summary).into_owned());
        let mut texts: HashMap<PaperId, (String, String)> =
            self.store.papers(&rows)?.into_iter().map(|(_, p)| (p.id.clone(), text(&p))).collect();
        if reader.user.number >= 0 && texts.len() < ids.len() {
            for paper in self.store.library(reader.user.number)?.iter().filter(|p| is_title(&p.title)) {
                texts.entry(paper.id.clone()).or_insert_with(|| text(paper));
            }
        }
        Ok(texts)
    }

    /// The phrases of the corpus: of a sample, kept with what else is common.
    fn phrases_at_large(&self, common: &Common, words: &PhraseFinder) -> Result<PhraseCounts> {
        if let Some(counts) = common.phrases.get() {
            return Ok(counts.clone());
        }
        let rows = self.corpus.lexical().rows();
        let step = (rows.len() as usize / AT_LARGE).max(1);
        let some: Vec<Row> = rows.iter().step_by(step).take(AT_LARGE).map(Row).collect();
        let papers = self.store.papers(&some)?;
        let texts: Vec<(Cow<'_, str>, Cow<'_, str>)> =
            papers.iter().map(|(_, p)| (plain(&p.title), plain(&p.summary))).collect();
        let made = PhraseCounts::of(words, texts.iter().map(|(t, s)| (t.as_ref(), s.as_ref())));
        Ok(common.phrases.get_or_init(|| made).clone())
    }
}

fn own_name(interest: &Interest) -> Option<String> {
    interest.edits.name.clone()
}

/// The papers that an interest is named after: its own, else those that the reader said something of.
fn to_read(reader: &Reader, interest: &Interest) -> Vec<PaperId> {
    if interest.members.is_empty() {
        return interest.anchor.iter().take(READ).filter_map(|id| PaperId::new(id.as_str()).ok()).collect();
    }
    interest.members.iter().take(READ).map(|&k| reader.learned[k].id.clone()).collect()
}

/// The phrases of an interest that could name it: noun phrases of its titles, of single words only acronyms and what two
/// titles hold. A title counts twice what an abstract does.
fn counts(words: &PhraseFinder, papers: &[&(String, String)]) -> PhraseCounts {
    let twice = papers.iter().flat_map(|p| [(p.0.as_str(), p.1.as_str()), (p.0.as_str(), "")]);
    let mut all = PhraseCounts::of(words, twice);
    let mut titles: HashMap<String, usize> = HashMap::new();
    for paper in papers {
        for key in PhraseCounts::of(words, [(paper.0.as_str(), "")]).phrases.into_keys() {
            *titles.entry(key).or_default() += 1;
        }
    }
    let fits = |key: &str, form: &str| {
        let held_by = titles.get(key).copied().unwrap_or_default();
        is_name(form) && held_by > 0 && (key.contains(' ') || held_by > 1 || is_acronym(form))
    };
    // Where no title has one, the abstracts that agree must do; one paper alone is better named by its title.
    let strict = papers.len() == 1 || all.phrases.iter().any(|(key, (_, form))| fits(key, form));
    all.phrases.retain(|key, (_, form)| if strict { fits(key, form) } else { is_name(form) });
    all
}

/// Words in -ing that name something, and may begin a name.
const THINGS_IN_ING: &str = "reasoning routing training embedding coding planning imaging rendering sampling scheduling pricing \
sequencing manufacturing mining engineering processing computing networking tracking mapping clustering scaling editing prompting \
tuning string spring ring wing lensing binding folding splicing signaling signalling aging ageing housing hearing ranking spelling \
lighting steering querying screening streaming testing forecasting matching hashing caching gaming";

/// Words that look like adjectives and name something.
const THINGS: &str = "objective perspective narrative incentive additive derivative archive variable table vegetable forest \
interest harvest request test west family assembly anomaly supply material signal crystal metal retrieval trial potential \
differential credential tutorial arsenal journal mineral animal mammal proposal approval survival removal arrival portal capital \
hospital coral goal renewal";

/// Endings, and words, that leave open what is meant when a phrase ends with them.
const OPEN_ENDS: &[&str] = &[
    "ive", "ous", "ical", "ional", "able", "ible", "less", "ful", "ly", "est", "al", "ented", "ized", "ised", "ated",
    "ered", "aware", "based", "driven", "aided", "guided", "specific", "free", "level", "quality", "deep", "extra",
    "behind", "novel", "scale", "wide",
];

/// Verbs that titles are sentences with.
const VERBS: &str = "refines raises follows reveals predicts drives shapes controls limits explains improves reduces enables keeps \
makes takes tracks holds helps breaks sets beats needs finds gives learns tells shows causes depends emerges matters works";

fn is_acronym(form: &str) -> bool {
    !form.contains(' ') && form.chars().filter(|c| c.is_uppercase()).count() > 1
}

/// Whether a phrase names something: a noun phrase, as far as its first and last word tell. "Generating images", "detects
/// errors" and "partially verified" say what is done, and "human cognitive" leaves open what.
fn is_name(form: &str) -> bool {
    if is_acronym(form) {
        return true;
    }
    let lower = form.to_lowercase();
    let (first, last) = (lower.split(' ').next().unwrap_or_default(), lower.rsplit(' ').next().unwrap_or_default());
    let tail = |word: &str| word.rsplit('-').next().unwrap_or_default().to_string();
    let thing = |list: &str, word: &str| list.split_whitespace().any(|w| w == word);
    let ends = |word: &str, ending: &str| word.len() > ending.len() + 2 && word.ends_with(ending);
    let doing = ends(first, "ing") && !thing(THINGS_IN_ING, &tail(first));
    let how = ends(first, "ly") && !thing(THINGS, first);
    // What stands before a noun is singular in English, but for what only looks like a plural: else one of both is a verb.
    let before = lower.split(' ').count() - 1;
    let verb = lower.split(' ').take(before).any(is_plural) || thing(VERBS, last);
    let last = tail(last);
    let open = OPEN_ENDS.iter().any(|e| ends(&last, e) || last == *e) && !thing(THINGS, &last)
        || (ends(&last, "ed") && !last.ends_with("eed"));
    !(doing || how || verb || open)
}

/// Whether the title of an imported reference is one, and not what could not be read: an address, an identifier, a field.
fn is_title(text: &str) -> bool {
    let text = text.trim();
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    let signs = text.chars().filter(|c| !c.is_whitespace()).count();
    let words = text.split_whitespace().filter(|w| w.chars().filter(|c| c.is_alphabetic()).count() >= 3).count();
    let wide = text.chars().filter(|c| is_cjk(*c)).count();
    letters * 10 >= signs * 6
        && (words >= 2 || wide >= 3)
        && !text.contains("://")
        && !text.contains(['{', '}', '=', '@'])
        && Identifier::parse(text).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_understood_is_no_title() {
        for title in [
            "Singing whales of warm waters",
            "Über die Quanten: ein Beitrag",
            "量子計算入門",
            "BERT rediscovers pipelines",
        ] {
            assert!(is_title(title), "{title}");
        }
        for not in ["", "https://example.org/a/b", "note = {x}", "10.1000/182", "12345678", "TY  - JOUR", "@article{a,"]
        {
            assert!(!is_title(not), "{not}");
        }
    }

    #[test]
    fn names_are_things() {
        for name in [
            "graph neural networks",
            "Image editing",
            "KAN",
            "reasoning trajectories",
            "statistics",
            "salt marsh",
            "credit assignment",
            "reinforcement learning",
            "material",
            "physics engines",
            "Dynamic Tree Cut",
            "animal survival",
        ] {
            assert!(is_name(name), "{name}");
        }
        for debris in [
            "Generating images",
            "detects errors",
            "partially verified",
            "human cognitive",
            "merely",
            "Annotated",
            "maintaining balance",
            "cost effective",
            "Continuously learn",
            "personalized deep",
        ] {
            assert!(!is_name(debris), "{debris}");
        }
    }

    #[test]
    fn names_come_from_titles() {
        let paper = |t: &str, s: &str| (t.to_string(), s.to_string());
        let one = paper("Salt marshes under ocean tides", "Wrong thing here. Salt marsh grass grew.");
        let other = paper("Grass of the salt marsh", "Salt marsh grass was cut.");
        let names = |papers: &[&(String, String)]| {
            let mut keys: Vec<String> = counts(&PhraseFinder::default(), papers).phrases.into_keys().collect();
            keys.sort();
            keys
        };
        let single = names(&[&one]);
        assert!(
            single.contains(&"salt marsh".to_string()) && !single.iter().any(|k| k.contains("wrong")),
            "{single:?}"
        );
        let both = names(&[&one, &other]);
        assert!(both.contains(&"salt marsh".to_string()) && !both.contains(&"tide".to_string()), "{both:?}");
        // No title says anything: the abstracts do.
        let (a, b) = (paper("On it", "Salt marsh grass grew."), paper("More of it", "Salt marsh grass was cut."));
        assert!(names(&[&a, &b]).contains(&"salt marsh grass".to_string()));
    }
}
