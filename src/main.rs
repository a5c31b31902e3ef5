//! The `paperkin` command.

use std::process::ExitCode;

// A forward pass through candle allocates for every step; the system's allocator is slow at that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match paperkin::cli::run() {
        Ok(()) => ExitCode::SUCCESS,
        // The reader of our output has seen enough (`paperkin search ... | head`).
        Err(e) if is_broken_pipe(&e) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("error: {}", in_full(&e));
            ExitCode::FAILURE
        }
    }
}

/// An error with its causes, each once: many of our own say theirs already.
fn in_full(e: &anyhow::Error) -> String {
    let mut text = e.to_string();
    for cause in e.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

fn is_broken_pipe(e: &anyhow::Error) -> bool {
    e.chain().any(|c| c.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe))
}
