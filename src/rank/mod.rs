//! Pure arithmetic over slices: what to look for, in which order to show it, and why. No input or output.

mod diversity;
mod logistic;
mod profile;
mod recency;

pub use diversity::mmr;
pub use logistic::{Logistic, Options as LogisticOptions, Sample, merge_dot};
pub use profile::{Profile, Strategy};
pub use recency::{UNDATED, decay};
