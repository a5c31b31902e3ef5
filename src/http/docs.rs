//! What the OpenAPI document says of the service as a whole.

use utoipa::OpenApi;

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
         (name = "embed", description = "Vectors"),
         (name = "operation", description = "Health and figures"))
)]
pub struct Frame;
