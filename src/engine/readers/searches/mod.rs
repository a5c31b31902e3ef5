//! What readers follow, and the papers of it.

mod matches;
#[cfg(test)]
mod tests;

pub use matches::Matches;
