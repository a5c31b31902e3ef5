//! What a form without scripts sends.

use std::collections::HashMap;

use axum::extract::Request;

use crate::http::App;
use crate::http::body::whole;
use crate::http::error::ApiError;
use crate::http::extract::{body_type, unsupported};

/// Bytes of a form.
const LONGEST: usize = 16 << 10;

/// The fields of a form. Of a name that stands twice the first counts.
pub struct Form(HashMap<String, String>);

impl Form {
    /// Reads the body of a request.
    ///
    /// # Errors
    /// 415 for what no form sends, 413 for more than 16 kB.
    pub async fn read(app: &App, request: Request) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let wanted = "application/x-www-form-urlencoded";
        if body_type(&parts.headers)?.as_deref() != Some(wanted) {
            return Err(unsupported(&parts.headers, wanted));
        }
        let (bytes, _lease) = whole(app, body, LONGEST, "a form of this service is never that long").await?;
        let mut fields = HashMap::new();
        for (name, value) in form_urlencoded::parse(&bytes) {
            fields.entry(name.into_owned()).or_insert_with(|| value.into_owned());
        }
        Ok(Form(fields))
    }

    /// Whether it has a field of this name.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// What stands in a field; empty where it is missing.
    pub fn field(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }
}
