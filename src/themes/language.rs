//! Which language a text is in, and which of its words name nothing.
//!
//! Languages are told by whatlang (trigrams, Cavnar and Trenkle, 1994) where it is sure of itself, or where the
//! function words of the text bear it out: a title of six words is too short for trigrams, two articles in it are not.
//! English is seen at a glance, by its own function words, since most texts are in it. A text may change its language:
//! it is read in pieces of some sentences.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use whatlang::{Detector, Lang};

/// Languages with a list of function words, with the code of the list. Chinese, Japanese, Korean and Thai do not part
/// words by spaces and are left as they are.
const KNOWN: &[(Lang, &str)] = &[
    (Lang::Afr, "af"),
    (Lang::Ara, "ar"),
    (Lang::Bul, "bg"),
    (Lang::Cat, "ca"),
    (Lang::Ces, "cs"),
    (Lang::Dan, "da"),
    (Lang::Deu, "de"),
    (Lang::Ell, "el"),
    (Lang::Est, "et"),
    (Lang::Fin, "fi"),
    (Lang::Fra, "fr"),
    (Lang::Heb, "he"),
    (Lang::Hin, "hi"),
    (Lang::Hrv, "hr"),
    (Lang::Hun, "hu"),
    (Lang::Ind, "id"),
    (Lang::Ita, "it"),
    (Lang::Lav, "lv"),
    (Lang::Lit, "lt"),
    (Lang::Nld, "nl"),
    (Lang::Nob, "no"),
    (Lang::Pes, "fa"),
    (Lang::Pol, "pl"),
    (Lang::Por, "pt"),
    (Lang::Ron, "ro"),
    (Lang::Rus, "ru"),
    (Lang::Slk, "sk"),
    (Lang::Slv, "sl"),
    (Lang::Spa, "es"),
    (Lang::Swe, "sv"),
    (Lang::Tur, "tr"),
    (Lang::Ukr, "uk"),
    (Lang::Vie, "vi"),
];

/// What every abstract says of itself, and function words that the lists lack.
const FILLER: &[(Lang, &str)] = &[
    (
        Lang::Deu,
        "abschließend anhand ansatz ansätze arbeit arbeiten bachelorarbeit basierend beitrag beiträge bzw dass daß daraufhin \
         dissertation einsatz ergebnis ergebnisse ergebnissen erstmals etwa hierbei hierfür hierzu hinsichtlich insbesondere \
         jeweils kapitel masterarbeit methode methoden mithilfe mittels ob obwohl rahmen sobald sofern somit studie studien \
         untersuchen untersucht untersuchung untersuchungen verfahren verwendet verwendung vorgeschlagen vorgestellt vorliegende \
         vorliegenden weil wobei zeigen zeigt gezeigt zudem zufolge zum zur",
    ),
    (
        Lang::Fra,
        "afin ailleurs analysons approche approches article articles basé basés cadre contribution contributions démontrons \
         étude études étudie étudions évaluons grâce ici lors méthode méthodes mémoire montre montrent montrons notamment nous obtenus \
         permet permettant permettent présente présentons présenté proposé proposée propose proposons puis quand résultat résultats \
         telles tels thèse travail travaux utilisant utilisé utilisée utilise via",
    ),
    (
        Lang::Spa,
        "analizamos artículo artículos basado basada capítulo cuando enfoque estudia estudiamos estudio estudios investigación \
         método métodos mostramos muestra muestran obtenidos permite permiten presenta presentamos presente propone proponemos propuesta \
         propuesto resultado resultados tesis trabajos utilizando utiliza utilizan",
    ),
    (
        Lang::Ita,
        "analizziamo approccio approcci articolo basato basata capitolo essi lavori lavoro metodi metodo mostra mostrano mostriamo \
         ottenuti permette permettono presenta presentiamo propone proponiamo proposta proposto risultati risultato studi studia studiamo \
         studio tesi utilizza utilizzando viene vengono",
    ),
    (
        Lang::Por,
        "abordagem abordagens analisamos artigo artigos baseada baseado capítulo dissertação estuda estudo estudos investigação método \
         métodos mostra mostram mostramos obtidos permite permitem apresenta apresentamos presente propomos proposta proposto propõe \
         resultado resultados tese trabalho trabalhos usando utilizando",
    ),
    (
        Lang::Nld,
        "aanpak artikel artikelen gebruik gebruikt gebruiken hoofdstuk methode methoden methodes onderzocht onderzoek onderzoeken \
         proefschrift resultaat resultaten scriptie studie studies toont tonen voorgesteld",
    ),
    (
        Lang::Pol,
        "pomocą analiza artykuł artykule badania badanie badań metod metoda metody otrzymane oraz podejście praca prace pracy przedstawiono \
         przedstawia rozprawa wyniki wynik wyników zaproponowano",
    ),
    (
        Lang::Swe,
        "arbete artikel artiklar avhandling avhandlingen metod metoder resultat resultaten resultatet studie studien studier undersöker \
         undersöks uppsats visar",
    ),
    (
        Lang::Dan,
        "afhandling artikel metode metoder resultat resultater resultaterne studie studier undersøger undersøges viser",
    ),
    (
        Lang::Nob,
        "artikkel avhandling metode metoder resultat resultater resultatene studie studien studier undersøker viser",
    ),
    (Lang::Fin, "menetelmä menetelmät tulokset tutkielma tutkimus tutkimuksen tutkitaan väitöskirja"),
    (Lang::Ces, "pomocí článek článku metoda metody práce práci studie výsledek výsledky výzkum"),
    (Lang::Ron, "articol articolul lucrare lucrarea metoda metode rezultate rezultatele studiu studiul teza"),
    (Lang::Tur, "bu çalışma çalışmada makale sonuç sonuçlar tez yöntem yöntemi"),
    (Lang::Cat, "article enfocament estudi estudis mètode mètodes resultat resultats tesi treball"),
    (
        Lang::Rus,
        "помощью исследование исследования метод методы методов работа работе работы результат результаты рассматривается статье статья \
         предложен предложено показано",
    ),
    (Lang::Ukr, "допомогою дослідження метод методи робота роботі результати стаття статті"),
];

/// Romanian words with the comma below that the standard has; the lists have the cedilla.
const ROMANIAN: &[&str] = &[
    "și", "însă", "totuși", "ați", "fiți", "câțiva", "deși", "așa", "acești", "aceștia", "niște", "până", "către",
    "încât", "toți", "cât", "când", "dacă", "după", "fără", "lângă", "prin", "într", "între", "dintre", "printr",
];

/// Words of the lists that name something all the same.
const NAMES: &[(Lang, &str)] = &[
    (Lang::Deu, "mensch menschen recht rechte ordnung tag tage tagen uhr gott"),
    (Lang::Fra, "personne personnes force essai"),
    (Lang::Ita, "citta città paese persone piedi gente mondo registrazione accidenti forza consiglio"),
    (Lang::Spa, "empleo"),
];

/// English words that say that a text is English: none of them is a frequent word elsewhere.
const SURE_ENGLISH: &[&str] =
    &["the", "and", "with", "that", "this", "which", "from", "our", "their", "these", "been", "have"];

/// English function words, some of which other languages have too.
const ENGLISH: &[&str] = &[
    "of", "in", "to", "for", "is", "on", "an", "as", "at", "be", "or", "it", "via", "using", "are", "by", "we", "can",
    "has", "its",
];

/// English function words that end a phrase in a text of any language.
const QUOTED: &[&str] = &["the", "of", "and", "with", "from", "this", "that"];

/// Articles and prepositions that lose their vowel before another.
const ELIDED: &[&str] = &[
    "l", "d", "j", "m", "t", "s", "n", "c", "qu", "jusqu", "lorsqu", "puisqu", "quoiqu", "un", "v", "dell", "nell",
    "all", "dall", "sull", "coll", "quest", "quell", "senz", "anch", "com",
];

/// A piece that is read as one is at least so long, in bytes.
const PIECE: usize = 200;

/// Share of function words from which on they bear out a language.
const BORNE_OUT: f32 = 0.2;

/// The same for English at a glance.
const AT_A_GLANCE: f32 = 0.06;

static LISTS: LazyLock<HashMap<Lang, HashSet<&'static str>>> = LazyLock::new(|| {
    let words = |lists: &[(Lang, &'static str)], lang| {
        lists.iter().filter(|l| l.0 == lang).flat_map(|l| l.1.split_whitespace()).collect::<Vec<&'static str>>()
    };
    let list = |(lang, code): &(Lang, &str)| {
        let mut list: HashSet<&'static str> = stop_words::lookup(code).unwrap_or_default().iter().copied().collect();
        list.extend(words(FILLER, *lang));
        list.extend(QUOTED);
        if *lang == Lang::Ron {
            list.extend(ROMANIAN);
        }
        words(NAMES, *lang).iter().for_each(|w| {
            list.remove(w);
        });
        (*lang, list)
    };
    KNOWN.iter().map(list).collect()
});

/// Tells only languages that may be meant: fewer, so that the near relatives of a rare one do not make it doubtful.
static DETECTOR: LazyLock<Detector> = LazyLock::new(|| {
    let others = [Lang::Eng, Lang::Cmn, Lang::Jpn, Lang::Kor, Lang::Tha, Lang::Srp, Lang::Mkd, Lang::Bel, Lang::Urd];
    Detector::with_allowlist(KNOWN.iter().map(|k| k.0).chain(others).collect())
});

/// A language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Language(Lang);

impl Language {
    /// English.
    pub const ENGLISH: Language = Language(Lang::Eng);

    /// The language of a text; none where it cannot be told.
    pub fn of(text: &str) -> Option<Self> {
        let words: Vec<String> = words(text).map(str::to_lowercase).collect();
        let share = |n: usize| n as f32 / words.len().max(1) as f32;
        // A letter alone is a name or a number of something as often as a word.
        let told = || words.iter().filter(|w| w.chars().nth(1).is_some());
        let count = |holds: &dyn Fn(&str) -> bool| told().filter(|w| holds(w)).count();
        let sure = count(&|w| SURE_ENGLISH.contains(&w));
        if sure > 0 && share(sure) >= AT_A_GLANCE {
            return Some(Language::ENGLISH);
        }
        let english = sure + count(&|w| ENGLISH.contains(&w));
        let found = DETECTOR.detect(text)?;
        let lang = found.lang();
        if lang == Lang::Eng {
            return (found.is_reliable() || english > 0).then_some(Language::ENGLISH);
        }
        let of = |lang: Lang| LISTS.get(&lang).map_or(0, |list| count(&|w| list.contains(w)));
        // Between relatives (Russian and Bulgarian, Danish and Norwegian) the function words decide.
        let mut own = of(lang);
        let mut lang = lang;
        for (other, _) in KNOWN {
            let its = of(*other);
            if its > own {
                (lang, own) = (*other, its);
            }
        }
        // Names and formulas look like any language: words of it have to be there, and more than English ones. In a short
        // title one is enough where nothing speaks against it.
        let short = own == 1 && english == 0 && share(own) >= BORNE_OUT && found.is_reliable();
        let long = own >= 2 && own > english && (found.is_reliable() || share(own) >= BORNE_OUT);
        (short || long).then_some(Language(lang))
    }

    /// The pieces of a text, each with its language.
    pub fn pieces(text: &str) -> Vec<(&str, Option<Self>)> {
        let mut cuts: Vec<usize> = vec![0];
        let mut before = ' ';
        for (at, c) in text.char_indices() {
            let ends = c == '\n' || c.is_whitespace() && matches!(before, '.' | '!' | '?' | '…');
            if ends && at >= cuts[cuts.len() - 1] + PIECE && text.len() - at >= PIECE / 2 {
                cuts.push(at);
            }
            before = c;
        }
        cuts.push(text.len());
        cuts.windows(2).map(|w| &text[w[0]..w[1]]).map(|piece| (piece, Language::of(piece))).collect()
    }

    /// Whether a word in lower case names nothing in this language. English has a list of its own, in `text`.
    pub fn is_filler(self, lower: &str) -> bool {
        let Some(list) = LISTS.get(&self.0) else { return false };
        // "atrasam-se", "celui-ci": a verb or pronoun with what leans on it.
        let leans = || self.is_romance() && lower.rsplit_once('-').is_some_and(|(_, last)| list.contains(last));
        list.contains(lower) || leans()
    }

    /// The bytes of what stands before a noun with nothing but an apostrophe between ("l'eau").
    pub fn elided(self, word: &str) -> usize {
        if !self.is_romance() {
            return 0;
        }
        let Some((at, sign)) = word.char_indices().find(|(_, c)| matches!(c, '\'' | '\u{2019}')) else { return 0 };
        if ELIDED.contains(&word[..at].to_lowercase().as_str()) { at + sign.len_utf8() } else { 0 }
    }

    fn is_romance(self) -> bool {
        matches!(self.0, Lang::Fra | Lang::Ita | Lang::Cat | Lang::Por | Lang::Spa | Lang::Ron)
    }

    /// Whether it writes its nouns with capitals.
    pub fn capitalises_nouns(self) -> bool {
        self.0 == Lang::Deu
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphabetic()).filter(|w| !w.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts_and_titles_are_told() {
        for (lang, text) in [
            (Lang::Eng, "The bees of the valley are counted with traps that we built from glass"),
            (Lang::Eng, "Deep nets for images of cells"),
            (Lang::Deu, "Die Bienen im Tal und ihre Waben"),
            (Lang::Fra, "Les abeilles de la vallée et leurs ruches sont comptées avec des pièges"),
            (Lang::Spa, "Las abejas del valle y sus colmenas se cuentan con trampas de vidrio"),
            (Lang::Ita, "Le api della valle e i loro alveari sono contati con trappole di vetro"),
            (Lang::Por, "As abelhas do vale e as suas colmeias são contadas com armadilhas de vidro"),
            (Lang::Nld, "De bijen van het dal en hun korven worden met vallen van glas geteld"),
            (Lang::Pol, "Pszczoły z doliny oraz ich ule są liczone za pomocą szklanych pułapek"),
            (Lang::Swe, "Bina i dalen och deras kupor räknas med fällor som är gjorda av glas"),
            (Lang::Rus, "Пчёлы долины и их ульи считаются с помощью стеклянных ловушек"),
        ] {
            assert_eq!(Language::of(text), Some(Language(lang)), "{text}");
        }
        assert_eq!(Language::of("ResNet-50 / ImageNet-1k"), None);
        assert_eq!(Language::of(""), None);
    }

    #[test]
    fn a_text_may_change_its_language() {
        let german = "Die Bienen im Tal werden mit Fallen aus Glas gezählt und die Waben gewogen. ".repeat(4);
        let english = "The bees of the valley are counted with traps of glass and the combs are weighed. ".repeat(4);
        let both = german.clone() + &english;
        let pieces = Language::pieces(&both);
        assert_eq!(pieces.iter().map(|p| p.0).collect::<String>(), both);
        assert_eq!(pieces.first().and_then(|p| p.1), Some(Language(Lang::Deu)));
        assert_eq!(pieces.last().and_then(|p| p.1), Some(Language::ENGLISH));
    }

    #[test]
    fn every_list_is_there() {
        for (lang, code) in KNOWN {
            assert!(LISTS[lang].len() > 40, "{code} has {} words", LISTS[lang].len());
        }
        assert!(Language(Lang::Deu).is_filler("der") && !Language(Lang::Deu).is_filler("recht"));
        assert!(Language(Lang::Por).is_filler("atrasam-se") && !Language(Lang::Por).is_filler("couve-flor"));
        assert_eq!(Language(Lang::Fra).elided("l’eau"), "l’".len());
        assert_eq!(Language(Lang::Ita).elided("dell'acqua"), "dell'".len());
        assert_eq!((Language::ENGLISH.elided("l'eau"), Language(Lang::Fra).elided("presqu'île")), (0, 0));
    }

    proptest! {
        #[test]
        fn pieces_are_the_text(text in "\\PC{0,900}", dots in "[a-zé]{1,9}[.!?\n ]{0,3}") {
            let text = text + &dots.repeat(60);
            let joined: String = Language::pieces(&text).into_iter().map(|p| p.0).collect();
            prop_assert_eq!(joined, text);
        }
    }
}
