//! What a backup says of itself.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::paper::head;
use crate::store::CopyFacts;
use crate::user::Moment;

/// The version of the format. What is added and may be passed over does not raise it.
pub const FORMAT: u32 = 1;

/// The names of the members that do not come from the store.
pub const MANIFEST: &str = "paperkin-backup.json";
pub const SETTINGS: &str = "paperkin.toml";
pub const END: &str = "end.json";

/// Bytes that a manifest, the settings or the end may have.
pub const SMALL: u64 = 1 << 20;

/// What a backup says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of the format.
    pub format: u32,
    /// The version of the program that made it.
    pub paperkin: String,
    /// When.
    pub made: Moment,
    /// The store, as of one commit.
    pub store: CopyFacts,
    /// The model that the vectors were made with. It is not in the backup.
    pub model: ModelFacts,
    /// The members that follow.
    pub members: Vec<Member>,
}

/// A model, by what it can be found and recognised by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelFacts {
    /// Its name.
    pub name: String,
    /// Where it came from: a name of the hub, or a folder.
    pub source: String,
    /// Which weights and settings, in hexadecimal.
    pub fingerprint: String,
    /// Numbers in a vector.
    pub dimension: usize,
    /// How its products are taken.
    pub precision: String,
}

/// A member.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// Its BLAKE3, in hexadecimal.
    pub blake3: String,
}

/// The last member.
#[derive(Debug, Serialize, Deserialize)]
pub struct End {
    /// The BLAKE3 of the manifest, in hexadecimal.
    pub manifest: String,
}

impl Manifest {
    /// Reads one, and looks whether this program can restore what it speaks of.
    ///
    /// # Errors
    /// [`Error::Damaged`] when it cannot be read, [`Error::Data`] when it is of a newer program.
    pub fn read(bytes: &[u8]) -> Result<Self> {
        #[derive(Deserialize)]
        struct Version {
            format: u32,
            #[serde(default)]
            paperkin: String,
        }
        let unreadable = |e| Error::Damaged(format!("what the backup says of itself cannot be read ({e})"));
        let version: Version = serde_json::from_slice(bytes).map_err(unreadable)?;
        if version.format > FORMAT {
            return Err(Error::Data(format!(
                "the backup was made by a newer paperkin ({}, format {}; this one knows {FORMAT}). Use that one",
                head(&version.paperkin, 40),
                version.format
            )));
        }
        let manifest: Manifest = serde_json::from_slice(bytes).map_err(unreadable)?;
        // Members are files of the folder, and no others.
        let allowed = |m: &Member| m.name == manifest.store.file || (m.name == SETTINGS && m.bytes <= SMALL);
        let plain = |name: &str| !name.starts_with('.') && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.');
        let names: std::collections::HashSet<&str> = manifest.members.iter().map(|m| m.name.as_str()).collect();
        let sound = manifest.members.iter().all(|m| allowed(m) && plain(&m.name))
            && names.len() == manifest.members.len()
            && names.contains(manifest.store.file.as_str())
            && ![MANIFEST, END, SETTINGS].contains(&manifest.store.file.as_str());
        if !sound {
            return Err(Error::Damaged("the backup names members that none has".into()));
        }
        Ok(manifest)
    }

    /// Bytes of all members.
    pub fn bytes(&self) -> u64 {
        self.members.iter().fold(0, |sum, m| sum.saturating_add(m.bytes))
    }
}
