//! What is asked of the engine, and what it answers.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::{Error, Result};
use crate::index::Plan;
use crate::paper::{Filter, Paper};

/// How texts are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Words and meaning together. At present answered by meaning alone, and the answer's `meta.mode` says so.
    #[default]
    Hybrid,
    /// Meaning: the vectors.
    Dense,
    /// Words.
    Lexical,
}

/// The part of a request that every ranking call shares.
#[derive(Debug, Clone)]
pub struct Ask {
    /// Hits wanted: 1 to 500.
    pub limit: usize,
    /// Hits to pass over first.
    pub offset: usize,
    /// Conditions on the papers.
    pub filter: Filter,
    /// How texts are compared.
    pub mode: Mode,
    /// From 0, closest first, to 1, as unlike each other as can be (MMR).
    pub diversity: f32,
    /// Hits with a smaller score are left out.
    pub min_score: Option<f32>,
    /// Whether each hit says why.
    pub explain: bool,
}

impl Default for Ask {
    fn default() -> Self {
        Ask {
            limit: 10,
            offset: 0,
            filter: Filter::default(),
            mode: Mode::default(),
            diversity: 0.0,
            min_score: None,
            explain: false,
        }
    }
}

impl Ask {
    /// Checks everything that can be read and is not allowed.
    ///
    /// # Errors
    /// [`Error::Invalid`], naming the parameter and its range.
    pub fn check(&self) -> Result<()> {
        check_limit(self.limit)?;
        if !(0.0..=1.0).contains(&self.diversity) {
            return Err(Error::Invalid(format!("diversity is {}; it goes from 0 to 1", self.diversity)));
        }
        if self.min_score.is_some_and(|s| !s.is_finite()) {
            return Err(Error::Invalid("min_score must be a finite number".into()));
        }
        if self.mode == Mode::Lexical {
            return Err(Error::Invalid("mode \"lexical\" is not available in this version; use \"dense\"".into()));
        }
        self.filter.check()
    }
}

/// Refuses a limit out of range.
pub fn check_limit(limit: usize) -> Result<()> {
    if (1..=500).contains(&limit) {
        return Ok(());
    }
    Err(Error::Invalid(format!("limit is {limit}; it goes from 1 to 500")))
}

/// A paper in an answer.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Hit {
    /// The paper.
    #[serde(flatten)]
    pub paper: Paper,
    /// Greater is closer.
    pub score: f32,
    /// Where the score comes from, when asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<Why>,
    /// Whether it lies outside the user's interests and is shown so that they may widen.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub explore: bool,
    /// The chance that the user likes it; only where they have given enough verdicts to measure it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probability: Option<f32>,
}

impl Hit {
    /// A paper with its score, and nothing said about why.
    pub fn new(paper: Paper, score: f32) -> Self {
        Hit { paper, score, why: None, explore: false, probability: None }
    }
}

/// Where a score comes from.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Why {
    /// Their values sum to the score.
    pub parts: Vec<Part>,
    /// The interest of the user that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interest: Option<InterestName>,
}

impl Why {
    /// Parts alone.
    pub fn of(parts: Vec<Part>) -> Self {
        Why { parts, interest: None }
    }
}

/// An interest by id and name.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct InterestName {
    /// The id.
    pub id: String,
    /// What it is called.
    pub name: String,
}

/// A share of a score.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Part {
    /// What closeness to a paper adds (or, for a dislike, takes away).
    Paper {
        /// Which paper.
        id: String,
        /// Its title.
        title: String,
        /// The share.
        value: f32,
    },
    /// What closeness to a text of the request adds.
    Text {
        /// How the text begins.
        text: String,
        /// The share.
        value: f32,
    },
    /// What closeness to the vector of the request adds.
    Vector {
        /// The share.
        value: f32,
    },
    /// What a word adds that both hold.
    Term {
        /// The word.
        term: String,
        /// The share.
        value: f32,
    },
    /// What being unlike the papers at large adds, or being like them takes away.
    Background {
        /// The share.
        value: f32,
    },
    /// What votes and comments add.
    Votes {
        /// The share.
        value: f32,
    },
    /// What the reading of others adds.
    Others {
        /// The share.
        value: f32,
    },
    /// All further papers and words together.
    Rest {
        /// The share.
        value: f32,
    },
    /// What age takes away.
    Recency {
        /// The share; zero or less.
        value: f32,
    },
}

/// How an answer was made.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Meta {
    /// Milliseconds inside the engine.
    pub took_ms: f64,
    /// How the neighbours were found.
    #[schema(value_type = String)]
    pub plan: Plan,
    /// Papers that the filter allows.
    pub total: usize,
    /// How texts were compared.
    pub mode: Mode,
}

/// The answer of every ranking call.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Answer {
    /// The hits, best first.
    pub papers: Vec<Hit>,
    /// How it was made.
    pub meta: Meta,
}
