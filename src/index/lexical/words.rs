//! Words from scientific English: what stands in the index and what a query looks for.
//!
//! Letters and digits part (`ResNet50` is `resnet`, `50`), hyphens part as well, and what was parted also stands joined
//! (`resnet50`), so that `resnet50`, `ResNet-50` and `resnet 50` meet. Accents fall, plurals and endings go by Porter's
//! second stemmer, function words only count as places between others. Chinese, Japanese and Korean go by pairs of
//! characters.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use tantivy::tokenizer::{AsciiFoldingFilter, Language, RawTokenizer, Stemmer, TextAnalyzer, TokenStream};

use crate::paper::{plain, spelled};

/// Characters of a word that count; a longer one is cut. In bytes no more than the 255 that a file of words has room for.
const MAX_WORD: usize = 48;

/// Stems that are kept, so that a word is stemmed once in a while and not every time.
const MAX_CACHED: usize = 200_000;

/// Joined forms are made of at most so many hyphenated pieces.
const MAX_PIECES: usize = 4;

/// What a text is read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A text of a paper.
    Text,
    /// A query: `resnet 50` is joined whatever its case.
    Query,
    /// A person's name: nothing is stemmed or left out; a given name also stands as its initial.
    Name,
}

/// A word of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// The form that is compared.
    pub term: String,
    /// The form that a person reads.
    pub surface: String,
    /// Which place of the text; joined forms stand at the place of their first part.
    pub position: usize,
    /// Whether it was joined from parts that also stand alone.
    pub joined: bool,
}

/// Function words of English: too frequent to tell papers apart.
const STOP: &str = "a about above after again against all also although am an and any are as at be because been before \
being below between both but by can cannot could did do does doing down due during each either et etc few for from \
further had has have having he hence her here hers him his how however i if in into is it its itself just may me might \
more most much must my neither no nor not of off on once only onto or other our ours out over own per rather same shall \
she should since so some such than that the their theirs them then there thereby therefore these they this those though \
through thus to too toward towards under until unto up upon us very via was we were what when where whereas whether \
which while who whom whose why will with within without would yet you your yours";

static STOP_SET: LazyLock<HashSet<&str>> = LazyLock::new(|| STOP.split_whitespace().collect());

/// Reads texts. Keeps the stems of words it has met.
pub struct Reader {
    stemmer: TextAnalyzer,
    folder: TextAnalyzer,
    stems: HashMap<String, String>,
}

impl Default for Reader {
    fn default() -> Self {
        let folder = || TextAnalyzer::builder(RawTokenizer::default()).filter(AsciiFoldingFilter);
        Reader {
            stemmer: folder().filter(Stemmer::new(Language::English)).build(),
            folder: folder().build(),
            stems: HashMap::new(),
        }
    }
}

/// Letters without a break, or digits without a break.
#[derive(Debug, Clone)]
struct Atom {
    text: String,
    number: bool,
}

/// What stands between two blanks (or other separators): atoms, in pieces parted by hyphens.
#[derive(Debug, Default)]
struct Run {
    pieces: Vec<Vec<Atom>>,
    /// Whether exactly one blank stands before it.
    close: bool,
}

impl Run {
    fn atoms(&self) -> usize {
        self.pieces.iter().map(Vec::len).sum()
    }

    /// The run as one word of letters.
    fn word(&self) -> Option<&str> {
        match &self.pieces[..] {
            [piece] if piece.len() == 1 && !piece[0].number => Some(&piece[0].text),
            _ => None,
        }
    }

    /// The run as one number.
    fn number(&self) -> Option<&str> {
        match &self.pieces[..] {
            [piece] if piece.len() == 1 && piece[0].number && piece[0].text.len() <= 4 => Some(&piece[0].text),
            _ => None,
        }
    }
}

impl Reader {
    /// Gives the memory of its stems back: after the papers of an ingest some 20 MB, which nobody needs until the next.
    pub fn forget(&mut self) {
        self.stems = HashMap::new();
    }

    /// The words of a text, in order.
    pub fn read(&mut self, text: &str, purpose: Purpose) -> Vec<Word> {
        let text = plain(text);
        let text = spelled(&text);
        let mut words = Vec::with_capacity(text.len() / 6);
        let mut position = 0;
        let runs = runs(&text);
        for (k, run) in runs.iter().enumerate() {
            let run = match run {
                Part::Run(run) => run,
                Part::Pairs(chars) => {
                    pairs(chars, purpose, position, &mut words);
                    position += chars.len();
                    continue;
                }
            };
            let first = position;
            for atom in run.pieces.iter().flatten() {
                self.push_atom(atom, purpose, position, &mut words);
                position += 1;
            }
            self.push_joined(run, purpose, first, &mut words);
            // `CIFAR 10` is the same thing as `CIFAR-10`.
            if let (Some(word), Some(Part::Run(next))) = (run.word(), runs.get(k + 1)) {
                let named = purpose == Purpose::Query || word.chars().any(char::is_uppercase);
                if let Some(number) = next.number().filter(|_| next.close && named && purpose != Purpose::Name) {
                    let lower = word.to_lowercase();
                    if !STOP_SET.contains(lower.as_str()) {
                        let surface = format!("{word} {number}");
                        let term = self.folded(&format!("{lower}{number}"));
                        words.push(Word { term, surface, position: first, joined: true });
                    }
                }
            }
        }
        words
    }

    fn push_atom(&mut self, atom: &Atom, purpose: Purpose, position: usize, words: &mut Vec<Word>) {
        let lower = atom.text.to_lowercase();
        // The stemmer knows words, not acronyms: `GPUs` is `GPU` as well as the `gpus` that somebody may type.
        if let Some(single) = acronym(&atom.text).filter(|_| purpose != Purpose::Name) {
            let (term, surface) = (cut(&single.to_lowercase()), single.to_string());
            words.push(Word { term, surface, position, joined: true });
        }
        let term = match purpose {
            _ if atom.number => cut(&lower),
            Purpose::Name => self.folded(&lower),
            _ if STOP_SET.contains(lower.as_str()) => return,
            _ => self.stem(lower),
        };
        let initial = term.chars().next().filter(|c| c.len_utf8() < term.len() && purpose == Purpose::Name);
        if let Some(initial) = initial.map(|c| c.to_string()) {
            words.push(Word { term: initial.clone(), surface: initial, position, joined: true });
        }
        words.push(Word { term, surface: atom.text.clone(), position, joined: false });
    }

    fn push_joined(&mut self, run: &Run, purpose: Purpose, position: usize, words: &mut Vec<Word>) {
        let spelled = |pieces: &[Vec<Atom>], between: &str| {
            let piece = |p: &Vec<Atom>| p.iter().map(|a| a.text.as_str()).collect::<String>();
            pieces.iter().map(piece).collect::<Vec<_>>().join(between)
        };
        let mixed = |pieces: &[Vec<Atom>]| pieces.iter().flatten().any(|a| a.number);
        let lettered = |pieces: &[Vec<Atom>]| pieces.iter().flatten().any(|a| !a.number);
        let mut before = 0;
        for piece in &run.pieces {
            if piece.len() > 1 && piece.len() <= 6 {
                let surface = spelled(std::slice::from_ref(piece), "");
                let term = self.folded(&surface.to_lowercase());
                words.push(Word { term, surface, position: position + before, joined: true });
            }
            before += piece.len();
        }
        if (2..=MAX_PIECES).contains(&run.pieces.len()) && run.atoms() <= 6 && lettered(&run.pieces) {
            let whole = spelled(&run.pieces, "").to_lowercase();
            let term =
                if mixed(&run.pieces) || purpose == Purpose::Name { self.folded(&whole) } else { self.stem(whole) };
            words.push(Word { term, surface: spelled(&run.pieces, "-"), position, joined: true });
        }
    }

    fn stem(&mut self, lower: String) -> String {
        if let Some(stem) = self.stems.get(&lower) {
            return stem.clone();
        }
        let mut stem = through(&mut self.stemmer, &lower);
        // Without a vowel the stemmer leaves even a plural as it is.
        if stem.len() > 3
            && stem.ends_with('s')
            && !stem.ends_with("ss")
            && !stem.contains(['a', 'e', 'i', 'o', 'u', 'y'])
        {
            stem.pop();
        }
        if self.stems.len() >= MAX_CACHED {
            self.stems.clear();
        }
        self.stems.insert(lower, stem.clone());
        stem
    }

    fn folded(&mut self, lower: &str) -> String {
        if lower.is_ascii() { cut(lower) } else { through(&mut self.folder, lower) }
    }
}

/// `GPU` of `GPUs`.
fn acronym(word: &str) -> Option<&str> {
    let single = word.strip_suffix('s')?;
    let capitals = single.chars().filter(|c| c.is_uppercase()).count();
    (capitals >= 2 && single.ends_with(char::is_uppercase)).then_some(single)
}

fn through(analyser: &mut TextAnalyzer, word: &str) -> String {
    let mut stream = analyser.token_stream(word);
    let text = stream.next().map(|t| t.text.clone()).unwrap_or_default();
    cut(&text)
}

fn cut(word: &str) -> String {
    word.chars().take(MAX_WORD).collect()
}

enum Part {
    Run(Run),
    Pairs(Vec<char>),
}

/// Chinese characters, kana and Hangul: written without blanks, or with blanks that mean less.
fn is_cjk(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{2ffff}')
}

fn is_hyphen(c: char) -> bool {
    matches!(c, '-' | '\u{2010}' | '\u{2011}' | '\u{2012}' | '–' | '−' | '_' | '^')
}

/// Splits a text. `-` joins only between letters or digits, `.` and `,` only inside a number, `'` only inside a word.
fn runs(text: &str) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let mut run = Run::default();
    let mut pairs: Vec<char> = Vec::new();
    // Separators since the last run, and whether they are one blank.
    let mut gap = String::new();
    let mut chars = text.chars().peekable();
    let mut last: Option<char> = None;
    while let Some(c) = chars.next() {
        let next = chars.peek().copied();
        let follows = next.is_some_and(|n| n.is_alphanumeric() && !is_cjk(n));
        if is_cjk(c) {
            close(&mut run, &mut parts);
            pairs.push(c);
            gap.clear();
        } else if c.is_alphanumeric() {
            if !pairs.is_empty() {
                parts.push(Part::Pairs(std::mem::take(&mut pairs)));
            }
            if run.pieces.is_empty() {
                run.close = gap == " ";
                run.pieces.push(Vec::new());
            }
            gap.clear();
            add(&mut run, c);
        } else if !run.pieces.is_empty() && follows && is_hyphen(c) {
            run.pieces.push(Vec::new());
        } else if matches!(c, '\'' | '’') && last.is_some_and(char::is_alphabetic) && follows && !run.pieces.is_empty()
        {
            // `Bayes's` is `Bayes`; `O'Brien` is one word.
            let mut ahead = chars.clone();
            if matches!(ahead.next(), Some('s' | 'S')) && !ahead.next().is_some_and(char::is_alphanumeric) {
                chars.next();
            }
        } else if matches!(c, '.' | ',')
            && last.is_some_and(|l| l.is_ascii_digit())
            && next.is_some_and(|n| n.is_ascii_digit())
            && inside_number(c, &chars)
        {
            if c == '.' {
                add_to_number(&mut run, c);
            }
        } else {
            close(&mut run, &mut parts);
            if !pairs.is_empty() {
                parts.push(Part::Pairs(std::mem::take(&mut pairs)));
            }
            gap.push(c);
        }
        last = Some(c);
    }
    close(&mut run, &mut parts);
    if !pairs.is_empty() {
        parts.push(Part::Pairs(pairs));
    }
    parts
}

/// A comma parts thousands only before exactly three digits.
fn inside_number(c: char, rest: &std::iter::Peekable<std::str::Chars<'_>>) -> bool {
    c == '.' || rest.clone().take_while(char::is_ascii_digit).count() == 3
}

fn close(run: &mut Run, parts: &mut Vec<Part>) {
    if !run.pieces.is_empty() {
        parts.push(Part::Run(std::mem::take(run)));
    }
}

fn add(run: &mut Run, c: char) {
    let number = c.is_numeric();
    let Some(piece) = run.pieces.last_mut() else { return };
    match piece.last_mut() {
        Some(atom) if atom.number == number => atom.text.push(c),
        _ => piece.push(Atom { text: c.to_string(), number }),
    }
}

fn add_to_number(run: &mut Run, c: char) {
    if let Some(atom) = run.pieces.last_mut().and_then(|p| p.last_mut()) {
        atom.text.push(c);
    }
}

/// Each pair of neighbours, and in papers each character, since a query may be one alone.
fn pairs(chars: &[char], purpose: Purpose, position: usize, words: &mut Vec<Word>) {
    let mut push = |text: String, k: usize| {
        words.push(Word { term: text.clone(), surface: text, position: position + k, joined: false });
    };
    for (k, c) in chars.iter().enumerate() {
        if purpose == Purpose::Text || chars.len() == 1 {
            push(c.to_string(), k);
        }
        if let Some(next) = chars.get(k + 1) {
            push(format!("{c}{next}"), k);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn terms(text: &str, purpose: Purpose) -> Vec<String> {
        let mut seen = HashSet::new();
        let words = Reader::default().read(text, purpose).into_iter();
        words.map(|w| w.term).filter(|t| seen.insert(t.clone())).collect()
    }

    #[test]
    fn spellings_meet() {
        let meet = |a: &str, b: &str| {
            let (paper, query) = (terms(a, Purpose::Text), terms(b, Purpose::Query));
            assert!(
                query.iter().any(|t| paper.contains(t)),
                "{a:?} {paper:?} and {b:?} {query:?} have nothing in common"
            );
        };
        let same = |a: &str, b: &str| {
            let (paper, query) = (terms(a, Purpose::Text), terms(b, Purpose::Query));
            assert!(query.iter().all(|t| paper.contains(t)), "{a:?} {paper:?} lacks something of {b:?} {query:?}");
        };
        for a in ["ResNet-50", "ResNet50", "ResNet 50"] {
            for b in ["resnet50", "ResNet-50", "resnet 50"] {
                same(a, b);
            }
        }
        same(r"$\alpha$-stable processes", "alpha-stable process");
        same("α-stable", r"\alpha-stable");
        same("GPT-3.5", "gpt3.5");
        same("CO$_2$ capture", "CO2");
        same("CO₂", "co2");
        same("Schrödinger's equations", "schrodinger equation");
        same("LLMs and GANs", "LLM GAN");
        same("LLM", "llms");
        same("GPUs", "gpu");
        same("GPUs", "gpus");
        same("NF-κB", "NF-kappaB");
        same("1,000,000 images", "1000000 image");
        same("Erdős–Rényi graphs", "erdos renyi");
        meet("self-supervised learning", "selfsupervised");
        meet("self-supervised learning", "self supervised");
        meet("深度学习综述", "深度学习");
        meet("深度学习综述", "学");
    }

    #[test]
    fn function_words_only_take_a_place() {
        let words = Reader::default().read("state of the art", Purpose::Text);
        let places: Vec<(&str, usize)> = words.iter().map(|w| (w.term.as_str(), w.position)).collect();
        assert_eq!(places, [("state", 0), ("art", 3)]);
        assert_eq!(terms("to be or not to be", Purpose::Query), [] as [&str; 0]);
    }

    #[test]
    fn long_words_are_cut_whatever_they_are() {
        for text in ["1".repeat(300), "¼".repeat(300), "GPU".repeat(100) + "s", "a1".repeat(3) + &"9".repeat(300)] {
            for purpose in [Purpose::Text, Purpose::Query, Purpose::Name] {
                let terms = terms(&text, purpose);
                assert!(!terms.is_empty() && terms.iter().all(|t| t.chars().count() <= MAX_WORD), "{terms:?}");
            }
        }
    }

    #[test]
    fn names_stay_as_they_are() {
        assert_eq!(terms("Yann LeCun", Purpose::Name), ["y", "yann", "l", "lecun"]);
        assert!(terms("Will May", Purpose::Name).contains(&"will".to_string()));
        assert_eq!(terms("José O'Brien", Purpose::Name), ["j", "jose", "o", "obrien"]);
    }

    proptest! {
        #[test]
        fn any_text_gives_short_words_in_order(text in "\\PC{0,120}") {
            for purpose in [Purpose::Text, Purpose::Query, Purpose::Name] {
                let words = Reader::default().read(&text, purpose);
                prop_assert!(words.iter().all(|w| w.term.chars().count() <= MAX_WORD));
                let alone: Vec<usize> = words.iter().filter(|w| !w.joined).map(|w| w.position).collect();
                prop_assert!(alone.is_sorted());
            }
        }
    }
}
