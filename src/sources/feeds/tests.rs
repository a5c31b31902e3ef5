//! Whatever a service answers, nothing panics and nothing grows.

use std::time::{Duration, Instant};

use jiff::civil::Date;
use proptest::prelude::*;
use serde_json::Value;

use super::super::web::Page;
use super::biorxiv::Biorxiv;
use super::crossref::Crossref;
use super::daily_papers::DailyPapers;
use super::europe_pmc::EuropePmc;
use super::oai::{Format, Harvest, Repository};
use super::openalex::OpenAlex;
use super::paged::{Days, Service};
use super::record::decoded;
use super::semantic_scholar::SemanticScholar;

fn services() -> Vec<Box<dyn Service>> {
    let base = String::new();
    vec![
        Box::new(Biorxiv::new(base.clone(), "biorxiv", None)),
        Box::new(Crossref { base: base.clone(), filters: Vec::new(), query: None, mailto: None }),
        Box::new(DailyPapers { base: base.clone(), key: None, before: None }),
        Box::new(EuropePmc { base: base.clone(), query: None }),
        Box::new(OpenAlex { base: base.clone(), filters: Vec::new(), query: None, key: None }),
        Box::new(SemanticScholar { base, query: None, fields: Vec::new(), key: None }),
    ]
}

/// The names that the services have, at any place.
const NAMES: &str = "collection messages status total cursor results meta next_cursor message items next-cursor total-results data \
                     token resultList result nextCursorMark hitCount error errMsg id doi DOI title abstract abstractText authors author \
                     authorships display_name given family name date version published date-parts abstract_inverted_index paper \
                     upvotes publishedAt externalIds ArXiv CorpusId paperId year update-to updated-by type pubTypeList pubType \
                     publication_date is_retracted is_paratext primary_location source";

fn json() -> impl Strategy<Value = Value> {
    let names: Vec<&str> = NAMES.split_whitespace().collect();
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-z0-9:/. -]{0,20}".prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            prop::collection::vec((prop::sample::select(names.clone()), inner), 0..8)
                .prop_map(|fields| Value::Object(fields.into_iter().map(|(name, v)| (name.to_string(), v)).collect())),
        ]
    })
}

fn days() -> Days {
    Days { from: Date::constant(2026, 11, 20), to: Date::constant(2026, 11, 26), cursor: None }
}

fn harvest(format: Format) -> Harvest {
    Harvest {
        base: "https://r.example/oai".into(),
        format,
        set: None,
        from: Date::constant(2026, 11, 20),
        until: None,
        today: Date::constant(2026, 11, 26),
        categories: Vec::new(),
        pace: (None, Duration::ZERO),
    }
}

proptest! {
    #[test]
    fn no_answer_in_json_panics(value in json()) {
        for mut service in services() {
            let _ = service.read(&days(), &value, 1);
        }
    }

    #[test]
    fn no_answer_in_xml_panics(
        text in "(<record>|</record>|<header>|</header>|<header status='deleted'>|<identifier>oai:arXiv.org:2611.1</identifier>|\
                 <datestamp>2026-11-2|</datestamp>|<metadata>|</metadata>|<arXiv>|</arXiv>|<dc>|</dc>|<title>|</title>|<date>|\
                 <resumptionToken>|</resumptionToken>|<error code='|'/>|<ListRecords>|&|\\PC){0,40}"
    ) {
        for format in [Format::Arxiv, Format::ArxivRaw, Format::DublinCore] {
            let mut repository = Repository::new(harvest(format), None).expect("opens");
            let _ = repository.read(&format!("<OAI-PMH>{text}</OAI-PMH>"));
            let _ = repository.read(&text);
        }
    }

    #[test]
    fn any_bytes_are_text(bytes in prop::collection::vec(any::<u8>(), 0..200), charset in "[a-z0-9-]{0,12}") {
        let kind = format!("text/xml; charset={charset}");
        let _ = decoded(&Page::of("https://r.example/", bytes, &[("content-type", &kind)]));
    }
}

#[test]
fn a_place_of_a_thousand_million_takes_no_room() {
    let work = serde_json::json!({"results": [{"id": "https://openalex.org/W1", "title": "T",
        "abstract_inverted_index": {"far": [1_000_000_000_000_u64], "near": [0], "none": [-1, "x", null]}}], "meta": {}});
    let mut openalex = OpenAlex { base: String::new(), filters: Vec::new(), query: None, key: None };
    let entries = openalex.read(&days(), &work, 1).expect("a page");
    assert_eq!(entries.papers[0].paper.as_ref().expect("a paper").summary, "near far");
}

/// Ten megabytes of beginnings, of each of which an end is looked for.
#[test]
fn no_page_takes_longer_than_its_length_says() {
    let begun = Instant::now();
    for part in ["<record>", "<record><header>", "<resumptionToken>", "<record/>", "&amp;", "<!--"] {
        let text = format!("<OAI-PMH>{}</OAI-PMH>", part.repeat((1 << 20) / part.len()));
        let mut repository = Repository::new(harvest(Format::DublinCore), None).expect("opens");
        let _ = repository.read(&text);
    }
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}
