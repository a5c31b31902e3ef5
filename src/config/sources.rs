//! Where papers come from by themselves: `[[source]]` in the settings, once for each.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

use jiff::civil::{Date, ISOWeekDate, Weekday};
use jiff::{Span, ToSpan};
use serde::{Deserialize, Serialize};

use super::{Schedule, address};
use crate::error::{Error, Result};
use crate::paper::head;

/// What kind of service papers come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SourceKind {
    /// arXiv by OAI-PMH, in its own format: everything that appears or changes, with `set` and `categories`.
    Arxiv,
    /// arXiv's announcements of the day, by RSS: `categories`.
    ArxivRss,
    /// Any repository by OAI-PMH, in Dublin Core: `url`, and perhaps `set`.
    OaiPmh,
    /// Any RSS, Atom or JSON feed of papers: `url`.
    Feed,
    /// Hugging Face's Daily Papers, with votes.
    DailyPapers,
    /// bioRxiv, perhaps one of its `categories`.
    Biorxiv,
    /// medRxiv, perhaps one of its `categories`.
    Medrxiv,
    /// OpenAlex: `query`, `filters`.
    Openalex,
    /// Crossref: `query`, `filters`.
    Crossref,
    /// Semantic Scholar's bulk search: `query`, `categories` (fields of study).
    SemanticScholar,
    /// Europe PMC, which has PubMed's papers: `query`.
    EuropePmc,
    /// A library of Zotero: `library`.
    Zotero,
    /// A folder, or files in it: `path`.
    Files,
}

/// One source. What does not belong to its kind is refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceSettings {
    /// What it is called: letters, digits, `-`, `_` and `.`, 64 at most.
    pub name: String,
    /// What it is.
    pub kind: SourceKind,
    /// The base address of the service, where it is not the public one.
    #[serde(default)]
    pub url: Option<String>,
    /// When it is asked, in cron and in `time_zone`; `off` for only when somebody asks for it.
    #[serde(default = "mornings")]
    pub schedule: Schedule,
    /// From which day on papers are wanted the first time: a date, or a span before today (`30d`). A week where nothing is said.
    #[serde(default)]
    pub from: Option<String>,
    /// The last day that is wanted; today where nothing is said. For a source given on the spot.
    #[serde(skip)]
    pub to: Option<Date>,
    /// A set of the repository (`cs`, `physics:hep-th`).
    #[serde(default)]
    pub set: Option<String>,
    /// Categories (`cs.LG`; those of bioRxiv; fields of study), of which a paper has one.
    #[serde(default)]
    pub categories: Vec<String>,
    /// Words to search for, in the language of the service.
    #[serde(default)]
    pub query: Option<String>,
    /// Filters in the language of the service.
    #[serde(default)]
    pub filters: Vec<String>,
    /// `users/12345` or `groups/678`.
    #[serde(default)]
    pub library: Option<String>,
    /// The reader whose history a library becomes.
    #[serde(default)]
    pub user: Option<String>,
    /// A folder or a file; a relative one begins in the folder of the settings.
    #[serde(default)]
    pub path: Option<PathBuf>,
    /// How its papers are written: `arXiv` or `arXivRaw` for the kind arxiv; a format of files (`csv`, `bibtex`, ...) for the kind
    /// files, where it is not to be told from the name or the beginning.
    #[serde(default)]
    pub format: Option<String>,
    /// Which column of a table, or field of an object, is which field of a paper: `{ title = "Titel" }`.
    #[serde(default)]
    pub map: BTreeMap<String, String>,
    /// The environment variable that holds the key of the service.
    #[serde(default)]
    pub key_env: Option<String>,
    /// The file that holds it.
    #[serde(default)]
    pub key_file: Option<PathBuf>,
}

/// When nothing is said: each morning.
fn mornings() -> Schedule {
    Schedule::parse("0 6 * * *").unwrap_or_else(|_| Schedule::off())
}

/// Days that are asked for the first time, where nothing is said.
const FIRST: i32 = 7;

impl SourceKind {
    /// All of them, by the name they have in the settings.
    pub const ALL: [(&str, SourceKind); 13] = [
        ("arxiv", SourceKind::Arxiv),
        ("arxiv-rss", SourceKind::ArxivRss),
        ("oai-pmh", SourceKind::OaiPmh),
        ("feed", SourceKind::Feed),
        ("daily-papers", SourceKind::DailyPapers),
        ("biorxiv", SourceKind::Biorxiv),
        ("medrxiv", SourceKind::Medrxiv),
        ("openalex", SourceKind::Openalex),
        ("crossref", SourceKind::Crossref),
        ("semantic-scholar", SourceKind::SemanticScholar),
        ("europe-pmc", SourceKind::EuropePmc),
        ("zotero", SourceKind::Zotero),
        ("files", SourceKind::Files),
    ];

    /// Its name in the settings.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }

    /// The kind of a name.
    ///
    /// # Errors
    /// [`Error::Invalid`] with the names there are.
    pub fn parse(text: &str) -> Result<Self> {
        let names = || Self::ALL.map(|(name, _)| name).join(", ");
        let unknown = || Error::Invalid(format!("{:?} is no kind of source; there are {}", head(text, 40), names()));
        Self::ALL.iter().find(|(name, _)| *name == text).map(|(_, kind)| *kind).ok_or_else(unknown)
    }

    /// The settings that say something of this kind, besides those of all.
    fn takes(self) -> &'static [&'static str] {
        use SourceKind::*;
        match self {
            Arxiv => &["set", "categories", "format"],
            ArxivRss | Biorxiv | Medrxiv => &["categories"],
            OaiPmh => &["set"],
            Feed => &[],
            DailyPapers => &["key"],
            Openalex => &["query", "filters", "key"],
            Crossref => &["query", "filters"],
            SemanticScholar => &["query", "categories", "key"],
            EuropePmc => &["query"],
            Zotero => &["library", "user", "key"],
            Files => &["path", "format", "map"],
        }
    }
}

impl SourceSettings {
    /// A source of a kind with nothing said of it, which is asked by hand alone.
    pub fn new(name: impl Into<String>, kind: SourceKind) -> Self {
        SourceSettings {
            name: name.into(),
            kind,
            url: None,
            schedule: Schedule::off(),
            from: None,
            to: None,
            set: None,
            categories: Vec::new(),
            query: None,
            filters: Vec::new(),
            library: None,
            user: None,
            path: None,
            format: None,
            map: BTreeMap::new(),
            key_env: None,
            key_file: None,
        }
    }

    /// A source given on the spot: `arxiv:cs.LG`, `daily-papers:2026-08-21`, `feed:https://journal.example/rss`,
    /// `files:/srv/papers`.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a kind that does not exist, and for what it does not take.
    pub fn on_the_spot(text: &str) -> Result<Self> {
        let (kind, argument) = text.split_once(':').unwrap_or((text, ""));
        let kind = SourceKind::parse(kind)?;
        let mut source = SourceSettings::new(text, kind);
        let said = (!argument.is_empty()).then(|| argument.to_string());
        let several = || argument.split(['+', ',']).filter(|c| !c.is_empty()).map(str::to_string).collect();
        match kind {
            SourceKind::Arxiv | SourceKind::ArxivRss | SourceKind::Biorxiv | SourceKind::Medrxiv => {
                source.categories = several();
            }
            SourceKind::Feed | SourceKind::OaiPmh => source.url = said,
            SourceKind::DailyPapers => {
                if let Some((from, to)) = said.as_deref().map(days_of).transpose()? {
                    source.from = Some(from.to_string());
                    source.to = Some(to);
                }
            }
            SourceKind::Openalex | SourceKind::Crossref => source.filters = several(),
            SourceKind::SemanticScholar | SourceKind::EuropePmc => source.query = said,
            SourceKind::Zotero => source.library = said,
            SourceKind::Files => source.path = said.map(PathBuf::from),
        }
        source.check()?;
        Ok(source)
    }

    /// The first day that is wanted.
    ///
    /// # Errors
    /// [`Error::Invalid`] for what is neither a date nor a span.
    pub fn first_day(&self, today: Date) -> Result<Date> {
        let Some(text) = self.from.as_deref() else { return Ok(today.saturating_sub(FIRST.days())) };
        let days = |text: &str| text.strip_suffix('d')?.parse::<i32>().ok().filter(|d| (0..=36_500).contains(d));
        if let Some(days) = days(text.trim()) {
            return Ok(today.saturating_sub(Span::new().days(days)));
        }
        text.trim().parse().map_err(|_| {
            let said = head(text, 40);
            Error::Invalid(format!(
                "the source {}: from is {said:?}; write 2026-11-01, or 30d for thirty days back",
                self.name
            ))
        })
    }

    /// The key of the service, where one is named.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is named and not there.
    pub fn key(&self, env: &dyn Fn(&str) -> Option<String>) -> Result<Option<String>> {
        let missing = |what: String| Error::Invalid(format!("the source {}: the key is not there: {what}", self.name));
        match (&self.key_env, &self.key_file) {
            (Some(name), _) => match env(name).map(|key| key.trim().to_string()).filter(|key| !key.is_empty()) {
                Some(key) => Ok(Some(key)),
                None => Err(missing(format!("the environment variable {name} is not set"))),
            },
            (None, Some(path)) => match std::fs::read_to_string(path) {
                Ok(key) => Ok(Some(key.trim().to_string())),
                Err(e) => Err(missing(format!("{}: {e}", path.display()))),
            },
            (None, None) => Ok(None),
        }
    }

    fn check(&self) -> Result<()> {
        let name = &self.name;
        let wrong = |why: String| Err(Error::Invalid(format!("the source {:?}: {why}", head(name, 64))));
        let said = [
            ("set", self.set.is_some()),
            ("categories", !self.categories.is_empty()),
            ("query", self.query.is_some()),
            ("filters", !self.filters.is_empty()),
            ("library", self.library.is_some()),
            ("user", self.user.is_some()),
            ("path", self.path.is_some()),
            ("format", self.format.is_some()),
            ("map", !self.map.is_empty()),
            ("key", self.key_env.is_some() || self.key_file.is_some()),
        ];
        let kind = self.kind.name();
        if let Some((what, _)) = said.iter().find(|(what, said)| *said && !self.kind.takes().contains(what)) {
            return wrong(format!(
                "`{what}` says nothing of the kind {kind}, which takes {}",
                self.kind.takes().join(", ")
            ));
        }
        let missing = match self.kind {
            SourceKind::Feed | SourceKind::OaiPmh => self.url.is_none().then_some("url"),
            SourceKind::ArxivRss => self.categories.is_empty().then_some("categories"),
            SourceKind::Zotero => self.library.is_none().then_some("library"),
            SourceKind::Files => self.path.is_none().then_some("path"),
            _ => None,
        };
        if let Some(missing) = missing {
            return wrong(format!("the kind {kind} needs `{missing}`"));
        }
        if matches!(self.kind, SourceKind::Biorxiv | SourceKind::Medrxiv) && self.categories.len() > 1 {
            return wrong(format!("{kind} can be asked for one category; make a source for each"));
        }
        if self.kind == SourceKind::Arxiv && !matches!(self.format.as_deref(), None | Some("arXiv" | "arXivRaw")) {
            return wrong("`format` is arXiv or arXivRaw".into());
        }
        if let Some(url) = &self.url {
            address::public_url(url.split(['?', '#']).next().unwrap_or_default()).map_err(|_| {
                Error::Invalid(format!("the source {name:?}: url is {url:?}; it begins with http:// or https://"))
            })?;
        }
        self.first_day(Date::constant(2026, 1, 1)).map(drop)
    }
}

/// The days of a list: a day (`2026-08-21`), a week (`2026-W34`) or a month (`2026-08`).
fn days_of(text: &str) -> Result<(Date, Date)> {
    let wrong = || {
        let said = head(text, 40);
        Error::Invalid(format!(
            "{said:?} names no days; write 2026-08-21, a week like 2026-W34 or a month like 2026-08"
        ))
    };
    if let Ok(day) = text.parse::<Date>() {
        return Ok((day, day));
    }
    let (year, rest) = text.split_once('-').ok_or_else(wrong)?;
    let year: i16 = year.parse().map_err(|_| wrong())?;
    let first = match rest.strip_prefix('W') {
        Some(week) => {
            let week = week.parse().map_err(|_| wrong())?;
            ISOWeekDate::new(year, week, Weekday::Monday).map_err(|_| wrong())?.date()
        }
        None => Date::new(year, rest.parse().map_err(|_| wrong())?, 1).map_err(|_| wrong())?,
    };
    let last = if rest.starts_with('W') { first.saturating_add(6.days()) } else { first.last_of_month() };
    Ok((first, last))
}

/// The sources of the settings, each checked, no two of one name.
///
/// # Errors
/// [`Error::Invalid`], naming the source.
pub(super) fn settled(sources: Vec<SourceSettings>) -> Result<Vec<SourceSettings>> {
    let mut names = HashSet::new();
    for source in &sources {
        let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let name = &source.name;
        if name.is_empty() || name.len() > 64 || !name.chars().all(known) {
            return Err(Error::Invalid(format!(
                "a source is called {:?}; a name has letters, digits, `-`, `_` and `.`, 64 at most",
                head(name, 64)
            )));
        }
        if !names.insert(name.as_str()) {
            return Err(Error::Invalid(format!("two sources are called {name:?}; each needs a name of its own")));
        }
        source.check()?;
    }
    Ok(sources)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<SourceSettings>> {
        #[derive(Deserialize)]
        struct Whole {
            source: Vec<SourceSettings>,
        }
        let whole: Whole = toml::from_str(text).map_err(|e| Error::Invalid(e.to_string()))?;
        settled(whole.source)
    }

    #[test]
    fn five_lines_are_a_source() {
        let text =
            "[[source]]\nname = \"arxiv\"\nkind = \"arxiv\"\nset = \"cs\"\ncategories = [\"cs.LG\", \"cs.CL\"]\n";
        let sources = read(text).expect("settings");
        assert_eq!((sources[0].kind, sources[0].schedule.to_string()), (SourceKind::Arxiv, "0 6 * * *".into()));
        let today = Date::constant(2026, 11, 26);
        assert_eq!(sources[0].first_day(today).expect("a day"), Date::constant(2026, 11, 19));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let of = |fields: &str| format!("[[source]]\nname = \"s\"\n{fields}\n");
        for (text, wanted) in [
            (of("kind = \"arxiv\"\nquery = \"x\""), "query"),
            (of("kind = \"feed\""), "url"),
            (of("kind = \"feed\"\nurl = \"ftp://x\""), "http"),
            (of("kind = \"dblp\""), "dblp"),
            (of("kind = \"arxiv\"\nfrom = \"yesterday\""), "30d"),
            (of("kind = \"biorxiv\"\ncategories = [\"a\", \"b\"]"), "one category"),
            (of("kind = \"arxiv\"\nschedule = \"never\""), "schedule"),
            (of("kind = \"arxiv\"\nkye = 1"), "kye"),
            (of("kind = \"arxiv\"") + &of("kind = \"feed\"\nurl = \"https://x\""), "two sources"),
            ("[[source]]\nname = \"a b\"\nkind = \"arxiv\"\n".into(), "letters"),
        ] {
            let told = read(&text).expect_err(&text).to_string();
            assert!(told.contains(wanted), "{told} for {text}");
        }
    }

    #[test]
    fn a_source_can_be_named_on_the_spot() {
        let of = |text: &str| SourceSettings::on_the_spot(text).expect(text);
        assert_eq!(of("arxiv:cs.LG+stat.ML").categories, ["cs.LG", "stat.ML"]);
        assert_eq!(of("daily-papers:2026-08-21").from.as_deref(), Some("2026-08-21"));
        let month = of("daily-papers:2026-02");
        assert_eq!((month.from.as_deref(), month.to), (Some("2026-02-01"), Some(Date::constant(2026, 2, 28))));
        let week = of("daily-papers:2026-W34");
        assert_eq!((week.from.as_deref(), week.to), (Some("2026-08-17"), Some(Date::constant(2026, 8, 23))));
        assert_eq!(of("feed:https://j.example/rss?a=b").url.as_deref(), Some("https://j.example/rss?a=b"));
        assert_eq!(of("biorxiv").categories.len(), 0);
        for text in ["dblp:x", "feed:", "", "daily-papers:soon", "daily-papers:2026-W60", "files"] {
            assert!(SourceSettings::on_the_spot(text).is_err(), "{text}");
        }
    }

    #[test]
    fn every_kind_has_the_name_that_serde_gives_it() {
        for (name, kind) in SourceKind::ALL {
            assert_eq!(serde_json::to_value(kind).expect("a name"), name);
        }
    }
}
