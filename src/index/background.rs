//! Work that has time: on threads that let every other go first.

use crate::error::{Error, Result};

/// Runs work that has time on so many threads of its own, which let all others go first; also what it does in parallel
/// stays on them.
///
/// # Errors
/// [`Error::Internal`] when the threads cannot be started.
pub fn behind_requests<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> Result<T> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).start_handler(|_| give_way()).build();
    let pool = pool.map_err(|e| Error::Internal(format!("cannot start a thread: {e}")))?;
    Ok(pool.install(work))
}

/// Lets every other thread go first from now on: what is done behind the searches has time.
fn give_way() {
    // Sound: on Linux the call concerns the calling thread alone, and it touches no memory of ours. Elsewhere it would
    // concern the whole process, so it is not made.
    #[cfg(target_os = "linux")]
    unsafe {
        libc::setpriority(libc::PRIO_PROCESS, 0, 15);
    }
}
