use proptest::prelude::*;

use super::*;
use crate::paper::Paper;

fn page(body: impl Into<Vec<u8>>) -> Page {
    Page::of("https://j.example/feeds/new.xml", body.into(), &[])
}

fn papers(text: &str) -> Vec<Paper> {
    match read(&page(text)).expect("a feed") {
        Read::Papers(papers) => papers.into_iter().map(|p| p.paper.expect("a paper")).collect(),
        Read::Cut => panic!("it is cut"),
    }
}

fn rss(items: &str) -> String {
    format!(
        "<?xml version='1.0'?><rss version='2.0'><channel><title>Things</title><link>https://j.example/</link>{items}</channel></rss>"
    )
}

fn only(item: &str) -> Paper {
    papers(&rss(&format!("<item>{item}</item>"))).remove(0)
}

const TEXT: &str = "We show that plates drift where kelp grows, and for how long they do so in the cold.";

#[test]
fn what_journals_write_gives_a_paper() {
    // As journals of Nature write it.
    let nature = only(
        "<title><![CDATA[Kelp &amp; plates]]></title><link>https://www.nature.com/articles/s99999-026-00001-1</link>\
         <content:encoded><![CDATA[<p>Nature Things, Published online: 20 November 2026; <a href=\"https://www.nature.com/articles/s99999-026-00001-1\">doi:10.1038/s99999-026-00001-1</a></p>We show that plates drift where kelp grows, and for how long they do so in the cold.]]></content:encoded>\
         <dc:creator>Jane Doe</dc:creator><dc:creator>Max Roe</dc:creator><dc:identifier>doi:10.1038/s99999-026-00001-1</dc:identifier>\
         <dc:date>2026-11-20</dc:date><prism:publicationName>Nature Things</prism:publicationName>",
    );
    assert_eq!((nature.id.as_str(), nature.summary.as_str()), ("doi:10.1038/s99999-026-00001-1", TEXT));
    assert_eq!(nature.authors, ["Jane Doe", "Max Roe"]);
    assert_eq!(nature.venue.as_deref(), Some("Nature Things"));
    // The imprint alone is no abstract.
    let bare = only(
        "<title>Kelp</title><link>/a/1</link><description>Nature Things, Published online: 20 November 2026; doi:10.1038/s99999-026-00001-1</description>",
    );
    assert_eq!((bare.id.as_str(), bare.summary.as_str()), ("doi:10.1038/s99999-026-00001-1", ""));
    assert_eq!(bare.url.as_deref(), Some("https://j.example/a/1"));
    // As ScienceDirect does.
    let elsevier = only(
        "<title>Kelp</title><link>https://www.sciencedirect.com/science/article/pii/S9?dgcid=rss</link>\
         <description><![CDATA[<p>Publication date: December 2026</p><p><b>Source:</b> Things, Volume 5</p><p>Author(s): Jane Doe, Max Roe</p>]]></description>",
    );
    assert_eq!((elsevier.summary.as_str(), elsevier.authors.len()), ("", 2));
    assert_eq!(elsevier.id.as_str(), "https://www.sciencedirect.com/science/article/pii/S9?dgcid=rss");
    // As PubMed does.
    let pubmed = only(&format!(
        "<title>Kelp</title><link>https://pubmed.ncbi.nlm.nih.gov/99000001/?utm_source=x</link><guid isPermaLink=\"false\">pubmed:99000001</guid>\
         <content:encoded><![CDATA[<div><p style=\"color: #4aa564;\">Things. 2026 Nov 20. doi: 10.1000/kelp.1. Online ahead of print.</p>\
         <p><b>ABSTRACT</b></p><p xmlns:xlink=\"x\">{TEXT}</p><p style=\"color: lightgray\">PMID:<a href=\"https://pubmed.ncbi.nlm.nih.gov/99000001/\">99000001</a> \
         | DOI:<a href=\"https://doi.org/10.1000/kelp.1\">10.1000/kelp.1</a></p></div>]]></content:encoded>"
    ));
    assert_eq!((pubmed.id.as_str(), pubmed.summary.as_str()), ("doi:10.1000/kelp.1", TEXT));
    // As PLOS, Wiley, Springer and others do.
    for html in [
        format!("<p>by Jane Doe, Max Roe</p> {TEXT}"),
        format!("<h3 class=\"a-plus\">Abstract</h3>\n<p class=\"x\">{TEXT}</p>"),
        format!("<span class=\"s\"><div class=\"boxTitle\">Abstract</div>{TEXT}</span>"),
        format!(
            "<img src=\"toc.gif\" alt=\"TOC Graphic\"/><div>Things, Volume 3, Issue 2, Page 1-9.</div><div>{TEXT}</div>"
        ),
        format!("Abstract: {TEXT}"),
        format!("<jats:p>{TEXT}</jats:p>"),
    ] {
        let paper = only(&format!(
            "<title>Kelp</title><link>https://j.example/a</link><author>a@j.example (Jane Doe)</author><dc:creator>Jane Doe, Max Roe</dc:creator><description><![CDATA[{html}]]></description>"
        ));
        assert_eq!(paper.summary, TEXT, "{html}");
    }
}

#[test]
fn atom_and_rdf_are_read() {
    let atom = format!(
        "<feed xmlns='http://www.w3.org/2005/Atom' xml:base='https://j.example/list/'><title>Things</title><link href='/'/>\
         <entry><id>urn:uuid:17</id><title type='html'>H&lt;sub&gt;2&lt;/sub&gt;O</title><link rel='self' href='x.atom'/>\
         <link href='papers/17'/><author><name>Jane Doe</name></author><author><name>Max Roe</name></author><published>2026-11-20T23:00:00-05:00</published>\
         <summary type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'><p>{TEXT}</p></div></summary><category term='x.y' label='Kelp'/></entry></feed>"
    );
    let paper = &papers(&atom)[0];
    assert_eq!((paper.id.as_str(), paper.url.as_deref()), ("urn:uuid:17", Some("https://j.example/list/papers/17")));
    assert_eq!((paper.authors.len(), paper.summary.as_str()), (2, TEXT));
    assert_eq!(
        (paper.date.as_ref().map(|d| d.as_str()), &paper.keywords[..]),
        (Some("2026-11-21"), &["Kelp".to_string()][..])
    );
    let rdf = format!(
        "<rdf:RDF xmlns='http://purl.org/rss/1.0/'><channel rdf:about='x'><title>Things</title><items><rdf:Seq><rdf:li resource='a'/></rdf:Seq></items></channel>\
         <item rdf:about='http://biorxiv.org/cgi/content/short/2026.11.20.999999v1?rss=1'><title>Kelp</title><description>{TEXT}</description>\
         <dc:creator>Doe, J., Roe, M.</dc:creator><dc:identifier>doi:10.1101/2026.11.20.999999</dc:identifier><dc:date>2026-11-20</dc:date></item></rdf:RDF>"
    );
    let paper = &papers(&rdf)[0];
    assert_eq!((paper.id.as_str(), paper.summary.as_str()), ("doi:10.1101/2026.11.20.999999", TEXT));
}

#[test]
fn a_broken_entry_costs_no_other_and_a_cut_feed_is_none() {
    let item = |n: u32| format!("<item><title>T{n}</title><link>https://j.example/{n}</link></item>");
    let text = rss(&format!("{}<item><title>T2</item>{}", item(1), item(3)));
    let Ok(Read::Papers(found)) = read(&page(text.as_str())) else { panic!("a feed") };
    assert_eq!(found.iter().map(|p| p.paper.is_ok()).collect::<Vec<_>>(), [true, false, true]);
    assert!(matches!(read(&page(&text[..text.len() * 2 / 3])), Ok(Read::Cut)));
    assert!(matches!(read(&page(rss(""))), Ok(Read::Papers(papers)) if papers.is_empty()));
    for (text, wanted) in [
        ("<!DOCTYPE html><html><head/></html>", "a page for people"),
        ("<opml/>", "<opml>"),
        ("nothing here", "begins with"),
        ("{\"items\": []}", "jsonfeed.org"),
        ("{\"version\": \"https://jsonfeed.org/version/1\", \"entries\": []}", "no list `items`"),
    ] {
        let told = read(&page(text)).err().expect("no feed").to_string();
        assert!(told.contains(wanted), "{told}");
    }
}

#[test]
fn character_sets_are_read_as_they_are_declared() {
    let text = "<?xml version='1.0' encoding='ISO-8859-1'?><rss><channel><item><title>Caf\u{e9}</title><link>https://j.example/1</link></item></channel></rss>";
    let latin: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).expect("Latin")).collect();
    let Ok(Read::Papers(found)) = read(&page(latin)) else { panic!("a feed") };
    assert_eq!(found[0].paper.as_ref().expect("a paper").title, "Caf\u{e9}");
}

/// The oracle finds as many entries, with the same titles and links, in feeds that are whole and plain.
#[test]
fn the_oracle_agrees() {
    let items: String = (0..20)
        .map(|k| format!("<item><title>Title &amp; {k}</title><link>https://j.example/{k}</link><guid>https://j.example/{k}</guid></item>"))
        .collect();
    let text = rss(&items);
    let oracle = feed_rs::parser::parse(text.as_bytes()).expect("a feed");
    let own = papers(&text);
    assert_eq!(oracle.entries.len(), own.len());
    for (theirs, ours) in oracle.entries.iter().zip(&own) {
        assert_eq!(theirs.title.as_ref().map(|t| t.content.as_str()), Some(ours.title.as_str()));
        assert_eq!(Some(theirs.links[0].href.as_str()), ours.url.as_deref());
    }
}

proptest! {
    #[test]
    fn nothing_panics(text in "(<rss>|</rss>|<item>|</item>|<title>|</title>|<link>|http://a/|<description>|<!\\[CDATA\\[|\\]\\]>|<p>|</p>|<img |doi:10\\.1/x |Published online: |by |&|;|\\PC){0,40}") {
        let _ = read(&page(format!("<rss>{text}</rss>")));
        let _ = read(&page(text));
    }

    #[test]
    fn an_abstract_is_never_longer_than_its_text(text in "(<p>|</p>|<br/>|<b>|</b>|Abstract|word |&amp;|<|\\PC){0,60}") {
        let found = body::summary(std::slice::from_ref(&text), "Title", &[]);
        prop_assert!(found.len() <= text.len() + 16, "{found:?} of {text:?}");
    }
}
