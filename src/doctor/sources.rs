//! The sources of the settings: whether each gave its papers of late, and whether its key is there.

use super::Patient;
use crate::config::SourceSettings;
use crate::store::Finding;
use crate::user::Moment;

/// Days without a run that came to its end, after which a source that runs by itself is told.
const DAYS: i64 = 3;

const DAY_US: i64 = 86_400_000_000;

/// How the sources stand; nothing where there is none.
pub fn sources(patient: &Patient<'_>) -> Option<Finding> {
    let all = &patient.config.sources;
    let engine = patient.engine?;
    if all.is_empty() {
        return None;
    }
    let env = |name: &str| std::env::var(name).ok();
    let mut wrong = Vec::new();
    for source in all {
        if let Err(e) = source.key(&env) {
            wrong.push(e.to_string());
            continue;
        }
        match engine.source_state(&source.name).ok().and_then(|state| state.succeeded) {
            Some(at) if Moment::now().0 - at.0 > DAYS * DAY_US && !source.schedule.is_off() => {
                wrong.push(format!("{} was last read to its end at {at}", source.name));
            }
            None if !source.schedule.is_off() => wrong.push(format!("{} was never read to its end", source.name)),
            _ => {}
        }
    }
    let names =
        |sources: &[SourceSettings]| sources.iter().map(|source| source.name.as_str()).collect::<Vec<_>>().join(", ");
    Some(match wrong.is_empty() {
        true => Finding::good("", format!("all gave their papers of late: {}", names(all))),
        false => Finding::warning(
            "",
            wrong.join("; "),
            "`paperkin sources` says why; `paperkin fetch NAME` reads one now. By themselves they are read while the folder is served",
        ),
    })
}
