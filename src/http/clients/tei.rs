//! The routes of text-embeddings-inference, as `InferenceClient` of `huggingface_hub` asks them.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::{EMPTY, KIND};
use crate::bounds;
use crate::embed::Kind;
use crate::engine::EmbeddingWish;
use crate::http::App;
use crate::http::error::ApiError;
use crate::http::extract::{Fields, NoParams};
use crate::http::request_fields::RequestFields;
use crate::paper::head;
use crate::vector::dot;

/// Texts to embed.
#[derive(Deserialize, ToSchema)]
#[allow(dead_code)] // This is what the OpenAPI document says; [`embed`] reads it.
pub struct TeiBody {
    /// A text, or 1 to 1,024 texts of at most 262,144 bytes.
    inputs: TeiInputs,
    /// Only true: all vectors have length 1.
    normalize: Option<bool>,
    /// Whether a text that is longer than the model reads counts with its beginning; else it is refused. False by default.
    truncate: Option<bool>,
    /// Only `right`.
    truncation_direction: Option<String>,
    /// What the texts are: `query`, or `document` (default; also `passage`).
    prompt_name: Option<String>,
    /// Numbers wanted in each vector, where the model allows fewer than all.
    dimensions: Option<Value>,
}

/// Texts.
#[derive(Deserialize, ToSchema)]
#[serde(untagged)]
#[allow(dead_code)]
pub enum TeiInputs {
    /// One.
    One(String),
    /// Several.
    Several(Vec<String>),
}

/// Texts to compare.
#[derive(Deserialize, ToSchema)]
#[allow(dead_code)]
pub struct TeiSimilarityBody {
    /// The texts.
    inputs: TeiSentences,
    /// `truncate`, `truncation_direction` and `prompt_name`, as for `/embed`.
    parameters: Option<Map<String, Value>>,
}

/// A text, and those to compare it with.
#[derive(Deserialize, ToSchema)]
pub struct TeiSentences {
    /// The text.
    source_sentence: String,
    /// The others; 1 to 1,023.
    sentences: Vec<String>,
}

/// What runs.
#[derive(Serialize, ToSchema)]
pub struct TeiInfo {
    /// The name of the model.
    model_id: String,
    /// A hash over its weights and every setting that changes a vector.
    model_sha: String,
    /// The precision of its products.
    model_dtype: String,
    /// What it does.
    model_type: TeiModelType,
    /// Tokens that it reads of a text; null where it reads all of it.
    max_input_length: Option<usize>,
    /// Texts in one call.
    max_client_batch_size: usize,
    /// Whether longer texts are truncated without being asked to.
    auto_truncate: bool,
    /// Numbers in a vector. Beyond text-embeddings-inference.
    dimension: usize,
    /// The version of this service.
    version: &'static str,
}

/// It embeds.
#[derive(Serialize, ToSchema)]
pub struct TeiModelType {
    /// Nothing more is told.
    embedding: Map<String, Value>,
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, message)
}

fn empty(message: &str) -> ApiError {
    ApiError { detail: Some(json!({ KIND: EMPTY })), ..ApiError::bad_request(message) }
}

/// The texts of a request.
fn inputs(given: &mut RequestFields) -> Result<Vec<String>, ApiError> {
    let texts = match given.take("inputs").value {
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(items)) if items.iter().any(|item| item.is_number() || item.is_array()) => {
            return Err(invalid("`inputs` holds token ids: send texts"));
        }
        Some(Value::Array(items)) => {
            let text = |item| if let Value::String(text) = item { Some(text) } else { None };
            let texts: Option<Vec<String>> = items.into_iter().map(text).collect();
            texts.ok_or_else(|| invalid("`inputs` must be a text or a list of texts"))?
        }
        None => return Err(invalid("`inputs` is missing: a text or a list of texts")),
        Some(_) => return Err(invalid("`inputs` must be a text or a list of texts")),
    };
    match texts.len() {
        0 => Err(empty("`inputs` cannot be empty")),
        n if n > bounds::TEXTS => {
            let message = format!("batch size {n} > maximum allowed batch size {}", bounds::TEXTS);
            Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, message))
        }
        _ => Ok(texts),
    }
}

/// How the texts are to be embedded.
fn wish(given: &mut RequestFields) -> Result<EmbeddingWish, ApiError> {
    if given.take("normalize").truth()? == Some(false) {
        return Err(invalid("`normalize` is false, and all vectors here have length 1: leave it away"));
    }
    match given.take("truncation_direction").word::<String>()? {
        Some(side) if !side.eq_ignore_ascii_case("right") => {
            return Err(invalid("`truncation_direction` must be right: of a long text the beginning counts"));
        }
        _ => {}
    }
    let kind = match given.take("prompt_name").word::<String>()?.as_deref() {
        None | Some("document" | "passage") => Kind::Document,
        Some("query") => Kind::Query,
        Some(other) => {
            let message = format!("there is no prompt {:?}; there are document and query", head(other, 60));
            return Err(invalid(message));
        }
    };
    let dimension = match given.take("dimensions").whole()? {
        Some(0) => return Err(invalid("`dimensions` must be positive")),
        dimension => dimension,
    };
    let whole = !given.take("truncate").truth()?.unwrap_or(false);
    Ok(EmbeddingWish { kind, dimension, whole })
}

/// Vectors for texts, as text-embeddings-inference gives them
///
/// Those of `POST /v1/embed`; a list even of one. A text that is longer than the model reads is 422 without `truncate`. `POST /` is the
/// same call. Fields that are not known are not looked at, as there.
#[utoipa::path(post, operation_id = "tei_embed", path = "/embed", tag = "text-embeddings-inference", request_body = TeiBody,
    responses((status = 200, body = Vec<Vec<f32>>)))]
pub async fn embed(State(app): State<App>, Fields(mut given): Fields) -> Result<Response, ApiError> {
    let (texts, wish) = (inputs(&mut given)?, wish(&mut given)?);
    app.answer(move |engine| {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        Ok(engine.embed_as(&texts, &wish)?.vectors)
    })
    .await
}

/// How similar texts are to one, as text-embeddings-inference says it
///
/// The cosines of their vectors, in the order of the texts.
#[utoipa::path(post, operation_id = "tei_similarity", path = "/similarity", tag = "text-embeddings-inference",
    request_body = TeiSimilarityBody, responses((status = 200, body = Vec<f32>)))]
pub async fn similarity(State(app): State<App>, Fields(mut given): Fields) -> Result<Response, ApiError> {
    let parameters: Option<Map<String, Value>> = given.take("parameters").word()?;
    let wish = wish(&mut RequestFields(parameters.unwrap_or_default()))?;
    let texts: Option<TeiSentences> = given.take("inputs").word()?;
    let texts = texts.ok_or_else(|| invalid("`inputs` is missing: `source_sentence` and `sentences`"))?;
    if texts.sentences.is_empty() {
        return Err(empty("`inputs.sentences` cannot be empty"));
    }
    if texts.sentences.len() >= bounds::TEXTS {
        let message =
            format!("batch size {} > maximum allowed batch size {}", texts.sentences.len(), bounds::TEXTS - 1);
        return Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, message));
    }
    app.answer(move |engine| {
        let all = std::iter::once(&texts.source_sentence).chain(&texts.sentences);
        let all: Vec<&str> = all.map(String::as_str).collect();
        let vectors = engine.embed_as(&all, &wish)?.vectors;
        let (source, others) = vectors.split_first().ok_or_else(|| crate::Error::Internal("no vector came".into()))?;
        Ok(others.iter().map(|other| dot(source, other)).collect::<Vec<f32>>())
    })
    .await
}

/// What runs, as text-embeddings-inference tells it
#[utoipa::path(get, operation_id = "tei_info", path = "/info", tag = "text-embeddings-inference",
    responses((status = 200, body = TeiInfo)))]
pub async fn info(State(app): State<App>, _: NoParams) -> Result<Response, ApiError> {
    app.answer(|engine| {
        let (model, embedder) = (engine.model(), engine.embedder()?);
        let identity = embedder.identity();
        Ok(TeiInfo {
            model_id: model.name,
            model_sha: identity.fingerprint.clone(),
            model_dtype: identity.precision.to_string(),
            model_type: TeiModelType { embedding: Map::new() },
            max_input_length: embedder.max_tokens(),
            max_client_batch_size: bounds::TEXTS,
            auto_truncate: false,
            dimension: model.dimension,
            version: env!("CARGO_PKG_VERSION"),
        })
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(fields: Value) -> RequestFields {
        let Value::Object(fields) = fields else { panic!("an object") };
        RequestFields(fields)
    }

    #[test]
    fn texts_are_read_and_what_is_none_says_so() {
        assert_eq!(inputs(&mut given(json!({ "inputs": "a" }))).expect("a text"), ["a"]);
        for (body, status, why) in [
            (json!({ "inputs": [] }), 400, "empty"),
            (json!({ "inputs": [[101, 102]] }), 422, "token ids"),
            (json!({ "inputs": [101] }), 422, "token ids"),
            (json!({}), 422, "missing"),
            (json!({ "inputs": ["a", {}] }), 422, "a list of texts"),
            (json!({ "inputs": vec!["a"; 1_025] }), 413, "batch size 1025"),
        ] {
            let e = inputs(&mut given(body.clone())).expect_err("refused");
            assert!(e.status.as_u16() == status && e.message.contains(why), "{body}: {}", e.message);
        }
    }

    #[test]
    fn what_cannot_be_done_is_refused_and_not_left_out() {
        for body in [
            json!({ "normalize": false }),
            json!({ "truncation_direction": "Left" }),
            json!({ "prompt_name": "poem" }),
            json!({ "dimensions": 0 }),
            json!({ "dimensions": -1 }),
        ] {
            assert_eq!(wish(&mut given(body.clone())).expect_err("refused").status.as_u16(), 422, "{body}");
        }
        let asked =
            json!({ "normalize": true, "truncation_direction": "right", "truncate": true, "prompt_name": "query" });
        let read = wish(&mut given(asked)).expect("allowed");
        assert!(!read.whole && read.kind == Kind::Query);
        let read = wish(&mut given(json!({}))).expect("allowed");
        assert!(read.whole && read.kind == Kind::Document && read.dimension.is_none());
    }
}
