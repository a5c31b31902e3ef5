//! What reaches a reader who is not looking.

pub mod digest;
pub mod mail;
