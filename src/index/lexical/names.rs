//! Persons' names as people and citations write them: `Hinton, G. E.`, `Hinton GE`, `Hinton et al.`, `Mueller` for
//! `Müller`.
//!
//! The index holds each name with the given names first ([`PersonName::given_first`]), a given name also as its initial, a
//! letter with an umlaut also spelled out. So a name is looked for as a phrase; [`readings`] says which ones a text may mean.

use super::analyzer::spelled_out;
use crate::paper::person::{PersonName, initials};

/// What citations put for the other authors.
const OTHERS: [&str; 7] = ["et al", "et alii", "et alia", "and others", "and colleagues", "u. a", "u.a"];

/// The persons that a text names, and for each the readings of the name, the likelier first. A reading is one or more
/// spellings of a name, given names first.
pub fn readings(text: &str) -> Vec<Vec<Vec<String>>> {
    let text = without_others(text);
    let parts: Vec<&str> = text.split([';', '&']).flat_map(|p| p.split(" and ")).collect();
    let persons = parts.into_iter().map(str::trim).filter(|p| p.chars().any(char::is_alphabetic));
    persons.map(of_person).collect()
}

/// The text without `et al.` and a year.
fn without_others(text: &str) -> &str {
    let trim =
        |t| str::trim_end_matches(t, |c: char| c.is_whitespace() || matches!(c, '.' | ',' | ';' | ':' | '(' | ')'));
    let mut text = text.trim();
    loop {
        let end = trim(text);
        let year = end.len().checked_sub(4).and_then(|at| end.split_at_checked(at));
        let year = year.filter(|(name, y)| y.bytes().all(|b| b.is_ascii_digit()) && name.ends_with([' ', '(', ',']));
        let others = OTHERS.iter().find_map(|o| {
            let (name, tail) = end.split_at_checked(end.len().checked_sub(o.len())?)?;
            (tail.eq_ignore_ascii_case(o) && name.ends_with([' ', ','])).then_some(name)
        });
        match others.or(year.map(|(name, _)| name)) {
            Some(name) if !trim(name).is_empty() => text = trim(name),
            // The dot of an initial stays.
            _ => return text,
        }
    }
}

fn of_person(name: &str) -> Vec<Vec<String>> {
    let given_first = PersonName::read(name).given_first();
    let tokens: Vec<&str> = given_first.split_whitespace().collect();
    let comma = name.contains(',');
    let mut likely = vec![given_first.clone()];
    let mut less = Vec::new();
    // `Hinton GE`, as PubMed has it: initials behind the surname.
    let behind = tokens.iter().rev().take_while(|t| initials(t).is_some()).count();
    let before = tokens.iter().take_while(|t| initials(t).is_some()).count();
    if behind > 0 && behind < tokens.len() && !comma {
        let (surname, given) = tokens.split_at(tokens.len() - behind);
        push(&mut likely, &mut less, given, surname);
    }
    if before > 0 && before < tokens.len() {
        let (given, surname) = tokens.split_at(before);
        push(&mut likely, &mut less, given, surname);
    }
    // `Hinton Geoffrey`, `Wei Li`: some say the surname first.
    if let ([first, last], false) = (&tokens[..], comma) {
        less.push(format!("{last} {first}"));
    }
    let mut readings = vec![likely];
    readings.extend(less.into_iter().map(|name| vec![name]));
    for names in &mut readings {
        names.extend(names.iter().filter_map(|n| spelled_out(&n.to_lowercase())).collect::<Vec<_>>());
    }
    readings
}

/// Adds a name of initials and a surname; with the first initial alone it may be meant as well.
fn push(likely: &mut Vec<String>, less: &mut Vec<String>, given: &[&str], surname: &[&str]) {
    let letters: Vec<String> = given.iter().filter_map(|t| initials(t)).flatten().map(String::from).collect();
    let surname = surname.join(" ");
    likely.push(format!("{} {surname}", letters.join(" ")));
    if letters.len() > 1 {
        less.push(format!("{} {surname}", letters[0]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_read_as_citations_write_them() {
        for (text, name) in [
            ("Quillmark et al.", "Quillmark"),
            ("Quillmark et al. (2024)", "Quillmark"),
            ("Quillmark, et al", "Quillmark"),
            ("Hinton GE", "G E Hinton"),
            ("Hinton, G. E.", "G E Hinton"),
            ("Hinton, GE", "G E Hinton"),
            ("Hinton G.E.", "G E Hinton"),
            ("Hinton G. E.", "G E Hinton"),
            ("G.E. Hinton", "G E Hinton"),
            ("GE Hinton", "G E Hinton"),
            ("G. E. Hinton", "G E Hinton"),
            ("van der Berg J", "J van der Berg"),
            ("LeCun, Yann", "Yann LeCun"),
            ("King, Martin L., Jr.", "Martin L. King"),
            ("Martin King Jr.", "Martin King"),
            ("Zeiler MD", "M D Zeiler"),
            ("Müller", "mueller"),
            ("Wei Li", "Li Wei"),
        ] {
            let read = readings(text);
            assert_eq!(read.len(), 1, "{text}: {read:?}");
            assert!(read[0].iter().flatten().any(|n| n == name), "{text}: {read:?}");
        }
        let two: Vec<String> = readings("Quillmark & van Moritz, 2024").into_iter().map(|p| p[0][0].clone()).collect();
        assert_eq!(two, ["Quillmark", "van Moritz"]);
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "(et al\\.|, |[A-Z]{1,3}|\\. |Jr|\\PC){0,12}") {
            for person in readings(&text) {
                prop_assert!(!person.is_empty() && person.iter().all(|r| !r.is_empty()));
            }
        }
    }
}
