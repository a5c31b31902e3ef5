//! `paperkin mcp`

use std::path::Path;
use std::sync::Arc;

use super::desk::Desk;
use super::streams::{self, out};
use super::{Context, Settings, say, wrong_usage};
use crate::http::{Lines, serve_lines};
use crate::user::UserId;

/// What stands for an address where commands on the folder are answered by this process.
const ADDRESS: &str = "`paperkin mcp`";

/// Let a language model use the papers, over standard input and output (MCP)
///
/// Speaks the Model Context Protocol line by line, for a program that starts it: the tools search_papers,
/// similar_papers, recommend_papers, daily_feed, get_paper and themes, which all only read; papers and feeds as
/// resources. Nothing but the protocol is written to standard output. Over HTTP the service speaks the same at /mcp.
///
/// On a folder that is being served the service answers, as with every command. Otherwise this process opens the folder
/// and answers other commands on it as long as it runs.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin mcp --data /home/ada/papers
  paperkin mcp --user ada                        daily_feed is the feed of ada

As most programs want it in their settings:
  {\"mcpServers\": {\"paperkin\": {\"command\": \"paperkin\", \"args\": [\"--data\", \"/home/ada/papers\", \"mcp\"]}}}")]
pub struct Args {
    /// The reader whose feed is meant where nobody is named
    #[arg(long, value_name = "USER")]
    user: Option<String>,
}

pub fn run(context: &Context, args: &Args) -> anyhow::Result<()> {
    let reader = args.user.clone().map(UserId::new).transpose().map_err(wrong_usage)?;
    let engine = context.open_filled()?;
    if let Some(reader) = &reader
        && engine.user(reader.as_str()).is_err()
    {
        say!("nothing is known of {} yet; their feed is that of everybody until there is", reader.as_str());
    }
    let mut desk = None;
    if matches!(context.settings, Settings::Flags(_)) {
        desk = Desk::open(&context.config()?.data, &engine, ADDRESS)
            .inspect_err(|e| say!("warning: other commands on the folder cannot be taken meanwhile: {e}"))
            .ok();
        // The first search need not wait for the model.
        let early = Arc::clone(&engine);
        std::thread::spawn(move || early.embedder().map(drop));
    }
    let lines = Lines {
        input: streams::input(Path::new("-"))?,
        output: out(),
        reader: reader.map(|reader| reader.as_str().into()),
    };
    let here = streams::here();
    serve_lines(&engine, lines, &|| here.is_stopped())?;
    // Only now: whoever asks meanwhile is answered.
    drop(desk);
    Ok(())
}
