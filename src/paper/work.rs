//! Which papers are versions of one work (preprint and article, first and second version, the same paper from two sources):
//! those that share a key.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::{Identifier, Paper};

/// Some works, by the keys that their versions are known by: see [`Paper::work_keys`].
#[derive(Debug, Clone, Default)]
pub struct Works {
    keys: HashSet<String>,
}

impl Works {
    /// The works of some papers.
    pub fn of<'a>(papers: impl IntoIterator<Item = &'a Paper>) -> Self {
        Works { keys: papers.into_iter().flat_map(Paper::work_keys).collect() }
    }

    /// Adds the work of a paper.
    pub fn insert(&mut self, paper: &Paper) {
        self.keys.extend(paper.work_keys());
    }

    /// Whether a paper is a version of one of these works.
    pub fn contains(&self, paper: &Paper) -> bool {
        !self.keys.is_empty() && paper.work_keys().iter().any(|key| self.keys.contains(key))
    }
}

/// Letters from which on a title names one work even without author and abstract.
pub const TELLING_TITLE: usize = 16;

impl Paper {
    /// The keys of its work: two papers that share one are versions of one work.
    ///
    /// They are the id without its version, the identifiers (from the id, the url, and the fields that other collections give
    /// them in: `doi`, `arxiv_id`, `pmid`, `pmcid`, `corpus_id`, `externalIds` and their kin), and the title with the first author's surname and initial; without an author, the title with
    /// the beginning of the abstract, if they say anything together: every journal has an "Editorial".
    pub fn work_keys(&self) -> Vec<String> {
        let mut keys = vec![id_key(self.id.base())];
        let mut add = |key: String| {
            if !keys.contains(&key) {
                keys.push(key);
            }
        };
        for text in [Some(self.id.as_str()), self.url.as_deref()].into_iter().flatten() {
            if let Some(identifier) = Identifier::parse(text) {
                add(identifier.key().to_string());
            }
        }
        given_identifiers(&self.extra).for_each(|identifier| add(identifier.key().to_string()));
        let title = letters(&self.title);
        match self.authors.first().map(|name| name_key(name)).filter(|n| !n.is_empty()) {
            Some(name) if !title.is_empty() => add(format!("title:{title}|{name}")),
            Some(_) => {}
            None => {
                let summary: String = letters(&self.summary).chars().take(80).collect();
                if title.len() >= TELLING_TITLE || !(title.is_empty() || summary.is_empty()) {
                    add(format!("title:{title}|={summary}"));
                }
            }
        }
        keys
    }

    /// Greater for the newer of two versions of one work: by day, then by the number of the version.
    pub fn newness(&self) -> i64 {
        let version = self.id.as_str()[self.id.base().len()..].trim_start_matches('v').parse::<i64>().unwrap_or(0);
        i64::from(self.day().unwrap_or(0)) * 1000 + version.min(999)
    }
}

/// Under which names other collections give an identifier, and what the bare ones of each are announced by.
const FIELDS: &[(&[&str], &str)] = &[
    (&["doi", "DOI", "Doi"], "doi:"),
    (&["arxiv_id", "arxivId", "arxiv", "arXiv", "ArXiv", "ARXIV"], "arxiv:"),
    (&["pmid", "PMID", "pubmed_id", "PubMed", "pubmed"], "pmid:"),
    (&["pmcid", "PMCID", "pmc_id", "PubMedCentral"], "pmcid:"),
    (&["corpus_id", "corpusId", "corpusid", "CorpusId", "s2_corpus_id"], "corpusid:"),
    (&["acl_id", "ACL", "acl"], "acl:"),
    (&["openreview_id", "OpenReview", "openreview"], "openreview:"),
];

/// The identifiers in the further fields of a paper, and in `externalIds` as Semantic Scholar writes them.
fn given_identifiers(extra: &Map<String, Value>) -> impl Iterator<Item = Identifier> {
    let nested = ["externalIds", "external_ids", "externalids"];
    let nested = nested.into_iter().filter_map(move |name| extra.get(name)?.as_object());
    std::iter::once(extra).chain(nested).flat_map(|fields| {
        FIELDS.iter().flat_map(|(names, label)| names.iter().map(move |name| (*name, *label))).filter_map(
            move |(name, label)| {
                let text = match fields.get(name)? {
                    Value::String(text) => text.trim().to_string(),
                    Value::Number(number) => number.to_string(),
                    _ => return None,
                };
                Identifier::parse(&format!("{label}{text}")).or_else(|| Identifier::parse(&text))
            },
        )
    })
}

/// The key of an id without its version.
pub fn id_key(base: &str) -> String {
    format!("id:{}", base.to_lowercase())
}

/// A name by its initial and its surname, so that `Doe, J.`, `J. Doe` and `Jane A. Doe` meet.
fn name_key(name: &str) -> String {
    let (first, last) = match name.split_once(',') {
        Some((last, first)) => (first.trim(), last.trim()),
        None => name.trim().rsplit_once(char::is_whitespace).unwrap_or(("", name)),
    };
    let initial: String = letters(first).chars().take(1).collect();
    format!("{initial}{}", letters(last))
}

/// Letters and digits in lower case, everything else dropped: the form in which titles and names are compared.
pub fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paper(id: &str, title: &str, author: &str) -> Paper {
        Paper::from_json(serde_json::json!({"id": id, "title": title, "authors": [author]})).expect("valid")
    }

    #[test]
    fn versions_of_one_work_are_known() {
        let works = Works::of([&paper("arxiv:2401.00001v1", "On Things", "A. Person")]);
        assert!(works.contains(&paper("arxiv:2401.00001v3", "On Other Things", "B. Person")));
        assert!(works.contains(&paper("doi:10.1/x", "on  things.", "a person")));
        assert!(!works.contains(&paper("doi:10.1/x", "On Things", "B. Person")));
        assert!(!works.contains(&paper("arxiv:2401.00002", "On Things!?", "C. Person")));
        assert!(works.contains(&paper("2401.00001", "Renamed", "Z. Other")));
        assert!(works.contains(&paper("x", "On Things", "Person, Alice")));
    }

    #[test]
    fn the_fields_of_other_collections_name_the_work() {
        let keys = |extra: serde_json::Value| {
            let mut fields = serde_json::json!({"id": "x", "title": "On Things"});
            fields.as_object_mut().expect("fields").extend(extra.as_object().expect("fields").clone());
            Paper::from_json(fields).expect("valid").work_keys()
        };
        for (extra, key) in [
            (serde_json::json!({"doi": "10.1000/KELP.21"}), "doi:10.1000/kelp.21"),
            (serde_json::json!({"DOI": "https://doi.org/10.1000/kelp.21"}), "doi:10.1000/kelp.21"),
            (serde_json::json!({"arxiv_id": "2405.13729v2"}), "arxiv:2405.13729"),
            (serde_json::json!({"pmid": 31452104}), "pmid:31452104"),
            (serde_json::json!({"pmcid": "PMC7029759"}), "pmcid:7029759"),
            (serde_json::json!({"corpus_id": "215416146"}), "corpusid:215416146"),
            (serde_json::json!({"externalIds": {"ArXiv": "2405.13729"}}), "arxiv:2405.13729"),
            (serde_json::json!({"externalIds": {"DOI": "10.1000/a", "PubMed": "31452104"}}), "pmid:31452104"),
            (serde_json::json!({"externalIds": {"CorpusId": 215416146, "ACL": "P19-1001"}}), "acl:p19-1001"),
        ] {
            assert!(keys(extra.clone()).iter().any(|k| k == key), "{extra}: {:?}", keys(extra.clone()));
        }
        assert_eq!(keys(serde_json::json!({"pmid": null, "doi": "", "arxiv": "hep-th", "acl": 5})).len(), 1);
    }
}
