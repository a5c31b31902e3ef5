//! `paperkin digest`

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::json;

use super::ask::{AskArgs, date};
use super::progress::{Progress, duration};
use super::streams::CreateMode;
use super::{Context, say, show, streams};
use crate::config::Config;
use crate::deliver::digest::{Outbox, Preview, Sent, When, Without};
use crate::engine::{Engine, Feed, Since};
use crate::jobs;
use crate::paper::PaperDate;
use crate::store::Lease;
use crate::user::Moment;

/// Send the mails that are due, write them into files, or print the feeds of all users
///
/// With --send the mails of the subscriptions that are due are chosen, written down and sent; a service that runs does so by itself.
/// With --out they are written as .eml files, which any mail program opens; alone it sends and notes nothing. With both, what is
/// sent is written as well. With neither, the personal feeds of all users are printed, one user a line.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin digest --send                               the mails whose hour has come
  paperkin digest --date 2026-08-21 --send             those of that day, whatever their hour
  paperkin digest --date 2026-08-21 --out mails/       to look at them
  paperkin digest --date 2026-08-21 > digest.jsonl     {\"user\", \"papers\": [...]} a line
  paperkin digest --since 2026-08-19T07:00:00Z -k 5 --min-score 1.5

What a user has seen is not in their feed. With --min-score a user for whom nothing is good enough gets an empty list.")]
pub struct Args {
    /// Papers listed (else dated) on this day, or in this month or year; with --send or --out the day of the mails [default
    /// there: those whose hour has come]
    #[arg(long, value_name = "DATE", value_parser = date, conflicts_with = "since")]
    date: Option<PaperDate>,
    /// Papers listed (else dated) on or after the day of this time
    #[arg(long, value_name = "MOMENT", value_parser = moment, conflicts_with_all = ["send", "out"])]
    since: Option<Moment>,
    /// Send the mails that are due to those who subscribed to them
    #[arg(long)]
    send: bool,
    /// Write the mails that are due into this folder, one .eml a mail
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    ask: AskArgs,
}

pub fn run(context: &Context, args: &Args) -> anyhow::Result<()> {
    if args.send || args.out.is_some() {
        return mails(context, args);
    }
    let since = match (&args.date, args.since) {
        (Some(date), _) => Since::Date(date.clone()),
        (None, Some(moment)) => Since::Moment(moment),
        (None, None) => Since::Ever,
    };
    let ask = args.ask.ask()?;
    let diversity = Some(ask.diversity).filter(|d| *d > 0.0);
    let feed = Feed { ask, diversity, since, ..Feed::default() };
    let engine = context.open_filled()?;
    // The service does so by itself; of a folder that nobody serves this is the one command that is sent out every day.
    jobs::tell_today(&engine)?;
    let (users, began) = (engine.count_users()?, Instant::now());
    let (mut done, mut out) = (0, show::JsonLines::new());
    // On a terminal the lines themselves show the progress.
    let progress =
        if streams::here().out_term().is_term() { None } else { Some(Progress::new("digest", "users", None)) };
    let told = engine.digest(&feed, &mut |user, answer| {
        done += 1;
        progress.iter().for_each(|p| p.at(done, users));
        out.line(json!({ "user": user, "papers": answer.papers }))
    });
    progress.iter().for_each(Progress::finish);
    out.finish(told)?;
    say!("{} in {}", show::counted(done, "user"), duration(began.elapsed().as_secs_f64()));
    Ok(())
}

/// Sends the mails that are due, or writes them.
fn mails(context: &Context, args: &Args) -> anyhow::Result<()> {
    let when = match &args.date {
        None => When::now(),
        Some(date) if date.first_day() == date.last_day() => When::Day(date.first_day()),
        Some(date) => anyhow::bail!("--date is {date}; with --send and --out it is one day, as 2026-08-21"),
    };
    if let When::Day(day) = when
        && day > Moment::now().day() + 1
    {
        anyhow::bail!("--date is in the future");
    }
    let (config, engine) = (context.config()?, context.open_filled()?);
    // Feeds hold what others read; of a folder that nobody serves this is the one command that is run every day.
    jobs::tell_today(&engine)?;
    let began = Instant::now();
    if let Some(folder) = &args.out {
        write(context, &engine, &config, when, folder, args.send)?;
    }
    if !args.send {
        return Ok(());
    }
    let waiting = |lease: &Lease| say!("mails are being sent already, since {}; waiting for that…", lease.since);
    let progress = Progress::new("sending", "mails", None);
    let total = engine.count_subscriptions()?;
    let sent = jobs::send_mail(&engine, &config, when, &waiting, &|so_far: Sent| {
        progress.at(usize::try_from(so_far.sent + so_far.later + so_far.failed).unwrap_or(0), total);
    });
    progress.finish();
    let Sent { sent, nothing, later, failed } = sent?;
    if context.json {
        return show::document(&json!({ "sent": sent, "nothing": nothing, "later": later, "failed": failed }));
    }
    say!(
        "{sent} sent in {}{}{}{}",
        duration(began.elapsed().as_secs_f64()),
        more(nothing, "had no papers"),
        more(later, "to be tried again"),
        more(failed, "given up (`paperkin subscriptions` says why)"),
    );
    Ok(())
}

/// Writes the mails that are due as files.
fn write(
    context: &Context,
    engine: &Engine,
    config: &Config,
    when: When,
    folder: &Path,
    sends: bool,
) -> anyhow::Result<()> {
    let (mailer, base) = Outbox::of_settings(config)?;
    streams::make_folder(folder)?;
    let (mut written, mut out) = (0usize, show::JsonLines::new());
    let without = Outbox::new(engine, &mailer, &base).preview(when, &mut |mail: Preview| {
        let path = folder.join(format!("{}.{}.eml", mail.date, mail.subscription));
        let mut file = streams::create(&path, CreateMode::Replace)?;
        file.write_all(&mail.message).map_err(|e| crate::Error::io(&path, "cannot write", e))?;
        written += 1;
        if context.json && !sends {
            let Preview { subscription, email, date, subject, message_id, papers, .. } = mail;
            let file = path.display().to_string();
            return out.line(json!({
                "subscription": subscription, "email": email, "date": date, "subject": subject, "message_id": message_id,
                "papers": papers, "file": file,
            }));
        }
        Ok(())
    });
    out.finish(without.map(|Without { nothing, failed }| {
        let folder = show::plain(&folder.display().to_string());
        say!(
            "{} in {folder}{}{}",
            show::counted(written, "mail"),
            more(nothing, "had no papers"),
            more(failed, "cannot be made"),
        );
    }))?;
    Ok(())
}

fn more(n: u64, what: &str) -> String {
    if n > 0 { format!(", {n} {what}") } else { String::new() }
}

fn moment(text: &str) -> Result<Moment, String> {
    Moment::parse(text).map_err(|e| e.to_string())
}
