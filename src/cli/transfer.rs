//! `paperkin export` and `paperkin import`: everything, as JSON Lines a person can read.
//!
//! A folder with `papers.jsonl` (one paper a line), `vectors.jsonl` (`{"id", "text", "vector"}` in the same order, the
//! text by its hash), `users.jsonl` (one user a line, with events, library and interests), `themes.jsonl`,
//! `theme_papers.jsonl` and `theme_events.jsonl` where themes were made, and, written last, `about.json`, which says
//! which model the vectors are of.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::ingest::{Total, Unpack, finish, take_in};
use super::progress::Progress;
use super::show::thousands;
use super::streams::{self, CreateMode, Handled, say};
use super::{Context, show};
use crate::engine::{Engine, Exported, ExportedRun, ExportedThemes, ExportedUser, Incoming};
use crate::error::{Error, Result};
use crate::jobs;
use crate::paper::bounds::MAX_LINE;
use crate::paper::{Paper, PaperId};
use crate::sources;
use crate::store::{
    Fingerprints, FolderWithPapers, ImportStatus, ImportWithClaims, StoredImport, StoredInterest, StoredNote,
    StoredSearch,
};
use crate::user::{Event, Moment, Settings, UserId};

/// Papers read at a time.
const PAGE: usize = 512;

/// Users read at a time.
const USERS: usize = 64;

/// Greatest size of a user's line in bytes: it holds all of their history.
const LONGEST_LINE: u64 = 256 << 20;

/// How many vectors to search ahead for that of a paper, if papers were removed or added by hand.
const AHEAD: usize = 1000;

/// Write everything into a folder, as JSON Lines
///
/// Writes papers, vectors, themes with their history, and users with settings, events, imports, library papers, folders,
/// notes, saved searches, interests and the token of their feed. What the folder itself opens and signs stays in it, and goes with `paperkin backup`: keys, sessions,
/// subscriptions by mail, webhooks. Protect the folder as you protect the data folder.
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
/// Vectors of the same model are imported; with another model (--model) the papers are embedded again, as are papers
/// without a vector in the export and papers whose text was edited since. Existing papers are kept or updated. Themes
/// are imported if there are none yet. A line that cannot be read is reported with its number and the reason, and the
/// others are imported.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin import backup --data restored
  paperkin import backup --data other --model BAAI/bge-small-en-v1.5")]
pub struct ImportArgs {
    /// The folder
    dir: PathBuf,
    #[command(flatten)]
    unpack: Unpack,
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
    /// The last run of themes, as [`ExportedRun`]; read when its turn comes, so that nothing else depends on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    themes: Option<Value>,
}

#[derive(Serialize, Deserialize)]
struct VectorLine {
    id: String,
    /// The hash of the text it is of; exports of earlier versions have none.
    #[serde(default)]
    text: Option<String>,
    /// None where the paper has none of this model.
    vector: Option<Vec<f32>>,
}

/// By what an export knows that a text is still the one that a vector was made of.
fn text_hash(paper: &Paper) -> String {
    Fingerprints::of(paper).text.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn export(context: &Context, args: &ExportArgs) -> anyhow::Result<()> {
    let engine = context.open_filled()?;
    let dir = &args.dir;
    streams::make_folder(dir)?;
    if streams::look(dir).is_none_or(|found| found.length > 0) {
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
        for Exported { paper, vector, .. } in page {
            show::lines(&mut papers, [&paper])?;
            let text = Some(text_hash(&paper));
            show::lines(&mut vectors, [VectorLine { id: paper.id.to_string(), text, vector }])?;
        }
        progress.done(n);
    }
    progress.finish();
    // So that interests go along under the ids that they are known by.
    jobs::keep_interests(&engine).unwrap_or_else(|e| say!("warning: interests go along as they were last kept: {e}"));
    let progress = Progress::new("export", "users", None);
    // It holds what people read, and the tokens of their feeds.
    let mut users = create_private(&dir.join("users.jsonl"))?;
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
        finish_file(file)?;
    }
    let themes = engine.export_themes()?;
    if let Some(themes) = &themes {
        write_lines(&dir.join("themes.jsonl"), &themes.themes)?;
        write_lines(&dir.join("theme_papers.jsonl"), &themes.papers)?;
        write_lines(&dir.join("theme_events.jsonl"), &themes.events)?;
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
        themes: themes.map(|themes| json!(themes.run)),
    };
    let mut file = create(&dir.join("about.json"))?;
    file.write_all(&serde_json::to_vec_pretty(&about)?)?;
    finish_file(file)?;
    if context.json {
        show::document(&about)
    } else {
        show::table([format!("{} papers and {} users in {}", thousands(n), thousands(people), dir.display())])
    }
}

pub fn import(context: &Context, args: &ImportArgs) -> anyhow::Result<()> {
    let dir = &args.dir;
    let path = dir.join("about.json");
    if streams::look(&path).is_none() {
        anyhow::bail!("{}: it is not there (was the export finished?)", path.display());
    }
    let bytes = streams::read(&path)?;
    let about: About = serde_json::from_slice(&bytes).map_err(|e| Error::Data(format!("{}: {e}", path.display())))?;
    let mut config = context.config()?;
    // A new folder gets the model of the vectors, unless the flags name another.
    if config.model.is_none() && !config.data.exists() {
        config.model = Some(about.source.clone());
    }
    let engine = context.open_with(config)?;
    let name = dir.join("papers.jsonl");
    let papers = streams::open(&name, args.unpack.allowed(context)?)?;
    let shown = name.display().to_string();
    let began = Instant::now();
    let same = engine.model().fingerprint == about.fingerprint;
    let mut vectors = if same { Some(Vectors::open(&dir.join("vectors.jsonl"), about.papers)?) } else { None };
    if !same {
        say!("the vectors are of {}; the papers are embedded again with {}", about.model, engine.model().name);
    }
    let mut source = sources::read(&shown, papers).map(|incoming| {
        let mut incoming: Incoming = incoming?;
        if let (Some(vectors), Ok(paper)) = (&mut vectors, &incoming.paper) {
            incoming.vector = vectors.take(paper)?;
        }
        Ok(incoming)
    });
    let report = take_in(&engine, &shown, Some(about.papers), &mut source)?;
    if report.lines() < about.papers {
        say!("{shown} has {} of the {} papers that were exported", report.lines(), about.papers);
    }
    let mut total = Total::default();
    total.add(&shown, report);
    import_users(&engine, &dir.join("users.jsonl"), about.users, &mut total)?;
    // Papers and users are imported by now, so an error in the themes is only reported; they can be computed again.
    if let Some(run) = about.themes
        && let Err(e) = import_themes(&engine, dir, run, &mut total)
    {
        say!("the themes of the export are left out: {e}");
    }
    finish(&engine);
    total.show(context, began)?;
    total.check(false)
}

/// A user on a line.
#[derive(Serialize, Deserialize)]
struct UserLine {
    id: UserId,
    // Exports of earlier versions have neither.
    #[serde(default = "Moment::now")]
    created: Moment,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    settings: Settings,
    events: Vec<Event>,
    // The day on which each event came; exports of earlier versions do not say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    received: Vec<i32>,
    library: Vec<Box<RawValue>>,
    interests: Vec<StoredInterest>,
    // Exports of earlier versions have none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    imports: Vec<ImportLine>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    searches: Vec<StoredSearch>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    folders: Vec<FolderWithPapers>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    notes: Vec<StoredNote>,
}

/// An import of a user, with the events and papers that it added.
#[derive(Serialize, Deserialize)]
struct ImportLine {
    import: i64,
    begun: Moment,
    status: ImportStatus,
    done: usize,
    total: usize,
    about: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answer: Option<Value>,
    events: Vec<Event>,
    papers: Vec<PaperId>,
}

impl ImportLine {
    fn of(import: &ImportWithClaims) -> Self {
        let ImportWithClaims { import, events, papers } = import;
        let value = |text: &str| serde_json::from_str(text).unwrap_or_default();
        ImportLine {
            import: import.number,
            begun: import.begun,
            status: import.status,
            done: import.done,
            total: import.total,
            about: value(&import.about),
            answer: import.answer.as_deref().map(value),
            events: events.clone(),
            papers: papers.clone(),
        }
    }

    fn into_import(self) -> ImportWithClaims {
        let import = StoredImport {
            number: self.import,
            begun: self.begun,
            status: self.status,
            done: self.done,
            total: self.total,
            about: self.about.to_string(),
            answer: self.answer.map(|answer| answer.to_string()),
        };
        ImportWithClaims { import, events: self.events, papers: self.papers }
    }
}

impl UserLine {
    fn of(user: &ExportedUser) -> Self {
        UserLine {
            id: user.name.clone(),
            created: user.created,
            token: user.token.clone(),
            settings: user.settings.clone(),
            events: user.events.clone(),
            received: user.received.clone(),
            library: user.outside.iter().filter_map(|p| serde_json::value::to_raw_value(p).ok()).collect(),
            interests: user.interests.clone(),
            imports: user.imports.iter().map(ImportLine::of).collect(),
            searches: user.searches.clone(),
            folders: user.folders.clone(),
            notes: user.notes.clone(),
        }
    }

    fn into_user(self) -> Result<ExportedUser> {
        Ok(ExportedUser {
            number: 0,
            name: self.id,
            created: self.created,
            token: self.token,
            settings: self.settings,
            events: self.events,
            received: self.received,
            outside: self.library.iter().map(|json| outside(json.get())).collect::<Result<_>>()?,
            interests: self.interests,
            imports: self.imports.into_iter().map(ImportLine::into_import).collect(),
            searches: self.searches,
            folders: self.folders,
            notes: self.notes,
        })
    }
}

/// A paper of a library; one that was let in when papers could hold more stays as it is.
fn outside(json: &str) -> Result<Paper> {
    Paper::read_json(json).map(|(paper, _)| paper).or_else(|_| Paper::stored(json))
}

/// Exports of earlier versions have no users.
fn import_users(engine: &Engine, path: &Path, users: usize, total: &mut Total) -> Result<()> {
    if streams::look(path).is_none() {
        return Ok(());
    }
    read_lines(path, "users", Some(users), total, |line: UserLine| match line.into_user() {
        Ok(user) => engine.import_user(&user).map(Ok),
        Err(e) => Ok(Err(e.to_string())),
    })
}

fn import_themes(engine: &Engine, dir: &Path, run: Value, total: &mut Total) -> Result<()> {
    let run = ExportedRun::deserialize(run).map_err(|e| Error::Data(format!("about.json: themes: {e}")))?;
    let places = Some(run.papers);
    let themes = ExportedThemes {
        themes: lines_of(&dir.join("themes.jsonl"), "themes", None, total)?,
        papers: lines_of(&dir.join("theme_papers.jsonl"), "places", places, total)?,
        events: lines_of(&dir.join("theme_events.jsonl"), "events", None, total)?,
        run,
    };
    match engine.import_themes(&themes)? {
        true => Ok(()),
        false => Err(Error::Data("this folder has themes already".into())),
    }
}

/// The lines of a file that can be read.
fn lines_of<T: DeserializeOwned>(
    path: &Path,
    what: &'static str,
    lines: Option<usize>,
    total: &mut Total,
) -> Result<Vec<T>> {
    let mut out = Vec::new();
    read_lines(path, what, lines, total, |line| {
        out.push(line);
        Ok(Ok(()))
    })?;
    Ok(out)
}

/// Gives every line of a file that can be read to `take`, and tells and counts those that cannot, or that it rejects
/// with a reason.
fn read_lines<T: DeserializeOwned>(
    path: &Path,
    what: &'static str,
    lines: Option<usize>,
    total: &mut Total,
    mut take: impl FnMut(T) -> Result<std::result::Result<(), String>>,
) -> Result<()> {
    let file = streams::input(path)?;
    let name = path.display().to_string();
    let progress = Progress::new("import", what, lines);
    let mut reader = BufReader::new(file);
    for k in 0.. {
        let mut line = Vec::new();
        let cannot = |e| Error::io(path, "cannot read", e);
        if reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line).map_err(cannot)? == 0 {
            break;
        }
        let whole = line.len() as u64 != LONGEST_LINE || line.ends_with(b"\n");
        if !whole {
            line.clear();
            reader.skip_until(b'\n').map_err(cannot)?;
        } else if line.trim_ascii().is_empty() {
            continue;
        }
        let taken = match serde_json::from_slice(&line) {
            _ if !whole => Err(format!("the line is longer than {LONGEST_LINE} bytes")),
            Ok(value) => take(value)?,
            Err(e) => Err(e.to_string()),
        };
        if let Err(reason) = taken {
            progress.say(&format!("{name}:{}: rejected: {reason}", k + 1));
            total.reject(&name, k + 1, reason);
        }
        progress.done(k + 1);
    }
    progress.finish();
    Ok(())
}

/// The vectors of an export, in the order of its papers. Lines of papers may have been taken out, added or changed
/// since.
struct Vectors {
    path: PathBuf,
    reader: BufReader<Handled>,
    /// Lines read, of those that should be there.
    read: usize,
    whole: usize,
    /// Lines read that no paper took yet.
    ahead: VecDeque<VectorLine>,
}

impl Vectors {
    fn open(path: &Path, whole: usize) -> Result<Self> {
        let reader = BufReader::new(streams::input(path)?);
        Ok(Vectors { path: path.to_path_buf(), reader, read: 0, whole, ahead: VecDeque::new() })
    }

    /// The vector of a paper; none where it has none among the next [`AHEAD`], or its text is another one by now.
    fn take(&mut self, paper: &Paper) -> Result<Option<Vec<f32>>> {
        for k in 0..AHEAD {
            if k == self.ahead.len() {
                let Some(line) = self.next()? else { break };
                self.ahead.push_back(line);
            }
            if self.ahead[k].id == paper.id.as_str() {
                // Those before it are of papers that are not taken in.
                let line = self.ahead.drain(..=k).next_back();
                let same = |line: &VectorLine| line.text.as_ref().is_none_or(|hash| *hash == text_hash(paper));
                return Ok(line.filter(same).and_then(|line| line.vector));
            }
        }
        Ok(None)
    }

    fn next(&mut self) -> Result<Option<VectorLine>> {
        let mut text = String::new();
        let read = self.reader.by_ref().take(MAX_LINE as u64).read_line(&mut text);
        read.map_err(|e| Error::io(&self.path, "cannot read", e))?;
        let damaged = |why: String| Error::Data(format!("{}:{}: {why}", self.path.display(), self.read + 1));
        if text.is_empty() {
            let missing = format!("the file ends; it should have {} lines", self.whole);
            return if self.read < self.whole { Err(damaged(missing)) } else { Ok(None) };
        }
        let line = serde_json::from_str(&text).map_err(|e| damaged(e.to_string()))?;
        self.read += 1;
        Ok(Some(line))
    }
}

fn write_lines<T: Serialize>(path: &Path, lines: &[T]) -> anyhow::Result<()> {
    let mut file = create(path)?;
    show::lines(&mut file, lines)?;
    finish_file(file)
}

/// Puts on disk what is written.
fn finish_file(file: BufWriter<Handled>) -> anyhow::Result<()> {
    Ok(file.into_inner().map_err(|e| e.into_error())?.sync_all()?)
}

fn create(path: &Path) -> Result<BufWriter<Handled>> {
    streams::create(path, CreateMode::New).map(BufWriter::new)
}

/// A file that nobody else on this machine may read.
fn create_private(path: &Path) -> Result<BufWriter<Handled>> {
    streams::create(path, CreateMode::Private).map(BufWriter::new)
}
