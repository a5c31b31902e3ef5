//! Invented papers: the same ones for every service, each of which writes them in its own way.

use jiff::ToSpan;
use jiff::civil::Date;

/// A paper as all services know it.
#[derive(Debug, Clone)]
pub struct Paper {
    pub number: usize,
    /// `2611.00001`
    pub arxiv: String,
    /// `10.99999/paper.1`
    pub doi: String,
    pub title: String,
    pub summary: String,
    /// Given and family names.
    pub authors: Vec<(String, String)>,
    /// When it appeared.
    pub date: Date,
    /// When it was changed last; first the day it appeared.
    pub changed: Date,
    pub version: u32,
    pub upvotes: u32,
    /// Whether it was retracted, which each service says in its own way.
    pub retracted: bool,
    /// Whether the service has taken it away.
    pub deleted: bool,
}

/// The first day of the papers.
pub const BEGIN: Date = Date::constant(2026, 11, 16);

/// The day it is in the tests.
pub const TODAY: Date = Date::constant(2026, 11, 26);

const SUBJECTS: [&str; 8] = ["Plate", "Kelp", "Glacier", "Parser", "Protein", "Quasar", "Market", "Vowel"];
const MATTERS: [&str; 6] = ["drift", "growth", "melting & flow", "structure", "recovery", "choice"];
const FAMILIES: [&str; 9] = ["Doe", "Roe", "García", "Müller", "Okafor", "Sato", "van den Berg", "Poe", "Żak"];
const GIVEN: [&str; 7] = ["Jane", "Max", "Ana", "Jörg", "Chi", "Yuki", "Ola"];

/// So many papers, the same ones each time, spread over ten days in their order.
pub fn papers(n: usize) -> Vec<Paper> {
    (0..n)
        .map(|k| {
            let (subject, matter) = (SUBJECTS[k % 8], MATTERS[k / 8 % 6]);
            let author = |j: usize| (GIVEN[(k + j) % 7].to_string(), FAMILIES[(k + 2 * j) % 9].to_string());
            let date = BEGIN.saturating_add(i32::try_from(k * 10 / n.max(1)).expect("some days").days());
            Paper {
                number: k + 1,
                arxiv: format!("2611.{:05}", k + 1),
                doi: format!("10.99999/paper.{}", k + 1),
                title: format!("{subject} {matter} in setting number{}", k + 1),
                summary: format!("We study {matter} of {subject} where x < {k} & y > 0. Evidence{k} follows."),
                authors: (0..1 + k % 3).map(author).collect(),
                date,
                changed: date,
                version: 1,
                upvotes: u32::try_from(k % 40).expect("few"),
                retracted: false,
                deleted: false,
            }
        })
        .collect()
}

impl Paper {
    /// The names of its authors, given names first.
    pub fn names(&self) -> Vec<String> {
        self.authors.iter().map(|(given, family)| format!("{given} {family}")).collect()
    }

    /// A new text, at a day.
    pub fn change(&mut self, day: Date) {
        self.version += 1;
        self.changed = day;
        self.summary.push_str(" Revised.");
    }
}

/// A text between tags.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
