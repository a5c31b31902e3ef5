//! What holds for the command line as a whole.

use clap::CommandFactory;

use super::ask::word;
use super::*;
use crate::engine::{Mode, PaperOrder};
use crate::eval::sets::Half;
use crate::eval::situations::Situation;
use crate::eval::users::Method;
use crate::rank::Strategy;
use crate::sources::Format;

#[test]
fn the_command_line_is_consistent() {
    Args::command().debug_assert();
}

/// An argument of a command that has the name of an option of every command takes its place, and reading that one fails.
#[test]
fn no_command_takes_the_name_of_an_option_of_all() {
    fn walk(command: &clap::Command, all: &[String], path: &str, found: &mut Vec<String>) {
        for sub in command.get_subcommands() {
            let path = format!("{path} {}", sub.get_name());
            let taken = sub.get_arguments().filter(|a| all.iter().any(|name| a.get_id() == name.as_str()));
            found.extend(taken.map(|a| format!("{path} --{}", a.get_id())));
            walk(sub, all, &path, found);
        }
    }
    let root = Args::command();
    let all: Vec<String> = root.get_arguments().filter(|a| a.is_global_set()).map(|a| a.get_id().to_string()).collect();
    assert!(all.len() > 8 && all.contains(&"log".to_string()), "{all:?}");
    let mut found = Vec::new();
    walk(&root, &all, "paperkin", &mut found);
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn help_names_the_words_that_are_taken() {
    for (commands, argument, known) in [
        ("search", "mode", word::<Mode>("").err()),
        ("themes", "sort", word::<PaperOrder>("").err()),
        ("recommend", "strategy", word::<Strategy>("").err()),
        ("history import", "format", word::<Format>("").err()),
        ("eval search", "mode", word::<Mode>("").err()),
        ("eval search", "half", word::<Half>("").err()),
        ("eval recommend", "strategy", word::<Strategy>("").err()),
        ("eval users", "method", word::<Method>("").err()),
        ("eval situations", "only", word::<Situation>("").err()),
        ("eval situations", "half", word::<Half>("").err()),
    ] {
        let root = Args::command();
        let find = |command: &clap::Command, name: &str| command.find_subcommand(name).expect("a command").clone();
        let command = commands.split(' ').fold(root, |command, name| find(&command, name));
        let argument = command.get_arguments().find(|a| a.get_id() == argument).expect("an argument");
        let help = argument.get_help().expect("help").to_string();
        let known = known.expect("words");
        let words = known.trim_start_matches("it is one of ").split(", ");
        words.for_each(|word| assert!(help.contains(word), "{commands}: {help:?} does not name {word}"));
    }
}
