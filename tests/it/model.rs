//! The default model: the same vectors as sentence-transformers, whatever the company; models that do not fit.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Folder, Server};

fn invented() -> Vec<Value> {
    let text = include_str!("../../src/sources/invented.jsonl");
    text.lines().map(|l| serde_json::from_str(l).expect("JSON")).collect()
}

fn cosine(a: &Value, b: &Value) -> f64 {
    let list =
        |v: &Value| v.as_array().expect("a vector").iter().map(|x| x.as_f64().expect("a number")).collect::<Vec<_>>();
    let (a, b) = (list(a), list(b));
    assert_eq!(a.len(), b.len());
    let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(p, q)| p * q).sum::<f64>();
    dot(&a, &b) / (dot(&a, &a) * dot(&b, &b)).sqrt()
}

/// The reference was made with sentence-transformers 6.2.0 from the published f32 weights, 256 tokens, on the texts
/// named below ("title. abstract" of invented papers; a title alone; one text far beyond 256 tokens). That of
/// `invented:math-001` is of its text without LaTeX, by a forward pass in f64 that gives the others to 0.999999.
#[test]
fn vectors_agree_with_sentence_transformers() {
    let all = invented();
    let joined: Vec<&str> = all[100..106].iter().filter_map(|p| p["abstract"].as_str()).collect();
    let mut papers: Vec<Value> = [0, 40, 77, 130, 180, 231].iter().map(|&k: &usize| all[k].clone()).collect();
    papers.push(json!({ "id": "title", "title": "A title alone", "abstract": "" }));
    let long = joined.join(" ");
    let (title, rest) = long.split_once(". ").expect("sentences");
    papers.push(json!({ "id": "long", "title": title, "abstract": rest }));
    let lines = |papers: &[Value]| papers.iter().map(|p| format!("{p}\n")).collect::<String>();

    let folder = Folder { model: "default", ..Folder::new() };
    let together = folder.json(&["embed", &folder.file("all.jsonl", lines(&papers))]);
    let reference: Vec<Value> =
        include_str!("sentence_transformers.jsonl").lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
    assert_eq!(together.len(), reference.len());
    for (ours, theirs) in together.iter().zip(&reference) {
        assert_eq!(ours["id"], theirs["id"]);
        let c = cosine(&ours["vector"], &theirs["vector"]);
        assert!(c >= 0.9999, "{}: cosine {c}", ours["id"]);
        let length: f64 =
            ours["vector"].as_array().expect("a vector").iter().map(|x| x.as_f64().expect("a number").powi(2)).sum();
        assert!((length - 1.0).abs() < 1e-5);
    }
    // The shortest alone: had padding leaked in above, it would differ.
    let alone = folder.json(&["embed", &folder.file("one.jsonl", lines(&papers[6..7]))]);
    assert!(cosine(&alone[0]["vector"], &together[6]["vector"]) > 0.999_999);
}

#[test]
fn the_demo_serves_likeness_that_a_person_can_see() {
    let folder = Folder { model: "default", ..Folder::new() };
    let server = Server::spawn(folder.command(&["demo", "--addr", "127.0.0.1:0"]));
    assert_eq!(server.get("/readyz").body["papers"], 252);
    let field = |id: &Value| id.as_str().and_then(|s| s.split(['-', ':']).nth(1)).unwrap_or_default().to_string();
    // Of the five nearest, how many are of the same field of science? Twelve fields: by chance a twelfth.
    let (mut same, mut n) = (0, 0);
    for paper in invented().iter().step_by(9) {
        let id = paper["id"].as_str().expect("an id");
        for hit in server.get(&format!("/v1/papers/{id}/similar?limit=5")).body["papers"].as_array().expect("papers") {
            same += usize::from(field(&hit["id"]) == field(&paper["id"]));
            n += 1;
        }
    }
    assert!(same * 10 >= n * 9, "{same} of {n} neighbours are of the same field");
    let found = server.get("/v1/search?q=how+does+sleep+help+us+remember&limit=3");
    assert!(
        found.body["papers"].as_array().expect("papers").iter().all(|h| field(&h["id"]) == "neuro"),
        "{}",
        found.body
    );
    assert_eq!(found.body["papers"][0]["extra"]["invented"], true);
}

fn copy_model(to: &Path) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/all-MiniLM-L6-v2");
    fs::create_dir_all(to.join("1_Pooling")).expect("made");
    for name in [
        "config.json",
        "tokenizer.json",
        "sentence_bert_config.json",
        "modules.json",
        "1_Pooling/config.json",
        "model.safetensors",
    ] {
        fs::copy(from.join(name), to.join(name)).expect("copied");
    }
}

fn edit(path: &Path, change: impl Fn(&mut Value)) {
    let mut value: Value = serde_json::from_slice(&fs::read(path).expect("there")).expect("JSON");
    change(&mut value);
    fs::write(path, value.to_string()).expect("written");
}

#[test]
fn a_model_folder_is_a_model_and_says_what_it_is() {
    let folder = Folder { model: "default", ..Folder::new() };
    let model = folder.path("mini");
    copy_model(&model);
    let name = model.display().to_string();
    let file = folder.file(
        "p.jsonl",
        "{\"id\":\"a\",\"title\":\"Deep learning for weather\"}\n{\"id\":\"b\",\"title\":\"Bread\"}\n",
    );
    let embed = |extra: &[&str]| folder.json(&[&["embed", &file], extra].concat());
    let bundled = embed(&[]);
    let own = embed(&["--model", &name]);
    assert!(cosine(&bundled[0]["vector"], &own[0]["vector"]) > 0.999_999);
    // CLS pooling, a prefix and a shorter limit come from the model's own files, and change the vector.
    edit(&model.join("1_Pooling/config.json"), |v| {
        v["pooling_mode_cls_token"] = json!(true);
        v["pooling_mode_mean_tokens"] = json!(false);
    });
    let cls = embed(&["--model", &name]);
    assert!(cosine(&cls[0]["vector"], &own[0]["vector"]) < 0.99);
    fs::write(
        model.join("config_sentence_transformers.json"),
        r#"{"prompts": {"query": "query: ", "document": "passage: "}}"#,
    )
    .expect("written");
    let prefixed = embed(&["--model", &name]);
    assert!(cosine(&cls[0]["vector"], &prefixed[0]["vector"]) < 0.999);
    fs::write(model.join("sentence_bert_config.json"), r#"{"max_seq_length": 5}"#).expect("written");
    let short = embed(&["--model", &name]);
    assert!(cosine(&short[0]["vector"], &prefixed[0]["vector"]) < 0.999);

    // A folder of papers belongs to its model, even when the model's files change under it.
    assert_eq!(folder.run(&["ingest", &file, "--model", &name]).status, Some(0));
    assert_eq!(folder.run(&["search", "weather"]).status, Some(0), "the folder's own model is the default");
    let other = folder.run(&["search", "weather", "--model", "all-MiniLM-L6-v2"]);
    assert!(other.status == Some(1) && other.err.contains("was made with the model"), "{}", other.err);
    fs::write(model.join("sentence_bert_config.json"), r#"{"max_seq_length": 6}"#).expect("written");
    let changed = folder.run(&["search", "weather"]);
    assert!(changed.status == Some(1) && changed.err.contains("files have changed"), "{}", changed.err);
}

#[test]
fn a_shorter_vector_belongs_to_the_folder() {
    let folder = Folder { model: "default", ..Folder::new() };
    let file = folder.file("p.jsonl", "{\"id\":\"a\",\"title\":\"Weather\"}\n{\"id\":\"b\",\"title\":\"Bread\"}\n");
    let refused = folder.run(&["ingest", &file, "--dimension", "128"]);
    assert!(refused.status == Some(1) && refused.err.contains("files allow no others"), "{}", refused.err);
    let model = folder.path("russian-doll");
    copy_model(&model);
    edit(&model.join("config.json"), |v| v["matryoshka_dimensions"] = json!([384, 128]));
    let name = model.display().to_string();
    let short = folder.json(&["embed", &file, "--model", &name, "--dimension", "128"]);
    assert_eq!(short[0]["vector"].as_array().expect("a vector").len(), 128);
    assert_eq!(folder.run(&["ingest", &file, "--model", &name, "--dimension", "128"]).status, Some(0));
    // Nobody has to say it again; another is another model.
    assert_eq!(folder.run(&["search", "rain"]).status, Some(0));
    assert_eq!(folder.json(&["info"])[0]["dimension"], 128);
    assert_eq!(folder.run(&["search", "rain", "--model", &name]).status, Some(0));
    for extra in [&["--dimension", "384"][..], &["--model", "all-MiniLM-L6-v2"]] {
        let other = folder.run(&[&["search", "rain"], extra].concat());
        assert!(other.status == Some(1) && other.err.contains("was made with the model"), "{}", other.err);
    }
}

#[test]
fn models_that_do_not_fit_are_refused() {
    let folder = Folder { model: "default", ..Folder::new() };
    let file = folder.file("p.jsonl", "{\"id\":\"a\",\"title\":\"x\"}\n");
    type Spoil = fn(&Path);
    let cases: [(&str, Spoil, &str); 11] = [
        ("no config", |m| fs::remove_file(m.join("config.json")).expect("removed"), "config.json"),
        ("no tokenizer", |m| fs::remove_file(m.join("tokenizer.json")).expect("removed"), "tokenizer.json"),
        ("no weights", |m| fs::remove_file(m.join("model.safetensors")).expect("removed"), "model.safetensors"),
        ("architecture", |m| edit(&m.join("config.json"), |v| v["model_type"] = json!("mamba")), "mamba"),
        (
            "positions",
            |m| edit(&m.join("config.json"), |v| v["position_embedding_type"] = json!("relative_key")),
            "relative_key",
        ),
        ("dimension", |m| edit(&m.join("config.json"), |v| v["hidden_size"] = json!(768)), "768"),
        ("heads", |m| edit(&m.join("config.json"), |v| v["num_attention_heads"] = json!(7)), "heads"),
        ("vocabulary", |m| edit(&m.join("config.json"), |v| v["vocab_size"] = json!(100)), "weights"),
        (
            "pooling",
            |m| edit(&m.join("1_Pooling/config.json"), |v| v["pooling_mode_max_tokens"] = json!(true)),
            "pooling",
        ),
        ("broken config", |m| fs::write(m.join("config.json"), "{").expect("written"), "config.json"),
        (
            "cut weights",
            |m| fs::write(m.join("model.safetensors"), [8, 0, 0, 0, 0, 0, 0, 0, b'{']).expect("written"),
            "weights",
        ),
    ];
    for (name, spoil, word) in cases {
        let model = folder.path(&name.replace(' ', "-"));
        copy_model(&model);
        spoil(&model);
        let ran = folder.run(&["embed", &file, "--model", &model.display().to_string()]);
        assert_eq!(ran.status, Some(1), "{name}: {}", ran.out);
        assert!(ran.err.contains(word) && ran.err.lines().count() == 1, "{name}: {}", ran.err);
        fs::remove_dir_all(&model).expect("removed");
    }
}

#[test]
fn the_hub_without_a_network_says_what_to_do() {
    let folder = Folder { model: "default", ..Folder::new() };
    let file = folder.file("p.jsonl", "{\"id\":\"a\",\"title\":\"x\"}\n");
    let mut command = folder.command(&["embed", &file, "--model", "nobody/no-such-model"]);
    // Port 9 of this machine answers nobody.
    command.env("HF_HOME", folder.path("hub")).env("HF_ENDPOINT", "http://127.0.0.1:9");
    let ran = crate::support::Ran::from(command.output().expect("runs"));
    assert_eq!(ran.status, Some(1));
    assert!(ran.err.contains("nobody/no-such-model") && ran.err.contains("--model"), "{}", ran.err);
}
