//! Where there are no Unix sockets: a folder that is being served can be asked over HTTP alone.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use crate::config::Config;
use crate::engine::Engine;

/// Nothing.
pub struct Desk;

impl Desk {
    /// Does nothing.
    pub fn open(_: &Path, _: &Arc<Engine>, _: &str) -> std::io::Result<Self> {
        Ok(Desk)
    }
}

/// Nothing that could be made.
pub enum Service {}

impl Service {
    /// Cannot be asked.
    pub fn refusal(&self, _: &Path) -> String {
        match *self {}
    }

    /// Cannot be asked.
    pub fn ask(self, _: &[OsString], _: Config) -> anyhow::Result<u8> {
        match self {}
    }
}

/// Reaches no one.
pub fn reach(_: &Path) -> anyhow::Result<Option<Service>> {
    Ok(None)
}
