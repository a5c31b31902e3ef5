//! Texts of a mail: one line of what came in, cut where a reader would cut it, and paragraphs of plain text.

use crate::paper::{is_cjk, shown};

/// Words of three letters and more that are written with a dot and end no sentence.
const SHORTENED: [&str; 7] = ["fig", "figs", "eqs", "sec", "ref", "refs", "vol"];

/// Columns of a plain text.
pub const WIDTH: usize = 72;

/// One line without markup and without what steers, hides or turns, with single blanks, at most so many characters of it.
pub fn line(text: &str, length: usize) -> String {
    // What is far too long is cut first: what becomes of markup is shorter, but seldom by so much.
    let head: String = text.chars().take(20 * length + 2000).collect();
    cut(&one_line(&shown(&crate::paper::plain(&head))), length)
}

/// The same of what somebody typed, which is no markup.
pub fn typed(text: &str, length: usize) -> String {
    let head: String = text.chars().take(4 * length + 2000).collect();
    cut(&one_line(&shown(&head)), length)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// At most so many characters, cut at the end of a word, with `…` where something is missing. A text in a script without blanks is
/// cut between its signs.
pub fn cut(text: &str, length: usize) -> String {
    if text.chars().count() <= length {
        return text.to_string();
    }
    let kept: String = text.chars().take(length.saturating_sub(1)).collect();
    let end = match kept.rfind(' ') {
        // A word that takes most of it is cut through.
        Some(at) if at * 3 >= kept.len() * 2 => at,
        _ => kept.len(),
    };
    let kept = kept[..end]
        .trim_end_matches(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | ':' | '-' | '–' | '(' | '“'));
    format!("{kept}…")
}

/// The beginning of an abstract: whole sentences where they come to about so many characters, else cut at a word.
pub fn beginning(text: &str, length: usize) -> String {
    let text = line(text, 8 * length);
    if text.chars().count() <= length {
        return text;
    }
    let far: Vec<(usize, char)> = text.char_indices().take(length).collect();
    let ends = far.windows(2).enumerate().filter(|(_, pair)| match (pair[0].1, pair[1].1) {
        ('。' | '！' | '？', _) => true,
        ('.' | '!' | '?', ' ') => {
            // Not behind `e.g.`, `et al.` or an initial: what follows begins a sentence, and what ends one is a word.
            let before = &text[..pair[0].0];
            let word = before.rsplit([' ', '.']).next().unwrap_or_default();
            let next = text[pair[1].0 + 1..].chars().next();
            word.chars().count() > 2
                && !SHORTENED.contains(&word.to_lowercase().as_str())
                && next.is_some_and(|c| !c.is_lowercase())
        }
        _ => false,
    });
    match ends.last() {
        Some((at, pair)) if at * 2 >= length => text[..pair[0].0 + pair[0].1.len_utf8()].to_string(),
        _ => cut(&text, length),
    }
}

/// How many columns a text takes: signs of Chinese, Japanese and Korean two.
pub fn columns(text: &str) -> usize {
    text.chars()
        .map(|c| if is_cjk(c) || matches!(c, '\u{3000}'..='\u{303f}' | '\u{ff00}'..='\u{ff60}') { 2 } else { 1 })
        .sum()
}

/// A paragraph in lines of at most [`WIDTH`] columns, each behind `indent`. A word that is longer stands on a line of its own;
/// addresses are such words, and are never broken.
pub fn wrapped(text: &str, indent: &str) -> String {
    let room = WIDTH.saturating_sub(columns(indent));
    let mut lines: Vec<String> = vec![String::new()];
    let mut used = 0;
    for word in text.split_whitespace() {
        let pieces = if word.chars().any(is_cjk) && !word.contains("://") { signs(word) } else { vec![word] };
        for (k, piece) in pieces.iter().enumerate() {
            let (wide, gap) = (columns(piece), usize::from(k == 0 && used > 0));
            if used > 0 && used + gap + wide > room {
                lines.push(String::new());
                used = 0;
            }
            if let Some(line) = lines.last_mut() {
                if gap == 1 && used > 0 {
                    line.push(' ');
                    used += 1;
                }
                line.push_str(piece);
            }
            used += wide;
        }
    }
    lines.iter().map(|line| format!("{indent}{line}\n")).collect()
}

/// A word in pieces that a line may end between: single signs where words are not parted by blanks, other letters together, and what
/// ends a sentence with what stands before it.
fn signs(word: &str) -> Vec<&str> {
    let (mut pieces, mut from) = (Vec::new(), 0);
    let mut before: Option<char> = None;
    for (at, c) in word.char_indices() {
        let closes = !c.is_alphanumeric();
        if before.is_some_and(|b| (is_cjk(b) || is_cjk(c)) && b.is_alphanumeric()) && !closes {
            pieces.push(&word[from..at]);
            from = at;
        }
        before = Some(c);
    }
    pieces.push(&word[from..]);
    pieces
}

/// Whether a text begins from the right: its first letter is of Hebrew, Arabic or one of their kin.
pub fn from_right(text: &str) -> bool {
    let right = |c: char| matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}' | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}');
    text.chars().find(|c| c.is_alphabetic()).is_some_and(right)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_text_is_cut_where_a_reader_would() {
        assert_eq!(cut("a short one", 40), "a short one");
        assert_eq!(cut("one two three, four five", 16), "one two three…");
        assert_eq!(cut(&"x".repeat(50), 10), "xxxxxxxxx…");
        assert_eq!(cut("蛋白质设计的扩散模型", 6), "蛋白质设计…");
        let text =
            "We study growth, e.g. of A. thaliana. It grows at 4.5 mm a day. It stops at night, and nobody knows why.";
        assert_eq!(beginning(text, 70), "We study growth, e.g. of A. thaliana. It grows at 4.5 mm a day.");
        assert_eq!(
            beginning("No end of a sentence comes here at all for a long time", 30),
            "No end of a sentence comes…"
        );
        assert_eq!(beginning("我们研究蛋白质。它们很小。它们很多。", 14), "我们研究蛋白质。它们很小。");
    }

    #[test]
    fn what_came_in_is_one_plain_line() {
        assert_eq!(line("A\r\nBcc: x <i>b</i> $\\alpha$\u{202e}\u{0}", 80), "A Bcc: x b α");
        assert!(line(&"<b>very</b> long ".repeat(3000), 300).chars().count() <= 300);
        assert_eq!(typed("a<b>c\n\u{1b}[2J", 80), "a<b>c [2J");
    }

    #[test]
    fn paragraphs_have_lines_of_their_width() {
        let text = wrapped(&"word ".repeat(40), "  ");
        assert!(text.lines().all(|line| columns(line) <= WIDTH && line.starts_with("  word")), "{text}");
        let text = wrapped(&"蛋白质设计的扩散模型，以及更多。".repeat(8), "");
        assert!(text.lines().count() > 3 && text.lines().all(|line| columns(line) <= WIDTH + 2), "{text}");
        assert!(text.lines().all(|line| !line.starts_with(['，', '。'])), "{text}");
        assert!(from_right("“مقدمة”") && from_right("שלום world") && !from_right("On שלום") && !from_right("123"));
    }

    proptest! {
        #[test]
        fn nothing_is_lost_by_wrapping(words in prop::collection::vec("[a-zé蛋白。]{1,30}", 0..40)) {
            let text = words.join(" ");
            let out = wrapped(&text, "");
            let signs = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(signs(&out), signs(&text));
        }

        #[test]
        fn a_cut_is_never_longer(text in any::<String>(), length in 1usize..200) {
            prop_assert!(cut(&text, length).chars().count() <= length.max(1));
            let line = line(&text, length);
            prop_assert!(line.chars().count() <= length.max(1));
            prop_assert!(!line.chars().any(|c| c.is_control()));
            prop_assert!(beginning(&text, length).chars().count() <= length.max(1));
        }
    }
}
