//! Quality of personal ranking, methods side by side: hidden papers of readers' libraries, the next day's papers in
//! logs of events, screening with likes and dislikes, and new readers who answer questions. And how honest the chances are.

mod libraries;
mod methods;
mod onboarding;
mod reliability;
mod replay;
mod screening;

pub use libraries::{ColdStart, libraries};
pub use methods::{Method, best_first, scores};
pub use onboarding::{Onboarding, onboard_libraries, onboard_log};
pub use reliability::{Reliability, reliability_of_libraries, reliability_of_screening};
pub use replay::{Day, Replay, SPANS, by_day, by_reader, last_days, replay, span};
pub use screening::{Screening, screening};
