//! How good personal ranking is, methods side by side: new papers for readers of libraries, the next day's papers for logs of
//! events, likes and dislikes in screening, and newcomers who answer questions.

mod libraries;
mod methods;
mod onboarding;
mod replay;
mod screening;

pub use libraries::{ColdStart, libraries};
pub use methods::Method;
pub use onboarding::{Onboarding, onboard_libraries, onboard_log};
pub use replay::{Replay, replay};
pub use screening::{Screening, screening};
