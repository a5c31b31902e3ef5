//! What the OpenAPI document says of the service as a whole.

use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::Schema;
use utoipa::openapi::{ContentBuilder, OpenApi as Document, Ref, RefOr, ResponseBuilder};
use utoipa::{OpenApi, PartialSchema};

use super::ask::Ranking;
use super::feed::FeedParameters;
use super::recommend::Bounds;
use crate::engine::{Answer, Hit, Report};
use crate::paper::Paper;

/// The frame; the routes add themselves.
#[derive(OpenApi)]
#[openapi(
    info(title = "paperkin", description = "Finds a reader the few papers that matter.\n\nEvery error has the shape \
        `{\"error\": {\"code\", \"message\", \"detail\"}}`: what cannot be read is 400, what can be read and is not allowed is \
        422, what is allowed and does not exist is 404. `score` is similarity; greater is closer. A `/` in an id is written \
        `%2F` in a path. A query string longer than 64 kB is refused by the server itself: send long texts with POST."),
    components(schemas(Answer, Hit, Paper, Report)),
    tags((name = "search", description = "Papers for words, papers like one"),
         (name = "recommend", description = "Papers for examples"),
         (name = "users", description = "Readers, what they did, and what is for them"),
         (name = "papers", description = "Papers in, out and gone"),
         (name = "themes", description = "What the corpus is about"),
         (name = "embed", description = "Vectors"),
         (name = "operation", description = "Health and figures"))
)]
pub struct Frame;

/// The document with what is true of many routes: bodies of ranking calls take the parameters of ranking calls, and every
/// error has one shape.
pub fn completed(mut document: Document) -> Document {
    let further: [(&str, Vec<RefOr<Schema>>); 4] = [
        ("SearchBody", vec![Ranking::schema()]),
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
    let error = || {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("ErrorBody"))).build();
        RefOr::T(ResponseBuilder::new().description("any error").content("application/json", content).build())
    };
    for path in document.paths.paths.values_mut() {
        let operations: [&mut Option<Operation>; 5] =
            [&mut path.get, &mut path.put, &mut path.post, &mut path.delete, &mut path.patch];
        for operation in operations.into_iter().flatten() {
            operation.responses.responses.entry("default".into()).or_insert_with(error);
        }
    }
    document
}
