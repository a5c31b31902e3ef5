//! Texts as values of BibTeX: what LaTeX would take for a command is escaped, and formulas stay formulas.
//!
//! Letters of any script are written as they are, in UTF-8: LaTeX has read that by default since 2018, and Biber always has.

use crate::paper::Piece;

/// Writes plain text so that LaTeX prints it as it is. No brace of the text is left to be counted by BibTeX, which counts them
/// whatever stands before.
pub fn escaped(text: &str, out: &mut String) {
    let mut before = ' ';
    for c in text.chars() {
        match c {
            '&' | '%' | '$' | '#' | '_' => out.extend(['\\', c]),
            '{' => out.push_str("\\textbraceleft{}"),
            '}' => out.push_str("\\textbraceright{}"),
            '\\' => out.push_str("\\textbackslash{}"),
            '~' => out.push_str("\\textasciitilde{}"),
            '^' => out.push_str("\\textasciicircum{}"),
            '<' => out.push_str("\\textless{}"),
            '>' => out.push_str("\\textgreater{}"),
            // Two of these would become another sign.
            '-' | '\'' | '`' if c == before => out.extend(['{', '}', c]),
            // `?` and `!` with a grave accent are Spanish.
            '`' if matches!(before, '?' | '!') => out.push_str("{}`"),
            c => out.push(c),
        }
        before = c;
    }
}

/// Whether every brace that opens is closed, and none closes that was not open.
fn balanced(text: &str) -> bool {
    let mut depth = 0usize;
    for c in text.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => return false,
            '}' => depth -= 1,
            _ => {}
        }
    }
    depth == 0
}

/// Commands that LaTeX itself has in a formula, or that no paper is without (`\\mathbb`): one that a style does not know ends the
/// whole bibliography.
const KNOWN: &str = "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi pi rho sigma tau \
    upsilon phi varphi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega ell infty times cdot cdots ldots \
    dots le leq ge geq ne neq approx sim simeq equiv cong propto pm mp to rightarrow leftarrow leftrightarrow Rightarrow mapsto in \
    notin ni subset subseteq supset cup cap setminus forall exists partial nabla sum prod int sqrt frac log ln exp sin cos tan min \
    max arg sup inf lim det dim ker gcd mathrm mathbf mathcal mathit mathsf mathtt mathbb bar hat tilde vec dot ddot overline \
    underline widehat widetilde prime circ ast star dagger langle rangle lfloor rfloor lceil rceil quad mid parallel perp odot otimes \
    oplus wedge vee neg emptyset Re Im hbar gg ll";

/// Whether every command of a formula is one that is known wherever it is printed.
fn is_known(source: &str) -> bool {
    let mut rest = source;
    while let Some(at) = rest.find('\\') {
        let behind = &rest[at + 1..];
        let letters = behind.bytes().take_while(u8::is_ascii_alphabetic).count();
        let known = match letters {
            0 => behind.starts_with([',', ';', ':', '!', '{', '}', '_', '%', '&', '#', '|', ' ']),
            n => KNOWN.split_whitespace().any(|known| known == &behind[..n]),
        };
        if !known {
            return false;
        }
        rest = &behind[letters.max(1).min(behind.len())..];
    }
    true
}

/// The LaTeX of a formula, where it can stand in a value as it is, whatever style prints it; else nothing.
pub fn formula(source: &str) -> Option<String> {
    if !source.is_ascii() || !is_known(source) {
        return None;
    }
    let mut escaped = false;
    for c in source.chars() {
        // A number sign, a comment or a dollar would end more than the formula.
        let ends = matches!(c, '$') || (!escaped && matches!(c, '%' | '#' | '&'));
        if ends {
            return None;
        }
        escaped = c == '\\' && !escaped;
    }
    let whole = !source.is_empty() && balanced(source) && !escaped && !source.ends_with(char::is_whitespace);
    whole.then(|| format!("${source}$"))
}

/// Text with formulas, as a value.
pub fn prose(pieces: &[Piece], out: &mut String) {
    for piece in pieces {
        match piece {
            Piece::Text(text) => escaped(text, out),
            Piece::Formula { source, text } => match formula(source) {
                Some(formula) => out.push_str(&formula),
                None => escaped(text, out),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> String {
        let mut out = String::new();
        escaped(text, &mut out);
        out
    }

    #[test]
    fn what_latex_would_take_for_a_command_is_escaped() {
        for (text, latex) in [
            ("R&D at 5% costs $5 #1 a_b", r"R\&D at 5\% costs \$5 \#1 a\_b"),
            ("a } b {x}", r"a \textbraceright{} b \textbraceleft{}x\textbraceright{}"),
            (r"C:\~^", r"C:\textbackslash{}\textasciitilde{}\textasciicircum{}"),
            ("a<b>|c|", r"a\textless{}b\textgreater{}|c|"),
            ("a--b --- ''q'' ``r`` ?`", "a-{}-b -{}-{}- '{}'q'{}' `{}`r`{}` ?{}`"),
            ("Größe, 東京, Erdős", "Größe, 東京, Erdős"),
        ] {
            assert_eq!(value(text), latex, "{text}");
        }
    }

    #[test]
    fn formulas_stand_as_they_are_where_they_harm_nothing() {
        assert_eq!(formula(r"\ell_1").as_deref(), Some(r"$\ell_1$"));
        assert_eq!(formula(r"\{x\}").as_deref(), Some(r"$\{x\}$"));
        for known in [r"\mathcal{O}(n \log n)", r"\frac{1}{2}\,x", r"k\%", r"\mathbb{R}^d"] {
            assert!(formula(known).is_some(), "{known}");
        }
        for other in [
            r"\text{5 ~ _}",
            r"\middle|",
            r"\coloneqq",
            r"\textcolor{red}{x}",
            r"\begin{aligned}x\end{aligned}",
            "α + é",
        ] {
            assert_eq!(formula(other), None, "{other}");
        }
        for other in ["", r"a\$b", "a%b", "a#b", "a & b", "{x", "x}", "x\\", r"\left\{ x \right."] {
            assert_eq!(formula(other), None, "{other}");
        }
    }
}
