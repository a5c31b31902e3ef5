//! The reference of the book is written from the program: what the binary says of its commands, what the settings say of themselves in
//! their source, what the service says of its calls. Where a page no longer says what the program says, a test fails;
//! `PAPERKIN_WRITE_DOCS=1` writes the pages anew.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use paperkin::config::{Config, Flags};
use serde_json::Value;

use crate::support::{Folder, Server};

const WRITTEN: &str =
    "<!-- Written from the program by tests/it/reference.rs; PAPERKIN_WRITE_DOCS=1 writes it anew. -->\n\n";

/// Compares a page with what it is to say, or writes it.
fn holds(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference").join(name);
    let text = format!("{WRITTEN}{}\n", text.trim_end());
    if std::env::var_os("PAPERKIN_WRITE_DOCS").is_some() {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(&path, text).expect("written");
        return;
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = there.lines().zip(text.lines()).position(|(a, b)| a != b);
    let line = differs.unwrap_or_else(|| there.lines().count().min(text.lines().count()));
    assert!(
        there == text,
        "docs/reference/{name} does not say what the program says; `PAPERKIN_WRITE_DOCS=1 cargo test --test it reference` writes it \
         anew. Line {}:\n  there: {:?}\n  now:   {:?}",
        line + 1,
        there.lines().nth(line),
        text.lines().nth(line),
    );
}

/// A text as one cell of a table.
fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

// Commands.

/// What a command says of itself.
fn help(command: &[&str]) -> String {
    let mut run = Command::new(env!("CARGO_BIN_EXE_paperkin"));
    run.args(command).arg("--help").env_remove("COLUMNS");
    let output = run.output().expect("runs");
    assert!(output.status.success(), "paperkin {command:?} --help");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// The commands below one, with a line on each.
fn below(help: &str) -> Vec<(String, String)> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let mut found: Vec<(String, String)> = Vec::new();
    for line in lines {
        match (line.strip_prefix("  ").filter(|rest| !rest.starts_with(' ')), found.last_mut()) {
            (Some(entry), _) => {
                let (name, about) = entry.split_once(' ').unwrap_or((entry, ""));
                found.push((name.to_string(), about.trim().to_string()));
            }
            (None, Some((_, about))) => {
                about.push(' ');
                about.push_str(line.trim());
            }
            (None, None) => {}
        }
    }
    found.retain(|(name, _)| name != "help");
    found
}

/// What is said of the options of every command, and everything else that a command says.
fn parted(help: &str) -> (String, String) {
    let (mut own, mut common, mut in_common) = (String::new(), String::new(), false);
    for line in help.lines() {
        match line {
            "Options of every command:" => in_common = true,
            // The next heading stands at the margin.
            _ if in_common && !line.is_empty() && !line.starts_with(' ') => in_common = false,
            _ => {}
        }
        let to = if in_common { &mut common } else { &mut own };
        to.push_str(line.trim_end());
        to.push('\n');
    }
    (own, common)
}

fn describe(path: &[&str], out: &mut String) {
    let help = help(path);
    let (own, _) = parted(&help);
    let depth = "#".repeat(path.len().min(2) + 1);
    let _ = write!(out, "{depth} paperkin {}\n\n```text\n{}\n```\n\n", path.join(" "), own.trim());
    for (name, _) in below(&help) {
        describe(&[path, &[name.as_str()]].concat(), out);
    }
}

#[test]
fn the_page_of_commands_is_what_the_commands_say() {
    let root = help(&[]);
    let commands = below(&root);
    assert!(commands.len() > 20, "the test has gone blind: {commands:?}");
    let mut out = String::from(
        "# Commands\n\nResults go to standard output, everything else to standard error; `--json` prints JSON (lists as JSON Lines). \
         `paperkin COMMAND --help` shows what stands here. Exit status: 0 done, 1 failed, 2 wrong usage. [At the command \
         line](../howto/find.md) shows the commands at work.\n\n| command | does |\n|---|---|\n",
    );
    for (name, about) in &commands {
        let _ = writeln!(out, "| [`{name}`](#paperkin-{name}) | {} |", cell(about));
    }
    let (_, common) = parted(&root);
    assert!(common.contains("--data"), "{common}");
    let _ = write!(
        out,
        "\n## Options of every command\n\n```text\n{}\n```\n\n",
        common.trim_start_matches("Options of every command:").trim_matches('\n')
    );
    for (name, _) in &commands {
        describe(&[name], &mut out);
    }
    holds("cli.md", &out);
}

// Settings.

/// A table of the settings.
struct Table {
    title: &'static str,
    /// The file of its source, in `src/config` but for the first, and the struct.
    source: (&'static str, &'static str),
    /// Where it stands in the settings, as the defaults have it; blank for the top.
    key: &'static str,
    /// What its variables begin with, behind `PAPERKIN_`; none where the environment says nothing of it.
    variables: Option<&'static str>,
    /// Fields that are no settings of their own.
    skip: &'static [&'static str],
}

const TABLES: &[Table] = &[
    Table {
        title: "At the top",
        source: ("../config.rs", "Config"),
        key: "",
        variables: Some(""),
        skip: &["index", "auth", "insecure", "server", "jobs", "fetch", "sources", "mail", "log", "tuning"],
    },
    Table { title: "`[auth]`", source: ("auth.rs", "Auth"), key: "auth", variables: Some("AUTH_"), skip: &[] },
    Table { title: "`[server]`", source: ("server.rs", "Server"), key: "server", variables: Some(""), skip: &[] },
    Table { title: "`[jobs]`", source: ("jobs.rs", "Jobs"), key: "jobs", variables: Some("JOBS_"), skip: &[] },
    Table {
        title: "`[fetch]`",
        source: ("fetching.rs", "Fetching"),
        key: "fetch",
        variables: Some("FETCH_"),
        skip: &[],
    },
    Table {
        title: "`[[source]]`, once for each source",
        source: ("sources.rs", "SourceSettings"),
        key: "source",
        variables: None,
        skip: &["to"],
    },
    Table { title: "`[mail]`", source: ("mail.rs", "MailFile"), key: "mail", variables: Some("MAIL_"), skip: &[] },
    Table { title: "`[log]`", source: ("log.rs", "Log"), key: "log", variables: Some("LOG_"), skip: &[] },
    Table {
        title: "`[index]`",
        source: ("index.rs", "IndexSettings"),
        key: "index",
        variables: Some("INDEX_"),
        skip: &[],
    },
    Table { title: "`[tuning]`", source: ("tuning.rs", "Tuning"), key: "tuning", variables: Some(""), skip: &[] },
];

fn config_source(name: &str) -> syn::File {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/config").join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    syn::parse_file(&text).expect("Rust")
}

/// What the comment above an item says, as one line.
fn comment(attributes: &[syn::Attribute]) -> String {
    let mut said = Vec::new();
    for attribute in attributes {
        if let syn::Meta::NameValue(named) = &attribute.meta
            && named.path.is_ident("doc")
            && let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) = &named.value
        {
            said.push(text.value().trim().to_string());
        }
    }
    // Links into the documentation of the crate lead nowhere here, and a file of settings has no `None`.
    cell(&said.join(" ").replace("[`", "`").replace("`]", "`").replace("; `None` takes ", "; left out, it is "))
}

/// The name of a type, and of what stands in it.
fn type_name(of: &syn::Type) -> (String, Option<String>) {
    let syn::Type::Path(path) = of else { return ("?".into(), None) };
    let last = path.path.segments.last().expect("a name");
    let inner = match &last.arguments {
        syn::PathArguments::AngleBracketed(inner) => inner.args.iter().find_map(|argument| match argument {
            syn::GenericArgument::Type(of) => Some(type_name(of).0),
            _ => None,
        }),
        _ => None,
    };
    (last.ident.to_string(), inner)
}

/// The names of the variants of an enum, as the settings write them.
fn variants(of: &syn::ItemEnum) -> Vec<String> {
    let attributes: String = of.attrs.iter().map(|a| quoted(&a.meta)).collect();
    let between = match () {
        () if attributes.contains("kebab-case") => "-",
        () if attributes.contains("snake_case") => "_",
        () => "",
    };
    let skipped = |v: &&syn::Variant| !v.attrs.iter().any(|a| quoted(&a.meta).contains("skip"));
    let name = |v: &syn::Variant| {
        let mut out = String::new();
        for letter in v.ident.to_string().chars() {
            if letter.is_uppercase() && !out.is_empty() {
                out.push_str(between);
            }
            out.extend(letter.to_lowercase());
        }
        out
    };
    of.variants.iter().filter(skipped).map(name).collect()
}

/// What stands in the brackets of an attribute.
fn quoted(meta: &syn::Meta) -> String {
    match meta {
        syn::Meta::List(list) => list.tokens.to_string(),
        _ => String::new(),
    }
}

/// What a value of this type is, for a reader.
fn value_of(of: &syn::Type, enums: &BTreeMap<String, Vec<String>>) -> String {
    let (name, inner) = type_name(of);
    let wrapped = matches!(name.as_str(), "Option" | "Vec" | "BTreeMap");
    let plain = if wrapped { inner.clone().unwrap_or_default() } else { name.clone() };
    let said = match plain.as_str() {
        "bool" => "true or false".to_string(),
        "String" => "text".into(),
        "PathBuf" => "path".into(),
        "usize" | "u64" | "u32" | "u16" => "whole number".into(),
        "f32" | "f64" => "number".into(),
        "Schedule" => "cron, or `off`".into(),
        "Network" => "address or network".into(),
        other => {
            let known = enums.get(other).unwrap_or_else(|| panic!("what is a {other} in the settings?"));
            known.iter().map(|v| format!("`{v}`")).collect::<Vec<_>>().join(", ")
        }
    };
    match name.as_str() {
        "Vec" => format!("list ({said})"),
        "BTreeMap" => "table".into(),
        _ => said,
    }
}

/// A default as the settings write it.
fn default_of(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::Array(list)) if list.is_empty() => String::new(),
        Some(value) => format!("`{value}`"),
    }
}

#[test]
fn the_page_of_settings_is_what_the_settings_say() {
    let files = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/config")).expect("a folder");
    let files = files.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"));
    let mut enums = BTreeMap::new();
    for file in files.chain(["../config.rs".to_string()]) {
        for item in config_source(&file).items {
            if let syn::Item::Enum(of) = item {
                enums.insert(of.ident.to_string(), variants(&of));
            }
        }
    }
    // What the reader of the settings asks the environment for.
    let folder = tempfile::tempdir().expect("a folder");
    let asked = RefCell::new(BTreeSet::new());
    let environment = |name: &str| {
        asked.borrow_mut().insert(name.to_string());
        (name == "PAPERKIN_DATA").then(|| folder.path().display().to_string())
    };
    Config::load(Flags::default(), &environment).expect("the defaults");
    let mut asked = asked.into_inner();
    assert!(asked.remove("PAPERKIN_CONFIG"));
    let defaults = serde_json::to_value(Config::new("paperkin-data")).expect("JSON");
    let mut out = String::from(
        "# Settings\n\nA setting comes from a file (the one that `--config` or `PAPERKIN_CONFIG` names, else `paperkin.toml` in the data \
         folder), then from the environment, then from a flag; each goes over the one before. `paperkin init` writes the file. A setting \
         that does not exist, and a value that is out of range, is an error that names it. Lists in the environment are separated by \
         commas; schedules are read in `time_zone`. Where no default stands, the last column says what happens without the \
         setting.\n\n```toml\n# paperkin.toml\npublic_url = \"https://papers.example\"\n\n[server]\nhosts = \
         [\"papers.example\"]\n\n[jobs]\nthemes = \"30 2 * * *\"\n```\n\n",
    );
    for table in TABLES {
        let (file, name) = table.source;
        let found = config_source(file).items.into_iter().find_map(|item| match item {
            syn::Item::Struct(of) if of.ident == name => Some(of),
            _ => None,
        });
        let found = found.unwrap_or_else(|| panic!("src/config/{file} has no {name}"));
        let about = comment(&found.attrs);
        let about = if table.key.is_empty() { "" } else { about.as_str() };
        let _ = write!(out, "## {}\n\n", table.title);
        if !about.is_empty() {
            let _ = write!(out, "{about}\n\n");
        }
        out += match table.variables {
            Some(_) => "| setting, variable | value | default | |\n|---|---|---|---|\n",
            None => "| setting | value | |\n|---|---|---|\n",
        };
        for field in &found.fields {
            let name = field.ident.as_ref().expect("a name").to_string();
            if table.skip.contains(&name.as_str()) {
                continue;
            }
            let about = comment(&field.attrs);
            assert!(about.len() > 5, "nothing is said of {name} under {}", table.title);
            let value = value_of(&field.ty, &enums);
            let Some(begins) = table.variables else {
                let _ = writeln!(out, "| `{name}` | {value} | {about} |");
                continue;
            };
            let variable = format!("PAPERKIN_{begins}{}", name.to_uppercase());
            assert!(asked.remove(&variable), "{variable} is nothing that the settings ask for");
            let default = match table.key {
                "" => defaults.get(&name),
                key => defaults.get(key).and_then(|table| table.get(&name)),
            };
            let _ = writeln!(out, "| `{name}`<br>`{variable}` | {value} | {} | {about} |", default_of(default));
        }
        out.push('\n');
    }
    assert!(asked.is_empty(), "the page does not tell of {asked:?}");
    out += "## In the environment alone\n\n| variable | |\n|---|---|\n| `PAPERKIN_CONFIG` | the file of settings, as `--config` |\n\
            | `PAPERKIN_LOG` | which lines are logged, as a filter: `warn`, `paperkin=debug,warn` |\n";
    holds("settings.md", &out);
}

// Calls.

/// The type of a schema, in a word or two; one with a name by that.
fn schema_of(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str() {
        return format!("`{}`", name.rsplit('/').next().expect("a name"));
    }
    for several in ["oneOf", "anyOf", "allOf"] {
        if let Some(all) = schema[several].as_array() {
            let mut all: Vec<String> = all.iter().map(schema_of).filter(|one| one != "null").collect();
            all.dedup();
            return all.join(" or ");
        }
    }
    let kinds = match &schema["type"] {
        Value::String(kind) => vec![kind.as_str()],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).filter(|kind| *kind != "null").collect(),
        _ => vec!["any"],
    };
    if let Some(words) = schema["enum"].as_array() {
        return words.iter().filter_map(Value::as_str).map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    }
    match kinds.as_slice() {
        ["array"] => format!("list of {}", schema_of(&schema["items"])),
        kinds => kinds.join(" or "),
    }
}

/// A text of several paragraphs, as Markdown that begins no heading and no block.
fn paragraphs(text: &str) -> String {
    text.split("\n\n")
        .map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect::<Vec<_>>()
        .join("\n\n")
}

fn call(out: &mut String, method: &str, path: &str, said: &Value, schemas: &Value) {
    let text = |name: &str| said[name].as_str().unwrap_or_default();
    let _ = write!(out, "### `{} {path}`\n\n**{}**", method.to_uppercase(), paragraphs(text("summary")));
    if !text("description").is_empty() {
        let _ = write!(out, "\n\n{}", paragraphs(text("description")));
    }
    out.push_str("\n\n");
    if let Some(parameters) = said["parameters"].as_array().filter(|p| !p.is_empty()) {
        out.push_str("| parameter | | value | |\n|---|---|---|---|\n");
        for parameter in parameters {
            let of = |name: &str| cell(parameter[name].as_str().unwrap_or_default());
            let need = if parameter["required"] == true && parameter["in"] != "path" { ", required" } else { "" };
            let value = cell(&schema_of(&parameter["schema"]));
            let _ = writeln!(out, "| `{}` | {}{need} | {value} | {} |", of("name"), of("in"), of("description"));
        }
        out.push('\n');
    }
    if let Some(content) = said["requestBody"]["content"].as_object() {
        let kinds: Vec<String> = content.keys().map(|kind| format!("`{kind}`")).collect();
        let _ = write!(out, "Body: {}.", kinds.join(", "));
        let name = content.get("application/json").and_then(|c| c["schema"]["$ref"].as_str());
        let schema = name.and_then(|name| schemas.get(name.rsplit('/').next()?));
        match schema.and_then(|schema| schema["properties"].as_object().map(|fields| (fields, &schema["required"]))) {
            Some((fields, required)) => {
                out.push_str("\n\n| field | value | |\n|---|---|---|\n");
                for (name, field) in fields {
                    let need = required.as_array().is_some_and(|all| all.iter().any(|one| one == name));
                    let need = if need { ", required" } else { "" };
                    let about = cell(field["description"].as_str().unwrap_or_default());
                    let _ = writeln!(out, "| `{name}` | {}{need} | {about} |", cell(&schema_of(field)));
                }
                out.push('\n');
            }
            None => out.push_str("\n\n"),
        }
    }
    let mut answers = Vec::new();
    for (status, answer) in
        said["responses"].as_object().into_iter().flatten().filter(|(s, _)| s.starts_with(['2', '3']))
    {
        let content = answer["content"].as_object();
        let json = content.and_then(|content| content.get("application/json")).map(|c| schema_of(&c["schema"]));
        let others = content.into_iter().flatten().filter(|(kind, _)| *kind != "application/json");
        let kinds: Vec<String> = json.into_iter().chain(others.map(|(kind, _)| format!("`{kind}`"))).collect();
        let kinds = if kinds.is_empty() { String::new() } else { format!(" ({})", kinds.join(", ")) };
        answers.push(format!("{status} {}{kinds}", cell(answer["description"].as_str().unwrap_or_default())));
    }
    if !answers.is_empty() {
        let _ = write!(out, "Answers: {}.\n\n", answers.join("; "));
    }
}

#[test]
fn the_page_of_calls_is_what_the_service_says() {
    let folder = Folder::new();
    folder.json(&["ingest", &folder.file("p.jsonl", crate::support::papers(3))]);
    let server = Server::start(&folder);
    let document = server.get("/openapi.json").body;
    let about = document["info"]["description"].as_str().expect("a description");
    let mut out = format!(
        "# HTTP calls\n\nThe running service shows all of this at `/docs`, where it can be tried, and as OpenAPI 3.1 at \
         `/openapi.json`, from which clients can be made. [The names of values](#what-a-value-is) in capitals are those of the \
         document.\n\n{}\n\nOn this machine the service is open. Anywhere else it asks for keys ([serving a \
         group](../serving.md)). Parameters of a ranking call may stand in the address or in the body.\n\n",
        paragraphs(about)
    );
    let schemas = &document["components"]["schemas"];
    let mut by_tag: BTreeMap<String, Vec<(&String, &String, &Value)>> = BTreeMap::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, said) in methods.as_object().expect("a path") {
            let tag = said["tags"][0].as_str().unwrap_or("other").to_string();
            by_tag.entry(tag).or_default().push((method, path, said));
        }
    }
    let mut tags: Vec<(String, String)> = Vec::new();
    for tag in document["tags"].as_array().expect("tags") {
        let text = |name: &str| tag[name].as_str().unwrap_or_default().to_string();
        tags.push((text("name"), text("description")));
    }
    let known: BTreeSet<String> = tags.iter().map(|(name, _)| name.clone()).collect();
    tags.extend(by_tag.keys().filter(|name| !known.contains(*name)).map(|name| (name.clone(), String::new())));
    assert!(by_tag.values().map(Vec::len).sum::<usize>() > 80, "the test has gone blind");
    for (name, about) in &tags {
        let Some(calls) = by_tag.get(name) else { continue };
        let about = if about.is_empty() { String::new() } else { format!("{about}.\n\n") };
        let _ = write!(out, "## {name}\n\n{about}| call | |\n|---|---|\n");
        for (method, path, said) in calls {
            let heading = format!("{} {path}", method.to_uppercase());
            let summary = cell(said["summary"].as_str().unwrap_or_default());
            let _ = writeln!(out, "| [`{heading}`](#{}) | {summary} |", crate::book::slug(&heading));
        }
        out.push('\n');
        for (method, path, said) in calls {
            call(&mut out, method, path, said, schemas);
        }
    }
    out += "## What a value is\n\nThe values with a name, and their fields; `GET /openapi.json` has them with every bound.\n\n";
    for (name, schema) in schemas.as_object().expect("schemas") {
        let about = paragraphs(schema["description"].as_str().unwrap_or_default());
        let _ = write!(out, "### {name}\n\n");
        if !about.is_empty() {
            let _ = write!(out, "{about}\n\n");
        }
        match schema["properties"].as_object() {
            Some(fields) => {
                out.push_str("| field | value | |\n|---|---|---|\n");
                for (name, field) in fields {
                    let about = cell(field["description"].as_str().unwrap_or_default());
                    let _ = writeln!(out, "| `{name}` | {} | {about} |", cell(&schema_of(field)));
                }
                out.push('\n');
            }
            None => {
                let _ = write!(out, "{}\n\n", cell(&schema_of(schema)));
            }
        }
    }
    holds("http.md", &out);
}

/// Where the pages are, for whoever looks for one that nothing writes any more.
#[test]
fn every_page_of_the_reference_is_written_by_a_test() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference");
    let pages: Vec<PathBuf> = crate::support::files_below(&folder);
    for page in pages {
        let text = std::fs::read_to_string(&page).expect("read");
        let by_hand = ["pages.md"];
        let name = page.file_name().expect("a name").to_string_lossy().into_owned();
        assert!(by_hand.contains(&name.as_str()) || text.starts_with("<!-- Written from the program"), "{name}");
    }
}
