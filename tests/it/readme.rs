//! What the README and the page about the command line show is what comes out.

use crate::support::{Folder, ids};

/// The examples of a text: each command without its comment, and what is shown under it.
fn examples(text: &str) -> Vec<(String, Vec<&str>)> {
    let mut out: Vec<(String, Vec<&str>)> = Vec::new();
    let mut shown = false;
    for line in text.lines() {
        match line.strip_prefix("$ paperkin ") {
            Some(command) => {
                shown = true;
                out.push((command.split(" #").next().unwrap_or_default().trim().to_string(), Vec::new()));
            }
            None if line.starts_with("```") => shown = false,
            None if shown => out.last_mut().expect("a command").1.push(line),
            None => {}
        }
    }
    out
}

/// The words of a command line; those in double quotes are one.
fn words(command: &str) -> Vec<String> {
    let quoted = command.split('"').enumerate();
    let words = quoted.flat_map(|(k, part)| match k % 2 {
        0 => part.split_whitespace().map(str::to_string).collect(),
        _ => vec![part.to_string()],
    });
    words.collect()
}

#[test]
fn the_examples_come_out_as_shown() {
    let root = env!("CARGO_MANIFEST_DIR");
    let pages = ["README.md", "docs/howto/find.md"];
    let pages = pages.map(|page| std::fs::read_to_string(format!("{root}/{page}")).expect("there"));
    let examples: Vec<_> = pages.iter().flat_map(|page| examples(page)).collect();
    assert!(examples.len() >= 4);
    let folder = Folder { model: "default", ..Folder::new() };
    folder.json(&["ingest", &format!("{root}/src/sources/invented.jsonl")]);
    for (command, shown) in examples {
        let args = words(&command);
        let hits = folder.json(&args.iter().map(String::as_str).collect::<Vec<_>>());
        // A line of facts begins with the id, ten spaces in; reasons stand further in.
        let fact = |line: &&str| line.starts_with("            invented:");
        let expected: Vec<&str> =
            shown.iter().copied().filter(|l| fact(l)).filter_map(|l| l.split_whitespace().next()).collect();
        assert_eq!(ids(&hits), expected, "paperkin {command}");
        // Precisions differ from processor to processor, by less than this.
        let scores = shown.iter().filter_map(|l| l.get(5..10)?.trim().parse::<f64>().ok());
        let scores: Vec<f64> = scores.filter(|s| (0.0..=1.0).contains(s)).collect();
        assert_eq!(scores.len(), hits.len(), "{shown:?}");
        for (hit, score) in hits.iter().zip(scores) {
            let got = hit["score"].as_f64().expect("a score");
            assert!((got - score).abs() < 0.005, "paperkin {command}: {got} and not {score}");
        }
    }
}
