//! Semantic Scholar's graph and recommendations, as the client `semanticscholar` reads them.
//!
//! What goes beyond them is asked for under names that begin with `_`: `_score` and `_why` among the fields of a paper, and every
//! parameter of our own call of the same kind (`_from`, `_to`, `_category`, `_mode`, `_diversity`; `_text` and `_weights` beside lists
//! of examples).

mod fields;
pub mod papers;
pub mod recommend;
pub mod search;
mod shape;

use serde_json::{Map, Value};

use crate::http::error::ApiError;
use crate::http::request_fields::{Field, RequestFields};
use crate::paper::{Identifier, head};

/// Ids in one call for many papers.
const IDS: usize = 500;

/// The limit of a call, and what it is where nobody says one.
fn limit(field: &Field, most: usize) -> Result<usize, ApiError> {
    match field.whole()? {
        None => Ok(most.min(100)),
        Some(n) if (1..=most).contains(&n) => Ok(n),
        Some(n) => Err(ApiError::bad_request(format!("limit is {n}; it goes from 1 to {most}"))),
    }
}

/// Takes what goes beyond out of a request: every field whose name begins with `_`, by its name without that.
fn beyond(given: &mut RequestFields) -> RequestFields {
    let (own, rest): (Map<String, Value>, Map<String, Value>) =
        std::mem::take(&mut given.0).into_iter().partition(|(name, _)| name.starts_with('_'));
    given.0 = rest;
    RequestFields(own.into_iter().map(|(name, value)| (name[1..].to_string(), value)).collect())
}

/// Refuses what is left of a request.
fn nothing_else(given: &RequestFields) -> Result<(), ApiError> {
    if given.0.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = given.0.keys().map(|name| head(name, 60)).collect();
    Err(ApiError::bad_request(format!("Unacceptable query params: [{}]", names.join(", "))))
}

/// The id of a paper, as Semantic Scholar has them: what our own calls take, and `URL:` in front of an address that is an id here.
fn id_of(text: &str) -> &str {
    let behind =
        text.split_once(':').filter(|(label, _)| label.eq_ignore_ascii_case("url")).map(|(_, address)| address);
    match behind {
        Some(address) if Identifier::parse(text).is_none() => address,
        _ => text,
    }
}

/// The texts of a list that is written with commas, or given more than once.
fn listed(field: &Field) -> Result<Vec<String>, ApiError> {
    let texts = field.texts()?;
    let parts = texts.iter().flat_map(|text| text.split(',')).map(str::trim).filter(|part| !part.is_empty());
    Ok(parts.map(str::to_string).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_address_is_an_id_with_and_without_its_label() {
        assert_eq!(id_of("URL:https://kites.example/7"), "https://kites.example/7");
        assert_eq!(id_of("url:https://arxiv.org/abs/2106.15928v1"), "url:https://arxiv.org/abs/2106.15928v1");
        assert_eq!(id_of("ARXIV:2106.15928"), "ARXIV:2106.15928");
        assert_eq!(id_of("https://kites.example/7"), "https://kites.example/7");
    }

    #[test]
    fn what_goes_beyond_is_told_from_the_rest() {
        let mut given = RequestFields(Map::new());
        given.0.extend([("_from".to_string(), json!("2024")), ("limit".to_string(), json!("3"))]);
        let own = beyond(&mut given);
        let names = |fields: &RequestFields| fields.0.keys().cloned().collect::<Vec<_>>();
        assert_eq!((names(&own), names(&given)), (vec!["from".to_string()], vec!["limit".to_string()]));
        let refused = nothing_else(&given).expect_err("nobody took it");
        assert_eq!(refused.message, "Unacceptable query params: [limit]");
    }
}
