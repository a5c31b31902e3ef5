//! temporary
use super::App;
use axum::http::{Extensions, HeaderMap, Uri, header};
pub struct Way {
    pub host: Option<String>,
    pub https: Option<bool>,
}
impl Way {
    pub fn of(_app: &App, headers: &HeaderMap, _uri: &Uri, _extensions: &Extensions) -> Self {
        Way { host: headers.get(header::HOST).and_then(|h| h.to_str().ok()).map(Into::into), https: None }
    }
}
