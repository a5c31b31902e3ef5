//! The text of a BibTeX value: accents, signs, braces. What cannot be known is left out rather than left as a command, and
//! nothing here goes deeper than one loop, so that no value is too deep.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

use crate::paper::tex;

/// What a command stands for in the value of a field.
fn sign(command: &str) -> Option<Cow<'static, str>> {
    match command {
        // In an address it stands for the sign on the keyboard.
        "sim" | "textsim" => return Some("~".into()),
        command if tex::is_blank(command) => return Some(" ".into()),
        _ => {}
    }
    tex::letter(command).map(Cow::from).or_else(|| tex::symbol(command).map(Cow::from))
}

/// The mark that an accent puts on the letter behind it. Two letters that are tied stand as they are.
fn accent(command: &str) -> Option<char> {
    tex::accent(command).filter(|mark| *mark != tex::TIE)
}

/// The text of a value.
pub fn text(source: &str) -> String {
    TexParser { rest: source, out: String::with_capacity(source.len()), waiting: Vec::new(), prose: true, link: false }
        .read()
}

/// The text of a value that is a name for machines (a DOI, an address), in which dashes and ties stand for themselves.
pub fn verbatim(source: &str) -> String {
    TexParser { rest: source, out: String::with_capacity(source.len()), waiting: Vec::new(), prose: false, link: false }
        .read()
}

struct TexParser<'a> {
    rest: &'a str,
    out: String,
    /// Accents for the letter to come.
    waiting: Vec<char>,
    prose: bool,
    /// Whether the next two groups are an address and its text.
    link: bool,
}

impl TexParser<'_> {
    fn read(mut self) -> String {
        while let Some(c) = self.rest.chars().next() {
            self.rest = &self.rest[c.len_utf8()..];
            match c {
                '\\' => self.command(),
                '{' => {}
                '}' if self.link && self.rest.starts_with('{') => {
                    self.link = false;
                    self.put(' ');
                }
                '}' => self.unused(),
                '$' if self.prose => self.math(),
                // `$\sim$` in an address.
                '$' => {}
                '~' if self.prose => self.put(' '),
                '-' if self.prose => {
                    let more = (self.rest.len() - self.rest.trim_start_matches('-').len()).min(2);
                    let dash = ['-', '–', '—'][more];
                    self.rest = &self.rest[more..];
                    self.put(dash);
                }
                '`' if self.prose && self.rest.starts_with('`') => self.quote('“'),
                '\'' if self.prose && self.rest.starts_with('\'') => self.quote('”'),
                c if c.is_whitespace() => self.put(' '),
                c => self.put(c),
            }
        }
        self.unused();
        let composed = if self.out.is_ascii() { self.out } else { self.out.nfc().collect() };
        composed.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn quote(&mut self, sign: char) {
        self.rest = &self.rest[1..];
        self.put(sign);
    }

    /// Writes a character, under the accents that wait for a letter.
    fn put(&mut self, c: char) {
        if self.waiting.is_empty() {
            self.out.push(c);
            return;
        }
        if c.is_whitespace() {
            return;
        }
        // An i or j that lost its dot to make room.
        let c = match c {
            'ı' => 'i',
            'ȷ' => 'j',
            c => c,
        };
        self.out.push(c);
        if c.is_alphabetic() {
            self.out.extend(self.waiting.drain(..).rev());
        } else {
            self.waiting.clear();
        }
    }

    /// Accents over nothing: `\~{}` is a tilde.
    fn unused(&mut self) {
        for c in std::mem::take(&mut self.waiting) {
            match c {
                '\u{303}' => self.out.push('~'),
                '\u{302}' => self.out.push('^'),
                _ => {}
            }
        }
    }

    /// Behind a backslash.
    fn command(&mut self) {
        let end = self.rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(self.rest.len());
        if end == 0 {
            let Some(c) = self.rest.chars().next() else { return };
            self.rest = &self.rest[c.len_utf8()..];
            let mut buffer = [0; 4];
            match (c, accent(c.encode_utf8(&mut buffer))) {
                ('~', _) if !self.prose => self.out.push('~'),
                (_, Some(mark)) if self.prose => self.waiting.push(mark),
                ('\\' | ',' | ';', _) if self.prose => self.put(' '),
                ('-' | '/' | '!' | '@', _) if self.prose => {}
                ('(' | ')', _) if self.prose => self.put('$'),
                (c, _) if c.is_whitespace() => self.put(' '),
                (c, _) => self.put(c),
            }
            return;
        }
        let (name, rest) = self.rest.split_at(end);
        // Blanks behind a word of letters only end it.
        let after = rest.trim_start();
        self.rest = rest;
        if let Some(mark) = accent(name).filter(|_| self.prose && !after.is_empty()) {
            self.waiting.push(mark);
            self.rest = after;
        } else if name == "href" && !self.prose {
            self.link = true;
        } else if tex::is_unspoken(name) {
            self.rest = behind_group(after);
        } else if let Some(sign) = sign(name) {
            sign.chars().for_each(|c| self.put(c));
            self.rest = after;
        } else if rest.starts_with(char::is_whitespace) && !after.starts_with('{') {
            self.rest = after;
        }
    }

    /// Behind a `$`: mathematics stays as it is, for who reads titles knows it; a lone `$` is money.
    fn math(&mut self) {
        let mut escaped = false;
        let end = self.rest.bytes().position(|b| {
            let ends = b == b'$' && !escaped;
            escaped = b == b'\\' && !escaped;
            ends
        });
        self.out.push('$');
        if let Some(end) = end {
            self.out.push_str(&self.rest[..end]);
            self.out.push('$');
            self.rest = &self.rest[end + 1..];
        }
    }
}

/// What stands behind a group in braces, with escaped braces in it or not.
fn behind_group(text: &str) -> &str {
    if !text.starts_with('{') {
        return text;
    }
    let (mut depth, mut escaped) = (0usize, false);
    for (at, b) in text.bytes().enumerate() {
        match b {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'{' => depth += 1,
            b'}' if depth == 1 => return &text[at + 1..],
            b'}' => depth -= 1,
            _ => {}
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn accents_come_in_all_manners() {
        for (source, expected) in [
            (r"{\'E}tale {Things}", "Étale Things"),
            (r"\'{E}tale \'Etale \' Etale {{\'{E}}}tale", "Étale Étale Étale Étale"),
            (r#"G{\"o}del, G\"odel, G\"{o}del, {G}{\"{o}}del"#, "Gödel, Gödel, Gödel, Gödel"),
            (r#"na{\"\i}ve, na\"{\i}ve, na{\"{\i}}ve, na\"\i ve"#, "naïve, naïve, naïve, naïve"),
            (r"{\v S}koda \v{S}koda \v Skoda {\v{S}}koda", "Škoda Škoda Škoda Škoda"),
            (r"Fran\c{c}ois Fran{\c c}ois", "François François"),
            (r"Erd{\H o}s Erd\H{o}s", "Erdős Erdős"),
            (r#"\AA{}ngstr{\"o}m {\AA}ngstr\"om {\O}re \ss{} stra{\ss}e"#, "Ångström Ångström Øre ß straße"),
            (r"{\L}ukasz Wa{\l}\k{e}sa \.Z \={a} {\u g} {\r u} {\d h}", "Łukasz Wałęsa Ż ā ğ ů ḥ"),
            (r"Tr\'{\^e}n", "Trến"),
            (r"A \& B, 100\%, \$5, a\_b, \#1, \{x\}", "A & B, 100%, $5, a_b, #1, {x}"),
            (r"pages 1--2 --- ``so'' a~b \ldots{} c\ d \LaTeX", "pages 1–2 — “so” a b … c d LaTeX"),
            (r"\emph{Bold} {\bf and} \textit{it} \url{x}", "Bold and it x"),
            (r"\href{https://a.b/c}{name} \textcolor{red}{x} \{a\vphantom{\}\}}b", "name x {ab"),
            (r"H$_2$O costs \$5 and $\alpha\$$ more", r"H$_2$O costs $5 and $\alpha\$$ more"),
            ("costs $5", "costs $5"),
            ("a\n   b\tc", "a b c"),
            (r"$\alpha$-Synuclein \alpha-synuclein", "$\\alpha$-Synuclein α-synuclein"),
            (r"\", ""),
            (r"\unknown{kept} \unknown kept", "kept kept"),
        ] {
            assert_eq!(text(source), expected, "{source}");
        }
        for (source, expected) in [
            (r"10.1000/978-1-4020-0000-0\_1", "10.1000/978-1-4020-0000-0_1"),
            (r"10.1000/a{\_}b--c", "10.1000/a_b--c"),
            (r"\url{https://a.b/~x/\%7Ey}", "https://a.b/~x/%7Ey"),
            (r"https://a.b/$\sim$x {\textasciitilde}y \textunderscore", "https://a.b/~x ~y _"),
            (r"https://a.b/\~{}x", "https://a.b/~x"),
            (r"\href{https://a.b/c}{here}", "https://a.b/c here"),
        ] {
            assert_eq!(verbatim(source), expected, "{source}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics_and_plain_text_stays(source in "([a-z \\\\{}$~`'\"^-]|\\PC){0,80}", plain in "[a-zé0-9.,:]{0,20}") {
            let _ = text(&source);
            let _ = verbatim(&source);
            prop_assert_eq!(text(&plain), plain);
        }
    }
}
