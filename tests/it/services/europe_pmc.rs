//! Europe PMC's search (europepmc.org/RestfulWebService).

use serde_json::{Value, json};

use super::{Answer, Paper, Plays, Request};

pub struct State {
    pub papers: Vec<Paper>,
    /// Records of a page at most, whatever is asked for.
    pub page: usize,
}

impl Plays for State {
    fn with(papers: Vec<Paper>) -> Self {
        State { papers, page: 1000 }
    }

    fn papers(&mut self) -> &mut Vec<Paper> {
        &mut self.papers
    }

    fn answer(&mut self, request: &Request) -> Answer {
        let query = request.arg("query");
        let days = query.split_once("FIRST_PDATE:[").and_then(|(_, rest)| rest.split_once(']')?.0.split_once(" TO "));
        let Some((from, to)) = days else {
            return Answer::json(&json!({"version": "6.9", "errCode": 404, "errMsg": "the query cannot be read"}));
        };
        let found: Vec<&Paper> =
            self.papers.iter().filter(|p| !p.deleted && (from..=to).contains(&p.date.to_string().as_str())).collect();
        let skip: usize = request.arg("cursorMark").strip_prefix("AoIIP/+=").and_then(|c| c.parse().ok()).unwrap_or(0);
        let end = (skip + self.page).min(found.len());
        let result: Vec<Value> = found[skip..end].iter().map(|p| record(p)).collect();
        Answer::json(&json!({"version": "6.9", "hitCount": found.len(), "nextCursorMark": format!("AoIIP/+={end}"),
            "request": {"queryString": query}, "resultList": {"result": result}}))
    }
}

fn record(p: &Paper) -> Value {
    let authors: Vec<Value> = p
        .authors
        .iter()
        .map(|(given, family)| json!({"fullName": format!("{family} {}", &given[..1]), "firstName": given, "lastName": family}))
        .collect();
    let kind = if p.retracted { "Retracted Publication" } else { "Journal Article" };
    json!({"id": (990_000 + p.number).to_string(), "source": "MED", "pmid": (990_000 + p.number).to_string(), "doi": p.doi,
        "title": format!("{}.", p.title), "authorList": {"author": authors}, "abstractText": p.summary,
        "pubTypeList": {"pubType": ["research-article", kind]}, "firstPublicationDate": p.date.to_string(),
        "journalInfo": {"journal": {"title": "Journal of Things"}}})
}
