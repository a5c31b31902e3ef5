//! `paperkin keys`: what opens the service to programs.

use super::ask::word;
use super::streams::out;
use super::{Context, say, show};
use crate::access::Scope;
use crate::engine::{KeyView, NewKey, read_expiry};
use crate::user::Moment;

/// Keys that open the service
///
/// Where `[auth] mode = "keys"` is set, a request says by a key who asks: `Authorization: Bearer pk_...`. Scopes: read
/// (search and lists of papers; every scope includes it), write (papers in and out), users (act for any reader), admin
/// (everything, keys included). A key with --user acts for that reader alone. On a folder that is being served all of
/// this holds from the next request on.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin keys add crawler --scope write
  paperkin keys add \"Ada's laptop\" --user ada --expires 90d
  paperkin keys list
  paperkin keys revoke 5f0c2a9e77b1")]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    Add(AddArgs),
    List(ListArgs),
    Revoke(RevokeArgs),
}

/// Make a key, and print it this once
///
/// Of its secret only a hash is kept: nobody can print it again.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin keys add reports
  paperkin keys add crawler --scope write --expires 2027-03-31
  paperkin keys add \"Ada's laptop\" --user ada
  KEY=$(paperkin keys add ci --scope write --expires 12h)")]
struct AddArgs {
    /// What it is called: 1 to 200 characters
    name: String,
    /// What it lets its holder do: read, write, users or admin; repeat for several [default: read]
    #[arg(long = "scope", value_name = "SCOPE", value_parser = word::<Scope>)]
    scopes: Vec<Scope>,
    /// The one reader for whom it acts; made if new
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// From when on it opens nothing: a span (12h, 30d, 8w; 36500d at most), a date (with its end, UTC) or a time
    #[arg(long, value_name = "DATE|SPAN")]
    expires: Option<String>,
}

/// List the keys, without their secrets
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin keys list
  paperkin keys list --json | jq -r 'select(.last_used == null).id'")]
struct ListArgs {}

/// Revoke a key: it opens nothing any more
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin keys revoke 5f0c2a9e77b1")]
struct RevokeArgs {
    /// The id of the key, as `keys list` shows it
    id: String,
}

pub fn run(context: &Context, args: &Args) -> anyhow::Result<()> {
    match &args.action {
        Action::Add(args) => add(context, args),
        Action::List(ListArgs {}) => list(context),
        Action::Revoke(RevokeArgs { id }) => {
            context.open_as_it_is()?.revoke_key(id)?;
            say!("key {} opens nothing any more", show::plain(id));
            Ok(())
        }
    }
}

fn add(context: &Context, args: &AddArgs) -> anyhow::Result<()> {
    let expires = args.expires.as_deref().map(|text| read_expiry(text, Moment::now())).transpose()?;
    let new = NewKey { name: args.name.clone(), scopes: args.scopes.clone(), user: args.user.clone(), expires };
    let made = context.open_as_it_is()?.add_key(&new)?;
    if context.json {
        return show::document(&made);
    }
    let whom = made.user.as_ref().map_or_else(String::new, |user| format!(" for the reader {user}"));
    let until = made.expires.map_or_else(String::new, |at| format!(", until {at}"));
    let scopes: Vec<&str> = made.scopes.given().map(Scope::name).collect();
    say!("{}", show::plain(&format!("key {} ({}){whom}{until}. It is shown this once:", made.id, scopes.join(", "))));
    show::text(&made.key)
}

fn list(context: &Context) -> anyhow::Result<()> {
    let keys = context.open_as_it_is()?.keys();
    if context.json {
        return show::lines(&mut out(), &keys);
    }
    let now = Moment::now();
    let lines: Vec<String> = keys.iter().map(|key| line(key, now)).collect();
    if lines.is_empty() {
        say!("there are no keys; `paperkin keys add NAME` makes one");
        return Ok(());
    }
    show::table(&lines)
}

fn line(key: &KeyView, now: Moment) -> String {
    let scopes: Vec<&str> = key.scopes.given().map(Scope::name).collect();
    let whom = key.user.as_ref().map_or_else(String::new, |user| format!(" for {user}"));
    let until = match key.expires {
        None => String::new(),
        Some(at) if at <= now => format!("  expired {at}"),
        Some(at) => format!("  until {at}"),
    };
    let used = key.last_used.map_or_else(|| "never used".to_string(), |at| format!("last used {at}"));
    format!("{}  {}{whom}  made {}{until}  {used}  {}", key.id, scopes.join(","), key.created, key.name)
}
