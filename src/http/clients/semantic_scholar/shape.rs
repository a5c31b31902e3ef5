//! A paper as Semantic Scholar writes it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::fields::{SCORE, WHY, Wanted};
use crate::deliver::citations::{CitationFormat, Citations};
use crate::deliver::mail::why_sentence;
use crate::engine::Hit;
use crate::paper::{Identifier, Paper, is_of_a_preprint, plain};

/// A paper with the fields that were asked for: those of Semantic Scholar, and `_score` and `_why`. What is not known is null; what the
/// paper was given under Semantic Scholar's own names (`citationCount`, `tldr`, `openAccessPdf`) is given back.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code)] // This is what the OpenAPI document says; [`paper`] makes them.
pub struct ScholarPaper {
    /// The id that it was given here.
    paper_id: String,
    /// The number that Semantic Scholar gave it, where that is known.
    corpus_id: Option<u64>,
    /// `ArXiv`, `DOI`, `PubMed`, `PubMedCentral`, `ACL`, `CorpusId`, as far as they are known.
    external_ids: Option<Map<String, Value>>,
    /// Where it can be read.
    url: Option<String>,
    /// The title, without markup.
    title: Option<String>,
    /// The abstract, without markup.
    r#abstract: Option<String>,
    /// Journal, conference or series; may be empty.
    venue: Option<String>,
    /// The year it appeared.
    year: Option<i32>,
    /// The day it appeared, where the day is known.
    publication_date: Option<String>,
    /// Fields that its categories belong to.
    fields_of_study: Option<Vec<String>>,
    /// Its authors.
    authors: Option<Vec<ScholarAuthor>>,
    /// A reference to it, as BibTeX.
    citation_styles: Option<Map<String, Value>>,
    /// In ranked answers: greater is closer.
    #[serde(rename = "_score")]
    score: Option<f32>,
    /// In ranked answers: `sentence`, and `parts`, which sum to the score.
    #[serde(rename = "_why")]
    why: Option<Map<String, Value>>,
}

/// An author.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code)]
pub struct ScholarAuthor {
    /// Not known here.
    author_id: Option<String>,
    /// The name.
    name: Option<String>,
}

/// A name of theirs, and whether a value may stand under it.
type GivenField = (&'static str, fn(&Value) -> bool);

/// The fields that a paper may have been given under Semantic Scholar's names, and what they have to be.
const GIVEN: [GivenField; 10] = [
    ("publicationVenue", Value::is_object),
    ("referenceCount", Value::is_u64),
    ("citationCount", Value::is_u64),
    ("influentialCitationCount", Value::is_u64),
    ("isOpenAccess", Value::is_boolean),
    ("openAccessPdf", Value::is_object),
    ("s2FieldsOfStudy", Value::is_array),
    ("publicationTypes", Value::is_array),
    ("journal", Value::is_object),
    ("tldr", Value::is_object),
];

/// Fields of study by the archive of a category at arXiv.
const ARCHIVES: [(&str, &str); 22] = [
    ("cs", "Computer Science"),
    ("math", "Mathematics"),
    ("stat", "Mathematics"),
    ("eess", "Engineering"),
    ("q-bio", "Biology"),
    ("q-fin", "Economics"),
    ("econ", "Economics"),
    ("physics", "Physics"),
    ("astro-ph", "Physics"),
    ("cond-mat", "Physics"),
    ("gr-qc", "Physics"),
    ("hep-ex", "Physics"),
    ("hep-lat", "Physics"),
    ("hep-ph", "Physics"),
    ("hep-th", "Physics"),
    ("math-ph", "Physics"),
    ("nlin", "Physics"),
    ("nucl-ex", "Physics"),
    ("nucl-th", "Physics"),
    ("quant-ph", "Physics"),
    ("cmp-lg", "Computer Science"),
    ("alg-geom", "Mathematics"),
];

/// The categories that a field of study stands for: archives of arXiv, and a category that is called so.
pub fn categories_of(field: &str) -> Vec<String> {
    let archives = ARCHIVES.iter().filter(|(_, name)| name.eq_ignore_ascii_case(field)).map(|(archive, _)| *archive);
    archives.chain([field]).map(str::to_string).collect()
}

/// The fields of study that a paper's categories belong to; a category of no archive is one itself.
fn fields_of_study(paper: &Paper) -> Vec<&str> {
    let mut fields: Vec<&str> = Vec::new();
    for category in &paper.categories {
        let archive = category.split('.').next().unwrap_or_default();
        let field = ARCHIVES.iter().find(|(known, _)| *known == archive).map_or(category.as_str(), |(_, field)| field);
        if !fields.contains(&field) {
            fields.push(field);
        }
    }
    fields
}

/// A paper, with what is wanted of it and of how it was found.
pub fn paper(wanted: &Wanted, paper: &Paper, hit: Option<&Hit>) -> Map<String, Value> {
    let identifiers = paper.identifiers();
    let mut out = Map::new();
    let mut put = |name: &str, value: &dyn Fn() -> Value| {
        if wanted.has(name) {
            out.insert(name.to_string(), value());
        }
    };
    put("paperId", &|| json!(paper.id.as_str()));
    put("corpusId", &|| corpus_id(&identifiers).into());
    put("externalIds", &|| external_ids(&identifiers));
    put("url", &|| paper.link().into());
    put("title", &|| text(&paper.title).into());
    put("abstract", &|| Some(text(&paper.summary)).filter(|summary| !summary.is_empty()).into());
    put("venue", &|| paper.venue.as_deref().map(text).unwrap_or_default().into());
    put("year", &|| paper.date.as_ref().and_then(|date| date.as_str().get(..4)?.parse::<i32>().ok()).into());
    put("publicationDate", &|| {
        let whole = paper.date.as_ref().map(|date| date.as_str()).filter(|date| date.len() == 10);
        whole.into()
    });
    put("fieldsOfStudy", &|| json!(fields_of_study(paper)));
    for (name, fits) in GIVEN {
        put(name, &|| given(paper, name).filter(fits).unwrap_or_else(|| instead(name, paper, &identifiers)));
    }
    put("citationStyles", &|| json!({ "bibtex": bibtex(paper) }));
    put("authors", &|| authors(wanted, paper));
    // What is not held here.
    for name in ["citations", "references", "embedding", "textAvailability"] {
        put(name, &|| Value::Null);
    }
    let score = hit.map_or(Value::Null, |hit| as_written(&hit.score));
    put("matchScore", &|| score.clone());
    put(SCORE, &|| score.clone());
    put(WHY, &|| hit.map_or(Value::Null, why));
    out
}

/// Where a score comes from.
fn why(hit: &Hit) -> Value {
    let Some(why) = &hit.why else { return Value::Null };
    json!({ "sentence": why_sentence(hit), "parts": as_written(&why.parts) })
}

/// As JSON that reads as our own answers do: a number of 32 bits would be written out with the digits of one of 64.
fn as_written(what: &impl Serialize) -> Value {
    serde_json::to_string(what).ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
}

/// The authors, each with the fields that are wanted of them.
pub fn authors(wanted: &Wanted, paper: &Paper) -> Value {
    let further =
        ["externalIds", "url", "aliases", "affiliations", "homepage", "paperCount", "citationCount", "hIndex"];
    let author = |name: &String| {
        let mut author = Map::new();
        author.insert("authorId".into(), Value::Null);
        author.insert("name".into(), text(name).into());
        let asked = further.into_iter().filter(|field| wanted.has_within("authors", field));
        author.extend(asked.map(|field| (field.to_string(), Value::Null)));
        Value::Object(author)
    };
    paper.authors.iter().map(author).collect()
}

/// The first author and the year, as a suggestion tells them.
pub fn authors_and_year(paper: &Paper) -> String {
    let first = paper.authors.first().map(|name| text(name)).unwrap_or_default();
    let others = if paper.authors.len() > 1 { " et al." } else { "" };
    let year = paper.date.as_ref().and_then(|date| date.as_str().get(..4)).unwrap_or_default();
    [format!("{first}{others}"), year.to_string()]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(", ")
}

fn text(source: &str) -> String {
    plain(source).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A field of a paper that it was given under Semantic Scholar's name for it.
fn given(paper: &Paper, name: &str) -> Option<Value> {
    let (_, json) = paper.extra.fields().find(|(known, _)| known == name)?;
    serde_json::from_str(json).ok()
}

/// What follows for a field that the paper was not given.
fn instead(name: &str, paper: &Paper, identifiers: &[Identifier]) -> Value {
    let of = |kind: &str| identifiers.iter().find_map(|known| known.key().strip_prefix(kind));
    match name {
        "isOpenAccess" if of("arxiv:").is_some() || of("pmcid:").is_some() => true.into(),
        "openAccessPdf" => match of("arxiv:") {
            Some(id) => json!({ "url": format!("https://arxiv.org/pdf/{id}"), "status": "GREEN" }),
            None => Value::Null,
        },
        "s2FieldsOfStudy" => {
            let field = |category: &str| json!({ "category": category, "source": "external" });
            fields_of_study(paper).into_iter().map(field).collect()
        }
        "journal" => paper.venue.as_deref().map_or(Value::Null, |venue| json!({ "name": text(venue) })),
        _ => Value::Null,
    }
}

fn corpus_id(identifiers: &[Identifier]) -> Option<u64> {
    identifiers.iter().find_map(|known| known.key().strip_prefix("corpusid:")?.parse().ok())
}

fn external_ids(identifiers: &[Identifier]) -> Value {
    let mut out = Map::new();
    let all = |kind: &'static str| identifiers.iter().filter_map(move |known| known.key().strip_prefix(kind));
    let mut put = |name: &str, id: Option<Value>| out.extend(id.map(|id| (name.to_string(), id)));
    put("ArXiv", all("arxiv:").next().map(Value::from));
    // An article is known by its own DOI, and not by that of its preprint.
    put("DOI", all("doi:").find(|doi| !is_of_a_preprint(doi)).or_else(|| all("doi:").next()).map(Value::from));
    put("PubMed", all("pmid:").next().map(Value::from));
    put("PubMedCentral", all("pmcid:").next().map(Value::from));
    // Those of before 2020 are written with capitals.
    let acl = |id: &str| if id.contains('.') { id.to_string() } else { id.to_uppercase() };
    put("ACL", all("acl:").next().map(|id| acl(id).into()));
    put("CorpusId", corpus_id(identifiers).map(Value::from));
    out.into()
}

fn bibtex(paper: &Paper) -> Option<String> {
    let mut citations = Citations::begin(Vec::new(), CitationFormat::Bibtex, false).ok()?;
    citations.add(paper, None).ok()?;
    String::from_utf8(citations.finish().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::request_fields::Field;

    fn shaped(fields: &str, given: Value) -> Value {
        let wanted = Wanted::read(&Field { name: "fields", value: Some(json!(fields)) }).expect("known");
        paper(&wanted, &Paper::from_json(given).expect("a paper"), None).into()
    }

    #[test]
    fn a_paper_has_what_was_asked_for_and_null_where_nothing_is_known() {
        let given = json!({ "id": "arxiv:2401.00001v2", "title": "On <i>kites</i>", "doi": "10.5555/KITE.1", "date": "2024-01",
            "categories": ["cs.RO", "cs.LG", "kites"], "authors": ["Ada Testwell"], "citationCount": 7, "tldr": "no object",
            "corpus_id": 12 });
        let all = "corpusId,externalIds,url,title,abstract,venue,year,publicationDate,fieldsOfStudy,citationCount,tldr,isOpenAccess,\
                   openAccessPdf,journal,authors.hIndex,embedding,_score";
        assert_eq!(
            shaped(all, given),
            json!({ "paperId": "arxiv:2401.00001v2", "corpusId": 12,
                "externalIds": { "ArXiv": "2401.00001", "DOI": "10.5555/kite.1", "CorpusId": 12 },
                "url": "https://arxiv.org/abs/2401.00001", "title": "On kites", "abstract": null, "venue": "", "year": 2024,
                "publicationDate": null, "fieldsOfStudy": ["Computer Science", "kites"], "citationCount": 7, "tldr": null,
                "isOpenAccess": true, "openAccessPdf": { "url": "https://arxiv.org/pdf/2401.00001", "status": "GREEN" },
                "journal": null, "authors": [{ "authorId": null, "name": "Ada Testwell", "hIndex": null }], "embedding": null,
                "_score": null })
        );
    }

    #[test]
    fn a_score_is_written_as_in_our_own_answers() {
        let wanted = Wanted::read(&Field { name: "fields", value: Some(json!("_score")) }).expect("known");
        let given = Paper::from_json(json!({ "id": "x", "title": "t" })).expect("a paper");
        let shaped = paper(&wanted, &given, Some(&Hit::new(given.clone(), 0.7014257)));
        assert_eq!(Value::from(shaped).to_string(), r#"{"paperId":"x","_score":0.7014257}"#);
    }

    #[test]
    fn a_field_of_study_is_its_archives_and_its_own_name() {
        assert_eq!(categories_of("computer science"), ["cs", "cmp-lg", "computer science"]);
        assert_eq!(categories_of("cs.LG"), ["cs.LG"]);
    }
}
