//! What the process tells of its work.

use serde::{Deserialize, Serialize};

use super::{choice, from_env};
use crate::error::Result;

/// The log. In the file under `[log]`; in the environment as `PAPERKIN_LOG_` and the name in capitals. How much is logged is
/// chosen by `-v`, `-vv` or a filter in `PAPERKIN_LOG` (`warn`, `paperkin=debug,warn`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// How a line is written: `text` (the default) or `json`. The flag `--log` goes over it.
    pub format: LogFormat,
    /// Whether `serve` writes a line for each request (true by default).
    pub requests: bool,
}

/// How a line of the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

impl Default for Log {
    fn default() -> Self {
        Log { format: LogFormat::Text, requests: true }
    }
}

impl Log {
    /// With what the environment and the flag say put over it.
    pub(super) fn settled(self, flag: Option<LogFormat>, var: &dyn Fn(&str) -> Option<String>) -> Result<Self> {
        let format = match flag {
            Some(format) => format,
            None => from_env(var, "LOG_FORMAT", choice, "text or json")?.unwrap_or(self.format),
        };
        let truth = |text: &str| text.parse::<bool>().ok();
        let requests = from_env(var, "LOG_REQUESTS", truth, "true or false")?.unwrap_or(self.requests);
        Ok(Log { format, requests })
    }
}
