//! Where a paper can be read.

use super::{Identifier, Paper};

impl Paper {
    /// The address at which the paper can be read: its own `url`, else what its arXiv id, DOI or other identifier comes to
    /// ([`Paper::identifiers`]). Always absolute, `http` or `https`.
    pub fn link(&self) -> Option<String> {
        let own = self.url.as_deref().map(str::trim);
        if let Some(url) = own.filter(|url| is_web(url)) {
            return Some(url.to_string());
        }
        self.identifiers().iter().find_map(Identifier::url)
    }
}

/// Whether a text is an address of the web; nothing else (`javascript:`, a path) is to be followed.
fn is_web(url: &str) -> bool {
    let begins = |scheme: &str| url.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    (begins("https://") || begins("http://")) && !url.contains(|c: char| c.is_whitespace() || c.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_own_address_comes_first_then_what_names_the_work() {
        let link = |fields: serde_json::Value| {
            let mut paper = json!({ "id": "house/17", "title": "t" });
            paper.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
            Paper::from_json(paper).expect("a paper").link()
        };
        for (fields, wanted) in [
            (json!({ "url": "https://example.org/a" }), Some("https://example.org/a")),
            (json!({ "id": "arxiv:2608.99001", "url": "HTTP://example.org/a" }), Some("HTTP://example.org/a")),
            (json!({ "id": "arxiv:2608.99001" }), Some("https://arxiv.org/abs/2608.99001")),
            (json!({ "id": "doi:10.1000/plates.2" }), Some("https://doi.org/10.1000/plates.2")),
            (json!({ "doi": "10.1000/plates.2" }), Some("https://doi.org/10.1000/plates.2")),
            (json!({ "arxiv_id": "2608.99001" }), Some("https://arxiv.org/abs/2608.99001")),
            (json!({ "url": "javascript:alert(1)", "doi": 5 }), None),
            (json!({ "url": "/papers/17" }), None),
            (json!({}), None),
        ] {
            assert_eq!(link(fields.clone()).as_deref(), wanted, "{fields}");
        }
    }
}
