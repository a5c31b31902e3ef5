//! References in place of JSON. Every list of papers can be had as one: which form is asked for is read before its handler runs
//! ([`of_list`]), and what the handler gives is written in it ([`App::papers`]); no handler knows of forms.

use std::io;

use axum::extract::{Request, State};
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::path::{ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{Array, Object, ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{Content, OpenApi as Document, RefOr, Required};

use super::App;
use super::answer::Written;
use super::call::Call;
use super::error::{ApiError, ErrorBody};
use super::extract::{Id, NoParams};
use super::history::OutsideList;
use super::papers::PaperList;
use crate::deliver::citations::{self, CitationFormat, Citations};
use crate::engine::{Answer, Engine, OneTheme, SearchPapers};
use crate::error::Result;
use crate::paper::{Paper, head};

tokio::task_local! {
    /// The form that the request being handled asks for; none for JSON.
    static FORM: Option<CitationFormat>;
}

/// The form that a list comes in where nobody says anything.
const JSON: &str = "json";

/// An answer that is a list of papers.
pub trait ListOfPapers {
    /// Its papers in their order, each with its score where it has one.
    fn papers(&self) -> impl Iterator<Item = (&Paper, Option<f32>)>;

    /// What a file with them is called, without its ending.
    fn file_name(&self) -> String {
        "papers".into()
    }
}

impl ListOfPapers for Answer {
    fn papers(&self) -> impl Iterator<Item = (&Paper, Option<f32>)> {
        self.papers.iter().map(|hit| (&hit.paper, Some(hit.score)))
    }
}

impl ListOfPapers for OneTheme {
    fn papers(&self) -> impl Iterator<Item = (&Paper, Option<f32>)> {
        self.papers.iter().map(|of_theme| (&of_theme.paper, of_theme.score))
    }
}

impl ListOfPapers for SearchPapers {
    fn papers(&self) -> impl Iterator<Item = (&Paper, Option<f32>)> {
        self.papers.iter().map(|found| (&found.hit.paper, Some(found.hit.score)))
    }
}

impl ListOfPapers for PaperList {
    fn papers(&self) -> impl Iterator<Item = (&Paper, Option<f32>)> {
        self.papers.iter().map(|paper| (paper, None))
    }
}

impl ListOfPapers for OutsideList {
    fn papers(&self) -> impl Iterator<Item = (&Paper, Option<f32>)> {
        self.papers.iter().map(|outside| (&outside.paper, None))
    }
}

/// Whether the list that is being answered with is asked for as JSON.
pub fn as_json() -> bool {
    FORM.try_with(|form| form.is_none()).unwrap_or(true)
}

/// Reads the form that a list is asked for in, by `format` or `Accept`; JSON where neither says anything else.
pub async fn of_list(request: Request, next: Next) -> Response {
    negotiate(None, request, next).await
}

/// The same of the reference to one paper, which is BibTeX where nothing is said, and never JSON alone.
pub async fn of_paper(request: Request, next: Next) -> Response {
    negotiate(Some(CitationFormat::Bibtex), request, next).await
}

async fn negotiate(default: Option<CitationFormat>, mut request: Request, next: Next) -> Response {
    let form = match taken(request.uri_mut(), default) {
        Ok(Some(form)) => Ok(form),
        Ok(None) => Ok(accepted(request.headers(), default)),
        Err(e) => Err(e),
    };
    let mut response = match form {
        Ok(form) => FORM.scope(form, next.run(request)).await,
        Err(e) => e.into_response(),
    };
    response.headers_mut().append(header::VARY, HeaderValue::from_static("accept"));
    response
}

/// Takes the parameter `format` out of an address, and says what it asks for; nothing where it is not there.
fn taken(uri: &mut Uri, default: Option<CitationFormat>) -> Result<Option<Option<CitationFormat>>, ApiError> {
    let Some(query) = uri.query().filter(|query| query.contains("format") || query.contains(['%', '+'])) else {
        return Ok(None);
    };
    let named = |pair: &&str| form_urlencoded::parse(pair.as_bytes()).next().is_some_and(|(name, _)| name == "format");
    let (own, rest): (Vec<&str>, Vec<&str>) = query.split('&').partition(named);
    let values = own.iter().filter_map(|pair| form_urlencoded::parse(pair.as_bytes()).next());
    let values: Vec<String> = values.map(|(_, value)| value.into_owned()).filter(|value| !value.is_empty()).collect();
    let path = uri.path();
    let without = if rest.is_empty() { path.to_string() } else { format!("{path}?{}", rest.join("&")) };
    let asked = match &values[..] {
        [] => None,
        [json] if json == JSON && default.is_none() => Some(None),
        [format] => {
            let known = if default.is_none() { format!("{JSON}, ") } else { String::new() };
            let names = CitationFormat::ALL.map(CitationFormat::name).join(", ");
            let unknown =
                |_| ApiError::bad_request(format!("format is {:?}; it is one of {known}{names}", head(format, 40)));
            Some(Some(format.parse().map_err(unknown)?))
        }
        _ => return Err(ApiError::bad_request("format is given more than once")),
    };
    // What is left of an address is one.
    if let Ok(rest) = without.parse::<PathAndQuery>() {
        let mut parts = std::mem::take(uri).into_parts();
        parts.path_and_query = Some(rest);
        *uri = Uri::from_parts(parts).unwrap_or_default();
    }
    Ok(asked)
}

/// The form that `Accept` likes best (RFC 9110, 12.5.1); of two that it likes alike the one that it names more exactly, then the
/// default.
fn accepted(headers: &HeaderMap, default: Option<CitationFormat>) -> Option<CitationFormat> {
    let mut ranges: Vec<(String, f32)> = Vec::new();
    for value in headers.get_all(header::ACCEPT) {
        for range in value.to_str().unwrap_or_default().split(',') {
            let mut parts = range.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default().to_ascii_lowercase();
            let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
            let weight = weight.map_or(1.0, |q| q.trim().parse().unwrap_or(0.0f32));
            ranges.push((name, weight));
        }
    }
    // The weight of a type is that of the range that names it most exactly.
    let of = |media: &str| {
        let group = format!("{}/*", media.split('/').next().unwrap_or_default());
        let exact = |name: &str| match name {
            name if name == media => 3,
            name if name == group => 2,
            "*/*" => 1,
            _ => 0,
        };
        let best = ranges.iter().map(|(name, weight)| (exact(name), *weight)).filter(|(exact, _)| *exact > 0);
        best.max_by_key(|(exact, _)| *exact).filter(|(_, weight)| *weight > 0.0)
    };
    let json = default.is_none().then_some((None, "application/json"));
    let others = CitationFormat::ALL.into_iter().map(|format| (Some(format), format.media_type()));
    let liked = json.into_iter().chain(others).filter_map(|(form, media)| Some((form, of(media)?)));
    // Of equals the first.
    let best = liked.reduce(|best, other| {
        let better = (other.1.1, other.1.0) > (best.1.1, best.1.0);
        if better { other } else { best }
    });
    best.map_or(default, |(form, _)| form)
}

impl App {
    /// Answers with a list of papers, in the form that the request asks for.
    pub async fn papers<T: Serialize + ListOfPapers>(
        &self,
        work: impl FnOnce(&Engine) -> Result<T> + Send + 'static,
    ) -> Result<Response, ApiError> {
        let Some(format) = FORM.try_with(|form| *form).unwrap_or(None) else { return self.answer(work).await };
        let (lease, gzip) = (self.answers.lease(), Call::gzip());
        let (written, name) = self
            .blocking(move |engine| {
                let list = work(engine)?;
                let written = Written::with(|out| write(&list, format, out), gzip, lease);
                Ok((written, list.file_name()))
            })
            .await?;
        let mut response = written.map_err(|full| self.no_room(full))?.respond(content_type(format));
        let disposition = format!("attachment; filename=\"{name}.{}\"", format.extension());
        if let Ok(disposition) = HeaderValue::from_str(&disposition) {
            response.headers_mut().insert(header::CONTENT_DISPOSITION, disposition);
        }
        Ok(response)
    }
}

fn write(list: &impl ListOfPapers, format: CitationFormat, out: &mut dyn io::Write) -> io::Result<()> {
    let scored = list.papers().any(|(_, score)| score.is_some());
    let mut citations = Citations::begin(out, format, scored)?;
    for (paper, score) in list.papers() {
        citations.add(paper, score)?;
    }
    citations.finish().map(drop)
}

/// The media type with its parameters.
fn content_type(format: CitationFormat) -> &'static str {
    match format {
        CitationFormat::Bibtex => "application/x-bibtex; charset=utf-8",
        CitationFormat::Ris => "application/x-research-info-systems; charset=utf-8",
        CitationFormat::CslJson => "application/vnd.citationstyles.csl+json",
        CitationFormat::Csv => "text/csv; charset=utf-8; header=present",
    }
}

/// Says in the document that the operations in it are lists that come in other forms as well.
pub fn tell_forms(document: &mut Document) {
    let forms = CitationFormat::ALL.map(CitationFormat::name);
    let text = || ObjectBuilder::new().schema_type(SchemaType::Type(Type::String));
    for item in document.paths.paths.values_mut() {
        for operation in [&mut item.get, &mut item.post].into_iter().flatten() {
            let format = ParameterBuilder::new()
                .name("format")
                .parameter_in(ParameterIn::Query)
                .required(Required::False)
                .description(Some(
                    "the form of the list: `json` (default), `bibtex`, `ris`, `csl-json` or `csv`; `Accept` with its media \
                     type asks for the same. Errors are JSON in any",
                ))
                .schema(Some(text().enum_values(Some(std::iter::once(JSON).chain(forms)))));
            operation.parameters.get_or_insert_default().push(format.build().into());
            let Some(RefOr::T(answer)) = operation.responses.responses.get_mut("200") else { continue };
            for format in CitationFormat::ALL {
                let content = match format {
                    CitationFormat::CslJson => Content::new(Some(Array::new(Object::new()))),
                    _ => Content::new(Some(text())),
                };
                answer.content.insert(format.media_type().into(), content.into());
            }
        }
    }
}

/// One paper, to be cited.
#[derive(Serialize)]
struct Cited([Paper; 1]);

impl ListOfPapers for Cited {
    fn papers(&self) -> impl Iterator<Item = (&Paper, Option<f32>)> {
        self.0.iter().map(|paper| (paper, None))
    }

    fn file_name(&self) -> String {
        citations::key(&self.0[0])
    }
}

/// The reference to a paper
///
/// With a citation key that is made of the paper alone (`vaswani2017attention`), DOI, arXiv's fields, and what else its source
/// gave: volume, issue, pages, ISSN. The media type in `Accept` may ask for the form in place of `format`.
#[utoipa::path(get, operation_id = "cite_paper", path = "/v1/papers/{id}/citation", tag = "papers",
    params(("id" = String, Path, description = "the paper's id; `/` in it is written `%2F`"),
           ("format" = Option<FormName>, Query, description = "`bibtex` (default), `ris`, `csl-json` or `csv`")),
    responses((status = 200, content(
                  (String = "application/x-bibtex"), (String = "application/x-research-info-systems"),
                  (Vec<serde_json::Value> = "application/vnd.citationstyles.csl+json"), (String = "text/csv"))),
              (status = 404, body = ErrorBody)))]
pub async fn cite(State(app): State<App>, Id(id): Id, _: NoParams) -> Result<Response, ApiError> {
    app.papers(move |engine| Ok(Cited([engine.paper(&id)?]))).await
}

/// The form of a reference.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[allow(dead_code)] // This is what the OpenAPI document says; [`of_paper`] reads it.
pub enum FormName {
    /// BibTeX.
    Bibtex,
    /// RIS.
    Ris,
    /// CSL-JSON.
    CslJson,
    /// A table.
    Csv,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(accept: &str, default: Option<CitationFormat>) -> Option<CitationFormat> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_str(accept).expect("a header"));
        accepted(&headers, default)
    }

    #[test]
    fn accept_chooses_the_form_and_json_is_the_default() {
        use CitationFormat::{Bibtex, CslJson, Csv, Ris};
        for (accept, form) in [
            ("*/*", None),
            ("", None),
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", None),
            ("application/json", None),
            ("application/x-bibtex", Some(Bibtex)),
            ("application/x-bibtex, */*", Some(Bibtex)),
            ("application/x-bibtex;q=0.5, application/json", None),
            ("application/json;q=0.5, Application/X-Research-Info-Systems", Some(Ris)),
            ("application/vnd.citationstyles.csl+json; charset=utf-8, */*;q=0.1", Some(CslJson)),
            ("text/*", Some(Csv)),
            ("text/csv;q=0", None),
            ("application/pdf", None),
        ] {
            assert_eq!(accepts(accept, None), form, "{accept:?}");
        }
        assert_eq!(accepts("*/*", Some(Bibtex)), Some(Bibtex));
        assert_eq!(accepts("application/json", Some(Bibtex)), Some(Bibtex));
        assert_eq!(accepts("text/csv", Some(Bibtex)), Some(Csv));
        assert_eq!(accepted(&HeaderMap::new(), None), None);
    }

    #[test]
    fn the_parameter_is_taken_out_of_the_address() {
        let take = |uri: &str, default| {
            let mut uri: Uri = uri.parse().expect("an address");
            taken(&mut uri, default).map(|form| (form, uri.to_string())).map_err(|e| e.message)
        };
        let bibtex = Some(CitationFormat::Bibtex);
        assert_eq!(take("/v1/papers?a=1&format=bibtex&b=%26", None), Ok((Some(bibtex), "/v1/papers?a=1&b=%26".into())));
        assert_eq!(take("/v1/papers?%66ormat=json", None), Ok((Some(None), "/v1/papers".into())));
        assert_eq!(take("/v1/papers?format=", None), Ok((None, "/v1/papers".into())));
        assert_eq!(take("/v1/papers?q=format", None), Ok((None, "/v1/papers?q=format".into())));
        let refused = take("/v1/papers?format=docx", None).expect_err("refused");
        assert!(refused.contains("json, bibtex, ris, csl-json, csv"), "{refused}");
        assert!(take("/x?format=json", bibtex).expect_err("refused").ends_with("one of bibtex, ris, csl-json, csv"));
        assert!(take("/x?format=ris&format=csv", None).is_err());
    }
}
