//! The number of the last commit that somebody was told of, outside the database and its log: a store that comes back older is
//! known by it.
//!
//! Two slots that are written in turn, each with a checksum, so that a write that is cut off harms nothing. Not synced:
//! it outlasts the process, and after a loss of power it may say too little, never too much.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// Beside the database.
pub const ACKNOWLEDGED: &str = "acknowledged";

const MAGIC: &[u8; 8] = b"pk-ack-1";
const SLOT: usize = 512;
const USED: usize = 44;

/// What is written down.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AckRecord {
    /// The last commit.
    pub number: u64,
    /// Commits that were told of and are not there, the first and the last: until somebody accepts it.
    pub missing: Option<(u64, u64)>,
}

/// The open file.
pub struct Acknowledged {
    file: File,
    turn: u64,
    said: AckRecord,
}

/// What was found in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AckState {
    /// It says this.
    AckRecord(AckRecord),
    /// There was none.
    Nothing,
    /// It is no longer as it was written.
    Damaged,
}

impl Acknowledged {
    /// Opens the file, making it if it is not there.
    ///
    /// # Errors
    /// When it cannot be opened or read.
    pub fn open(folder: &Path) -> io::Result<(Self, AckState)> {
        let path = folder.join(ACKNOWLEDGED);
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let newest = (0..2).filter_map(|k| slot(bytes.get(k * SLOT..)?)).max_by_key(|(turn, _)| *turn);
        let found = match newest {
            Some((_, said)) => AckState::AckRecord(said),
            None if bytes.is_empty() => AckState::Nothing,
            None => AckState::Damaged,
        };
        let (turn, said) = newest.unwrap_or_default();
        Ok((Acknowledged { file, turn, said }, found))
    }

    /// What it says.
    pub fn said(&self) -> AckRecord {
        self.said
    }

    /// Writes down something else.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn say(&mut self, said: AckRecord) -> io::Result<()> {
        let turn = self.turn + 1;
        let (first, last) = said.missing.unwrap_or_default();
        let mut bytes = MAGIC.to_vec();
        [turn, said.number, first, last].iter().for_each(|n| bytes.extend(n.to_le_bytes()));
        bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
        // To the same length each time: nothing has to be found for it on a full disk.
        bytes.resize(SLOT, 0);
        self.file.seek(SeekFrom::Start((turn % 2) * SLOT as u64))?;
        self.file.write_all(&bytes)?;
        (self.turn, self.said) = (turn, said);
        Ok(())
    }
}

fn slot(bytes: &[u8]) -> Option<(u64, AckRecord)> {
    let bytes = bytes.get(..USED)?;
    let number = |k: usize| Some(u64::from_le_bytes(bytes.get(8 + 8 * k..16 + 8 * k)?.try_into().ok()?));
    let sum = u32::from_le_bytes(bytes[40..44].try_into().ok()?);
    if &bytes[..8] != MAGIC || sum != crc32fast::hash(&bytes[..40]) {
        return None;
    }
    let (first, last) = (number(2)?, number(3)?);
    Some((number(0)?, AckRecord { number: number(1)?, missing: (first > 0).then_some((first, last)) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_write_leaves_the_one_before() {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut file, found) = Acknowledged::open(folder.path()).expect("opens");
        assert_eq!(found, AckState::Nothing);
        for number in 1..=7 {
            file.say(AckRecord { number, missing: (number > 5).then_some((3, 4)) }).expect("written");
        }
        let path = folder.path().join(ACKNOWLEDGED);
        let whole = std::fs::read(&path).expect("there");
        let read = |bytes: &[u8]| {
            std::fs::write(&path, bytes).expect("written");
            Acknowledged::open(folder.path()).expect("opens").1
        };
        assert_eq!(read(&whole), AckState::AckRecord(AckRecord { number: 7, missing: Some((3, 4)) }));
        for at in 0..USED {
            let mut torn = whole.clone();
            // The seventh stands in the second slot.
            torn[SLOT + at] ^= 0x41;
            assert_eq!(read(&torn), AckState::AckRecord(AckRecord { number: 6, missing: Some((3, 4)) }), "{at}");
            torn[at] ^= 0x41;
            assert_eq!(read(&torn), AckState::Damaged, "{at}");
        }
    }
}
