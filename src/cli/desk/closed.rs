//! For systems without Unix sockets: a folder that is being served can be reached over HTTP only.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use crate::config::Config;
use crate::engine::Engine;

/// Accepts no commands.
pub struct Desk;

impl Desk {
    /// Does nothing.
    pub fn open(_: &Path, _: &Arc<Engine>, _: &str) -> std::io::Result<Self> {
        Ok(Desk)
    }
}

/// Has no values: no service can be reached.
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

/// Finds no service.
pub fn reach(_: &Path) -> anyhow::Result<Option<Service>> {
    Ok(None)
}
