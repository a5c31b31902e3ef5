//! Europe PMC: PubMed's papers and preprints of the life sciences, as plain JSON.
//!
//! Checked on 2026-11-26 against its web service's documentation (europepmc.org/RestfulWebService). No key is needed. Titles end
//! with a full stop.

use std::time::Duration;

use serde_json::Value;

use super::super::web::Ask;
use super::paged::{Days, Entries, Service, list, listed, number, text};
use super::record::{Record, rejected};
use crate::engine::Incoming;
use crate::error::{Error, Result};
use crate::paper::percent::encoded;

/// Records of a page.
const ROWS: usize = 1000;

/// What is asked of Europe PMC.
pub struct EuropePmc {
    /// `https://www.ebi.ac.uk/europepmc/webservices/rest`
    pub base: String,
    /// A query in its own words: `"single cell" AND SRC:PPR`; none for everything.
    pub query: Option<String>,
}

impl Service for EuropePmc {
    fn request(&self, days: &Days) -> Ask {
        let of_days = format!("FIRST_PDATE:[{} TO {}]", days.from, days.to);
        let query = self.query.as_ref().map_or_else(|| of_days.clone(), |query| format!("({query}) AND {of_days}"));
        let cursor = days.cursor.as_deref().unwrap_or("*");
        let url = format!(
            "{}/search?query={}&format=json&resultType=core&pageSize={ROWS}&cursorMark={}",
            self.base,
            encoded(&query),
            encoded(cursor)
        );
        Ask::get(url).paced(None, Duration::from_millis(500))
    }

    fn read(&mut self, days: &Days, answer: &Value, entry: usize) -> Result<Entries> {
        let said = text(answer, "errMsg");
        if !said.is_empty() {
            return Err(Error::Remote(format!("Europe PMC refuses the request: {}", crate::paper::head(said, 200))));
        }
        let results = listed("Europe PMC", answer, "resultList.result")?;
        let papers = results.iter().enumerate().map(|(k, result)| paper(entry + k, result)).collect();
        let next = text(answer, "nextCursorMark");
        // The last page leads to itself.
        let more = !results.is_empty() && !next.is_empty() && days.cursor.as_deref() != Some(next);
        Ok(Entries { papers, next: more.then(|| next.to_string()), total: number(answer, "hitCount") })
    }

    fn overlap(&self) -> i32 {
        3
    }
}

fn paper(entry: usize, of: &Value) -> Incoming {
    let (doi, pmid, own) = (text(of, "doi"), text(of, "pmid"), text(of, "id"));
    let id = match (doi, pmid, own) {
        ("", "", "") => return rejected(entry, None, "the record has no id"),
        ("", "", own) => format!("{}:{own}", text(of, "source").to_lowercase()),
        ("", pmid, _) => format!("pmid:{pmid}"),
        (doi, ..) => format!("doi:{}", doi.to_lowercase()),
    };
    let title = text(of, "title").trim();
    let authors = list(of, "authorList.author").iter().map(|author| match text(author, "fullName") {
        "" => text(author, "collectiveName").to_string(),
        _ if !text(author, "firstName").is_empty() => {
            format!("{} {}", text(author, "firstName"), text(author, "lastName")).trim().to_string()
        }
        name => name.to_string(),
    });
    let keywords = list(of, "keywordList.keyword").iter().filter_map(Value::as_str).map(str::to_string);
    let retracted = list(of, "pubTypeList.pubType").iter().filter_map(Value::as_str);
    let retracted = { retracted }.any(|kind| kind.eq_ignore_ascii_case("retracted publication"));
    let preprint = text(of, "source") == "PPR";
    let venue = if preprint { "bookOrReportDetails.publisher" } else { "journalInfo.journal.title" };
    let mut record = Record::new(id);
    record
        .text("title", title.strip_suffix('.').unwrap_or(title))
        .text("abstract", text(of, "abstractText"))
        .list("authors", authors)
        .text("date", text(of, "firstPublicationDate"))
        .list("keywords", keywords)
        .text("venue", text(of, venue))
        .text("url", &if doi.is_empty() { String::new() } else { format!("https://doi.org/{doi}") })
        .text("doi", doi)
        .text("pmid", pmid)
        .text("pmcid", text(of, "pmcid"))
        .text("status", if retracted { "retracted" } else { "" });
    record.finish(entry)
}
