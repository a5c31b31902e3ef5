//! Cases of themes.
