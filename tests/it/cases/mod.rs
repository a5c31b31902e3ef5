//! What users of comparable programs have reported, brought to the binary: one file an area. The inputs are in `tests/cases`,
//! one folder a kind.

mod history;
mod identifiers;
mod mornings;
mod papers;
mod references;
mod search;
mod service;
mod themes;

use std::path::PathBuf;

/// An input of a kind of case.
pub fn input(kind: &str, file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(kind).join(file)
}

/// The rows of a tab-separated table, without its head.
pub fn table(kind: &str, file: &str) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(input(kind, file)).expect("a table");
    text.lines().skip(1).map(|line| line.split('\t').map(str::to_string).collect()).collect()
}
