//! Cases of identifiers.
