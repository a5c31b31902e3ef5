//! How good personal ranking is, methods side by side: new papers for readers of libraries, the next day's papers for logs of
//! events, and likes and dislikes in screening.

mod libraries;
mod methods;
mod replay;
mod screening;

pub use libraries::{ColdStart, libraries};
pub use methods::Method;
pub use replay::{Replay, replay};
pub use screening::{Screening, screening};
