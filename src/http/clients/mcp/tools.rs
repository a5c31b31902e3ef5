//! The tools: what they are called, what they take and what they give, as a model reads it.

use std::sync::{Arc, LazyLock};

use rmcp::model::{Tool, ToolAnnotations};
use serde_json::{Map, Value, json};

use crate::bounds;
use crate::error::Error;
use crate::http::error::ApiError;
use crate::http::request_fields::{Field, RequestFields};
use crate::paper::head;

/// The most papers of one call: more than a model reads.
pub const MOST: usize = 100;

/// What can be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    Search,
    Similar,
    Recommend,
    Daily,
    Get,
    Themes,
}

impl Call {
    const ALL: [Call; 6] = [Call::Search, Call::Similar, Call::Recommend, Call::Daily, Call::Get, Call::Themes];

    /// The one with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|call| call.name() == name)
    }

    fn name(self) -> &'static str {
        match self {
            Call::Search => "search_papers",
            Call::Similar => "similar_papers",
            Call::Recommend => "recommend_papers",
            Call::Daily => "daily_feed",
            Call::Get => "get_paper",
            Call::Themes => "themes",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Call::Search => "Search papers",
            Call::Similar => "Papers like a paper",
            Call::Recommend => "Recommend papers",
            Call::Daily => "Papers of the day",
            Call::Get => "One paper in full",
            Call::Themes => "What the papers are about",
        }
    }

    fn about(self) -> &'static str {
        match self {
            Call::Search => {
                "Papers for a question, a phrase, keywords or a pasted abstract, by meaning and by words. The query may hold \
                 conditions: \"an exact phrase\", title:word, author:\"Full Name\", category:cs.LG, date:2025..2026-03, -word, a OR b. \
                 Without a query the filters alone list papers, the newest first. Every paper has some score: low ones at the end \
                 of a list are no matches."
            }
            Call::Similar => {
                "Papers like one that you name, closest first; never the paper itself nor another version of it. Use it to find \
                 related work of a known paper."
            }
            Call::Recommend => {
                "Papers close to several examples and far from others: papers by id, phrases, or what a reader of this service \
                 likes. At least one thing to be close to is needed."
            }
            Call::Daily => {
                "The papers of a day. For a reader of this service their personal feed, best first, with the reason for each; else \
                 the day's list, most votes first. Without a date it is the newest day of the corpus."
            }
            Call::Get => {
                "One paper with its abstract and everything that is known of it. The id may be of any form: the id of another \
                 answer, an arXiv id (2405.13729), a DOI, a PMID, or an address."
            }
            Call::Themes => {
                "The themes of the corpus with their sizes and trends, found in the papers themselves; with an id one theme with \
                 its papers. Use it to see what there is, or what rises."
            }
        }
    }

    fn fields(self) -> Vec<(&'static str, Value)> {
        let list = |what: &str, most: usize| json!({ "type": "array", "items": { "type": "string" }, "maxItems": most, "description": what });
        let text = |what: &str| json!({ "type": "string", "description": what });
        let limit = |default: usize| json!({ "type": "integer", "minimum": 1, "maximum": MOST, "default": default, "description": "Papers wanted." });
        let offset = json!({ "type": "integer", "minimum": 0, "default": 0,
                             "description": "Papers to pass over first, for the next page." });
        let from = text("Only papers of this date or later: YYYY, YYYY-MM or YYYY-MM-DD.");
        let to = text("Only papers of this date or earlier; 2026 reaches to its last day.");
        let category = list(
            "Only papers in any of these categories, for example cs.LG; math stands for all of math.*.",
            bounds::VALUES,
        );
        let author = list("Only papers by any of these authors, by full name.", bounds::VALUES);
        let theme = list("Only papers of any of these themes, by id, as `themes` gives them (t12).", bounds::STARTS);
        let exclude = list("None of these papers, by id.", bounds::EXCLUDED);
        let filters = [("from", from), ("to", to), ("category", category), ("author", author)];
        let abstracts = json!({ "type": "boolean", "default": false,
            "description": "Whether each paper comes with its abstract. Without, ask `get_paper` for the few that matter." });
        let explain = json!({ "type": "boolean", "default": false,
            "description": "Whether each paper says in `why` what its score is made of. One sentence in `reason` comes always." });
        let diversity = json!({ "type": "number", "minimum": 0, "maximum": 1, "default": 0,
            "description": "From 0, closest first, to 1, as unlike each other as can be." });
        let detail = [("abstracts", abstracts), ("explain", explain)];
        let user = |what: &str| json!({ "type": "string", "description": what });
        match self {
            Call::Search => [
                vec![
                    ("query", json!({ "type": "string", "maxLength": 262_144, "description": "What to look for." })),
                    ("limit", limit(10)),
                    ("offset", offset),
                ],
                filters.to_vec(),
                vec![
                    ("theme", theme),
                    ("exclude", exclude),
                    ("sort", json!({ "type": "string", "enum": ["relevance", "newest", "votes"], "default": "relevance",
                        "description": "The order. newest and votes give only papers that match the query." })),
                ],
                detail.to_vec(),
            ]
            .concat(),
            Call::Similar => [
                vec![
                    ("id", text("The paper, by its id, arXiv id, DOI, PMID or address.")),
                    ("limit", limit(10)),
                    ("offset", offset),
                ],
                filters.to_vec(),
                vec![("theme", theme), ("exclude", exclude), ("diversity", diversity)],
                detail.to_vec(),
            ]
            .concat(),
            Call::Recommend => [
                vec![
                    ("like", list("Papers to be close to, by id.", bounds::EXAMPLES)),
                    ("dislike", list("Papers to be far from, by id.", bounds::EXAMPLES)),
                    ("text", list("Phrases or abstracts to be close to.", bounds::TEXTS)),
                    ("dislike_text", list("Phrases or abstracts to be far from.", bounds::TEXTS)),
                    ("user", user("A reader of this service to recommend for, beside the examples. Only where you may act for them.")),
                    ("limit", limit(10)),
                    ("offset", offset),
                ],
                filters.to_vec(),
                vec![
                    ("theme", theme),
                    ("exclude", exclude),
                    ("diversity", diversity),
                    ("per_author", json!({ "type": "integer", "minimum": 1, "description": "At most so many papers of one author." })),
                ],
                detail.to_vec(),
            ]
            .concat(),
            Call::Daily => [
                vec![
                    ("user", user("The reader whose feed it is. Only where you may act for them; with a key of a reader it is \
                                   that reader without being said.")),
                    ("date", text("The day, month or year: YYYY-MM-DD, YYYY-MM or YYYY. The newest day by default.")),
                    ("since", text("All days from this one on: YYYY-MM-DD. Not with date.")),
                    ("limit", limit(20)),
                ],
                filters.into_iter().skip(2).collect(),
                detail.to_vec(),
            ]
            .concat(),
            Call::Get => vec![("id", text("The paper, by its id, arXiv id, DOI, PMID or address."))],
            Call::Themes => [
                vec![
                    ("id", text("One theme (t12). Without, themes are listed.")),
                    ("about", json!({ "type": "integer", "minimum": 1, "maximum": 10_000, "default": 20,
                        "description": "About so many themes, each paper in one of them. Not with id or level." })),
                    ("level", json!({ "type": "integer", "minimum": 0, "maximum": 2,
                        "description": "The themes of one level: 0 is the coarsest, 2 the finest. Not with id." })),
                    ("sort", json!({ "type": "string", "enum": ["size", "trend", "central", "newest", "most_read"],
                        "description": "Of themes: size (default), or trend, the surest to rise first. Of the papers of one: central \
                                        (default), newest or most_read." })),
                    ("query", text("With id: search for this within the theme.")),
                    ("limit", json!({ "type": "integer", "minimum": 1, "maximum": MOST,
                        "description": "With id: papers wanted, 10 by default. Without: at most so many themes." })),
                    ("offset", offset),
                ],
                filters.to_vec(),
                vec![("abstracts", detail[0].1.clone())],
            ]
            .concat(),
        }
    }

    fn required(self) -> &'static [&'static str] {
        match self {
            Call::Similar | Call::Get => &["id"],
            _ => &[],
        }
    }

    fn output(self) -> Value {
        let text = json!({ "type": "string" });
        let texts = json!({ "type": "array", "items": text });
        let number = json!({ "type": "number" });
        let paper = json!({
            "id": text, "title": text, "authors": texts, "date": text, "listed": text, "categories": texts, "venue": text,
            "url": text, "upvotes": { "type": "integer" }, "abstract": text,
            "score": { "type": "number", "description": "Greater is better." },
            "reason": { "type": "string", "description": "Why it is here, in a sentence." },
            "why": { "type": "object", "description": "What the score is made of." },
            "for_you": { "type": "boolean", "description": "In a feed: whether it is for this reader, or fills the list up." },
            "explore": { "type": "boolean", "description": "In a feed: outside the interests of the reader, on purpose." },
            "chance": { "type": "number", "description": "In a feed: the chance that the reader likes it, from 0 to 1." },
        });
        let papers = json!({ "type": "array",
            "items": { "type": "object", "properties": paper, "required": ["id", "title", "authors"] } });
        let theme = json!({ "type": "object", "required": ["id", "name", "size"], "properties": {
            "id": text, "name": text, "level": { "type": "integer" }, "size": { "type": "integer" }, "terms": texts,
            "trend": { "type": "object" }, "examples": { "type": "array", "items": { "type": "object" } } } });
        let meta = json!({ "type": "object", "properties": { "took_ms": number, "total": { "type": "integer" } } });
        match self {
            Call::Get => json!({ "type": "object", "required": ["id", "title", "abstract", "authors"], "properties": {
                "id": text, "title": text, "abstract": text, "authors": texts, "date": text, "categories": texts, "keywords": texts,
                "venue": text, "url": text, "versions": { "type": "array", "items": { "type": "object" } } } }),
            Call::Themes => json!({ "type": "object", "required": ["meta"], "properties": {
                "themes": { "type": "array", "items": theme, "description": "Without an id." },
                "id": text, "name": text, "size": { "type": "integer" }, "terms": texts,
                "papers": { "type": "array", "items": papers["items"], "description": "With an id: papers of this theme." },
                "subthemes": { "type": "array", "items": theme }, "related": { "type": "array", "items": { "type": "object" } },
                "meta": { "type": "object" } } }),
            _ => {
                json!({ "type": "object", "required": ["papers", "meta"], "properties": { "papers": papers, "meta": meta } })
            }
        }
    }

    fn tool(self) -> Tool {
        let properties: Map<String, Value> =
            self.fields().into_iter().map(|(name, value)| (name.into(), value)).collect();
        let input = json!({ "type": "object", "properties": properties, "required": self.required(),
                            "additionalProperties": false });
        let hints = ToolAnnotations::with_title(self.title()).read_only(true).idempotent(true).open_world(false);
        Tool::new(self.name(), self.about(), object(input))
            .with_title(self.title())
            .with_raw_output_schema(object(self.output()))
            .with_annotations(hints)
    }

    /// The arguments of a call, those checked that no parser looks at.
    ///
    /// # Errors
    /// 400 for one that there is not, 422 for too many papers.
    pub fn arguments(self, given: Option<Map<String, Value>>) -> Result<RequestFields, ApiError> {
        let given = RequestFields(given.unwrap_or_default());
        let fields = self.fields();
        if let Some(unknown) = given.0.keys().find(|name| !fields.iter().any(|(known, _)| known == name)) {
            let known: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
            let message = format!(
                "there is no parameter or field `{}` here; {} takes {}",
                head(unknown, 60),
                self.name(),
                known.join(", ")
            );
            return Err(ApiError::bad_request(message));
        }
        let limit = Field { name: "limit", value: given.0.get("limit").filter(|limit| !limit.is_null()).cloned() };
        match limit.whole()? {
            Some(limit) if !(1..=MOST).contains(&limit) => {
                Err(Error::Invalid(format!("limit is {limit}; it goes from 1 to {MOST}")).into())
            }
            _ => Ok(given),
        }
    }
}

/// All tools.
pub fn all() -> Vec<Tool> {
    static TOOLS: LazyLock<Vec<Tool>> = LazyLock::new(|| Call::ALL.into_iter().map(Call::tool).collect());
    TOOLS.clone()
}

fn object(value: Value) -> Arc<Map<String, Value>> {
    Arc::new(match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_argument_says_what_it_is_and_no_tool_writes() {
        let tools = all();
        assert_eq!(tools.len(), Call::ALL.len());
        for tool in &tools {
            assert!(Call::named(&tool.name).is_some() && tool.description.as_ref().is_some_and(|d| d.len() > 60));
            assert!(tool.annotations.as_ref().is_some_and(|hints| hints.read_only_hint == Some(true)), "{}", tool.name);
            let fields = tool.input_schema["properties"].as_object().expect("an object");
            for (name, field) in fields {
                assert!(field["description"].as_str().is_some_and(|d| d.len() > 10), "{} {name}", tool.name);
                assert!(field["type"].is_string(), "{} {name}", tool.name);
            }
            assert_eq!(tool.output_schema.as_ref().expect("there")["type"], "object");
        }
        assert!(Call::named("paperkin").is_none());
    }

    #[test]
    fn an_argument_that_there_is_not_is_named() {
        let given = |value: Value| value.as_object().cloned();
        let e = Call::Get.arguments(given(json!({ "id": "x", "ids": [] }))).err().expect("refused");
        assert!(e.status.as_u16() == 400 && e.message.contains("`ids`") && e.message.contains("takes id"), "{e:?}");
        let e = Call::Search.arguments(given(json!({ "limit": 101 }))).err().expect("refused");
        assert_eq!((e.status.as_u16(), e.message.as_str()), (422, "limit is 101; it goes from 1 to 100"));
        assert!(Call::Search.arguments(given(json!({ "limit": 100 }))).is_ok() && Call::Search.arguments(None).is_ok());
    }
}
