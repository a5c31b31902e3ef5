//! What reaches a reader who is not looking, and what leaves for the programs that they use.

pub mod citations;
pub mod digest;
pub mod mail;

/// The server of mail of the integration tests.
#[cfg(test)]
#[path = "../../tests/it/services/smtp.rs"]
mod smtp;
