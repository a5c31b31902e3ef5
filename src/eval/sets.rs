//! Labelled sets: tab-separated files whose first line names the columns.

use std::collections::{HashMap, HashSet};

pub use super::columns::Text;
use super::columns::{Columns, Line};
use crate::error::Result;
use crate::user::Moment;

/// Which queries, readers or reviews to use, by their position in the file: all, or every other one, so that settings
/// tuned on one half are reported on the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Half {
    /// All of them.
    #[default]
    All,
    /// The first, third, ... of the file.
    Even,
    /// The second, fourth, ... of the file.
    Odd,
}

impl Half {
    /// The items of this half.
    pub fn of<T>(self, all: Vec<T>) -> Vec<T> {
        all.into_iter().enumerate().filter(|(place, _)| self.contains(*place)).map(|(_, one)| one).collect()
    }

    /// Whether the item at this position (from 0) is in this half.
    pub fn contains(self, place: usize) -> bool {
        match self {
            Half::All => true,
            Half::Even => place.is_multiple_of(2),
            Half::Odd => !place.is_multiple_of(2),
        }
    }
}

/// At most so many of the items, at even distances.
pub fn evenly<T>(all: Vec<T>, most: usize) -> Vec<T> {
    if all.len() <= most {
        return all;
    }
    let step = all.len() as f64 / most as f64;
    let chosen: HashSet<usize> = (0..most).map(|k| (k as f64 * step) as usize).collect();
    all.into_iter().enumerate().filter(|(place, _)| chosen.contains(place)).map(|(_, one)| one).collect()
}

/// A query of a labelled set.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelledQuery {
    /// Its id in the file of judgements.
    pub id: String,
    /// The search text.
    pub text: String,
}

/// The relevant papers of each query, with their grades.
pub type Judgements = HashMap<String, HashMap<String, f64>>;

/// Papers that belong together (a reader's library, a review), and papers that were judged not to belong.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Papers that belong to it.
    pub relevant: Vec<String>,
    /// Papers that were judged not to belong to it.
    pub others: Vec<String>,
}

/// The values of two columns, each found by any of its names, line by line.
///
/// # Errors
/// [`crate::Error::BadRequest`] when a column is missing.
pub fn pairs(file: &Text, first: &[&str], second: &[&str]) -> Result<Vec<(String, String)>> {
    let columns = Columns::read(file)?;
    let (a, b) = (columns.need(first)?, columns.need(second)?);
    Ok(columns.lines.iter().map(|l| (l[a].clone(), l[b].clone())).collect())
}

/// Reads queries: columns `query_id`, `text` and optionally `title`, which is put before the text.
///
/// # Errors
/// [`crate::Error::BadRequest`], naming the file and the missing column.
pub fn queries(text: &Text) -> Result<Vec<LabelledQuery>> {
    let file = Columns::read(text)?;
    let (id, text, title) = (file.need(&["query_id", "query"])?, file.need(&["text"])?, file.find(&["title"]));
    let one = |line: &Line| {
        let title = title.map_or("", |k| line[k].as_str());
        LabelledQuery { id: line[id].clone(), text: format!("{title} {}", line[text]).trim().to_string() }
    };
    Ok(file.lines.iter().map(one).collect())
}

/// Reads judgements: columns `query_id`, `paper_id` and optionally `relevant` (a grade; 0 or less is not relevant).
///
/// # Errors
/// As [`queries`].
pub fn judgements(text: &Text) -> Result<Judgements> {
    let file = Columns::read(text)?;
    let (query, paper) = (file.need(&["query_id", "query"])?, file.need(&["paper_id", "paper"])?);
    let grade = file.find(&["relevant", "relevance"]);
    let mut judgements = Judgements::new();
    for line in &file.lines {
        let gain = match grade {
            None => 1.0,
            Some(c) => {
                line[c].parse::<f64>().map_err(|_| file.wrong(line, &format!("{:?} is not a grade", line[c])))?
            }
        };
        if gain > 0.0 {
            judgements.entry(line[query].clone()).or_default().insert(line[paper].clone(), gain);
        }
    }
    Ok(judgements)
}

/// Reads groups: a column `group`, `user` or `review`, a column `paper_id`, and any number of other columns with 0 or
/// 1. A paper belongs to the group if one of these is 1, or if there are none.
///
/// # Errors
/// As [`queries`].
pub fn groups(text: &Text) -> Result<Vec<Group>> {
    let file = Columns::read(text)?;
    let (group, paper) = (file.need(&["group", "user", "review"])?, file.need(&["paper_id", "paper"])?);
    let labels = file.others(&[group, paper]);
    let mut numbers: HashMap<String, usize> = HashMap::new();
    let mut groups: Vec<Group> = Vec::new();
    let mut seen: HashSet<(usize, String)> = HashSet::new();
    for line in &file.lines {
        let next = groups.len();
        let place = *numbers.entry(line[group].clone()).or_insert(next);
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

/// Which fold each paper is in: columns `paper_id` and `fold`.
///
/// # Errors
/// As [`queries`].
pub fn folds(text: &Text) -> Result<HashMap<String, usize>> {
    let file = Columns::read(text)?;
    let (paper, fold) = (file.need(&["paper_id", "paper"])?, file.need(&["fold"])?);
    let one = |line: &Line| {
        let number = line[fold].parse().map_err(|_| file.wrong(line, &format!("{:?} is not a fold", line[fold])))?;
        Ok((line[paper].clone(), number))
    };
    file.lines.iter().map(one).collect()
}

/// A paper that a reader took up on a day.
#[derive(Debug, Clone, PartialEq)]
pub struct LogEntry {
    /// The reader.
    pub user: String,
    /// The paper's id.
    pub paper: String,
    /// The day, as days since 1970-01-01.
    pub day: i32,
}

/// Reads a log of the papers that readers took up: columns `user`, `paper_id` and `day`.
///
/// # Errors
/// As [`queries`].
pub fn log(text: &Text) -> Result<Vec<LogEntry>> {
    let file = Columns::read(text)?;
    let (user, paper) = (file.need(&["user"])?, file.need(&["paper_id", "paper"])?);
    let day = file.need(&["day", "date", "daily_date", "at"])?;
    let one = |line: &Line| {
        let at = Moment::parse(&line[day]).map_err(|e| file.wrong(line, &e.to_string()))?;
        Ok(LogEntry { user: line[user].clone(), paper: line[paper].clone(), day: at.day() })
    };
    file.lines.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> Text {
        Text { name: "set.tsv".into(), text: text.into() }
    }

    #[test]
    fn columns_are_found_by_name() {
        let q = file("query_id\ttitle\ttext\n1\tA\tb c\n2\t\td\n");
        let queries = queries(&q).expect("reads");
        assert_eq!((queries[0].text.as_str(), queries[1].text.as_str()), ("A b c", "d"));
        let j = judgements(&file("query_id\tpaper_id\tcode\trelevant\n1\tx\t9\t1\n1\ty\t9\t0\n")).expect("reads");
        assert_eq!(j["1"], HashMap::from([("x".to_string(), 1.0)]));
        let g = groups(&file("review\tpaper_id\ta\tb\nR\tx\t0\t1\nR\ty\t0\t0\nS\tx\t1\t0\n")).expect("reads");
        assert_eq!(
            (g[0].relevant.as_slice(), g[0].others.as_slice()),
            (&["x".to_string()][..], &["y".to_string()][..])
        );
        assert_eq!(groups(&file("user\tpaper_id\n0\tx\n")).expect("reads")[0].relevant, ["x"]);
        let f = folds(&file("fold\tpaper_id\n3\tx\n")).expect("reads");
        assert_eq!(f, HashMap::from([("x".to_string(), 3)]));
        let l = log(&file("paper_id\tuser\tdate\nx\tann\t1970-01-03\n")).expect("reads");
        assert_eq!(l, [LogEntry { user: "ann".into(), paper: "x".into(), day: 2 }]);
    }

    #[test]
    fn some_are_taken_at_even_distances() {
        assert_eq!(evenly((0..10).collect(), 5), [0, 2, 4, 6, 8]);
        assert_eq!(evenly((0..3).collect(), 5), [0, 1, 2]);
        assert!(evenly(vec![1, 2], 0).is_empty());
    }

    #[test]
    fn errors_name_file_and_line() {
        fn fails<T>(read: fn(&Text) -> Result<T>, text: &str, word: &str) {
            let error = read(&file(text)).err().map(|e| e.to_string()).unwrap_or_default();
            assert!(error.starts_with("set.tsv") && error.contains(word), "{text:?}: {error}");
        }
        fails(queries, "text\nx", "no column query_id");
        fails(queries, "query_id\ttext\n1", ":2: 1 columns");
        fails(judgements, "query_id\tpaper_id\trelevant\n\n1\tx\tmuch\n", ":3: \"much\"");
        fails(folds, "paper_id\tfold\nx\n", ":2: 1 columns");
        fails(folds, "paper_id\tfold\n\nx\t-1\n", ":3: \"-1\"");
        fails(folds, "x\t1\n", "no column paper_id");
        fails(log, "user\tpaper_id\tday\nann\tx\n", ":2: 2 columns");
        fails(log, "user\tpaper_id\tday\nann\tx\tsoon\n", ":2: \"soon\"");
    }
}
