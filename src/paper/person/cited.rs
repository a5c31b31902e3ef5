//! Names as lists of references part them: given names, particle, family name, suffix; or a body of people, whose name has no parts.

use super::{PersonName, generation, suffix};

/// A name, as it is cited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CitedName<'a> {
    /// A person.
    Person {
        /// Given names or initials; empty where there are none.
        given: &'a str,
        /// What stands between them and the family name: `van der`. May be empty.
        particle: &'a str,
        /// The family name; never empty.
        family: &'a str,
        /// `Jr.`, `III`; may be empty.
        suffix: &'a str,
    },
    /// A collaboration, an organization, a company.
    Group(&'a str),
}

/// Words between given names and a family name, in lower case.
const PARTICLES: &str = " van von der den de del della di da dal dalla dos das do du la le les lo los las ter ten te zu zum zur vom \
op 't af av aw bin bint ibn ben el al und y ";

/// The same that may begin with a capital where another follows: `Van der Berg`, `De la Cruz`.
const BEGIN: &str = " Van Von De Di Da Du ";

/// Words that no person is called by, in lower case.
const BODIES: &str = " collaboration collaborations consortium group team organization organisation university universität \
université universidad institute institut instituto network initiative committee society association agency foundation project \
investigators inc ltd llc gmbh corporation company center centre department ministry council laboratory laboratories labs alliance \
programme partnership commission bureau authority academy hospital community contributors organizers federation taskforce ";

/// Small words that no person is called by. With a capital they may be names (`Jung In Lee`, `The Anh Nguyen`).
const SMALL: &str = " of for and the on in with & ";

fn listed(list: &str, word: &str) -> bool {
    !word.is_empty() && list.split(' ').any(|known| known == word)
}

impl<'a> CitedName<'a> {
    /// Reads a name as people write it: `Jan van der Berg`, `van der Berg, Jan, Jr.`, `The ATLAS Collaboration`. `None` for a
    /// blank one.
    pub fn read(name: &'a str) -> Option<Self> {
        let name = name.trim().trim_matches(',').trim();
        if name.is_empty() {
            return None;
        }
        let parts = name.split(',').map(str::trim).filter(|part| !part.is_empty() && suffix(part).is_none()).count();
        let several = name.contains(char::is_whitespace);
        if (several && is_body(name)) || parts > 2 {
            return Some(CitedName::Group(name));
        }
        let PersonName { given, surname } = PersonName::read(name);
        let suffix = generation(name).filter(|suffix| *suffix != surname && *suffix != given).unwrap_or_default();
        // `van der Berg, Jan` has its particle before the name, `Jan van der Berg` and `Berg, Jan van der` behind the given one.
        let (before, family) = leading(surname);
        let (given, particle) = if before.is_empty() { trailing(given) } else { (given, before) };
        Some(CitedName::Person { given, particle, family, suffix })
    }
}

/// Whether it is the name of a body of people.
fn is_body(name: &str) -> bool {
    let bare = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    name.split_whitespace().any(|word| listed(SMALL, word) || listed(BODIES, &bare(word)))
        || name.contains([':', '/', '@'])
}

fn is_particle(word: &str, next_is_one: bool) -> bool {
    listed(PARTICLES, word) || (next_is_one && listed(BEGIN, word))
}

/// The particle that a family name begins with, and the rest.
fn leading(surname: &str) -> (&str, &str) {
    let mut end = 0;
    for (at, word) in words(surname) {
        let rest = surname[at + word.len()..].trim_start();
        let next = rest.split_whitespace().next().unwrap_or_default();
        // The last word is the name, whatever it looks like.
        if rest.is_empty() || !is_particle(word, listed(PARTICLES, next)) {
            break;
        }
        end = surname.len() - rest.len();
    }
    (surname[..end].trim_end(), &surname[end..])
}

/// Given names, and the particle that stands behind them.
fn trailing(given: &str) -> (&str, &str) {
    let (mut begin, mut next_is_one) = (given.len(), false);
    for (at, word) in words(given).into_iter().rev() {
        if !is_particle(word, next_is_one) {
            break;
        }
        (begin, next_is_one) = (at, true);
    }
    (given[..begin].trim_end(), &given[begin..])
}

/// The words of a text, each with where it begins.
fn words<'t>(text: &'t str) -> Vec<(usize, &'t str)> {
    let mut end = 0;
    let word = |word: &'t str| {
        // Nothing but blanks stands before it.
        let begin = end + text[end..].find(word).unwrap_or_default();
        end = begin + word.len();
        (begin, word)
    };
    text.split_whitespace().map(word).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_have_the_parts_that_lists_of_references_want() {
        for (name, given, particle, family, suffix) in [
            ("Jane A. Doe", "Jane A.", "", "Doe", ""),
            ("Jan van der Berg", "Jan", "van der", "Berg", ""),
            ("van der Berg, Jan", "Jan", "van der", "Berg", ""),
            ("Berg, Jan van der", "Jan", "van der", "Berg", ""),
            ("Thomas Van der Berg", "Thomas", "Van der", "Berg", ""),
            ("Van der Berg", "", "Van der", "Berg", ""),
            ("Thanh Van Nguyen", "Thanh Van", "", "Nguyen", ""),
            ("María de la Cruz", "María", "de la", "Cruz", ""),
            ("García Márquez, Gabriel", "Gabriel", "", "García Márquez", ""),
            ("danah boyd", "danah", "", "boyd", ""),
            ("Martin Luther King Jr.", "Martin Luther", "", "King", "Jr."),
            ("King, Martin Luther, Jr.", "Martin Luther", "", "King", "Jr."),
            ("King, Jr., Martin Luther", "Martin Luther", "", "King", "Jr."),
            ("Ivan Ivanov IV", "Ivan", "", "Ivanov", "IV"),
            ("Ivanov IV", "Ivanov", "", "IV", ""),
            ("Jane Doe, PhD", "Jane", "", "Doe", ""),
            ("Jung In Lee", "Jung In", "", "Lee", ""),
            ("The Anh Nguyen", "The Anh", "", "Nguyen", ""),
            ("Plato", "", "", "Plato", ""),
            ("OpenAI", "", "", "OpenAI", ""),
            ("张伟", "", "", "张伟", ""),
            ("de", "", "", "de", ""),
        ] {
            let person = CitedName::Person { given, particle, family, suffix };
            assert_eq!(CitedName::read(name), Some(person), "{name}");
        }
        for group in [
            "The ATLAS Collaboration",
            "World Health Organization",
            "Smith and Sons",
            "Barnes & Noble",
            "Ministry of Health, Brazil",
            "Gemini Team",
            "Doe, Jane, University of Somewhere",
            "NVIDIA: Somebody Else",
        ] {
            assert_eq!(CitedName::read(group), Some(CitedName::Group(group)), "{group}");
        }
        assert_eq!((CitedName::read(" , "), CitedName::read("")), (None, None));
    }

    proptest! {
        #[test]
        fn a_name_has_a_family_name(name in "(\\PC|, |van |de |[A-Z]\\.| |Jr\\.?|III|\\u{a0}){0,12}") {
            match CitedName::read(&name) {
                Some(CitedName::Person { given, particle, family, suffix }) => {
                    prop_assert!(!family.trim().is_empty(), "{name:?}");
                    for part in [given, particle, family, suffix] {
                        prop_assert!(name.contains(part));
                    }
                }
                Some(CitedName::Group(group)) => prop_assert!(!group.is_empty()),
                None => prop_assert!(name.trim().trim_matches(',').trim().is_empty()),
            }
        }
    }
}
