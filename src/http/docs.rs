//! What the OpenAPI document says of the service as a whole.

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response as Answered};
use axum::routing::get;
use serde::Deserialize;
use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::schema::{Discriminator, KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{
    Components, Content, ContentBuilder, OpenApi as Document, Ref, RefOr, Response, ResponseBuilder, Server,
};
use utoipa::{OpenApi, PartialSchema, ToSchema};
use utoipa_swagger_ui::Config;

use super::App;
use super::access::{self, Entry};
use super::base::Base;
use super::citations::FormName;
use super::error::ApiError;
use super::feed::FeedParameters;
use super::recommend::Bounds;
use super::request_fields::Ranking;
use super::search::Searching;
use crate::access::{Needs, Scope};
use crate::engine::{Answer, Hit, LibrarySort, Report, SearchSort};
use crate::paper::Paper;

/// Schemas by name.
type Schemas = std::collections::BTreeMap<String, RefOr<Schema>>;

/// The frame; the routes add themselves.
#[derive(OpenApi)]
#[openapi(
    info(title = "paperkin", description = "Finds a reader the few papers that matter.\n\nEvery error has the shape \
        `{\"error\": {\"code\", \"message\", \"detail\"}}`: what cannot be read is 400, what can be read and is not allowed is \
        422, what is allowed and does not exist is 404, what could be written if there were room on the disk is 507. `score` is similarity, for a user standard deviations above a paper \
        at large, in trending attention a day; greater is better. A `/` in an id is written `%2F` in a path. A query string \
        longer than 64 kB is refused by the server itself, and one of more than 2,000 parameters is 422: send long texts and \
        lists with POST. Every list of a request has a greatest length (`maxItems`); one that is longer is 422."),
    // Beside those that every answer has, the ones that parameters alone name: nothing else brings them in.
    components(schemas(Answer, Hit, Paper, Report, FormName, LibrarySort, SearchSort)),
    tags((name = "search", description = "Papers for words, papers like one"),
         (name = "recommend", description = "Papers for examples"),
         (name = "users", description = "Readers, what they did, and what is for them"),
         (name = "papers", description = "Papers in, out and gone"),
         (name = "themes", description = "What the corpus is about"),
         (name = "embed", description = "Vectors"),
         (name = "mail", description = "Papers by mail"),
         (name = "semantic scholar", description = "What the client `semanticscholar` asks"),
         (name = "hugging face", description = "What the client `huggingface_hub` asks of papers"),
         (name = "openai", description = "What the client `openai` asks of embeddings"),
         (name = "text-embeddings-inference", description = "What `InferenceClient` of `huggingface_hub` asks of embeddings"),
         (name = "operation", description = "Health and figures"))
)]
pub struct Frame;

/// Papers to put in: one, or several.
#[derive(Deserialize, ToSchema)]
// What the document says; `papers::put` reads them. None is ever made, so its size is nothing.
#[allow(dead_code, clippy::large_enum_variant)]
#[serde(untagged)]
pub enum PapersBody {
    /// One.
    One(PaperBody),
    /// Several.
    Several(SeveralPapers),
}

/// Several papers to put in.
#[derive(Deserialize, ToSchema)]
#[allow(dead_code)]
pub struct SeveralPapers {
    /// The papers; at most 100,000. More go as a stream, `application/x-ndjson`.
    #[schema(max_items = 100_000)]
    papers: Vec<PaperBody>,
}

/// A paper to put in. Only `id` and `title` are required; a field that is not one of these is kept under `extra`,
/// 65,536 bytes of JSON in all.
#[derive(Deserialize, ToSchema)]
#[allow(dead_code)]
pub struct PaperBody {
    /// Its name: 1 to 256 bytes.
    #[schema(min_length = 1, max_length = 256)]
    id: String,
    /// The title; not blank, at most 4,096 bytes.
    #[schema(min_length = 1, max_length = 4096)]
    title: String,
    /// The abstract; at most 102,400 bytes are kept.
    #[schema(max_length = 102400)]
    r#abstract: Option<String>,
    /// Full names, in order; at most 10,000, each of at most 1,024 bytes.
    #[schema(max_items = 10000)]
    authors: Option<Vec<String>>,
    /// When it appeared: `YYYY`, `YYYY-MM` or `YYYY-MM-DD`.
    date: Option<String>,
    /// Subject classes, for example `cs.CV`; at most 1,000.
    #[schema(max_items = 1000)]
    categories: Option<Vec<String>>,
    /// Free terms; at most 1,000.
    #[schema(max_items = 1000)]
    keywords: Option<Vec<String>>,
    /// Journal, conference or series; at most 1,024 bytes.
    #[schema(max_length = 1024)]
    venue: Option<String>,
    /// Where it was made; at most 1,024 bytes.
    #[schema(max_length = 1024)]
    organization: Option<String>,
    /// Where it can be read; at most 4,096 bytes.
    #[schema(max_length = 4096)]
    url: Option<String>,
    /// Votes of readers.
    upvotes: Option<u32>,
    /// Number of comments.
    comments: Option<u32>,
    /// Who put it on the daily list; at most 1,024 bytes.
    #[schema(max_length = 1024)]
    submitted_by: Option<String>,
    /// The day it was put on the daily list, as `date`.
    listed: Option<String>,
}

/// What stands in the document where the address of the service belongs.
const ADDRESS: &str = "http://address.of.the.service";

/// The document, and a page to try it. Both name no place of their own, so that they work below any prefix.
pub fn routes(document: Document) -> Router<App> {
    let mut document = completed(document);
    document.servers = Some(vec![Server::new(ADDRESS)]);
    // Texts under text keys: writing it cannot fail.
    let text: Arc<str> = serde_json::to_string(&document).unwrap_or_default().into();
    let page = Arc::new(Config::new(["../openapi.json"]));
    let of = move |path: &str| file(path, &page);
    let first = of.clone();
    Router::new()
        .route(
            "/openapi.json",
            get(move |Base(base): Base| async move {
                let headers =
                    [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "private, no-cache")];
                (headers, text.replacen(ADDRESS, &base, 1))
            }),
        )
        // Relative, so that it stays below a prefix that a proxy takes off.
        .route("/docs", get(|| async { (StatusCode::SEE_OTHER, [(header::LOCATION, "docs/")]) }))
        .route("/docs/", get(move || async move { first("") }))
        .route("/docs/{*rest}", get(move |Path(rest): Path<String>| async move { of(&rest) }))
}

/// A file of the page.
fn file(path: &str, page: &Arc<Config<'static>>) -> Answered {
    match utoipa_swagger_ui::serve(path, Arc::clone(page)) {
        Ok(Some(file)) => {
            let mut response = file.bytes.into_owned().into_response();
            if let Ok(media_type) = HeaderValue::from_str(&file.content_type) {
                response.headers_mut().insert(header::CONTENT_TYPE, media_type);
            }
            if file.gzpipped {
                response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            }
            response
        }
        Ok(None) => ApiError::new(StatusCode::NOT_FOUND, format!("there is nothing at /docs/{path}")).into_response(),
        Err(e) => {
            tracing::error!("the page of the document: {e}");
            ApiError::internal().into_response()
        }
    }
}

/// The document with what is true of many routes: bodies of ranking calls take the parameters of ranking calls, every error
/// has one shape, and some can come from any route.
pub fn completed(mut document: Document) -> Document {
    let further: [(&str, Vec<RefOr<Schema>>); 4] = [
        ("SearchBody", vec![Ranking::schema(), Searching::schema()]),
        ("BatchBody", vec![Ranking::schema()]),
        ("PreviewBody", vec![Ranking::schema(), FeedParameters::schema()]),
        ("RecommendBody", vec![Ranking::schema(), Bounds::schema()]),
    ];
    let schemas = document.components.get_or_insert_default();
    for (name, taken) in further {
        if let Some(RefOr::T(Schema::Object(body))) = schemas.schemas.get_mut(name) {
            for schema in taken {
                if let RefOr::T(Schema::Object(parameters)) = schema {
                    body.properties.extend(parameters.properties);
                }
            }
        }
    }
    name_parts(&mut schemas.schemas);
    add_security(schemas);
    for (address, path) in &mut document.paths.paths {
        let operations: [&mut Option<Operation>; 5] =
            [&mut path.get, &mut path.put, &mut path.post, &mut path.delete, &mut path.patch];
        for (k, operation) in operations.into_iter().enumerate().filter_map(|(k, o)| Some((k, o.as_mut()?))) {
            let method = &METHODS[k];
            let mut common = vec!["default", "421"];
            if let Entry::Call(needs) = access::entry(method, &access::as_in_router(address)) {
                say_needs(operation, needs);
                if !matches!(needs, Needs::Nothing | Needs::OwnSecret) {
                    common.extend(["401", "403", "429"]);
                }
            }
            if address.starts_with("/v1/") {
                common.extend(["400", "408", "429", "500", "503"]);
                // What reads alone needs no room.
                common.extend((k > 0).then_some("507"));
                let mut parameters = operation.parameters.iter().flatten();
                let body = operation.request_body.is_some();
                if body {
                    common.extend(["413", "415"]);
                }
                if body || parameters.any(|p| matches!(p, RefOr::T(p) if p.parameter_in == ParameterIn::Query)) {
                    common.push("422");
                }
            }
            files_are_bytes(operation);
            let responses = &mut operation.responses.responses;
            for status in common {
                responses.entry(status.into()).or_insert_with(error);
            }
            for (status, response) in responses.iter_mut() {
                if let RefOr::T(response) = response
                    && response.description.is_empty()
                {
                    response.description = meaning(status).into();
                }
            }
        }
    }
    document
}

/// Bodies that are files: an archive, a map, a stream of lines, a reading list in whatever characters.
const FILES: [&str; 3] = ["application/octet-stream", "application/zstd", "application/x-ndjson"];

/// Says of bodies that are files that they are bytes: a client that is made from the document then neither reads them as text
/// nor writes them as JSON.
fn files_are_bytes(operation: &mut Operation) {
    let body = operation.request_body.iter_mut();
    let sent = body.filter_map(|b| if let RefOr::T(body) = b { Some(&mut body.content) } else { None });
    let responses = operation.responses.responses.values_mut();
    let given = responses.filter_map(|r| if let RefOr::T(response) = r { Some(&mut response.content) } else { None });
    for (_, content) in sent.flatten().chain(given.flatten()).filter(|(media, _)| FILES.contains(&media.as_str())) {
        let bytes = ObjectBuilder::new().schema_type(Type::String);
        let bytes = bytes.format(Some(SchemaFormat::KnownFormat(KnownFormat::Binary)));
        *content = Content::new(Some(bytes)).into();
    }
}

/// The methods of the operations of a path, in the order in which [`completed`] looks at them.
const METHODS: [Method; 5] = [Method::GET, Method::PUT, Method::POST, Method::DELETE, Method::PATCH];

/// The names of the ways to say who asks.
const KEY: &str = "key";
const KEY_HEADER: &str = "key_header";
const FEED_TOKEN: &str = "feed_token";

/// The ways to say who asks.
fn add_security(components: &mut Components) {
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("pk_<id>_<secret>").description(Some(
        "A key. It is asked for where the setting `[auth] mode` is `keys`; elsewhere one that is sent is looked at all the same. \
         `paperkin keys add` and `POST /v1/keys` make one.",
    ));
    components.add_security_scheme(KEY, SecurityScheme::Http(bearer.build()));
    let header = ApiKey::Header(ApiKeyValue::with_description("X-Api-Key", "The same key, as other services take it."));
    components.add_security_scheme(KEY_HEADER, SecurityScheme::ApiKey(header));
    let token =
        ApiKey::Query(ApiKeyValue::with_description("token", "The secret of one feed: `POST /v1/users/{user}/token`."));
    components.add_security_scheme(FEED_TOKEN, SecurityScheme::ApiKey(token));
}

/// Says what an operation needs of who calls it, by the table.
fn say_needs(operation: &mut Operation, needs: Needs) {
    let (ways, said): (&[&str], _) = match needs {
        Needs::Nothing => (&[], None),
        Needs::OwnSecret => (&[FEED_TOKEN], None),
        Needs::Scope(scope) => {
            (&[KEY, KEY_HEADER], Some((scope, format!("Needs the scope `{scope}`, where keys are asked for."))))
        }
        Needs::Reader => {
            let said = "Needs a key of this user, or the scope `users`, where keys are asked for.";
            (&[KEY, KEY_HEADER], Some((Scope::Users, said.to_string())))
        }
    };
    let scopes: Vec<&str> = said.iter().map(|(scope, _)| scope.name()).collect();
    operation.security = Some(ways.iter().map(|way| SecurityRequirement::new(*way, scopes.clone())).collect());
    if let Some((_, said)) = said {
        let text = operation.description.get_or_insert_default();
        if !text.is_empty() {
            text.push_str("\n\n");
        }
        text.push_str(&said);
    }
}

/// Gives every kind of reason a schema of its own, and says by which field they are told apart, so that a generated client
/// has a type for each.
fn name_parts(schemas: &mut Schemas) {
    let Some(RefOr::T(Schema::OneOf(parts))) = schemas.get_mut("Part") else { return };
    let (mut named, mut mapping) = (Vec::new(), Vec::new());
    for item in &mut parts.items {
        let Some(kind) = kind_of(item) else { continue };
        let name = format!("{}{}Part", kind[..1].to_uppercase(), &kind[1..]);
        let own = Ref::from_schema_name(&name);
        mapping.push((kind, own.ref_location.clone()));
        named.push((name, std::mem::replace(item, RefOr::Ref(own))));
    }
    parts.discriminator = Some(Discriminator::with_mapping("kind", mapping));
    schemas.extend(named);
}

/// The one word that the field `kind` of a schema holds.
fn kind_of(schema: &RefOr<Schema>) -> Option<String> {
    let RefOr::T(Schema::Object(object)) = schema else { return None };
    let RefOr::T(Schema::Object(kind)) = object.properties.get("kind")? else { return None };
    kind.enum_values.as_ref()?.first()?.as_str().map(str::to_string)
}

/// An error, in the one shape of all.
fn error() -> RefOr<Response> {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("ErrorBody"))).build();
    RefOr::T(ResponseBuilder::new().content("application/json", content).build())
}

/// What a status says on whichever route it comes.
fn meaning(status: &str) -> &'static str {
    match status {
        "200" => "the answer",
        "202" => "it goes on in the background",
        "204" => "done",
        "304" => "the client has it already",
        "400" => "cannot be read: broken JSON, a number that is none, a parameter or field that does not exist",
        "401" => "a key, session or token is missing, or opens nothing",
        "403" => "not for whoever asks, or sent by a page of another site",
        "421" => "the host that is asked for is not one of this service; the setting `hosts` names more",
        "404" => "what is named does not exist",
        "408" => "it took too long",
        "409" => "it is being done already",
        "413" => "the body is too long",
        "415" => "the body is of another media type, or compressed",
        "422" => "can be read and is not allowed",
        "429" => {
            "too many requests, or too many attempts that failed, came from this key, session or address; ask again after \
             `Retry-After` seconds"
        }
        "500" => "something went wrong inside; the log of the service says more",
        "503" => {
            "too much is waiting, the data folder is still being opened, or it was taken away and nothing was written; try again \
             after `Retry-After` seconds"
        }
        "507" => {
            "the disk is full: this was not written, what was reported as stored is safe; send it again when there is room"
        }
        _ => "any error",
    }
}
