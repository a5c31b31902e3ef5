//! The client side: the command hands itself to the service.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;

use super::wire::{self, Hello, Order, Reply, Request, Word};
use super::{SOCKET, within};
use crate::cli::streams::{FileOperation, OperationResult, here};
use crate::config::Config;

/// How long the service may take to identify itself.
const PATIENCE: Duration = Duration::from_secs(10);

/// The running service of a folder.
pub struct Service {
    stream: UnixStream,
    hello: Hello,
}

/// Connects to the service of a folder; `None` if the folder is not being served.
///
/// # Errors
/// When the service belongs to another user or is of another version.
pub fn reach(folder: &Path) -> anyhow::Result<Option<Service>> {
    let Ok((path, _open)) = within(folder, SOCKET) else { return Ok(None) };
    let stream = match UnixStream::connect(&path) {
        Ok(stream) => stream,
        Err(e) if e.kind() == ErrorKind::PermissionDenied => anyhow::bail!(
            "the data folder {} is being served by another user. Run the command as that user, or ask the service over HTTP",
            folder.display()
        ),
        // There is no socket, or its process is gone.
        Err(_) => return Ok(None),
    };
    stream.set_read_timeout(Some(PATIENCE))?;
    let silent = || format!("the service of {} does not answer", folder.display());
    let Some((hello, _)) = wire::receive::<Hello>(&stream).with_context(silent)? else {
        // The service is shutting down.
        return Ok(None);
    };
    stream.set_read_timeout(None)?;
    let own = env!("CARGO_PKG_VERSION");
    if hello.version != own {
        anyhow::bail!(
            "the data folder {} is being served by paperkin {} (process {}, {}), and this is {own}. Start the service \
             again with this version, or ask it over HTTP",
            folder.display(),
            hello.version,
            hello.process,
            hello.url
        );
    }
    Ok(Some(Service { stream, hello }))
}

impl Service {
    /// The message for an attempt to serve the folder a second time.
    pub fn refusal(&self, folder: &Path) -> String {
        let Hello { process, url, .. } = &self.hello;
        format!(
            "the data folder {} is being served already, at {url} (process {process}). Stop that service first; to move it to \
             another model while it serves, `paperkin reembed --model MODEL`",
            folder.display()
        )
    }

    /// Lets the service run a command, and does the file operations that it requests. Gives the exit status.
    ///
    /// # Errors
    /// When the service ends before the command does.
    pub fn ask(self, words: &[OsString], mut config: Config) -> anyhow::Result<u8> {
        // Paths are sent as text here; the service opens neither of them except a model's folder.
        config.data = PathBuf::from(config.data.display().to_string());
        config.model = config.model.map(|model| absolute(&model));
        let streams = here();
        let request = Request {
            words: words.iter().map(|word| Word::of(word)).collect(),
            config,
            colours: (streams.coloured(), streams.err_coloured()),
        };
        let (out, err) = (std::io::stdout(), std::io::stderr());
        let gone = || {
            let Hello { process, url, .. } = &self.hello;
            format!(
                "the service at {url} (process {process}) ended before the command was done. What was reported as stored \
                 is stored; run the command again"
            )
        };
        wire::send(&self.stream, &request, &[out.as_fd(), err.as_fd()]).with_context(gone)?;
        loop {
            let Some((order, _)) = wire::receive::<Order>(&self.stream).with_context(gone)? else {
                anyhow::bail!(gone());
            };
            match order.into_operation() {
                Err(status) => return Ok(status),
                Ok(operation) => self.fetch(&operation).with_context(gone)?,
            }
        }
    }

    fn fetch(&self, operation: &FileOperation) -> std::io::Result<()> {
        match operation.run() {
            Ok(OperationResult::File(file)) => wire::send(&self.stream, &Reply::File, &[file.as_fd()]),
            Ok(OperationResult::Entry(entry)) => wire::send(&self.stream, &Reply::Entry(entry), &[]),
            Ok(OperationResult::Done) => wire::send(&self.stream, &Reply::Done, &[]),
            Err(e) => wire::send(&self.stream, &Reply::Failed(e.raw_os_error(), e.to_string()), &[]),
        }
    }
}

/// Makes the path of a model's folder absolute, since the service runs in another working folder; names stay.
fn absolute(model: &str) -> String {
    let path = Path::new(model);
    match path.is_dir().then(|| std::path::absolute(path)) {
        Some(Ok(path)) => path.display().to_string(),
        _ => model.to_string(),
    }
}
