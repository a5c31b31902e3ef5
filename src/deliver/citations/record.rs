//! What a reference says of a paper, told once for all formats: what kind of work it is, by whom, when, where.

use std::collections::HashMap;

use serde_json::Value;
use unicode_normalization::UnicodeNormalization;

use crate::paper::person::CitedName;
use crate::paper::{Identifier, Paper, Piece, Retirement, is_of_a_preprint, pieces, plain, shown};

/// What kind of work a paper is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// In a journal.
    Article,
    /// In the proceedings of a meeting.
    Proceedings,
    /// A chapter of a book.
    Chapter,
    /// A book.
    Book,
    /// A thesis.
    Thesis,
    /// A report.
    Report,
    /// On a server of preprints.
    Preprint,
    /// Nothing is known of it.
    Other,
}

/// A paper as it is cited. Texts are plain, on one line, and composed (NFC).
#[derive(Debug)]
pub struct Record<'p> {
    /// The paper.
    pub paper: &'p Paper,
    /// What kind of work it is.
    pub kind: Kind,
    /// Its title, formulas apart.
    pub title: Vec<Piece>,
    /// Its abstract, formulas apart; may be empty.
    pub summary: Vec<Piece>,
    /// The names of its authors.
    pub authors: Vec<String>,
    /// Year, month and day, as far as they are known.
    pub date: Vec<u16>,
    /// Journal, proceedings, book or server; may be empty.
    pub venue: String,
    /// Who published it, as far as the paper says so; may be empty.
    pub publisher: String,
    /// Where it was made; may be empty.
    pub organization: String,
    /// The DOI, bare; may be empty.
    pub doi: String,
    /// The arXiv id, with its version where the paper is one version; may be empty.
    pub arxiv: String,
    /// The first of its classes at arXiv; may be empty.
    pub arxiv_class: String,
    /// PubMed's number; may be empty.
    pub pmid: String,
    /// PubMed Central's number, `PMC` included; may be empty.
    pub pmcid: String,
    /// Where it can be read; may be empty.
    pub url: String,
    /// Volume, issue and pages; may be empty.
    pub volume: String,
    /// Number in the volume.
    pub issue: String,
    /// `12-34`, or what else stands for them.
    pub pages: String,
    /// ISSN; may be empty.
    pub issn: String,
    /// ISBN; may be empty.
    pub isbn: String,
    /// Free terms.
    pub keywords: Vec<String>,
    /// Its own id, where no identifier names it elsewhere; may be empty.
    pub own_id: String,
    /// Whether it was taken back.
    pub retirement: Option<Retirement>,
}

impl<'p> Record<'p> {
    /// What is known of a paper.
    pub fn of(paper: &'p Paper) -> Self {
        let fields = Fields::of(paper);
        let identifiers = paper.identifiers();
        let key = |prefix: &str| {
            let mut keys = identifiers.iter().filter_map(|known| known.key().strip_prefix(prefix));
            keys.next().map(str::to_string).unwrap_or_default()
        };
        // An article is cited by its own DOI, and not by that of its preprint.
        let dois = identifiers.iter().filter_map(|known| known.key().strip_prefix("doi:"));
        let doi = dois.clone().find(|doi| !is_of_a_preprint(doi)).or_else(|| dois.clone().next()).unwrap_or_default();
        let arxiv = identifiers.iter().find(|known| known.key().starts_with("arxiv:"));
        let arxiv = arxiv.map_or_else(String::new, |known| {
            let of_id = Identifier::parse(paper.id.as_str()).filter(|own| own.key() == known.key());
            let version = of_id.and_then(|own| own.version()).map_or_else(String::new, |v| format!("v{v}"));
            format!("{}{version}", known.key().trim_start_matches("arxiv:"))
        });
        let pmcid = key("pmcid:");
        let url =
            paper.url.as_deref().map(line).filter(|url| url.starts_with("http://") || url.starts_with("https://"));
        let url = url.or_else(|| identifiers.iter().find_map(Identifier::url)).unwrap_or_default();
        let venue = paper.venue.as_deref().map(text).unwrap_or_default();
        let kind = kind(&fields.text(&["type"]), &venue, doi, &arxiv, &key("acl:"));
        let classes = if arxiv.is_empty() { &[][..] } else { &paper.categories[..] };
        Record {
            paper,
            kind,
            title: title(paper),
            summary: tidy(pieces(&paper.summary)),
            authors: paper.authors.iter().map(|name| text(name)).filter(|name| !name.is_empty()).collect(),
            date: paper.date.as_ref().map_or_else(Vec::new, |date| numbers(date.as_str())),
            publisher: fields.text(&["publisher"]),
            organization: paper.organization.as_deref().map(text).unwrap_or_default(),
            doi: doi.to_string(),
            arxiv,
            arxiv_class: classes.iter().find(|class| is_arxiv_class(class)).cloned().unwrap_or_default(),
            pmid: key("pmid:"),
            pmcid: if pmcid.is_empty() { pmcid } else { format!("PMC{pmcid}") },
            url,
            volume: fields.text(&["volume", "journal.volume", "biblio.volume"]),
            issue: fields.text(&["issue", "number", "biblio.issue"]),
            pages: fields.pages(),
            issn: fields.text(&["issn", "ISSN", "eissn"]),
            isbn: fields.text(&["isbn", "ISBN"]),
            keywords: paper.keywords.iter().map(|word| text(word)).filter(|word| !word.is_empty()).collect(),
            // One that was made of a title says nothing that the title does not.
            own_id: match identifiers.is_empty() && !paper.id.as_str().starts_with("text:") {
                true => paper.id.to_string(),
                false => String::new(),
            },
            retirement: paper.retirement(),
            venue,
        }
    }

    /// The title as text.
    pub fn plain_title(&self) -> String {
        joined(&self.title)
    }

    /// The abstract as text.
    pub fn plain_summary(&self) -> String {
        joined(&self.summary)
    }

    /// The parts of the names of the authors.
    pub fn names(&self) -> impl Iterator<Item = CitedName<'_>> {
        self.authors.iter().filter_map(|name| CitedName::read(name))
    }

    /// First and last page; the last is empty where they are not two.
    pub fn page_range(&self) -> (&str, &str) {
        let of_two = |(first, last): &(&str, &str)| !(first.is_empty() || last.is_empty() || last.contains('-'));
        self.pages.split_once('-').filter(of_two).unwrap_or((&self.pages, ""))
    }

    /// What is to be remarked: that the paper was taken back.
    pub fn remark(&self) -> &'static str {
        match self.retirement {
            Some(Retirement::Retracted) => "Retracted",
            Some(Retirement::Withdrawn) => "Withdrawn",
            None => "",
        }
    }
}

/// A text that may hold markup, plain, on one line, and composed.
pub fn text(source: &str) -> String {
    line(&plain(source))
}

/// The same of a text that holds none.
fn line(text: &str) -> String {
    let text = shown(text).split_whitespace().collect::<Vec<_>>().join(" ");
    if text.is_ascii() { text } else { text.nfc().collect() }
}

/// The title; one that is nothing but markup is better than none.
fn title(paper: &Paper) -> Vec<Piece> {
    let title = tidy(pieces(&paper.title));
    if joined(&title).is_empty() { vec![Piece::Text(line(&paper.title))] } else { title }
}

/// A name as lists of references turn it round, where semicolons part names: `van der Berg, Jan, Jr.`; a body as it is called.
pub fn inverted(name: CitedName<'_>) -> String {
    match name {
        // A comma would part it, a semicolon end it.
        CitedName::Group(name) => name.replace([',', ';'], " ").split_whitespace().collect::<Vec<_>>().join(" "),
        CitedName::Person { given, particle, family, suffix } => {
            let family = if particle.is_empty() { family.to_string() } else { format!("{particle} {family}") };
            let behind = [given, suffix].into_iter().filter(|part| !part.is_empty());
            std::iter::once(family.as_str()).chain(behind).collect::<Vec<_>>().join(", ").replace(';', " ")
        }
    }
}

/// The text of pieces.
fn joined(pieces: &[Piece]) -> String {
    let text = |piece: &Piece| match piece {
        Piece::Text(text) | Piece::Formula { text, .. } => text.clone(),
    };
    pieces.iter().map(text).collect::<String>().trim().to_string()
}

/// Pieces on one line and composed; blanks at their ends stay, for they part words.
fn tidy(pieces: Vec<Piece>) -> Vec<Piece> {
    let edged = |source: &str| {
        let inner = line(source);
        let blank = |is: bool| if is { " " } else { "" };
        match inner.is_empty() {
            true => blank(source.contains(char::is_whitespace)).to_string(),
            false => {
                let (before, behind) = (source.starts_with(char::is_whitespace), source.ends_with(char::is_whitespace));
                format!("{}{inner}{}", blank(before), blank(behind))
            }
        }
    };
    let tidied = pieces.into_iter().map(|piece| match piece {
        Piece::Text(text) => Piece::Text(edged(&text)),
        Piece::Formula { source, text } => Piece::Formula { source: line(&source), text: edged(&text) },
    });
    let mut tidied: Vec<Piece> = tidied.filter(|piece| *piece != Piece::Text(String::new())).collect();
    if let Some(Piece::Text(first)) = tidied.first_mut() {
        *first = first.trim_start().to_string();
    }
    if let Some(Piece::Text(last)) = tidied.last_mut() {
        *last = last.trim_end().to_string();
    }
    tidied
}

/// The numbers of `2024-05-22`.
fn numbers(date: &str) -> Vec<u16> {
    date.split('-').filter_map(|part| part.parse().ok()).collect()
}

/// Whether a category is a class of arXiv: `cs.CL`, `hep-th`, `astro-ph.CO`.
fn is_arxiv_class(class: &str) -> bool {
    let (archive, subject) = class.split_once('.').unwrap_or((class, ""));
    let small = |text: &str| text.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
    let subject_is_one = subject.bytes().all(|b| b.is_ascii_alphabetic() || b == b'-');
    let known = ARCHIVES.split(' ').any(|known| known == archive);
    known && small(archive) && subject_is_one && subject.len() <= 16
}

/// The archives of arXiv.
const ARCHIVES: &str = "astro-ph cond-mat cs econ eess gr-qc hep-ex hep-lat hep-ph hep-th math math-ph nlin nucl-ex nucl-th physics \
q-bio q-fin quant-ph stat acc-phys adap-org alg-geom ao-sci atom-ph bayes-an chao-dyn chem-ph cmp-lg comp-gas dg-ga funct-an \
mtrl-th patt-sol plasm-ph q-alg solv-int supr-con";

/// What kind of work it is: by what its source says, else by where it stands.
fn kind(said: &str, venue: &str, doi: &str, arxiv: &str, acl: &str) -> Kind {
    let said: String = said.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    let place = venue.to_lowercase();
    let server = SERVERS.iter().any(|server| place.contains(server)) || place == "corr";
    let by_place = || match () {
        () if !venue.is_empty() && !server => {
            if is_meeting(venue) {
                Kind::Proceedings
            } else {
                Kind::Article
            }
        }
        () if !acl.is_empty() => Kind::Proceedings,
        () if server || !arxiv.is_empty() || is_of_a_preprint(doi) => Kind::Preprint,
        () => Kind::Other,
    };
    match said.as_str() {
        "journalarticle" | "articlejournal" => Kind::Article,
        "proceedingsarticle" | "conferencepaper" | "paperconference" | "inproceedings" | "conference" => {
            Kind::Proceedings
        }
        "bookchapter" | "chapter" | "incollection" | "inbook" | "booksection" | "bookpart" | "referenceentry" => {
            Kind::Chapter
        }
        "book" | "monograph" | "editedbook" | "referencebook" | "bookset" => Kind::Book,
        "dissertation" | "thesis" | "phdthesis" | "mastersthesis" => Kind::Thesis,
        "report" | "techreport" | "reportcomponent" | "workingpaper" => Kind::Report,
        "postedcontent" | "preprint" => Kind::Preprint,
        _ => by_place(),
    }
}

/// Words in the names of servers of preprints, in lower case.
const SERVERS: &[&str] =
    &["arxiv", "biorxiv", "medrxiv", "chemrxiv", "psyarxiv", "ssrn", "research square", "preprints.org", "techrxiv"];

/// Words that the name of a meeting holds.
const MEETINGS: &str = " proceedings proc conference workshop workshops symposium meeting congress colloquium ";

/// What well-known meetings are called for short.
const ACRONYMS: &str = " AAAI AAMAS ACL AISTATS ASPLOS CCS CHI CIKM COLING COLM COLT CoRL CRYPTO CSCW CVPR EACL ECAI ECCV EMNLP \
EUROCRYPT FAccT FOCS FSE HPCA HRI ICALP ICASSP ICCV ICDE ICDM ICLR ICML ICPR ICRA ICSE IJCAI IJCNLP INFOCOM INTERSPEECH IROS \
ISCA ISIT ISMIR KDD LREC MICCAI MICRO MLSys NAACL NDSS NeurIPS NIPS NSDI OSDI PLDI PODC POPL RecSys RSS SIGCOMM SIGGRAPH SIGIR \
SIGMOD SODA SOSP STACS STOC UAI UIST USENIX VLDB WACV WSDM WWW ";

fn is_meeting(venue: &str) -> bool {
    // The journal of a society is none of its meetings.
    let journal =
        ["transactions", "journal", "proceedings of the national academy", "proceedings of the royal", "letters"];
    let small = venue.to_lowercase();
    if journal.iter().any(|word| small.contains(word)) || small == "proceedings of the ieee" {
        return false;
    }
    let words = || venue.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty());
    let listed = |list: &str, word: &str| list.contains(&format!(" {word} "));
    words().any(|word| listed(MEETINGS, &word.to_lowercase())) || words().any(|word| listed(ACRONYMS, word))
}

/// The further fields of a paper that a reference has a place for.
struct Fields(HashMap<String, Value>);

/// A field of a reference is no longer than this, in bytes of JSON.
const LONGEST: usize = 4096;

impl Fields {
    fn of(paper: &Paper) -> Self {
        let wanted =
            "type volume issue number pages page article_number issn ISSN eissn isbn ISBN publisher journal biblio";
        let wanted = |name: &str| wanted.split(' ').any(|known| known == name);
        let fields = paper.extra.fields().filter(|(name, json)| wanted(name) && json.len() <= LONGEST);
        Fields(fields.filter_map(|(name, json)| Some((name.into_owned(), serde_json::from_str(json).ok()?))).collect())
    }

    /// The first of these fields that says something: a text or a number, of a list its first, or a field in an object.
    fn text(&self, names: &[&str]) -> String {
        names.iter().find_map(|name| self.one(name)).unwrap_or_default()
    }

    fn one(&self, name: &str) -> Option<String> {
        let value = match name.split_once('.') {
            Some((object, field)) => self.0.get(object)?.get(field)?,
            None => self.0.get(name)?,
        };
        let value = value.as_array().map_or(Some(value), |values| values.first())?;
        let found = match value {
            Value::String(found) => text(found),
            Value::Number(number) => number.to_string(),
            _ => return None,
        };
        (!found.is_empty()).then_some(found)
    }

    /// Pages with a hyphen between two of them, however they were written.
    fn pages(&self) -> String {
        if let (Some(first), Some(last)) = (self.one("biblio.first_page"), self.one("biblio.last_page")) {
            return if first == last { first } else { format!("{first}-{last}") };
        }
        let said = self.text(&["pages", "page", "journal.pages", "article_number"]);
        let parts: Vec<&str> = said.split(['-', '–', '—']).map(str::trim).filter(|part| !part.is_empty()).collect();
        match parts[..] {
            [first, last] => format!("{first}-{last}"),
            _ => said,
        }
    }
}
