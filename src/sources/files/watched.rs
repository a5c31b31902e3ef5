//! A folder of files that is looked through again and again: each run reads what is new in it or has changed.
//!
//! The place is a digest for each file that has been read, of its path, size and time of change; so a run that ends in the middle
//! of a file reads that file again, which changes nothing that is in already. A file that is gone is forgotten, and its papers
//! stay.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::super::feeds::{Batch, Place, Source};
use super::super::web::Web;
use super::{PaperFile, PaperFormat, PaperReading, open_papers, rejected};
use crate::cancel;
use crate::config::SourceSettings;
use crate::engine::Incoming;
use crate::error::{Error, Result};
use crate::paper::head;

/// Papers that go in at a time.
const BATCH: usize = 500;

/// Files that a folder may hold.
const MAX_FILES: usize = 100_000;

/// How deep folders may stand in each other.
const DEEPEST: usize = 32;

/// How long a file has to be left alone: who still writes it is not disturbed, and the next run takes it.
const SETTLED: Duration = Duration::from_secs(5);

/// What the place of this source begins with.
const SIGN: &str = "files:";

/// Bytes of a digest, as text.
const DIGEST: usize = 16;

/// A folder, or a file, from a place on.
pub struct Watched {
    root: PathBuf,
    how: PaperReading<'static>,
    /// The digests of the files that have been read.
    known: HashSet<String>,
    /// What is to be read, the next last; none before it was looked.
    waiting: Option<Vec<Found>>,
    reading: Option<(Found, PaperFile<'static>)>,
    /// The digests of all files that are there.
    there: HashSet<String>,
    /// Whether a file has come to its end since the place was told last.
    moved: bool,
}

/// A file that is there.
struct Found {
    path: PathBuf,
    /// Its path within the folder.
    name: String,
    digest: String,
}

impl Watched {
    /// What the settings name, from a place on.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a format that does not exist, and for a place of another source.
    pub fn new(settings: &SourceSettings, place: Option<&Place>) -> Result<Self> {
        let root = settings.path.clone().ok_or_else(|| Error::Invalid("the kind files needs `path`".into()))?;
        let format = settings.format.as_deref().map(PaperFormat::parse).transpose()?;
        let known = match place {
            None => HashSet::new(),
            Some(place) => digests(&place.0).ok_or_else(|| {
                Error::Invalid(format!("{:?} is no place of a source of the kind files", head(&place.0, 80)))
            })?,
        };
        let how = PaperReading { format, map: settings.map.clone(), corpus: None };
        Ok(Watched { root, how, known, waiting: None, reading: None, there: HashSet::new(), moved: false })
    }

    fn look(&mut self, now: SystemTime) -> Result<Vec<Found>> {
        // The words are for who set it up, and name no path: they are told to whoever looks at the sources.
        let gone = |e: io::Error| Error::Remote(format!("the folder of this source (`path`) cannot be read: {e}"));
        let mut found = Vec::new();
        let root = fs::metadata(&self.root).map_err(gone)?;
        if root.is_file() {
            let name = self.root.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
            self.take(self.root.clone(), name, &root, now, &mut found);
        } else {
            let mut folders = vec![(self.root.clone(), 0)];
            while let Some((folder, depth)) = folders.pop() {
                cancel::check()?;
                let entries = match fs::read_dir(&folder) {
                    Ok(entries) => entries,
                    Err(e) if depth == 0 => return Err(gone(e)),
                    // It may be gone by now.
                    Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
                    Err(e) => return Err(gone(e)),
                };
                for entry in entries.filter_map(io::Result::ok) {
                    if is_aside(&entry.file_name().to_string_lossy()) {
                        continue;
                    }
                    // A link to a folder may lead in a circle, one to a file does not.
                    match entry.file_type() {
                        Ok(kind) if kind.is_dir() && depth < DEEPEST => folders.push((entry.path(), depth + 1)),
                        Ok(kind) if kind.is_dir() => {}
                        _ => {
                            let path = entry.path();
                            let Some(data) = fs::metadata(&path).ok().filter(fs::Metadata::is_file) else { continue };
                            let inside = path.strip_prefix(&self.root).unwrap_or(&path);
                            let name = inside.to_string_lossy().into_owned();
                            self.take(path, name, &data, now, &mut found);
                        }
                    }
                    if self.there.len() > MAX_FILES {
                        return Err(Error::Invalid(format!(
                            "the folder of this source holds more than {MAX_FILES} files; make a source for each part of it"
                        )));
                    }
                }
            }
        }
        // The first is taken from the end.
        found.sort_by(|a: &Found, b: &Found| b.name.cmp(&a.name));
        Ok(found)
    }

    /// Notes a file, unless it has been read as it is, or is being written.
    fn take(&mut self, path: PathBuf, name: String, data: &fs::Metadata, now: SystemTime, found: &mut Vec<Found>) {
        let changed = data.modified().unwrap_or(UNIX_EPOCH);
        let digest = digest(&name, data.len(), changed);
        self.there.insert(digest.clone());
        // A time ahead of the clock is no time at which somebody writes.
        let apart = now.duration_since(changed).or_else(|e| if e.duration() > SETTLED { Ok(SETTLED) } else { Err(e) });
        if !self.known.contains(&digest) && apart.is_ok_and(|apart| apart >= SETTLED) {
            found.push(Found { path, name, digest });
        }
    }

    fn place(&self) -> Place {
        let mut known: Vec<&str> = self.known.iter().map(String::as_str).collect();
        known.sort_unstable();
        Place(format!("{SIGN}{}", known.concat()))
    }

    /// The next paper of the file that is read, told with the name of its file where it is none; none at its end.
    fn next_paper(&mut self) -> Result<Option<Incoming>> {
        let Some((file, papers)) = &mut self.reading else { return Ok(None) };
        let Some(incoming) = papers.next() else { return Ok(None) };
        let mut incoming = incoming?;
        let name = &file.name;
        if let Err(rejection) = &mut incoming.paper {
            rejection.reason = format!("{name}: {}", rejection.reason);
        }
        for warning in &mut incoming.warnings {
            warning.reason = format!("{name}: {}", warning.reason);
        }
        Ok(Some(incoming))
    }
}

impl Source for Watched {
    fn next(&mut self, _: &Web) -> Result<Option<Batch>> {
        if self.waiting.is_none() {
            let found = self.look(SystemTime::now())?;
            let gone = self.known.iter().any(|known| !self.there.contains(known));
            self.known.retain(|known| self.there.contains(known));
            let nothing = found.is_empty();
            self.waiting = Some(found);
            if nothing {
                // What is gone is forgotten.
                return Ok(gone.then(|| Batch { place: Some(self.place()), ..Batch::default() }));
            }
        }
        let mut papers = Vec::new();
        loop {
            cancel::check()?;
            match self.next_paper()? {
                Some(incoming) => {
                    papers.push(incoming);
                    if papers.len() >= BATCH {
                        // Files that were read to their end count; the one at hand is read again by a run that goes on here.
                        let place = std::mem::take(&mut self.moved).then(|| self.place());
                        return Ok(Some(Batch { papers, place, ..Batch::default() }));
                    }
                    continue;
                }
                None => {
                    if let Some((file, _)) = self.reading.take() {
                        self.known.insert(file.digest);
                        self.moved = true;
                    }
                }
            }
            let Some(file) = self.waiting.as_mut().and_then(Vec::pop) else { break };
            match open_papers(&file.path, &self.how) {
                Ok(opened) => self.reading = Some((file, opened)),
                // It was taken away meanwhile.
                Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
                // What may be read another time is tried again.
                Err(Error::Io { source, .. }) => {
                    papers.push(rejected(1, None, format!("{}: it cannot be read: {source}", file.name)));
                }
                Err(Error::Cancelled) => return Err(Error::Cancelled),
                Err(other) => {
                    papers.push(rejected(1, None, format!("{}: {other}", file.name)));
                    self.known.insert(file.digest);
                }
            }
        }
        let done = papers.is_empty() && self.there.is_empty();
        self.there.clear();
        Ok((!done).then(|| Batch { papers, place: Some(self.place()), ..Batch::default() }))
    }
}

/// Whether a name says that the file is no paper's, or not finished.
fn is_aside(name: &str) -> bool {
    let ends = [".part", ".partial", ".tmp", ".temp", ".crdownload", ".download", "~"];
    name.starts_with('.') || name.starts_with('~') || ends.iter().any(|end| name.to_lowercase().ends_with(end))
}

fn digest(name: &str, length: u64, changed: SystemTime) -> String {
    let nanos = match changed.duration_since(UNIX_EPOCH) {
        Ok(since) => since.as_nanos() as i128,
        Err(before) => -(before.duration().as_nanos() as i128),
    };
    let hash = blake3::hash(format!("{name}\0{length}\0{nanos}").as_bytes());
    hash.to_hex()[..DIGEST].to_string()
}

/// The digests of a place.
fn digests(place: &str) -> Option<HashSet<String>> {
    let text = place.strip_prefix(SIGN).filter(|text| text.len() % DIGEST == 0 && text.is_ascii())?;
    Some((0..text.len() / DIGEST).map(|k| text[k * DIGEST..(k + 1) * DIGEST].to_string()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{SourceKind, SourceSettings};
    use crate::sources::{Manners, Web};

    /// Writes a file that was left alone for so many seconds.
    fn write(folder: &tempfile::TempDir, name: &str, text: &str, ago: u64) {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(&path, text).expect("written");
        let file = fs::File::options().write(true).open(&path).expect("opens");
        file.set_modified(SystemTime::now() - Duration::from_secs(ago)).expect("set");
    }

    fn settings(folder: &tempfile::TempDir) -> SourceSettings {
        let mut settings = SourceSettings::new("mine", SourceKind::Files);
        settings.path = Some(folder.path().to_path_buf());
        settings
    }

    /// A run: the papers by their ids, what was told, and where it came to.
    fn run(settings: &SourceSettings, place: Option<&Place>) -> (Vec<String>, Vec<String>, Option<Place>) {
        let web = Web::new(Manners::default());
        let mut source = Watched::new(settings, place).expect("opens");
        let (mut ids, mut told, mut last) = (Vec::new(), Vec::new(), place.cloned());
        while let Some(batch) = source.next(&web).expect("goes on") {
            assert!(batch.papers.len() <= BATCH);
            for incoming in batch.papers {
                match incoming.paper {
                    Ok(paper) => ids.push(paper.id.to_string()),
                    Err(rejection) => told.push(rejection.reason),
                }
            }
            last = batch.place.or(last);
        }
        (ids, told, last)
    }

    fn lines(ids: &[&str]) -> String {
        ids.iter().map(|id| format!("{{\"id\":\"{id}\",\"title\":\"T\"}}\n")).collect()
    }

    #[test]
    fn each_run_reads_what_is_new_and_what_has_changed() {
        let folder = tempfile::tempdir().expect("a folder");
        write(&folder, "a.jsonl", &lines(&["a"]), 60);
        write(&folder, "deep/er/b.bib", "@misc{b, title = {B}, doi = {10.1000/b}}", 60);
        write(&folder, "now.jsonl", &lines(&["now"]), 0);
        write(&folder, "notes.pdf", "%PDF-1.7", 60);
        for aside in [".hidden.jsonl", "c.jsonl.part", "d.tmp", ".git/e.jsonl"] {
            write(&folder, aside, &lines(&["aside"]), 60);
        }
        let settings = settings(&folder);
        let (ids, told, place) = run(&settings, None);
        assert_eq!(ids, ["a", "doi:10.1000/b"]);
        assert!(told.len() == 1 && told[0].starts_with("notes.pdf: ") && told[0].contains("a PDF"), "{told:?}");
        assert_eq!(run(&settings, place.as_ref()), (vec![], vec![], place.clone()));
        write(&folder, "a.jsonl", &lines(&["a", "a2"]), 30);
        write(&folder, "now.jsonl", &lines(&["now"]), 30);
        fs::remove_file(folder.path().join("notes.pdf")).expect("removed");
        let (ids, told, place) = run(&settings, place.as_ref());
        assert_eq!((ids, told), (vec!["a".to_string(), "a2".into(), "now".into()], vec![]));
        // What is gone is forgotten.
        assert_eq!(place.expect("a place").0.len(), SIGN.len() + 3 * DIGEST);
    }

    #[test]
    fn a_place_is_reached_file_by_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let many: Vec<String> = (0..1200).map(|k| format!("m{k}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        write(&folder, "1.jsonl", &lines(&["a"]), 60);
        write(&folder, "2.jsonl", &lines(&many), 60);
        write(&folder, "3.jsonl", &lines(&["z"]), 60);
        let web = Web::new(Manners::default());
        let mut source = Watched::new(&settings(&folder), None).expect("opens");
        let mut batches = Vec::new();
        while let Some(batch) = source.next(&web).expect("goes on") {
            batches.push((batch.papers.len(), batch.place.map_or(0, |place| (place.0.len() - SIGN.len()) / DIGEST)));
        }
        assert_eq!(batches, [(500, 1), (500, 0), (202, 3)]);
    }

    #[test]
    fn what_is_not_there_is_told_without_its_path() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut settings = settings(&folder);
        settings.path = Some(folder.path().join("missing"));
        let mut source = Watched::new(&settings, None).expect("opens");
        let told = source.next(&Web::new(Manners::default())).err().expect("an error").to_string();
        assert!(told.contains("`path`") && !told.contains("missing"), "{told}");
        for place in ["", "2026-11-20", "files:abc", "files:\u{e9}"] {
            assert!(Watched::new(&settings, Some(&Place(place.into()))).is_err(), "{place}");
        }
        settings.format = Some("word".into());
        assert!(Watched::new(&settings, None).err().expect("refused").to_string().contains("bibtex"));
        // A file alone.
        write(&folder, "x.csv", "Titel,DOI\nT,10.1000/x\n", 60);
        settings.format = None;
        settings.path = Some(folder.path().join("x.csv"));
        assert_eq!(run(&settings, None).0, ["doi:10.1000/x"]);
    }
}
