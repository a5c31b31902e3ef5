//! The `paperkin` command.

use std::process::ExitCode;

// A forward pass through candle allocates for every step; the system's allocator is slow at that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    paperkin::cli::run()
}
