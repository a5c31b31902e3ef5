//! The machine: its clock, what it lends this process, and who has the folder.

use std::fs;

use super::Patient;
use crate::store::Finding;
use crate::user::Moment;

/// No clock that is right says less: 2025-01-01.
const BUILT_LATER: i64 = 1_735_689_600_000_000;

/// Microseconds by which files may be ahead of the clock.
const SKEW: i64 = 300_000_000;

/// Descriptors that should be allowed, and those below which little works.
const GOOD_LIMIT: u64 = 1024;
const LEAST_LIMIT: u64 = 256;

/// Megabytes of memory that should be available.
const MEMORY: u64 = 300;

/// Whether this is the service.
pub fn service(patient: &Patient<'_>) -> Option<Finding> {
    let process = std::process::id();
    Some(Finding::good(
        "",
        match (patient.served, patient.engine) {
            (true, Some(engine)) if engine.troubles().is_empty() => {
                format!("it is served by process {process}, which is ready")
            }
            (true, _) => format!("it is served by process {process}; what is wrong with it is told below"),
            (false, Some(_)) => "nobody serves the folder now".to_string(),
            (false, None) => "nobody serves the folder, and it cannot be opened".to_string(),
        },
    ))
}

/// Whether the clock can be right.
pub fn clock(patient: &Patient<'_>) -> Option<Finding> {
    let now = Moment::now();
    const HELP: &str = "set the clock of this machine, and let it be kept (`timedatectl set-ntp true`); what was dated wrongly stays so";
    if now.0 < BUILT_LATER {
        return Some(Finding::bad("", format!("it says {now}, which is before this program was made"), HELP));
    }
    // The newest of the files that every write touches.
    let written = ["acknowledged", "papers.sqlite", "papers.sqlite-wal"]
        .iter()
        .filter_map(|name| fs::metadata(patient.config.data.join(name)).ok()?.modified().ok())
        .filter_map(|at| at.duration_since(std::time::UNIX_EPOCH).ok())
        .filter_map(|since| i64::try_from(since.as_micros()).ok())
        .max()
        .map(Moment);
    Some(match written {
        Some(written) if written.0 > now.0 + SKEW => {
            Finding::bad("", format!("it says {now}, and the folder was written at {written}: it has gone back"), HELP)
        }
        Some(written) => Finding::good("", format!("it says {now}; the folder was last written at {written}")),
        None => Finding::good("", format!("it says {now}")),
    })
}

/// How many files may be open.
pub fn descriptors(_: &Patient<'_>) -> Option<Finding> {
    let limit = limit()?;
    const HELP: &str = "allow more: `ulimit -n 4096` before the start, or LimitNOFILE= in the unit of systemd";
    Some(match limit {
        n if n < LEAST_LIMIT => Finding::bad("", format!("{n} may be open, too few for a service"), HELP),
        n if n < GOOD_LIMIT => Finding::warning("", format!("{n} may be open, which leaves few connections"), HELP),
        n => Finding::good("", format!("{n} may be open")),
    })
}

#[cfg(unix)]
fn limit() -> Option<u64> {
    Some(rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX))
}

#[cfg(not(unix))]
fn limit() -> Option<u64> {
    None
}

/// How much memory can be had; only Linux says so.
pub fn memory(_: &Patient<'_>) -> Option<Finding> {
    let told = fs::read_to_string("/proc/meminfo").ok()?;
    let line = |name: &str| {
        let line = told.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kb| kb / 1024)
    };
    let (available, all) = (line("MemAvailable:")?, line("MemTotal:")?);
    let found = format!("{available} of {all} MB can be had");
    Some(if available < MEMORY {
        Finding::warning(
            "",
            found,
            "stop what else runs here, or lower `body_memory` and `answer_memory` under [server]",
        )
    } else {
        Finding::good("", found)
    })
}
