//! LaTeX in prose: accents, commands, and where formulas begin and end.

use super::mended::mended;
use super::spans::is_link;
use super::tex::{self, TIE};
use super::{
    BOLD, CLOSE, CODE, Detail, EMPHASIS, END, LINK, LOWERED, MARKERS, OPEN, RAISED, SOURCE, TO, formula, listed,
    unmarked, within,
};

/// How far the end of a formula is looked for, in bytes.
const MAX_REACH: usize = 4000;

/// The same of an argument, and of what is to carry an accent: these may stand at every few bytes.
const MAX_ARGUMENT: usize = 1000;
const MAX_ACCENTED: usize = 100;

/// Where a paragraph ends.
const PARAGRAPH: &str = "\u{fddc}\u{fddc}";

/// What stands behind an apostrophe.
const CONTRACTED: &[&str] = &["s", "t", "re", "ll", "ve", "m", "d"];

/// Commands that only say how something looks, or where.
const SILENT: &str = " bf it em rm sc tt sf sl bfseries itshape scshape ttfamily rmfamily sffamily upshape mdseries slshape normalfont \
tiny scriptsize small footnotesize normalsize large Large LARGE huge Huge centering noindent indent raggedright displaystyle textstyle \
scriptstyle limits nolimits left right big Big bigl bigr bigg Bigg Bigl Bigr biggl biggr Biggl Biggr middle protect xspace nobreak relax \
maketitle appendix hline nonumber notag boldmath unboldmath selectfont newblock allowbreak sloppy mathsurround ";

/// Commands whose argument is text.
const SPOKEN: &str = " emph underline uline mbox hbox fbox makebox framebox footnote url nolinkurl path ensuremath operatorname title \
thanks num si SI qty unit bm boldsymbol pmb mathit mathrm mathbf mathcal mathbb mathsf mathtt mathfrak mathscr verb ";

/// Environments that hold formulas.
const FORMULAS: &[&str] =
    &["equation", "align", "gather", "multline", "eqnarray", "displaymath", "math", "alignat", "flalign"];

/// A text without its commands, its formulas as text between [`OPEN`] and [`CLOSE`]; with more than the text the LaTeX of those
/// that could be read stands behind their text and [`SOURCE`]. With faces the others are left as they came.
pub fn read(text: &str, detail: Detail) -> String {
    let (out, quoted) = (String::with_capacity(text.len()), escaped_quotes(text));
    let mut reader = LatexParser { out, quoted, detail, groups: Vec::new() };
    reader.read(text, true);
    reader.out
}

/// The mark of a command that says how its argument looks, or with `switch` how the rest of its group does.
fn face(name: &str, switch: bool) -> Option<char> {
    Some(match (name, switch) {
        ("textbf", false) | ("bf" | "bfseries", true) => BOLD,
        ("emph" | "textit" | "textsl", false) | ("it" | "em" | "itshape" | "sl" | "slshape", true) => EMPHASIS,
        ("texttt", false) | ("tt" | "ttfamily", true) => CODE,
        ("textsuperscript", false) => RAISED,
        ("textsubscript", false) => LOWERED,
        _ => return None,
    })
}

/// An address without what TeX needs in it.
fn address(argument: &str) -> String {
    argument.trim().chars().filter(|c| *c != '\\').collect()
}

/// Whether `\"` closes a quotation somewhere, so that it is an escaped quote and no accent.
fn escaped_quotes(text: &str) -> bool {
    text.match_indices("\\\"").any(|(k, _)| {
        let closes = text[..k].ends_with(|c: char| c.is_alphanumeric() || ".,!?".contains(c));
        closes && !text[k + 2..].starts_with(|c: char| c.is_alphabetic() || matches!(c, '{' | '\\'))
    })
}

struct LatexParser {
    out: String,
    /// Whether `\"` is an escaped quote.
    quoted: bool,
    /// What is kept beside the text.
    detail: Detail,
    /// The groups that are open, each with the faces that end with it.
    groups: Vec<usize>,
}

impl LatexParser {
    /// Reads a text; without `formulas` what stands in one that could not be read as such.
    fn read(&mut self, text: &str, formulas: bool) {
        let mut rest = text;
        while let Some(found) = rest.find(['\\', '$', '{', '}', '~', '&']) {
            self.out.push_str(&rest[..found]);
            rest = &rest[found..];
            let sign = rest.as_bytes()[0];
            let behind = &rest[1..];
            rest = match sign {
                b'\\' => self.command(behind, formulas),
                b'$' if formulas => self.dollar(rest),
                b'~' if self.ties(behind) => {
                    self.out.push(' ');
                    behind
                }
                b'&' if formulas => self.sign('&', behind),
                b'~' => self.sign('~', behind),
                b'&' => self.sign(' ', behind),
                b'{' => self.begin(0, behind),
                b'}' => {
                    let faces = self.groups.pop().unwrap_or_default();
                    self.out.extend(std::iter::repeat_n(END, faces));
                    behind
                }
                // Dollars in what is a formula already.
                _ => behind,
            };
        }
        self.out.push_str(rest);
    }

    fn sign<'t>(&mut self, sign: char, behind: &'t str) -> &'t str {
        self.out.push(sign);
        behind
    }

    /// Begins a group with so many faces.
    fn begin<'t>(&mut self, faces: usize, behind: &'t str) -> &'t str {
        if self.detail == Detail::Faces {
            self.groups.push(faces);
        }
        behind
    }

    /// Whether a tilde holds two words together, as in `Fig.~3`.
    fn ties(&self, behind: &str) -> bool {
        self.out.ends_with(|c: char| c.is_alphanumeric() || ".,;:)]".contains(c) || c == CLOSE || c == END)
            && behind.starts_with(|c: char| !c.is_whitespace())
    }

    /// Reads what begins with a dollar: a formula, or money.
    fn dollar<'t>(&mut self, rest: &'t str) -> &'t str {
        if let Some(inner) = rest.strip_prefix("$$") {
            if let Some(end) = within(inner, MAX_REACH).find("$$") {
                self.formula(&inner[..end], &rest[..end + 4]);
                return &inner[end + 2..];
            }
            return self.sign('$', &rest[1..]);
        }
        let inner = &rest[1..];
        let end = closing(within(inner, MAX_REACH));
        match end.filter(|end| !self.is_money(&inner[..*end], &inner[end + 1..])) {
            Some(end) => {
                self.formula(&inner[..end], &rest[..end + 2]);
                &inner[end + 1..]
            }
            None => self.sign('$', inner),
        }
    }

    /// Whether a dollar before `inner` and one behind it are amounts and no formula. A formula that begins with a number, or
    /// stands close behind a word, ends close behind what it holds, not before a number, and has no words in it.
    fn is_money(&self, inner: &str, behind: &str) -> bool {
        if inner.trim().is_empty() || inner.contains("\n\n") || inner.contains(PARAGRAPH) {
            return true;
        }
        // No amount is written with these.
        if inner.contains(['\\', '^', '_', '{']) {
            return false;
        }
        let digit = |text: &str| text.trim_start().starts_with(|c: char| c.is_ascii_digit());
        let close = self.out.ends_with(|c: char| c.is_alphanumeric()) || inner.starts_with(' ');
        let words = inner
            .split(' ')
            .skip(1)
            .any(|word| word.chars().take_while(|c| c.is_alphabetic()).count() >= 2 && !word.contains('='));
        (words && (close || digit(inner))) || (digit(inner) && behind.starts_with(|c: char| c.is_ascii_digit()))
    }

    /// A formula: read as one, else as the text that it is. `whole` is with the signs around it.
    fn formula(&mut self, source: &str, whole: &str) {
        if self.detail == Detail::Faces && source.contains(MARKERS) {
            // What made them faces was no LaTeX.
            return self.formula(&unmarked(source), &unmarked(whole));
        }
        let mut read = formula::text(source);
        let mended = (read.is_none() && self.detail == Detail::Faces).then(|| mended(source)).flatten();
        if let Some(mended) = &mended {
            read = formula::text(mended);
        }
        let source = mended.as_deref().unwrap_or(source);
        self.out.push(OPEN);
        match read {
            Some(text) => {
                self.out.push_str(&text);
                if self.detail != Detail::Text && !source.contains([OPEN, CLOSE, SOURCE]) {
                    self.out.push(SOURCE);
                    self.out.push_str(&formula::with_percents(source.trim()));
                }
            }
            None if self.detail == Detail::Faces => self.out.push_str(whole),
            None => {
                let begin = self.out.len();
                self.read(source, false);
                let text = self.out.split_off(begin);
                self.out.push_str(&text.split_whitespace().collect::<Vec<_>>().join(" "));
            }
        }
        self.out.push(CLOSE);
    }

    /// Reads what stands behind a backslash; gives what comes after it.
    fn command<'t>(&mut self, rest: &'t str, formulas: bool) -> &'t str {
        let Some(first) = rest.chars().next() else { return rest };
        let behind = &rest[first.len_utf8()..];
        if first.is_ascii_alphabetic() {
            return self.named(rest, formulas);
        }
        if let ('(' | '[', true) = (first, formulas) {
            let close = if first == '(' { "\\)" } else { "\\]" };
            if let Some(end) = within(behind, MAX_REACH).find(close) {
                self.formula(&behind[..end], &format!("\\{}", &rest[..end + 3]));
                return &behind[end + 2..];
            }
            return self.sign(first, behind);
        }
        let in_word = self.out.ends_with(char::is_alphabetic) && behind.starts_with(char::is_alphabetic);
        if first == '"' && self.quoted && !in_word {
            return self.sign('"', behind);
        }
        // `it\'s` is an escaped apostrophe.
        let letters = behind.find(|c: char| !c.is_alphabetic()).unwrap_or(behind.len());
        if first == '\'' && self.out.ends_with(char::is_alphabetic) && CONTRACTED.contains(&&behind[..letters]) {
            return self.sign('\'', behind);
        }
        if let Some(mark) = tex::accent(&rest[..first.len_utf8()]) {
            return match accented(behind, mark) {
                Some((letter, behind)) => {
                    self.out.push_str(&letter);
                    behind
                }
                None if matches!(first, '"' | '\'') => self.sign(first, behind),
                None => behind,
            };
        }
        match first {
            '!' | '-' | '/' | '@' | ')' | ']' => behind,
            ',' | ';' | ':' | '>' => self.sign(' ', behind),
            '\\' => {
                self.out.push(' ');
                let behind = behind.strip_prefix('*').unwrap_or(behind);
                optional(behind)
            }
            c if c.is_whitespace() => self.sign(' ', behind),
            c => self.sign(c, behind),
        }
    }

    /// Reads a command with a name.
    fn named<'t>(&mut self, rest: &'t str, formulas: bool) -> &'t str {
        let length = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (name, behind) = rest.split_at(length);
        let blank = behind.strip_prefix(' ').unwrap_or(behind);
        if let Some(mark) = tex::accent(name)
            && let Some((letter, behind)) = accented(behind.trim_start_matches(' '), mark)
        {
            self.out.push_str(&letter);
            return behind;
        }
        if let Some(letter) = letter(name) {
            self.out.push_str(letter);
            let letter = letter.chars().all(char::is_alphabetic) && letter.chars().count() == 1;
            let behind = behind.strip_prefix("{}").unwrap_or(behind);
            // The blank behind it only ends its name.
            return if letter && self.out.len() > 1 { behind.strip_prefix(' ').unwrap_or(behind) } else { behind };
        }
        if name == "begin"
            && formulas
            && let Some((environment, inner)) = argument(behind)
            && FORMULAS.contains(&environment.trim_end_matches('*'))
            && let Some(end) = within(inner, MAX_REACH).find(&format!("\\end{{{environment}}}"))
        {
            let behind = &inner[end + environment.len() + 6..];
            self.formula(&inner[..end], &format!("\\{}", &rest[..rest.len() - behind.len()]));
            return behind;
        }
        if self.detail == Detail::Faces
            && let Some(behind) = self.shown(name, behind)
        {
            return behind;
        }
        if listed(SILENT, name) {
            return blank;
        }
        if tex::is_blank(name) {
            return self.sign(' ', behind);
        }
        let starred = behind.strip_prefix('*').unwrap_or(behind);
        if tex::is_unspoken(name) {
            let behind = optional(starred);
            return argument(behind).map_or(behind, |(_, behind)| behind);
        }
        if listed(SPOKEN, name) || name.starts_with("text") {
            if let (true, Some((first, behind))) =
                (["num", "si", "SI", "qty"].contains(&name), argument(optional(behind)))
            {
                self.out.push_str(first);
                return if behind.starts_with('{') { self.sign(' ', behind) } else { behind };
            }
            return behind;
        }
        if let Some(sign) = tex::symbol(name) {
            let mut joined = String::new();
            let last = self.out.chars().next_back().filter(|c| *c != CLOSE && *c != OPEN);
            joined.extend(last);
            formula::join(&mut joined, &sign);
            self.out.push_str(&joined[last.map_or(0, char::len_utf8)..]);
            return behind;
        }
        // A line break that was escaped twice.
        if let (Some('n' | 'r' | 't'), Some(second)) = (name.chars().next(), name.chars().nth(1))
            && second.is_uppercase()
        {
            self.out.push(' ');
            if self.out.trim().is_empty() {
                self.out.clear();
            }
            return &rest[1..];
        }
        match behind.strip_prefix("{}") {
            // Somebody's own command: its name is the best there is.
            Some(behind) => self.word(name, behind),
            None if behind.starts_with('{') => behind,
            None if formulas => self.word(name, behind),
            None => behind,
        }
    }

    /// Reads a command that says how a text looks or where it leads; gives what comes behind its name and its first brace.
    fn shown<'t>(&mut self, name: &str, behind: &'t str) -> Option<&'t str> {
        if let Some(mark) = face(name, true) {
            *self.groups.last_mut()? += 1;
            self.out.push(mark);
            return Some(behind.strip_prefix(' ').unwrap_or(behind));
        }
        if let Some(mark) = face(name, false) {
            let inner = behind.strip_prefix('{')?;
            self.out.push(mark);
            return Some(self.begin(1, inner));
        }
        let (argument, after) = match name {
            "href" | "url" | "nolinkurl" => argument(behind)?,
            _ => return None,
        };
        let address = address(argument);
        // Where it leads is a text of its own; the rest of the command is a group.
        let inner = if name == "href" { after.trim_start_matches(' ').strip_prefix('{')? } else { &behind[1..] };
        if !is_link(&address) {
            return Some(self.begin(0, inner));
        }
        self.out.push(LINK);
        self.out.push_str(&address);
        self.out.push(TO);
        Some(self.begin(1, inner))
    }

    fn word<'t>(&mut self, word: &str, behind: &'t str) -> &'t str {
        if self.out.ends_with(char::is_alphanumeric) {
            self.out.push(' ');
        }
        self.out.push_str(word);
        behind
    }
}

/// Where the formula ends that begins before `inner`: at the next dollar that is not escaped.
fn closing(inner: &str) -> Option<usize> {
    let mut from = 0;
    loop {
        let end = from + inner[from..].find('$')?;
        let escapes = inner[..end].bytes().rev().take_while(|b| *b == b'\\').count();
        if escapes % 2 == 0 {
            return Some(end);
        }
        from = end + 1;
    }
}

/// What a command stands for in prose.
fn letter(name: &str) -> Option<&'static str> {
    match name {
        // Alone they are meant as letters with their dots.
        "i" => Some("i"),
        "j" => Some("j"),
        // A text that was read is read again here and there: these would begin a command and tie words.
        "textbackslash" => Some("/"),
        "textasciitilde" => Some("∼"),
        name => tex::letter(name),
    }
}

/// The letter behind an accent, in braces or not, with it; nothing where the two are no letter.
fn accented(rest: &str, mark: char) -> Option<(String, &str)> {
    let (inner, behind) = match argument_within(rest, MAX_ACCENTED) {
        Some((inner, behind)) => (inner, Some(behind)),
        None => (rest, None),
    };
    let inner = inner.trim_start_matches(['{', ' ']);
    let (letter, after) = match inner.strip_prefix('\\') {
        // The dotless letters, which an accent makes whole.
        Some(name) => {
            let letter = name.chars().next().filter(|c| matches!(c, 'i' | 'j'))?;
            (letter, name[1..].strip_prefix(' ').unwrap_or(&name[1..]))
        }
        None => {
            let letter = inner.chars().next().filter(|c| c.is_alphabetic())?;
            (letter, &inner[letter.len_utf8()..])
        }
    };
    let letters = unicode_normalization::char::compose(letter, mark).map(String::from);
    // A tie has no letter of its own.
    let letters = letters.or_else(|| (mark == TIE).then(|| letter.to_string()))?;
    match behind {
        // `\v{Zi}`: only the first carries it.
        Some(behind) => Some((letters + after.trim_matches(['{', '}']), behind)),
        None => Some((letters, after)),
    }
}

/// The argument in braces at the head of a text, and what comes behind it.
fn argument(rest: &str) -> Option<(&str, &str)> {
    argument_within(rest, MAX_ARGUMENT)
}

fn argument_within(rest: &str, reach: usize) -> Option<(&str, &str)> {
    let inner = rest.strip_prefix('{')?;
    let mut depth = 0usize;
    let mut escaped = false;
    for (k, byte) in within(inner, reach).bytes().enumerate() {
        match byte {
            b'\\' if !escaped => {
                escaped = true;
                continue;
            }
            b'{' if !escaped => depth += 1,
            b'}' if !escaped && depth == 0 => return Some((&inner[..k], &inner[k + 1..])),
            b'}' if !escaped => depth -= 1,
            _ => {}
        }
        escaped = false;
    }
    None
}

/// What comes behind an argument in square brackets, where there is one.
fn optional(rest: &str) -> &str {
    let end = rest.strip_prefix('[').and_then(|inner| Some(within(inner, 200).find(']')? + 2));
    end.map_or(rest, |end| &rest[end..])
}
