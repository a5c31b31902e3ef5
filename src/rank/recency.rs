//! Recency: a factor that favours newer papers.

/// The factor for a paper without a date: as if it were one half-life old.
pub const UNDATED: f32 = 0.5;

/// The factor from 0 to 1 for an age: 1/2 after one half-life, 1/4 after two. Ages below zero count as zero.
pub fn decay(age_days: f32, half_life_days: f32) -> f32 {
    (-age_days.max(0.0) / half_life_days).exp2()
}
