//! Where a paper can be read, tried and talked about, as far as its ids and fields tell.

use serde::Serialize;

use crate::paper::{Identifier, Paper};

/// Fields in which collections give the address of code.
const CODE: [&str; 8] =
    ["github", "githubRepo", "github_url", "code", "code_url", "codeUrl", "repository", "repository_url"];

/// Places of code whose addresses are known when they stand in an abstract.
const CODE_HOSTS: [&str; 4] =
    ["https://github.com/", "https://gitlab.com/", "https://codeberg.org/", "https://bitbucket.org/"];

/// Where papers are talked about, as it stands in their addresses.
const TALK: &str = "https://huggingface.co/papers/";

/// A way to a paper elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Link {
    /// `pdf`, `page`, `code`, `talk`, `doi` or `web`.
    pub kind: &'static str,
    /// The address; `http` or `https`.
    pub url: String,
    /// What it is called where `kind` does not say: a host, an identifier.
    pub name: String,
}

/// The ways to a paper, each address once: to read it, its code, where it is talked about.
pub fn links_of(paper: &Paper) -> Vec<Link> {
    let mut links: Vec<Link> = Vec::new();
    let mut add = |kind, url: String, name: String| {
        if !links.iter().any(|link| link.url == url) {
            links.push(Link { kind, url, name });
        }
    };
    for identifier in paper.identifiers() {
        let Some((kind, id)) = identifier.key().split_once(':') else { continue };
        let version = identifier.version().map(|v| format!("v{v}")).unwrap_or_default();
        match kind {
            "arxiv" => {
                add("pdf", format!("https://arxiv.org/pdf/{id}{version}"), "PDF".into());
                add("page", format!("https://arxiv.org/abs/{id}{version}"), format!("arXiv:{id}{version}"));
            }
            _ => {
                let name = if kind == "doi" { id.to_string() } else { format!("{kind}:{id}") };
                Identifier::url(&identifier).into_iter().for_each(|url| add("doi", url, name.clone()));
            }
        }
    }
    let own = paper.url.as_deref().map(str::trim).filter(|url| is_web(url));
    match own {
        Some(url) if url.starts_with(TALK) => add("talk", url.into(), String::new()),
        Some(url) => {
            let kind =
                if url.split(['?', '#']).next().is_some_and(|path| path.ends_with(".pdf")) { "pdf" } else { "web" };
            // What leads to the page of an identifier is there already.
            if Identifier::parse(url).is_none() {
                add(kind, url.into(), host(url).into());
            }
        }
        None => {}
    }
    code_of(paper).into_iter().for_each(|url| add("code", url, String::new()));
    links
}

fn code_of(paper: &Paper) -> Option<String> {
    let of_field = |(name, json): (std::borrow::Cow<'_, str>, &str)| {
        let url: String = serde_json::from_str(json).ok().filter(|_| CODE.contains(&&*name))?;
        is_web(&url).then_some(url)
    };
    paper.extra.fields().find_map(of_field).or_else(|| {
        let text = &paper.summary;
        let start = CODE_HOSTS.iter().filter_map(|host| text.find(host)).min()?;
        let end = |c: char| c.is_whitespace() || "{}()[]<>\"'\\,;".contains(c);
        let url = text[start..].split(end).next()?.trim_end_matches(['.', '/', ':']);
        // The front page of a place is nobody's code.
        (url.matches('/').count() >= 4).then(|| url.to_string())
    })
}

/// Whether a text is a whole address of the web: `javascript:` is an address too.
fn is_web(url: &str) -> bool {
    let begins = |scheme: &str| url.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    (begins("https://") || begins("http://")) && !url.contains(|c: char| c.is_whitespace() || c.is_control())
}

fn host(url: &str) -> &str {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = host.split(['/', '?', '#']).next().unwrap_or_default();
    host.strip_prefix("www.").unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_paper_leads_to_where_it_can_be_read_and_nowhere_else() {
        let links = |fields: serde_json::Value| {
            let mut paper = json!({ "id": "house/17", "title": "t" });
            paper.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
            let links = links_of(&Paper::from_json(paper).expect("a paper"));
            links.into_iter().map(|l| format!("{} {}", l.kind, l.url)).collect::<Vec<_>>()
        };
        assert_eq!(
            links(json!({ "id": "arxiv:2608.99001", "url": "https://huggingface.co/papers/2608.99001",
                          "github": "https://github.com/a/b" })),
            [
                "pdf https://arxiv.org/pdf/2608.99001",
                "page https://arxiv.org/abs/2608.99001",
                "talk https://huggingface.co/papers/2608.99001",
                "code https://github.com/a/b"
            ]
        );
        assert_eq!(
            links(json!({ "doi": "10.1000/plates.2", "url": "https://www.example.org/p.pdf" })),
            ["doi https://doi.org/10.1000/plates.2", "pdf https://www.example.org/p.pdf"]
        );
        assert_eq!(
            links(json!({ "abstract": "Our code is at https://github.com/ada/engine. See also https://github.com" })),
            ["code https://github.com/ada/engine"]
        );
        assert_eq!(links(json!({ "url": "javascript:alert(1)", "code": "javascript:alert(2)" })), [""; 0]);
    }
}
