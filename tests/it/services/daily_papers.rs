//! Hugging Face's Daily Papers (`huggingface_hub`, recorded answers). The day of a paper's list is the day it appeared.

use serde_json::{Value, json};

use super::{Answer, Paper, Plays, Request};

pub struct State {
    pub papers: Vec<Paper>,
}

impl Plays for State {
    fn with(papers: Vec<Paper>) -> Self {
        State { papers }
    }

    fn papers(&mut self) -> &mut Vec<Paper> {
        &mut self.papers
    }

    fn answer(&mut self, request: &Request) -> Answer {
        let day = request.arg("date");
        if request.path != "/api/daily_papers" || day.len() != 10 {
            return Answer::json(&json!({"error": "Invalid date"})).with(400);
        }
        let limit: usize = request.arg("limit").parse().unwrap_or(50);
        let skip = request.arg("p").parse::<usize>().unwrap_or(0) * limit;
        let found = self.papers.iter().filter(|p| !p.deleted && p.date.to_string() == day);
        let wrappers: Vec<Value> = found.skip(skip).take(limit).map(wrapper).collect();
        Answer::json(&Value::Array(wrappers))
    }
}

fn wrapper(p: &Paper) -> Value {
    let authors: Vec<Value> = p.names().iter().map(|name| json!({"_id": "1", "name": name, "hidden": false})).collect();
    let published = format!("{}T17:59:59.000Z", p.date);
    json!({"paper": {"id": p.arxiv, "authors": authors, "publishedAt": published, "title": p.title, "summary": p.summary,
            "upvotes": p.upvotes, "submittedOnDailyBy": {"fullname": "A Submitter", "name": "sub"}},
        "publishedAt": published, "title": p.title, "summary": p.summary, "numComments": 2,
        "submittedBy": {"fullname": "A Submitter", "name": "sub", "type": "user"}})
}
