//! The side of the command that asks.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;

use super::wire::{self, Hello, Order, Reply, Request, Word};
use super::{SOCKET, within};
use crate::cli::streams::{Errand, Found, here};
use crate::config::Config;

/// How long the service may take to say who it is.
const PATIENCE: Duration = Duration::from_secs(10);

/// The running service of a folder.
pub struct Service {
    stream: UnixStream,
    hello: Hello,
}

/// The service that serves a folder; none where nobody does.
///
/// # Errors
/// When somebody does who may not be asked, or is another version.
pub fn reach(folder: &Path) -> anyhow::Result<Option<Service>> {
    let Ok((path, _open)) = within(folder, SOCKET) else { return Ok(None) };
    let stream = match UnixStream::connect(&path) {
        Ok(stream) => stream,
        Err(e) if e.kind() == ErrorKind::PermissionDenied => anyhow::bail!(
            "the data folder {} is being served by another user. Run the command as that user, or ask the service over HTTP",
            folder.display()
        ),
        // Nobody made it, or whoever did is gone.
        Err(_) => return Ok(None),
    };
    stream.set_read_timeout(Some(PATIENCE))?;
    let silent = || format!("the service of {} does not answer", folder.display());
    let Some((hello, _)) = wire::receive::<Hello>(&stream).with_context(silent)? else {
        // It is just ending.
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
    /// What is said to whoever would serve the folder a second time.
    pub fn refusal(&self, folder: &Path) -> String {
        let Hello { process, url, .. } = &self.hello;
        format!(
            "the data folder {} is being served already, at {url} (process {process}). Stop that service first; to move it to \
             another model while it serves, `paperkin reembed --model MODEL`",
            folder.display()
        )
    }

    /// Has a command carried out, and does what it needs done here. Answers with its exit status.
    ///
    /// # Errors
    /// When the service ends before the command does.
    pub fn ask(self, words: &[OsString], mut config: Config) -> anyhow::Result<u8> {
        // Paths are sent as text here, and these two name nothing that the service opens by them but a model's folder.
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
            match order.errand() {
                Err(status) => return Ok(status),
                Ok(errand) => self.fetch(&errand).with_context(gone)?,
            }
        }
    }

    fn fetch(&self, errand: &Errand) -> std::io::Result<()> {
        match errand.run() {
            Ok(Found::File(file)) => wire::send(&self.stream, &Reply::File, &[file.as_fd()]),
            Ok(Found::Entry(entry)) => wire::send(&self.stream, &Reply::Entry(entry), &[]),
            Ok(Found::Done) => wire::send(&self.stream, &Reply::Done, &[]),
            Err(e) => wire::send(&self.stream, &Reply::Failed(e.raw_os_error(), e.to_string()), &[]),
        }
    }
}

/// A model's folder by its whole path, since the service runs in another; names stay.
fn absolute(model: &str) -> String {
    let path = Path::new(model);
    match path.is_dir().then(|| std::path::absolute(path)) {
        Some(Ok(path)) => path.display().to_string(),
        _ => model.to_string(),
    }
}
