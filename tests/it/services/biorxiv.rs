//! bioRxiv's and medRxiv's `details` (api.biorxiv.org): 30 records a call, numbers now and then as texts.

use serde_json::json;

use super::{Answer, Paper, Plays, Request};

pub struct State {
    pub papers: Vec<Paper>,
    pub page: usize,
    /// Records more in `total` than can be had.
    pub promised: usize,
}

impl Plays for State {
    fn with(papers: Vec<Paper>) -> Self {
        State { papers, page: 30, promised: 0 }
    }

    fn papers(&mut self) -> &mut Vec<Paper> {
        &mut self.papers
    }

    fn answer(&mut self, request: &Request) -> Answer {
        let parts: Vec<&str> = request.path.split('/').collect();
        let ["", "details", server @ ("biorxiv" | "medrxiv"), from, to, cursor, "json"] = parts[..] else {
            return Answer::json(&json!({"messages": [{"status": "Error: the call is not known"}], "collection": []}));
        };
        let cursor: usize = cursor.parse().expect("a number");
        // Every revision is a record.
        let records: Vec<_> = self
            .papers
            .iter()
            .filter(|p| !p.deleted)
            .flat_map(|p| (1..=p.version).map(move |v| (p, v, if v == 1 { p.date } else { p.changed })))
            .filter(|(.., day)| (from..=to).contains(&day.to_string().as_str()))
            .collect();
        if records.is_empty() || cursor >= records.len() {
            return Answer::json(&json!({"messages": [{"status": "no posts found"}], "collection": []}));
        }
        let collection: Vec<_> = records[cursor..(cursor + self.page).min(records.len())]
            .iter()
            .map(|(p, version, day)| {
                let authors: Vec<String> = p.authors.iter().map(|(given, family)| format!("{family}, {given}")).collect();
                let summary = if *version == p.version { p.summary.clone() } else { p.summary.replace(" Revised.", "") };
                json!({"title": p.title, "authors": authors.join("; "), "doi": p.doi, "date": day.to_string(),
                    "version": version.to_string(), "type": if p.retracted { "withdrawn" } else { "new results" }, "license": "cc_by",
                    "category": "cell biology", "abstract": summary, "published": "NA", "server": server})
            })
            .collect();
        let message = json!({"status": "ok", "interval": format!("{from}:{to}"), "cursor": cursor, "count": collection.len(),
            "count_new_papers": records.len().to_string(), "total": (records.len() + self.promised).to_string()});
        Answer::json(&json!({"messages": [message], "collection": collection}))
    }
}
