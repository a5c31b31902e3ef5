//! The engine's public methods: each hands its question to the part that answers it.

mod access;
mod library;
mod mail;
mod papers;
mod readers;
mod searches;
mod sessions;
mod sources;
mod themes;
mod webhooks;
