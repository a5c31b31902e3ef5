//! `paperkin export` and `paperkin import`: everything, as JSON Lines a person can read.
//!
//! A folder with `papers.jsonl` (one paper a line), `vectors.jsonl` (`{"id", "vector"}` in the same order), `users.jsonl`
//! (one user a line, with events, library and interests) and, written last, `about.json`, which says which model the
//! vectors are of.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter};
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::ingest::{finish, summary, take_in};
use super::progress::Progress;
use super::show::thousands;
use super::{Context, show};
use crate::engine::{Engine, Exported, ExportedUser, Incoming};
use crate::error::{Error, Result};
use crate::paper::{Paper, PaperId};
use crate::sources;
use crate::store::StoredInterest;
use crate::user::{Edits, Event, EventKind, Moment, Settings, UserId};

/// Papers a query.
const PAGE: usize = 512;

/// Users a query.
const USERS: usize = 64;

/// Write everything into a folder, as JSON Lines
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin export backup
  paperkin export backup && jq -r .title backup/papers.jsonl")]
pub struct ExportArgs {
    /// A new or empty folder
    dir: PathBuf,
}

/// Read what `export` wrote
///
/// Vectors of the same model are taken over; with another model (--model) the papers are embedded again. Papers that
/// are there already stay or are brought up to date.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin import backup --data restored
  paperkin import backup --data other --model BAAI/bge-small-en-v1.5")]
pub struct ImportArgs {
    /// The folder
    dir: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct About {
    paperkin: String,
    papers: usize,
    #[serde(default)]
    users: usize,
    model: String,
    fingerprint: String,
    dimension: usize,
    source: String,
}

#[derive(Deserialize)]
struct VectorLine {
    id: String,
    vector: Vec<f32>,
}

pub fn export(context: &Context, args: &ExportArgs) -> anyhow::Result<()> {
    let engine = context.open_filled()?;
    let dir = &args.dir;
    fs::create_dir_all(dir).map_err(|e| Error::io(dir, "cannot make the folder", e))?;
    let occupied = fs::read_dir(dir).map_err(|e| Error::io(dir, "cannot read", e))?.next().is_some();
    if occupied {
        anyhow::bail!("{}: the folder is not empty; name a new one", dir.display());
    }
    let (mut papers, mut vectors) = (create(&dir.join("papers.jsonl"))?, create(&dir.join("vectors.jsonl"))?);
    let progress = Progress::new("export", "papers", Some(engine.info()?.papers));
    let (mut after, mut n) = (None, 0);
    loop {
        let page = engine.export(after, PAGE)?;
        let Some(last) = page.last() else { break };
        after = Some(last.row);
        n += page.len();
        for Exported { paper, vector, .. } in &page {
            show::lines(&mut papers, [paper])?;
            show::lines(&mut vectors, [json!({ "id": paper.id, "vector": vector })])?;
        }
        progress.done(n);
    }
    progress.finish();
    let progress = Progress::new("export", "users", None);
    let mut users = create(&dir.join("users.jsonl"))?;
    let (mut after, mut people) = (None, 0);
    loop {
        let page = engine.export_users(after, USERS)?;
        let Some(last) = page.last() else { break };
        after = Some(last.number);
        people += page.len();
        show::lines(&mut users, page.iter().map(UserLine::of))?;
        progress.done(people);
    }
    progress.finish();
    for file in [papers, vectors, users] {
        file.into_inner().map_err(|e| e.into_error())?.sync_all()?;
    }
    let model = engine.model();
    let about = About {
        paperkin: env!("CARGO_PKG_VERSION").into(),
        papers: n,
        users: people,
        model: model.name.clone(),
        fingerprint: model.fingerprint.clone(),
        dimension: model.dimension,
        source: model.source.clone(),
    };
    fs::write(dir.join("about.json"), serde_json::to_vec_pretty(&about)?)?;
    if context.json {
        show::document(&about)
    } else {
        show::text(&format!("{} papers and {} users in {}", thousands(n), thousands(people), dir.display()))
    }
}

pub fn import(context: &Context, args: &ImportArgs) -> anyhow::Result<()> {
    let dir = &args.dir;
    let path = dir.join("about.json");
    let bytes = fs::read(&path).map_err(|e| Error::io(&path, "cannot open (was the export finished?)", e))?;
    let about: About = serde_json::from_slice(&bytes).map_err(|e| Error::Data(format!("{}: {e}", path.display())))?;
    let mut config = context.config()?;
    // A new folder is made with the model that the vectors are of, unless another is asked for.
    if config.model.is_none() && !config.data.exists() {
        config.model = Some(about.source.clone());
    }
    let engine = super::open(config)?;
    let name = dir.join("papers.jsonl");
    let papers = sources::open(&name)?;
    let shown = name.display().to_string();
    let began = Instant::now();
    let same = engine.model().fingerprint == about.fingerprint;
    let vectors = if same { Some(Vectors::open(&dir.join("vectors.jsonl"))?) } else { None };
    if !same {
        eprintln!("the vectors are of {}; the papers are embedded again with {}", about.model, engine.model().name);
    }
    let mut vectors = vectors;
    let mut source = sources::read(&shown, papers).map(|incoming| {
        let mut incoming: Incoming = incoming?;
        if let (Some(vectors), Ok(paper)) = (&mut vectors, &incoming.paper) {
            incoming.vector = Some(vectors.next(paper.id.as_str())?);
        }
        Ok(incoming)
    });
    let report = take_in(&engine, &shown, Some(about.papers), &mut source)?;
    import_users(&engine, &dir.join("users.jsonl"))?;
    finish(&engine);
    if context.json { show::document(&report) } else { show::text(&summary(&report, began)) }
}

/// A user on a line.
#[derive(Serialize, Deserialize)]
struct UserLine {
    id: UserId,
    settings: Settings,
    events: Vec<EventLine>,
    library: Vec<Value>,
    interests: Vec<InterestLine>,
}

#[derive(Serialize, Deserialize)]
struct EventLine {
    paper: PaperId,
    kind: EventKind,
    at: Moment,
    weight: f32,
}

#[derive(Serialize, Deserialize)]
struct InterestLine {
    number: u32,
    edits: Edits,
    merged: Option<u32>,
    papers: Vec<String>,
}

impl UserLine {
    fn of(user: &ExportedUser) -> Self {
        let event = |e: &Event| EventLine { paper: e.paper.clone(), kind: e.kind, at: e.at, weight: e.weight };
        let interest = |i: &StoredInterest| InterestLine {
            number: i.number,
            edits: i.edits.clone(),
            merged: i.merged,
            papers: i.papers.clone(),
        };
        UserLine {
            id: user.name.clone(),
            settings: user.settings.clone(),
            events: user.events.iter().map(event).collect(),
            library: user.outside.iter().map(|p| json!(p)).collect(),
            interests: user.interests.iter().map(interest).collect(),
        }
    }

    fn into_user(self) -> Result<ExportedUser> {
        let event = |e: EventLine| Event { paper: e.paper, kind: e.kind, at: e.at, weight: e.weight };
        let interest =
            |i: InterestLine| StoredInterest { number: i.number, edits: i.edits, merged: i.merged, papers: i.papers };
        Ok(ExportedUser {
            number: 0,
            name: self.id,
            settings: self.settings,
            events: self.events.into_iter().map(event).collect(),
            outside: self.library.into_iter().map(Paper::from_json).collect::<Result<_>>()?,
            interests: self.interests.into_iter().map(interest).collect(),
        })
    }
}

/// Exports of earlier versions have no users.
fn import_users(engine: &Engine, path: &Path) -> Result<()> {
    if !path.exists() {
        return Ok(());
    }
    let file = File::open(path).map_err(|e| Error::io(path, "cannot open", e))?;
    for (k, line) in BufReader::new(file).lines().enumerate() {
        let line = line.map_err(|e| Error::io(path, "cannot read", e))?;
        let damaged = |e: String| Error::Data(format!("{}:{}: {e}", path.display(), k + 1));
        let user: UserLine = serde_json::from_str(&line).map_err(|e| damaged(e.to_string()))?;
        engine.import_user(&user.into_user().map_err(|e| damaged(e.to_string()))?)?;
    }
    Ok(())
}

/// The vectors of an export, in the order of its papers.
struct Vectors {
    path: PathBuf,
    reader: Box<dyn BufRead>,
    line: usize,
}

impl Vectors {
    fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|e| Error::io(path, "cannot open", e))?;
        Ok(Vectors { path: path.to_path_buf(), reader: Box::new(BufReader::new(file)), line: 0 })
    }

    fn next(&mut self, id: &str) -> Result<Vec<f32>> {
        let mut text = String::new();
        self.reader.read_line(&mut text).map_err(|e| Error::io(&self.path, "cannot read", e))?;
        self.line += 1;
        let damaged = |why: String| Error::Data(format!("{}:{}: {why}", self.path.display(), self.line));
        let line: VectorLine = serde_json::from_str(&text).map_err(|e| damaged(e.to_string()))?;
        if line.id != id {
            return Err(damaged(format!("the vector of {:?}, where that of {id:?} should stand", line.id)));
        }
        Ok(line.vector)
    }
}

fn create(path: &Path) -> Result<BufWriter<File>> {
    File::create_new(path).map(BufWriter::new).map_err(|e| Error::io(path, "cannot write", e))
}
