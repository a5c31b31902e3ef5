//! The parameters that every ranking call shares, from a query string or a JSON body alike.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::error::ApiError;
use crate::bounds;
use crate::engine::{Mode, SearchOptions};
use crate::error::Error;
use crate::paper::{Filter, Identifier, PaperDate, PaperId, head};

/// Parameters of every ranking call; in a body, fields of the same names.
///
/// This is what the OpenAPI document says; [`RequestFields::ask`] reads them, and a test holds the two together.
#[derive(Deserialize, IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
#[allow(dead_code)]
pub struct Ranking {
    /// Hits wanted.
    #[param(minimum = 1, maximum = 500, default = 10)]
    #[schema(minimum = 1, maximum = 500, default = 10)]
    limit: Option<u32>,
    /// Hits to pass over first.
    #[param(default = 0)]
    offset: Option<u64>,
    /// Papers of this date or later: `YYYY`, `YYYY-MM` or `YYYY-MM-DD`.
    from: Option<String>,
    /// Papers of this date or earlier; `2026` reaches to its last day.
    to: Option<String>,
    /// Papers in any of these categories (repeat the parameter); an archive stands for its classes, `math` for `math.OC`.
    #[param(max_items = 1_000)]
    #[schema(max_items = 1_000)]
    category: Option<Vec<String>>,
    /// Papers by any of these authors, by full name (repeat the parameter).
    #[param(max_items = 1_000)]
    #[schema(max_items = 1_000)]
    author: Option<Vec<String>>,
    /// Papers that any of these sources told of, by their names in the settings (repeat the parameter); `by hand` stands for
    /// what was ingested or sent.
    #[param(max_items = 1_000)]
    #[schema(max_items = 1_000)]
    source: Option<Vec<String>>,
    /// Papers that belong to any of these themes, by id (repeat the parameter).
    #[param(max_items = 50)]
    #[schema(max_items = 50)]
    theme: Option<Vec<String>>,
    /// None of these papers, by id or identifier (repeat the parameter).
    #[param(max_items = 10_000)]
    #[schema(max_items = 10_000)]
    exclude: Option<Vec<String>>,
    /// How texts are compared: `hybrid` (default; meaning and words, half and half, in a search of many telling words up to
    /// 0.7 of words), `dense` (meaning) or `lexical` (words).
    mode: Option<Mode>,
    /// From 0, closest first, to 1, as unlike each other as can be (maximal marginal relevance).
    #[param(minimum = 0, maximum = 1, default = 0)]
    #[schema(minimum = 0, maximum = 1, default = 0)]
    diversity: Option<f32>,
    /// Hits with a smaller score are left out. Not with `matching`, `facets` or a `sort` but `relevance`: these speak of all that match.
    min_score: Option<f32>,
    /// Whether each hit says where its score comes from (`why`; its parts sum to the score).
    explain: Option<bool>,
    /// Whether all versions and duplicates of a work are shown, and not only the newest.
    #[param(default = false)]
    versions: Option<bool>,
}

/// The fields of a request, from a query string or a JSON body, until they are taken.
///
/// What cannot be read is 400; what can be read and is not allowed is 422; what nobody takes is 400.
pub struct RequestFields(pub Map<String, Value>);

impl RequestFields {
    /// One field; null says as much as nothing.
    pub fn take(&mut self, name: &'static str) -> Field {
        Field { name, value: self.0.shift_remove(name).filter(|v| !v.is_null()) }
    }

    /// What every ranking call shares.
    pub fn ask(&mut self) -> Result<SearchOptions, ApiError> {
        let filter = self.filter()?;
        let mut take = |name| self.take(name);
        let default = SearchOptions::default();
        let ask = SearchOptions {
            limit: take("limit").whole()?.unwrap_or(default.limit),
            offset: take("offset").whole()?.unwrap_or(0),
            filter,
            mode: take("mode").word()?.unwrap_or_default(),
            diversity: take("diversity").number()?.unwrap_or(0.0),
            min_score: take("min_score").number()?,
            explain: take("explain").truth()?.unwrap_or(false),
            versions: take("versions").truth()?.unwrap_or(false),
        };
        ask.check()?;
        Ok(ask)
    }

    /// Which papers may be in the answer.
    pub fn filter(&mut self) -> Result<Filter, ApiError> {
        let mut take = |name| self.take(name);
        Ok(Filter {
            organizations: Vec::new(),
            from: take("from").date()?,
            to: take("to").date()?,
            categories: take("category").texts()?,
            authors: take("author").texts()?,
            sources: take("source").texts()?,
            themes: take("theme").texts()?,
            exclude: ids(take("exclude").texts()?)?,
        })
    }

    /// The rest, which must hold nothing that `T` does not know.
    /// A list may be as long as [`bounds::of_list`] says for its name.
    pub fn rest<T: DeserializeOwned>(self) -> Result<T, ApiError> {
        self.0.iter().try_for_each(|(name, value)| bounded(name, value))?;
        serde_path_to_error::deserialize(Value::Object(self.0)).map_err(|e| {
            let (path, why) = (e.path().to_string(), e.into_inner());
            ApiError::bad_request(if path == "." { why.to_string() } else { format!("{path}: {why}") })
        })
    }

    /// Nothing may be left.
    pub fn nothing_else(self) -> Result<(), ApiError> {
        match self.0.keys().next() {
            None => Ok(()),
            Some(name) => {
                Err(ApiError::bad_request(format!("there is no parameter or field `{}` here", head(name, 60))))
            }
        }
    }
}

/// Refuses a list that is longer than one of this name may be.
pub fn bounded(name: &str, value: &Value) -> Result<(), ApiError> {
    let Value::Array(values) = value else { return Ok(()) };
    Ok(bounds::at_most(&head(name, 60), values.len(), bounds::of_list(name))?)
}

/// Texts as ids. One that no paper can have (empty, too long) is not allowed, 422; whether a paper has it is seen later.
pub fn ids(texts: Vec<String>) -> Result<Vec<PaperId>, ApiError> {
    texts.into_iter().map(|t| paper_id(t).map_err(ApiError::from)).collect()
}

/// A text as an id. An address may be longer than ids are: then it is the identifier in it.
pub fn paper_id(text: String) -> Result<PaperId, Error> {
    let named = Identifier::parse(&text);
    PaperId::new(text).or_else(|e| named.map_or(Err(e), |identifier| PaperId::new(identifier.key())))
}

/// One field of a request: a JSON value from a body, or a text from a query string.
pub struct Field {
    pub name: &'static str,
    pub value: Option<Value>,
}

impl Field {
    fn wrong<T>(&self, wanted: &str) -> Result<T, ApiError> {
        let got = self.value.as_ref().map_or_else(String::new, |v| head(&v.to_string(), 60));
        Err(ApiError::bad_request(format!("{} is {got}; it must be {wanted}", self.name)))
    }

    /// A whole number; below zero can be read and is not allowed.
    pub fn whole(&self) -> Result<Option<usize>, ApiError> {
        let number = match &self.value {
            None => return Ok(None),
            Some(Value::Number(n)) => n.as_i64().or_else(|| whole(n.as_f64()?)),
            Some(Value::String(s)) => s.trim().parse::<i64>().ok().or_else(|| whole(s.trim().parse().ok()?)),
            Some(_) => None,
        };
        match number {
            None => self.wrong("a whole number"),
            Some(n) => usize::try_from(n)
                .map(Some)
                .map_err(|_| Error::Invalid(format!("{} is {n}; it must not be below zero", self.name)).into()),
        }
    }

    /// A number, too great or too small ones as infinite.
    pub fn number(&self) -> Result<Option<f32>, ApiError> {
        let number = match &self.value {
            None => return Ok(None),
            Some(Value::Number(n)) => n.as_f64(),
            Some(Value::String(s)) => s.trim().parse().ok(),
            Some(_) => None,
        };
        match number {
            Some(n) => Ok(Some(n as f32)),
            None => self.wrong("a number"),
        }
    }

    pub fn truth(&self) -> Result<Option<bool>, ApiError> {
        match &self.value {
            None => Ok(None),
            Some(Value::Bool(b)) => Ok(Some(*b)),
            Some(Value::String(s)) if s == "true" || s == "1" => Ok(Some(true)),
            Some(Value::String(s)) if s == "false" || s == "0" => Ok(Some(false)),
            Some(_) => self.wrong("true or false"),
        }
    }

    pub fn date(&self) -> Result<Option<PaperDate>, ApiError> {
        match &self.value {
            None => Ok(None),
            Some(Value::String(s)) => match PaperDate::read(s) {
                Ok(date) => Ok(Some(date)),
                Err(e) => Err(ApiError::bad_request(format!("{}: {e}", self.name))),
            },
            Some(_) => self.wrong("a date: YYYY, YYYY-MM or YYYY-MM-DD"),
        }
    }

    /// Texts, one or several; as many as [`bounds::of_list`] allows for the name.
    pub fn texts(&self) -> Result<Vec<String>, ApiError> {
        self.value.as_ref().map_or(Ok(()), |value| bounded(self.name, value))?;
        match &self.value {
            None => Ok(Vec::new()),
            Some(Value::String(s)) => Ok(vec![s.clone()]),
            Some(Value::Array(items)) => match items.iter().map(|v| v.as_str().map(str::to_string)).collect() {
                Some(texts) => Ok(texts),
                None => self.wrong("a text or a list of texts"),
            },
            Some(_) => self.wrong("a text or a list of texts"),
        }
    }

    /// One of the words that `T` knows.
    pub fn word<T: DeserializeOwned>(&self) -> Result<Option<T>, ApiError> {
        match &self.value {
            None => Ok(None),
            Some(v) => serde_json::from_value(v.clone())
                .map(Some)
                .map_err(|e| ApiError::bad_request(format!("{}: {e}", self.name))),
        }
    }
}

/// `10.0` and `1e20` are whole numbers as well; those past the range are as good as its ends.
fn whole(number: f64) -> Option<i64> {
    (number.is_finite() && number.fract() == 0.0).then_some(number as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_documented_is_what_is_read() {
        for parameter in <Ranking as utoipa::IntoParams>::into_params(|| None) {
            let mut given = RequestFields(Map::new());
            given.0.insert(parameter.name.clone(), json!({ "never": "valid" }));
            let e = given.ask().expect_err(&parameter.name);
            assert!(e.message.contains(&parameter.name), "{}: {}", parameter.name, e.message);
            assert!(given.nothing_else().is_ok());
        }
    }

    #[test]
    fn unreadable_is_400_and_forbidden_is_422() {
        for (name, value, status) in [
            ("limit", json!("x"), 400),
            ("limit", json!(1.5), 400),
            ("limit", json!("0"), 422),
            ("limit", json!(501), 422),
            ("limit", json!("-1"), 422),
            ("limit", json!("99999999999999999999"), 422),
            ("limit", json!(1e30), 422),
            ("limit", json!("1e400"), 400),
            ("offset", json!(-1), 422),
            ("from", json!("soon"), 400),
            ("diversity", json!("1.5"), 422),
            ("diversity", json!("NaN"), 422),
            ("min_score", json!("inf"), 422),
            ("mode", json!("magic"), 400),
            ("explain", json!("maybe"), 400),
            ("category", json!([1]), 400),
            ("exclude", json!(""), 422),
            ("author", json!(vec!["a"; 1_000]), 200),
            ("author", json!(vec!["a"; 33_000]), 422),
            ("category", json!(vec!["a"; 1_001]), 422),
            ("exclude", json!(vec!["a"; 10_001]), 422),
        ] {
            let mut given = RequestFields(Map::new());
            given.0.insert(name.into(), value.clone());
            match given.ask() {
                Ok(_) => assert_eq!(status, 200, "{name}"),
                Err(e) => assert_eq!(e.status.as_u16(), status, "{name}: {}", e.message),
            }
        }
    }
}
