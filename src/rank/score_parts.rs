//! A score taken apart.

/// A score by what adds to it. All parts together sum to the score.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ScoreParts {
    /// What each example adds, beyond what it adds to the average paper.
    pub examples: Vec<f32>,
    /// What each term adds that the paper shares with the examples: term number and part.
    pub terms: Vec<(u32, f32)>,
    /// The rest: what the average paper has, and what a regression says of papers at large.
    pub baseline: f32,
}

impl ScoreParts {
    /// The score.
    pub fn sum(&self) -> f32 {
        self.examples.iter().sum::<f32>() + self.terms.iter().map(|t| t.1).sum::<f32>() + self.baseline
    }
}
