//! What stands in pages of the database and belongs to nothing.
//!
//! SQLite overwrites what is deleted (`secure_delete`), but where it moves rows to another page, as when a page is full, it
//! leaves them standing behind the pointers of the old one. Deleted later, they are overwritten where they are, and not where they
//! were. So the slack of pages is made zero here, from outside: nothing of what SQLite reads is changed by it (the file format of
//! SQLite, section 1.6).

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

/// From so many pages on (137 GB of them) an overflow page could begin like a page of a tree.
pub const TOO_MANY: u32 = 0x0200_0000;

/// Bytes in front of the first page's own header.
const FILE_HEADER: usize = 100;

/// How the pages of a database lie in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Bytes of a page.
    pub page: usize,
    /// Of which SQLite uses so many.
    pub usable: usize,
    /// Pages in the file.
    pub pages: u32,
}

impl Layout {
    /// As the header of the file says; none where it is no database.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn of(file: &File) -> io::Result<Option<Self>> {
        let mut header = [0; FILE_HEADER];
        let mut from = file;
        from.seek(SeekFrom::Start(0))?;
        if let Err(e) = from.read_exact(&mut header) {
            return if e.kind() == io::ErrorKind::UnexpectedEof { Ok(None) } else { Err(e) };
        }
        let page = match be16(&header, 16) {
            1 => 65536,
            n => n,
        };
        if &header[..16] != b"SQLite format 3\0" || !page.is_power_of_two() || page < 512 {
            return Ok(None);
        }
        let pages = u32::try_from(file.metadata()?.len() / page as u64).unwrap_or(u32::MAX);
        Ok(Some(Layout { page, usable: page - usize::from(header[20]), pages }))
    }

    /// Reads a page, from 1.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(&self, file: &File, number: u32, page: &mut Vec<u8>) -> io::Result<()> {
        page.resize(self.page, 0);
        let mut file = file;
        file.seek(SeekFrom::Start(self.at(number)))?;
        file.read_exact(page)
    }

    /// Writes a page.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, file: &File, number: u32, page: &[u8]) -> io::Result<()> {
        let mut file = file;
        file.seek(SeekFrom::Start(self.at(number)))?;
        file.write_all(page)
    }

    /// Where a page begins.
    fn at(&self, number: u32) -> u64 {
        u64::from(number.saturating_sub(1)) * self.page as u64
    }

    /// Makes zero what belongs to nothing in a page; whether there was something. Pages that are none of a tree, or not in order,
    /// stay as they are.
    pub fn clear(&self, number: u32, page: &mut [u8]) -> bool {
        let head = if number == 1 { FILE_HEADER } else { 0 };
        let Some(spans) = slack(&page[..self.usable.min(page.len())], head) else { return false };
        let mut any = false;
        for (from, to) in spans {
            let span = &mut page[from..to];
            if span.iter().any(|byte| *byte != 0) {
                span.fill(0);
                any = true;
            }
        }
        any
    }
}

/// The spans of a page of a tree that hold nothing: between its pointers and its cells, and in its free blocks.
fn slack(page: &[u8], head: usize) -> Option<Vec<(usize, usize)>> {
    let own = match page.get(head)? {
        0x02 | 0x05 => 12,
        0x0a | 0x0d => 8,
        _ => return None,
    };
    let (cells, usable) = (be16(page, head + 3), page.len());
    let pointers = head + own;
    let begin = pointers + 2 * cells;
    let content = match be16(page, head + 5) {
        0 => 65536,
        n => n,
    };
    let ordered = begin <= content && content <= usable;
    if !ordered || !(0..cells).all(|k| (content..=usable - 4).contains(&be16(page, pointers + 2 * k))) {
        return None;
    }
    let mut spans = vec![(begin, content)];
    let (mut block, mut last) = (be16(page, head + 1), content);
    while block != 0 {
        if block < last || block + 4 > usable {
            return None;
        }
        let (next, size) = (be16(page, block), be16(page, block + 2));
        if size < 4 || block + size > usable {
            return None;
        }
        spans.push((block + 4, block + size));
        (block, last) = (next, block + size);
    }
    Some(spans)
}

fn be16(bytes: &[u8], at: usize) -> usize {
    usize::from(u16::from_be_bytes([bytes[at], bytes[at + 1]]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rusqlite::{Connection, params};

    use super::*;

    /// What is done to a table of texts.
    #[derive(Debug, Clone)]
    enum Step {
        Put(u16, u16),
        Shorten(u16),
        Delete(u16),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (0..200u16, 0..3000u16).prop_map(|(k, n)| Step::Put(k, n)),
            1 => (0..200u16).prop_map(Step::Shorten),
            2 => (0..200u16).prop_map(Step::Delete),
        ]
    }

    /// A text that says whose it is, again and again.
    fn text(k: u16, n: u16) -> String {
        format!("<{k:03}>").repeat(1 + usize::from(n) / 5)
    }

    fn dump(c: &Connection) -> Vec<(String, String)> {
        let mut all = c.prepare("SELECT name, text FROM t ORDER BY name").expect("a statement");
        let rows = all.query_map([], |r| Ok((r.get(0)?, r.get(1)?))).expect("rows");
        rows.collect::<rusqlite::Result<_>>().expect("read")
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        /// Nothing that SQLite reads is changed, and of what was deleted nothing is left anywhere in the file.
        #[test]
        fn slack_holds_nothing_that_counts(steps in prop::collection::vec(step(), 1..400)) {
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path().join("x.sqlite");
            let c = Connection::open(&path).expect("opens");
            c.execute_batch(
                "PRAGMA page_size = 1024; PRAGMA secure_delete = ON;
                 CREATE TABLE t (name TEXT PRIMARY KEY, text TEXT NOT NULL) STRICT, WITHOUT ROWID;
                 CREATE INDEX by_text ON t (text);",
            ).expect("made");
            for step in &steps {
                match step {
                    Step::Put(k, n) => c.execute("INSERT OR REPLACE INTO t VALUES (?1, ?2)", params![k.to_string(), text(*k, *n)]),
                    Step::Shorten(k) => c.execute("UPDATE t SET text = ?2 WHERE name = ?1", params![k.to_string(), text(*k, 0)]),
                    Step::Delete(k) => c.execute("DELETE FROM t WHERE name = ?1", [k.to_string()]),
                }.expect("done");
            }
            let before = dump(&c);
            drop(c);
            let file = File::options().read(true).write(true).open(&path).expect("opens");
            let layout = Layout::of(&file).expect("read").expect("a database");
            let mut page = Vec::new();
            for number in 1..=layout.pages {
                layout.read(&file, number, &mut page).expect("read");
                if layout.clear(number, &mut page) {
                    layout.write(&file, number, &page).expect("written");
                    prop_assert!(!layout.clear(number, &mut page));
                }
            }
            let c = Connection::open(&path).expect("opens");
            let sound: String = c.query_row("PRAGMA integrity_check", [], |r| r.get(0)).expect("looked");
            prop_assert_eq!(sound, "ok");
            prop_assert_eq!(dump(&c), before.clone());
            drop(c);
            let bytes = std::fs::read(&path).expect("read");
            for k in 0..200u16 {
                let there = before.iter().any(|(name, _)| *name == k.to_string());
                let mark = format!("<{k:03}>");
                let found = bytes.windows(mark.len()).any(|w| w == mark.as_bytes());
                prop_assert_eq!(found, there, "{}", mark);
            }
        }

        /// A page of anything at all is no panic, and one that is no page of a tree stays as it is.
        #[test]
        fn any_bytes_may_come(mut page in prop::collection::vec(any::<u8>(), 512), number in 1..3u32) {
            let layout = Layout { page: 512, usable: 512, pages: 1 };
            layout.clear(number, &mut page);
            page[0] = 7;
            let before = page.clone();
            prop_assert!(number == 1 || !layout.clear(number, &mut page) && page == before);
        }
    }
}
