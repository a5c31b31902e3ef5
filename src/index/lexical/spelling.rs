//! One spelling for British and American English, so that `optimisation` and `optimization` are one word.
//!
//! The American form stands for both. Only what differs by rule changes (-ise, -isation, -yse, -our, -re, -lling, -ogue, -ce,
//! ae and oe), by lists where the rule is a list. What an exception would protect matters little: both sides of a
//! comparison are read in the same way, so a word goes wrong only where it meets another one.

use std::borrow::Cow;

/// What comes behind `is` or `ys` in the forms of a verb in -ise or -yse.
const OF_VERBS: &[&str] = &["e", "ed", "er", "ers", "es", "ing", "ings", "able"];

/// What comes behind `is` besides.
const OF_ISE: &[&str] = &["ation", "ations", "ational", "ationally", "ability", "ingly"];

/// Ends of words up to their `is` that are no verbs in -ize.
const NOT_IZE: &[&str] = &[
    "wis",
    "supervis",
    "advis",
    "devis",
    "revis",
    "televis",
    "improvis",
    "exercis",
    "precis",
    "concis",
    "excis",
    "incis",
    "circumcis",
    "premis",
    "promis",
    "demis",
    "surmis",
    "enterpris",
    "surpris",
    "compris",
    "appris",
    "repris",
    "expertis",
    "advertis",
    "treatis",
    "practis",
    "chastis",
    "despis",
    "franchis",
    "merchandis",
    "paradis",
    "trellis",
];

/// The same, as whole words up to their `is`.
const NOT_IZE_WHOLE: &[&str] = &[
    "ris", "aris", "sunris", "upris", "mis", "vis", "pris", "anis", "iris", "cris", "ibis", "valis", "mortis",
    "chemis", "cis", "dis", "his", "this", "penis", "mantis", "pelvis", "clitoris",
];

/// Words that British English writes with -our, up to that.
const OUR: &[&str] = &[
    "arb",
    "ard",
    "arm",
    "behavi",
    "cand",
    "clam",
    "col",
    "demean",
    "dol",
    "enam",
    "endeav",
    "fav",
    "ferv",
    "flav",
    "glam",
    "harb",
    "hon",
    "hum",
    "lab",
    "neighb",
    "od",
    "parl",
    "ranc",
    "rig",
    "rum",
    "sav",
    "savi",
    "splend",
    "succ",
    "tum",
    "val",
    "vap",
    "vig",
    "ten",
    "misdemean",
    "discol",
];

/// Words in -re that American English ends with -er, up to that.
const RE: &[&str] = &[
    "cent", "met", "lit", "fib", "theat", "calib", "lust", "meag", "somb", "spect", "scept", "sab", "mit", "tit",
    "och", "goit", "nit", "philt", "sepulch",
];

/// Verbs (and some nouns) in -l that British English doubles before an ending.
const DOUBLED: &[&str] = &[
    "model", "label", "travel", "signal", "channel", "cancel", "fuel", "level", "tunnel", "total", "marvel", "counsel",
    "dial", "equal", "funnel", "initial", "panel", "parcel", "pedal", "pencil", "quarrel", "revel", "rival", "shovel",
    "shrivel", "spiral", "stencil", "swivel", "trial", "ravel", "bevel", "chisel", "duel", "enamel", "grovel",
    "gravel", "libel", "kernel", "dishevel", "pummel", "snivel", "drivel", "barrel", "bushel", "cudgel", "imperil",
    "metal", "medal", "carol", "gambol", "symbol", "tinsel", "jewel", "towel", "yodel", "trowel", "apparel",
];

/// What comes behind the doubled l.
const BEHIND_L: &[&str] = &["ed", "ing", "ings", "er", "ers", "or", "ors", "ous", "ously", "able", "ist"];

/// What may stand before such a verb.
const BEFORE: &[&str] = &["un", "re", "mis", "pre", "multi", "over", "out"];

/// Greek diphthongs, wherever they stand.
const DIPHTHONGS: &[(&str, &str)] = &[
    ("anaem", "anem"),
    ("anaesth", "anesth"),
    ("haem", "hem"),
    ("aemi", "emi"),
    ("paed", "ped"),
    ("aetiolog", "etiolog"),
    ("caesarean", "cesarean"),
    ("archaeo", "archeo"),
    ("palaeo", "paleo"),
    ("faec", "fec"),
    ("foet", "fet"),
    ("oestr", "estr"),
    ("oedem", "edem"),
    ("oesoph", "esoph"),
    ("rrhoea", "rrhea"),
    ("pnoea", "pnea"),
    ("gynaec", "gynec"),
    ("mediaeval", "medieval"),
    ("aesthet", "esthet"),
    ("homoeo", "homeo"),
    ("coeliac", "celiac"),
    ("amoeb", "ameb"),
];

/// Words that differ in a way of their own; with or without a plural s.
const ALONE: &[(&str, &str)] = &[
    ("programme", "program"),
    ("aluminium", "aluminum"),
    ("artefact", "artifact"),
    ("ageing", "aging"),
    ("judgement", "judgment"),
    ("acknowledgement", "acknowledgment"),
    ("jewellery", "jewelry"),
    ("skilful", "skillful"),
    ("wilful", "willful"),
    ("defence", "defense"),
    ("offence", "offense"),
    ("licence", "license"),
    ("pretence", "pretense"),
    ("practise", "practice"),
    ("practising", "practicing"),
    ("practised", "practiced"),
    ("plough", "plow"),
];

/// The American spelling of a word in lower case; a word that is spelled alike comes back as it is.
pub fn american(word: &str) -> Cow<'_, str> {
    if word.len() < 4 || !word.is_ascii() {
        return Cow::Borrowed(word);
    }
    match whole(word).or_else(|| verb(word)).or_else(|| doubled(word)) {
        Some(new) => Cow::Owned(new),
        None => inside(word),
    }
}

/// Words of [`ALONE`], and -ogue.
fn whole(word: &str) -> Option<String> {
    let (single, s) = word.strip_suffix('s').map_or((word, ""), |single| (single, "s"));
    if let Some((_, new)) = ALONE.iter().find(|(old, _)| *old == single) {
        return Some(format!("{new}{s}"));
    }
    for (old, new) in [("ogue", "og"), ("ogues", "ogs"), ("ogued", "oged"), ("oguing", "oging")] {
        // `vogue` and `rogue` are no Greek words.
        if let Some(stem) = word.strip_suffix(old).filter(|stem| stem.len() > 2) {
            return Some(format!("{stem}{new}"));
        }
    }
    None
}

/// Verbs in -ise and -yse.
fn verb(word: &str) -> Option<String> {
    for end in OF_VERBS.iter().chain(OF_ISE) {
        let Some(base) = word.strip_suffix(end) else { continue };
        if base.ends_with("lys") && OF_VERBS.contains(end) {
            return Some(format!("{}z{end}", inside(&base[..base.len() - 1])));
        }
        let Some(stem) = base.strip_suffix("is") else { continue };
        // Behind a vowel it is no ending: noise, praise, cruise.
        let ending = stem.ends_with(|c: char| !matches!(c, 'a' | 'e' | 'i' | 'o' | 'u'));
        let other = NOT_IZE.iter().any(|e| base.ends_with(e)) || NOT_IZE_WHOLE.contains(&base);
        return (ending && !other).then(|| format!("{}iz{end}", inside(stem)));
    }
    None
}

/// Verbs that double their l.
fn doubled(word: &str) -> Option<String> {
    for end in BEHIND_L {
        let Some(verb) = word.strip_suffix(end).and_then(|w| w.strip_suffix('l')).filter(|w| w.ends_with('l')) else {
            continue;
        };
        let bare = BEFORE.iter().find_map(|b| verb.strip_prefix(b).filter(|v| DOUBLED.contains(v))).unwrap_or(verb);
        if DOUBLED.contains(&bare) {
            return Some(format!("{verb}{end}"));
        }
    }
    None
}

/// What may stand anywhere in a word.
fn inside(word: &str) -> Cow<'_, str> {
    let mut new: Option<String> = None;
    if let Some((before, behind)) = word.split_once("our")
        && OUR.iter().any(|stem| before.ends_with(stem))
    {
        new = Some(format!("{before}or{behind}"));
    }
    for (old, end) in [("re", "er"), ("res", "ers"), ("red", "ered")] {
        let stem = word.strip_suffix(old).filter(|stem| RE.iter().any(|part| measures(stem, part)));
        new = stem.map(|stem| format!("{stem}{end}")).or(new);
    }
    let mut replace = |old: &str, by: &str, anywhere: bool| {
        let text = new.as_deref().unwrap_or(word);
        if if anywhere { text.contains(old) } else { text.starts_with(old) } {
            new = Some(text.replacen(old, by, 1));
        }
    };
    for (old, by) in [("fibre", "fiber"), ("centre", "center"), ("grey", "gray"), ("mould", "mold")] {
        replace(old, by, false);
    }
    for (old, by) in
        [("centring", "centering"), ("focuss", "focus"), ("biass", "bias"), ("sceptic", "skeptic"), ("sulph", "sulf")]
    {
        replace(old, by, true);
    }
    for (old, by) in [("manoeuvre", "maneuver"), ("manoeuvr", "maneuver")] {
        replace(old, by, true);
    }
    if word.contains("ae") || word.contains("oe") {
        for (old, by) in DIPHTHONGS {
            replace(old, by, true);
        }
    }
    // What is left of `manoeuvred`.
    replace("maneuverd", "maneuvered", true);
    new.map_or(Cow::Borrowed(word), Cow::Owned)
}

/// Whether the word in -re is this one, or a compound of one that makes them: `kilometre`, `epicentre`.
fn measures(stem: &str, part: &str) -> bool {
    let compounds = matches!(part, "cent" | "met" | "lit" | "fib" | "theat");
    stem.strip_suffix(part).is_some_and(|before| before.is_empty() || (compounds && before.len() > 1))
}

#[cfg(test)]
mod tests {
    use super::american;

    #[test]
    fn both_spellings_are_one() {
        for (british, us) in [
            ("optimisation", "optimization"),
            ("optimised", "optimized"),
            ("quantisation", "quantization"),
            ("organisational", "organizational"),
            ("generalisable", "generalizable"),
            ("categorise", "categorize"),
            ("tokenisers", "tokenizers"),
            ("regularising", "regularizing"),
            ("analyse", "analyze"),
            ("analysing", "analyzing"),
            ("paralysed", "paralyzed"),
            ("behaviour", "behavior"),
            ("behavioural", "behavioral"),
            ("colour", "color"),
            ("colouring", "coloring"),
            ("multicolour", "multicolor"),
            ("neighbourhoods", "neighborhoods"),
            ("tumours", "tumors"),
            ("favourite", "favorite"),
            ("rumour", "rumor"),
            ("odour", "odor"),
            ("labour", "labor"),
            ("humour", "humor"),
            ("centre", "center"),
            ("centred", "centered"),
            ("centring", "centering"),
            ("epicentre", "epicenter"),
            ("kilometres", "kilometers"),
            ("fibre", "fiber"),
            ("microfibre", "microfiber"),
            ("spectre", "specter"),
            ("modelling", "modeling"),
            ("labelled", "labeled"),
            ("unlabelled", "unlabeled"),
            ("fuelled", "fueled"),
            ("dialling", "dialing"),
            ("counsellor", "counselor"),
            ("travellers", "travelers"),
            ("catalogue", "catalog"),
            ("dialogues", "dialogs"),
            ("analogue", "analog"),
            ("anaemia", "anemia"),
            ("haemorrhage", "hemorrhage"),
            ("leukaemic", "leukemic"),
            ("paediatric", "pediatric"),
            ("oestrogen", "estrogen"),
            ("oedema", "edema"),
            ("diarrhoea", "diarrhea"),
            ("foetal", "fetal"),
            ("manoeuvre", "maneuver"),
            ("manoeuvres", "maneuvers"),
            ("manoeuvring", "maneuvering"),
            ("defence", "defense"),
            ("licences", "licenses"),
            ("practising", "practicing"),
            ("programmes", "programs"),
            ("artefacts", "artifacts"),
            ("greyscale", "grayscale"),
            ("sulphate", "sulfate"),
            ("focussed", "focused"),
            ("haemolysed", "hemolyzed"),
        ] {
            assert_eq!(american(british), american(us), "{british}");
            assert_eq!(american(us), us, "{us} stays");
        }
    }

    #[test]
    fn other_words_stay() {
        for word in "wise exercise exercises promise promising precise raise raised noise denoising rise arise surprise \
            comprise enterprise advise supervised unsupervised televised premise expertise otherwise clockwise pairwise cruise \
            disguise franchise crises iris our four hour hours tour contour source course pour your journal here there where \
            acre genre entire require structure feature nature fire future calling filling filled rolling polling recall \
            controlled scalable collected vogue rogue league michael aerobic algae formulae israel does shoes goes laboratory \
            tenure detour paramour devour glamorous armor parameter spectral central theater ring sacred hundred scored \
            shared inferred bred credit compared red analysis analyst catalyst basis this history list distance visited vision"
            .split_whitespace()
        {
            assert_eq!(american(word), word);
        }
    }
}
