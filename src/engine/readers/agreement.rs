//! Whether two records of one title are of one work: "Introduction to the special issue" exists a thousand times.

use crate::paper::person::PersonName;
use crate::paper::{Identifier, Paper, is_of_a_preprint, letters};

/// What a record says of its work beside the title.
pub struct Facts {
    /// Keys of identifiers of which a work has one: DOI, arXiv id, PMID.
    keys: Vec<String>,
    /// Names of its authors.
    authors: Vec<Name>,
    year: Option<i32>,
}

/// Years between a preprint and its article.
const PRESS: i32 = 3;

/// Words of a title that say nothing of what the work is about.
const EMPTY: &str = "a about abstracts advances an and art article articles avant book brief buchbesprechung challenges comment \
    commentary comments comprehensive conclusion conclusions contents contributors corrigendum correction critical \
    current directions discussion editor editorial editors editoriale einleitung erratum epilogue foreword from \
    future geleitwort guest history in index introduccion introducción introduction introductory issue issues \
    letter letters list literature memoriam methods nachruf nachwort new news note notes obituary of on open \
    opportunities our outlook overview part perspective perspectives preface presentación primer problems \
    proceedings progress prologue propos préface prólogo questions recent remarks reply report response review \
    reviewers reviews rezension section short special state summary survey systematic the this thanks thematic \
    theme to trends tutorial volume vorwort with workshop éditorial";

/// Telling words from which on a title that also holds empty ones names one work.
const TELLING: usize = 3;

impl Facts {
    /// What a paper says, and these names of it.
    pub fn of(paper: &Paper, names: &[String]) -> Self {
        let one_each = |key: &String| ["doi:", "arxiv:", "pmid:"].iter().any(|prefix| key.starts_with(prefix));
        let mut keys: Vec<String> = paper.work_keys().into_iter().filter(one_each).collect();
        let named = names.iter().filter_map(|n| Some(Identifier::parse(n)?.key().to_string())).filter(one_each);
        keys.extend(named);
        let epoch = jiff::civil::date(1970, 1, 1);
        let year = |day: i32| i32::from(epoch.saturating_add(jiff::Span::new().days(day)).year());
        let year = paper.date.as_ref().map(|date| year(date.first_day()));
        Facts { keys, authors: paper.authors.iter().map(|a| Name::of(a)).filter(Name::is_known).collect(), year }
    }

    /// How well this agrees with what another record of the same title says, more being better; `None` when they are of two
    /// works: their identifiers differ, or first author and year do, or the title is one that many works have and neither
    /// author nor year agrees.
    pub fn agreement(&self, other: &Facts, title: &str) -> Option<u8> {
        let author = self.same_author(other);
        let apart = match (self.year, other.year) {
            (Some(own), Some(its)) => Some(own.abs_diff(its)),
            _ => None,
        };
        let year = apart.map(|years| years == 0);
        if self.keys_differ(other, author == Some(true)) {
            return None;
        }
        if author == Some(false) && year != Some(true) {
            return None;
        }
        // Of an unknown author: a preprint and its article are not far apart.
        if author.is_none() && apart.is_some_and(|years| years > PRESS.unsigned_abs()) {
            return None;
        }
        if is_generic(title) && author != Some(true) && year != Some(true) {
            return None;
        }
        Some(2 * u8::from(author == Some(true)) + u8::from(year == Some(true)))
    }

    /// Whether both have an identifier of a kind and no common one. A preprint's DOI and its article's may differ where the
    /// author agrees.
    fn keys_differ(&self, other: &Facts, same_author: bool) -> bool {
        ["doi:", "arxiv:", "pmid:"].iter().any(|prefix| {
            let of = |facts: &Facts| -> Vec<String> {
                facts.keys.iter().filter_map(|key| Some(key.strip_prefix(prefix)?.to_string())).collect()
            };
            let (own, its) = (of(self), of(other));
            let differ = !own.is_empty() && !its.is_empty() && !own.iter().any(|key| its.contains(key));
            let preprint = |keys: &[String]| keys.iter().all(|key| is_of_a_preprint(key));
            differ && !(same_author && preprint(&own) != preprint(&its))
        })
    }

    /// Whether the first author is the same; also where one record names that of the other further behind. `None` where one
    /// of them names nobody.
    fn same_author(&self, other: &Facts) -> Option<bool> {
        let (own, its) = (self.authors.first()?, other.authors.first()?);
        Some(other.authors.iter().any(|a| a.is(own)) || self.authors.iter().any(|a| a.is(its)))
    }
}

/// A name as it is compared.
struct Name {
    surname: String,
    initial: String,
    /// All its parts in the order of the alphabet, since some write the surname first.
    parts: Vec<String>,
}

impl Name {
    fn of(name: &str) -> Self {
        let mut parts: Vec<String> = name.split([' ', ',', '\u{a0}']).map(letters).filter(|p| !p.is_empty()).collect();
        parts.sort_unstable();
        let name = PersonName::read(name);
        Name { surname: letters(name.surname), initial: name.initial(), parts }
    }

    fn is_known(&self) -> bool {
        !self.surname.is_empty()
    }

    /// Whether both may be of one person: `van der Berg, J.`, `Jan Berg` and `Berg`.
    fn is(&self, other: &Name) -> bool {
        let surname = self.surname == other.surname
            || (self.surname.len() > 3 && other.surname.ends_with(&self.surname))
            || (other.surname.len() > 3 && self.surname.ends_with(&other.surname));
        let initial = self.initial.is_empty() || other.initial.is_empty() || self.initial == other.initial;
        (surname && initial) || self.parts == other.parts
    }
}

/// Whether many works have this title: it holds words that say nothing, and few that do.
fn is_generic(title: &str) -> bool {
    let words: Vec<String> =
        title.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_lowercase).collect();
    let empty = words.iter().filter(|w| EMPTY.split(' ').any(|e| e == w.as_str())).count();
    let digits = words.iter().filter(|w| w.chars().all(|c| c.is_ascii_digit())).count();
    empty > 0 && words.len() - empty - digits < TELLING
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(id: &str, author: &str, date: &str) -> Facts {
        let authors: Vec<&str> = author.split(" & ").filter(|a| !a.is_empty()).collect();
        let paper = serde_json::json!({
            "id": id, "title": "t", "authors": authors, "date": Some(date).filter(|d| !d.is_empty())
        });
        Facts::of(&Paper::from_json(paper).expect("a paper"), &[])
    }

    #[test]
    fn what_speaks_against_a_title_is_heard() {
        let telling = "Tidal heating in resonant chains of moons";
        let generic = "Introduction to the special issue";
        // Two records, a title, and whether they are of one work.
        let check = |a: (&str, &str, &str), b: (&str, &str, &str), title: &str, same: bool| {
            let (a, b) = (facts(a.0, a.1, a.2), facts(b.0, b.1, b.2));
            assert_eq!(a.agreement(&b, title).is_some(), same, "{title}");
            assert_eq!(b.agreement(&a, title).is_some(), same, "{title}, the other way round");
        };
        check(("x", "", ""), ("y", "", ""), telling, true);
        check(("x", "", ""), ("y", "Doe, Jane", "2024"), telling, true);
        check(("10.1000/a", "Jane Doe", "2024"), ("10.1000/b", "Doe, J.", "2024"), telling, false);
        check(("2405.11111", "Jane Doe", "2024"), ("2405.22222", "Doe, J.", "2024"), telling, false);
        check(("2405.11111", "Jane Doe", "2023"), ("10.1000/b", "Doe, J.", "2024-05-01"), telling, true);
        check(("10.1101/2023.01.01.1", "Jane Doe", "2023"), ("10.1000/b", "Doe, J.", "2024"), telling, true);
        check(("10.1101/2023.01.01.1", "Jane Doe", "2023"), ("10.1000/b", "Roe, R.", "2023"), telling, false);
        check(("x", "Jane Doe", "2020"), ("y", "Richard Roe", "2024"), telling, false);
        check(("x", "Jane Doe", "2024"), ("y", "Richard Roe", "2024"), telling, true);
        check(("x", "Jane Doe", "2020"), ("y", "Jane Doe", "2024"), telling, true);
        check(("x", "Jane Doe & Richard Roe", "2020"), ("y", "R. Roe & Jane Doe", "2024"), telling, true);
        check(("x", "Wei Zhang", "2020"), ("y", "Zhang Wei", "2021"), telling, true);
        check(("x", "Max van Moritz", "2020"), ("y", "van Moritz, M.", "2021"), telling, true);
        check(("x", "", "1987"), ("y", "Jane Doe", "2024"), telling, false);
        check(("x", "", ""), ("y", "Jane Doe", "2024"), generic, false);
        check(("x", "", "2024"), ("y", "Jane Doe", "2024"), generic, true);
        check(("x", "Doe, J.", ""), ("y", "Jane Doe", "2024"), generic, true);
    }

    #[test]
    fn some_titles_are_had_by_many_works() {
        for title in [
            "Editorial",
            "Introduction to the special issue",
            "Deep learning: a survey",
            "Deep learning: a survey of methods",
            "Vorwort",
            "Book reviews, part 2",
        ] {
            assert!(is_generic(title), "{title}");
        }
        for title in [
            "A survey of large language models",
            "Layer normalization",
            "Attention is all you need",
            "whales whales study0x3",
            "Tidal heating in resonant chains of exomoons",
        ] {
            assert!(!is_generic(title), "{title}");
        }
    }
}
