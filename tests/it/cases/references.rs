//! Cases of references.
