//! Cases of papers.
