//! `paperkin eval situations`: one command makes the folders and measures everything.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::{Folder, Ran};

const TOPICS: usize = 6;

/// Sets like the real ones, of papers on some topics: readers read one topic, reviews include one, submitters submit
/// one.
fn write_sets(folder: &Folder) {
    let sets = folder.path("sets");
    for name in ["libraries", "screening"] {
        std::fs::create_dir_all(sets.join(name)).expect("made");
    }
    let write = |name: &str, text: String| std::fs::write(sets.join(name), text).expect("written");
    let paper = |set: &str, k: usize, day: usize| {
        let (topic, of_day) = (k % TOPICS, format!("2026-{:02}-{:02}", 1 + day / 28, 1 + day % 28));
        let text = format!("We study subject{topic} and field{topic} by way{} and item{k}.", k % 11);
        format!(
            "{}\n",
            json!({
                "id": format!("{set}:{k}"), "title": format!("Paper number{k} on topic{topic}"),
                "abstract": text, "date": of_day, "listed": of_day
            })
        )
    };
    let papers = |set, n: usize, per_day: usize| (0..n).map(|k| paper(set, k, k / per_day)).collect::<String>();
    let packed = zstd::encode_all(papers("lib", 360, 12).as_bytes(), 0).expect("packed");
    std::fs::write(sets.join("libraries/papers.jsonl.zst"), packed).expect("written");
    write("screening/papers.jsonl", papers("rev", 300, 12));
    write("hf_daily.jsonl", papers("hf", 360, 12));
    let mut users = "user\tpaper_id\n".to_string();
    for user in 0..48 {
        // Two thirds of the papers on a topic.
        for n in (0..360 / TOPICS).filter(|n| !(n + user / TOPICS).is_multiple_of(3)) {
            users += &format!("{user}\tlib:{}\n", n * TOPICS + user % TOPICS);
        }
    }
    write("libraries/users.tsv", users);
    let folds = |k: usize| format!("lib:{k}\t{}\n", k / TOPICS % 5);
    write("libraries/folds.tsv", "paper_id\tfold\n".to_string() + &(0..360).map(folds).collect::<String>());
    let mut labels = "review\tpaper_id\tincluded\n".to_string();
    for review in 0..4 {
        for k in 0..300 {
            labels += &format!("R{review}\trev:{k}\t{}\n", u8::from(k % TOPICS == review));
        }
    }
    write("screening/labels.tsv", labels);
    let mut log = "user\tpaper_id\tdaily_date\n".to_string();
    for k in (0..360).filter(|k| k % 5 > 1) {
        let (day, topic) = (k / 12, k % TOPICS);
        // Some begin in the middle, so that there are short histories among the last days.
        let user = if topic < 3 { topic } else { topic + TOPICS * (day / 15) };
        log += &format!("u{user}\thf:{k}\t2026-{:02}-{:02}\n", 1 + day / 28, 1 + day % 28);
    }
    write("hf_daily_submitters.tsv", log);
}

fn ask<'a>(sets: &'a str, folders: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let args = ["eval", "situations", "--sets", sets, "--folders", folders, "--draws", "2", "--readers", "6"];
    [&args, more].concat()
}

/// The rows by situation and method.
fn rows(table: &Value) -> BTreeMap<(String, String), Value> {
    let text = |row: &Value, name: &str| row[name].as_str().expect("text").to_string();
    let rows = table["rows"].as_array().expect("rows");
    rows.iter().map(|row| ((text(row, "situation"), text(row, "method")), row.clone())).collect()
}

#[test]
fn one_command_measures_every_situation() {
    let folder = Folder::new();
    write_sets(&folder);
    let (sets, folders) = (folder.path("sets").display().to_string(), folder.path("folders").display().to_string());
    let table = rows(&folder.json(&ask(&sets, &folders, &["--half", "all"]))[0]);
    let mut names: Vec<&str> = table.keys().map(|k| k.0.as_str()).collect();
    names.dedup();
    let expected = [
        "corpus, libraries",
        "day, submitters, after 1 to 4",
        "day, submitters, after 20 and more",
        "day, submitters, after 5 to 19",
        "few, libraries",
        "few, submitters",
        "one, libraries",
        "one, screening",
        "set, screening, 1 and 1",
        "set, screening, 20 and 20",
        "set, screening, 5 and 5",
    ];
    assert_eq!(names, expected);
    for situation in expected {
        let row = |method: &str| &table[&(situation.to_string(), method.to_string())];
        assert!(row("rank")["cases"].as_u64().is_some_and(|n| n > 0), "{situation}");
        for road in ["recommend", "rank"] {
            let better = &row(road)["better by"];
            let error = better["standard_error"].as_f64();
            assert!(better["mean"].is_f64() && error.is_some_and(|e| e >= 0.0), "{situation}: {better}");
        }
        let tau = row("rank")["tau"]["mean"].as_f64().expect("tau");
        assert!((-1.0..=1.0).contains(&tau), "{situation}: {tau}");
        let best = table.iter().filter(|(key, row)| key.0 == situation && row["better by"] == "best plain").count();
        assert_eq!(best, 1, "{situation}");
    }
    // What tells the topics apart finds the papers of one.
    for (situation, method) in [("set, screening, 5 and 5", "rank"), ("set, screening, 5 and 5", "recommend")] {
        let map = table[&(situation.to_string(), method.to_string())]["first"]["mean"].as_f64();
        assert!(map.is_some_and(|map| map > 0.95), "{situation}: {method}: {map:?}");
    }
    let plain = &table[&("day, submitters, after 20 and more".to_string(), "sum".to_string())];
    assert_eq!(plain["first"]["mean"], 1.0, "of twelve papers a day at most two are on the topic");

    // The folders are used as they are, nothing is written into them, and the answer is the same.
    let made = |name: &str| folder.path("folders").join(name);
    assert!(!made("libraries.incomplete").exists() && !folder.data().exists());
    std::fs::remove_file(folder.path("sets/libraries/papers.jsonl.zst")).expect("removed");
    let again = rows(&folder.json(&ask(&sets, &folders, &["--half", "all"]))[0]);
    assert_eq!(table, again);
    let libraries = made("libraries").display().to_string();
    let info = Ran::from(folder.command(&["info", "--json", "--data", &libraries]).output().expect("runs"));
    let info: Value = serde_json::from_str(&info.out).expect("JSON");
    assert_eq!((&info["papers"], &info["users"]), (&json!(360), &json!(0)), "{info}");

    // Halves share nothing, and are the whole.
    let cases = |half: &str| {
        let table = rows(&folder.json(&ask(&sets, &folders, &["--half", half, "--only", "set"]))[0]);
        table.values().filter(|row| row["method"] == "rank").filter_map(|row| row["cases"].as_u64()).sum::<u64>()
    };
    assert_eq!(cases("odd") + cases("even"), cases("all"));

    // A set that is not needed may be absent; one that is, is named.
    std::fs::remove_file(folder.path("sets/hf_daily_submitters.tsv")).expect("removed");
    let ran = folder.run(&ask(&sets, &folders, &["--only", "corpus", "--parts"]));
    assert!(ran.status == Some(0) && ran.out.contains("| corpus, libraries "), "{}", ran.err);
    assert!(ran.out.contains("| recommend, nearest "), "{}", ran.out);
    let ran = folder.run(&ask(&sets, &folders, &[]));
    assert!(ran.status == Some(1) && ran.err.contains("hf_daily_submitters.tsv"), "{}", ran.err);
}
