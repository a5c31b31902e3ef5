//! Papers that were taken back: they can be found, and are recommended to nobody.

use serde::Serialize;
use serde_json::Value;

use super::Paper;

/// Why nobody is to be led to a paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Retirement {
    /// Its publisher has retracted it.
    Retracted,
    /// Its authors, or the server it was on, have withdrawn it.
    Withdrawn,
}

impl Retirement {
    /// As `extra.status` has it.
    pub fn word(self) -> &'static str {
        match self {
            Retirement::Retracted => "retracted",
            Retirement::Withdrawn => "withdrawn",
        }
    }
}

impl Paper {
    /// Whether it was taken back: by the field `status` (`retracted` or `withdrawn`), or `is_retracted` as OpenAlex has it.
    pub fn retirement(&self) -> Option<Retirement> {
        let json = self.extra.as_json();
        // Nearly no paper has any of the two: most are not taken apart for it.
        if !json.contains("status") && !json.contains("is_retracted") {
            return None;
        }
        let field = |name: &str| {
            let found = self.extra.fields().find(|(known, _)| known == name).map(|(_, json)| json.to_string());
            found.and_then(|json| serde_json::from_str::<Value>(&json).ok())
        };
        match field("status").as_ref().and_then(Value::as_str).map(str::to_ascii_lowercase).as_deref() {
            Some("retracted") => Some(Retirement::Retracted),
            Some("withdrawn") => Some(Retirement::Withdrawn),
            _ if field("is_retracted") == Some(Value::Bool(true)) => Some(Retirement::Retracted),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_taken_back_is_known_by_its_fields() {
        let of = |field: &str, value: Value| {
            let paper = serde_json::json!({"id": "a", "title": "T", "date": "2026-01-01", field: value});
            Paper::from_json(paper).expect("a paper")
        };
        assert_eq!(of("status", "Retracted".into()).retirement(), Some(Retirement::Retracted));
        assert_eq!(of("status", "withdrawn".into()).retirement(), Some(Retirement::Withdrawn));
        assert_eq!(of("is_retracted", true.into()).retirement(), Some(Retirement::Retracted));
        for paper in [of("status", "accepted".into()), of("is_retracted", false.into()), of("x", "retracted".into())] {
            assert_eq!(paper.retirement(), None);
            assert!(paper.list_day().is_some());
        }
        let retracted = of("status", "retracted".into());
        assert!(retracted.list_day().is_none() && retracted.day().is_some());
    }
}
