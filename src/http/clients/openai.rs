//! OpenAI's embeddings, as the client `openai` reads them, and the list of the one model there is.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{KIND, PARAM};
use crate::bounds;
use crate::embed::Kind;
use crate::engine::EmbeddingWish;
use crate::http::App;
use crate::http::embed::InputKind;
use crate::http::error::ApiError;
use crate::http::extract::{Fields, Id, NoParams};
use crate::http::request_fields::RequestFields;
use crate::paper::head;

/// Texts in one call.
const INPUTS: usize = 2_048;

/// Texts to embed.
#[derive(Deserialize, ToSchema)]
#[allow(dead_code)] // This is what the OpenAPI document says; [`embeddings`] reads it.
pub struct OpenAiBody {
    /// A text, or 1 to 2,048 texts of at most 262,144 bytes.
    input: OpenAiInput,
    /// The model by its name, as `GET /v1/models` tells it.
    model: Option<String>,
    /// `float` (default) or `base64`: numbers of 32 bits, the lowest byte first.
    encoding_format: Option<String>,
    /// Numbers wanted in each vector, where the model allows fewer than all.
    dimensions: Option<Value>,
    /// Read, and of no effect.
    user: Option<String>,
    /// Beyond OpenAI: what the texts are, `document` (default) or `query`.
    kind: Option<InputKind>,
}

/// Texts.
#[derive(Deserialize, ToSchema)]
#[serde(untagged)]
#[allow(dead_code)]
pub enum OpenAiInput {
    /// One.
    One(String),
    /// Several.
    Several(Vec<String>),
}

/// Vectors of some texts.
#[derive(Serialize, ToSchema)]
pub struct OpenAiEmbeddings {
    /// `list`.
    object: &'static str,
    /// In the order of the texts.
    data: Vec<OpenAiEmbedding>,
    /// The name of the model.
    model: String,
    /// What was read.
    usage: OpenAiUsage,
}

/// The vector of one text, of length 1.
#[derive(Serialize, ToSchema)]
pub struct OpenAiEmbedding {
    /// `embedding`.
    object: &'static str,
    /// The vector.
    embedding: OpenAiVector,
    /// Which text, from 0 on.
    index: usize,
}

/// A vector.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub enum OpenAiVector {
    /// As numbers.
    Float(Vec<f32>),
    /// As bytes.
    Base64(String),
}

/// What was read.
#[derive(Serialize, ToSchema)]
pub struct OpenAiUsage {
    /// Tokens of all texts.
    prompt_tokens: usize,
    /// The same.
    total_tokens: usize,
}

/// The models.
#[derive(Serialize, ToSchema)]
pub struct OpenAiModels {
    /// `list`.
    object: &'static str,
    /// One.
    data: Vec<OpenAiModel>,
}

/// A model.
#[derive(Serialize, ToSchema)]
pub struct OpenAiModel {
    /// Its name.
    id: String,
    /// `model`.
    object: &'static str,
    /// Not known: 0.
    created: u64,
    /// `paperkin`.
    owned_by: &'static str,
}

impl OpenAiModel {
    fn called(name: String) -> Self {
        OpenAiModel { id: name, object: "model", created: 0, owned_by: "paperkin" }
    }
}

impl OpenAiVector {
    fn of(vector: Vec<f32>, base64: bool) -> Self {
        if !base64 {
            return OpenAiVector::Float(vector);
        }
        let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
        OpenAiVector::Base64(STANDARD.encode(bytes))
    }
}

/// An error that names the parameter which is wrong.
fn wrong(param: &str, message: impl Into<String>) -> ApiError {
    ApiError { detail: Some(json!({ PARAM: param })), ..ApiError::bad_request(message) }
}

/// The texts of a request.
fn inputs(given: &mut RequestFields) -> Result<Vec<String>, ApiError> {
    let texts = match given.take("input").value {
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(items)) => {
            if items.iter().any(|item| item.is_number() || item.is_array()) {
                return Err(wrong(
                    "input",
                    "input holds token ids, which mean nothing to another model than the one they were made for: send texts (with \
                     langchain-openai, check_embedding_ctx_length=False)",
                ));
            }
            let texts: Option<Vec<String>> =
                items.into_iter().map(|item| if let Value::String(text) = item { Some(text) } else { None }).collect();
            texts.ok_or_else(|| wrong("input", "input must be a text or a list of texts"))?
        }
        None => return Err(wrong("input", "you must provide an input: a text or a list of texts")),
        Some(_) => return Err(wrong("input", "input must be a text or a list of texts")),
    };
    match texts.len() {
        0 => Err(wrong("input", "input is an empty list")),
        n if n > INPUTS => {
            Err(wrong("input", format!("input has {n} texts; at most {INPUTS} are allowed in one call")))
        }
        _ => Ok(texts),
    }
}

/// Whether a name is that of the model, with or without the name of who made it.
fn is_called(model: &str, asked: &str) -> bool {
    asked == model || asked.rsplit_once('/').is_some_and(|(_, name)| name == model)
}

fn no_model(asked: &str, there_is: &str) -> ApiError {
    let message = format!("the model {:?} does not exist here; there is {there_is:?}", head(asked, 100));
    let detail = Some(json!({ KIND: "model_not_found", PARAM: "model" }));
    ApiError { detail, ..ApiError::new(StatusCode::NOT_FOUND, message) }
}

/// Vectors for texts, as OpenAI gives them
///
/// Those of `POST /v1/embed`. A text that is longer than the model reads counts with its beginning. `usage` counts the tokens that were
/// read. Token ids in place of texts are 400.
#[utoipa::path(post, operation_id = "openai_embeddings", path = "/v1/embeddings", tag = "openai", request_body = OpenAiBody,
    responses((status = 200, body = OpenAiEmbeddings)))]
pub async fn embeddings(State(app): State<App>, Fields(mut given): Fields) -> Result<Response, ApiError> {
    let texts = inputs(&mut given)?;
    let asked: Option<String> = given.take("model").word()?;
    let base64 = match given.take("encoding_format").word::<String>()?.as_deref() {
        None | Some("float") => false,
        Some("base64") => true,
        Some(_) => return Err(wrong("encoding_format", "encoding_format is one of float, base64")),
    };
    let dimension = given.take("dimensions").whole()?;
    if dimension == Some(0) {
        return Err(wrong("dimensions", "dimensions is 0; it must be 1 or more"));
    }
    let kind: InputKind = given.take("kind").word()?.unwrap_or_default();
    drop(given.take("user"));
    if let Some(name) = given.0.keys().next() {
        return Err(ApiError::bad_request(format!("Unrecognized request argument supplied: {}", head(name, 60))));
    }
    let engine = app.engine()?;
    let model = engine.model().name;
    if let Some(asked) = asked.filter(|asked| !is_called(&model, asked)) {
        return Err(no_model(&asked, &model));
    }
    let wish = EmbeddingWish { kind: kind.into(), dimension, whole: false };
    app.answer(move |engine| {
        let (mut data, mut tokens, mut model) = (Vec::with_capacity(texts.len()), 0, String::new());
        for piece in texts.chunks(bounds::TEXTS) {
            let piece: Vec<&str> = piece.iter().map(String::as_str).collect();
            let made = engine.embed_as(&piece, &wish)?;
            tokens += made.tokens;
            model = made.model.name;
            for vector in made.vectors {
                let (embedding, index) = (OpenAiVector::of(vector, base64), data.len());
                data.push(OpenAiEmbedding { object: "embedding", embedding, index });
            }
        }
        let usage = OpenAiUsage { prompt_tokens: tokens, total_tokens: tokens };
        Ok(OpenAiEmbeddings { object: "list", data, model, usage })
    })
    .await
}

/// The models, as OpenAI lists them
///
/// The one whose vectors the papers have.
#[utoipa::path(get, operation_id = "openai_models", path = "/v1/models", tag = "openai",
    responses((status = 200, body = OpenAiModels)))]
pub async fn models(State(app): State<App>, _: NoParams) -> Result<Response, ApiError> {
    app.answer(|engine| Ok(OpenAiModels { object: "list", data: vec![OpenAiModel::called(engine.model().name)] })).await
}

/// A model, as OpenAI has it
#[utoipa::path(get, operation_id = "openai_model", path = "/v1/models/{*id}", tag = "openai",
    params(("id" = String, Path, description = "its name; a `/` may stand in it as it is")),
    responses((status = 200, body = OpenAiModel)))]
pub async fn model(State(app): State<App>, Id(id): Id, _: NoParams) -> Result<Response, ApiError> {
    let name = app.engine()?.model().name;
    match is_called(&name, &id) {
        true => app.answer(move |_| Ok(OpenAiModel::called(name))).await,
        false => Err(no_model(&id, &name)),
    }
}

impl From<InputKind> for Kind {
    fn from(kind: InputKind) -> Self {
        match kind {
            InputKind::Document => Kind::Document,
            InputKind::Query => Kind::Query,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Map;

    #[test]
    fn texts_are_read_and_tokens_are_not() {
        let read = |input: Value| {
            let mut given = RequestFields(Map::new());
            given.0.insert("input".into(), input);
            inputs(&mut given).map_err(|e| (e.message, e.detail))
        };
        assert_eq!(read(json!("one")), Ok(vec!["one".to_string()]));
        assert_eq!(read(json!(["one", "two"])), Ok(vec!["one".to_string(), "two".to_string()]));
        for (input, why) in [
            (json!([1, 2]), "token ids"),
            (json!([[1, 2], [3]]), "token ids"),
            (json!([]), "empty"),
            (json!({}), "a text or a list"),
            (json!(["a", null]), "a text or a list"),
            (json!(vec!["a"; 2_049]), "2049 texts"),
        ] {
            let (message, detail) = read(input.clone()).expect_err("refused");
            assert!(message.contains(why) && detail == Some(json!({ "param": "input" })), "{input}: {message}");
        }
    }

    #[test]
    fn a_vector_as_bytes_is_the_same_vector() {
        let vector = vec![1.0f32, -0.5, f32::MIN_POSITIVE];
        let OpenAiVector::Base64(text) = OpenAiVector::of(vector.clone(), true) else { panic!("bytes") };
        let bytes = STANDARD.decode(text).expect("base64");
        let back: Vec<f32> = bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        assert_eq!(back, vector);
    }

    #[test]
    fn a_model_is_called_with_and_without_its_makers_name() {
        assert!(is_called("all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2") && is_called("a/b", "a/b"));
        assert!(!is_called("all-MiniLM-L6-v2", "text-embedding-3-small") && !is_called("a/b", "b"));
    }
}
