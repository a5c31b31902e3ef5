//! Zotero's Web API v3, and the local one, which wants no key (www.zotero.org/support/dev/web_api/v3).

use serde_json::{Value, json};

use super::{Answer, Paper, Plays, Request};

pub struct State {
    pub papers: Vec<Paper>,
    /// The version of the library; a paper's is its own version, or what is here.
    pub version: u64,
    pub key: Option<String>,
    /// Requests after which somebody adds a paper to the library, so that its version moves between two pages.
    pub moves_after: Option<usize>,
    /// Keys of what was thrown away, and at which version.
    pub deleted: Vec<(String, u64)>,
    /// The version at which each paper was written last.
    pub versions: Vec<u64>,
    /// Seconds of `Backoff` that answers carry.
    pub backoff: Option<u64>,
}

impl Plays for State {
    const PATH: &'static str = "/api";

    fn with(papers: Vec<Paper>) -> Self {
        let versions = vec![10; papers.len()];
        State { papers, version: 10, key: None, moves_after: None, deleted: Vec::new(), versions, backoff: None }
    }

    fn papers(&mut self) -> &mut Vec<Paper> {
        &mut self.papers
    }

    fn answer(&mut self, request: &Request) -> Answer {
        let authorised = self.key.as_ref().is_none_or(|key| request.header("authorization") == format!("Bearer {key}"));
        if !authorised || request.header("zotero-api-version") != "3" {
            return Answer::of("text/plain", "Forbidden").with(403);
        }
        if let Some(left) = &mut self.moves_after {
            if *left == 0 {
                self.moves_after = None;
                let mut paper = super::papers(self.papers.len() + 1).pop().expect("one");
                paper.title.push_str(" added meanwhile");
                self.papers.push(paper);
                self.version += 1;
                self.versions.push(self.version);
            } else {
                *left -= 1;
            }
        }
        let known: Option<u64> = request.header("if-modified-since-version").parse().ok();
        if known.is_some_and(|known| known >= self.version) {
            return Answer::of("text/plain", "").with(304);
        }
        let since: u64 = request.arg("since").parse().unwrap_or(0);
        let answer = match request.path.strip_prefix("/api/users/12").unwrap_or(&request.path) {
            "/items/top" => self.items(request, since),
            "/deleted" => {
                let keys: Vec<&String> =
                    self.deleted.iter().filter(|(_, at)| *at > since).map(|(key, _)| key).collect();
                Answer::json(&json!({"collections": [], "items": keys, "searches": [], "tags": [], "settings": []}))
            }
            _ => return Answer::of("text/plain", "Not found").with(404),
        };
        let answer = answer.header("Last-Modified-Version", self.version.to_string());
        self.backoff.iter().fold(answer, |answer, wait| answer.header("Backoff", wait.to_string()))
    }
}

impl State {
    fn items(&self, request: &Request, since: u64) -> Answer {
        let start: usize = request.arg("start").parse().unwrap_or(0);
        let limit: usize = request.arg("limit").parse::<usize>().unwrap_or(25).min(100);
        let found: Vec<(&Paper, u64)> = self
            .papers
            .iter()
            .zip(self.versions.iter().copied())
            .filter(|(p, version)| *version > since && !p.deleted)
            .collect();
        let mut items: Vec<Value> =
            found.iter().skip(start).take(limit).map(|(p, version)| item(p, *version)).collect();
        if start == 0 && !items.is_empty() && items.len() < limit {
            items.push(json!({"key": "ATTACHED", "version": 10, "data": {"key": "ATTACHED", "itemType": "attachment", "title": "A PDF"}}));
        }
        Answer::json(&Value::Array(items)).header("Total-Results", found.len().to_string())
    }
}

/// What Zotero calls a paper.
pub fn key_of(p: &Paper) -> String {
    format!("KEY{:05}", p.number)
}

fn item(p: &Paper, version: u64) -> Value {
    let creators: Vec<Value> = p
        .authors
        .iter()
        .map(|(given, family)| json!({"creatorType": "author", "firstName": given, "lastName": family}))
        .collect();
    // One in three is known by its arXiv id alone.
    let (doi, extra) = if p.number.is_multiple_of(3) {
        ("", format!("arXiv:{} [cs]", p.arxiv))
    } else {
        (p.doi.as_str(), String::new())
    };
    json!({"key": key_of(p), "version": version, "data": {"key": key_of(p), "version": version, "itemType": "journalArticle",
        "title": p.title, "creators": creators, "abstractNote": p.summary, "date": p.date.to_string(), "DOI": doi, "url": "",
        "extra": extra, "publicationTitle": "Journal of Things", "tags": [], "collections": [],
        "dateAdded": format!("{}T08:00:00Z", p.date)}})
}
