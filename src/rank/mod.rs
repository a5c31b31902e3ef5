//! Pure arithmetic over slices: what to search for, in which order to show it, and why. No input or output.

mod background;
mod calibration;
mod candidate_set;
mod coreading;
mod diversity;
mod interests;
mod logistic;
mod preference_model;
mod questions;
mod recency;
mod score_parts;
mod strategy;
mod weights;

pub use background::Background;
pub use calibration::{PlattCalibration, never_rising};
pub use candidate_set::{CandidateSetRanker, Document, kinship};
pub use coreading::{
    COREADING_STEP, CoreadingMatrix, KEPT_NEIGHBOURS, MIN_READERS_ALIKE, MIN_READERS_TO_SHOW, Neighbours, Pull,
    quantize,
};
pub use diversity::mmr;
pub use interests::{ClusterSeed, MAX_CLUSTERED, allocate_slots, cluster, cluster_around, match_groups};
pub use logistic::{Logistic, Options as LogisticOptions, Sample};
pub use preference_model::{Candidate, PreferenceModel, WeightedExample};
pub use questions::{QuestionPanel, QuestionPlanner, choose_panel, well_known};
pub use recency::{UNDATED, decay};
pub use score_parts::ScoreParts;
pub use strategy::Strategy;
pub use weights::words_share;
