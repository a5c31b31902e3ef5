//! Whether a record is of a paper that has some records already.

use std::collections::HashSet;

use crate::paper::{Paper, TELLING_TITLE, is_of_a_preprint};

/// How many years a preprint may be older than its article.
const YEARS: i32 = 1;

/// What says that a record is of a paper; what says more comes last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sameness {
    /// Title, first author and, but for a year, the year.
    Title,
    /// An identifier.
    Identifier,
}

/// What the records of a paper are known by.
#[derive(Default)]
pub struct Known {
    /// Ids without versions, in lower case.
    bases: HashSet<String>,
    /// Identifiers.
    keys: HashSet<String>,
    /// Titles with first authors, and the years they appeared.
    titles: Vec<(String, Option<i32>)>,
}

impl Known {
    /// What some records are known by.
    pub fn of<'a>(papers: impl IntoIterator<Item = &'a Paper>) -> Self {
        let mut known = Known::default();
        for paper in papers {
            known.bases.insert(paper.id.base().to_lowercase());
            known.keys.extend(paper.identifiers().iter().map(|found| found.key().to_string()));
            known.titles.extend(title_key(paper).map(|key| (key, year(paper))));
        }
        known
    }

    /// Whether the two are one: they share an identifier, or a title that tells something, the first author and, but for a year, the
    /// year. Two arXiv ids are always two papers; with nothing but the title to go by, so are two DOIs of articles, two of one server
    /// of preprints, and two numbers of PubMed.
    pub fn sameness(&self, other: &Known) -> Option<Sameness> {
        if !self.bases.is_disjoint(&other.bases) {
            return Some(Sameness::Identifier);
        }
        if !self.may_be_one_with(other, Sameness::Identifier) {
            return None;
        }
        if !self.keys.is_disjoint(&other.keys) {
            return Some(Sameness::Identifier);
        }
        let agree = |(title, year): &(String, Option<i32>)| {
            let years = |other: Option<i32>| year.zip(other).is_none_or(|(a, b)| (a - b).abs() <= YEARS);
            other.titles.iter().any(|(known, of)| known == title && years(*of))
        };
        (self.may_be_one_with(other, Sameness::Title) && self.titles.iter().any(agree)).then_some(Sameness::Title)
    }

    /// Whether nothing says that they are two, where that is what makes them one.
    pub fn may_be_one_with(&self, other: &Known, by: Sameness) -> bool {
        let differ = |of: &dyn Fn(&str) -> Option<&str>| {
            let set = |known: &Known| known.keys.iter().filter_map(|key| of(key).map(str::to_string)).collect();
            let (a, b): (HashSet<String>, HashSet<String>) = (set(self), set(other));
            !a.is_empty() && !b.is_empty() && a.is_disjoint(&b)
        };
        if differ(&|key| key.strip_prefix("arxiv:")) {
            return false;
        }
        by == Sameness::Identifier
            || !(differ(&|key| key.strip_prefix("doi:").filter(|doi| !is_of_a_preprint(doi)))
                || differ(&|key| key.strip_prefix("pmid:"))
                || self.is_on_a_server_of(other))
    }

    /// Whether both have a DOI of the same server of preprints, and not the same.
    fn is_on_a_server_of(&self, other: &Known) -> bool {
        let dois = |known: &'_ Known| -> Vec<(String, String)> {
            let of = |key: &String| {
                let doi = key.strip_prefix("doi:").filter(|doi| is_of_a_preprint(doi))?;
                Some((doi.split('/').next().unwrap_or_default().to_string(), doi.to_string()))
            };
            known.keys.iter().filter_map(of).collect()
        };
        let others = dois(other);
        let own = dois(self);
        own.iter().any(|(server, _)| {
            let of = |dois: &[(String, String)]| -> HashSet<String> {
                dois.iter().filter(|(known, _)| known == server).map(|(_, doi)| doi.clone()).collect()
            };
            let there = of(&others);
            !there.is_empty() && of(&own).is_disjoint(&there)
        })
    }
}

/// The keys by which papers that may be the same as this one can be found.
pub fn search_keys(paper: &Paper) -> Vec<String> {
    let titles = title_key(paper);
    let others = paper.work_keys().into_iter().filter(|key| !key.starts_with("title:"));
    others.chain(titles).collect()
}

/// Title and first author, where they tell something.
fn title_key(paper: &Paper) -> Option<String> {
    let key = paper.work_keys().into_iter().find(|key| key.starts_with("title:"))?;
    let (title, author) = key.strip_prefix("title:")?.split_once('|')?;
    (title.len() >= TELLING_TITLE && !author.starts_with('=')).then(|| key.clone())
}

fn year(paper: &Paper) -> Option<i32> {
    paper.date.as_ref().and_then(|date| date.as_str().get(..4)?.parse().ok())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn is_same(a: &Paper, b: &Paper) -> bool {
        Known::of([a]).sameness(&Known::of([b])).is_some()
    }

    fn paper(of: Value) -> Paper {
        let mut all = json!({ "title": "On the observation of things", "authors": ["Jane Doe"], "date": "2026-01-01" });
        all.as_object_mut().expect("fields").extend(of.as_object().expect("fields").clone());
        Paper::from_json(all).expect("a paper")
    }

    #[test]
    fn identifiers_count_before_titles() {
        let arxiv = paper(json!({"id": "arxiv:2401.00001", "doi": "10.1000/a"}));
        for (other, same) in [
            (json!({"id": "doi:10.1000/A", "title": "Another title"}), true),
            (json!({"id": "x", "externalIds": {"ArXiv": "2401.00001v2"}, "title": "Another title"}), true),
            (json!({"id": "arxiv:2401.00001v3", "title": "Another title"}), true),
            (json!({"id": "arxiv:2401.00002", "doi": "10.1000/a"}), false),
            (json!({"id": "doi:10.1000/b"}), false),
            (json!({"id": "doi:10.1101/2026.01.01.1"}), true),
            (json!({"id": "y", "date": "2027-05-01"}), true),
            (json!({"id": "y", "date": "2028-01-01"}), false),
            (json!({"id": "y", "authors": ["Joan Roe"]}), false),
            (json!({"id": "y", "authors": []}), false),
            (json!({"id": "y", "title": "Things"}), false),
        ] {
            let other = paper(other);
            assert_eq!((is_same(&arxiv, &other), is_same(&other, &arxiv)), (same, same), "{}", other.id);
        }
        let preprint = |n: u32| paper(json!({"id": format!("doi:10.1101/2026.01.01.{n}")}));
        assert!(!is_same(&preprint(1), &preprint(2)) && is_same(&preprint(1), &preprint(1)));
        let short = || paper(json!({"id": "a", "title": "Editorial"}));
        assert!(!is_same(&short(), &Paper { id: arxiv.id.clone(), ..short() }));
    }

    #[test]
    fn what_is_the_same_is_found_by_its_keys() {
        let of = paper(json!({"id": "a", "doi": "10.1000/a"}));
        let keys = search_keys(&of);
        assert!(keys.contains(&"doi:10.1000/a".to_string()) && keys.iter().any(|key| key.starts_with("title:")));
        assert!(search_keys(&paper(json!({"id": "a", "title": "Editorial"}))).iter().all(|k| !k.starts_with("title:")));
    }
}
