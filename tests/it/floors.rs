//! The floors and the absences of the crate documentation, read from the source itself.

use std::path::{Path, PathBuf};

const FLOORS: &[(&str, u32)] = &[
    ("main", 5),
    ("cli", 4),
    ("http", 4),
    ("sources", 3),
    ("eval", 3),
    ("engine", 2),
    ("embed", 1),
    ("index", 1),
    ("store", 1),
    ("rank", 1),
    ("themes", 1),
    ("paper", 0),
    ("user", 0),
    ("vector", 0),
    ("assignment", 0),
    ("config", 0),
    ("error", 0),
    ("cancel", 0),
    ("bounds", 0),
];

/// The crates that may stand only in some rooms.
const ABSENCES: &[(&[&str], &[&str])] = &[
    (&["axum", "tower", "tower_http", "tokio", "hyper", "hyper_util", "http_body", "http_body_util"], &["http"]),
    (&["candle_core", "candle_nn", "candle_transformers", "tokenizers", "hf_hub"], &["embed"]),
    (&["memmap2", "tantivy", "hnsw_rs"], &["index"]),
    (&["rusqlite"], &["store"]),
    (&["clap"], &["cli", "config"]),
    (&["biblatex", "csv", "chardetng", "encoding_rs"], &["sources"]),
    (&["quick_xml"], &["sources", "paper", "http", "cli"]),
    (&["html_escape"], &["sources", "paper"]),
    (&["pulldown_latex"], &["paper"]),
    (&["anyhow"], &["cli", "main"]),
    (&["indicatif", "console"], &["cli"]),
    (&["whatlang", "stop_words"], &["themes"]),
    (&["pathfinding"], &["assignment"]),
    (&["rustix"], &["cli", "http", "store"]),
    (&["httpdate"], &["http"]),
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
    // The kernels of the index.
    "index/kernel/mod.rs",
    "index/kernel/neon.rs",
    "index/kernel/x86.rs",
    // Maps of files.
    "index/lexical/forward.rs",
    "index/map.rs",
    // A thread lets the others go first.
    "index/writer.rs",
];

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
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
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
                    assert!(rooms.contains(&room.as_str()), "{} uses {library}", path.display());
                }
            }
        }
        assert!(users > 0, "nobody uses {libraries:?}");
    }
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
            "index/contract.rs",
            "themes/tests.rs",
            "index/persistence_tests.rs",
            "store/fixture.rs",
            "lexical/contract.rs",
            "embed/cpu/tests.rs",
            "references/tests.rs",
            "bibtex/tests.rs",
            "embed/test_models/agree.rs",
            "embed/test_models/hub.rs",
            "embed/test_models/mod.rs",
            "embed/test_models/plain.rs",
        ];
        if tests.iter().any(|t| path.ends_with(t)) {
            continue;
        }
        for word in [".unwrap()", ".expect(", "panic!(", "todo!(", "unimplemented!(", "unreachable!("] {
            assert!(!product.contains(word), "{} holds {word}", path.display());
        }
    }
}

#[test]
fn unsafe_stands_in_the_files_that_are_named_and_in_no_other() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let holds = |code: &str| code.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "unsafe");
    let mut found: Vec<String> = sources()
        .into_iter()
        .filter(|(.., code)| holds(code))
        .map(|(_, path, _)| path.strip_prefix(&root).expect("below src").to_string_lossy().replace('\\', "/"))
        .collect();
    found.sort();
    assert_eq!(found, UNSAFE);
}
