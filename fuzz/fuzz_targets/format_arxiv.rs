//! Papers said to be in the format `arxiv`.
#![no_main]

#[path = "../checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::format("arxiv", bytes));
