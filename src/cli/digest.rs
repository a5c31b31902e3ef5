//! `paperkin digest`

use std::time::Instant;

use serde_json::json;

use super::ask::{AskArgs, date};
use super::progress::{Progress, duration};
use super::{Context, say, show, streams};
use crate::engine::{Feed, Since};
use crate::jobs;
use crate::paper::PaperDate;
use crate::user::Moment;

/// The feeds of all users, one user a line, to send out in the morning
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin digest --date 2026-08-21 > digest.jsonl     {\"user\", \"papers\": [...]} a line
  paperkin digest --since 2026-08-19T07:00:00Z -k 5 --min-score 1.5
  paperkin digest --date 2026-08-21 | jq -r '.user + \": \" + .papers[0].title'

What a user has seen is not in it. With --min-score a user for whom nothing is good enough gets an empty list.")]
pub struct Args {
    /// Papers listed (else dated) on this day, or in this month or year
    #[arg(long, value_name = "DATE", value_parser = date, conflicts_with = "since")]
    date: Option<PaperDate>,
    /// Papers listed (else dated) on or after the day of this time
    #[arg(long, value_name = "MOMENT", value_parser = moment)]
    since: Option<Moment>,
    #[command(flatten)]
    ask: AskArgs,
}

pub fn run(context: &Context, args: &Args) -> anyhow::Result<()> {
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

fn moment(text: &str) -> Result<Moment, String> {
    Moment::parse(text).map_err(|e| e.to_string())
}
