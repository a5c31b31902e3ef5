//! A day: the papers that were listed on it, ordered by what somebody had taken up before.

use fastrand::Rng;

use super::case::Case;
use super::ground::Ground;
use super::{Plan, seed};
use crate::eval::sets::LogEntry;
use crate::eval::users::{last_days, span};

/// Readers with fewer papers in the log are left out.
const LEAST: usize = 5;

/// The last days of each reader that are looked at.
const DAYS: usize = 20;

/// The days of readers whose history is of this length, one of [`crate::eval::users::SPANS`].
pub fn log(ground: &Ground<'_>, log: &[LogEntry], length: usize, plan: &Plan) -> Vec<Case> {
    let (days, _) = last_days(&ground.testbed, log, LEAST, DAYS);
    let of_half = days.into_iter().filter(|day| plan.half.contains(day.reader) && span(day.past.len()) == Some(length));
    let one = |(of, day): (usize, crate::eval::users::Day)| {
        let (own, others): (Vec<usize>, Vec<usize>) = day.candidates.iter().partition(|k| day.taken_up.contains(k));
        let (days, past) = day.past.into_iter().unzip();
        let mut random = Rng::with_seed(seed("day", &day.reader.to_string(), day.day as usize));
        Case::new(of, past, &own, &others, &mut random).with_days(days)
    };
    of_half.enumerate().map(one).collect()
}
