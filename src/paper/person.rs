//! Names of persons as people and programs write them: `Jane A. Doe`, `Doe, Jane`, `Doe, Jane, Jr.`, `Doe JA`.

mod cited;

pub use cited::CitedName;

use super::letters;

/// A name in its two parts, without what stands behind it (`Jr.`, `PhD`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PersonName<'a> {
    /// Given names or initials; empty where there are none.
    pub given: &'a str,
    /// The surname. Of a name without a comma that is its last word: which particles belong to it nobody can know.
    pub surname: &'a str,
}

/// What stands behind a name and is no part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suffix {
    /// `Jr.`, `Sr.`, `2nd`.
    Generation,
    /// `III`, which may also be initials.
    Number,
    /// `PhD`.
    Degree,
    /// `MD` and `Dr`, which are more often initials.
    Title,
}

/// Initials have at most so many letters.
const MAX_INITIALS: usize = 4;

impl<'a> PersonName<'a> {
    /// Reads a name. The surname is empty only where the text is.
    pub fn read(name: &'a str) -> Self {
        let whole = name.split(',').next().is_some_and(|first| first.trim().contains(char::is_whitespace));
        let part_of_it = |part: &&str| match suffix(part) {
            None => true,
            // `Zeiler, MD` has initials, `Jane Doe, MD` is a doctor.
            Some(Suffix::Title) => !whole && name.matches(',').count() == 1,
            Some(_) => false,
        };
        let mut parts = name.split(',').map(str::trim).filter(|part| !part.is_empty()).filter(part_of_it);
        match (parts.next(), parts.next()) {
            (Some(surname), Some(given)) => PersonName { given, surname },
            (Some(whole), None) => {
                let whole = without_suffix(whole);
                let (given, surname) = whole.rsplit_once(char::is_whitespace).unwrap_or(("", whole));
                PersonName { given: given.trim_end(), surname }
            }
            _ => PersonName { given: "", surname: name.trim() },
        }
    }

    /// The name with the given names first: `LeCun, Yann` is `Yann LeCun`.
    pub fn given_first(&self) -> String {
        if self.given.is_empty() { self.surname.to_string() } else { format!("{} {}", self.given, self.surname) }
    }

    /// The first letter of the given names as [`letters`] compares them; empty where there is none.
    pub fn initial(&self) -> String {
        letters(self.given).chars().take(1).collect()
    }
}

/// A name of one piece without the suffix at its end.
fn without_suffix(name: &str) -> &str {
    let Some((rest, end)) = name.rsplit_once(char::is_whitespace) else { return name };
    let rest = rest.trim_end();
    match suffix(end) {
        Some(Suffix::Generation | Suffix::Degree) => rest,
        // `Ivanov IV` has two initials, `Ivan Ivanov IV` a grandfather.
        Some(Suffix::Number) if rest.contains(char::is_whitespace) => rest,
        _ => name,
    }
}

/// What stands behind a name and tells it from that of a father or grandfather: `Jr.`, `III`.
fn generation(name: &str) -> Option<&str> {
    let tells = |word: &&str| matches!(suffix(word), Some(Suffix::Generation | Suffix::Number));
    let apart = name.split(',').skip(1).map(str::trim).find(tells);
    apart.or_else(|| {
        let whole = name.split(',').next().unwrap_or_default().trim();
        let rest = without_suffix(whole);
        (rest.len() < whole.len()).then(|| whole[rest.len()..].trim()).filter(tells)
    })
}

/// What a word behind a name is; `None` for part of the name.
pub fn suffix(word: &str) -> Option<Suffix> {
    let word: String = word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    match word.as_str() {
        "jr" | "sr" | "2nd" | "3rd" => Some(Suffix::Generation),
        "ii" | "iii" | "iv" => Some(Suffix::Number),
        "phd" => Some(Suffix::Degree),
        "md" | "dr" => Some(Suffix::Title),
        _ => None,
    }
}

/// The letters of `G.`, `GE`, `G.E.`, `J.-P.`: at most four capitals. `None` for anything else.
pub fn initials(word: &str) -> Option<Vec<char>> {
    let letters: Vec<char> = word.chars().filter(|c| !matches!(c, '.' | '-')).collect();
    ((1..=MAX_INITIALS).contains(&letters.len()) && letters.iter().all(|c| c.is_uppercase())).then_some(letters)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_read_in_the_ways_they_are_written() {
        for (name, given, surname) in [
            ("Jane A. Doe", "Jane A.", "Doe"),
            ("Doe, Jane A.", "Jane A.", "Doe"),
            ("van der Berg, Jan", "Jan", "van der Berg"),
            ("King, Martin L., Jr.", "Martin L.", "King"),
            ("King, Jr., Martin L.", "Martin L.", "King"),
            ("Martin King Jr.", "Martin", "King"),
            ("Jane Doe Ph.D.", "Jane", "Doe"),
            ("Ivan Ivanov IV", "Ivan", "Ivanov"),
            ("Ivanov IV", "Ivanov", "IV"),
            ("Zeiler, MD", "MD", "Zeiler"),
            ("Jane Doe, MD", "Jane", "Doe"),
            ("Doe, Jane, M.D.", "Jane", "Doe"),
            ("Plato", "", "Plato"),
            ("Doe,", "", "Doe"),
            ("Jr.", "", "Jr."),
            ("", "", ""),
        ] {
            assert_eq!(PersonName::read(name), PersonName { given, surname }, "{name}");
        }
        assert_eq!(PersonName::read("LeCun, Yann").given_first(), "Yann LeCun");
        assert_eq!(
            (PersonName::read("Øre, Åse").initial(), PersonName::read("Plato").initial()),
            ("a".into(), "".into())
        );
        assert_eq!(
            (suffix("Jr."), suffix("III"), suffix("M.D."), suffix("Doe")),
            (Some(Suffix::Generation), Some(Suffix::Number), Some(Suffix::Title), None)
        );
        assert_eq!(initials("J.-P."), Some(vec!['J', 'P']));
        assert_eq!((initials("Jo"), initials("ABCDE"), initials("")), (None, None, None));
    }

    proptest! {
        #[test]
        fn no_name_is_lost(name in "(\\PC|, |[A-Z]\\.| |Jr\\.?|III|\\u{a0}){0,12}") {
            let read = PersonName::read(&name);
            prop_assert_eq!(read.surname.is_empty(), name.trim().is_empty());
            prop_assert!(name.contains(read.given) && name.contains(read.surname));
        }
    }
}
