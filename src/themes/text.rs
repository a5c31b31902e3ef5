//! From the title and abstract of a paper to the phrases that could name a theme.
//!
//! English has its own lists here, which know what every abstract says of itself; for other languages see [`super::language`].

use std::borrow::Cow;
use std::collections::HashMap;

use super::language::Language;
use crate::paper::english::{function_words, singular_into};
use crate::paper::is_cjk;

/// Words that end a phrase beside the function words: what every abstract says of itself, and names of units.
const SAID: &str = "abilities ability ablation ablations abstract according accuracy accurate accurately achieve \
achieved achieves achieving across additional additionally address addressed addresses addressing advance advanced \
advancement advancements advances advantage advantages aim aims allow allowing allows almost along already always \
among analyse analyze analyzed analyzing another appendix applied apply applying approach approaches approximately \
around article arxiv aspect aspects author authors available available-at average averages based baseline baselines \
became become becomes benefit benefits besides best better beyond billion bring brings called capabilities \
capability capable case cases centimeter centimeters centimetre centimetres certain challenge challenges challenging \
clear code codes com combine combined combines combining common commonly compare compared comparing comparison \
compelling complete completely complex complexity component components comprehensive concept concepts conclude \
conduct conducted consider considered considering consist consists contain containing contains contribute \
contributes contribution contributions corresponding critical crucial crucially current currently day days deal \
degree degrees demo demonstrate demonstrated demonstrates demonstrating depend depending depends derive derived \
describe described describes despite detail detailed details determine develop developed developing develops \
deviation deviations difference differences different difficult difficulty directly discuss discussed discusses \
diverse diversity done draw drawn e easily easy effect effective effectively effectiveness effects efficacy \
efficiency efficient efficiently effort efforts eg eliminate emerge emerged emerging empirically employ employed \
employing employs enable enabled enables enabling enabling-technology encourage end enhance enhanced enhances \
enhancing enough ensure ensures ensuring entire especially essential establish established establishes evaluate \
evaluated evaluates evaluating even evidence examine example examples excellent exhibit exhibits exist existing \
exists experiment experimental experimentally experiments explore explored explores exploring extend extended \
extends extensive extensively facilitate fact factor factors fall falling falls far fast faster finally find finding \
findings finds first firstly five focus focused focuses focusing follow followed following form found four framework \
frameworks full fully fundamental furthermore future gain gains general generally github give given gives giving go \
goal goals good gram grams great greater greatly group groups guarantee half help helpful helps high higher highest \
highly holds hour hours http https hundreds identified identifies identify identifying ie illustrate impact \
implement implemented important importantly improve improved improvement improvements improves improving include \
included includes including increase increased increases increasing increasingly indeed indicate indicates \
indicating influence inform informs insight insights inspired instance instead integrate integrated integrates \
integrating interest interesting introduce introduced introduces introducing introduction investigate investigated \
investigates investigating involve involves involving issue issues keep key kilogram kilograms kilometer kilometers \
kilometre kilometres kind kinds know known lack lacks large largely larger largest last lead leading leads least led \
less let level levels leverage leveraged leverages leveraging like likely limit limitation limitations limited \
limits line lines liter liters litre litres little long-standing long-term low lower made main mainly major make \
makes making many mean means meanwhile meter meters method methodologies methodology methods metre metres micrometer \
micrometers micrometre micrometres microsecond microseconds millimeter millimeters millimetre millimetres million \
million-scale millisecond milliseconds minute minutes module modules month months moreover mostly multiple namely \
nanometer nanometers nanometre nanometres nanosecond nanoseconds near nearly necessary necessity need needed needing \
needs never nevertheless new newly next non none notable notably note novel now number numbers numerous observe \
observed obtain obtained obtaining obtains offer offering offers often one ones open open-source opens order org \
others otherwise outline outperform outperformed outperforming outperforms overall overcome overlooked overview page \
paper papers paradigm paradigms part participant participants particular particularly parts past percent percentage \
perform performance performances performed performing performs perhaps perspective perspectives pipeline pipelines \
play plays point pose poses possible potential potentially practical practice practices preprint present presented \
presenting presents preserving prevailing prevent previous previously primarily primary prior problem problems \
processing-time produce produced produces producing project promise promising proper properly properties property \
propose proposed proposes proposing prove proved proves provide provided provides providing publicly put qualitative \
qualitatively quality quantitative quantitatively question questions quite rapid rapidly readily real real-time \
really reason reasonable recent recent-years recently reduce reduced reduces reducing regarding related relatively \
release released relevance relevant relies rely relying remain remaining remains remarkable report reported reports \
represent require required requirement requirements requires requiring research researcher researchers respect \
respectively result resulting results reveal revealed reveals review rich rise rises rising robust robustness role \
satisfy say scale scales scenario scenarios scheme schemes scope second secondly seconds see seek seeks seem seen \
serve serves set sets setting settings seven several several-fold short-term show showed showing shown shows \
significance significant significantly similar simple simply simultaneously single six small solution solutions \
solve solved solving sota specific specifically state state-of-the-art step steps still strategies strategy strong \
strongly studied studies study studying suffer suffers sufficient suggest suggesting suggests suitable superior \
superiority supplementary support supports survey surveys systematic systematically tackle take taken takes taking \
task-specific technique techniques ten term terms themselves thing things third thorough thousands three throughout \
today together traditional traditionally tremendous twice two twofold type types typical typically underexplored \
underlying understand understood unique unlike url use used useful user-friendly uses using usually utilise utilize \
utilized utilizes utilizing valid valuable various various-types vary varying verify version versus vs want way ways \
webpage website week weeks well well-known whenever whole wide widely widely-used widespread work works worse www \
year years yield yielded yielding yields zero";

/// How web addresses begin.
const ADDRESSES: [&str; 3] = ["http://", "https://", "www."];

/// Words that say something only in a phrase.
const WEAK: &str = "adaptive agent agents algorithm algorithms analyses analysis answer answering answers \
application applications architecture architectures attention benchmark benchmarks big bound bounds class classes \
code-base collection community computation computational constant constants content context cost costs cycle cycles \
data database dataset datasets decision decisions deep design designs development distribution distributions domain \
domains dynamic dynamics embedding embeddings end-to-end environment environments error errors estimate estimation \
evaluation evolution feature features few-shot field fields fine-tuned fine-tuning finetuning foundation function \
functions generalization generate generated generating generation generative generator global half-life human humans \
image images implementation inference information input inputs instruction instructions interaction interactions \
joint knowledge label labels language languages latent learn learned learning learns length lengths local long loss \
losses machine machines mass measure measurement measurements measures mechanism mechanisms metric metrics model \
modeling modelling models multi-modal multi-task multimodal network networks neural node nodes noise object objects \
online optimal optimization output outputs parameter parameters pattern patterns people physical points policy \
pre-trained pre-training predict predicting prediction predictions predictive pretrained pretraining principle \
principles probability process processes program quantity queries query random range rate rates reasoning region \
regions relation relations representation representations resource resources response responses sample samples \
scaling scene scenes search self-supervised semantic sensor sensors sequence sequences short signal signals \
simulation simulations size source sources space spaces spatial standard static statistical structural structure \
structured structures supervised supervision system systems target targets task tasks technologies technology \
temporal test tests text theoretical theory time times token tokens tool tools train trained training tuning \
understanding unified unsupervised user users value values variable variables video videos visual world zero-shot";

/// The longest phrase, in words.
const LONGEST: usize = 3;

/// The word lists, ready for looking up.
pub struct PhraseFinder {
    stop: HashMap<&'static str, bool>,
}

impl Default for PhraseFinder {
    fn default() -> Self {
        let mut stop: HashMap<&'static str, bool> = WEAK.split_whitespace().map(|w| (w, false)).collect();
        stop.extend(SAID.split_whitespace().chain(function_words()).map(|w| (w, true)));
        PhraseFinder { stop }
    }
}

impl PhraseFinder {
    fn ends_phrase(&self, lower: &str, language: Language) -> bool {
        if language == Language::ENGLISH { self.stop.get(lower) == Some(&true) } else { language.is_filler(lower) }
    }

    fn weak(&self, lower: &str, language: Language) -> bool {
        language == Language::ENGLISH && self.stop.get(lower) == Some(&false)
    }

    /// Gives every phrase of up to three words in a text to `f`: its key (lower case, singular) and how it is written.
    /// Phrases cross no punctuation and hold no stop word of their language; a word that says nothing by itself does not
    /// stand alone; addresses are left out. The text comes without markup ([`crate::paper::plain`]),
    /// and better without formulas, too ([`crate::paper::prose`]).
    pub fn phrases(&self, text: &str, mut f: impl FnMut(&str, &str)) {
        let text = without_addresses(text);
        let pieces = Language::pieces(&text);
        let usual = most_frequent(pieces.iter().filter_map(|p| p.1));
        for (piece, language) in pieces {
            self.phrases_in(piece, language.or(usual).unwrap_or(Language::ENGLISH), &mut f);
        }
    }

    fn phrases_in(&self, text: &str, language: Language, f: &mut impl FnMut(&str, &str)) {
        let mut key = String::new();
        let mut written = String::new();
        let runs = self.runs(text, language);
        // Where nouns have capitals a name ends with one; not in a text that has none.
        let capitals = runs.iter().flatten().filter(|w| capitalised(w)).count();
        let nouns = language.capitalises_nouns() && 4 * capitals >= runs.iter().map(Vec::len).sum();
        for run in runs {
            for start in 0..run.len() {
                key.clear();
                written.clear();
                for (length, word) in run[start..].iter().take(LONGEST).enumerate() {
                    if length > 0 {
                        key.push(' ');
                        written.push(' ');
                    }
                    singular_into(&word.to_lowercase(), &mut key);
                    written.push_str(word);
                    if (length > 0 || self.alone(word, language)) && (!nouns || capitalised(word)) {
                        f(&key, &written);
                    }
                }
            }
        }
    }

    /// Whether a word says enough to stand alone.
    fn alone(&self, word: &str, language: Language) -> bool {
        let letters = word.chars().filter(|c| c.is_alphabetic()).count();
        let acronym = word.chars().filter(|c| c.is_uppercase()).count() >= 2;
        // "Sol", "mer", "Uhr": what is left of another language without its function words is short more often.
        let least = if language == Language::ENGLISH { 4 } else { 3 };
        (letters >= least || (letters >= 2 && acronym) || word.chars().any(is_cjk))
            && !self.weak(&word.to_lowercase(), language)
    }

    /// Runs of words between punctuation and stop words.
    fn runs<'a>(&self, text: &'a str, language: Language) -> Vec<Vec<&'a str>> {
        let mut runs = Vec::new();
        let mut run: Vec<&str> = Vec::new();
        let mut end = 0;
        let mut at = text.char_indices().peekable();
        while let Some((start, c)) = at.next() {
            if !c.is_alphanumeric() {
                continue;
            }
            let mut stop = start + c.len_utf8();
            while let Some(&(k, c)) = at.peek() {
                let inner = matches!(c, '-' | '\u{2010}' | '\u{2011}' | '\'' | '\u{2019}')
                    && text[k + c.len_utf8()..].chars().next().is_some_and(char::is_alphanumeric);
                if !c.is_alphanumeric() && !inner {
                    break;
                }
                stop = k + c.len_utf8();
                at.next();
            }
            let elided = language.elided(&text[start..stop]);
            let word = possessive(&text[start + elided..stop]);
            let gap = &text[end..start];
            // A phrase is words with nothing but spaces between them.
            if elided > 0 || !gap.chars().all(char::is_whitespace) || gap.contains("\n\n") {
                runs.push(std::mem::take(&mut run));
            }
            end = stop;
            let lower = word.to_lowercase();
            let wordy = word.chars().any(char::is_alphabetic)
                && word.chars().count() <= 32
                && (word.chars().count() > 1 || word.chars().any(is_cjk));
            if !wordy || self.ends_phrase(&lower, language) {
                runs.push(std::mem::take(&mut run));
            } else {
                run.push(word);
            }
        }
        runs.push(run);
        runs.retain(|r| !r.is_empty());
        runs
    }
}

fn possessive(word: &str) -> &str {
    word.strip_suffix("'s").or_else(|| word.strip_suffix("\u{2019}s")).unwrap_or(word)
}

/// The text with a mark that ends a phrase in the place of each web address.
fn without_addresses(text: &str) -> Cow<'_, str> {
    if !ADDRESSES.iter().any(|begin| text.contains(begin)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = ADDRESSES.iter().filter_map(|begin| rest.find(begin)).min() {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        // `awww.` is none.
        let stands_alone = !out.ends_with(char::is_alphanumeric);
        let ends = |c: char| c.is_whitespace() || matches!(c, ')' | ']' | ',' | ';');
        let length = if stands_alone { rest.find(ends).unwrap_or(rest.len()) } else { 1 };
        out.push_str(if stands_alone { " | " } else { &rest[..length] });
        rest = &rest[length..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Whether a word begins with a capital, or is of a script that has none.
fn capitalised(word: &str) -> bool {
    word.chars().next().is_some_and(|c| c.is_uppercase() || !c.is_lowercase())
}

/// The language that most pieces are in; of equal ones the first.
fn most_frequent(languages: impl Iterator<Item = Language>) -> Option<Language> {
    let mut counts: Vec<(Language, usize)> = Vec::new();
    for language in languages {
        match counts.iter_mut().find(|c| c.0 == language) {
            Some(known) => known.1 += 1,
            None => counts.push((language, 1)),
        }
    }
    let most = counts.iter().map(|c| c.1).max()?;
    counts.into_iter().find(|c| c.1 == most).map(|c| c.0)
}

/// How often each phrase occurs in a set of papers, and how it is mostly written.
#[derive(Debug, Clone, Default)]
pub struct PhraseCounts {
    /// Papers read.
    pub papers: usize,
    /// By key: papers that hold it, and how it is written.
    pub phrases: HashMap<String, (u32, String)>,
}

impl PhraseCounts {
    /// Counts the phrases of some papers, each given as title and abstract, both as for [`PhraseFinder::phrases`]. A phrase
    /// counts once a paper, and is kept when two papers hold it (or when there are too few to ask that).
    pub fn of<'a>(words: &PhraseFinder, papers: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        struct Seen {
            papers: u32,
            last: u32,
            forms: Vec<(String, u32)>,
        }
        let texts: Vec<[Cow<'_, str>; 2]> =
            papers.into_iter().map(|(t, s)| [without_addresses(t), without_addresses(s)]).collect();
        let pieces: Vec<Vec<(&str, Option<Language>)>> =
            texts.iter().map(|t| t.iter().flat_map(|text| Language::pieces(text)).collect()).collect();
        // A title too short to tell is in the language of its abstract, else of the papers around.
        let around = most_frequent(pieces.iter().flatten().filter_map(|p| p.1));
        let mut seen: HashMap<String, Seen> = HashMap::new();
        let mut read = 0u32;
        for pieces in &pieces {
            read += 1;
            let usual = most_frequent(pieces.iter().filter_map(|p| p.1)).or(around);
            for (text, language) in pieces {
                words.phrases_in(text, language.or(usual).unwrap_or(Language::ENGLISH), &mut |key, written| {
                    if !seen.contains_key(key) {
                        seen.insert(key.to_string(), Seen { papers: 0, last: 0, forms: Vec::new() });
                    }
                    let Some(entry) = seen.get_mut(key) else { return };
                    if entry.last != read {
                        entry.last = read;
                        entry.papers += 1;
                    }
                    match entry.forms.iter().position(|(form, _)| form == written) {
                        Some(k) => entry.forms[k].1 += 1,
                        None if entry.forms.len() < 6 => entry.forms.push((written.to_string(), 1)),
                        None => {}
                    }
                });
            }
        }
        let least = if read < 4 { 1 } else { 2.max(read / 50) };
        let phrases = seen
            .into_iter()
            .filter(|(_, s)| s.papers >= least)
            .filter_map(|(key, s)| {
                // Titles Capitalise Words: of forms about as frequent, the one in lower case is the plain one.
                let weight = |(form, times): &(String, u32)| {
                    let capitals = form.chars().filter(|c| c.is_uppercase()).count();
                    (
                        *times * if capitals == 0 { 3 } else { 2 },
                        std::cmp::Reverse(capitals),
                        std::cmp::Reverse(form.clone()),
                    )
                };
                let (form, _) = s.forms.into_iter().max_by_key(weight)?;
                Some((key, (s.papers, form)))
            })
            .collect();
        PhraseCounts { papers: read as usize, phrases }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::paper::prose;

    fn keys(text: &str) -> Vec<String> {
        let mut keys = Vec::new();
        PhraseFinder::default().phrases(&prose(text), |key, _| keys.push(key.to_string()));
        keys
    }

    #[test]
    fn phrases_are_whole_and_cross_no_punctuation() {
        let got = keys("We study quantum error correction, surface codes; and Bayesian priors.");
        for wanted in ["quantum error correction", "error correction", "quantum", "bayesian prior", "surface"] {
            assert!(got.contains(&wanted.to_string()), "{wanted} is missing from {got:?}");
        }
        assert!(!got.iter().any(|k| k.contains("correction surface") || k.contains("study") || k.contains("and")));
    }

    #[test]
    fn formulas_commands_and_addresses_leave_no_fragments() {
        let text = r"An $\mathcal{O}(n \log n)$ bound for \emph{matroid secretaries} of rank $k_{max}$, see https://example.org/mathcal/frac and \textbf{sunflowers} with \alpha decay, $$\frac{a}{b}$$.";
        let got = keys(text);
        for wanted in ["matroid secretary", "sunflower", "decay"] {
            assert!(got.contains(&wanted.to_string()), "{wanted} is missing from {got:?}");
        }
        for bad in ["mathcal", "frac", "log", "emph", "textbf", "alpha", "example", "max"] {
            assert!(!got.iter().any(|k| k.split([' ', '-']).any(|w| w == bad)), "{bad} is in {got:?}");
        }
    }

    #[test]
    fn money_is_no_formula() {
        assert!(keys("It costs $5 per patient to vaccinate rural clinics").contains(&"rural clinic".to_string()));
    }

    #[test]
    fn plurals_are_counted_with_singulars() {
        let words = PhraseFinder::default();
        let papers = [("Graph transformers", ""), ("A graph transformer", ""), ("Graph transformers again", "")];
        let counts = PhraseCounts::of(&words, papers);
        assert_eq!(
            counts.phrases.get("graph transformer").map(|(n, form)| (*n, form.to_lowercase())),
            Some((3, "graph transformers".into()))
        );
    }

    #[test]
    fn weak_words_do_not_stand_alone() {
        let got = keys("models of protein language");
        assert!(!got.contains(&"model".to_string()) && !got.contains(&"language".to_string()));
        assert!(got.contains(&"protein language".to_string()));
    }

    proptest! {
        #[test]
        fn any_text_can_be_read(text in "\\PC{0,200}", tex in "[$\\\\{}a-z ^_]{0,60}") {
            PhraseFinder::default().phrases(&text, |key, written| assert!(!key.is_empty() && !written.contains('$')));
            PhraseFinder::default().phrases(&prose(&tex), |_, written| assert!(!written.contains(['$', '\\', '{', '}', '_', '^'])));
        }
    }
}
