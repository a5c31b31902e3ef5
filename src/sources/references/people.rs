//! Names of authors, in the orders in which programs write them, brought to one: given names first.

use crate::paper::person::{Suffix, initials, suffix};

/// One name: `Doe, Jane`, `Doe, Jr., Jane`, `Jane Doe`.
pub fn person(text: &str) -> String {
    ordered(text.split(','))
}

/// One name from what commas part in it.
pub fn ordered<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let parts = parts.into_iter().map(str::trim);
    let parts: Vec<&str> = parts.filter(|part| !part.is_empty() && !is_suffix(part)).collect();
    let name = match parts[..] {
        [family, given] => format!("{given} {family}"),
        _ => parts.join(", "),
    };
    // DBLP numbers people of one name.
    match name.rsplit_once(' ') {
        Some((bare, number)) if number.len() == 4 && number.bytes().all(|b| b.is_ascii_digit()) => bare.into(),
        _ => name,
    }
}

/// One name that may have its initials last and no comma: `Doeling JA`, `Doeling J.`
pub fn short(text: &str) -> String {
    if text.contains(',') {
        return person(text);
    }
    let text = text.trim();
    match text.rsplit_once(char::is_whitespace) {
        Some((rest, last)) if is_suffix(last) => short(rest),
        Some((family, last)) if initials(last).is_some() => format!("{last} {}", family.trim()),
        _ => text.to_string(),
    }
}

/// Several names in one text: apart by semicolons or bars, by ` and `, or by commas where these cannot be inside a name.
pub fn people(text: &str) -> Vec<String> {
    let text = text.trim().trim_end_matches([';', ',']);
    let with_number = |name: &str| match name.split_once(" (") {
        // Scopus puts its number of the author behind the name.
        Some((name, number)) if number.trim_end_matches(')').bytes().all(|b| b.is_ascii_digit()) => short(name),
        _ => short(name),
    };
    let of = |names: Vec<&str>| -> Vec<String> {
        names.into_iter().map(with_number).filter(|name| !name.is_empty() && !is_others(name)).collect()
    };
    if text.contains([';', '|']) {
        return of(text.split([';', '|']).collect());
    }
    if text.contains(" and ") || text.contains(" & ") {
        let parts = text.split(" and ").flat_map(|part| part.split(" & ")).map(|part| part.trim_matches([',', ' ']));
        // `Ann Poe, Jane Doe, and Max Roe`.
        return parts
            .flat_map(|part| if is_list(part) { of(part.split(',').collect()) } else { of(vec![part]) })
            .collect();
    }
    if is_list(text) { of(text.split(',').collect()) } else { of(vec![text]) }
}

/// Whether commas stand between names and not inside one: each part has several words.
pub fn is_list(text: &str) -> bool {
    let mut parts = text.split(',').map(|part| part.split_whitespace().count()).filter(|words| *words > 0).peekable();
    let (mut count, mut single) = (0, 0);
    for words in parts.by_ref() {
        count += 1;
        single += usize::from(words == 1);
    }
    (count >= 2 && single == 0) || (count > 3 && single < count)
}

/// Whether a word stands behind a name. Here `MD` is more often initials.
fn is_suffix(word: &str) -> bool {
    matches!(suffix(word), Some(Suffix::Generation | Suffix::Number))
}

/// `others`, `et al.`: nobody.
pub fn is_others(name: &str) -> bool {
    matches!(name.trim().trim_end_matches('.').to_lowercase().as_str(), "others" | "et al" | "al" | "...")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_to_one_order() {
        for (text, name) in [
            ("Doe, Jane", "Jane Doe"),
            ("Doe, Jr., Jane", "Jane Doe"),
            ("van der Berg, Jan, III", "Jan van der Berg"),
            ("Jane Doe", "Jane Doe"),
            ("World Health Organization", "World Health Organization"),
            ("Doe,", "Doe"),
            ("Max Roe 0001", "Max Roe"),
        ] {
            assert_eq!(person(text), name, "{text}");
        }
        assert_eq!(short("Doeling JA"), "JA Doeling");
        assert_eq!(short("van Moritz M Jr"), "M van Moritz");
        for (text, names) in [
            ("Doeling, Jane; Nordvik, Kari; ", vec!["Jane Doeling", "Kari Nordvik"]),
            ("Doeling J., Nordvik K.A.", vec!["J. Doeling", "K.A. Nordvik"]),
            ("Jane Doeling, Kari Nordvik", vec!["Jane Doeling", "Kari Nordvik"]),
            ("Doeling, Jane", vec!["Jane Doeling"]),
            ("Doeling, Jane (57190000001); Nordvik, Kari (57190000002)", vec!["Jane Doeling", "Kari Nordvik"]),
            ("Ann Poe, Jane Doe, and Max Roe", vec!["Ann Poe", "Jane Doe", "Max Roe"]),
            ("Doe, Jane and Roe, Max", vec!["Jane Doe", "Max Roe"]),
            ("Doe J, et al.", vec!["J Doe"]),
            ("", vec![]),
        ] {
            assert_eq!(people(text), names, "{text}");
        }
    }
}
