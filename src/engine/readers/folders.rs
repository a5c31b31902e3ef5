//! Folders of a reader: made, named, filled and forgotten.

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use utoipa::ToSchema;

use crate::bounds;
use crate::engine::readers::Readers;
use crate::engine::readers::folder_ids::{folder_id, folder_number};
use crate::engine::readers::opinions::deeds;
use crate::error::{Error, Result};
use crate::paper::{PaperId, head};
use crate::store::{FolderMade, FolderWithPapers, StoredFolder, User};
use crate::user::{Event, EventKind, Moment, Stance, UserId, after, is_seen};

/// The longest name of a folder, in bytes.
const MAX_NAME_BYTES: usize = 200;

/// A folder as its reader sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FolderView {
    /// Its id, `f7`; used once.
    pub id: String,
    /// What its reader calls it.
    pub name: String,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created: Moment,
    /// How many papers it shows: those in it that its reader keeps, and that are there.
    pub papers: usize,
}

/// The folders of a reader.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FolderList {
    /// In the order in which they were made.
    pub folders: Vec<FolderView>,
    /// How many papers the reader keeps in all.
    pub papers: usize,
    /// How many of these are in no folder.
    pub unfiled: usize,
}

/// What became of papers that were put into a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Filed {
    /// Papers that were not in it before.
    pub added: usize,
    /// Papers that were in it already.
    pub unchanged: usize,
    /// Papers that were saved with that.
    pub saved: usize,
}

impl Readers {
    /// The folders of a reader, with how much is in each.
    pub fn folders(&self, name: &str) -> Result<FolderList> {
        let user = self.store.user(name)?.number;
        let kept: HashSet<PaperId> = self.kept_of(user)?.entries.into_iter().map(|entry| entry.paper).collect();
        let mut of: HashMap<i64, HashSet<PaperId>> = HashMap::new();
        let mut filed: HashSet<PaperId> = HashSet::new();
        for (folder, one) in self.store.filed(user)?.into_iter().filter(|(_, one)| kept.contains(&one.paper)) {
            filed.insert(one.paper.clone());
            of.entry(folder).or_default().insert(one.paper);
        }
        let count = |folder: &StoredFolder| of.get(&folder.number).map_or(0, HashSet::len);
        let folders = self.store.folders(user)?;
        let folders = folders.into_iter().map(|folder| view(count(&folder), folder)).collect();
        Ok(FolderList { folders, papers: kept.len(), unfiled: kept.len() - filed.len() })
    }

    /// Makes a folder; the reader is made if new. Whether it was not there before: one of a name is made once.
    pub fn make_folder(&self, name: &str, folder: &str) -> Result<(FolderView, bool)> {
        let (user, folder) = (UserId::new(name)?, checked_name(folder)?);
        match self.store.make_folder(&user, &folder, Moment::now(), bounds::FOLDERS)? {
            FolderMade::Made(folder) => {
                self.wrote();
                Ok((view(0, folder), true))
            }
            FolderMade::There(folder) => Ok((self.folder_view(name, folder)?, false)),
            FolderMade::TooMany => Err(Error::Invalid(format!(
                "a reader can have {} folders; delete one, or put the papers into one that is there",
                bounds::FOLDERS
            ))),
        }
    }

    /// Gives a folder another name.
    pub fn rename_folder(&self, name: &str, id: &str, to: &str) -> Result<FolderView> {
        let (user, number, to) = (self.store.user(name)?.number, folder_number(id)?, checked_name(to)?);
        let renamed = self.store.rename_folder(user, number, &to)?.ok_or_else(|| {
            Error::Invalid(format!("another folder is called {:?}; choose another name", head(&to, 80)))
        })?;
        self.wrote();
        self.folder_view(name, renamed)
    }

    /// Forgets a folder; the papers in it stay saved.
    pub fn delete_folder(&self, name: &str, id: &str) -> Result<()> {
        self.store.delete_folder(self.store.user(name)?.number, folder_number(id)?)?;
        self.wrote();
        Ok(())
    }

    /// Puts papers into a folder, all or none, and saves those that are not saved.
    pub fn file_papers(&self, name: &str, id: &str, papers: &[PaperId]) -> Result<Filed> {
        if papers.is_empty() || papers.len() > bounds::SELECTED {
            let most = bounds::SELECTED;
            return Err(Error::Invalid(format!("{} papers; 1 to {most} are put into a folder at once", papers.len())));
        }
        let (user, number) = (self.store.user(name)?.number, folder_number(id)?);
        let given: Vec<&PaperId> = papers.iter().collect();
        let given = self.given_ids(name, &given)?;
        let mut once: HashSet<&PaperId> = HashSet::new();
        let ids: Vec<&PaperId> = given.iter().map(|id| &**id).filter(|id| once.insert(*id)).collect();
        self.keep_found(user)?;
        let now = Moment::now();
        let saves = |paper: &PaperId, said: &[Event]| {
            let deeds = deeds(said);
            let save = Event { paper: paper.clone(), kind: EventKind::Save, at: after(&deeds, now), weight: 1.0 };
            if Stance::of(&deeds).saved { Vec::new() } else { vec![save] }
        };
        let filed = self.store.file_papers(user, number, &ids, &saves, now, bounds::FILED)?.ok_or_else(|| {
            Error::Invalid(format!(
                "a reader can have {} papers in folders, one counted in each; take some out, or delete a folder",
                bounds::FILED
            ))
        })?;
        self.wrote();
        Ok(Filed { added: filed.added, unchanged: ids.len() - filed.added, saved: filed.events })
    }

    /// Takes a paper out of a folder; it stays saved.
    pub fn unfile_paper(&self, name: &str, id: &str, paper: &PaperId) -> Result<()> {
        let (user, number) = (self.store.user(name)?.number, folder_number(id)?);
        let given = self.given_ids(name, &[paper])?;
        let ids: Vec<&PaperId> = given.iter().map(|id| &**id).collect();
        if self.store.unfile_papers(user, number, &ids)? == 0 {
            return Err(Error::NotFound { what: "paper in this folder", id: head(paper.as_str(), 80) });
        }
        self.wrote();
        Ok(())
    }

    /// The folders of a reader on their way into another store.
    pub(super) fn exported_folders(&self, user: i64) -> Result<Vec<FolderWithPapers>> {
        let folders = self.store.folders(user)?;
        let places: HashMap<i64, usize> = folders.iter().enumerate().map(|(k, folder)| (folder.number, k)).collect();
        let mut out: Vec<FolderWithPapers> = folders
            .into_iter()
            .map(|folder| FolderWithPapers { name: folder.name, created: folder.created, papers: Vec::new() })
            .collect();
        for (folder, filed) in self.store.filed(user)? {
            if let Some(k) = places.get(&folder) {
                out[*k].papers.push(filed);
            }
        }
        Ok(out)
    }

    /// Takes in the folders that a reader had elsewhere. What cannot be called that is told and left out, as is what goes beyond what
    /// a reader can have.
    pub(super) fn restore_folders(&self, user: &User, brought: &[FolderWithPapers]) -> Result<()> {
        let mut kept = Vec::with_capacity(brought.len());
        for folder in brought {
            match checked_name(&folder.name) {
                Ok(name) => kept.push(FolderWithPapers { name, ..folder.clone() }),
                Err(e) => tracing::warn!("a folder of {:?} is left out: {e}", user.name),
            }
        }
        let over = self.store.restore_folders(user.number, &kept, bounds::FOLDERS, bounds::FILED)?;
        if over > 0 {
            let (most, filed) = (bounds::FOLDERS, bounds::FILED);
            tracing::warn!(
                "{over} folders and papers in folders of {:?} are left out: a reader can have {most} folders and {filed} papers \
                 in them",
                user.name
            );
        }
        Ok(())
    }

    fn folder_view(&self, name: &str, folder: StoredFolder) -> Result<FolderView> {
        let id = folder_id(folder.number);
        let counted = self.folders(name)?.folders.into_iter().find(|counted| counted.id == id);
        Ok(counted.unwrap_or_else(|| view(0, folder)))
    }
}

fn view(papers: usize, folder: StoredFolder) -> FolderView {
    FolderView { id: folder_id(folder.number), name: folder.name, created: folder.created, papers }
}

fn checked_name(name: &str) -> Result<String> {
    let name = name.trim();
    if !is_seen(name) || name.len() > MAX_NAME_BYTES || name.chars().any(char::is_control) {
        return Err(Error::Invalid(format!(
            "the name of a folder has 1 to {MAX_NAME_BYTES} bytes, something to see and no control characters; this one has {} \
             bytes",
            name.len()
        )));
    }
    Ok(name.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::readers::fixture::{engine, paper};
    use crate::user::Press;

    /// From several windows at one time the same is said once.
    #[test]
    fn what_is_said_at_one_time_is_said_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let engine = engine(folder.path(), [1; 32]);
        let readers = &engine.readers;
        let (made, _) = readers.make_folder("ada", "one").expect("made");
        let papers: Vec<PaperId> = (0..30).map(paper).collect();
        let filed: Vec<Filed> = std::thread::scope(|scope| {
            let put = || readers.file_papers("ada", &made.id, &papers).expect("filed");
            let all: Vec<_> = (0..8).map(|_| scope.spawn(put)).collect();
            all.into_iter().map(|one| one.join().expect("it ends")).collect()
        });
        let sum = |of: fn(&Filed) -> usize| filed.iter().map(of).sum::<usize>();
        assert_eq!((sum(|f| f.added), sum(|f| f.unchanged), sum(|f| f.saved)), (30, 7 * 30, 30));
        let user = readers.store.user("ada").expect("made").number;
        assert_eq!(readers.store.count_events(user).expect("read"), 30);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| readers.press("ada", &papers[0], Press::Like).expect("pressed"));
            }
        });
        assert_eq!(readers.store.count_events(user).expect("read"), 31);
    }
}
