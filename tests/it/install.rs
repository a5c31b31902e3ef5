//! What brings the program to people: completions, manual pages, the question whether it is well, and the files of `packaging/`.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use paperkin::config::{Config, Flags};

use crate::support::{Folder, Server, files_below};

fn source(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The commands that help lists.
fn commands(folder: &Folder) -> Vec<String> {
    let help = folder.run(&["--help"]).out;
    let list = help.split("Commands:\n").nth(1).and_then(|rest| rest.split("\n\n").next()).expect("a list");
    let named = list.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names: Vec<String> = named.filter_map(|line| Some(line.split_whitespace().next()?.to_string())).collect();
    assert!(names.len() > 25 && names.contains(&"ingest".to_string()), "{names:?}");
    names
}

#[test]
fn every_shell_completes_every_command() {
    let folder = Folder::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let ran = folder.run(&["completions", shell]);
        assert_eq!((ran.status, ran.err.as_str()), (Some(0), ""), "{shell}");
        for command in commands(&folder) {
            assert!(ran.out.contains(&command), "{shell} does not know {command}");
        }
    }
    let ran = folder.run(&["completions", "command.com"]);
    assert_eq!(ran.status, Some(2));
    assert!(ran.err.contains("bash") && ran.err.contains("fish"), "{}", ran.err);
    assert!(!folder.data().exists(), "no data folder is made for it");
}

/// Bash itself reads what was made for it.
#[test]
fn bash_completes() {
    let folder = Folder::new();
    let script = folder.file("completions", folder.run(&["completions", "bash"]).out);
    let typed = "source \"$1\"; COMP_WORDS=(paperkin inge); COMP_CWORD=1; _paperkin paperkin inge paperkin; echo \"${COMPREPLY[*]}\"";
    let Ok(said) = Command::new("bash").args(["--norc", "-c", typed, "-", &script]).output() else {
        eprintln!("NOT TRIED: there is no bash");
        return;
    };
    assert_eq!(String::from_utf8_lossy(&said.stdout).trim(), "ingest", "{}", String::from_utf8_lossy(&said.stderr));
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = Folder::new();
    let pages = folder.path("share/man/man1");
    let ran = folder.run(&["man", &pages.display().to_string()]);
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    for command in commands(&folder).iter().filter(|name| *name != "help") {
        let page = std::fs::read_to_string(pages.join(format!("paperkin-{command}.1"))).expect(command);
        assert!(page.contains(".TH") && page.contains(".SH SYNOPSIS"), "{command}: {page}");
        assert!(
            page.contains(&format!("paperkin {command}")) || page.contains(&format!("paperkin\\-{command}")),
            "{page}"
        );
    }
    for name in ["paperkin.1", "paperkin-history-import.1", "paperkin-eval-search.1", "paperkin-keys-add.1"] {
        assert!(pages.join(name).is_file(), "{name}");
    }
    assert!(files_below(&pages).iter().all(|page| !page.to_string_lossy().contains("-help")), "help has no pages");
    let ingest = std::fs::read_to_string(pages.join("paperkin-ingest.1")).expect("a page");
    assert!(ingest.contains("papers.jsonl"), "the examples are on the page: {ingest}");
    // Again, over what is there; and where nothing can be written.
    assert_eq!(folder.run(&["man", &pages.display().to_string()]).status, Some(0));
    let file = folder.file("file", "x");
    let ran = folder.run(&["man", &file]);
    assert_eq!(ran.status, Some(1));
    assert!(ran.err.contains(&file), "{}", ran.err);
    assert!(!folder.data().exists(), "no data folder is made for it");
}

#[test]
fn health_says_whether_the_service_is_ready() {
    let folder = Folder::new();
    let mut command = folder.command(&["serve", "--addr", "127.0.0.1:0"]);
    // Whether it is well is no secret.
    command.env("PAPERKIN_AUTH_MODE", "keys");
    let server = Server::spawn(command);
    let ran = folder.run(&["health", &server.url]);
    assert_eq!((ran.status, ran.out.as_str()), (Some(0), "ready, 0 papers\n"), "{}", ran.err);
    // By the settings, where it listens on all addresses.
    let port = server.url.rsplit(':').next().expect("a port").to_string();
    let by_settings = |addr: String| {
        let mut command = folder.command(&["health", "--json"]);
        command.env("PAPERKIN_ADDR", addr);
        crate::support::Ran::from(command.output().expect("runs"))
    };
    let ran = by_settings(format!("0.0.0.0:{port}"));
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    let told: serde_json::Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!(told["status"], "ready");
    let url = server.url.clone();
    drop(server);
    let ran = folder.run(&["health", &url]);
    assert_eq!(ran.status, Some(1));
    assert!(ran.err.contains(&url) && ran.err.contains("paperkin serve"), "{}", ran.err);
    let ran = folder.run(&["health", "7878"]);
    assert_eq!(ran.status, Some(2));
    assert!(ran.err.contains("http://127.0.0.1:7878"), "{}", ran.err);
}

#[test]
fn health_knows_what_is_no_paperkin() {
    let folder = Folder::new();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let other = std::thread::spawn(move || {
        for body in ["<p>It works!</p>", "{\"status\": \"ready\"}"] {
            let (mut stream, _) = listener.accept().expect("asked");
            let mut asked = [0; 2000];
            let _ = stream.read(&mut asked);
            let status = if body.starts_with('{') { "500 No" } else { "200 OK" };
            let _ = write!(
                stream,
                "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
        }
    });
    for status in ["status 200", "status 500"] {
        let ran = folder.run(&["health", &url]);
        assert_eq!(ran.status, Some(1), "{}", ran.out);
        assert!(ran.err.contains(status) && ran.err.contains("another program"), "{}", ran.err);
    }
    other.join().expect("asked twice");
}

/// The lines of a file that begin with a word, without it.
fn lines<'a>(text: &'a str, with: &'a str) -> Vec<&'a str> {
    text.lines().filter_map(|line| line.strip_prefix(with)).collect()
}

#[test]
fn the_container_is_built_with_the_oldest_rust_that_there_is_for_it() {
    let manifest = source("Cargo.toml");
    let rust = lines(&manifest, "rust-version = ")[0].trim_matches('"');
    let file = source("Dockerfile");
    assert_eq!(lines(&file, "FROM ")[0], format!("rust:{rust}-slim-bookworm AS build"));
    // What is put over the image by Compose says the same as the image.
    let health = lines(&file, "HEALTHCHECK ")[0].rsplit(" CMD ").next().expect("a command").replace("[", "[\"CMD\", ");
    assert!(source("compose.yaml").contains(&health), "{health}");
}

#[test]
fn the_settings_of_the_package_are_settings() {
    let text = source("packaging/paperkin.toml");
    let folder = Folder::new();
    // As it is, and with every setting that stands in a comment.
    let all: Vec<&str> = text
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(rest)
                if rest.starts_with('[') || rest.split_once(" = ").is_some_and(|(name, _)| !name.contains(' ')) =>
            {
                rest
            }
            _ => line,
        })
        .collect();
    for text in [text.clone(), all.join("\n")] {
        let path = folder.file("paperkin.toml", &text);
        let flags = Flags { config: Some(path.into()), ..Flags::default() };
        let config = Config::load(flags, &|_| None).unwrap_or_else(|e| panic!("{e}\n{text}"));
        assert_eq!(config.addr, "127.0.0.1:7878");
        let unit = source("packaging/paperkin.service");
        assert!(unit.contains(&format!("Environment=PAPERKIN_DATA={}\n", config.data.display())));
    }
    assert!(all.iter().filter(|line| line.starts_with('[')).count() >= 4, "the test has gone blind");
}

/// What goes to a registry of crates: 10 MB at most, and nothing of the tests, the packaging or the model.
#[test]
fn the_crate_holds_what_is_to_be_shipped() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let listed = Command::new(env!("CARGO"))
        .args(["package", "--list", "--allow-dirty", "--offline"])
        .current_dir(root)
        .output();
    let listed = String::from_utf8(listed.expect("cargo is there").stdout).expect("names");
    let files: Vec<&str> = listed.lines().collect();
    assert!(files.len() > 500, "{listed}");
    for wanted in [
        "Cargo.lock",
        "build.rs",
        "LICENSE-MIT",
        "LICENSE-APACHE",
        "README.md",
        "src/main.rs",
        "src/sources/invented.jsonl",
    ] {
        assert!(files.contains(&wanted), "{wanted} is missing");
    }
    let not = [
        "tests/",
        "packaging/",
        "clients/",
        "fuzz/",
        ".ci/",
        "models/all",
        "Dockerfile",
        "compose.yaml",
        "docs/images",
    ];
    for file in &files {
        assert!(!not.iter().any(|not| file.starts_with(not)), "{file} is not to be shipped");
    }
    let bytes: u64 = files.iter().filter_map(|file| Some(std::fs::metadata(root.join(file)).ok()?.len())).sum();
    assert!(bytes < 10_000_000, "{bytes} bytes");
}
