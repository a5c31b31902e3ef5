//! The preference model and its parts, by name.

use serde::{Deserialize, Serialize};

/// How examples become a score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Strategy {
    /// The whole model: see [`PreferenceModel`](super::PreferenceModel).
    #[default]
    Auto,
    /// Likeness to the weighted mean of the likes; dislikes only keep themselves out.
    Mean,
    /// The mean similarities to the three closest likes, less the same part of that to the closest dislike.
    Nearest,
    /// Likeness to the mean of the likes less a part of the mean of the dislikes: from 0.08 of one up to 0.4 of many.
    Rocchio,
    /// A logistic regression that tells the likes from the dislikes and from papers of the corpus at large.
    Logistic,
}
