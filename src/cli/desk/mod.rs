//! Commands on a folder that is being served: one process at a time has a folder open, so the command goes to that one.
//!
//! The service listens on the Unix socket `serve.sock` in the folder, which only its own user may open. A command sends its
//! words, its settings and its stdout and stderr themselves; the service carries the same command out over its open engine
//! and writes straight into them. Files, and stdin, are opened by the process that asked, with its rights and in its folder,
//! and handed over open. So the answer is the same to the byte, and nothing is copied.
//!
//! When the process that asked ends, what it asked for ends at the next word or line; when the service ends, whoever waits
//! hears so.

#[cfg(unix)]
mod asking;
#[cfg(unix)]
mod serving;
#[cfg(unix)]
mod wire;

#[cfg(unix)]
pub use asking::reach;
#[cfg(unix)]
pub use serving::Desk;

#[cfg(not(unix))]
mod closed;
#[cfg(not(unix))]
pub use closed::{Desk, reach};

/// The socket in the data folder.
#[cfg(unix)]
const SOCKET: &str = "serve.sock";

/// The longest path of a socket that every system takes (108 bytes with their end on Linux, 104 on others).
#[cfg(unix)]
const LONGEST: usize = 100;

/// A path of at most [`LONGEST`] bytes for a name in a folder; it leads there while the file beside it is open.
#[cfg(unix)]
fn within(folder: &std::path::Path, name: &str) -> std::io::Result<(std::path::PathBuf, Option<std::fs::File>)> {
    let path = folder.join(name);
    if path.as_os_str().len() <= LONGEST {
        return Ok((path, None));
    }
    if cfg!(target_os = "linux") {
        let open = std::fs::File::open(folder)?;
        let number = std::os::fd::AsRawFd::as_raw_fd(&open);
        return Ok((format!("/proc/self/fd/{number}/{name}").into(), Some(open)));
    }
    Err(std::io::Error::other(format!("its path is longer than {LONGEST} bytes, too long for a socket in it")))
}
