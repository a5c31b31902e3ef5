//! Cases of history.
