//! Answers of the services that give JSON; the first byte says of which.
#![no_main]

#[path = "../checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::answers(bytes));
