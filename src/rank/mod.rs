//! Pure arithmetic over slices: what to search for, in which order to show it, and why. No input or output.

mod background;
mod candidate_set;
mod coreading;
mod diversity;
mod interests;
mod logistic;
mod preference_model;
mod questions;
mod recency;
mod strategy;

pub use background::Background;
pub use candidate_set::{CandidateSetRanker, Document, kinship};
pub use coreading::{COREADING_STEP, CoreadingMatrix, MIN_READERS_TO_SHOW, neighbour_pull, quantize, weigh_neighbours};
pub use diversity::mmr;
pub use interests::{ClusterSeed, MAX_CLUSTERED, allocate_slots, cluster, cluster_around, match_groups};
pub use logistic::{Logistic, Options as LogisticOptions, Sample};
pub use preference_model::{Candidate, PreferenceModel, ScoreParts, WeightedExample};
pub use questions::{QuestionPanel, QuestionPlanner, choose_panel, well_known};
pub use recency::{UNDATED, decay};
pub use strategy::Strategy;
