//! Who may come in.

use serde::{Deserialize, Serialize};

use super::{choice, from_env};
use crate::error::Result;

/// Who may come in. In the file under `[auth]`; in the environment as `PAPERKIN_AUTH_` and the name in capitals.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Auth {
    /// `open` (the default): whoever reaches the address may do everything. `keys`: a request says by a key who asks.
    pub mode: AuthMode,
}

/// Whether a request has to say who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum AuthMode {
    /// No: whoever reaches the address may do everything. Allowed on the addresses of this machine alone, or with
    /// `--insecure`.
    #[default]
    Open,
    /// Yes, by a key; what needs none is whether the service is there, and how it is called.
    Keys,
}

impl Auth {
    /// With what the environment says put over it.
    pub(super) fn settled(self, var: &dyn Fn(&str) -> Option<String>) -> Result<Self> {
        let mode = from_env(var, "AUTH_MODE", choice, "open or keys")?.unwrap_or(self.mode);
        Ok(Auth { mode, ..self })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_goes_over_the_file() {
        let env = |text: &'static str| move |name: &str| (name == "AUTH_MODE").then(|| text.to_string());
        let settled = |auth: Auth, text| auth.settled(&env(text)).map(|auth| auth.mode);
        assert_eq!(settled(Auth::default(), "keys").ok(), Some(AuthMode::Keys));
        assert_eq!(settled(Auth { mode: AuthMode::Keys }, "open").ok(), Some(AuthMode::Open));
        assert_eq!(Auth { mode: AuthMode::Keys }.settled(&|_| None).map(|auth| auth.mode).ok(), Some(AuthMode::Keys));
        let e = settled(Auth::default(), "basic").expect_err("no mode").to_string();
        assert!(e.contains("PAPERKIN_AUTH_MODE") && e.contains("open or keys"), "{e}");
    }
}
