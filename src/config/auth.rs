//! Who may come in.

use serde::{Deserialize, Serialize};

use super::{choice, from_env};
use crate::error::{Error, Result};

/// Who may come in. In the file under `[auth]`; in the environment as `PAPERKIN_AUTH_` and the name in capitals.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Auth {
    /// `open` (the default): whoever reaches the address may do everything. `keys`: a request says by a key who asks.
    pub mode: AuthMode,
    /// The header (`X-Forwarded-User`) in which a proxy says which reader it has signed in. It is believed from this machine and
    /// from `trusted_proxies` alone, where `mode` is `keys`; such a proxy has to write it, or take it off, in every request. Whoever
    /// comes this way acts for that reader and nobody else. None by default.
    pub trusted_user_header: Option<String>,
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
        let given = var("AUTH_TRUSTED_USER_HEADER").or(self.trusted_user_header);
        let trusted_user_header = given.as_deref().map(header).transpose()?;
        Ok(Auth { mode, trusted_user_header })
    }
}

/// The name of a header that a proxy may say who somebody is in.
fn header(text: &str) -> Result<String> {
    // They are ours, or say something else of a request.
    let other =
        ["authorization", "cookie", "host", "origin", "forwarded", "x-api-key", "x-forwarded-for", "x-forwarded-host"];
    let name = text.trim().to_ascii_lowercase();
    let is_name = !name.is_empty() && name.len() <= 100 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if !is_name || other.contains(&name.as_str()) {
        return Err(Error::Invalid(format!(
            "the setting trusted_user_header under [auth] is {text:?}; name the header in which the proxy says who somebody is, like \
             X-Forwarded-User"
        )));
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Auth {
        Auth { mode: AuthMode::Keys, ..Auth::default() }
    }

    #[test]
    fn the_environment_goes_over_the_file() {
        let env = |text: &'static str| move |name: &str| (name == "AUTH_MODE").then(|| text.to_string());
        let settled = |auth: Auth, text| auth.settled(&env(text)).map(|auth| auth.mode);
        assert_eq!(settled(Auth::default(), "keys").ok(), Some(AuthMode::Keys));
        assert_eq!(settled(keys(), "open").ok(), Some(AuthMode::Open));
        assert_eq!(keys().settled(&|_| None).map(|auth| auth.mode).ok(), Some(AuthMode::Keys));
        let e = settled(Auth::default(), "basic").expect_err("no mode").to_string();
        assert!(e.contains("PAPERKIN_AUTH_MODE") && e.contains("open or keys"), "{e}");
    }

    #[test]
    fn the_header_of_a_proxy_is_one_of_its_own() {
        let settled = |text: &'static str| {
            keys().settled(&move |name: &str| (name == "AUTH_TRUSTED_USER_HEADER").then(|| text.to_string()))
        };
        let name = settled(" X-Forwarded-User ").expect("a header").trusted_user_header;
        assert_eq!(name.as_deref(), Some("x-forwarded-user"));
        for wrong in ["X User", "x_user:", "Cookie", "authorization", "ü"] {
            assert!(settled(wrong).expect_err(wrong).to_string().contains("trusted_user_header"), "{wrong}");
        }
    }
}
