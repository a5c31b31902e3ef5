//! What interests are called: as themes are (`themes::names`), from what the reader's papers say beside the corpus at large.

use std::borrow::Cow;
use std::collections::HashMap;

use super::Interest;
use crate::engine::Engine;
use crate::engine::reader::{Common, Reader};
use crate::error::Result;
use crate::paper::{Identifier, Paper, PaperId, Row, head, plain};
use crate::themes::names::{Name, name_all};
use crate::themes::text::{Counts, Words};

/// Papers of an interest that are read for its name: the heaviest.
const READ: usize = 30;

/// Papers of the corpus that say how common a phrase is.
const AT_LARGE: usize = 1000;

/// Papers of an interest below which what stands in one abstract alone names nothing.
const FEW: usize = 4;

/// The longest name made of a title.
const TITLE: usize = 60;

/// What an interest is called whose papers say nothing that could be read.
const UNREAD: &str = "From your reading list";

impl Engine {
    /// The names of a reader's interests, in their order, no two the same; made when they are first asked for.
    pub(in crate::engine) fn interest_names<'r>(&self, reader: &'r Reader) -> Result<&'r [Name]> {
        if let Some(names) = reader.names.get() {
            return Ok(names);
        }
        let made = self.name_interests(reader)?;
        Ok(reader.names.get_or_init(|| made))
    }

    fn name_interests(&self, reader: &Reader) -> Result<Vec<Name>> {
        let interests = &reader.interests;
        let Some(common) = self.common(&self.space())?.filter(|_| !interests.is_empty()) else {
            return Ok(interests
                .iter()
                .map(|i| Name { name: own_name(i).unwrap_or_default(), terms: Vec::new() })
                .collect());
        };
        let read: Vec<Vec<PaperId>> = interests.iter().map(|i| to_read(reader, i)).collect();
        let papers = self.texts(reader, &read)?;
        let words = Words::default();
        let groups: Vec<Vec<&(String, String)>> =
            read.iter().map(|ids| ids.iter().filter_map(|id| papers.get(id)).collect()).collect();
        let mut counts: Vec<Counts> = groups.iter().map(|g| counts(&words, g)).collect();
        let mut sizes: Vec<usize> = counts.iter().map(|c| c.papers).collect();
        // The corpus is one more group, behind the others: what is frequent there tells nothing.
        counts.push(self.at_large(&common, &words)?);
        sizes.push(self.lexical.len().max(1));
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
            for paper in self.store.outside(reader.user.number)?.iter().filter(|p| is_title(&p.title)) {
                texts.entry(paper.id.clone()).or_insert_with(|| text(paper));
            }
        }
        Ok(texts)
    }

    /// The phrases of the corpus: of a sample, kept with what else is common.
    fn at_large(&self, common: &Common, words: &Words) -> Result<Counts> {
        if let Some(counts) = common.phrases.get() {
            return Ok(counts.clone());
        }
        let rows = self.lexical.rows();
        let step = (rows.len() as usize / AT_LARGE).max(1);
        let some: Vec<Row> = rows.iter().step_by(step).take(AT_LARGE).map(Row).collect();
        let papers = self.store.papers(&some)?;
        let texts: Vec<(Cow<'_, str>, Cow<'_, str>)> =
            papers.iter().map(|(_, p)| (plain(&p.title), plain(&p.summary))).collect();
        let made = Counts::of(words, texts.iter().map(|(t, s)| (t.as_ref(), s.as_ref())));
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

/// The phrases of an interest. Of few papers those of titles and those that two of them hold.
fn counts(words: &Words, papers: &[&(String, String)]) -> Counts {
    let texts = papers.iter().map(|p| (p.0.as_str(), p.1.as_str()));
    let mut all = Counts::of(words, texts);
    if papers.len() < FEW {
        let titles = Counts::of(words, papers.iter().map(|p| (p.0.as_str(), "")));
        all.phrases.retain(|key, (n, _)| *n > 1 || titles.phrases.contains_key(key));
    }
    all
}

/// Whether the title of an imported reference is one, and not what could not be read: an address, an identifier, a field.
fn is_title(text: &str) -> bool {
    let text = text.trim();
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    let signs = text.chars().filter(|c| !c.is_whitespace()).count();
    let words = text.split_whitespace().filter(|w| w.chars().filter(|c| c.is_alphabetic()).count() >= 3).count();
    let wide = text.chars().filter(|c| matches!(u32::from(*c), 0x2E80..=0x9FFF | 0xAC00..=0xD7AF)).count();
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
    fn few_papers_are_named_by_their_titles() {
        let paper = |t: &str, s: &str| (t.to_string(), s.to_string());
        let one = paper("Salt marshes under ocean tides", "Wrong thing here. Salt marsh grass grew.");
        let other = paper("Grass of the marsh", "Salt marsh grass was cut.");
        let names = |papers: &[&(String, String)]| {
            let mut keys: Vec<String> = counts(&Words::default(), papers).phrases.into_keys().collect();
            keys.sort();
            keys
        };
        let single = names(&[&one]);
        assert!(
            single.contains(&"salt marsh".to_string()) && !single.iter().any(|k| k.contains("wrong")),
            "{single:?}"
        );
        assert!(names(&[&one, &other]).contains(&"salt marsh grass".to_string()));
    }
}
