//! `paperkin subscriptions`: who gets what by mail.

use super::streams::out;
use super::{Context, say, show};
use crate::deliver::digest::{cadence, title};
use crate::deliver::mail::checked_address;
use crate::engine::{Deed, Engine, SubscriptionView};
use crate::user::Moment;

/// Show who gets what by mail, and pause, resume or end it
///
/// Subscriptions are asked for by `POST /v1/subscriptions`, and begin when the link in the mail that follows is confirmed. One that
/// is paused says why: its address refused a mail, five attempts in a row failed, or whoever gets it did so.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin subscriptions
  paperkin subscriptions --json | jq -r 'select(.state == \"paused\") | .email + \": \" + .reason'
  paperkin subscriptions pause 5f0c2a9e77b1 --until 2026-12-24
  paperkin subscriptions resume 5f0c2a9e77b1
  paperkin subscriptions bounced ada@university.example     a mail to her came back")]
pub struct Args {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Send nothing for a while; what is missed comes in the mail behind that, the best of it
    Pause {
        /// The id, or the beginning of it that no other has
        id: String,
        /// When it goes on by itself [default: when it is resumed]
        #[arg(long, value_name = "DATE", value_parser = moment)]
        until: Option<Moment>,
    },
    /// Let a paused one go on
    Resume {
        /// The id, or the beginning of it that no other has
        id: String,
    },
    /// Send no more
    End {
        /// The id, or the beginning of it that no other has
        id: String,
    },
    /// Pause everything that goes to addresses from which mail came back
    Bounced {
        /// The addresses
        #[arg(required = true)]
        emails: Vec<String>,
        /// What the mail that came back says
        #[arg(long, default_value = "it could not be delivered")]
        reason: String,
    },
}

/// Subscriptions that are read at a time.
const PAGE: usize = 500;

pub fn run(context: &Context, args: &Args) -> anyhow::Result<()> {
    let engine = context.open_as_it_is()?;
    let settle = |id: &str, deed| {
        let id = full_id(&engine, id)?;
        let now = engine.settle_subscription(&id, deed, Moment::now())?;
        show_one(context, &engine, &now)
    };
    match &args.action {
        None => list(context, &engine),
        Some(Action::Pause { id, until }) => settle(id, Deed::Pause(*until)),
        Some(Action::Resume { id }) => settle(id, Deed::Resume),
        Some(Action::End { id }) => settle(id, Deed::End),
        Some(Action::Bounced { emails, reason }) => {
            let reason = format!("a mail came back: {reason}");
            for email in emails {
                let paused = engine.bounced(&checked_address(email)?, &reason, Moment::now())?;
                say!("{}: {} paused", show::plain(email), show::counted(paused, "subscription"));
            }
            Ok(())
        }
    }
}

fn all(engine: &Engine, f: &mut dyn FnMut(&[SubscriptionView]) -> anyhow::Result<()>) -> anyhow::Result<usize> {
    let (mut cursor, mut seen) = (None::<String>, 0);
    loop {
        let page = engine.subscriptions(PAGE, cursor.as_deref())?;
        seen += page.items.len();
        f(&page.items)?;
        match page.next {
            Some(next) => cursor = Some(next),
            None => return Ok(seen),
        }
    }
}

fn list(context: &Context, engine: &Engine) -> anyhow::Result<()> {
    let mut out = out();
    let seen = all(engine, &mut |page| {
        if context.json {
            return show::lines(&mut out, page);
        }
        show::table(page.iter().flat_map(|s| lines(engine, s)))
    })?;
    if !context.json {
        say!("{}", show::counted(seen, "subscription"));
    }
    Ok(())
}

fn show_one(context: &Context, engine: &Engine, s: &SubscriptionView) -> anyhow::Result<()> {
    if context.json { show::document(s) } else { show::table(lines(engine, s)) }
}

/// The id that a text begins.
fn full_id(engine: &Engine, given: &str) -> anyhow::Result<String> {
    if engine.subscription(given).is_ok() {
        return Ok(given.to_string());
    }
    let mut fits = Vec::new();
    all(engine, &mut |page| {
        fits.extend(page.iter().filter(|s| !given.is_empty() && s.id.starts_with(given)).map(|s| s.id.clone()));
        Ok(())
    })?;
    match &fits[..] {
        [one] => Ok(one.clone()),
        [] => anyhow::bail!("no subscription has the id {given:?}; `paperkin subscriptions` lists them"),
        several => {
            anyhow::bail!("{} subscriptions have an id that begins with {given:?}; give more of it", several.len())
        }
    }
}

/// A subscription in some lines.
fn lines(engine: &Engine, s: &SubscriptionView) -> Vec<String> {
    let plan = engine.stored_subscription(&s.id).map(|stored| cadence(&stored.plan)).unwrap_or_default();
    let user = s.user.as_ref().map_or_else(String::new, |user| format!(", for the reader {user}"));
    let mut lines = vec![
        format!("{}  {:<8}  {}", s.id, s.state, s.email),
        format!("    what  {}, {plan}, at most {}{user}", title(engine, &s.what), show::counted(s.budget, "paper")),
    ];
    if let Some(reason) = &s.reason {
        let until = s.until.map_or_else(String::new, |at| format!(", until {at}"));
        lines.push(format!("    why   {reason}{until}"));
    }
    match &s.last {
        Some(last) => {
            let error = last.error.as_ref().map_or_else(String::new, |e| format!(": {e}"));
            let of = last.date.as_deref().unwrap_or("the mail that asks");
            lines.push(format!("    last  {of}, {} since {}{error}", last.state, last.since));
        }
        None if s.confirmed.is_some() => lines.push("    last  none yet".into()),
        None => {}
    }
    if let Some(next) = s.next {
        lines.push(format!("    next  {next}"));
    }
    lines
}

fn moment(text: &str) -> Result<Moment, String> {
    Moment::parse(text).map_err(|e| e.to_string())
}
