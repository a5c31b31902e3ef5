//! `paperkin completions` and `paperkin man`: what a package brings besides the binary, made from the command line itself.

use std::io::Write as _;
use std::path::PathBuf;

use clap::{Command, CommandFactory};
use clap_complete::Shell;

use super::streams::{self, CreateMode, out};
use super::{say, show};

/// Print what lets a shell complete commands and options
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin completions bash > ~/.local/share/bash-completion/completions/paperkin
  paperkin completions zsh > ~/.zfunc/_paperkin            with `fpath+=~/.zfunc` before compinit in ~/.zshrc
  paperkin completions fish > ~/.config/fish/completions/paperkin.fish
  paperkin completions powershell >> $PROFILE")]
pub struct CompletionsArgs {
    /// Your shell
    shell: Shell,
}

pub fn completions(args: &CompletionsArgs) -> anyhow::Result<()> {
    // Into memory first: the generator panics where it cannot write, as into a pipe that is closed.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::Args::command(), "paperkin", &mut script);
    Ok(out().write_all(&script)?)
}

/// Write manual pages into a folder, one for each command
///
/// The pages are called paperkin.1, paperkin-ingest.1, paperkin-history-import.1 and so on. The folder is made where there is none;
/// pages of these names are written over.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin man ~/.local/share/man/man1
  paperkin man pages && man pages/paperkin-ingest.1")]
pub struct ManArgs {
    /// Where to
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

pub fn man(args: &ManArgs) -> anyhow::Result<()> {
    // `paperkin help COMMAND` prints the same, and needs no page for each command again.
    let mut root = super::Args::command().disable_help_subcommand(true);
    // Gives each command below the full name that its page is called by.
    root.build();
    let mut pages = Vec::new();
    collect(&root, &mut pages)?;
    streams::make_folder(&args.folder)?;
    for (name, page) in &pages {
        streams::create(&args.folder.join(name), CreateMode::Replace)?.write_all(page)?;
    }
    say!("wrote {} to {}", show::counted(pages.len(), "page"), args.folder.display());
    Ok(())
}

/// The pages of a command and of those below it.
fn collect(command: &Command, pages: &mut Vec<(String, Vec<u8>)>) -> anyhow::Result<()> {
    let page = clap_mangen::Man::new(command.clone())
        .source(concat!("paperkin ", env!("CARGO_PKG_VERSION")))
        .manual("Commands of paperkin");
    let mut text = Vec::new();
    page.render(&mut text)?;
    pages.push((page.get_filename(), text));
    command.get_subcommands().filter(|sub| !sub.is_hide_set()).try_for_each(|sub| collect(sub, pages))
}
