//! Papers: how they come in, how they are found, and what follows the store.

pub(in crate::engine) mod answer;
pub(in crate::engine) mod candidates;
pub(in crate::engine) mod embed;
pub(in crate::engine) mod embedding_space;
pub(in crate::engine) mod follow;
pub(in crate::engine) mod ingest;
pub(in crate::engine) mod named;
pub(in crate::engine) mod reading;
pub(in crate::engine) mod recommend;
pub(in crate::engine) mod reembed;
pub(in crate::engine) mod retrieve;
pub(in crate::engine) mod search;
pub(in crate::engine) mod similar;
pub(in crate::engine) mod versions;
pub(in crate::engine) mod words;
