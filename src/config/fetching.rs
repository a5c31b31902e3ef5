//! How papers are fetched from elsewhere.

use serde::{Deserialize, Serialize};

use super::from_env;
use crate::error::{Error, Result};
use crate::paper::head;

/// How papers are fetched from elsewhere. In the file under `[fetch]`; in the environment as `PAPERKIN_FETCH_` and the name in
/// capitals.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Fetching {
    /// Whom a service can write to when something is wrong: an address of mail, or of a page. It is sent along with every request;
    /// several services are kinder to who gives one.
    pub contact: Option<String>,
    /// Whether addresses that users give (of a webhook, say) may lead to private networks. Those of the settings always may.
    pub private_addresses: bool,
    /// Seconds that one request may take, its answer included (120).
    pub timeout_s: u64,
    /// Seconds by which a run begins later than its schedule says, at most, so that not all ask at the full minute (120).
    pub jitter_s: u64,
    /// What the pace at which a service is asked is multiplied with (1): 2 asks half as often. Below 1 is for services of your own;
    /// others shut out who asks too often.
    pub pace: f64,
    /// Requests that are made for one page before a run gives up (5).
    pub tries: u32,
}

impl Default for Fetching {
    fn default() -> Self {
        Fetching { contact: None, private_addresses: false, timeout_s: 120, jitter_s: 120, pace: 1.0, tries: 5 }
    }
}

impl Fetching {
    /// With what the environment says put over it.
    pub(super) fn settled(self, var: &dyn Fn(&str) -> Option<String>) -> Result<Self> {
        let number = |text: &str| text.parse().ok();
        let flag = |text: &str| text.parse().ok();
        let contact =
            var("FETCH_CONTACT").or(self.contact).map(|text| text.trim().to_string()).filter(|t| !t.is_empty());
        let settled = Fetching {
            contact,
            private_addresses: from_env(var, "FETCH_PRIVATE_ADDRESSES", flag, "true or false")?
                .unwrap_or(self.private_addresses),
            timeout_s: from_env(var, "FETCH_TIMEOUT_S", number, "a number")?.unwrap_or(self.timeout_s),
            jitter_s: from_env(var, "FETCH_JITTER_S", number, "a number")?.unwrap_or(self.jitter_s),
            pace: from_env(var, "FETCH_PACE", |text| text.parse().ok(), "a number")?.unwrap_or(self.pace),
            tries: from_env(var, "FETCH_TRIES", |text| text.parse().ok(), "a number")?.unwrap_or(self.tries),
        };
        settled.check()?;
        Ok(settled)
    }

    fn check(&self) -> Result<()> {
        let wrong = |why: String| Err(Error::Invalid(format!("the settings under [fetch]: {why}")));
        if let Some(contact) = &self.contact
            && (contact.len() > 200
                || !contact.chars().all(|c| c.is_ascii_graphic() || c == ' ')
                || contact.contains(['(', ')']))
        {
            return wrong(format!("contact is {:?}; write an address of mail, or of a page", head(contact, 60)));
        }
        if !(1..=3600).contains(&self.timeout_s) {
            return wrong(format!("timeout_s is {}; 1 to 3600 are allowed", self.timeout_s));
        }
        if !(0.0..=1000.0).contains(&self.pace) {
            return wrong(format!("pace is {}; 0 to 1000 are allowed", self.pace));
        }
        if !(1..=20).contains(&self.tries) {
            return wrong(format!("tries is {}; 1 to 20 are allowed", self.tries));
        }
        if self.jitter_s > 3600 {
            return wrong(format!("jitter_s is {}; 0 to 3600 are allowed", self.jitter_s));
        }
        Ok(())
    }
}
