use std::time::Instant;

use proptest::prelude::*;

use super::mathml::{ATTRIBUTES, ELEMENTS};
use super::*;

/// Elements of a page beside those of MathML.
const INLINE: [&str; 8] = ["a", "b", "em", "i", "code", "sub", "sup", "mark"];

/// Says what is wrong with HTML of ours: an element or an attribute that is not listed, a bare sign, an end that ends nothing.
fn wrong(html: &str) -> Option<String> {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = html;
    while let Some(found) = rest.find(['<', '>', '&']) {
        rest = &rest[found..];
        if rest.starts_with('&') {
            let entity =
                ["&amp;", "&lt;", "&gt;", "&quot;", "&nbsp;", "&#x27;"].iter().any(|known| rest.starts_with(known));
            if !entity {
                return Some(format!("a bare & before {:?}", rest.chars().take(20).collect::<String>()));
            }
            rest = &rest[1..];
            continue;
        }
        let Some(end) = rest.find('>').filter(|_| rest.starts_with('<')) else {
            return Some(format!("a bare sign before {:?}", rest.chars().take(20).collect::<String>()));
        };
        let tag = &rest[1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            if open.pop() != Some(name) {
                return Some(format!("</{name}> ends nothing"));
            }
            continue;
        }
        let name = tag.split(' ').next().unwrap_or_default();
        if !INLINE.contains(&name) && !ELEMENTS.contains(&name) {
            return Some(format!("<{name}>"));
        }
        let attributes = &tag[name.len()..];
        let mut parts = attributes.split('"');
        while let Some(attribute) = parts.next().map(str::trim).filter(|attribute| !attribute.is_empty()) {
            let value = parts.next().unwrap_or_default();
            let allowed = match (name, attribute) {
                ("a", "href=") => {
                    value.starts_with("http://") || value.starts_with("https://") || value.starts_with("HTTP")
                }
                ("a", "rel=") => value == "noreferrer",
                (_, attribute) => ELEMENTS.contains(&name) && ATTRIBUTES.contains(&attribute.trim_end_matches('=')),
            };
            if !allowed {
                return Some(format!("{attribute}{value} at <{name}>"));
            }
        }
        open.push(name);
    }
    (!open.is_empty()).then(|| format!("{open:?} never end"))
}

fn all(text: &str) -> [String; 4] {
    let words = |text: &str| text.char_indices().filter(|(_, c)| *c == 'x').map(|(k, _)| k..k + 1).collect();
    [title(text, None), summary(text, None), summary(text, Some(&words)), lead(text, 30, Some(&words))]
}

#[test]
fn simple_formulas_are_signs() {
    for (text, expected) in [
        ("$O(n^2)$", "<i>O</i>(<i>n</i>²)"),
        (r"$\alpha$-stable", "<i>α</i>-stable"),
        ("$k$-means", "<i>k</i>-means"),
        ("10$^{-3}$ mol", "10⁻³ mol"),
        ("CO$_2$", "CO₂"),
        (r"$O(n \log n)$", "<i>O</i>(<i>n</i> log <i>n</i>)"),
        (r"$\alpha = 0.05$", "<i>α</i> = 0.05"),
        (r"$p<0.05$", "<i>p</i> &lt; 0.05"),
        (r"$x_i + y_{max}$", "<i>x</i><sub><i>i</i></sub> + <i>y</i><sub><i>max</i></sub>"),
        (r"$\mathbb{R}^d$", "ℝ<sup><i>d</i></sup>"),
        (r"$\mathcal{N}=4$", "𝒩 = 4"),
        (r"$-1$ and $2\times 3$ and $2\times$", "−1 and 2 × 3 and 2×"),
        (r"$90^\circ$ and $f'$", "90° and <i>f</i>′"),
        (r"$\ell_1$ and $1/N$", "ℓ₁ and 1/<i>N</i>"),
        (r"sets$\unicode{x2013}$or$\bm{x}$", "sets–or<b><i>x</i></b>"),
        (r"$x \in \{0,1\}^n$", "<i>x</i> ∈ {0,1}<sup><i>n</i></sup>"),
        (r"$\mathbf{x}$", "<b>x</b>"),
        (r"$f: X \to Y$", "<i>f</i>: <i>X</i> → <i>Y</i>"),
        (r"$\mathrm{d}x$ and $\text{max}$", "d<i>x</i> and max"),
        (r"$\epsilon$-$\delta$", "<i>ϵ</i>-<i>δ</i>"),
        (r"$10%-5\%$ of $n$", "10% − 5% of <i>n</i>"),
    ] {
        assert_eq!(title(text, None), expected, "{text}");
    }
}

#[test]
fn other_formulas_are_mathml() {
    for text in [
        r"$\frac{a}{b}$",
        r"$\sqrt{n}$",
        r"$\sum_{i=1}^n x_i^2$",
        r"$\hat{x}$",
        r"\[\begin{pmatrix} a & b \\ c & d \end{pmatrix}\]",
        "<mml:math xmlns:mml=\"http://www.w3.org/1998/Math/MathML\"><mml:mfrac><mml:mi>a</mml:mi>\n <mml:mi>b</mml:mi></mml:mfrac></mml:math>",
        "<math display=\"inline\"><msqrt><mi>n</mi></msqrt></math>",
    ] {
        let html = title(text, None);
        assert!(html.starts_with("<math>") || html.starts_with("<math display=\"inline\">"), "{text}: {html}");
        assert!(html.ends_with("</math>") && wrong(&html).is_none(), "{text}: {html}");
    }
    assert_eq!(
        title("<mml:math><mml:msqrt><mml:mi>n</mml:mi>\n</mml:msqrt></mml:math> is", None),
        "<math><msqrt><mi>n</mi></msqrt></math> is"
    );
    assert_eq!(title(r"$\frac{a}{b}$", None), "<math><mfrac><mi>a</mi><mi>b</mi></mfrac></math>");
    // A percent sign is no comment: it hides nothing of what stands behind it.
    let percent = title(r"$\frac{a%}{b\%} \text{ of 5% or 6\%}$", None);
    assert!(percent.matches('%').count() == 4 && percent.contains("<mi>b</mi>"), "{percent}");
    assert!(!percent.contains('\\') && wrong(&percent).is_none(), "{percent}");
}

#[test]
fn faces_links_and_lines_are_kept() {
    for (text, expected) in [
        (r"\textbf{Big \emph{and} small} {\it talk}", "<b>Big <em>and</em> small</b> <em>talk</em>"),
        ("<i>Drosophila</i>s <b>fly</b>", "<em>Drosophila</em>s <b>fly</b>"),
        ("4<sup>th</sup> of 10<sup>3</sup>", "4<sup>th</sup> of 10³"),
        (r#"5\% of \#1 \& more, Schr\"odinger"#, "5% of #1 &amp; more, Schrödinger"),
        (
            r"at \url{https://x.org/a_b} or \href{https://y.org/%7e?a=1&b}{here}.",
            "at <a href=\"https://x.org/a_b\" rel=\"noreferrer\">https://x.org/a_b</a> or <a href=\"https://y.org/%7e?a=1&amp;b\" rel=\"noreferrer\">here</a>.",
        ),
        (r"\href{javascript:alert(1)}{here} \url{file:///x}", "here file:///x"),
        (
            "see (https://x.org/a(b)).",
            "see (<a href=\"https://x.org/a(b)\" rel=\"noreferrer\">https://x.org/a(b)</a>).",
        ),
        ("One.\n\nTwo\nlines", "One.\n\nTwo\nlines"),
        ("<p>One.</p><p>Two.</p>", "One.\n\nTwo."),
        ("One<br/>two", "One\ntwo"),
        (
            "<jats:title>Abstract</jats:title><jats:sec><jats:title>Aim</jats:title><jats:p>We do.</jats:p></jats:sec><jats:sec><jats:title>End</jats:title><jats:p>Done.</jats:p></jats:sec>",
            "<b>Aim</b>: We do.\n\n<b>End</b>: Done.",
        ),
        ("\\textbf{never closed", "<b>never closed</b>"),
        ("stray } and \\textbf{} nothing", "stray  and  nothing"),
    ] {
        assert_eq!(summary(text, None), expected, "{text}");
    }
    assert_eq!(title("One\ntwo at https://x.org", None), "One two at https://x.org");
    let broken = "This line was broken at a width of some seventy signs or\nso, and this one is its end.";
    assert_eq!(summary(broken, None), broken.replace('\n', " "));
}

#[test]
fn text_stays_text() {
    for (text, expected) in [
        ("it costs $5 and then $10", "it costs $5 and then $10"),
        ("from $100 to $200 a month", "from $100 to $200 a month"),
        ("the <think> token, <s> and </s>", "the &lt;think&gt; token, &lt;s&gt; and &lt;/s&gt;"),
        ("a<b & c>d \"e\"", "a&lt;b &amp; c&gt;d \"e\""),
        ("<script>alert(1)</script>text", "text"),
        ("&lt;script&gt;alert(1)&lt;/script&gt;", ""),
        ("<img src=x onerror=alert(1)>", "&lt;img src=x onerror=alert(1)&gt;"),
        ("gnp.\u{202e}exe", "gnp.exe"),
        // Broken: as it came.
        (r"$\unknown{x}^$ here", r"$\unknown{x}^$ here"),
        (r"$\frac{a}$", r"$\frac{a}$"),
        (r"\(\nothing{<b>}\)", r"\(\nothing{&lt;b&gt;}\)"),
        (r"$\def\a{\a\a}\a$", r"$\def\a{\a\a}\a$"),
    ] {
        assert_eq!(summary(text, None), expected, "{text}");
    }
    for hostile in [
        r"$\operatorname{<img src=x onerror=alert(1)>}$",
        r"$\operatorname{<img/src/onerror=alert(1)>}_{\frac12}$",
        r"$\text{<script>alert(1)</script>}\frac{1}{2}$",
        r"$\frac{\operatorname{</math><script>alert(1)</script>}}{2}$",
        "<math><mi><img src=x onerror=alert(1)></mi></math>",
        "<math><mtext><style><img src=x onerror=alert(1)></style></mtext></math>",
        "<math href=\"javascript:alert(1)\" onclick=\"x\"><mi style=\"color:red\" class=\"x\" id=\"y\">x</mi></math>",
        "<math><annotation-xml encoding=\"text/html\"><script>alert(1)</script></annotation-xml><mi>x</mi></math>",
        "<math><mspace width=\"99999em\"/><mi>x</mi></math>",
        "<math><mi>x</mi><mtable><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\"></math>",
        "&#xfdd9;javascript:alert(1)&#xfdda;x&#xfddb; \u{fdd9}javascript:alert(1)\u{fdda}x",
        r"\href{https://x.org/%22onclick=x<script>}{y}",
        "\\href{https://x.org/\"onclick=\"x}{y}",
    ] {
        for html in all(hostile) {
            assert_eq!(wrong(&html), None, "{hostile}: {html}");
            assert!(!html.contains("99999em"), "{html}");
        }
    }
}

#[test]
fn what_matches_is_marked() {
    let words = |text: &str| -> Vec<Range<usize>> {
        ["bound", "CO₂", "x²"].iter().flat_map(|w| text.match_indices(w).map(|(k, w)| k..k + w.len())).collect()
    };
    for (text, expected) in [
        (r"A \textbf{bound} \& more", "A <b><mark>bound</mark></b> &amp; more"),
        ("<b>b</b>ound", "<b><mark>b</mark></b><mark>ound</mark>"),
        ("CO$_2$", "<mark>CO</mark><mark>₂</mark>"),
        ("$x^2$", "<mark><i>x</i>²</mark>"),
        ("$ax^2$", "<i>ax</i>²"),
        ("<bound>", "&lt;<mark>bound</mark>&gt;"),
    ] {
        assert_eq!(title(text, Some(&words)), expected, "{text}");
    }
    // Ranges that are none do nothing.
    // Written so that nobody takes it for a slip.
    let (start, end) = (5, 2);
    let wild = |_: &str| vec![start..end, 0..1, 0..1, 1..400, 2..3];
    assert_eq!(title("éa bcd", Some(&wild)), "é<mark>a</mark> bcd");
}

#[test]
fn a_passage_is_cut_between_words() {
    let word = |word: &'static str| {
        move |text: &str| text.match_indices(word).map(|(k, w)| k..k + w.len()).collect::<Vec<_>>()
    };
    assert_eq!(lead("short", 30, None), "short");
    assert_eq!(lead("One two three, four", 14, None), "One two three…");
    assert_eq!(lead("One two three, four", 12, None), "One two…");
    assert_eq!(lead(r"We show $\frac{a}{b} + c$ and more", 12, None), "We show…");
    assert_eq!(lead("Incomprehensibilities", 5, None), "Incom…");
    assert_eq!(lead(r"\textbf{One two} three", 5, None), "<b>One</b>…");
    assert_eq!(lead("a & b & c", 3, None), "a &amp;…");
    let long =
        "Nothing is said at first. Then there is talk of many things. At the end of it comes the whale, as it must be.";
    assert_eq!(lead(long, 40, Some(&word("whale"))), "…of it comes the <mark>whale</mark>, as it must be.");
    assert!(lead(long, 40, Some(&word("Nothing"))).starts_with("<mark>Nothing</mark> is"));
    assert!(lead(long, 40, Some(&word("absent"))).starts_with("Nothing is"));
    assert_eq!(lead("", 10, None), "");
    assert_eq!(lead("One\n\ntwo", 20, None), "One two");
}

/// What was made to take long takes no longer than any other text.
#[test]
fn bombs_cost_what_other_texts_cost() {
    let many = |piece: &str| piece.repeat(100_000 / piece.len());
    for piece in [
        "$",
        "$x$ ",
        r"\sqrt{",
        r"$\sqrt{",
        r"\textbf{",
        "<b>",
        "<b>x</b>",
        r"\url{https://x.org}",
        r"\url{",
        "https://x.org/(((",
        r"$\frac{a}{b}$",
        "<math><mi>x</mi></math>",
        "<math>",
        "http",
        "x ",
        "\n",
        "- \n",
        "{\\bf x}",
        "$\\def\\a{\\a\\a}\\a$",
        "\\begin{equation}x\\end{equation}",
        "<mml:math><mml:mrow>",
        "https://x.org/) ",
        "x",
    ] {
        let text = many(piece);
        let began = Instant::now();
        let made = all(&text);
        let took = began.elapsed();
        assert!(took.as_secs_f64() < 20.0, "{piece:?} took {took:?}");
        for html in made {
            assert!(html.len() < 40 * text.len(), "{piece:?} became {} bytes", html.len());
        }
    }
}

proptest! {
    #[test]
    fn nothing_gets_through_that_is_not_listed(
        text in "\\PC{0,80}",
        tags in "(<|>|</|<i>|</i>|<p>|</p>|<sub>|</sub>|<math>|</math>|<mml:math>|</mml:math>|<mfrac>|<mi>|</mi>|<img src=x>|<script>|</script>|<a href=\"javascript:x\">|</a>|<!--|-->|&lt;|&amp;|&|x|2| |\"|')(<|>|</|<i>|</i>|<math>|</math>|<mi>|</mi>|<style>|</style>|x|\n){0,24}",
        tex in "(\\$|\\\\|\\{|\\}|\\^|_|&|~|<|>|\"|\\\\frac|\\\\sqrt|\\\\left|\\\\right|\\\\begin|\\{cases\\}|\\\\end|\\\\text|\\\\textbf\\{|\\{\\\\it |\\\\href\\{https://x.org/|\\\\url\\{|\\\\'|\\(|\\)|\\\\\\\\|x|α|2| |\\\\operatorname\\{|\\\\not|\\\\limits|\\\\color|\\\\hspace|\\\\mathbb|\\\\hat|\\\\displaystyle|\\[|\\]){0,24}",
    ) {
        for text in [text, tags, tex.clone(), format!("${tex}$"), format!("\\textbf{{{tex}")] {
            for html in all(&text) {
                prop_assert_eq!(wrong(&html), None, "{} became {}", text, html);
            }
        }
    }

    /// A passage is a part of the text that is no longer than was asked for.
    #[test]
    fn a_passage_is_as_short_as_asked(text in "(word|long-winded|é|, |. |\n| |\\$x\\$|\\$\\\\sqrt\\{n\\}\\$|<b>|</b>|x){0,40}", chars in 1usize..60) {
        let passage = lead(&text, chars, None);
        prop_assert_eq!(wrong(&passage), None);
        let laid = Laid::new(&text);
        let window = laid.passage(chars, &[]);
        prop_assert!(laid.text[window].chars().count() <= chars);
    }
}
