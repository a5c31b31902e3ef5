//! The capitals of a title that a style must not lower, held by braces.
//!
//! Styles of BibTeX lower every letter of a title but the first, and the first behind a colon. That is right for `Deep Learning
//! for All`, and wrong for `BERT`, `U-Net`, `Gaussian`. In a title in which small words alone are small, a capital at the
//! beginning of a word says nothing, so that only those are held that no style may touch. In any other title every capital is
//! there for a reason.

use super::latex;
use crate::paper::Piece;

/// Words that have their capital wherever they stand, as titles hold them often.
const NAMES: &str = " Alzheimer American African Arabic Asian Banach Bayes Bayesian Bell Bernoulli Boltzmann Bose Brownian Carlo \
Cauchy Chinese Christoffel Dirac Dirichlet Einstein English Euclidean Euler European Fermi Fisher Fourier French Galois Gauss Gaussian \
German Gibbs Google Hamilton Hamiltonian Heisenberg Hermitian Hessian Hilbert Hindi Indian Ising Italian Jacobian Japanese Java \
Kalman Kolmogorov Korean Kullback Lagrange Lagrangian Langevin Laplace Laplacian Leibler Linux Lipschitz Lorentz Lyapunov Markov \
Markovian Minkowski Monte Nash Newton Newtonian Noether Pareto Parkinson Planck Poisson Portuguese Python Riemann Riemannian Russian \
Schrödinger Shapley Sobolev Spanish Stokes Tsallis Turing Twitter Wasserstein Wiener Wikipedia Zipf ";

/// Letters from which on a word tells whether a title has capitals everywhere: shorter ones are small in any.
const TELLING: usize = 4;

/// Writes a title as a value of BibTeX.
pub fn title(pieces: &[Piece], out: &mut String) {
    let words = words(pieces);
    let casing = Casing::of(&words);
    let mut begin = Begin::Title;
    for word in &words {
        if word.is_empty() {
            out.push(' ');
            continue;
        }
        let text: String = word.iter().map(Part::text).collect();
        if word.iter().any(|part| matches!(part, Part::Formula(_))) {
            // `H$_2$O` is one.
            let (open, close) = if text.chars().any(char::is_uppercase) { ("{", "}") } else { ("", "") };
            out.push_str(open);
            word.iter().for_each(|part| part.write(out));
            out.push_str(close);
        } else {
            casing.write(&text, begin, out);
        }
        begin = Begin::after(&text);
    }
}

/// A part of a word.
enum Part<'p> {
    Text(&'p str),
    Formula(&'p Piece),
}

impl Part<'_> {
    fn text(&self) -> &str {
        match self {
            Part::Text(text) => text,
            Part::Formula(Piece::Formula { text, .. } | Piece::Text(text)) => text,
        }
    }

    fn write(&self, out: &mut String) {
        match self {
            Part::Text(text) => latex::escaped(text, out),
            Part::Formula(piece) => latex::prose(std::slice::from_ref(piece), out),
        }
    }
}

/// The words of a title, a formula in one being part of it; one without parts is a blank.
fn words<'p>(pieces: &'p [Piece]) -> Vec<Vec<Part<'p>>> {
    let mut words: Vec<Vec<Part<'p>>> = Vec::new();
    let add = |words: &mut Vec<Vec<Part<'p>>>, part: Part<'p>| match words.last_mut() {
        Some(word) if !word.is_empty() => word.push(part),
        _ => words.push(vec![part]),
    };
    for piece in pieces {
        let Piece::Text(text) = piece else {
            add(&mut words, Part::Formula(piece));
            continue;
        };
        for (k, word) in text.split(' ').enumerate() {
            if k > 0 {
                words.push(Vec::new());
            }
            if !word.is_empty() {
                add(&mut words, Part::Text(word));
            }
        }
    }
    words
}

/// Where a word stands.
#[derive(Clone, Copy, PartialEq)]
enum Begin {
    /// At the beginning: its first sign stays as it is.
    Title,
    /// Behind a colon: the same.
    Colon,
    /// Behind the end of a sentence: a style lowers it.
    Sentence,
    Inside,
}

impl Begin {
    fn after(word: &str) -> Self {
        match word.trim_end_matches(['"', '\'', '”', '’', ')', '»']) {
            word if word.ends_with(':') => Begin::Colon,
            word if word.ends_with(['.', '?', '!']) => Begin::Sentence,
            _ => Begin::Inside,
        }
    }

    /// Whether a style keeps the first sign of a word here.
    fn keeps_first(self) -> bool {
        matches!(self, Begin::Title | Begin::Colon)
    }
}

/// How the words of a title are written.
#[derive(Clone, Copy, PartialEq)]
enum Casing {
    /// Small, but for names.
    Sentence,
    /// Each with a capital.
    Title,
    /// In capitals alone.
    Upper,
}

impl Casing {
    fn of(words: &[Vec<Part<'_>>]) -> Self {
        let (mut capitals, mut small, mut lower, mut begin) = (0, 0, false, Begin::Title);
        for word in words.iter().filter(|word| !word.is_empty()) {
            let text: String = word.iter().map(Part::text).collect();
            lower |= text.chars().any(char::is_lowercase);
            let telling = |run: &&Run<'_>| run.text.chars().count() >= TELLING && !is_fixed(run.text);
            if begin == Begin::Inside
                && let Some(run) = runs(&text).first().filter(telling)
            {
                let first = run.text.chars().next();
                capitals += usize::from(first.is_some_and(char::is_uppercase));
                small += usize::from(first.is_some_and(char::is_lowercase));
            }
            begin = Begin::after(&text);
        }
        match () {
            () if !lower && words.len() > 4 => Casing::Upper,
            () if capitals > small => Casing::Title,
            () => Casing::Sentence,
        }
    }

    /// Writes a word with its braces.
    fn write(self, word: &str, begin: Begin, out: &mut String) {
        let runs = runs(word);
        let Some((first, last)) = runs.first().zip(runs.last()).filter(|_| self != Casing::Upper) else {
            return latex::escaped(word, out);
        };
        // `U-Net`, `R&D`, `X-ray` are names as a whole.
        if runs.len() > 1 && runs.iter().any(|run| is_capital_letter(run.text)) {
            return braced(word, &[(first.at, last.end())], out);
        }
        let at_edge = first.at == 0;
        let held = runs.iter().enumerate().filter(|(k, run)| {
            let kept_by_style = *k == 0 && at_edge && begin.keeps_first();
            // A capital that a sentence begins with must not go, whatever the word is.
            let meant = self == Casing::Sentence || (*k == 0 && begin != Begin::Inside);
            is_fixed(run.text) || (run.text.starts_with(char::is_uppercase) && meant && !kept_by_style)
        });
        let held: Vec<(usize, usize)> = held.map(|(_, run)| (run.at, run.end())).collect();
        braced(word, &held, out);
    }
}

/// Writes a word with braces around some parts of it.
fn braced(word: &str, parts: &[(usize, usize)], out: &mut String) {
    let mut done = 0;
    for (from, to) in parts {
        latex::escaped(&word[done..*from], out);
        out.push('{');
        latex::escaped(&word[*from..*to], out);
        out.push('}');
        done = *to;
    }
    latex::escaped(&word[done..], out);
}

/// Letters and digits of a word that stand together.
struct Run<'t> {
    at: usize,
    text: &'t str,
}

impl Run<'_> {
    fn end(&self) -> usize {
        self.at + self.text.len()
    }
}

/// The runs of a word; an apostrophe between two letters parts nothing.
fn runs(word: &str) -> Vec<Run<'_>> {
    let (mut runs, mut from) = (Vec::new(), None);
    let mut signs = word.char_indices().peekable();
    while let Some((at, c)) = signs.next() {
        let next_is_letter = signs.peek().is_some_and(|(_, next)| next.is_alphanumeric());
        let inside = c.is_alphanumeric() || (matches!(c, '\'' | '’') && from.is_some() && next_is_letter);
        match (from, inside) {
            (None, true) => from = Some(at),
            (Some(begin), false) => {
                runs.push(Run { at: begin, text: &word[begin..at] });
                from = None;
            }
            _ => {}
        }
    }
    runs.extend(from.map(|begin| Run { at: begin, text: &word[begin..] }));
    runs
}

fn is_capital_letter(run: &str) -> bool {
    let mut signs = run.chars();
    signs.next().is_some_and(char::is_uppercase) && signs.next().is_none()
}

/// Whether no style may touch a run, wherever it stands: `BERT`, `iPhone`, `3D`, `Gaussian`.
fn is_fixed(run: &str) -> bool {
    let bare = ["'s", "’s"].iter().find_map(|end| run.strip_suffix(end)).unwrap_or(run);
    let inner = bare.chars().skip(1).any(char::is_uppercase);
    let mixed = bare.chars().any(char::is_uppercase) && bare.chars().any(char::is_numeric);
    // `A` is an article as a rule.
    let letter = is_capital_letter(bare) && bare != "A";
    inner || mixed || letter || NAMES.split(' ').any(|name| !name.is_empty() && name == bare)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paper::pieces;

    #[test]
    fn capitals_that_must_stay_stand_in_braces() {
        for (source, value) in [
            ("Attention Is All You Need", "Attention Is All You Need"),
            (
                "BERT: Pre-training of Deep Bidirectional Transformers",
                "{BERT}: Pre-training of Deep Bidirectional Transformers",
            ),
            ("Gaussian Processes for Machine Learning", "{Gaussian} Processes for Machine Learning"),
            ("Learning to walk in Paris with iCub and GPT-4o", "Learning to walk in {Paris} with {iCub} and {GPT}-4o"),
            ("U-Net and R&D: A Survey", r"{U-Net} and {R\&D}: A Survey"),
            ("Why Should We Care? The Answer Is Here", "Why Should We Care? {The} Answer Is Here"),
            ("\"Why Should I Trust You?\": Explaining", "\"{Why} Should {I} Trust You?\": Explaining"),
            ("The role of vitamin A in 3D growth", "The role of vitamin {A} in {3D} growth"),
            (r"Storing H$_2$O and CO$_2$ under $\ell_1$ noise", r"Storing {H$_2$O} and {CO$_2$} under $\ell_1$ noise"),
            ("Zipf's law and Alzheimer’s disease", "{Zipf's} law and {Alzheimer’s} disease"),
            ("A NOVEL METHOD FOR EVERYTHING ELSE", "A NOVEL METHOD FOR EVERYTHING ELSE"),
            ("深度学习 von allem in Größe", "深度学习 von allem in {Größe}"),
            ("", ""),
        ] {
            let mut out = String::new();
            title(&pieces(source), &mut out);
            assert_eq!(out, value, "{source}");
        }
    }
}
