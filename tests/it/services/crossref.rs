//! Crossref's `/works` (api.crossref.org): lists for titles, JATS for abstracts, dates in parts.

use serde_json::{Value, json};

use super::{Answer, Paper, Plays, Request, escaped};

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
        let filter = request.arg("filter");
        let of = |name: &str| filter.split(',').find_map(|f| f.strip_prefix(name)).unwrap_or_default().to_string();
        if filter.contains("no-such-filter") {
            let said = json!([{"type": "filter-not-available", "value": filter, "message": "Filter no-such-filter specified but there is no such filter"}]);
            return Answer::json(&json!({"status": "failed", "message-type": "validation-failure", "message": said}))
                .with(400);
        }
        let (from, to) = (of("from-index-date:"), of("until-index-date:"));
        let found: Vec<&Paper> = self
            .papers
            .iter()
            .filter(|p| !p.deleted && (from.as_str()..=to.as_str()).contains(&p.changed.to_string().as_str()))
            .collect();
        let rows: usize = request.arg("rows").parse().unwrap_or(20);
        let skip: usize = request.arg("cursor").strip_prefix("AoJ/").and_then(|c| c.parse().ok()).unwrap_or(0);
        let end = (skip + rows).min(found.len());
        let items: Vec<Value> = found[skip..end].iter().map(|p| item(p)).collect();
        Answer::json(&json!({"status": "ok", "message-type": "work-list", "message": {"total-results": found.len(),
            "next-cursor": format!("AoJ/{end}"), "items": items}}))
    }
}

fn item(p: &Paper) -> Value {
    let authors: Vec<Value> = p
        .authors
        .iter()
        .map(|(given, family)| json!({"given": given, "family": family, "sequence": "first"}))
        .collect();
    let (year, month, day) = (p.date.year(), p.date.month(), p.date.day());
    let jats = format!("<jats:title>Abstract</jats:title><jats:p>{}</jats:p>", escaped(&p.summary));
    let mut item = json!({"DOI": p.doi.to_uppercase(), "title": [p.title], "abstract": jats, "author": authors, "type": "posted-content",
        "published": {"date-parts": [[year, month, day]]}, "issued": {"date-parts": [[null]]}, "container-title": [],
        "publisher": "A Publisher", "URL": format!("https://doi.org/{}", p.doi)});
    if p.retracted {
        item["updated-by"] = json!([{"DOI": format!("{}.r", p.doi), "type": "retraction", "label": "Retraction"}]);
    }
    item
}
