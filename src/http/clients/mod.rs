//! Other people's clients, unchanged: the routes, shapes and limits of Semantic Scholar, of Hugging Face's papers, of OpenAI's embeddings
//! and of text-embeddings-inference, each a thin translation over the calls of the engine that our own handlers make.
//!
//! What goes wrong is an [`ApiError`] here as everywhere, from whatever layer it comes (routing, keys, bodies, time, panics);
//! [`speak`] says it in the words of whose client asked, which the path tells ([`Dialect`]).

mod dialect;
mod hugging_face;
pub mod mcp;
mod openai;
mod semantic_scholar;
mod tei;

use axum::Router;
use axum::routing::post;
use utoipa::openapi::{Content, OpenApi as Document, RefOr, Response, ResponseBuilder};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::App;

pub use dialect::{Dialect, speak};
use dialect::{EMPTY, KIND, PARAM};

/// The routes that stand in the document.
pub fn routes() -> OpenApiRouter<App> {
    let scholar = OpenApiRouter::new()
        .routes(routes!(semantic_scholar::recommend::for_paper))
        .routes(routes!(semantic_scholar::recommend::for_lists))
        .routes(routes!(semantic_scholar::papers::get))
        .routes(routes!(semantic_scholar::papers::batch))
        .routes(routes!(semantic_scholar::search::search))
        .routes(routes!(semantic_scholar::search::title_match))
        .routes(routes!(semantic_scholar::search::autocomplete));
    let hub = OpenApiRouter::new()
        .routes(routes!(hugging_face::daily_papers))
        .routes(routes!(hugging_face::list))
        .routes(routes!(hugging_face::search))
        .routes(routes!(hugging_face::get))
        .routes(routes!(hugging_face::read));
    let openai = OpenApiRouter::new()
        .routes(routes!(openai::embeddings))
        .routes(routes!(openai::models))
        .routes(routes!(openai::model));
    let tei =
        OpenApiRouter::new().routes(routes!(tei::embed)).routes(routes!(tei::similarity)).routes(routes!(tei::info));
    [(scholar, Dialect::SemanticScholar), (hub, Dialect::HuggingFace), (openai, Dialect::OpenAi), (tei, Dialect::Tei)]
        .into_iter()
        .map(|(mut routes, dialect)| {
            describe(routes.get_openapi_mut(), dialect);
            routes
        })
        .fold(OpenApiRouter::new(), OpenApiRouter::merge)
}

/// The same calls under second names, which the document tells with the first ones.
pub fn second_names() -> Router<App> {
    Router::new()
        .route("/", post(tei::embed))
        .route("/recommendations/v1/papers", post(semantic_scholar::recommend::for_lists))
}

/// Statuses that may come of any of these calls.
const STATUSES: [&str; 15] =
    ["default", "400", "401", "403", "404", "405", "408", "413", "415", "421", "422", "424", "429", "500", "503"];

/// Completes what the document says of the calls of one client: the shape of its errors, and the names of paths (what takes a `/` in an
/// id as it is has a `*` in the router alone).
fn describe(document: &mut Document, dialect: Dialect) {
    let paths = std::mem::take(&mut document.paths.paths);
    document.paths.paths = paths.into_iter().map(|(path, item)| (path.replace("{*", "{"), item)).collect();
    for item in document.paths.paths.values_mut() {
        for operation in [&mut item.get, &mut item.post].into_iter().flatten() {
            for status in STATUSES {
                let error = || RefOr::T(error_response(dialect));
                operation.responses.responses.entry(status.into()).or_insert_with(error);
            }
        }
    }
}

fn error_response(dialect: Dialect) -> Response {
    ResponseBuilder::new().content("application/json", Content::new(Some(dialect.error_schema()))).build()
}
