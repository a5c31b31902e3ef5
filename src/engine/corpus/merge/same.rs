//! Whether two records are of one paper.

use std::collections::HashSet;

use crate::paper::{Paper, TELLING_TITLE, is_of_a_preprint};

/// How many years a preprint may be older than its article.
const YEARS: i32 = 1;

/// Whether two papers are one: they share an identifier, or a title that tells something, the first author and, but for a year,
/// the year. Two arXiv ids are always two papers; with nothing but the title to go by, so are two DOIs of articles, two of one
/// server of preprints, and two numbers of PubMed.
pub fn is_same(a: &Paper, b: &Paper) -> bool {
    if a.id.base().eq_ignore_ascii_case(b.id.base()) {
        return true;
    }
    let (of_a, of_b) = (keys(a), keys(b));
    let differ = |of: &dyn Fn(&str) -> Option<String>| {
        let (x, y): (HashSet<String>, HashSet<String>) =
            (of_a.iter().filter_map(|k| of(k)).collect(), of_b.iter().filter_map(|k| of(k)).collect());
        !x.is_empty() && !y.is_empty() && x.is_disjoint(&y)
    };
    let scheme = |name: &'static str| move |key: &str| Some(key.strip_prefix(name)?.to_string());
    if differ(&scheme("arxiv:")) {
        return false;
    }
    if of_a.iter().any(|key| of_b.contains(key)) {
        return true;
    }
    let article = |key: &str| key.strip_prefix("doi:").filter(|doi| !is_of_a_preprint(doi)).map(str::to_string);
    if differ(&article) || differ(&scheme("pmid:")) || of_one_server(&of_a, &of_b) {
        return false;
    }
    match (title_key(a), title_key(b)) {
        (Some(x), Some(y)) if x == y => years_agree(a, b),
        _ => false,
    }
}

/// The keys by which papers that may be the same as this one can be found.
pub fn search_keys(paper: &Paper) -> Vec<String> {
    let titles = title_key(paper);
    let others = paper.work_keys().into_iter().filter(|key| !key.starts_with("title:"));
    others.chain(titles).collect()
}

fn keys(paper: &Paper) -> Vec<String> {
    paper.identifiers().iter().map(|found| found.key().to_string()).collect()
}

/// Whether both have a DOI of the same server of preprints, and not the same.
fn of_one_server(a: &[String], b: &[String]) -> bool {
    let servers = |keys: &[String]| {
        let of = |key: &String| {
            let doi = key.strip_prefix("doi:").filter(|doi| is_of_a_preprint(doi))?;
            Some(doi.split('/').next().unwrap_or_default().to_string())
        };
        keys.iter().filter_map(of).collect::<HashSet<String>>()
    };
    !servers(a).is_disjoint(&servers(b))
}

/// Title and first author, where they tell something.
fn title_key(paper: &Paper) -> Option<String> {
    let key = paper.work_keys().into_iter().find(|key| key.starts_with("title:"))?;
    let (title, author) = key.strip_prefix("title:")?.split_once('|')?;
    (title.len() >= TELLING_TITLE && !author.starts_with('=')).then(|| key.clone())
}

fn years_agree(a: &Paper, b: &Paper) -> bool {
    let year = |paper: &Paper| paper.date.as_ref().and_then(|date| date.as_str().get(..4)?.parse::<i32>().ok());
    match (year(a), year(b)) {
        (Some(a), Some(b)) => (a - b).abs() <= YEARS,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

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
