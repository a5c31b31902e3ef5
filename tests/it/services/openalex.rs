//! OpenAlex's `/works` (developers.openalex.org): cursors, abstracts as places of words, keys.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Answer, Paper, Plays, Request};

pub struct State {
    pub papers: Vec<Paper>,
    /// The key that it wants, if it wants one.
    pub key: Option<String>,
}

impl Plays for State {
    fn with(papers: Vec<Paper>) -> Self {
        State { papers, key: None }
    }

    fn papers(&mut self) -> &mut Vec<Paper> {
        &mut self.papers
    }

    fn answer(&mut self, request: &Request) -> Answer {
        let given = request.arg("api_key");
        if self.key.as_deref().is_some_and(|key| key != given) {
            let said = json!({"error": "Unauthorized", "message": format!("the API key {given} is not known")});
            return Answer::json(&said).with(403);
        }
        let per_page: usize = request.arg("per_page").parse().unwrap_or(25);
        if request.path != "/works" || per_page > 100 {
            return Answer::json(&json!({"error": "Invalid query parameters error.", "message": "per_page"})).with(403);
        }
        let of = |name: &str| {
            request.arg("filter").split(',').find_map(|f| f.strip_prefix(name)).unwrap_or_default().to_string()
        };
        let (from, to) = (of("from_publication_date:"), of("to_publication_date:"));
        let found: Vec<&Paper> = self
            .papers
            .iter()
            .filter(|p| !p.deleted && (from.as_str()..=to.as_str()).contains(&p.date.to_string().as_str()))
            .collect();
        let skip: usize = request.arg("cursor").strip_prefix("c=").and_then(|c| c.parse().ok()).unwrap_or(0);
        let end = (skip + per_page).min(found.len());
        let results: Vec<Value> = found[skip.min(end)..end].iter().map(|p| work(p)).collect();
        // A page that is not full leads on to an empty one.
        let next = (!results.is_empty()).then(|| format!("c={end}"));
        Answer::json(
            &json!({"meta": {"count": found.len(), "per_page": per_page, "next_cursor": next}, "results": results}),
        )
    }
}

fn work(p: &Paper) -> Value {
    let mut places: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    p.summary.split(' ').enumerate().for_each(|(at, word)| places.entry(word).or_default().push(at));
    let authors: Vec<Value> = p.names().iter().map(|name| json!({"author": {"display_name": name}})).collect();
    json!({"id": format!("https://openalex.org/W{}", 900_000 + p.number), "doi": format!("https://doi.org/{}", p.doi), "title": p.title,
        "publication_date": p.date.to_string(), "authorships": authors, "abstract_inverted_index": places, "keywords": [],
        "primary_location": {"source": null, "landing_page_url": format!("https://doi.org/{}", p.doi)}, "primary_topic": null,
        "is_retracted": p.retracted, "is_paratext": false, "language": "en", "type": "article"})
}
