//! The tests of the whole: the real binary on real files and real sockets. One module a subject.

mod cases;
mod commands;
mod damage;
mod disk;
mod document;
mod door;
mod floors;
mod growth;
mod harm;
mod http;
mod imports;
mod index;
mod interrupted;
mod jobs;
mod model;
mod races;
mod readers;
mod readme;
mod reembed;
mod schema;
mod served;
mod situations;
mod support;
mod themes;
mod users;
mod words;
