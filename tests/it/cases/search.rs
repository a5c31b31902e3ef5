//! Cases of search.
