//! The floors and the absences of the crate documentation, read from the source itself.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

const FLOORS: &[(&str, u32)] = &[
    ("main", 6),
    ("cli", 5),
    ("http", 5),
    ("jobs", 4),
    ("sources", 3),
    ("deliver", 3),
    ("eval", 3),
    ("backup", 3),
    ("doctor", 3),
    ("engine", 2),
    ("embed", 1),
    ("index", 1),
    ("store", 1),
    ("rank", 1),
    ("themes", 1),
    ("paper", 0),
    ("user", 0),
    ("access", 0),
    ("vector", 0),
    ("matching", 0),
    ("templates", 0),
    ("typeset", 0),
    ("config", 0),
    ("error", 0),
    ("cancel", 0),
    ("logs", 0),
    ("bounds", 0),
];

/// The crates that may stand only in some rooms, or in some folders of a room.
const ABSENCES: &[(&[&str], &[&str])] = &[
    (&["axum", "tower", "tower_http", "tokio", "hyper", "hyper_util", "http_body", "http_body_util"], &["http"]),
    (&["candle_core", "candle_nn", "candle_transformers"], &["embed/candle", "embed/test_models"]),
    (&["tokenizers", "hf_hub"], &["embed"]),
    (&["memmap2", "tantivy", "hnsw_rs"], &["index"]),
    (&["rusqlite"], &["store/sqlite"]),
    (&["clap"], &["cli", "config"]),
    (&["biblatex", "chardetng", "encoding_rs"], &["sources"]),
    (&["csv"], &["sources", "deliver", "cli"]),
    (&["tiny_skia", "ttf_parser", "ttf_noto_sans"], &["cli"]),
    (&["quick_xml"], &["sources", "paper", "http", "cli"]),
    (&["html_escape"], &["sources", "paper", "typeset"]),
    (&["pulldown_latex"], &["paper", "typeset"]),
    (&["ammonia"], &["typeset"]),
    (&["anyhow"], &["cli", "main"]),
    (&["indicatif", "console"], &["cli"]),
    (&["whatlang", "stop_words"], &["themes"]),
    (&["pathfinding"], &["matching"]),
    (&["rustix"], &["cli", "doctor", "http", "store/sqlite"]),
    (&["minijinja"], &["http", "deliver/mail", "templates"]),
    (&["cookie"], &["http"]),
    (&["lettre"], &["deliver/mail"]),
    (&["httpdate"], &["http", "sources/web"]),
    // `paperkin health` asks our own service, as anybody would.
    (&["ureq"], &["sources/web", "cli/health.rs"]),
    (&["feed_rs"], &["sources/feeds"]),
    (&["rustls", "tokio_rustls", "governor"], &["http/door"]),
    (&["tracing_subscriber"], &["logs"]),
    (&["metrics_exporter_prometheus"], &["http"]),
    (&["croner"], &["config"]),
    (&["hmac", "sha2"], &["jobs"]),
    (&["tar"], &["backup"]),
    (&["rmcp"], &["http/clients/mcp"]),
];

/// The files that hold `unsafe`: those that the crate documentation names.
const UNSAFE: &[&str] = &[
    // The kernels of the encoder, and what hands them their memory.
    "embed/cpu/amx.rs",
    "embed/cpu/attention.rs",
    "embed/cpu/avx2.rs",
    "embed/cpu/avx512.rs",
    "embed/cpu/buffer.rs",
    "embed/cpu/generic.rs",
    "embed/cpu/kernels.rs",
    "embed/cpu/lanes.rs",
    "embed/cpu/layers.rs",
    "embed/cpu/product.rs",
    // Memory goes back to the system.
    "embed/cpu/release.rs",
    "embed/cpu/tests.rs",
    "embed/cpu/tiles.rs",
    // A thread lets the others go first.
    "index/background.rs",
    // The kernels of the index.
    "index/kernel/mod.rs",
    "index/kernel/neon.rs",
    "index/kernel/x86.rs",
    // Maps of files.
    "index/lexical/forward.rs",
    "index/segments/map.rs",
];

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn sources() -> Vec<(String, PathBuf, String)> {
    fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).expect("src is there").flatten() {
            if entry.path().is_dir() {
                walk(&entry.path(), files);
            } else if entry.path().extension().is_some_and(|e| e == "rs") {
                files.push(entry.path());
            }
        }
    }
    let root = src();
    let mut files = Vec::new();
    walk(&root, &mut files);
    files
        .into_iter()
        .map(|path| {
            let inside = path.strip_prefix(&root).expect("below src");
            let room = inside.components().next().expect("a name").as_os_str().to_string_lossy().replace(".rs", "");
            // Comments may speak of anything.
            let text = std::fs::read_to_string(&path).expect("readable");
            let code = text.lines().filter(|l| !l.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
            (room, path, code)
        })
        .filter(|(room, ..)| room != "lib")
        .collect()
}

fn floor(room: &str) -> u32 {
    FLOORS.iter().find(|(name, _)| *name == room).unwrap_or_else(|| panic!("src/{room} stands on no floor")).1
}

/// The rooms that a file names as `crate::room`, alone or in a list.
fn named(code: &str) -> Vec<String> {
    let mut rooms = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + 7..];
        if let Some(list) = rest.strip_prefix('{') {
            let list = &list[..list.find('}').unwrap_or(list.len())];
            rooms.extend(list.split(',').map(|r| r.trim().split("::").next().unwrap_or_default().to_string()));
        } else {
            rooms.push(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
        }
    }
    // `crate::Result` and `crate::Error` are the error module's.
    rooms.into_iter().map(|r| if r == "Result" || r == "Error" { "error".into() } else { r }).collect()
}

#[test]
fn no_file_names_a_floor_above_its_own_or_a_neighbour() {
    let mut seen = 0;
    for (room, path, code) in sources() {
        for other in named(&code).into_iter().filter(|o| *o != room) {
            seen += 1;
            let (own, its) = (floor(&room), floor(&other));
            // cli starts http; the rooms of the ground floor and of paper, config, error may lean on one another.
            let allowed = its < own || (its == 0 && own == 0) || (room == "cli" && other == "http");
            assert!(allowed, "{} (floor {own}) names crate::{other} (floor {its})", path.display());
        }
    }
    assert!(seen > 50, "the test has gone blind: it saw {seen} names");
}

#[test]
fn libraries_stand_only_in_their_rooms() {
    for (libraries, rooms) in ABSENCES {
        let mut users = 0;
        for (room, path, code) in sources() {
            for library in *libraries {
                if code.contains(&format!("{library}::")) {
                    users += 1;
                    let within = |place: &&str| room == **place || path.starts_with(src().join(place));
                    assert!(rooms.iter().any(within), "{} uses {library}", path.display());
                }
            }
        }
        assert!(users > 0, "nobody uses {libraries:?}");
    }
}

/// What speaks SQL is one store; the traits and whoever calls them know neither it nor any other.
#[test]
fn sql_stands_in_the_store_that_speaks_it() {
    let (folder, mut seen) = (src().join("store/sqlite"), 0);
    for (room, path, code) in sources() {
        let speaks = |word: &&str| code.contains(&format!("\"{word} ")) || code.contains(&format!("  {word} "));
        let sql = ["SELECT", "INSERT INTO", "INSERT OR IGNORE INTO", "DELETE FROM", "PRAGMA", "CREATE TABLE"];
        if path.starts_with(&folder) {
            seen += usize::from(sql.iter().any(&speaks));
            continue;
        }
        assert!(!sql.iter().any(speaks), "{} speaks SQL", path.display());
        let chooses = path.ends_with("store/mod.rs") || path.ends_with("store/contract/mod.rs");
        assert!(room != "store" || chooses || !code.contains("sqlite"), "{} knows a store", path.display());
    }
    assert!(seen > 10, "the test has gone blind: it saw {seen} files");
}

/// A command may run in a process that is not the one that asked for it: it prints, reads and opens through `cli/streams`.
#[test]
fn commands_know_no_streams_or_files_but_those_that_they_are_given() {
    let (mut seen, outside) =
        (0, ["cli/streams.rs", "cli/desk/asking.rs", "cli/desk/serving.rs", "cli/desk/mod.rs", "cli/desk/wire.rs"]);
    for (_, path, code) in sources().into_iter().filter(|(room, ..)| room == "cli") {
        if outside.iter().any(|own| path.ends_with(own)) {
            continue;
        }
        seen += 1;
        let product = code.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        for word in
            ["println!(", "print!(", "stdout()", "stdin()", "fs::", " File::", "process::exit", "env::current_dir"]
        {
            assert!(!product.contains(word), "{} holds {word}", path.display());
        }
    }
    assert!(seen > 20, "the test has gone blind: it saw {seen} files");
}

#[test]
fn no_unwrap_where_it_does_not_belong() {
    for (_, path, code) in sources() {
        let product = code.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        let tests = [
            "index/contract/mod.rs",
            "index/contract/opening.rs",
            "index/contract/sequences.rs",
            "index/contract/setups.rs",
            "themes/tests.rs",
            "segments/persistence_tests.rs",
            "corpus/tests.rs",
            "engine/readers/fixture.rs",
            "engine/readers/tests.rs",
            "searches/tests.rs",
            "digest/tests.rs",
            "webhooks/tests.rs",
            "store/sqlite/fixture.rs",
            "jobs/tests.rs",
            "cli/tests.rs",
            "lexical/contract.rs",
            "embed/cpu/tests.rs",
            "feeds/tests.rs",
            "feed/tests.rs",
            "references/tests.rs",
            "sources/files/tests.rs",
            "readership/tests.rs",
            "searches/tests.rs",
            "schema/tests.rs",
            "coreading/tests.rs",
            "preference_model/tests.rs",
            "merge/tests.rs",
            "follow/tests.rs",
            "access/tests.rs",
            "mail/tests.rs",
            "typeset/tests.rs",
            "corpus/fixture.rs",
            "bibtex/tests.rs",
            "embed/contract.rs",
            "embed/test_models/agree.rs",
            "embed/test_models/hub.rs",
            "embed/test_models/mod.rs",
            "embed/test_models/plain.rs",
        ];
        if tests.iter().any(|t| path.ends_with(t)) || path.starts_with(src().join("store/contract")) {
            continue;
        }
        for word in [".unwrap()", ".expect(", "panic!(", "todo!(", "unimplemented!(", "unreachable!("] {
            assert!(!product.contains(word), "{} holds {word}", path.display());
        }
    }
}

#[test]
fn unsafe_stands_in_the_files_that_are_named_and_in_no_other() {
    let root = src();
    let holds = |code: &str| code.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "unsafe");
    let mut found: Vec<String> = sources()
        .into_iter()
        .filter(|(.., code)| holds(code))
        .map(|(_, path, _)| path.strip_prefix(&root).expect("below src").to_string_lossy().replace('\\', "/"))
        .collect();
    found.sort();
    assert_eq!(found, UNSAFE);
}

/// The parts of the engine, from the one that knows nobody to the face that knows all; a part knows only those before it.
const PARTS: &[&str] =
    &["page", "answer", "widen", "corpus", "happened", "themes", "readers", "access", "face", "open"];

/// The types that the engine's methods belong to, and the parts that these are.
const OWNERS: &[(&str, &str)] =
    &[("Corpus", "corpus"), ("Themes", "themes"), ("Readers", "readers"), ("Access", "access")];

/// The files of the engine by the path of their module, without tests.
struct Parts {
    code: BTreeMap<Vec<String>, String>,
    /// Names that a module passes on, and what they stand for there.
    passed_on: BTreeMap<(Vec<String>, String), Vec<String>>,
    /// The modules that a method of a part is written in.
    methods: BTreeMap<(String, String), Vec<Vec<String>>>,
}

fn words(path: &str) -> Vec<String> {
    path.split("::").map(|w| w.trim().to_string()).filter(|w| !w.is_empty()).collect()
}

/// The paths of a `use`, its lists taken apart.
fn used(tree: &str, before: &[String], out: &mut Vec<Vec<String>>) {
    let tree = tree.split(" as ").next().unwrap_or_default().trim();
    let Some(open) = tree.find('{') else {
        if !tree.is_empty() {
            out.push(before.iter().cloned().chain(words(tree)).collect());
        }
        return;
    };
    let before: Vec<String> = before.iter().cloned().chain(words(&tree[..open])).collect();
    let (mut depth, mut from) = (0, open + 1);
    for (at, c) in tree.char_indices().skip_while(|(at, _)| *at <= open) {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                used(&tree[from..at], &before, out);
                from = at + 1;
            }
            _ => {}
        }
    }
}

/// What stands between `use ` and `;`, and whether it is passed on.
fn uses(code: &str) -> Vec<(bool, String)> {
    let starts = code.match_indices("use ").filter(|(at, _)| {
        let line = code[..*at].rsplit('\n').next().unwrap_or_default().trim_start();
        line.is_empty() || (line.starts_with("pub") && !line.contains([';', '=']))
    });
    let one = |(at, _): (usize, &str)| {
        let passed_on = code[..at].rsplit('\n').next().unwrap_or_default().contains("pub");
        Some((passed_on, code[at + 4..].split(';').next()?.replace('\n', " ")))
    };
    starts.filter_map(one).collect()
}

impl Parts {
    fn read() -> Self {
        let mut parts = Parts { code: BTreeMap::new(), passed_on: BTreeMap::new(), methods: BTreeMap::new() };
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/engine");
        for (_, path, code) in sources().into_iter().filter(|(room, ..)| room == "engine") {
            let inside = path.strip_prefix(&root).expect("below the engine").with_extension("");
            let module: Vec<String> = inside.iter().map(|w| w.to_string_lossy().into_owned()).collect();
            let module: Vec<String> = module.into_iter().filter(|w| w != "mod").collect();
            if module.last().is_some_and(|m| m.ends_with("tests") || m == "fixture") {
                continue;
            }
            let code = code.split("#[cfg(test)]\nmod tests").next().unwrap_or_default().to_string();
            for (_, tree) in uses(&code).iter().filter(|(passed_on, _)| *passed_on) {
                let mut paths = Vec::new();
                used(tree, &[], &mut paths);
                parts
                    .passed_on
                    .extend(paths.into_iter().map(|p| ((module.clone(), p.last().cloned().unwrap_or_default()), p)));
            }
            for (owner, _) in OWNERS {
                for block in code.split(&format!("impl {owner} {{")).skip(1) {
                    let block = block.split("\n}").next().unwrap_or_default();
                    for name in block.split("fn ").skip(1).filter_map(|f| f.split(['(', '<']).next()) {
                        parts.methods.entry((owner.to_string(), name.to_string())).or_default().push(module.clone());
                    }
                }
            }
            parts.code.insert(module, code);
        }
        parts
    }

    /// The module of the engine that a path in a module leads to, through whatever passes it on.
    fn resolve(&self, module: &[String], path: &[String], depth: usize) -> Option<Vec<String>> {
        let of = |base: &[String], rest: &[String]| Some([base, rest].concat());
        let absolute = match path.first()?.as_str() {
            "crate" => (path.get(1)? == "engine").then(|| path[2..].to_vec()),
            "self" => of(module, &path[1..]),
            "super" => {
                let ups = path.iter().take_while(|w| *w == "super").count();
                of(module.get(..module.len().checked_sub(ups)?)?, &path[ups..])
            }
            _ => self.code.contains_key(&of(module, &path[..1])?).then(|| [module, path].concat()),
        }?;
        let mut found: Vec<String> = Vec::new();
        for word in absolute {
            found.push(word.clone());
            if !self.code.contains_key(&found) {
                found.pop();
                let passed_on = self.passed_on.get(&(found.clone(), word)).filter(|_| depth < 5);
                return match passed_on {
                    Some(path) => self.resolve(&found, path, depth + 1),
                    None => Some(found),
                };
            }
        }
        Some(found)
    }

    /// The modules that each leans on: by a path, or by a method that it calls. That a module has its children is no leaning.
    fn leanings(&self) -> BTreeMap<Vec<String>, BTreeSet<Vec<String>>> {
        let mut all = BTreeMap::new();
        for (module, code) in &self.code {
            let mut paths = Vec::new();
            uses(code).iter().for_each(|(_, tree)| used(tree, &[], &mut paths));
            let outside = code.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'));
            paths.extend(outside.filter(|w| w.contains("::")).map(words));
            let mut leans: BTreeSet<Vec<String>> =
                paths.iter().filter(|p| !p.is_empty()).filter_map(|p| self.resolve(module, p, 0)).collect();
            let flat: String = code.split_whitespace().collect();
            for ((owner, name), written) in &self.methods {
                let part = OWNERS.iter().find(|o| o.0 == owner).expect("one of them").1;
                let own = module.first().is_some_and(|first| first == part);
                let called = |receiver: &str| flat.contains(&format!("{receiver}.{name}("));
                if called(part) || (own && called("self")) {
                    leans.extend(written.iter().cloned());
                }
            }
            leans.retain(|other| !other.starts_with(module));
            all.insert(module.clone(), leans);
        }
        all
    }
}

/// Modules that lean on each other, however far around.
fn circles(leanings: &BTreeMap<Vec<String>, BTreeSet<Vec<String>>>) -> Vec<Vec<String>> {
    let reach = |from: &Vec<String>| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![from]);
        while let Some(next) = open.pop() {
            open.extend(leanings.get(next).into_iter().flatten().filter(|other| seen.insert((*other).clone())));
        }
        seen
    };
    leanings.keys().filter(|module| reach(module).contains(*module)).cloned().collect()
}

#[test]
fn the_engine_has_three_parts_that_know_each_other_one_way() {
    let mut seen = 0;
    for (module, leans) in Parts::read().leanings() {
        let place = |module: &[String]| {
            let part = module.first()?;
            let place = PARTS.iter().position(|p| p == part);
            Some(place.unwrap_or_else(|| panic!("engine/{part} is no part")))
        };
        for other in leans {
            seen += 1;
            // The root of the engine passes everything on, and holds the face.
            let below = match (place(&module), place(&other)) {
                (None, _) => true,
                (Some(own), None) => PARTS[own] == "face" || PARTS[own] == "open",
                (Some(own), Some(its)) => its <= own,
            };
            assert!(below, "engine/{} leans on engine/{}", module.join("/"), other.join("/"));
        }
    }
    assert!(seen > 150, "the test has gone blind: it saw {seen} leanings");
}

#[test]
fn no_files_of_the_engine_lean_on_each_other_but_parent_and_child() {
    let leanings = Parts::read().leanings();
    assert_eq!(circles(&leanings), Vec::<Vec<String>>::new());
    // That it sees what it looks for: one leaning more closes a circle.
    let module = |path: &str| words(&path.replace('/', "::"));
    let mut bent = leanings;
    bent.entry(module("readers/coreading")).or_default().insert(module("readers/feed/score"));
    let found = circles(&bent);
    assert!(found.contains(&module("readers/coreading")) && found.contains(&module("readers/feed/score")), "{found:?}");
}
