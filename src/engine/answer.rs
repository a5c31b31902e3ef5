//! What is asked of the engine, and what it answers.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::bounds;
use crate::error::{Error, Result};
use crate::index::{Correction, Plan};
use crate::paper::{Filter, Paper};
use crate::rank::Strategy;

/// How texts are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Meaning and words, half and half; the more telling words a text has, the more they count, up to 0.7 from twelve on.
    #[default]
    Hybrid,
    /// Meaning: the vectors.
    Dense,
    /// Words: only papers that hold at least one.
    Lexical,
}

/// The part of a request that every ranking call shares.
#[derive(Debug, Clone)]
pub struct SearchOptions {
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
    /// Hits with a smaller score are left out. Not with what asks for papers that match ([`MatchCount`]), which have a bar of their own.
    pub min_score: Option<f32>,
    /// Whether each hit says why.
    pub explain: bool,
    /// Whether all versions of a work are shown, and not only the newest.
    pub versions: bool,
}

impl Default for SearchOptions {
    fn default() -> Self {
        SearchOptions {
            limit: 10,
            offset: 0,
            filter: Filter::default(),
            mode: Mode::default(),
            diversity: 0.0,
            min_score: None,
            explain: false,
            versions: false,
        }
    }
}

impl SearchOptions {
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
    /// Greater is closer; it does not depend on the other hits, so it can be compared between calls.
    ///
    /// `dense`: the cosine of the vectors, from -1 to 1. `lexical`: from 0 to 1, for a query the share of its words' worth
    /// that the paper has (BM25 by its bound, and a part for holding all of them, in the text and in the title), for a paper or
    /// a text the cosine of the terms. `hybrid`: of both; of a text half words up to four telling ones and 0.7 from twelve on,
    /// of a paper the more the more terms it has, up to 0.55 from sixty on; from -1 to 1. 1 also stands for a paper that was
    /// named exactly.
    pub score: f32,
    /// Where the score comes from, when asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<Why>,
    /// In a feed: whether it is for this user, or one of the others that the list is filled up with; those for the user come
    /// first. Of a day (`date`) the line between them is a score of 0.5, half a standard deviation above a paper at large;
    /// elsewhere what is squarely of a small interest, and no worse than a paper at large, is for the user as well. Absent
    /// where nothing is known of the user, and in other answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub for_you: Option<bool>,
    /// Whether it lies outside the user's interests and is shown so that they may widen. Such a paper has a score of 0.5 or more.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub explore: bool,
    /// The chance, from 0 to 1, that the user likes it: the share of likes among their verdicts on papers like this one. Measured on
    /// the user's own verdicts, so it is one of papers like those that they gave verdicts on, and not of all there are. In one answer
    /// it never rises while the score falls. Absent until there are 30 verdicts (likes, saves, dislikes, dismissals), at least 5 that
    /// are for a paper and 5 that are against one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 1)]
    pub chance: Option<f32>,
    /// The same as `chance`; its name until 0.1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(deprecated)]
    pub probability: Option<f32>,
}

impl Hit {
    /// A paper with its score, and nothing said about why.
    pub fn new(paper: Paper, score: f32) -> Self {
        Hit { paper, score, why: None, for_you: None, explore: false, chance: None, probability: None }
    }

    /// About how many bytes it takes in an answer, and in memory.
    fn bytes(&self) -> usize {
        let lists = [&self.paper.authors, &self.paper.categories, &self.paper.keywords];
        let listed: usize = lists.into_iter().flatten().map(|text| text.len() + FIELD).sum();
        let extra = self.paper.extra.as_json().len();
        let part = |part: &Part| match part {
            Part::Paper { id, title, .. } => id.len() + title.len() + 2 * FIELD,
            Part::Follow { id, name, .. } => id.len() + name.len() + 2 * FIELD,
            Part::Text { text, .. } | Part::Term { term: text, .. } => text.len() + 2 * FIELD,
            _ => 2 * FIELD,
        };
        let why: usize = self.why.iter().flat_map(|why| &why.parts).map(part).sum();
        self.paper.title.len() + self.paper.summary.len() + listed + extra + why + 10 * FIELD
    }
}

/// What a field takes besides its text.
const FIELD: usize = 24;

/// How much more an answer may hold, in bytes of text; shared by those who make its parts side by side.
#[derive(Default)]
pub struct AnswerBudget(AtomicUsize);

impl AnswerBudget {
    /// Notes what some hits take.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the whole would be longer than [`bounds::ANSWER_BYTES`].
    pub fn take(&self, hits: &[Hit]) -> Result<()> {
        let taken: usize = hits.iter().map(Hit::bytes).sum();
        if self.0.fetch_add(taken, Ordering::Relaxed).saturating_add(taken) <= bounds::ANSWER_BYTES {
            return Ok(());
        }
        Err(Error::Invalid(format!(
            "the answer would be longer than {} MB; ask for fewer papers in one call, or without explain",
            bounds::ANSWER_BYTES >> 20
        )))
    }
}

/// The part of the absolute sum of a score's parts that those come to which are named one by one: who asks why should not be
/// told "and the rest".
pub const ENOUGH: f32 = 0.67;

/// Where a score comes from.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Why {
    /// Their values sum to the score.
    pub parts: Vec<Part>,
    /// The interest of the user that brought it: its papers speak more for this one than those of any other, and make a real
    /// part (15% or more) of all that does. Or what the user follows, where that brought it.
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
    /// `interest`: found in the history. Else what the user follows: `search`, `author`, `category`, `organization`, `theme`; its id
    /// is that of the saved search.
    pub kind: String,
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
    /// What a word adds that both hold.
    Term {
        /// The word; `…` for all further ones together.
        term: String,
        /// The share.
        value: f32,
    },
    /// What is in common with the papers that match the query best.
    Feedback {
        /// The share.
        value: f32,
    },
    /// The query names the paper: its id, its DOI or its title.
    Exact {
        /// The whole score.
        value: f32,
    },
    /// What being unlike the papers at large adds, or being like them takes away (`logistic`); in a feed, what a paper at
    /// large has of the words, taken off.
    Background {
        /// The share.
        value: f32,
    },
    /// What closeness to the vector of the request adds.
    Vector {
        /// The share.
        value: f32,
    },
    /// What votes and comments add.
    Votes {
        /// The share.
        value: f32,
    },
    /// What the reading of others adds, or takes away where they read it less than a paper at large; all of them together, and for
    /// a user in steps of an eighth, so that nobody can be read from it.
    Others {
        /// The share.
        value: f32,
    },
    /// All further papers and words together.
    Rest {
        /// The share.
        value: f32,
    },
    /// What it adds that the user follows what this paper is of: as much as lifts it among those that are for them.
    Follow {
        /// The id of the saved search.
        id: String,
        /// What it is called.
        name: String,
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
    /// Papers that the filter allows; in a search with `matching` or another `sort` than `relevance`, those of them that match.
    pub total: usize,
    /// How texts were compared.
    pub mode: Mode,
    /// How the examples became a score; only where there were examples.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strategy: Option<Strategy>,
    /// Words of the query that no paper holds, and what was looked for in their place; only in searches, and only where
    /// there are any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub corrected: Vec<Correction>,
    /// How many papers match; only in searches with `facets`, `matching` or another `sort` than `relevance`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matched: Option<MatchCount>,
    /// What the papers that match have in common, counted; only in searches that ask for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub facets: Option<Facets>,
}

/// How many papers match a search.
///
/// A paper matches when a saved search with the same query would tell of it: every paper has some score, and these are close
/// enough to be called found. Of a short query in the mode `lexical` those match that hold at least one of its words, of conditions
/// those that meet them. A paper that the query names matches. Of the versions of a work only the newest of all counts, unless
/// `versions` is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct MatchCount {
    /// How many.
    pub papers: usize,
    /// Whether these are all. Of a query that very many papers match only the best thousands are looked at, and counted.
    pub all: bool,
}

/// What papers can be counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Facet {
    /// The year of the date.
    Year,
    /// Categories.
    Category,
    /// Authors.
    Author,
    /// Sources, by their names in the settings; `by hand` for what was ingested or sent.
    Source,
    /// Themes of the middle level, and those that were chosen.
    Theme,
}

/// Counts of the papers that match. Each facet counts under all conditions but its own, so that another value can be chosen
/// beside one that is. Where `meta.matched.all` is true, the count of a value is `meta.matched.papers` of the search that has
/// it as its only condition of this kind; else both count the best that were looked at, and a narrower search may find more.
/// The values of most papers come first, years the newest first; 12 at most (50 years), and those that were chosen.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub struct Facets {
    /// By `from` and `to`. A paper without a date counts nowhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub year: Option<Vec<FacetValue>>,
    /// By `category`. A paper counts in each of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<Vec<FacetValue>>,
    /// By `author`. A paper counts for each of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<Vec<FacetValue>>,
    /// By `source`. A paper counts for each that told of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Vec<FacetValue>>,
    /// By `theme`. A paper that belongs to none counts nowhere. Absent while the themes are being made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub theme: Option<Vec<FacetValue>>,
}

/// A value of a facet.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct FacetValue {
    /// What to ask for to have only these papers: a year, a category, an author, a source, the id of a theme.
    pub value: String,
    /// What a person reads, where that is something else: the name of a theme.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Papers that have it.
    pub count: usize,
    /// Whether it is one of the conditions.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub chosen: bool,
}

/// In which order a search gives its papers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SearchSort {
    /// The best first.
    #[default]
    Relevance,
    /// Those that match, by the day they were listed (else dated), the newest first; undated ones last.
    Newest,
    /// Those that match, by votes, the most first; among equals the newest.
    Votes,
}

/// A search with all that can be asked of it.
#[derive(Debug, Clone)]
pub struct SearchRequest {
    /// What every ranking call takes.
    pub ask: SearchOptions,
    /// What the papers that match are to be counted by; each once.
    pub facets: Vec<Facet>,
    /// In which order they come.
    pub sort: SearchSort,
    /// Whether only papers that match come ([`MatchCount`]); without, the order by relevance goes on to the last paper there is.
    pub matching: bool,
    /// Whether a word that no paper holds is looked for as the nearest that one does.
    pub correct: bool,
}

impl Default for SearchRequest {
    fn default() -> Self {
        SearchOptions::default().into()
    }
}

impl From<SearchOptions> for SearchRequest {
    fn from(ask: SearchOptions) -> Self {
        SearchRequest { ask, facets: Vec::new(), sort: SearchSort::Relevance, matching: false, correct: true }
    }
}

impl SearchRequest {
    /// Checks everything that can be read and is not allowed.
    ///
    /// # Errors
    /// [`Error::Invalid`], naming what it is.
    pub fn check(&self) -> Result<()> {
        self.ask.check()?;
        bounds::at_most("facets", self.facets.len(), bounds::FACETS)?;
        if self.sort != SearchSort::Relevance && self.ask.diversity > 0.0 {
            return Err(Error::Invalid("diversity goes with the order by relevance: leave it away, or `sort`".into()));
        }
        // The score that is told depends on the best that are found with a paper; whether a paper matches must not.
        if self.ask.min_score.is_some() && (self.is_of_matches() || !self.facets.is_empty()) {
            let why = "what matches has a bar of its own: leave `min_score` away, or `matching`, `facets` and `sort`";
            return Err(Error::Invalid(why.into()));
        }
        Ok(())
    }

    /// Whether only papers that match come.
    pub fn is_of_matches(&self) -> bool {
        self.matching || self.sort != SearchSort::Relevance
    }
}

/// What somebody who types may mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SuggestionKind {
    /// A paper, by its title.
    Title,
    /// An author.
    Author,
    /// A category.
    Category,
    /// A theme.
    Theme,
}

/// Something that begins like what is being typed.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Suggestion {
    /// What it is.
    pub kind: SuggestionKind,
    /// What a person reads: a title without its markup, a name, a category.
    pub value: String,
    /// The id of a paper or theme.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// How many papers an author, a category or a theme has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub papers: Option<usize>,
}

impl Meta {
    /// What is told of an answer that was begun at a moment.
    pub fn since(began: Instant, plan: Plan, total: usize, mode: Mode) -> Self {
        Meta {
            took_ms: began.elapsed().as_secs_f64() * 1e3,
            plan,
            total,
            mode,
            strategy: None,
            corrected: Vec::new(),
            matched: None,
            facets: None,
        }
    }
}

/// The answer of every ranking call.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Answer {
    /// The hits, best first.
    pub papers: Vec<Hit>,
    /// How it was made.
    pub meta: Meta,
}
