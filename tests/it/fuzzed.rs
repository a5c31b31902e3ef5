//! The checks of the fuzz targets (`fuzz/`) on inputs that are made from good files. `PAPERKIN_CASES` says how many.

use proptest::prelude::*;

#[path = "../../fuzz/checks.rs"]
mod checks;

/// The beginnings of files of every format, and of answers of services.
const SEEDS: &[&str] = &[
    "{\"id\":\"a\",\"title\":\"T\",\"authors\":[{\"name\":\"A\"}],\"x\":[1,{\"y\":null}]}\n{\"id\":\"b\",\"title\":\"U\"}\n",
    "{\"papers\": [{\"id\":\"a\",\"title\":\"T\"}, {\"id\":\"b\",\"title\":\"U \\u00e9\"}], \"next\": null}",
    "{\"message\": {\"items\": [{\"DOI\":\"10.1/a\",\"title\":[\"T\"],\"published\":{\"date-parts\":[[2021,3]]}}]}, \"status\": \"ok\"}",
    "Titel;Autoren;Jahr\n\"A; \"\"b\"\"\nc\";Doe, J.;2021\n;;\n",
    "title\tdoi\nA\t10.1000/a\n",
    "@string{j = \"J\" # \"K\"}\n@article(a, title = {A {B}}, journal = j # { x}, year = 2021)\n@misc{b, crossref = {a}}\n",
    "TY  - JOUR\nTI  - A\nAU  - Doe, J.\nPY  - 2021/03/05/\nN1  - 10.1000/a\nER  - \n",
    "PMID- 1\nOWN - NLM\nTI  - A\n      b\nLID - 10.1000/a [doi]\n\nPMID- 2\n",
    "%0 Journal Article\n%T A\n%A Doe, J.\n%X x\n\n%0 Generic\n%T B\n",
    "FN Clarivate\nVR 1.0\nPT J\nAU Doe, J\n   Roe, M\nTI A\nER\nEF\n",
    "<PubmedArticleSet><PubmedArticle><MedlineCitation><PMID>1</PMID><Article><ArticleTitle>A &amp; <i>b</i></ArticleTitle>\
        <Abstract><AbstractText Label=\"X\">y</AbstractText></Abstract></Article></MedlineCitation></PubmedArticle></PubmedArticleSet>",
    "<xml><records><record><titles><title><style>A</style></title></titles></record></records></xml>",
    "<collection id=\"2020.acl\"><volume id=\"1\"><meta><booktitle>B</booktitle><year>2020</year></meta>\
        <paper id=\"1\"><title>A <tex-math>x</tex-math></title><author><first>J</first><last>D</last></author></paper></volume></collection>",
    "{\"id\":\"0704.0001\",\"title\":\"A\",\"authors_parsed\":[[\"Doe\",\"J\",\"\"]],\"versions\":[{\"created\":\"Mon, 2 Apr 2007 19:18:42 GMT\"}]}\n",
    "{\"results\":[{\"id\":\"https://openalex.org/W1\",\"title\":\"A\",\"authorships\":[],\"abstract_inverted_index\":{\"a\":[0,9]}}],\
        \"meta\":{\"next_cursor\":\"x\"}}",
    "{\"corpusid\":1,\"title\":\"A\",\"externalids\":{\"ArXiv\":\"2405.13729\"},\"s2fieldsofstudy\":[{\"category\":\"c\"}]}\n",
    "<OAI-PMH><ListRecords><record><header><identifier>oai:arXiv.org:0704.0001</identifier><datestamp>2026-01-02</datestamp></header>\
        <metadata><arXiv><id>0704.0001</id><title>A</title><authors><author><keyname>D</keyname></author></authors></arXiv></metadata></record>\
        <resumptionToken>x</resumptionToken></ListRecords></OAI-PMH>",
    "{\"collection\":[{\"doi\":\"10.1101/a\",\"title\":\"A\",\"authors\":\"Doe, J.; Roe, M.\",\"date\":\"2026-01-02\",\"version\":\"1\"}],\
        \"messages\":[{\"status\":\"ok\",\"total\":1}]}",
    "{\"resultList\":{\"result\":[{\"id\":\"1\",\"source\":\"MED\",\"title\":\"A.\",\"authorList\":{\"author\":[{\"fullName\":\"D J\"}]}}]},\
        \"nextCursorMark\":\"y\"}",
    "<?xml version='1.0'?><rss version='2.0' xmlns:dc='d'><channel><title>J</title><item><title>A</title><link>https://j.example/1</link>\
        <description>&lt;p&gt;x&lt;/p&gt;</description><dc:creator>J. Doe, M. Roe</dc:creator><guid>oai:arXiv.org:2405.13729v1</guid></item></channel></rss>",
    "[{\"paper\":{\"id\":\"2405.13729\",\"title\":\"A\",\"summary\":\"s\",\"authors\":[{\"name\":\"D\"}],\"upvotes\":3},\"numComments\":1}]",
];

const FORMATS: &[&str] = &[
    "jsonl",
    "json",
    "csv",
    "tsv",
    "bibtex",
    "ris",
    "csl",
    "pubmed",
    "endnote",
    "wos",
    "arxiv",
    "acl",
    "crossref",
    "openalex",
    "semantic-scholar",
];

fn cases() -> ProptestConfig {
    let said = std::env::var("PAPERKIN_CASES").ok().and_then(|n| n.parse().ok());
    ProptestConfig { cases: said.unwrap_or(64), ..ProptestConfig::default() }
}

/// A seed, or two one behind the other, in which pieces were taken out, doubled, exchanged or put in.
fn inputs() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        "[\\x00-\\x7f]{0,4}".prop_map(String::into_bytes),
        "\\PC{0,4}".prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..4),
        prop::sample::select(SEEDS).prop_map(|seed| seed.as_bytes()[..seed.len().min(40)].to_vec()),
    ];
    let change = (any::<u16>(), 0..48usize, 0..5u8, piece);
    let seeds = prop::collection::vec(prop::sample::select(SEEDS), 1..3);
    (seeds, prop::collection::vec(change, 0..8)).prop_map(|(seeds, changes)| {
        let mut bytes = seeds.concat().into_bytes();
        for (at, length, what, piece) in changes {
            let at = usize::from(at) % (bytes.len() + 1);
            let end = (at + length).min(bytes.len());
            match what {
                0 => drop(bytes.drain(at..end)),
                1 => drop(bytes.splice(at..at, piece)),
                2 => drop(bytes.splice(at..end, piece)),
                3 => {
                    let again = bytes[at..end].repeat(3);
                    drop(bytes.splice(at..at, again));
                }
                _ => bytes.truncate(end),
            }
        }
        bytes
    })
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn whatever_comes_is_read_or_refused(bytes in inputs(), format in prop::sample::select(FORMATS), kind: u8) {
        let began = std::time::Instant::now();
        checks::papers(&bytes);
        checks::format(format, &bytes);
        checks::references(&bytes);
        checks::oai_page(&bytes);
        checks::answers(&[&[kind][..], &bytes].concat());
        prop_assert!(began.elapsed() < std::time::Duration::from_secs(1), "{:?}", began.elapsed());
    }
}
