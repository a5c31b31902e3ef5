//! What others wrote, on a terminal: every command that prints is given texts that would steer one.

use std::process::Command;

use serde_json::{Value, json};

use crate::support::{Folder, Server, ids};

/// What follows a harmless word: a screen is cleared, a title set, a line forged, the direction turned, something hidden.
const HOSTILE: &str = "x\u{1b}[2J\u{1b}]0;owned\u{7}\r\n=FORGED \u{9b}31m\u{202e}\u{2066}\u{200b}\u{2028}FORGED\u{85}FORGED\u{feff}\u{e0041}\u{7f}";

/// The part of it that may stand in a name, which holds no controls.
const TURNED: &str = "x\u{202e}\u{2066}\u{200b}\u{2028}FORGED\u{feff}\u{e0041}";

fn hostile_papers() -> String {
    let paper = |k: usize| {
        json!({
            "id": format!("p{k}{TURNED}"), "title": format!("Wing number{} {HOSTILE}", k % 9),
            "abstract": format!("Words about wings and topic{} {HOSTILE}", k % 5), "authors": [HOSTILE, format!("Ada {HOSTILE}")],
            "date": format!("2026-08-{:02}", 1 + k % 28), "categories": [format!("c{TURNED}"), HOSTILE], "keywords": [HOSTILE],
            "venue": HOSTILE, "doi": HOSTILE, "url": HOSTILE, "extra": { HOSTILE: HOSTILE },
        })
    };
    let mut lines: Vec<String> = (0..60).map(|k| paper(k).to_string()).collect();
    // Rejected, and left out: both quote what was sent.
    lines.push(json!({ "id": HOSTILE, "title": "" }).to_string());
    lines.push(json!({ "id": "bad", "title": "t", "date": HOSTILE, "authors": { HOSTILE: 1 } }).to_string());
    lines.push(format!("{HOSTILE}{{"));
    lines.join("\n") + "\n"
}

/// Runs a command, and looks at every byte of what it prints.
fn look(mut command: Command, json: bool) -> (String, String) {
    let output = command.output().expect("runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let (out, err) = (text(output.stdout), text(output.stderr));
    for (name, printed) in [("stdout", &out), ("stderr", &err)] {
        for line in printed.split('\n') {
            let steers = |c: char| {
                c.is_control()
                    || matches!(c, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
                    || matches!(c, '\u{feff}' | '\u{e0000}'..='\u{e007f}')
            };
            assert!(!line.chars().any(steers), "{command:?} prints on {name}: {line:?}");
            assert!(!line.starts_with("=FORGED"), "{command:?} prints on {name}: {line:?}");
        }
        assert!(!printed.contains("panicked"), "{command:?}: {printed}");
    }
    if json && output.status.success() {
        // None where there is nothing to list.
        let values: Result<Vec<Value>, _> = serde_json::Deserializer::from_str(&out).into_iter().collect();
        assert!(values.is_ok(), "{command:?}: {out}");
    }
    (out, err)
}

#[test]
fn nothing_that_others_wrote_steers_a_terminal() {
    let folder = Folder::new();
    let name = if cfg!(unix) { HOSTILE.replace('/', "") } else { "x".to_string() };
    let papers = folder.file(&format!("{name}.jsonl"), hostile_papers());
    let library = folder.file(
        &format!("{name}.bib"),
        format!("@article{{k1, title = {{Outside {HOSTILE}}}, author = {{{HOSTILE}}}, year = {{{HOSTILE}}}}}\n@article{{k2,\n"),
    );
    let reader = format!("ada{TURNED}");
    let nobody = format!("none{HOSTILE}");
    let (first, unknown) = (format!("p1{TURNED}"), format!("q{HOSTILE}"));
    let settings = folder.file("hostile.toml", "model = 'hash'\n'x\u{202e}FORGED' = 1\n");
    let export = folder.path(&format!("export{name}")).display().to_string();
    let again = folder.path(&format!("again{name}")).display().to_string();
    let (key, backup) = (format!("key{TURNED}"), folder.path(&format!("backup{name}")).display().to_string());
    let missing = folder.path(&format!("missing{name}")).display().to_string();
    let commands: Vec<Vec<&str>> = vec![
        vec!["ingest", &papers],
        vec!["ingest", &papers, "--strict"],
        vec!["ingest", &missing],
        vec!["search", "wings", "--explain"],
        vec!["search", HOSTILE],
        vec!["search", "wing", "--category", HOSTILE],
        vec!["similar", &first, "--explain"],
        vec!["similar", &unknown],
        vec!["recommend", "--like", &first, "--explain"],
        vec!["recommend", "--like", &unknown],
        vec!["themes"],
        vec!["themes", "--events"],
        vec!["themes", "--about", "2"],
        vec!["themes", "t1"],
        vec!["themes", HOSTILE],
        vec!["history", "import", "--user", &reader, &library, "--dry-run"],
        vec!["history", "import", "--user", &reader, &library],
        vec!["history", "imports", &reader],
        vec!["history", "outside", &reader],
        vec!["history", "show", &reader],
        vec!["history", "show", &nobody],
        vec!["history", "undo", &reader, HOSTILE],
        vec!["history", "remove", &reader, &unknown],
        vec!["recommend", "--user", &reader, "--explain"],
        vec!["recommend", "--user", &nobody],
        vec!["digest", "--date", "2026-08"],
        vec!["embed", &papers],
        vec!["info"],
        vec!["doctor"],
        vec!["index", "check", "--sample", "20"],
        vec!["eval", "known", "--parts", HOSTILE],
        vec!["eval", "search", "--queries", &missing, "--qrels", &missing],
        vec!["export", &export],
        vec!["--data", &again, "import", &export],
        vec!["keys", "add", &key],
        vec!["keys", "add", HOSTILE],
        vec!["keys", "list"],
        vec!["keys", "revoke", HOSTILE],
        vec!["users"],
        vec!["users", "link", &reader],
        vec!["users", "sessions"],
        vec!["users", "delete", HOSTILE],
        vec!["backup", "--force", &backup],
        vec!["restore", "--check", &backup],
        vec!["restore", "--check", &papers],
        vec!["history", "erase", &reader],
        vec!["--config", &settings, "info"],
        vec!["--model", HOSTILE, "search", "x"],
        vec!["--data", &missing, "info"],
        vec![HOSTILE],
        vec!["search", "--limit", HOSTILE, "x"],
    ];
    // What is printed with `--json` first, so that what removes something comes last once.
    let (mut told, mut worked) = (String::new(), 0);
    for json in [true, false] {
        for args in &commands {
            if json && args.contains(&"erase") {
                continue;
            }
            let mut command = Command::new(env!("CARGO_BIN_EXE_paperkin"));
            if !args.contains(&"--data") {
                command.arg("--data").arg(folder.data());
            }
            if !args.contains(&"--model") {
                command.args(["--model", "hash"]);
            }
            command.args(args).args(json.then_some("--json"));
            for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("PAPERKIN_")) {
                command.env_remove(name);
            }
            let (out, err) = look(command, json);
            worked += usize::from(!err.contains("error: "));
            told.push_str(&out);
            told.push_str(&err);
        }
    }
    // That it looked at something: what is quoted is there, but for what would steer.
    assert!(worked > 40, "{worked} of {} commands worked", 2 * commands.len());
    assert!(told.contains("[2J]0;owned") && told.matches("FORGED").count() > 100);
}

#[test]
fn the_same_holds_where_the_service_answers() {
    let folder = Folder::new();
    let papers = folder.file("p.jsonl", hostile_papers());
    folder.run(&["ingest", &papers]);
    let _server = Server::start(&folder);
    for json in [true, false] {
        for args in [&["search", "wings"][..], &["themes"], &["info"], &["similar", HOSTILE], &["ingest", &papers]] {
            let mut command = folder.command(args);
            command.args(json.then_some("--json"));
            look(command, json);
        }
    }
    assert!(!ids(&folder.json(&["search", "wings"])).is_empty());
}
