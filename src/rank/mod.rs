//! Pure arithmetic over slices: what to look for, in which order to show it, and why. No input or output.

mod among;
mod background;
mod coreading;
mod diversity;
mod interests;
mod logistic;
mod profile;
mod questions;
mod recency;
mod taste;

pub use among::{Among, Document};
pub use background::Background;
pub use coreading::{CROWD, Crowd, STEP, carried_over, told, weigh};
pub use diversity::mmr;
pub use interests::{MAX_CLUSTERED, Seed, cluster, cluster_around, deal, follow};
pub use logistic::{Logistic, Options as LogisticOptions, Sample};
pub use profile::{Example, Profile, Strategy};
pub use questions::{Panel, Questions, known_enough, representatives};
pub use recency::{UNDATED, decay};
pub use taste::{Candidate, Liking, Parts, Taste};
