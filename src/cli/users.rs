//! `paperkin users`: who there is.

use super::sign_in::{self, LinkArgs, SessionsArgs, SignOutArgs};
use super::streams::out;
use super::{Context, say, show};
use crate::engine::UserView;

/// The readers of a data folder
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin users
  paperkin users --json | jq -r .id
  paperkin users link ada                  a link by which she signs in
  paperkin users delete ada")]
pub struct Args {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(clap::Subcommand)]
enum Action {
    Link(LinkArgs),
    Sessions(SessionsArgs),
    SignOut(SignOutArgs),
    Delete(DeleteArgs),
}

/// Forget a reader: settings, events, interests, library, feed address, keys and sessions
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin users delete ada")]
struct DeleteArgs {
    /// The reader
    user: String,
}

/// Readers that are read at a time.
const PAGE: usize = 500;

pub fn run(context: &Context, args: &Args) -> anyhow::Result<()> {
    match &args.action {
        None => list(context),
        Some(Action::Link(args)) => sign_in::link(context, args),
        Some(Action::Sessions(args)) => sign_in::sessions(context, args),
        Some(Action::SignOut(args)) => sign_in::sign_out(context, args),
        Some(Action::Delete(DeleteArgs { user })) => {
            context.open_as_it_is()?.delete_user(user)?;
            say!("{} is forgotten", show::plain(user));
            Ok(())
        }
    }
}

fn list(context: &Context) -> anyhow::Result<()> {
    let engine = context.open_as_it_is()?;
    let (mut out, mut cursor, mut seen) = (out(), None::<String>, 0);
    loop {
        let page = engine.users(PAGE, cursor.as_deref())?;
        seen += page.items.len();
        if context.json {
            show::lines(&mut out, &page.items)?;
        } else {
            let lines: Vec<String> = page.items.iter().map(line).collect();
            if !lines.is_empty() {
                show::table(&lines)?;
            }
        }
        match page.next {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    if !context.json {
        say!("{}", show::counted(seen, "reader"));
    }
    Ok(())
}

fn line(user: &UserView) -> String {
    format!("{:>9} {:<6}  since {}  {}", show::thousands(user.events), noun(user.events), user.created, user.id)
}

fn noun(events: usize) -> &'static str {
    if events == 1 { "event" } else { "events" }
}
