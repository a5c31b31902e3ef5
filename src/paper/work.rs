//! Which papers are versions of one work (preprint and article, first and second version, the same paper from two sources):
//! those that share a key, and of which nothing says that they are two.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::Value;

use super::json::Fields;
use super::person::PersonName;
use super::{Extra, Identifier, Paper, letters};

/// Some works, by the keys that their versions are known by: see [`Paper::work_keys`].
#[derive(Debug, Clone, Default)]
pub struct Works {
    /// Of each key what was published under it.
    keys: HashMap<String, Vec<Edition>>,
}

impl Works {
    /// The works of some papers.
    pub fn of<'a>(papers: impl IntoIterator<Item = &'a Paper>) -> Self {
        let mut works = Works::default();
        papers.into_iter().for_each(|paper| works.insert(paper));
        works
    }

    /// Adds the work of a paper.
    pub fn insert(&mut self, paper: &Paper) {
        for (key, edition) in paper.editions() {
            let known = self.keys.entry(key).or_default();
            if !known.contains(&edition) {
                known.push(edition);
            }
        }
    }

    /// Whether a paper is a version of one of these works.
    pub fn contains(&self, paper: &Paper) -> bool {
        let known = |(key, edition): (String, Edition)| {
            self.keys.get(&key).is_some_and(|known| known.iter().any(|other| !edition.is_another_than(other)))
        };
        !self.keys.is_empty() && paper.editions().into_iter().any(known)
    }
}

/// What can say of two papers with one title and one first author that they are two works: every volume has its "Introduction",
/// often by the same editor.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edition {
    /// The DOI of an article; that of a preprint says nothing.
    pub doi: Option<String>,
    /// The year it appeared.
    pub year: Option<i32>,
}

impl Edition {
    /// Whether the two cannot be versions of one work: both were published as articles, under different DOIs, in different
    /// years.
    pub fn is_another_than(&self, other: &Edition) -> bool {
        let differ = matches!((&self.doi, &other.doi), (Some(a), Some(b)) if a != b);
        differ && matches!((self.year, other.year), (Some(a), Some(b)) if a != b)
    }
}

/// Registrants of servers that hold preprints: bioRxiv and medRxiv (two), Research Square, SSRN, Preprints.org, ChemRxiv, OSF
/// (and on it MarXiv, PsyArXiv, SocArXiv, EdArXiv), TechRxiv, Authorea, Zenodo, EarthArXiv, figshare, F1000, arXiv. An
/// article has another DOI than its preprint.
const PREPRINTS: &[&str] = &[
    "10.1101/",
    "10.64898/",
    "10.21203/",
    "10.2139/",
    "10.20944/",
    "10.26434/",
    "10.31219/",
    "10.31222/",
    "10.31234/",
    "10.31235/",
    "10.35542/",
    "10.36227/",
    "10.22541/",
    "10.5281/",
    "10.31223/",
    "10.6084/",
    "10.12688/",
    "10.48550/",
];

/// Whether a DOI (in lower case, without `doi:`) is one that a server of preprints gives.
pub fn is_of_a_preprint(doi: &str) -> bool {
    PREPRINTS.iter().any(|server| doi.starts_with(server))
}

/// Letters from which on a title names one work even without author and abstract.
pub const TELLING_TITLE: usize = 16;

impl Paper {
    /// The keys of its work: two papers that share one are versions of one work, unless by the title alone they are known to
    /// be the same and their [`Edition`]s say that they are two.
    ///
    /// They are the id without its version, the identifiers (from the id, the url, and the fields that other collections
    /// give them in: `doi`, `arxiv_id`, `pmid`, `pmcid`, `corpus_id`, `externalIds`, `identifiers` and their kin), and the title with the
    /// first author's surname and initial; without an author, the title with the beginning of the abstract, if they say
    /// anything together: every journal has an "Editorial".
    pub fn work_keys(&self) -> Vec<String> {
        let mut keys = vec![id_key(self.id.base())];
        let mut add = |key: String| {
            if !keys.contains(&key) {
                keys.push(key);
            }
        };
        self.identifiers().into_iter().for_each(|identifier| add(identifier.key().to_string()));
        let title = letters(&self.title);
        match self.authors.first().map(|name| name_key(name)).filter(|n| !n.is_empty()) {
            Some(name) if !title.is_empty() => add(format!("title:{title}|{name}")),
            Some(_) => {}
            None => {
                let summary: String = letters(&self.summary).chars().take(80).collect();
                // With nothing else to go by, an article is known by its DOI.
                let summary = if summary.is_empty() { self.article_doi().unwrap_or_default() } else { summary };
                if title.len() >= TELLING_TITLE || !(title.is_empty() || summary.is_empty()) {
                    add(format!("title:{title}|={summary}"));
                }
            }
        }
        keys
    }

    /// The same keys, each with what else has to fit: something for titles, nothing for ids.
    pub fn editions(&self) -> Vec<(String, Edition)> {
        let year = self.date.as_ref().or(self.listed.as_ref()).and_then(|date| date.as_str()[..4].parse().ok());
        let of_title = Edition { doi: self.article_doi(), year };
        let edition = |key: &String| if key.starts_with("title:") { of_title.clone() } else { Edition::default() };
        self.work_keys().into_iter().map(|key| (edition(&key), key)).map(|(edition, key)| (key, edition)).collect()
    }

    /// What it is known by elsewhere.
    pub fn identifiers(&self) -> Vec<Identifier> {
        let own = [Some(self.id.as_str()), self.url.as_deref()].into_iter().flatten().filter_map(Identifier::parse);
        own.chain(given_identifiers(&self.extra)).collect()
    }

    /// The DOI it was published under as an article.
    fn article_doi(&self) -> Option<String> {
        let identifiers = self.identifiers();
        let dois = identifiers.iter().filter_map(|identifier| identifier.key().strip_prefix("doi:"));
        let mut articles = dois.filter(|doi| !is_of_a_preprint(doi));
        articles.next().map(str::to_string)
    }

    /// Greater for the newer of two versions of one work: by day, then by the number of the version.
    pub fn newness(&self) -> i64 {
        let version = self.id.as_str()[self.id.base().len()..].trim_start_matches('v').parse::<i64>().unwrap_or(0);
        i64::from(self.day().unwrap_or(0)) * 1000 + version.min(999)
    }
}

/// Under which names other collections give an identifier, and what the bare ones of each are announced by.
const FIELDS: &[(&[&str], &str)] = &[
    (&["doi", "DOI", "Doi", "published_doi"], "doi:"),
    (&["arxiv_id", "arxivId", "arxiv", "arXiv", "ArXiv", "ARXIV"], "arxiv:"),
    (&["pmid", "PMID", "pubmed_id", "PubMed", "pubmed"], "pmid:"),
    (&["pmcid", "PMCID", "pmc_id", "PubMedCentral"], "pmcid:"),
    (&["corpus_id", "corpusId", "corpusid", "CorpusId", "s2_corpus_id"], "corpusid:"),
    (&["acl_id", "ACL", "acl"], "acl:"),
    (&["openreview_id", "OpenReview", "openreview"], "openreview:"),
];

/// Objects in which identifiers stand, as Semantic Scholar writes them.
const NESTED: [&str; 3] = ["externalIds", "external_ids", "externalids"];

/// A list of identifiers, each with what kind it is: those that a paper made of several records has besides.
const LIST: &str = "identifiers";

/// The longest of these that is read, in bytes of JSON.
const MAX_NESTED: usize = 16 << 10;

/// The identifiers in the further fields of a paper, and in `externalIds`.
fn given_identifiers(extra: &Extra) -> Vec<Identifier> {
    let known =
        |name: &str| FIELDS.iter().any(|(names, _)| names.contains(&name)) || NESTED.contains(&name) || name == LIST;
    let fields: Vec<(Cow<'_, str>, &str)> =
        extra.fields().filter(|(name, json)| known(name) && json.len() <= MAX_NESTED).collect();
    let nested = NESTED.iter().filter_map(|name| fields.iter().find(|(known, _)| known == name));
    let nested: Vec<_> = nested.map(|(_, json)| Fields::of(json).0).collect();
    let mut found = Vec::new();
    if let Some((_, json)) = fields.iter().find(|(name, _)| name == LIST)
        && let Ok(texts) = serde_json::from_str::<Vec<String>>(json)
    {
        found.extend(texts.iter().filter_map(|text| Identifier::parse(text)));
    }
    for fields in std::iter::once(&fields).chain(&nested) {
        for (name, label) in FIELDS.iter().flat_map(|(names, label)| names.iter().map(move |name| (name, label))) {
            // Of two fields of one name the last counts.
            let Some((_, json)) = fields.iter().rev().find(|(known, _)| known == name) else { continue };
            let text = match serde_json::from_str(json) {
                Ok(Value::String(text)) => text.trim().to_string(),
                Ok(Value::Number(number)) => number.to_string(),
                _ => continue,
            };
            found.extend(Identifier::parse(&format!("{label}{text}")).or_else(|| Identifier::parse(&text)));
        }
    }
    found
}

/// The key of an id without its version.
pub fn id_key(base: &str) -> String {
    format!("id:{}", base.to_lowercase())
}

/// A name by its initial and its surname, so that `Doe, J.`, `J. Doe` and `Jane A. Doe` meet.
fn name_key(name: &str) -> String {
    let name = PersonName::read(name);
    format!("{}{}", name.initial(), letters(name.surname))
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

    #[test]
    fn an_introduction_of_another_year_is_another_work() {
        let of = |id: &str, doi: Option<&str>, date: &str| {
            let mut value = serde_json::json!({"id": id, "title": "Introduction to the special issue", "authors": ["Edi Tor"],
                "date": date});
            if let Some(doi) = doi {
                value["doi"] = doi.into();
            }
            Paper::from_json(value).expect("valid")
        };
        let works = Works::of([&of("a", Some("10.1000/issue.3"), "2020-01-01")]);
        assert!(!works.contains(&of("b", Some("10.1000/issue.4"), "2021-01-01")));
        assert!(works.contains(&of("b", Some("10.1000/ISSUE.3"), "2021-01-01")));
        // A preprint, and the article a year later.
        assert!(works.contains(&of("arxiv:1912.00001", None, "2019-12-01")));
        assert!(works.contains(&of("doi:10.1101/2019.12.01.1", None, "2019-12-01")));
        assert!(works.contains(&of("c", None, "2015")));
        // Nothing but a title and a DOI.
        let bare = |doi: &str| {
            let value = serde_json::json!({"id": doi, "title": "Introduction to the special issue"});
            Paper::from_json(value).expect("valid")
        };
        let works = Works::of([&bare("doi:10.1000/issue.3")]);
        assert!(
            !works.contains(&bare("doi:10.1000/issue.4")) && works.contains(&bare("https://doi.org/10.1000/issue.3"))
        );
    }

    #[test]
    fn one_title_in_two_spellings_is_one_work() {
        for (a, b, author, other) in [
            ("Études de la forêt", "E\u{301}tudes de la fore\u{302}t", "José Álvarez", "Jose\u{301} A\u{301}lvarez"),
            (r"$\alpha$-stable laws", "α-stable laws", "Erd\\H{o}s, P.", "P. Erdős"),
            ("CO<sub>2</sub> capture", "CO₂ capture", "J. Doe", "Jane Doe"),
        ] {
            assert!(Works::of([&paper("x", a, author)]).contains(&paper("y", b, other)), "{a} and {b}");
        }
    }
}
