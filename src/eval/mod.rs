//! How good the answers are, on labelled sets: the same calls that serve are what is evaluated.
//!
//! [`metrics`] and [`bootstrap`] are arithmetic that any evaluation can use, [`table`] prints, [`sets`] reads the files;
//! each question has a file of its own.

pub mod bootstrap;
mod columns;
pub mod metrics;
pub mod recommend;
pub mod search;
pub mod sets;
pub mod similar;
pub mod table;
pub mod themes;
pub mod users;

/// Hears how many of how many measurements are made.
pub type Progress<'a> = &'a dyn Fn(usize, usize);
