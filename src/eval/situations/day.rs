//! A day: the papers that were listed on it, ordered by what somebody had taken up before.

use fastrand::Rng;

use super::case::Case;
use super::ground::Ground;
use super::{Plan, read_log, seed};
use crate::eval::sets::LogEntry;
use crate::eval::users::{Day, last_days, span};

/// Readers with fewer papers in the log are left out.
const LEAST: usize = 5;

/// The last days of each reader that are looked at.
const DAYS: usize = 20;

/// The days of readers whose history is of this length, one of [`crate::eval::users::SPANS`].
pub fn log(ground: &Ground<'_>, log: &[LogEntry], length: usize, plan: &Plan) -> Vec<Case> {
    let readers = read_log(ground, log, plan).into_iter().filter(|(_, taken)| taken.len() >= LEAST);
    let (names, taken): (Vec<&str>, Vec<_>) = readers.unzip();
    let days = last_days(&ground.testbed, &taken, DAYS).into_iter();
    let one = |(of, day): (usize, Day)| {
        let (own, others): (Vec<usize>, Vec<usize>) = day.candidates.iter().partition(|k| day.taken_up.contains(k));
        let (days, past) = day.past.into_iter().unzip();
        let mut random = Rng::with_seed(seed("day", names[day.reader], day.day as usize));
        Case::new(of, past, &own, &others, &mut random).with_days(days)
    };
    days.filter(|day| span(day.past.len()) == Some(length)).enumerate().map(one).collect()
}
