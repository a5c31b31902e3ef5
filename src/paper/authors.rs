//! Authors in the forms in which they are sent: strings, objects, one string of all.

use serde_json::Value;

use super::values::{NAMES, trimmed};

const GIVEN: &[&str] = &[
    "given",
    "given_name",
    "givenName",
    "firstName",
    "first_name",
    "first",
    "forenames",
    "forename",
    "ForeName",
    "given-names",
];
const FAMILY: &[&str] =
    &["family", "family_name", "familyName", "lastName", "last_name", "last", "surname", "keyname", "LastName"];

/// The name of one author, the given name first.
pub(super) fn author(value: &Value) -> Option<String> {
    let whole = |parts: Vec<&str>| {
        let name = parts.into_iter().map(str::trim).filter(|p| !p.is_empty()).collect::<Vec<_>>().join(" ");
        (!name.is_empty()).then_some(name)
    };
    match value {
        Value::String(name) => Some(name.clone()),
        // `["Doe", "Jane", ""]`: family, given, suffix.
        Value::Array(parts) => {
            let parts: Vec<&str> = parts.iter().map(Value::as_str).collect::<Option<_>>()?;
            match parts[..] {
                [family, given, ref rest @ ..] if rest.len() <= 2 => whole([&[given, family][..], rest].concat()),
                _ => None,
            }
        }
        Value::Object(fields) => {
            let text = |names: &[&str]| names.iter().find_map(|name| fields.get(*name)?.as_str());
            let full = text(&NAMES[..7]).filter(|name| !name.trim().is_empty()).map(str::to_string);
            full.or_else(|| {
                let middle = match fields.get("middle") {
                    Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
                    Some(Value::String(name)) => vec![name.as_str()],
                    _ => Vec::new(),
                };
                let family = [text(&["non-dropping-particle", "dropping-particle"]), text(FAMILY), text(&["suffix"])];
                let given = text(GIVEN).into_iter().chain(middle);
                whole(given.chain(family.into_iter().flatten()).collect())
            })
            .or_else(|| author(fields.get("author").or_else(|| fields.get("name")).filter(|v| v.is_object())?))
        }
        _ => None,
    }
}

/// The names in one text: parted by semicolons, by `and`, by commas. A comma may also stand inside a name (`Doe, Jane`).
pub(super) fn names(text: &str) -> Vec<String> {
    if text.contains([';', '\n']) {
        return trimmed(text.split([';', '\n']));
    }
    let of_and: Vec<&str> = text.split(" and ").flat_map(|p| p.split(" & ")).collect();
    let commas = |p: &str| p.matches(',').count();
    // `Doe, Jane and Roe, Rick`; `Doe, Jane`.
    let inside = |p: &&str| commas(p) == 1 && p.split(',').next().is_some_and(|f| f.split_whitespace().count() <= 3);
    let family_first = match of_and[..] {
        [one] => commas(one) == 1 && one.split(',').next().is_some_and(|f| f.split_whitespace().count() == 1),
        _ => of_and.iter().all(inside),
    };
    if family_first {
        return trimmed(of_and.into_iter());
    }
    let pieces: Vec<String> = trimmed(of_and.iter().flat_map(|p| p.split(',')));
    // `Doe, J., Roe, R. M.`
    let initials =
        |p: &String| p.split(['.', ' ', '-']).all(|part| part.chars().count() <= 2) && p.contains(char::is_alphabetic);
    let paired = pieces.len() >= 2 && pieces.len().is_multiple_of(2);
    if paired && pieces.chunks(2).all(|pair| initials(&pair[1]) && !initials(&pair[0])) {
        return pieces.chunks(2).map(|pair| pair.join(", ")).collect();
    }
    pieces
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::paper::Paper;

    fn read(authors: &Value) -> (Vec<String>, usize) {
        let (paper, left_out) = Paper::read(json!({"id": "x", "title": "T", "authors": authors})).expect("a paper");
        (paper.authors, left_out.len())
    }

    #[test]
    fn authors_are_read_in_the_forms_that_are_sent() {
        for (sent, names) in [
            (json!(["Jane Doe", "Roe, Rick"]), vec!["Jane Doe", "Roe, Rick"]),
            (json!([{"name": "Jane Doe"}, {"given": "Rick", "family": "Roe"}]), vec!["Jane Doe", "Rick Roe"]),
            (
                json!([{"firstName": "Jane", "lastName": "Doe"}, {"first": "R", "middle": ["M"], "last": "Roe"}]),
                vec!["Jane Doe", "R M Roe"],
            ),
            (json!([{"author": {"display_name": "Jane Doe"}}, {"family": "Plato"}]), vec!["Jane Doe", "Plato"]),
            (json!([["Doe", "Jane", ""], ["Roe", "Rick", "Jr"]]), vec!["Jane Doe", "Rick Roe Jr"]),
            (json!({"name": "Jane Doe"}), vec!["Jane Doe"]),
            (json!("Jane Doe"), vec!["Jane Doe"]),
            (json!("Doe, Jane"), vec!["Doe, Jane"]),
            (json!("Jane Doe, Rick Roe and Max Moe"), vec!["Jane Doe", "Rick Roe", "Max Moe"]),
            (json!("Jane Doe, Rick Roe, and Max Moe"), vec!["Jane Doe", "Rick Roe", "Max Moe"]),
            (json!("Jane Doe, Rick Roe"), vec!["Jane Doe", "Rick Roe"]),
            (json!("Jane Doe and Rick Roe"), vec!["Jane Doe", "Rick Roe"]),
            (json!("Doe, Jane and Roe, Rick"), vec!["Doe, Jane", "Roe, Rick"]),
            (json!("Doe, J.; Roe, R. M."), vec!["Doe, J.", "Roe, R. M."]),
            (json!("Doe, J., Roe, R. M."), vec!["Doe, J.", "Roe, R. M."]),
        ] {
            let (authors, left_out) = read(&sent);
            let authors: Vec<&str> = authors.iter().map(String::as_str).collect();
            assert_eq!((authors, left_out), (names, 0), "{sent}");
        }
        let (authors, left_out) = read(&json!(["Jane Doe", 7, null, {"x": 1}, "Rick Roe"]));
        assert_eq!((authors, left_out), (vec!["Jane Doe".to_string(), "Rick Roe".to_string()], 1));
    }
}
