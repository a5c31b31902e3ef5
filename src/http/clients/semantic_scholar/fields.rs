//! Which fields of a paper are wanted.

use std::collections::BTreeSet;

use crate::http::error::ApiError;
use crate::http::request_fields::Field;
use crate::paper::head;

use super::listed;

/// Fields that Semantic Scholar has, and ours.
const KNOWN: [&str; 29] = [
    "paperId",
    "corpusId",
    "externalIds",
    "url",
    "title",
    "abstract",
    "venue",
    "publicationVenue",
    "year",
    "referenceCount",
    "citationCount",
    "influentialCitationCount",
    "isOpenAccess",
    "openAccessPdf",
    "fieldsOfStudy",
    "s2FieldsOfStudy",
    "publicationTypes",
    "publicationDate",
    "journal",
    "citationStyles",
    "authors",
    "citations",
    "references",
    "embedding",
    "tldr",
    "textAvailability",
    "matchScore",
    SCORE,
    WHY,
];

/// Fields within fields.
const OF_AUTHORS: [&str; 9] =
    ["authorId", "externalIds", "url", "name", "aliases", "affiliations", "homepage", "paperCount", "citationCount"];
const OF_CITATIONS: [&str; 3] = ["contexts", "intents", "isInfluential"];
const OF_EMBEDDING: [&str; 2] = ["specter_v1", "specter_v2"];

/// How close a paper is, in the answers that are ranked.
pub const SCORE: &str = "_score";

/// Where that comes from, in numbers and in a sentence.
pub const WHY: &str = "_why";

/// The fields that are wanted of papers.
#[derive(Debug)]
pub struct Wanted {
    names: BTreeSet<String>,
}

/// The most fields that are asked for at once; there are fewer.
const NAMES: usize = 200;

impl Wanted {
    /// By the parameter `fields`; `paperId` and `title` where nobody asks for any.
    ///
    /// # Errors
    /// 400, which lists the names that there are not.
    pub fn read(field: &Field) -> Result<Self, ApiError> {
        let mut names: BTreeSet<String> = listed(field)?.into_iter().collect();
        if names.len() > NAMES {
            return Err(ApiError::bad_request(format!("{} fields; at most {NAMES} are allowed", names.len())));
        }
        let unknown: Vec<String> = names.iter().filter(|name| !is_known(name)).map(|name| head(name, 60)).collect();
        if !unknown.is_empty() {
            let message = format!("Unrecognized or unsupported fields: [{}]", unknown.join(", "));
            return Err(ApiError::bad_request(message));
        }
        if names.is_empty() {
            names.insert("title".into());
        }
        names.insert("paperId".into());
        Ok(Wanted { names })
    }

    /// Whether a field is wanted, be it for something within it.
    pub fn has(&self, name: &str) -> bool {
        let within = |wanted: &String| wanted.split_once('.').is_some_and(|(outer, _)| outer == name);
        self.names.contains(name) || self.names.iter().any(within)
    }

    /// Whether a field within another one is wanted by its name.
    pub fn has_within(&self, outer: &str, inner: &str) -> bool {
        self.names.contains(&format!("{outer}.{inner}"))
    }
}

fn is_known(name: &str) -> bool {
    match name.split_once('.') {
        None => KNOWN.contains(&name),
        Some(("authors", inner)) => OF_AUTHORS.contains(&inner) || inner == "hIndex",
        Some(("embedding", inner)) => OF_EMBEDDING.contains(&inner),
        // Papers within papers; of those within them nobody asks.
        Some(("citations" | "references", inner)) => {
            let further = inner.starts_with("citations.") || inner.starts_with("references.");
            OF_CITATIONS.contains(&inner) || !further && is_known(inner)
        }
        Some(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn wanted(fields: &str) -> Result<Wanted, String> {
        Wanted::read(&Field { name: "fields", value: Some(json!(fields)) }).map_err(|e| e.message)
    }

    #[test]
    fn what_there_is_not_is_named_and_nothing_else() {
        assert_eq!(
            wanted("title,colour, shape ,authors.name").expect_err("two are unknown"),
            "Unrecognized or unsupported fields: [colour, shape]"
        );
        assert!(wanted("citations.authors,references.title,authors.hIndex,embedding.specter_v2,_score,_why").is_ok());
        assert!(wanted("title.name").is_err() && wanted("_explain").is_err());
    }

    #[test]
    fn the_id_is_always_wanted_and_the_title_where_nobody_says_anything() {
        let none = wanted("").expect("nothing is something");
        assert!(none.has("paperId") && none.has("title") && !none.has("year"));
        let some = wanted("authors.name").expect("a field");
        assert!(some.has("authors") && some.has_within("authors", "name") && !some.has("title"));
    }
}
