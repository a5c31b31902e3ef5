//! The identifiers of papers, read once, whatever form they came in.

/// What names a work everywhere: an arXiv id, a DOI and the like, in the one form that all its spellings come to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Identifier {
    key: String,
    version: Option<u32>,
}

impl Identifier {
    /// Reads a text that is one identifier, whatever form it has; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let key = read(text)?;
        let version = text.trim().to_lowercase();
        let version = version.rsplit_once('v').filter(|_| key.starts_with("arxiv:")).and_then(|(_, v)| v.parse().ok());
        Some(Identifier { key, version })
    }

    /// The identifiers that stand in a text, in its order, each once.
    pub fn all_in(text: &str) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for found in text.split_whitespace().filter_map(Self::parse) {
            if !all.contains(&found) {
                all.push(found);
            }
        }
        all
    }

    /// The work it names, as the keys of works are written: `arxiv:2405.13729`, `doi:10.1145/3292500`.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The version it names, where it names one: 2 for `2405.13729v2`.
    pub fn version(&self) -> Option<u32> {
        self.version
    }

    /// Where the work can be read: at arxiv.org, doi.org and the like.
    pub fn url(&self) -> Option<String> {
        match self.key.split_once(':')? {
            ("arxiv", id) => Some(format!("https://arxiv.org/abs/{id}")),
            ("doi", doi) => Some(format!("https://doi.org/{doi}")),
            _ => None,
        }
    }
}

fn read(text: &str) -> Option<String> {
    let text = text.trim().to_lowercase();
    let text = text.trim_end_matches(['.', ',', ')', ']', '/']);
    let bare = text.trim_start_matches("https://").trim_start_matches("http://").trim_start_matches("www.");
    for begin in ["doi.org/", "dx.doi.org/", "doi:", "doi "] {
        if let Some(doi) = bare.strip_prefix(begin) {
            return doi_key(doi.trim());
        }
    }
    for begin in ["arxiv.org/abs/", "arxiv.org/pdf/", "export.arxiv.org/abs/", "arxiv.org/html/", "arxiv:", "arxiv "] {
        if let Some(id) = bare.strip_prefix(begin) {
            return arxiv_key(id.trim().trim_end_matches(".pdf"));
        }
    }
    arxiv_key(bare).or_else(|| doi_key(bare))
}

fn doi_key(doi: &str) -> Option<String> {
    // arXiv gives each of its papers a DOI.
    if let Some(id) = doi.strip_prefix("10.48550/arxiv.") {
        return arxiv_key(id);
    }
    let (registrant, name) = doi.strip_prefix("10.")?.split_once('/')?;
    let known = registrant.len() >= 4 && registrant.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    (known && !name.is_empty() && !name.contains(char::is_whitespace)).then(|| format!("doi:{doi}"))
}

/// `2405.13729v2` and `hep-th/9901001` without the version.
fn arxiv_key(id: &str) -> Option<String> {
    let digits =
        |s: &str, n: std::ops::RangeInclusive<usize>| n.contains(&s.len()) && s.bytes().all(|b| b.is_ascii_digit());
    let base = match id.rsplit_once('v') {
        Some((base, version)) if digits(version, 1..=3) => base,
        _ => id,
    };
    let new = base.split_once('.').is_some_and(|(month, number)| digits(month, 4..=4) && digits(number, 4..=5));
    let old = base.split_once('/').is_some_and(|(archive, number)| {
        digits(number, 7..=7)
            && archive.len() >= 4
            && archive.bytes().all(|b| b.is_ascii_alphabetic() || matches!(b, b'-' | b'.'))
    });
    (new || old).then(|| format!("arxiv:{base}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_known_in_every_dress() {
        for text in [
            "2405.13729",
            "2405.13729v3",
            "arXiv:2405.13729v1",
            "https://arxiv.org/abs/2405.13729",
            "http://arxiv.org/pdf/2405.13729v2.pdf",
            "10.48550/arXiv.2405.13729",
            "https://doi.org/10.48550/arXiv.2405.13729",
        ] {
            assert_eq!(Identifier::parse(text).as_ref().map(Identifier::key), Some("arxiv:2405.13729"), "{text}");
        }
        assert_eq!(Identifier::parse("hep-th/9901001v2").as_ref().map(Identifier::key), Some("arxiv:hep-th/9901001"));
        for text in ["10.1145/3292500", "doi:10.1145/3292500", "https://doi.org/10.1145/3292500."] {
            assert_eq!(Identifier::parse(text).as_ref().map(Identifier::key), Some("doi:10.1145/3292500"), "{text}");
        }
        for text in ["", "2405", "3.14", "version 2405.13729 of it", "10.1/x y", "and/1234567", "10.5/x", "-"] {
            assert_eq!(Identifier::parse(text), None, "{text}");
        }
    }
}
