//! `paperkin users link`, `sessions` and `sign-out`: how readers sign in with a browser, and who did.

use serde_json::json;

use super::streams::out;
use super::{Context, Settings, say, show};
use crate::access::Caller;
use crate::config::{AuthMode, Config};
use crate::engine::{LINK_VALID, SessionView, SessionsOf};

/// Print a link by which a reader signs in, once, within 15 minutes
///
/// Whoever opens it first is that reader in their browser, for 30 days after each use: send it to nobody else. It begins
/// with `public_url` where that is set. A reader who is not there yet is made.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin users link ada
  paperkin users link ada --json | jq -r .url")]
pub struct LinkArgs {
    /// The reader
    user: String,
}

/// List who is signed in with a browser
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin users sessions
  paperkin users sessions ada --json")]
pub struct SessionsArgs {
    /// Only sessions of this reader
    user: Option<String>,
}

/// Sign a reader out everywhere, or end one session
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin users sign-out ada
  paperkin users sign-out --session 4c1f09a2b7d3e850")]
pub struct SignOutArgs {
    /// The reader
    #[arg(required_unless_present = "session", conflicts_with = "session")]
    user: Option<String>,
    /// The id of one session, as `paperkin users sessions` shows it
    #[arg(long, value_name = "ID")]
    session: Option<String>,
}

pub fn link(context: &Context, args: &LinkArgs) -> anyhow::Result<()> {
    let (engine, config) = (context.open_as_it_is()?, context.config()?);
    let served = matches!(context.settings, Settings::Served(..));
    let link = engine.make_sign_in_link(&args.user)?;
    let url = link.address(&base(&config));
    let minutes = LINK_VALID.as_secs() / 60;
    if context.json {
        let told =
            json!({ "user": link.reader, "url": url, "expires": link.until, "valid_for_s": LINK_VALID.as_secs() });
        show::document(&told)?;
    } else {
        show::text(&url)?;
        say!("signs in as {}, once, within {minutes} minutes", show::plain(link.reader.as_str()));
    }
    if !served {
        say!("note: nobody serves this folder now; start `paperkin serve` within these minutes");
    }
    let settings = if served { engine.config() } else { &config };
    if settings.auth.mode == AuthMode::Open {
        say!("note: nobody signs in while `[auth] mode` is `open`; set it to `keys` (PAPERKIN_AUTH_MODE=keys)");
    }
    if settings.public_url.is_none() {
        say!("note: the link leads to the address that is listened on; set public_url where readers reach another");
    }
    Ok(())
}

/// The address of the service, without a slash at its end, as a browser can be given it: who listens everywhere is found on this
/// machine.
fn base(config: &Config) -> String {
    let url = config.public_url.clone().unwrap_or_else(|| format!("http://{}", config.addr));
    url.replacen("://0.0.0.0:", "://127.0.0.1:", 1).replacen("://[::]:", "://[::1]:", 1)
}

pub fn sessions(context: &Context, args: &SessionsArgs) -> anyhow::Result<()> {
    let engine = context.open_as_it_is()?;
    let of = args.user.clone().map_or(SessionsOf::All, SessionsOf::Reader);
    let all = engine.sessions(&of, &Caller::nobody());
    if context.json {
        return show::lines(&mut out(), &all);
    }
    if !all.is_empty() {
        show::table(all.iter().map(line))?;
    }
    say!("{}", show::counted(all.len(), "session"));
    Ok(())
}

fn line(session: &SessionView) -> String {
    let SessionView { id, reader, key, last_seen, browser, .. } = session;
    let who = match (reader, key) {
        (Some(reader), _) => format!("as {reader}"),
        (None, key) => format!("by key {}", key.as_deref().unwrap_or("-")),
    };
    format!("{id}  last used {last_seen}  {who}  {browser}")
}

pub fn sign_out(context: &Context, args: &SignOutArgs) -> anyhow::Result<()> {
    let engine = context.open_as_it_is()?;
    if let Some(id) = &args.session {
        engine.end_session(&SessionsOf::All, id)?;
        say!("session {} has ended", show::plain(id));
    } else if let Some(user) = &args.user {
        let ended = engine.end_sessions(&SessionsOf::Reader(user.clone()))?;
        say!("{} of {} ended", show::counted(ended, "session"), show::plain(user));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_to_an_address_that_a_browser_can_be_given() {
        let at = |addr: &str, public_url: Option<&str>| {
            base(&Config { addr: addr.into(), public_url: public_url.map(Into::into), ..Config::new("x") })
        };
        assert_eq!(at("127.0.0.1:7878", None), "http://127.0.0.1:7878");
        assert_eq!(at("0.0.0.0:80", None), "http://127.0.0.1:80");
        assert_eq!(at("[::]:80", None), "http://[::1]:80");
        assert_eq!(at("box.lan:80", None), "http://box.lan:80");
        assert_eq!(at("0.0.0.0:80", Some("https://papers.example/lab")), "https://papers.example/lab");
    }
}
