//! No parser grows faster than its input: each is run on texts that would make a careless one look through the rest again and
//! again, on more and more of them.

use std::time::{Duration, Instant};

use paperkin::paper::{Identifier, Paper, PaperDate, letters, plain, prose, spelled, unaccented};
use paperkin::sources::{self, Format, PaperFormat, PaperReading, references, references_from_bytes};

/// The shortest text and the longest that are tried, in bytes. Some readers look a few thousand bytes ahead and no further, which
/// is no growth.
const SHORTEST: usize = 16 << 10;
const LONGEST: usize = 512 << 10;

/// A time that a clock and a noisy machine can tell from nothing.
const TELLING: Duration = Duration::from_millis(5);

/// What of a thousand letters four times as many may cost: linear work costs four times as much, quadratic sixteen.
const FACTOR: u32 = 10;

/// The time that this thread has had the processor, which other work on the machine does not make longer; where the system does
/// not say, none.
fn on_the_processor() -> Option<Duration> {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    told.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

fn once(work: &dyn Fn(&str), text: &str) -> Duration {
    let (began, before) = (Instant::now(), on_the_processor());
    work(text);
    match (before, on_the_processor()) {
        (Some(before), Some(after)) => after - before,
        _ => began.elapsed(),
    }
}

/// Runs `work` on more and more of a text until the time tells something, then on four times as much. Growth that is seen once
/// in several tries to be about linear is so: noise only makes things slower.
fn grows_as_its_input(name: &str, work: &dyn Fn(&str), make: &dyn Fn(usize) -> String) -> Result<(), String> {
    let (mut bytes, mut text, mut time);
    bytes = SHORTEST;
    loop {
        text = make(bytes);
        time = once(work, &text);
        if time >= TELLING || 4 * text.len() >= LONGEST {
            break;
        }
        bytes *= 2;
    }
    let long = make(4 * bytes);
    let mut told = String::new();
    for _ in 0..4 {
        let short = (0..2).map(|_| once(work, &text)).min().unwrap_or(time).max(TELLING);
        let took = once(work, &long);
        if took < FACTOR * short {
            return Ok(());
        }
        told = format!("{name}: {} bytes took {short:?}, {} took {took:?}", text.len(), long.len());
    }
    Err(told)
}

/// A text made of a beginning, a piece again and again, and an end. `№` in the piece is a number that no other has.
fn again(begin: &str, piece: &str, end: &str, bytes: usize) -> String {
    let mut text = begin.to_string();
    let mut k = 0;
    while text.len() < bytes {
        text += &piece.replace("№", &k.to_string());
        k += 1;
    }
    text + end
}

fn check(what: &str, patterns: &[(&str, &str, &str)], work: &dyn Fn(&str)) {
    let mut slow = Vec::new();
    for (begin, piece, end) in patterns {
        let name = format!("{what}: {begin:?} {piece:?} {end:?}");
        let began = Instant::now();
        slow.extend(grows_as_its_input(&name, work, &|bytes| again(begin, piece, end, bytes)).err());
        if std::env::var_os("GROWTH").is_some() {
            eprintln!("{:>8.3} s  {name}", began.elapsed().as_secs_f64());
        }
    }
    assert!(slow.is_empty(), "{slow:#?}");
}

/// Reads a text in each of some formats: what grows too fast in one does so in all together.
fn list(formats: &'static [Format]) -> impl Fn(&str) {
    move |text: &str| formats.iter().for_each(|format| drop(references(text, *format)))
}

#[test]
fn bibtex() {
    check(
        "BibTeX",
        &[
            ("@misc{a, title = ", "{x} # ", "{y}}"),
            ("@misc{a, title = ", "\"x\" # ", "\"y\"}"),
            ("@misc{a, title = ", "x # ", "y}"),
            ("@misc{a, title = \"\" ", "#", "}"),
            ("@misc{a, title = x", " ", "# y}"),
            ("@misc{a, title = x ", "# \n ", "}"),
            ("@misc{a, title = x ", "#% \n", "}"),
            ("@misc{a, title = ", "1 ", "}"),
            ("@misc{a, title = ", "\"x\"\n", "}"),
            ("@misc{a, title = {x}, note = ", "{a}", "}"),
            ("", "@string{a№ = {x}}\n", "@misc{b, title = a1}"),
            ("@string{s = {xxxxxxxx}}\n@misc{b, title = ", "s # ", "s}"),
            ("@string{a = \"", "x", "\"}\n@misc{b, title = a # a # a # a # a # a # a # a # a}"),
            ("", "@string{a№ = a1 # a2}\n", "@misc{b, title = a1}"),
            ("@string{s = s # s}", "@misc{b№, title = s}", ""),
            (
                "@string{a={xy}}@string{b=a#a}@string{c=b#b}@string{d=c#c}@string{e=d#d}@string{f=e#e}",
                "@misc{b№, title = f}",
                "",
            ),
            ("", "@misc{a№, title = {x}}\n", ""),
            ("", "@misc{a№, crossref = {a1}, title = {x}}\n", ""),
            ("", "@misc{a, ", ""),
            ("", "@misc{a\n", ""),
            ("", "\n@misc{a,", ""),
            ("@misc{a, title = ", "{", ""),
            ("@misc{a, title = {", "}", ""),
            ("@misc{a, ", "title = {x\n", ""),
            ("@misc{a, ", "title = \"x\n", ""),
            ("@misc{a, ", "title = x\n", ""),
            ("@misc{a, ", "title = {x},\n", "}"),
            ("@misc{a, ", "t№ = {x},\n", "}"),
            ("@misc{a, ", "t№ = {\\}x},\n", "}"),
            ("@misc{a, ", "x{", "}"),
            ("@misc{a, ", "x\"", "}"),
            ("@misc{a, x = \"", "\" ", "}"),
            ("@misc{a, x = \"{", "\", ", "}"),
            ("@misc{a, x = \"", "\"a", "}"),
            ("@misc{a, x = \"", "{\",", "}"),
            ("@misc(", "a)", ""),
            ("@misc(a", ")  ", ""),
            ("@misc{", "a ", ""),
            ("", "@", ""),
            ("", "@ ", ""),
            ("", "@\n", "{"),
            ("", "@a ", "{"),
            ("", "%", ""),
            ("", "@comment{", ""),
            ("", "@comment{{}", ""),
            ("", "@comment(", ""),
            ("", "@preamble{", ""),
            ("", "@misc{a} }, b = ", ""),
            ("@misc{a, author = {", "A and ", "B}}"),
            ("@misc{a, author = {", "{A} and ", "B}}"),
            ("@misc{a, author = {", "A, ", "B}}"),
            ("@misc{a, author = {", "A; ", "B}}"),
            ("@misc{a, title = {", "\\'", "B}}"),
            ("@misc{a, title = {", "\\'{", "B}}"),
            ("@misc{a, title = {", "$", "B}}"),
            ("@misc{a, title = {", "\\cite{", "B}}"),
            ("@misc{a, title = {", "\\href{a}{", "B}}"),
            ("@misc{a, title = {x}, doi = {", "10.1/x ", "}}"),
            ("@misc{a, title = {x}, note = {", "10.1000/x, ", "}}"),
            ("@misc{a, title = {x}, url = {", "http://", "}}"),
            ("@misc{a, title = {x}, ", "note = {10.1000/№},", "}"),
            ("@misc{a, title = {x}, xdata = {", "a№,", "}}"),
        ],
        &list(&[Format::Bibtex]),
    );
}

#[test]
fn lists_of_lines() {
    check(
        "lines",
        &[
            ("", "a\n", ""),
            ("", "a№\n", ""),
            ("", "10.1000/a№\n", ""),
            ("", "10.1000/a№, ", ""),
            ("", "10.1000/a№", ""),
            ("", "2405.1№ ", ""),
            ("", "2405.13729, ", ""),
            ("", "arXiv:", ""),
            ("", "doi: ", ""),
            ("", "http://", ""),
            ("", "https://a.b/", ""),
            ("", "[", ""),
            ("", "[[", ""),
            ("", "[1] ", ""),
            ("", "](", ""),
            ("", "&amp;", ""),
            ("", "(", ""),
            ("", "- ", ""),
            ("", "> ", ""),
            ("", "{\\a", ""),
            ("", "\n", "x1"),
            ("", " \n", "x1"),
            ("", "\r", "x1"),
            ("", "#\n", "x1"),
            ("", "\u{feff}", "x1"),
        ],
        &list(&[Format::Ids, Format::Titles, Format::Auto]),
    );
}

#[test]
fn tagged_lists() {
    let patterns: &[(&str, &str, &str)] = &[
        ("", "TY  - JOUR\n", ""),
        ("", "TY  - JOUR\nTI  - A\nER  - \n", ""),
        ("TY  - JOUR\n", "AU  - A\n", "ER  - \n"),
        ("TY  - JOUR\nTI  - ", "a\n", "ER  - \n"),
        ("TY  - JOUR\nAB  - ", "\n", "ER  - \n"),
        ("TY  - JOUR\nAB  - ", "\n \nx", "ER  - \n"),
        ("TY  - JOUR\n", "N1  - 10.1000/№\n", "ER  - \n"),
        ("TY  - JOUR\nTI  - A\nUR  - ", "http://a; ", "\nER  - \n"),
        ("TY  - JOUR\nTI  - A\nDO  - ", "1 ", "\nER  - \n"),
        ("TY  - JOUR\nTI  - A\nAU  - ", "a;", "\nER  - \n"),
        ("TY  - JOUR\nTI  - A\nPY  - ", "1 ", "\nER  - \n"),
        ("", "ER  - \n", ""),
        ("", "x\n", ""),
        ("", "PMID- 1\n", ""),
        ("PMID- 1\nTI  - ", "\n      x", ""),
        ("PMID- 1\nTI  - ", "\n\n", ""),
        ("PMID- 1\n", "FAU - A, B\n", ""),
        ("PMID- 1\n", "LID - 10.1000/№ [doi]\n", ""),
        ("PMID- 1\nTI  - ", "[", ""),
        ("", "%0 A\n", ""),
        ("%0 A\n", "%A B\n", ""),
        ("%0 A\n%X ", "\n\nx", ""),
        ("%A A\n%X ", "\n\n%", ""),
        ("%A A\n%X x\n", "\n", "%A B"),
        ("%A A\n%X x", "\n\n \n\u{3000}", "%A B"),
        ("", "PT J\nTI A\nER\n", "EF"),
        ("PT J\nAU ", "A\n   ", "ER\n"),
        ("PT J\nTI ", "\n   a", "ER\n"),
    ];
    let formats = &[Format::Ris, Format::Pubmed, Format::Endnote, Format::Wos];
    check("tagged", patterns, &list(formats));
}

#[test]
fn xml() {
    check(
        "XML",
        &[
            ("<xml><records>", "<record>", "</records></xml>"),
            ("<xml><records>", "<record></record>", "</records></xml>"),
            ("<xml><records><record>", "<a>", "</record></records></xml>"),
            ("<xml><records><record>", "</a>", "</record></records></xml>"),
            ("<xml><records><record>", "<titles><title>x</title></titles>", "</record></records></xml>"),
            ("<xml><records><record><titles><title>", "&amp;", "</title></titles></record></records></xml>"),
            ("<xml><records><record><titles><title>", "&x;", "</title></titles></record></records></xml>"),
            ("<xml><records><record><titles><title>", "&", "</title></titles></record></records></xml>"),
            ("<xml><records><record><titles><title>", "<![CDATA[", "</title></titles></record></records></xml>"),
            ("<xml><records><record><titles><title>", "<!--", "</title></titles></record></records></xml>"),
            ("<xml><records><record a='", "&amp;", "'></record></records></xml>"),
            ("<xml><records><record ", "a='b' ", "></record></records></xml>"),
            ("<!DOCTYPE x [", "<!ENTITY a№ \"&a0;&a0;\">", "]><xml><records><record/></records></xml>"),
            ("<xml>", "<", ""),
            ("<xml>", "<record ", ""),
            ("", "<!-- -->", "<xml><records><record/></records></xml>"),
            ("<PubmedArticleSet>", "<PubmedArticle>", "</PubmedArticleSet>"),
            ("<PubmedArticleSet><PubmedArticle>", "<PMID>1</PMID>", "</PubmedArticle></PubmedArticleSet>"),
            (
                "<PubmedArticleSet><PubmedArticle><MedlineCitation><Article><AuthorList>",
                "<Author><LastName>A</LastName></Author>",
                "</AuthorList></Article></MedlineCitation></PubmedArticle></PubmedArticleSet>",
            ),
        ],
        &list(&[Format::Endnote, Format::Pubmed]),
    );
}

#[test]
fn json_and_tables() {
    check(
        "JSON",
        &[
            ("[", "1,", "1]"),
            ("[", "[", ""),
            ("[", "[],", "1]"),
            ("", "{\"message\":", ""),
            ("", "[{\"title\":\"a\"}]", ""),
            ("[", "{\"title\":\"a\"},", "1]"),
            ("[{\"title\":\"", "a", "\"}]"),
            ("[{\"title\":\"", "\\u00e9", "\"}]"),
            ("[{\"title\":\"a\",\"author\":[", "{\"family\":\"a\"},", "1]}]"),
            ("[{\"title\":\"a\",\"note\":\"", "10.1000/a, ", "\"}]"),
            ("[{\"title\":\"a\",\"note\":\"", "doi: 10.1000/a\\n", "\"}]"),
            ("{\"items\":{", "\"a№\":{\"title\":\"x\"},", "\"b\":1}}"),
            ("{", "\"a№\":1,", "\"b\":1}"),
        ],
        &list(&[Format::Csl]),
    );
    check(
        "table",
        &[
            ("title,", "a,", "\nx\n"),
            ("title,doi\n", "\"", "\n"),
            ("title,doi\n\"", "a\n", "\n"),
            ("title,doi\n", ",", "\n"),
            ("title,doi\n", "\n", "a,b\n"),
            ("title,doi\n", "a,b\n\n\n", "a,b\n"),
            ("title,doi\n", "a№,10.1000/№\n", ""),
            ("title,authors\na,", "b; ", "\n"),
            ("title,authors\na,\"", "b, ", "\"\n"),
            ("title,authors\na,", "b and ", "\n"),
            ("title,url\na,", "http://", "\n"),
            ("\"", "a", ""),
            ("", "a,", ""),
            ("", "a\t", ""),
        ],
        &list(&[Format::Csv, Format::Auto]),
    );
}

#[test]
fn characters() {
    let bytes = |text: &str| {
        let bytes: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect();
        drop(references_from_bytes(&bytes, Format::Auto));
    };
    check(
        "characters",
        &[
            ("", "\u{e4}", "\n"),
            ("", "\u{e4}\n", "\n"),
            ("", "a\u{8e}b", "\n"),
            ("", "\u{1b}$B", "\n"),
            ("", "\0", "\n"),
            ("", "\0a", "\n"),
            ("\u{ff}\u{fe}", "\0a", "\n"),
            ("PK\u{3}\u{4}", "word", "\n"),
        ],
        &bytes,
    );
}

#[test]
fn papers() {
    let line = |text: &str| drop(sources::one(text.as_bytes()));
    check(
        "a paper",
        &[
            ("{\"id\":\"a\",\"title\":\"T\",\"x\":", "[", ""),
            ("{\"id\":\"a\",\"title\":\"T\",\"x\":[", "[],", "1]}"),
            ("{\"id\":\"a\",\"title\":\"T\",\"x\":[", "NaN,", "1]}"),
            ("{\"id\":\"a\",\"title\":\"T\",\"x\":", "{\"a\":", ""),
            ("{\"id\":\"a\",\"title\":\"T\"", ",\"a№\":1", "}"),
            ("{\"id\":\"a\",\"title\":\"T\"", ",\"a\":1", "}"),
            ("{\"id\":\"a\",\"title\":\"T\"", ",\"title\":\"b\"", "}"),
            ("{\"id\":\"a\",\"title\":\"T\",\"extra\":{\"b\":1", ",\"a№\":1", "}}"),
            ("{\"id\":\"a\",\"title\":\"", "a ", "\"}"),
            ("{\"id\":\"a\",\"title\":[", "\"a\",", "1]}"),
            ("{\"id\":\"a\",\"title\":\"T\",\"abstract\":\"", "a ", "\"}"),
            ("{\"id\":\"a\",\"title\":\"T\",\"abstract\":[", "\"a\",", "1]}"),
            ("{\"id\":\"a\",\"title\":\"T\",\"abstract\":{\"a\":\"b\"", ",\"a№\":\"b\"", "}}"),
            ("{\"id\":\"a\",\"title\":\"T\",\"authors\":[", "\"a\",", "1]}"),
            ("{\"id\":\"a\",\"title\":\"T\",\"authors\":[", "1,", "1]}"),
            ("{\"id\":\"a\",\"title\":\"T\",\"authors\":\"", "a, ", "\"}"),
            ("{\"id\":\"a\",\"title\":\"T\",\"authors\":\"", "a and ", "\"}"),
            ("{\"id\":\"a\",\"title\":\"T\",\"authors\":\"", "a; ", "\"}"),
            ("{\"id\":\"a\",\"title\":\"T\",\"keywords\":\"", "a; ", "\"}"),
            ("{\"id\":\"a\",\"title\":\"T\",\"categories\":\"", "a ", "\"}"),
            ("{\"id\":\"a\",\"title\":\"T\",\"date\":\"", "1 ", "\"}"),
            ("{\"id\":\"a\",\"title\":\"T\",\"date\":", "[", ""),
            ("", "\"", ""),
            ("", "NaN ", ""),
        ],
        &line,
    );
    let body = |text: &str| {
        if let Ok(papers) = sources::InJson::new(text.as_bytes().to_vec()) {
            papers.papers().for_each(drop);
        }
    };
    check(
        "a body",
        &[
            ("{\"papers\":[", "1,", "1]}"),
            ("{\"papers\":[", "[],", "1]}"),
            ("{\"papers\":[", "{},", "1]}"),
            ("{\"papers\":[", "{\"id\":\"a№\",\"title\":\"T\"},", "1]}"),
            ("{\"papers\":[1]", ",\"papers\":[1]", "}"),
            ("{\"id\":1", ",\"papers\":[1]", "}"),
            ("{\"papers\":", "[", ""),
        ],
        &body,
    );
    let lines = |text: &str| sources::read("x", text.as_bytes()).for_each(drop);
    check("lines", &[("", "\n", ""), ("", "x", ""), ("", "{\"id\":\"a№\",\"title\":\"T\"}\n", "")], &lines);
}

const MARKUP: &[(&str, &str, &str)] = &[
    ("", "<", ""),
    ("", "$", ""),
    ("", "{", ""),
    ("", "}", ""),
    ("", "&", ""),
    ("", "\\", ""),
    ("", "~", ""),
    ("", "$a ", ""),
    ("", "$a", "$"),
    ("", "$$", ""),
    ("", "<p>", ""),
    ("", "<i>", ""),
    ("", "<i>a", ""),
    ("", "</i>", ""),
    ("", "<i>a</i>", ""),
    ("", "<b a=\"", ""),
    ("", "<b a=\"1\" ", ">"),
    ("", "<!--", ""),
    ("", "<!-- -->", ""),
    ("", "<![CDATA[", ""),
    ("", "&lt;", ""),
    ("", "&amp;", ""),
    ("", "&amp;amp;", ""),
    ("", "\\(", ""),
    ("", "\\[", ""),
    ("", "\\(a\\)", ""),
    ("", "\\begin{equation}", ""),
    ("", "\\begin{equation}a\\end{equation}", ""),
    ("", "\\href{", ""),
    ("", "\\frac{", ""),
    ("", "\\'", ""),
    ("", "\\'{", ""),
    ("", "\\\"", ""),
    ("", "\\\"a", ""),
    ("", "$1", ""),
    ("", "$x$", ""),
    ("", "$\\sqrt{x}$", ""),
    ("", "<math><mrow>", ""),
    ("", "<math><mi>x</mi>", "</math>"),
    ("<math>", "<mi>x</mi>", "</math>"),
    ("<math>", "<mo>-</mo>", "</math>"),
    ("<math>", "<mtext>aa</mtext>", "</math>"),
    ("<math>", "<mrow>", "</math>"),
    ("<math><mfenced>", "<mfrac><mi>x</mi>", "</math>"),
    ("", "<mml:msub>", ""),
    ("", "<mml:msub>", "</mml:msub>"),
    ("", "<jats:title>", ""),
    ("", "<jats:title>a</jats:title>", ""),
    ("", "<jats:p/>", ""),
    ("", "<sub>", ""),
    ("", "<sub>2</sub>", ""),
    ("", "<sub>", "</sub>"),
    ("", "<alternatives>", ""),
    ("", "<tex-math>", ""),
    ("", "<tex-math>x</tex-math>", ""),
    ("", "\\alpha", ""),
    ("", "\\alpha ", ""),
    ("", "\\x", ""),
    ("", "\\nA", ""),
    ("", "{\\bf ", ""),
    ("", "x_", ""),
    ("", "\\SI{", ""),
    ("", "\u{301}", ""),
    ("a", "\u{301}\u{323}", ""),
    ("", "\u{fdfa}", ""),
    ("", "α", ""),
    ("", "αβ", ""),
    ("", "∞", ""),
    ("", "⁵5", ""),
    ("", "\u{fdd0}", ""),
    ("", "\u{ad}", ""),
    ("", "a ", ""),
    ("", "a", ""),
    ("", "A, ", ""),
];

#[test]
fn text_of_titles() {
    check("text", MARKUP, &|text| {
        let _ = (plain(text), prose(text), spelled(text), letters(text), unaccented(text));
    });
    // Of one formula not more than a thousand bytes are read as such; they may not cost seconds.
    for piece in ["\\sqrt{", "\\frac{a}{", "a^{", "\\left(", "\\overline{", "{", "\\mathbf{", "\\not", "\\text{"] {
        for closed in [true, false] {
            let n = 990 / (piece.len() + usize::from(closed));
            let formula = format!("${}x{}$", piece.repeat(n), if closed { "}".repeat(n) } else { String::new() });
            let took = once(&|text| drop(plain(text).into_owned()), &formula);
            assert!(took < Duration::from_millis(300), "{piece:?} took {took:?}");
        }
    }
}

#[test]
fn identifiers_and_days() {
    let patterns: &[(&str, &str, &str)] = &[
        ("", "10.1000/a№ ", ""),
        ("", "10.1000/a№", ""),
        ("", "10.1000/", ""),
        ("", "10.", ""),
        ("", "10.1000/(", ""),
        ("10.1000/", "(", ")"),
        ("10.1000/a", ")", ""),
        ("10.1000/", "[]", ""),
        ("10.1000/", "%2", "F"),
        ("10.1000/", "%25", "2F"),
        ("", "2405.13729 ", ""),
        ("", "2405.1372№, ", ""),
        ("", "2405.13729\n", ""),
        ("", "arXiv:", ""),
        ("", "arXiv:2405.1№ ", ""),
        ("", "doi:", ""),
        ("", "doi ", ""),
        ("", "PMID ", ""),
        ("", "PMID: 1№ ", ""),
        ("", "http://", ""),
        ("", "http://a.b/", ""),
        ("http://a.b/?", "x=http://a.b/&", ""),
        ("http://a.b/?x=", "http://a.b/?x=", ""),
        ("http://a.b/", "10.1/", ""),
        ("http://arxiv.org/", "a/", ""),
        ("", "a/", ""),
        ("", "hep-th/", ""),
        ("", "[", ""),
        ("", "[x", "]"),
        ("", "[x]( ", ""),
        ("", "](", ""),
        ("", "<", ""),
        ("", "\\a{", ""),
        ("", "{\\", ""),
        ("", "& ", ""),
        ("", "&amp;", ""),
        ("", "&amp;lt;", ""),
        ("", "1. ", ""),
        ("", "- ", ""),
        ("", "a: ", ""),
        ("", "a", ""),
        ("", "a.", ""),
        ("", "9", ""),
        ("", "9.", ""),
        ("", " ", ""),
        ("", "\n", ""),
        ("", "\"", ""),
        ("", "2020.acl-main.№ ", ""),
    ];
    check("identifiers", patterns, &|text| {
        let _ = (Identifier::all_in(text), Identifier::parse(text));
    });
    let days: &[(&str, &str, &str)] = &[
        ("", "1", ""),
        ("", "1 ", ""),
        ("", "1/", ""),
        ("", "May ", ""),
        ("", "May", ""),
        ("", "[", ""),
        ("", "2020-", ""),
        ("2020-05-05T", "00:", ""),
        ("2020-05-05 ", "UTC ", ""),
        ("", ", ", ""),
        ("", "é", ""),
    ];
    check("a day", days, &|text| drop(PaperDate::read(text)));
    let paper = |authors: &str| {
        let (paper, _) =
            Paper::read_json(&serde_json::json!({"id": "a", "title": "T", "authors": authors}).to_string())
                .expect("a paper");
        drop(paper.work_keys());
    };
    check("authors", &[("", "a ", ""), ("", "Doe, J., ", ""), ("", ",", ""), ("", " and ", "")], &paper);
}

/// Papers from a stream, in a format that is said.
fn stream(formats: &'static [PaperFormat]) -> impl Fn(&str) {
    move |text: &str| {
        for format in formats {
            let how = PaperReading { format: Some(*format), ..PaperReading::default() };
            let bytes = std::io::Cursor::new(text.as_bytes().to_vec());
            if let Ok(papers) = sources::read_papers("x", Box::new(bytes), &how) {
                papers.for_each(drop);
            }
        }
    }
}

#[test]
fn streams_of_papers() {
    use PaperFormat::*;
    check(
        "a stream of lists",
        &[
            ("", "@misc{a, title = {x}}\n", ""),
            ("@string{a = {xxxxxxxxxxxxxxxx}}\n", "@misc{b№, title = a # a}\n", ""),
            ("", "@string{a№ = a1 # a2}\n", "@misc{b, title = a1}"),
            ("", "@misc{a, title = {x}\n", ""),
            ("@misc{a, title = {x}, note = {", "\n", "}}"),
            ("", "TY  - JOUR\nTI  - A\nER  - \n", ""),
            ("TY  - JOUR\nAB  - ", "\n", ""),
            ("", "x\n", ""),
            ("", "PMID- 1\nTI  - A\n\n", ""),
            ("", "%0 A\n%T B\n", ""),
            ("%A A\n", "\n%X x\n", ""),
            ("", "PT J\nTI A\nER\n", ""),
        ],
        &stream(&[Bibtex, Ris, Pubmed, Endnote, Wos]),
    );
    check(
        "a stream of XML",
        &[
            ("<collection id='2020.acl'><volume id='1'>", "<paper id='№'><title>x</title></paper>", ""),
            ("<collection id='2020.acl'>", "<volume id='№'><meta><year>2020</year></meta>", ""),
            ("<collection><volume><paper>", "<", ""),
            ("<collection><volume><paper>", "<paper", ""),
            ("<collection>", "<paper>", ""),
            ("<collection><volume><paper><title>", "<tex-math>x", ""),
            ("<PubmedArticleSet>", "<PubmedArticle><ArticleTitle>x</ArticleTitle></PubmedArticle>\n", ""),
            ("<PubmedArticleSet><PubmedArticle>", "<a>", ""),
        ],
        &stream(&[Acl, Pubmed, Endnote]),
    );
    check(
        "a stream of JSON",
        &[
            ("[", "{\"id\":\"a№\",\"title\":\"T\"},", "]"),
            ("[", "{\"id\":\"a№\",\"title\":\"T\"},\n", ""),
            ("[", "[", ""),
            ("[", "{", ""),
            ("[", "]", ""),
            ("[", "\"", ""),
            ("[\"", "\\", ""),
            ("", "{\"message\":", ""),
            ("", "{\"items\":[", ""),
            ("", "{\"items\":[]}", ""),
            ("", "{\"items\":{\"1\":{}}}\n", ""),
            ("{", "\"a№\":1,", "\"items\":[]}"),
            ("{", "\"a", ""),
            ("[{\"x\":", "{\"title\":1},\n", ""),
            ("", "1 ", ""),
            ("", "}", ""),
        ],
        &stream(&[Json, Csl, Crossref, Openalex, SemanticScholar, Arxiv]),
    );
    check(
        "a stream of rows",
        &[
            ("title,doi\n", "a,10.1000/№\n", ""),
            ("title,doi\n", "\"", ""),
            ("title,doi\n", "\"\n", ""),
            ("title,doi\n", "a,\"\n", ""),
            ("title,doi\n\"", "a\n", ""),
            ("title,doi\n", "\n", ""),
            ("title,", "a№,", "\nx\n"),
            ("", "title,", "\n"),
        ],
        &stream(&[Csv, Tsv]),
    );
}
