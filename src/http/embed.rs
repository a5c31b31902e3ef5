//! Vectors for texts.

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::App;
use super::error::ApiError;
use super::extract::Fields;
use crate::embed::Kind;

/// Texts to embed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EmbedBody {
    /// 1 to 1024 texts of at most 262,144 bytes.
    #[schema(min_items = 1, max_items = 1024)]
    inputs: Vec<String>,
    /// What they are, for models that want to be told; `document` by default.
    #[serde(default)]
    kind: InputKind,
}

/// What a text is.
#[derive(Deserialize, ToSchema, Default, Clone, Copy)]
#[serde(rename_all = "lowercase")]
pub enum InputKind {
    /// A paper.
    #[default]
    Document,
    /// What a reader typed.
    Query,
}

/// Vectors of length 1, in the order of the texts.
#[derive(Serialize, ToSchema)]
pub struct Embedded {
    /// One for each text.
    vectors: Vec<Vec<f32>>,
    /// The name of the model that made them.
    model: String,
    /// Numbers in each.
    dimension: usize,
}

/// Vectors for texts
///
/// A text is embedded as those of papers are: JATS, HTML, MathML and LaTeX in it count as the text they stand for.
#[utoipa::path(post, operation_id = "embed", path = "/v1/embed", tag = "embed", request_body = EmbedBody,
    responses((status = 200, body = Embedded)))]
pub async fn post(State(app): State<App>, Fields(given): Fields) -> Result<Response, ApiError> {
    let body: EmbedBody = given.rest()?;
    let kind = match body.kind {
        InputKind::Document => Kind::Document,
        InputKind::Query => Kind::Query,
    };
    app.answer(move |engine| {
        let texts: Vec<&str> = body.inputs.iter().map(String::as_str).collect();
        let (vectors, model) = engine.embed(&texts, kind)?;
        Ok(Embedded { vectors, model: model.name, dimension: model.dimension })
    })
    .await
}
