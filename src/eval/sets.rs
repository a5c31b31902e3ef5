//! Labelled sets: files of tab-separated columns with their names in the first line.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use crate::error::{Error, Result};

/// Which queries, readers or reviews count, by their place in the file: all, or every other one, so that what is tuned on one
/// half is reported on the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Half {
    /// Each.
    #[default]
    All,
    /// The first, third, ... of the file.
    Even,
    /// The second, fourth, ... of the file.
    Odd,
}

impl Half {
    /// Whether the one at this place (from 0) counts.
    pub fn takes(self, place: usize) -> bool {
        match self {
            Half::All => true,
            Half::Even => place.is_multiple_of(2),
            Half::Odd => !place.is_multiple_of(2),
        }
    }
}

/// A query of a labelled set.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelledQuery {
    /// Its name in the file of judgements.
    pub id: String,
    /// What is searched for.
    pub text: String,
}

/// The relevant papers of each query, with their grades.
pub type Judgements = HashMap<String, HashMap<String, f64>>;

/// Papers that belong together (a reader's library, a review), and some that were looked at and do not.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Papers that belong to it.
    pub relevant: Vec<String>,
    /// Papers that were judged and do not.
    pub others: Vec<String>,
}

/// Two columns of a file, by any of their names, line by line.
///
/// # Errors
/// [`Error::Io`] when it cannot be read, [`Error::BadRequest`] when a column is missing.
pub fn pairs(path: &Path, first: &[&str], second: &[&str]) -> Result<Vec<(String, String)>> {
    let columns = Columns::read(path)?;
    let (a, b) = (columns.need(first)?, columns.need(second)?);
    Ok(columns.lines.iter().map(|l| (l[a].clone(), l[b].clone())).collect())
}

/// A file of tab-separated columns.
struct Columns {
    path: String,
    names: Vec<String>,
    lines: Vec<Vec<String>>,
}

impl Columns {
    fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|e| Error::io(path, "cannot read", e))?;
        let split = |line: &str| line.split('\t').map(|c| c.trim().to_string()).collect::<Vec<_>>();
        let mut lines = text.trim_start_matches('\u{feff}').lines().filter(|l| !l.trim().is_empty());
        let names = lines.next().map(split).unwrap_or_default();
        let lines: Vec<Vec<String>> = lines.map(split).collect();
        let path = path.display().to_string();
        if let Some(k) = lines.iter().position(|l| l.len() < names.len()) {
            let (has, wanted) = (lines[k].len(), names.len());
            return Err(Error::BadRequest(format!("{path}:{}: {has} columns, the first line has {wanted}", k + 2)));
        }
        Ok(Columns { path, names, lines })
    }

    fn find(&self, names: &[&str]) -> Option<usize> {
        names.iter().find_map(|n| self.names.iter().position(|c| c.eq_ignore_ascii_case(n)))
    }

    fn need(&self, names: &[&str]) -> Result<usize> {
        self.find(names).ok_or_else(|| {
            Error::BadRequest(format!(
                "{}: no column {}; its first line names {}",
                self.path,
                names.join(" or "),
                self.names.join(", ")
            ))
        })
    }
}

/// Reads queries: columns `query_id`, `text` and, if there is one, `title`, which comes before the text.
///
/// # Errors
/// [`Error::Io`], or [`Error::BadRequest`] naming the file and what it lacks.
pub fn queries(path: &Path) -> Result<Vec<LabelledQuery>> {
    let file = Columns::read(path)?;
    let (id, text, title) = (file.need(&["query_id", "query"])?, file.need(&["text"])?, file.find(&["title"]));
    let one = |line: &Vec<String>| {
        let title = title.map_or("", |k| line[k].as_str());
        LabelledQuery { id: line[id].clone(), text: format!("{title} {}", line[text]).trim().to_string() }
    };
    Ok(file.lines.iter().map(one).collect())
}

/// Reads judgements: columns `query_id`, `paper_id` and, if there is one, `relevant` (a grade; 0 or less is not relevant).
///
/// # Errors
/// As [`queries`].
pub fn judgements(path: &Path) -> Result<Judgements> {
    let file = Columns::read(path)?;
    let (query, paper) = (file.need(&["query_id", "query"])?, file.need(&["paper_id", "paper"])?);
    let grade = file.find(&["relevant", "relevance"]);
    let mut judgements = Judgements::new();
    for (k, line) in file.lines.iter().enumerate() {
        let gain = match grade {
            None => 1.0,
            Some(c) => line[c]
                .parse::<f64>()
                .map_err(|_| Error::BadRequest(format!("{}:{}: {:?} is no grade", file.path, k + 2, line[c])))?,
        };
        if gain > 0.0 {
            judgements.entry(line[query].clone()).or_default().insert(line[paper].clone(), gain);
        }
    }
    Ok(judgements)
}

/// Reads groups: a column `group`, `user` or `review`, a column `paper_id`, and any number of further columns of 0 and 1: a
/// paper belongs to the group when one of them is 1, or when there are none.
///
/// # Errors
/// As [`queries`].
pub fn groups(path: &Path) -> Result<Vec<Group>> {
    let file = Columns::read(path)?;
    let (group, paper) = (file.need(&["group", "user", "review"])?, file.need(&["paper_id", "paper"])?);
    let labels: Vec<usize> = (0..file.names.len()).filter(|k| *k != group && *k != paper).collect();
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut groups: Vec<Group> = Vec::new();
    let mut seen: HashSet<(usize, String)> = HashSet::new();
    for line in &file.lines {
        let next = groups.len();
        let place = *places.entry(line[group].clone()).or_insert(next);
        if place == next {
            groups.push(Group { name: line[group].clone(), ..Group::default() });
        }
        if !seen.insert((place, line[paper].clone())) {
            continue;
        }
        let belongs = labels.is_empty() || labels.iter().any(|k| line[*k] == "1");
        let side = if belongs { &mut groups[place].relevant } else { &mut groups[place].others };
        side.push(line[paper].clone());
    }
    Ok(groups)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), text).expect("written");
        file
    }

    #[test]
    fn columns_are_found_by_name() {
        let q = file("query_id\ttitle\ttext\n1\tA\tb c\n2\t\td\n");
        let queries = queries(q.path()).expect("reads");
        assert_eq!((queries[0].text.as_str(), queries[1].text.as_str()), ("A b c", "d"));
        let j = judgements(file("query_id\tpaper_id\tcode\trelevant\n1\tx\t9\t1\n1\ty\t9\t0\n").path()).expect("reads");
        assert_eq!(j["1"], HashMap::from([("x".to_string(), 1.0)]));
        let g = groups(file("review\tpaper_id\ta\tb\nR\tx\t0\t1\nR\ty\t0\t0\nS\tx\t1\t0\n").path()).expect("reads");
        assert_eq!(
            (g[0].relevant.as_slice(), g[0].others.as_slice()),
            (&["x".to_string()][..], &["y".to_string()][..])
        );
        assert_eq!(groups(file("user\tpaper_id\n0\tx\n").path()).expect("reads")[0].relevant, ["x"]);
        for (bad, word) in [("text\nx", "query_id"), ("query_id\ttext\n1", ":2")] {
            let e = super::queries(file(bad).path()).expect_err(bad).to_string();
            assert!(e.contains(word), "{e}");
        }
    }
}
