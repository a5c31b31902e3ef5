//! The outcome of a command: its exit status, and errors, printed in one place.

use std::ffi::OsString;
use std::fmt;

use clap::CommandFactory;
use clap::error::{ContextKind, ErrorKind};

use super::Args;
use super::streams::{here, say};
use crate::paper::hides;

/// Exit status: done.
pub const DONE: u8 = 0;
/// Exit status: failed.
pub const FAILED: u8 = 1;
/// Exit status: wrong usage.
pub const WRONG: u8 = 2;

/// Wrong usage that clap cannot see: flags that contradict each other, or an empty query.
#[derive(Debug)]
struct WrongUsage(String);

impl fmt::Display for WrongUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for WrongUsage {}

/// The error for wrong usage, printed in the form of clap's own errors.
pub fn wrong_usage(why: impl fmt::Display) -> anyhow::Error {
    anyhow::Error::new(WrongUsage(why.to_string()))
}

/// Prints the error, if any, and gives the exit status. `words` is the command line.
pub fn report(done: anyhow::Result<()>, words: &[OsString]) -> u8 {
    match done {
        Ok(()) => DONE,
        // The reader of our output has closed the pipe (`paperkin search ... | head`).
        Err(e) if is_broken_pipe(&e) => DONE,
        Err(e) => match e.downcast_ref::<WrongUsage>() {
            Some(wrong) => refuse(&of_command(wrong, words), words),
            None => {
                here().say_lines(&format!("error: {}", in_full(&e)));
                FAILED
            }
        },
    }
}

/// Prints clap's message, with a hint if a flag has swallowed the missing arguments. Help and version, which clap
/// treats as errors, go to stdout.
pub fn refuse(e: &clap::Error, words: &[OsString]) -> u8 {
    let (streams, text) = (here(), e.render());
    if !e.use_stderr() {
        let text = if streams.coloured() { text.ansi().to_string() } else { text.to_string() };
        // There is nowhere to report that help could not be written.
        let _ = std::io::Write::write_all(&mut super::streams::out(), text.as_bytes());
        return DONE;
    }
    let bare = text.to_string();
    // What is quoted may hold several lines: then all behind the first are set in.
    let several = words.iter().any(|word| word.to_string_lossy().contains('\n'));
    // If the arguments contain control characters, print without colours.
    if several {
        streams.say_lines(bare.trim_end());
    } else if streams.err_coloured() && !bare.chars().any(|c| c != '\n' && hides(c)) {
        streams.say_as_it_is(text.ansi().to_string().trim_end());
    } else {
        streams.say_text(bare.trim_end());
    }
    let missing = e.get(ContextKind::InvalidArg).map_or_else(String::new, ToString::to_string);
    let of_words = missing.starts_with("<WORDS>") || missing.starts_with("<ID>");
    if e.kind() == ErrorKind::MissingRequiredArgument && of_words {
        const GREEDY: [&str; 3] = ["--category", "--author", "--exclude"];
        if let Some(flag) = GREEDY.iter().find(|flag| words.iter().any(|word| word == **flag)) {
            say!("");
            say!("{flag} takes every word behind it; put it last, or `--` between.");
        }
    }
    WRONG
}

/// The message in clap's form.
fn of_command(wrong: &WrongUsage, words: &[OsString]) -> clap::Error {
    let mut args = Args::command();
    args.build();
    let matches = args.clone().try_get_matches_from(words).ok();
    let name = matches.and_then(|m| m.subcommand_name().map(str::to_string));
    let command = match name.and_then(|name| args.find_subcommand_mut(name)) {
        Some(command) => command,
        None => &mut args,
    };
    command.error(ErrorKind::ValueValidation, wrong)
}

/// An error with its causes, without those that it quotes already.
fn in_full(e: &anyhow::Error) -> String {
    let mut text = e.to_string();
    for cause in e.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

fn is_broken_pipe(e: &anyhow::Error) -> bool {
    e.chain().any(|c| c.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe))
}
