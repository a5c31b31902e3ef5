//! The names of an `author` field. Braces hold a name together: `{Smith and Sons}` is one.

use super::tex;
use crate::sources::references::people;

/// The names in a field, given names first.
pub fn names(source: &str) -> Vec<String> {
    let mut parts = split_at(source, And);
    if let [only] = parts[..] {
        let semicolons = split_at(only, ';');
        if semicolons.len() > 1 {
            parts = semicolons;
        } else if !only.contains('{') && people::is_list(only) {
            return people::people(&tex::text(only));
        }
    }
    let named = parts.into_iter().map(|part| name(part.trim().trim_matches(',')));
    named.filter(|name| !name.is_empty() && !people::is_others(name)).collect()
}

fn name(source: &str) -> String {
    let parts: Vec<String> = split_at(source, ',').into_iter().map(tex::text).collect();
    // BibLaTeX's long form: `family=Doe, given=Jane, prefix=van`.
    let of =
        |name: &str| parts.iter().find_map(|p| p.strip_prefix(name)?.trim_start().strip_prefix('=')).map(str::trim);
    match of("family") {
        Some(family) => [of("given"), of("prefix"), Some(family)].into_iter().flatten().collect::<Vec<_>>().join(" "),
        None => people::ordered(parts.iter().map(String::as_str)),
    }
}

/// What parts a text, outside braces.
trait Sign {
    /// How many bytes of it stand at the beginning of a text, behind a character.
    fn at(&self, before: u8, text: &[u8]) -> Option<usize>;
}

/// The word `and`.
struct And;

impl Sign for And {
    fn at(&self, before: u8, text: &[u8]) -> Option<usize> {
        let word = text.len() > 3 && text[..3].eq_ignore_ascii_case(b"and") && text[3].is_ascii_whitespace();
        (word && (before.is_ascii_whitespace() || before == b'}')).then_some(3)
    }
}

impl Sign for char {
    fn at(&self, _: u8, text: &[u8]) -> Option<usize> {
        text.starts_with(&[*self as u8]).then_some(1)
    }
}

fn split_at(source: &str, sign: impl Sign) -> Vec<&str> {
    let bytes = source.as_bytes();
    let (mut parts, mut begin, mut depth, mut escaped) = (Vec::new(), 0, 0usize, false);
    for at in 0..bytes.len() {
        match bytes[at] {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            _ if depth == 0 && at >= begin => {
                if let Some(len) = sign.at(if at == 0 { b' ' } else { bytes[at - 1] }, &bytes[at..]) {
                    parts.push(&source[begin..at]);
                    begin = at + len;
                }
            }
            _ => {}
        }
    }
    parts.push(&source[begin..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_bibtex_means_them() {
        for (source, expected) in [
            ("Doe, Jane and Max van Moritz", vec!["Jane Doe", "Max van Moritz"]),
            ("Jane Doe AND\n  Roe, Jr., Max and others", vec!["Jane Doe", "Max Roe"]),
            ("{Smith and Sons} and {World Health Organization}", vec!["Smith and Sons", "World Health Organization"]),
            (r#"G{\"o}del, Kurt and Erd{\H{o}}s, P."#, vec!["Kurt Gödel", "P. Erdős"]),
            ("{Doe, Inc.}", vec!["Doe, Inc."]),
            ("family=Doe, given=Jane, prefix=van and Roe, Max", vec!["Jane van Doe", "Max Roe"]),
            ("Doe, Jane; Roe, Max", vec!["Jane Doe", "Max Roe"]),
            ("Jane Doe, Max Roe, Ann Poe", vec!["Jane Doe", "Max Roe", "Ann Poe"]),
            ("Anderson, Brandon", vec!["Brandon Anderson"]),
            ("Doe, J. and and Roe, M. and ", vec!["J. Doe", "M. Roe"]),
            ("", vec![]),
        ] {
            assert_eq!(names(source), expected, "{source}");
        }
    }
}
