//! Semantic Scholar's bulk search (api.semanticscholar.org/api-docs).

use serde_json::{Value, json};

use super::{Answer, Paper, Plays, Request};

pub struct State {
    pub papers: Vec<Paper>,
    pub page: usize,
    pub key: Option<String>,
}

impl Plays for State {
    fn with(papers: Vec<Paper>) -> Self {
        State { papers, page: 1000, key: None }
    }

    fn papers(&mut self) -> &mut Vec<Paper> {
        &mut self.papers
    }

    fn answer(&mut self, request: &Request) -> Answer {
        if self.key.as_deref().is_some_and(|key| key != request.header("x-api-key")) {
            return Answer::json(&json!({"message": "Forbidden"})).with(403);
        }
        let (from, to) = request.arg("publicationDateOrYear").split_once(':').unwrap_or_default();
        let found: Vec<&Paper> =
            self.papers.iter().filter(|p| !p.deleted && (from..=to).contains(&p.date.to_string().as_str())).collect();
        let skip: usize = request.arg("token").strip_prefix("T+/").and_then(|t| t.parse().ok()).unwrap_or(0);
        let end = (skip + self.page).min(found.len());
        let data: Vec<Value> = found[skip..end].iter().map(|p| paper(p)).collect();
        let token = (end < found.len()).then(|| format!("T+/{end}"));
        Answer::json(&json!({"total": found.len(), "token": token, "data": data}))
    }
}

fn paper(p: &Paper) -> Value {
    let authors: Vec<Value> = p.names().iter().map(|name| json!({"authorId": "1", "name": name})).collect();
    json!({"paperId": format!("{:040x}", p.number), "externalIds": {"ArXiv": p.arxiv, "DOI": p.doi, "CorpusId": 880_000 + p.number},
        "title": p.title, "abstract": p.summary, "authors": authors, "publicationDate": p.date.to_string(), "year": p.date.year(),
        "venue": "", "url": "https://www.semanticscholar.org/paper/x", "fieldsOfStudy": ["Computer Science"]})
}
