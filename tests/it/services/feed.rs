//! Feeds of journals: RSS 2.0, RDF (RSS 1.0), Atom and JSON Feed, the way publishers write them.

use serde_json::json;

use super::{Answer, Paper, Plays, Request, escaped};

/// `/rss`, `/rdf`, `/atom`, `/json` are what there is.
pub struct State {
    pub papers: Vec<Paper>,
}

impl Plays for State {
    fn with(papers: Vec<Paper>) -> Self {
        State { papers }
    }

    fn papers(&mut self) -> &mut Vec<Paper> {
        &mut self.papers
    }

    fn answer(&mut self, request: &Request) -> Answer {
        let papers = || self.papers.iter().filter(|p| !p.deleted);
        match request.path.as_str() {
            "/rss" => {
                let items: String = papers().map(rss).collect();
                Answer::of(
                    "application/rss+xml",
                    format!(
                        "<?xml version=\"1.0\"?><rss version=\"2.0\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\" \
                         xmlns:prism=\"http://prismstandard.org/namespaces/basic/2.0/\" \
                         xmlns:content=\"http://purl.org/rss/1.0/modules/content/\"><channel><title>Journal of Things</title>\
                         <link>https://journal.example/</link><description>Papers</description>{items}</channel></rss>"
                    ),
                )
            }
            "/rdf" => {
                let items: String = papers().map(rdf).collect();
                Answer::of(
                    "application/xml",
                    format!(
                        "<?xml version=\"1.0\"?><rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\" \
                         xmlns=\"http://purl.org/rss/1.0/\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\" \
                         xmlns:prism=\"http://prismstandard.org/namespaces/basic/2.0/\"><channel rdf:about=\"https://journal.example/\">\
                         <title>Journal of Things</title><link>https://journal.example/</link><items/></channel>{items}</rdf:RDF>"
                    ),
                )
            }
            "/atom" => {
                let entries: String = papers().map(atom).collect();
                Answer::of(
                    "application/atom+xml",
                    format!(
                        "<feed xmlns=\"http://www.w3.org/2005/Atom\" xml:base=\"https://journal.example/list/\">\
                         <title>Journal of Things</title><id>urn:j</id><updated>2026-11-26T00:00:00Z</updated>{entries}</feed>"
                    ),
                )
            }
            "/json" => {
                let items: Vec<_> = papers()
                    .map(|p| {
                        json!({"id": format!("https://doi.org/{}", p.doi), "url": format!("/papers/{}", p.number), "title": p.title,
                            "content_html": format!("<p>{}</p>", escaped(&p.summary)),
                            "authors": p.names().iter().map(|n| json!({"name": n})).collect::<Vec<_>>(),
                            "date_published": format!("{}T10:00:00Z", p.date)})
                    })
                    .collect();
                Answer::json(
                    &json!({"version": "https://jsonfeed.org/version/1.1", "title": "Journal of Things", "items": items}),
                )
            }
            _ => Answer::of("text/plain", "no such feed").with(404),
        }
    }
}

fn creators(p: &Paper) -> String {
    p.names().iter().map(|name| format!("<dc:creator>{name}</dc:creator>")).collect()
}

fn rss(p: &Paper) -> String {
    let html = format!("<p>Abstract</p><p>{}</p>", escaped(&p.summary));
    format!(
        "<item><title>{}</title><link>/papers/{}</link><guid isPermaLink=\"false\">https://doi.org/{}</guid>{}\
         <pubDate>{}</pubDate><description>Journal of Things, Published online: {}; doi:{}</description>\
         <content:encoded><![CDATA[{html}]]></content:encoded><prism:doi>{}</prism:doi>\
         <prism:publicationDate>{}</prism:publicationDate></item>",
        escaped(&p.title),
        p.number,
        p.doi,
        creators(p),
        p.date.strftime("%a, %d %b %Y 10:00:00 GMT"),
        p.date.strftime("%d %B %Y"),
        p.doi,
        p.doi,
        p.date
    )
}

fn rdf(p: &Paper) -> String {
    format!(
        "<item rdf:about=\"https://journal.example/papers/{}\"><title>{}</title><link>https://journal.example/papers/{}</link>\
         <description>{}</description>{}<dc:date>{}</dc:date><dc:identifier>doi:{}</dc:identifier>\
         <prism:publicationName>Journal of Things</prism:publicationName></item>",
        p.number,
        escaped(&p.title),
        p.number,
        escaped(&format!("<p>{}</p>", escaped(&p.summary))),
        creators(p),
        p.date,
        p.doi
    )
}

fn atom(p: &Paper) -> String {
    let authors: String = p.names().iter().map(|name| format!("<author><name>{name}</name></author>")).collect();
    format!(
        "<entry><id>urn:doi:{}</id><title type=\"html\">{}</title><link rel=\"alternate\" href=\"papers/{}\"/>{authors}\
         <published>{}T10:00:00Z</published><updated>{}T10:00:00Z</updated><summary type=\"html\">{}</summary></entry>",
        p.doi,
        escaped(&escaped(&p.title)),
        p.number,
        p.date,
        p.changed,
        escaped(&format!("<p>{}</p>", escaped(&p.summary)))
    )
}
