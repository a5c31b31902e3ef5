//! Quality figures on labelled sets. They are measured on the same calls that serve users.
//!
//! [`metrics`] and [`bootstrap`] are the arithmetic, [`table`] prints results, [`sets`] reads the labelled files,
//! [`roads`] asks as a client would. Each evaluation has a file of its own; [`situations`] has one for each way of asking,
//! and puts all of them into one table.

pub mod away;
pub mod bootstrap;
mod columns;
pub mod known;
pub mod metrics;
pub mod recommend;
pub mod roads;
pub mod search;
pub mod sets;
pub mod similar;
pub mod situations;
pub mod table;
pub mod themes;
pub mod users;

/// Called with the number of measurements made and their total.
pub type Progress<'a> = &'a dyn Fn(usize, usize);
