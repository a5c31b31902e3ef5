//! The figures of `/metrics`, and the dashboard and alerts in `docs/grafana` that read them.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io::Write;
use std::net::TcpStream;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::{Folder, Server, papers};

/// Labels that Prometheus puts to every series, or calls otherwise: `job` is its own, and ours is `exported_job`.
const ITS_OWN: [&str; 3] = ["job", "instance", "exported_job"];

/// One scrape: of every family its help and type, of every series its name and labels.
#[derive(Default)]
struct Scrape {
    help: BTreeMap<String, String>,
    kinds: BTreeMap<String, String>,
    series: Vec<(String, BTreeMap<String, String>, f64)>,
}

impl Scrape {
    fn of(server: &Server) -> Self {
        let mut reply = ureq::get(format!("{}/metrics", server.url)).call().expect("answers");
        let media = reply.headers()["content-type"].to_str().expect("text").to_string();
        assert!(media.starts_with("text/plain; version=0.0.4"), "{media}");
        Self::read(&reply.body_mut().read_to_string().expect("text"))
    }

    fn read(text: &str) -> Self {
        let mut scrape = Scrape::default();
        for line in text.lines().filter(|line| !line.is_empty()) {
            if let Some(rest) = line.strip_prefix("# ") {
                let (what, rest) = rest.split_once(' ').expect("HELP or TYPE");
                let (name, told) = rest.split_once(' ').expect("a name");
                let all = if what == "HELP" { &mut scrape.help } else { &mut scrape.kinds };
                assert!(all.insert(name.into(), told.into()).is_none(), "{what} of {name} stands twice");
                continue;
            }
            let (series, value) = line.rsplit_once(' ').expect("a value");
            let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
            let labels = labels.strip_suffix('}').expect("the end of the labels");
            let label = |pair: &str| {
                let (name, value) = pair.split_once("=\"").expect("a label");
                (name.to_string(), value.trim_end_matches('"').to_string())
            };
            let labels = labels.split("\",").filter(|pair| !pair.is_empty()).map(label).collect();
            scrape.series.push((name.into(), labels, value.parse().expect("a number")));
        }
        scrape
    }

    /// The family of a series: a histogram has three of them.
    fn family<'a>(&self, name: &'a str) -> &'a str {
        let ends = ["_bucket", "_sum", "_count"];
        let base = ends.iter().find_map(|end| name.strip_suffix(end));
        base.filter(|base| self.kinds.get(*base).is_some_and(|kind| kind == "histogram")).unwrap_or(name)
    }

    fn value(&self, name: &str, label: &str) -> f64 {
        let found = self
            .series
            .iter()
            .find(|(n, labels, _)| n == name && (label.is_empty() || labels.values().any(|v| v == label)));
        found.unwrap_or_else(|| panic!("no {name} {label}")).2
    }
}

/// A service after some traffic of every kind.
fn busy() -> (Folder, Server) {
    // With the transformer: the model for tests needs no encoder.
    let folder = Folder { model: "default", ..Folder::new() };
    let file = folder.file("p.jsonl", papers(150));
    folder.run(&["ingest", &file]);
    let source = format!("[[source]]\nname = \"mine\"\nkind = \"files\"\npath = {file:?}\n");
    std::fs::write(folder.data().join("paperkin.toml"), source).expect("written");
    let mut command = folder.command(&["serve", "--addr", "127.0.0.1:0"]);
    // So that there is a graph, which has a recall.
    let server = Server::spawn({
        command.env("PAPERKIN_EXACT_BELOW", "100");
        command
    });
    server.post("/v1/users/ada/events", &json!({ "events": [{ "paper": "p/3", "kind": "like" }] }));
    for path in
        ["/v1/search?q=words", "/v1/papers/p%2F3", "/v1/papers/none", "/v1/users/ada/feed", "/nothing", "/v1/jobs"]
    {
        server.get(path);
    }
    for k in 0..30 {
        server.get(&format!("/v1/papers/unknown{k}"));
        server.get(&format!("/unknown{k}"));
        let mut stream = TcpStream::connect(server.url.trim_start_matches("http://")).expect("connects");
        let head = format!("BREW{k} /v1/search HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).expect("sent");
        let _ = std::io::copy(&mut stream, &mut std::io::sink());
    }
    (folder, server)
}

#[test]
fn every_figure_says_what_it_is_and_no_label_grows_with_what_is_asked() {
    let (_folder, server) = busy();
    let scrape = (0..100).map(|_| Scrape::of(&server)).find(|scrape| {
        std::thread::sleep(std::time::Duration::from_millis(100));
        scrape.series.iter().any(|(name, ..)| name == "paperkin_index_recall_at_10")
    });
    let scrape = scrape.expect("a graph was measured");
    let told = include_str!("../../docs/serving.md");
    let mut values: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    let mut seen = HashSet::new();
    for (name, labels, value) in &scrape.series {
        let family = scrape.family(name);
        let (help, kind) = (scrape.help.get(family), scrape.kinds.get(family));
        assert!(help.is_some_and(|help| help.len() > 8), "{family} has no HELP");
        let kind = kind.unwrap_or_else(|| panic!("{family} has no TYPE"));
        assert_eq!(kind == "counter", family.ends_with("_total"), "{family} is a {kind}");
        assert!(told.contains(&format!("`{family}`")), "docs/serving.md does not tell of {family}");
        assert!(value.is_finite(), "{name} is {value}");
        assert!(seen.insert((name, labels)), "{name} {labels:?} stands twice");
        for (label, value) in labels.iter().filter(|(label, _)| *label != "le") {
            values.entry((family, label)).or_default().insert(value);
        }
    }
    assert!(seen.len() > 150, "the test has gone blind: {} series", seen.len());
    for ((family, label), values) in values {
        assert!(values.len() < 60, "{family} has {} values of {label}", values.len());
        assert!(
            values.iter().all(|v| !v.contains("unknown") && !v.contains("BREW") && !v.contains("ada")),
            "{values:?}"
        );
    }
    let of = |name, label| scrape.value(name, label);
    assert_eq!((of("paperkin_ready", ""), of("paperkin_papers", ""), of("paperkin_readers", "")), (1.0, 150.0, 1.0));
    assert!(of("paperkin_encoder_tokens_total", "") > 0.0 && of("paperkin_encoder_texts_total", "") > 0.0);
    assert!(of("paperkin_http_response_bytes_total", "") > 1000.0);
    assert_eq!(of("paperkin_refused_total", "queue"), 0.0, "what never happened is told as well");
    assert_eq!(of("paperkin_build_info", env!("CARGO_PKG_VERSION")), 1.0);
    if cfg!(target_os = "linux") {
        assert!(of("process_resident_memory_bytes", "") > 1e6 && of("process_open_fds", "") > 5.0);
        assert!(of("paperkin_disk_free_bytes", "") > 0.0);
    }
}

/// The metrics of an expression with the labels that it asks of each, and the labels that it groups by.
fn parts(expression: &str) -> (Vec<(String, Vec<String>)>, Vec<String>) {
    const WORDS: [&str; 8] = ["by", "without", "on", "ignoring", "group_left", "group_right", "or", "and"];
    let text: Vec<char> = expression.chars().collect();
    let (mut metrics, mut grouped, mut at) = (Vec::new(), Vec::new(), 0);
    let word_at = |from: usize| -> String {
        text[from..].iter().take_while(|c| c.is_alphanumeric() || matches!(c, '_' | ':')).collect()
    };
    let next = |from: usize| (from..text.len()).find(|k| !text[*k].is_whitespace());
    while at < text.len() {
        let c = text[at];
        if c == '"' || c == '[' {
            let end = if c == '"' { '"' } else { ']' };
            at += 1 + text[at + 1..].iter().position(|c| *c == end).expect("its end") + 1;
            continue;
        }
        if !(c.is_alphabetic() || c == '_') {
            // A number may hold letters.
            at += if c.is_ascii_digit() { word_at(at).chars().count() } else { 1 };
            continue;
        }
        let word = word_at(at);
        at += word.chars().count();
        let follows = next(at).map(|k| text[k]);
        if follows == Some('(') {
            if WORDS[..6].contains(&word.as_str()) {
                let open = next(at).expect("there");
                let close = open + text[open..].iter().position(|c| *c == ')').expect("its end");
                let inside: String = text[open + 1..close].iter().collect();
                grouped.extend(inside.split(',').map(|label| label.trim().to_string()));
                at = close + 1;
            }
            continue;
        }
        // What is done to each group, by `sum by (a) (b)`.
        let aggregates = next(at).is_some_and(|k| WORDS[..2].contains(&word_at(k).as_str()));
        if aggregates || WORDS.contains(&word.as_str()) {
            continue;
        }
        let mut labels = Vec::new();
        if follows == Some('{') {
            let open = next(at).expect("there");
            let close = open + text[open..].iter().position(|c| *c == '}').expect("its end");
            let inside: String = text[open + 1..close].iter().collect();
            // No value that we ask for holds a comma.
            labels =
                inside.split(',').map(|m| m.split(['=', '!']).next().expect("a name").trim().to_string()).collect();
            at = close + 1;
        }
        metrics.push((word, labels));
    }
    (metrics, grouped)
}

fn check(scrape: &Scrape, place: &str, expression: &str) {
    let (metrics, grouped) = parts(expression);
    assert!(!metrics.is_empty(), "{place}: {expression}");
    let mut known: HashSet<String> = ITS_OWN.iter().map(|l| l.to_string()).collect();
    for (name, asked) in &metrics {
        // The one figure that Prometheus makes itself.
        let own = name == "up";
        let series: Vec<_> = scrape.series.iter().filter(|(n, ..)| n == name).collect();
        assert!(own || !series.is_empty(), "{place} asks for {name}, which there is not: {expression}");
        let labels: HashSet<String> = series.iter().flat_map(|(_, labels, _)| labels.keys().cloned()).collect();
        for label in asked {
            assert!(
                labels.contains(label) || ITS_OWN.contains(&label.as_str()),
                "{place}: {name} has no label {label}"
            );
        }
        known.extend(labels);
        if scrape.kinds.get(scrape.family(name)).is_some_and(|kind| kind == "counter") {
            let grows = ["rate(", "increase("].iter().any(|f| expression.contains(&format!("{f}{name}")));
            assert!(grows, "{place} takes the counter {name} as it is: {expression}");
        }
    }
    for label in grouped {
        assert!(known.contains(&label), "{place} groups by {label}, which no figure of it has: {expression}");
    }
}

fn docs(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/grafana").join(name)
}

#[test]
fn the_dashboard_and_the_alerts_ask_for_what_there_is() {
    let (_folder, server) = busy();
    let scrape = (0..100).map(|_| Scrape::of(&server)).find(|scrape| {
        std::thread::sleep(std::time::Duration::from_millis(100));
        let there = |name: &str| scrape.series.iter().any(|(n, ..)| n == name);
        ["index_recall_at_10", "job_last_ok", "source_lag_seconds"]
            .iter()
            .all(|name| there(&format!("paperkin_{name}")))
    });
    let scrape = scrape.expect("a job ran and a graph was measured");
    let text = std::fs::read_to_string(docs("paperkin.json")).expect("the dashboard");
    let dashboard: Value = serde_json::from_str(&text).expect("JSON");
    assert!(dashboard["schemaVersion"].as_u64().is_some_and(|v| v >= 36) && dashboard["id"].is_null());
    let variables = dashboard["templating"]["list"].as_array().expect("variables");
    assert!(variables.iter().any(|v| v["type"] == "datasource" && v["name"] == "datasource"));
    let (mut ids, mut queries) = (HashSet::new(), 0);
    for panel in dashboard["panels"].as_array().expect("panels") {
        assert!(ids.insert(panel["id"].as_u64().expect("an id")), "{}", panel["id"]);
        let title = panel["title"].as_str().expect("a title");
        for target in panel["targets"].as_array().into_iter().flatten() {
            assert_eq!(target["datasource"]["uid"], "${datasource}", "{title}");
            let expression = target["expr"].as_str().expect("an expression");
            check(&scrape, title, &expression.replace("$__rate_interval", "5m"));
            for label in target["legendFormat"].as_str().into_iter().flat_map(|l| l.split("{{").skip(1)) {
                let label = label.split("}}").next().expect("a label").trim();
                assert!(parts(expression).1.iter().any(|g| g == label), "{title}: its legend names {label}");
            }
            queries += 1;
        }
    }
    assert!(queries > 40 && ids.len() > 30);
    let alerts = std::fs::read_to_string(docs("alerts.yml")).expect("the alerts");
    let mut names = HashSet::new();
    for rule in alerts.split("- alert: ").skip(1) {
        let name = rule.lines().next().expect("a name").trim();
        assert!(names.insert(name), "{name} stands twice");
        let expression = rule.split("expr:").nth(1).expect("an expression");
        let mut lines = expression.lines();
        let first = lines.next().expect("a line").trim();
        let rest = lines.take_while(|line| line.starts_with("          "));
        let expression = [first.trim_start_matches('|')].into_iter().chain(rest).collect::<Vec<_>>().join(" ");
        check(&scrape, name, &expression);
        for part in ["severity:", "summary:", "description:"] {
            assert!(rule.contains(part), "{name} has no {part}");
        }
    }
    assert!(names.len() > 10);
}

#[test]
fn an_expression_is_taken_apart() {
    let of = |text: &str| parts(text);
    let (metrics, grouped) = of("sum by (le, a) (rate(x_total{b=~\"c|d\",e!=\"f\"}[5m])) / 2e3 > 1 or time() - y");
    let names: Vec<&str> = metrics.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!((names, grouped), (vec!["x_total", "y"], vec!["le".to_string(), "a".into()]));
    assert!(metrics[0].1.contains(&"b".to_string()) && metrics[0].1.contains(&"e".to_string()));
}
