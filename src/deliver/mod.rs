//! What reaches a reader who is not looking, and what leaves for the programs that they use.

pub mod citations;
pub mod digest;
pub mod mail;
