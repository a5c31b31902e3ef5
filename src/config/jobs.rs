//! When the service does what nobody asks for.

use serde::{Deserialize, Serialize};

use super::Schedule;
use crate::error::{Error, Result};

/// When each job of the service runs at the latest: cron expressions, or `off`. In the file under `[jobs]`; in the environment
/// as `PAPERKIN_JOBS_` and the name in capitals. They are read in the time zone of the setting `time_zone`.
///
/// A job looks for work at its times and does nothing where there is none. But for `off` it also follows by itself soon after
/// what makes work for it (papers that came, events of a reader).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Jobs {
    /// Brings the indexes into order and on disk (every five minutes).
    pub maintenance: Schedule,
    /// Lets new papers join the themes, and makes these anew when a tenth of the papers is new (every thirty seconds).
    pub themes: Schedule,
    /// Keeps the interests found in the histories of readers (every ten minutes).
    pub interests: Schedule,
    /// Sends the mails that are due (every minute it looks whether one is).
    pub mail: Schedule,
    /// Tells, once a day, what enough readers did together (every hour it looks whether the day is over).
    pub readership: Schedule,
}

impl Default for Jobs {
    fn default() -> Self {
        // A schedule that could not be read would switch its job off in silence; a test (below) holds that none is off.
        let every = |text: &str| Schedule::parse(text).unwrap_or_else(|_| Schedule::off());
        Jobs {
            maintenance: every("*/5 * * * *"),
            themes: every("*/30 * * * * *"),
            interests: every("*/10 * * * *"),
            mail: every("* * * * *"),
            readership: every("1 * * * *"),
        }
    }
}

impl Jobs {
    /// With what the environment says put over it.
    pub(super) fn settled(self, var: &dyn Fn(&str) -> Option<String>) -> Result<Self> {
        let set = |name: &str, schedule: Schedule| match var(&format!("JOBS_{name}")) {
            Some(text) => Schedule::parse(&text).map_err(|e| Error::Invalid(format!("PAPERKIN_JOBS_{name}: {e}"))),
            None => Ok(schedule),
        };
        Ok(Jobs {
            maintenance: set("MAINTENANCE", self.maintenance)?,
            themes: set("THEMES", self.themes)?,
            interests: set("INTERESTS", self.interests)?,
            mail: set("MAIL", self.mail)?,
            readership: set("READERSHIP", self.readership)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schedules_that_come_with_it_can_be_read() {
        let Jobs { maintenance, themes, interests, mail, readership } = Jobs::default();
        assert!([maintenance, themes, interests, mail, readership].iter().all(|schedule| !schedule.is_off()));
    }

    #[test]
    fn the_environment_goes_over_the_file() {
        let env = |name: &str| match name {
            "JOBS_THEMES" => Some("off".to_string()),
            "JOBS_MAINTENANCE" => Some("0 3 * * *".to_string()),
            _ => None,
        };
        let settled = Jobs::default().settled(&env).expect("settles");
        assert!(settled.themes.is_off());
        assert_eq!(settled.maintenance.to_string(), "0 3 * * *");
        assert_eq!(settled.interests, Jobs::default().interests);
        let e = Jobs::default().settled(&|_| Some("0 0 31 2 *".into())).expect_err("never").to_string();
        assert!(e.contains("PAPERKIN_JOBS_MAINTENANCE") && e.contains("no day ever meets it"), "{e}");
    }
}
