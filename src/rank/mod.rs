//! Pure arithmetic over slices: what to look for, in which order to show it, and why. No input or output.

mod background;
mod candidate_set;
mod coreading;
mod diversity;
mod interests;
mod logistic;
mod preference_model;
mod profile;
mod questions;
mod recency;

pub use background::Background;
pub use candidate_set::{CandidateSetRanker, Document};
pub use coreading::{CoreadingMatrix, MIN_READERS_TO_SHOW, STEP, carried_over, told, weigh};
pub use diversity::mmr;
pub use interests::{MAX_CLUSTERED, Seed, allocate_slots, cluster, cluster_around, follow};
pub use logistic::{Logistic, Options as LogisticOptions, Sample};
pub use preference_model::{Candidate, Parts, PreferenceModel, WeightedExample};
pub use profile::{Example, Profile, Strategy};
pub use questions::{Panel, Questions, known_enough, representatives};
pub use recency::{UNDATED, decay};
