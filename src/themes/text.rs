//! From the title and abstract of a paper to the phrases that could name a theme.
//!
//! English has its own lists here, which know what every abstract says of itself; for other languages see [`super::language`].

use std::collections::HashMap;

use super::language::Language;

/// Words that end a phrase: function words, and what every abstract says of itself.
const STOP: &str = "a about above according achieve achieved achieves achieving across additional additionally address \
addressed addresses addressing after against aim aims all allow allowing allows almost along already also although always \
among an analyse analyze analyzed analyzing and another any apply applied applying approach approaches are around article as \
aspect aspects at author authors available average based be because become becomes been before being below benefit benefits \
besides best better between beyond both bring brings but by called can cannot capable case cases certain challenge challenges \
challenging clear code codes combine combined combines combining common commonly compare compared comparing comparison compelling \
comprehensive concept concepts conclude conduct conducted consider considered considering consist consists contain containing \
contains contribute contributes contribution contributions corresponding could crucial current currently deal demonstrate \
demonstrated demonstrates demonstrating depend depending depends derive derived describe described describes despite detail \
detailed details determine develop developed developing develops did difference differences different difficult difficulty directly \
discuss discussed discusses do does doing done draw drawn due during e each easily easy effect effective effectively effectiveness \
effects efficacy effort efforts eg either eliminate emerge emerged emerging employ employed employing employs empirically enable \
enabled enables enabling encourage end enhance enhanced enhances enhancing enough ensure ensures ensuring especially essential \
establish established establishes etc evaluate evaluated evaluates evaluating even evidence examine example examples excellent \
exhibit exhibits exist existing exists experimental experimentally experiment experiments explore explored explores exploring \
extend extended extends extensive extensively facilitate fact factor factors far few finally find finding findings finds first \
firstly five focus focused focuses focusing follow followed following for form found four from fully fundamental further furthermore \
future gain gains general generally github give given gives giving go goal goals good great greater greatly group groups guarantee had \
has have having he help helpful helps hence her here high higher highest highly his holds how however http https i identified identify \
identifies identifying ie if illustrate impact implement implemented important importantly improve improved improvement improvements \
improves improving in include included includes including increase increased increases increasing increasingly indeed indicate \
indicates indicating influence inform informs insight insights inspired instance instead integrate integrated integrates integrating \
interest interesting into introduce introduced introduces introducing investigate investigated investigates investigating involve \
involves involving is issue issues it its itself just keep key kind kinds know known lack lacks largely larger largest last lead \
leading leads least led less let leverage leveraged leverages leveraging like likely limit limitation limitations limited limits little \
long-standing low lower made main mainly major make makes making many may me mean meanwhile means method methodologies methodology \
methods might more moreover most mostly much must my namely near nearly necessary necessity need needed needing needs never \
nevertheless new newly next no non none nor not notable notably note novel now number numbers numerous observe observed obtain \
obtained obtaining obtains of off offer offering offers often on once one ones only onto open opens or order other others otherwise \
our ours out outperform outperforming outperforms over overall overcome overlooked overview own paper papers part particular \
particularly parts past per perform performance performances performed performing performs perhaps play plays point pose poses \
possible potential potentially practical practice practices present presented presenting presents preserving prevailing prevent \
previous previously primarily primary prior problem problems produce produced produces producing promise promising proper properly \
propose proposed proposes proposing prove proved proves provide provided provides providing publicly put question questions quite \
rather readily real really reason reasonable recent recently reduce reduced reduces reducing regarding related relatively release \
released rely relies relying remain remaining remains remarkable report reported reports represent require required requirement \
requirements requires requiring research researcher researchers respect respectively result resulting results reveal revealed reveals \
review role same satisfy say second secondly see seek seeks seem seen serve serves set sets seven several shall she should show showed \
showing shown shows significance significant significantly similar simple simply simultaneously since single six so solve solved solving \
some sota specific specifically state state-of-the-art still strong strongly studied studies study studying such suffer suffers \
sufficient suggest suggesting suggests suitable superior superiority support supports survey surveys systematic systematically tackle \
take taken takes taking technique techniques ten term terms than that the their them themselves then there thereby therefore these they \
thing things third this thorough those though thousands three through throughout thus to today together too toward towards traditional \
traditionally tremendous two type types typical typically under underexplored underlying understand understood unique unlike until up \
upon us use used useful user-friendly uses using usually utilise utilize utilized utilizes utilizing valid valuable various vary varying \
verify versus very via vs want was way ways we well were what when whenever where whereas whether which while who whole whose why wide \
widely widespread will with within without work works would yet yield yielded yielding yields you your zero \
ablation ablations advance advanced advancement advancements advances baseline baselines capabilities capability introduce outline \
website webpage url www com org project page demo released appendix supplementary arxiv preprint version abstract introduction \
accurate accurately accuracy outperformed percent percentage average averages approximately nearly versus million billion hundreds \
million-scale year years day days hour hours recent-years real-time widely-used open-source well-known long-term short-term \
robust robustness efficient efficiently efficiency fast faster rapid rapidly quality quantitative qualitative qualitatively quantitatively \
complex complexity critical crucially diverse diversity multiple several-fold ability abilities enabling-technology various-types \
advantage advantages property properties processing-time task-specific component components setting settings \
scenario scenarios available-at rich small large scale scales level levels full complete entire scope line lines step steps \
relevant relevance strategy strategies solution solutions framework frameworks pipeline pipelines module modules scheme schemes \
paradigm paradigms perspective perspectives completely became worse rise rises rising fall falls falling half twice twofold \
month months week weeks minute minutes seconds millisecond milliseconds microsecond microseconds nanosecond nanoseconds \
metre metres meter meters kilometre kilometres kilometer kilometers centimetre centimetres centimeter centimeters millimetre \
millimetres millimeter millimeters micrometre micrometres micrometer micrometers nanometre nanometres nanometer nanometers \
gram grams kilogram kilograms litre litres liter liters degree degrees deviation deviations participant participants";

/// Words that say something only in a phrase.
const WEAK: &str = "adaptive agent agents algorithm algorithms analysis analyses application applications architecture architectures \
benchmark benchmarks big class classes collection computation computational content context cost costs data database dataset datasets \
deep design designs development distribution distributions domain domains dynamic dynamics end-to-end environment environments error \
errors estimate estimation evaluation feature features field fields function functions global human humans implementation inference \
information input inputs instruction instructions interaction interactions joint knowledge language languages latent learned learning \
learn learns local machine machines measure measurement measurements measures mechanism mechanisms metric metrics model modeling \
modelling models multi-task network networks neural noise object objects online optimal optimization output outputs parameter \
parameters people pattern patterns physical policy pre-trained prediction predictions predict predicting predictive principle \
principles probability process processes program quantity random range rate rates reasoning region regions relation relations representation \
representations resource resources response responses sample samples search sequence sequences signal signals simulation \
simulations size source sources space spaces spatial standard static statistical structural structure structured structures \
system systems target targets task tasks technologies technology temporal test tests text theoretical theory time times tool tools \
train trained training understanding unified unsupervised user users value values variable variables world evolution scaling \
generation generative generate generated generating generator generalization long short supervised supervision community \
decision decisions constant constants length lengths answer answers answering half-life point points cycle cycles \
bound bounds mass code-base sensor sensors self-supervised tuning fine-tuning finetuning fine-tuned foundation pretrained \
pretraining pre-training zero-shot few-shot loss losses image images video videos query queries node nodes \
scene scenes label labels token tokens attention embedding embeddings semantic visual multimodal multi-modal";

/// The longest phrase, in words.
const LONGEST: usize = 3;

/// The word lists, ready for looking up.
pub struct Words {
    stop: HashMap<&'static str, bool>,
}

impl Default for Words {
    fn default() -> Self {
        let mut stop: HashMap<&'static str, bool> = WEAK.split_whitespace().map(|w| (w, false)).collect();
        stop.extend(STOP.split_whitespace().map(|w| (w, true)));
        Words { stop }
    }
}

impl Words {
    fn ends_phrase(&self, lower: &str, language: Language) -> bool {
        if language == Language::ENGLISH { self.stop.get(lower) == Some(&true) } else { language.is_filler(lower) }
    }

    fn weak(&self, lower: &str, language: Language) -> bool {
        language == Language::ENGLISH && self.stop.get(lower) == Some(&false)
    }

    /// Gives every phrase of up to three words in a text to `f`: its key (lower case, singular) and how it is written.
    /// Phrases cross no punctuation and hold no stop word of their language; a word that says nothing by itself does not
    /// stand alone; formulas, commands and addresses are left out.
    pub fn phrases(&self, text: &str, mut f: impl FnMut(&str, &str)) {
        let text = without_formulas(text);
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
        (letters >= least || (letters >= 2 && acronym) || word.chars().any(is_wide))
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
                && (word.chars().count() > 1 || word.chars().any(is_wide));
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

/// Scripts whose words are not set apart by spaces, or are short: there a single sign says something.
fn is_wide(c: char) -> bool {
    matches!(u32::from(c), 0x2E80..=0x9FFF | 0xAC00..=0xD7AF | 0xF900..=0xFAFF)
}

fn possessive(word: &str) -> &str {
    word.strip_suffix("'s").or_else(|| word.strip_suffix("\u{2019}s")).unwrap_or(word)
}

/// A word in lower case, in the singular.
pub fn singular(lower: &str) -> String {
    let mut out = String::new();
    singular_into(lower, &mut out);
    out
}

/// English words in the plural as in the singular; what only looks like one stays ("analysis", "bias", "loss").
fn singular_into(lower: &str, out: &mut String) {
    let kept = ["ss", "us", "is", "as", "os", "series", "species"];
    // "physics" is no plural; these are.
    let plural_ics = [
        "topics",
        "metrics",
        "clinics",
        "critics",
        "heuristics",
        "characteristics",
        "fabrics",
        "rubrics",
        "lyrics",
        "tactics",
    ];
    let science = lower.ends_with("ics") && !plural_ics.iter().any(|p| lower.ends_with(p));
    if lower.len() > 4 && lower.ends_with("ies") && !lower.ends_with("series") && !lower.ends_with("species") {
        out.push_str(&lower[..lower.len() - 3]);
        out.push('y');
    } else if lower.len() > 4 && ["sses", "xes", "ches", "shes"].iter().any(|e| lower.ends_with(e)) {
        out.push_str(&lower[..lower.len() - 2]);
    } else if lower.len() > 3 && lower.ends_with('s') && !science && !kept.iter().any(|k| lower.ends_with(k)) {
        out.push_str(&lower[..lower.len() - 1]);
    } else {
        out.push_str(lower);
    }
}

/// The text with formulas, TeX commands and web addresses replaced by a mark that ends a phrase.
fn without_formulas(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let skipped = match c {
            '$' => formula(rest),
            '\\' => command(rest),
            'h' | 'w' if address(rest) && !out.ends_with(char::is_alphanumeric) => {
                rest.find(|c: char| c.is_whitespace() || matches!(c, ')' | ']' | ',' | ';')).unwrap_or(rest.len())
            }
            // What stands below or above, and braces, belong to formulas too.
            '_' | '^' | '{' | '}' | '~' => 1,
            _ => 0,
        };
        if skipped == 0 {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        } else {
            out.push_str(" | ");
            rest = &rest[skipped..];
        }
    }
    out
}

fn address(rest: &str) -> bool {
    rest.starts_with("http://") || rest.starts_with("https://") || rest.starts_with("www.")
}

/// Bytes of a formula between dollar signs; of the sign alone where it does not close soon ("costs $5").
fn formula(rest: &str) -> usize {
    let sign = if rest.starts_with("$$") { "$$" } else { "$" };
    let inner = &rest[sign.len()..];
    match inner.find(sign) {
        Some(length) if length <= 300 && !inner[..length].contains("\n\n") => length + 2 * sign.len(),
        _ => sign.len(),
    }
}

/// Bytes of a command: `\alpha`, `\mathcal{O}`. What `\emph` and its kin hold is text and stays.
fn command(rest: &str) -> usize {
    let letters = rest[1..].find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len() - 1);
    if letters == 0 {
        return 1 + rest[1..].chars().next().map_or(0, char::len_utf8);
    }
    let name = &rest[1..1 + letters];
    let after = &rest[1 + letters..];
    let prose = name.starts_with("text") || ["emph", "underline", "uline", "url", "href", "cite"].contains(&name);
    match after.find('}') {
        Some(close) if after.starts_with('{') && !prose && close < 80 => 1 + letters + close + 1,
        _ => 1 + letters,
    }
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
pub struct Counts {
    /// Papers read.
    pub papers: usize,
    /// By key: papers that hold it, and how it is written.
    pub phrases: HashMap<String, (u32, String)>,
}

impl Counts {
    /// Counts the phrases of some papers, each given as title and abstract. A phrase counts once a paper, and is kept
    /// when two papers hold it (or when there are too few to ask that).
    pub fn of<'a>(words: &Words, papers: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        struct Seen {
            papers: u32,
            last: u32,
            forms: Vec<(String, u32)>,
        }
        let texts: Vec<[String; 2]> =
            papers.into_iter().map(|(t, s)| [without_formulas(t), without_formulas(s)]).collect();
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
        Counts { papers: read as usize, phrases }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn keys(text: &str) -> Vec<String> {
        let mut keys = Vec::new();
        Words::default().phrases(text, |key, _| keys.push(key.to_string()));
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
        let words = Words::default();
        let papers = [("Graph transformers", ""), ("A graph transformer", ""), ("Graph transformers again", "")];
        let counts = Counts::of(&words, papers);
        assert_eq!(
            counts.phrases.get("graph transformer").map(|(n, form)| (*n, form.to_lowercase())),
            Some((3, "graph transformers".into()))
        );
        for (word, key) in [
            ("topics", "topic"),
            ("physics", "physics"),
            ("series", "series"),
            ("species", "species"),
            ("bias", "bias"),
            ("boxes", "box"),
            ("theories", "theory"),
        ] {
            let mut out = String::new();
            singular_into(word, &mut out);
            assert_eq!(out, key);
        }
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
            Words::default().phrases(&text, |key, written| assert!(!key.is_empty() && !written.contains('$')));
            Words::default().phrases(&tex, |_, written| assert!(!written.contains(['$', '\\', '{', '}', '_', '^'])));
        }
    }
}
