//! The bytes of a list as text. Reference managers and the years have left files in every encoding.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, MACINTOSH, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// The text of a file: by its byte order mark, by zeros in every second byte, by what it says of itself (`% Encoding: ...`,
/// `<?xml encoding="..."?>`), and else by its looks. A file that is UTF-8 but for some lines keeps what is right of it.
pub fn decode(bytes: &[u8]) -> Cow<'_, str> {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return encoding.decode_without_bom_handling(&bytes[mark..]).0;
    }
    if let Some(encoding) = wide(bytes) {
        return encoding.decode_without_bom_handling(bytes).0;
    }
    let utf8 = std::str::from_utf8(bytes);
    match declared(bytes) {
        // Somebody may have saved it again and left the line as it was; bytes beyond ASCII are hardly UTF-8 by chance.
        Some(encoding) if encoding != UTF_8 && (utf8.is_err() || bytes.is_ascii()) => {
            return encoding.decode_without_bom_handling(bytes).0;
        }
        _ => {}
    }
    match utf8 {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => guess(bytes),
    }
}

/// How the text of a stream is written, as far as its beginning tells.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stream {
    /// What all of it has to be read as; none where it is UTF-8, or was so far.
    pub encoding: Option<&'static Encoding>,
    /// Bytes of a byte order mark at its beginning.
    pub mark: usize,
    /// What a part of it is read as that is no UTF-8 after all, where it says so of itself.
    declared: Option<&'static Encoding>,
}

impl Stream {
    /// Looks at the first bytes of a stream; `json` is UTF-8 or UTF-16 and nothing else.
    pub fn of(begin: &[u8], json: bool) -> Self {
        let of = |encoding: Option<&'static Encoding>, mark| Stream { encoding, mark, declared: None };
        if let Some((encoding, mark)) = Encoding::for_bom(begin) {
            return of(Some(encoding).filter(|encoding| *encoding != UTF_8), mark);
        }
        if let Some(encoding) = wide(begin) {
            return of(Some(encoding), 0);
        }
        // A character may be cut by the end of what is looked at.
        let utf8 = std::str::from_utf8(begin).err().is_none_or(|e| e.error_len().is_none());
        if json {
            return of(None, 0);
        }
        match declared(begin).filter(|encoding| *encoding != UTF_8) {
            Some(encoding) if !utf8 || encoding == encoding_rs::ISO_2022_JP => of(Some(encoding), 0),
            declared if utf8 => Stream { encoding: None, mark: 0, declared },
            _ => of(guessed(begin), 0),
        }
    }

    /// The text of a part of the stream that was not decoded as a whole.
    pub fn text<'b>(&self, bytes: &'b [u8]) -> Cow<'b, str> {
        match (std::str::from_utf8(bytes), self.declared) {
            (Ok(text), _) => Cow::Borrowed(text),
            (Err(_), Some(encoding)) => encoding.decode_without_bom_handling(bytes).0,
            (Err(_), None) => guess(bytes),
        }
    }
}

/// UTF-16 without a mark: most of the text is ASCII, so that every second byte is zero.
fn wide(bytes: &[u8]) -> Option<&'static Encoding> {
    let sample = &bytes[..bytes.len().min(4096) & !1];
    let zeros = |from: usize| sample.iter().skip(from).step_by(2).filter(|b| **b == 0).count();
    let (high_first, low_first) = (zeros(0), zeros(1));
    let many = sample.len() / 2 * 7 / 10;
    match () {
        () if sample.len() < 4 => None,
        () if low_first > many && high_first * 10 < low_first => Some(UTF_16LE),
        () if high_first > many && low_first * 10 < high_first => Some(UTF_16BE),
        () => None,
    }
}

/// What the first lines say of the encoding.
fn declared(bytes: &[u8]) -> Option<&'static Encoding> {
    let begin: String = bytes.iter().take(2048).map(|b| if b.is_ascii() { char::from(*b) } else { '?' }).collect();
    begin.lines().take(40).map(str::to_lowercase).find_map(|line| {
        let line = line.trim();
        // BibDesk's words.
        if let Some((_, words)) = line.split_once("saved with string encoding") {
            return match words {
                w if w.contains("mac os roman") => Some(MACINTOSH),
                w if w.contains("latin 1") || w.contains("windows latin") => Some(WINDOWS_1252),
                w if w.contains("utf-8") => Some(UTF_8),
                _ => None,
            };
        }
        // `<?xml version="1.0" encoding="ISO-8859-1"?>`; `% Encoding: ISO8859_1`; `% -*- coding: latin-1 -*-`;
        // `% !TEX encoding = IsoLatin`.
        let said = ["encoding", "coding"].iter().find_map(|word| line.split_once(word)).filter(|(before, _)| {
            before.starts_with("<?xml")
                || before.starts_with('%')
                || before.contains("-*-")
                || before.contains("@comment")
        });
        let name = said?.1.trim_start_matches([':', '=', ' ', '"', '\'']);
        let end = name.find(|c: char| !(c.is_ascii_alphanumeric() || "-_:.".contains(c))).unwrap_or(name.len());
        named(&name[..end])
    })
}

/// An encoding by any of the names that Java, TeX and browsers give it.
fn named(name: &str) -> Option<&'static Encoding> {
    let dashed = name.replace('_', "-");
    let same = match dashed.trim_start_matches("x-") {
        "macroman" | "mac-roman" | "applemac" | "mac-os-roman" => "macintosh".to_string(),
        "latin-1" | "isolatin" | "isolatin1" | "ansinew" | "ascii" => "windows-1252".to_string(),
        "latin-9" | "isolatin9" => "iso-8859-15".to_string(),
        "utf8x" | "utf-8-unix" | "utf-8-dos" | "utf8-unix" => "utf-8".to_string(),
        other => match other.strip_prefix("iso8859-").or_else(|| other.strip_prefix("cp")) {
            Some(number) if other.starts_with("iso") => format!("iso-8859-{number}"),
            Some(number) => format!("windows-{number}"),
            None => other.to_string(),
        },
    };
    let found = Encoding::for_label(name.as_bytes()).or_else(|| Encoding::for_label(same.as_bytes()))?;
    // Who could read the line has no UTF-16 before them.
    (found != UTF_16LE && found != UTF_16BE).then_some(found)
}

/// The text of bytes that are no UTF-8 and say nothing.
fn guess(bytes: &[u8]) -> Cow<'_, str> {
    let Some(encoding) = guessed(bytes) else {
        let mut text = String::with_capacity(bytes.len());
        for chunk in bytes.utf8_chunks() {
            text.push_str(chunk.valid());
            text.push_str(&WINDOWS_1252.decode_without_bom_handling(chunk.invalid()).0);
        }
        return Cow::Owned(text);
    };
    encoding.decode_without_bom_handling(bytes).0
}

/// The encoding of bytes that are no UTF-8 and say nothing; none for lines of another encoding among UTF-8, as files are made
/// of files.
fn guessed(bytes: &[u8]) -> Option<&'static Encoding> {
    let (mut right, mut wrong) = (0, 0);
    for chunk in bytes.utf8_chunks() {
        right += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        wrong += chunk.invalid().len();
    }
    if right > wrong {
        return None;
    }
    if is_mac(bytes) {
        return Some(MACINTOSH);
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(bytes, true);
    Some(detector.guess(None, Utf8Detection::Deny))
}

/// Whether accented letters stand where MacRoman has them: beside plain letters, in a range where Windows has signs.
fn is_mac(bytes: &[u8]) -> bool {
    let (mut mac, mut other) = (0usize, 0usize);
    for three in bytes.windows(3).filter(|three| three[0].is_ascii_alphabetic() && three[2].is_ascii_lowercase()) {
        match three[1] {
            // á à â ä ã é ï ò ô õ ü; without what Windows has as š œ ž ’ –.
            0x87..=0x8b | 0x8e | 0x95 | 0x98 | 0x99 | 0x9b | 0x9f => mac += 1,
            // ç è ê ù, where Windows has nothing at all.
            0x8d | 0x8f | 0x90 | 0x9d => mac += 3,
            0xc0..=0xff => other += 1,
            _ => {}
        }
    }
    let old_lines = bytes.contains(&b'\r') && !bytes.contains(&b'\n');
    mac > other && (mac >= 3 || old_lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "@article{a, author = {J\u{e4}ger, Ren\u{e9}}, title = {\u{c9}tude des for\u{ea}ts m\u{fb}res}}\n";

    fn latin(text: &str) -> Vec<u8> {
        WINDOWS_1252.encode(text).0.into_owned()
    }

    #[test]
    fn every_encoding_is_known() {
        let wide = |big: bool, mark: bool| -> Vec<u8> {
            let units = mark.then_some(0xfeffu16).into_iter().chain(TEXT.encode_utf16());
            units.flat_map(|u| if big { u.to_be_bytes() } else { u.to_le_bytes() }).collect()
        };
        for bytes in [
            TEXT.as_bytes().to_vec(),
            [b"\xef\xbb\xbf".as_slice(), TEXT.as_bytes()].concat(),
            wide(true, true),
            wide(false, true),
            wide(true, false),
            wide(false, false),
            latin(TEXT),
        ] {
            assert_eq!(decode(&bytes), TEXT, "{bytes:?}");
        }
    }

    #[test]
    fn what_a_file_says_of_itself_counts() {
        for head in [
            "% Encoding: ISO8859_1\n",
            "% Encoding: Cp1252\n",
            "<?xml version=\"1.0\" encoding=\"iso-8859-1\"?>",
            "% -*- coding: latin-1 -*-\n",
            "%% Saved with string encoding Occidental (ISO Latin 1) \n",
        ] {
            let text = format!("{head}one \u{e4}");
            assert_eq!(decode(&latin(&text)), text);
        }
        let mac = [b"% Encoding: x-MacRoman\n".as_slice(), b"\x8a"].concat();
        assert!(decode(&mac).ends_with('\u{e4}'));
        // Saved again as UTF-8, with the old line.
        let text = format!("% Encoding: ISO8859_1\n{TEXT}");
        assert_eq!(decode(text.as_bytes()), text);
        let wrong = [b"% Encoding: UTF-8\n".as_slice(), &latin(TEXT)].concat();
        assert!(decode(&wrong).ends_with(TEXT));
    }

    #[test]
    fn files_made_of_files_keep_what_is_right() {
        let mixed = [TEXT.as_bytes(), TEXT.as_bytes(), &latin("J\u{e4}ger")].concat();
        assert_eq!(decode(&mixed), format!("{TEXT}{TEXT}J\u{e4}ger"));
    }

    #[test]
    fn old_files_of_macs_are_known() {
        let mac = MACINTOSH.encode(TEXT).0.into_owned();
        assert_eq!(decode(&mac), TEXT);
        let one = MACINTOSH.encode("TY  - JOUR\rTI  - Les for\u{ea}ts\rER  - \r").0.into_owned();
        assert!(decode(&one).contains("for\u{ea}ts"));
    }
}
