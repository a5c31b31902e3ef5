//! Commands on a folder that is being served. Only one process may have a folder open, so the command is sent to that
//! process.
//!
//! The service listens on the Unix socket `serve.sock` in the folder, which only its own user may open. A command sends
//! its arguments, its settings and the descriptors of its stdout and stderr; the service runs the same command over its
//! open engine and writes directly to them. Files and stdin are opened by the calling process, with its rights and in
//! its working folder, and passed over as descriptors. So the output is the same to the byte, and nothing is copied.
//!
//! When the calling process ends, its command stops at the next read or write. When the service ends, callers get an
//! error.

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

/// The longest socket path that every system accepts (108 bytes with the terminator on Linux, 104 on others).
#[cfg(unix)]
const LONGEST: usize = 100;

/// A path of at most [`LONGEST`] bytes to a file in a folder, valid while the returned file is open.
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
    Err(std::io::Error::other(format!("its path is longer than {LONGEST} bytes, too long for a socket")))
}
