//! What somebody who is called at night has to look at beside the data themselves: the machine under the folder, its files, its
//! clock, its settings.
//!
//! [`look`] goes through one list of checks. Whatever a later part needs looked at is a
//! function more in `CHECKS`; each says what it found and what to do, and none changes anything. What is wrong with the data is found
//! by [`Engine::diagnose`].

mod files;
mod machine;
mod mail;
mod sources;

use crate::config::Config;
use crate::engine::Engine;
use crate::error::Result;
use crate::store::Finding;

/// What is looked at.
pub struct Patient<'a> {
    /// The settings.
    pub config: &'a Config,
    /// The open folder; none where it cannot be opened.
    pub engine: Option<&'a Engine>,
    /// Whether this process serves the folder.
    pub served: bool,
    /// What came of asking the server of mail whether it would take any, which [`crate::config::MailSettings`] name; none where
    /// no mail is sent.
    pub mail: Option<Result<()>>,
}

/// A check: its name, and what looks. It finds nothing where there is nothing to look at.
type Check = (&'static str, fn(&Patient<'_>) -> Option<Finding>);

/// Every check, in the order in which they are told.
const CHECKS: &[Check] = &[
    ("service", machine::service),
    ("permissions", files::permissions),
    ("settings", files::settings),
    ("secrets", files::secrets),
    ("clock", machine::clock),
    ("open files", machine::descriptors),
    ("memory", machine::memory),
    ("sources", sources::sources),
    ("mail", mail::mail),
];

/// Goes through the list.
pub fn look(patient: &Patient<'_>) -> Vec<Finding> {
    CHECKS
        .iter()
        .filter_map(|(name, look)| look(patient).map(|found| Finding { check: (*name).into(), ..found }))
        .collect()
}
