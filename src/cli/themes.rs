//! `paperkin themes`

use std::io::Write;
use std::path::PathBuf;

use super::ask::{FilterArgs, at_least_one, limit, word};
use super::progress::meanwhile;
use super::show::{plain, style, thousands, title};
use super::streams::{out, say};
use super::theme_map::{MapFile, Wanted, points_file, vectors_file};
use super::{Context, show, theme_map, wrong_usage};
use crate::engine::{Engine, OneTheme, PaperOrder, Theme, ThemeList, ThemeOptions, ThemesOptions, ThemesRun};
use crate::eval::table::named;
use crate::jobs::{self, THEMES};
use crate::store::Lease;
use crate::themes::levels::FINEST;
use crate::themes::trend::Direction;

/// Papers of a theme, or events, where nothing is said.
const SHOWN: usize = 10;

/// What the corpus is about: a tree of themes, or a map
///
/// Themes are found in the papers, at three levels that nest (0 is the coarsest). They are made on the first call and
/// made anew when a tenth of the papers is new; ids and names carry on where enough papers stay together.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin themes                       the tree of the two coarser levels
  paperkin themes --level 2             down to the finest
  paperkin themes --about 20            about twenty themes, each paper in one of them
  paperkin themes t12 --sort newest     one theme and its newest papers
  paperkin themes t12 --search lidar    a search within it
  paperkin themes t12 --from 2026-08    its papers since then
  paperkin themes --map map.svg         the map as a picture (.svg, .png); map.html can be moved, searched, coloured
  paperkin themes --points map.csv      where each paper is on it: paper, theme, x, y, theme_name
  paperkin themes --vectors map.npy     their vectors for NumPy; row k is of the paper in line k of map.ids.txt
  paperkin themes --events              what was born, grew, shrank, split, merged, died")]
pub struct Args {
    /// One theme, by id
    #[arg(value_name = "THEME")]
    id: Option<String>,
    /// The tree down to this level; with --json only this level
    #[arg(long, value_name = "0..2", value_parser = level, conflicts_with_all = ["id", "map", "points", "vectors", "events"])]
    level: Option<usize>,
    /// About so many themes, each paper in one of them: a list, largest first
    #[arg(long, value_name = "N", value_parser = at_least_one, conflicts_with_all = ["level", "map", "points", "vectors", "events", "id"])]
    about: Option<usize>,
    /// Draw the map into this file: .svg, .png, or .html, which is the map of the service with all papers in it
    #[arg(long, value_name = "FILE", value_parser = MapFile::of, conflicts_with = "id")]
    map: Option<MapFile>,
    /// Write where the papers are on the map into this file: .csv with paper, theme, x, y and theme_name
    #[arg(long, value_name = "FILE", value_parser = points_file, conflicts_with = "id")]
    points: Option<PathBuf>,
    /// Write their vectors into this file: .npy (NumPy, a row a paper), and their ids beside it, one a line (.ids.txt)
    #[arg(long, value_name = "FILE", value_parser = vectors_file, conflicts_with = "id")]
    vectors: Option<PathBuf>,
    /// What happened to the themes
    #[arg(long, conflicts_with_all = ["map", "points", "vectors", "id"])]
    events: bool,
    /// Make the themes anew now
    #[arg(long)]
    rebuild: bool,
    /// With --rebuild: forget the themes that were there, with their ids and places
    #[arg(long, requires = "rebuild")]
    afresh: bool,
    /// Order of a theme's papers: central, newest or most-read
    #[arg(long, value_name = "ORDER", value_parser = word::<PaperOrder>, requires = "id", default_value = "central")]
    sort: PaperOrder,
    /// Search for this within a theme: the closest papers come first
    #[arg(long, value_name = "WORDS", requires = "id", conflicts_with = "sort")]
    search: Option<String>,
    /// Papers of a theme, or events; 1 to 500 [default: 10]
    #[arg(short = 'k', long = "limit", value_parser = limit)]
    limit: Option<usize>,
    #[command(flatten)]
    filter: FilterArgs,
}

pub fn run(context: &Context, args: &Args) -> anyhow::Result<()> {
    let filter = args.filter.filter()?;
    if args.id.is_none() && !filter.is_empty() {
        return Err(wrong_usage(
            "--from, --to, --category, --author and --exclude choose among the papers of a theme; name one",
        ));
    }
    if args.limit.is_some() && args.id.is_none() && !args.events {
        return Err(wrong_usage(
            "--limit is how many papers of a theme, or how many events: name a theme, or ask for --events",
        ));
    }
    let engine = context.open_filled()?;
    // On the command line whoever asks waits, however many papers there are.
    if (args.rebuild || engine.themes_have_work(true)?)
        && let Some(done) = kept(&engine, args)?
    {
        let stayed = done.stayed.map_or_else(String::new, |s| format!("; {:.1}% of papers stayed", 100.0 * s));
        let [near, group, draw, write] = [0, 1, 2, 3].map(|k| done.took_s.get(k).copied().unwrap_or(0.0));
        say!(
            "{} papers in {:.1} s (neighbours {near:.1}, themes {group:.1}, names and map {draw:.1}, written {write:.1}){stayed}",
            thousands(done.papers),
            near + group + draw + write
        );
    }
    let files = Wanted { map: args.map.as_ref(), points: args.points.as_deref(), vectors: args.vectors.as_deref() };
    if files.map.is_some() || files.points.is_some() || files.vectors.is_some() {
        let papers = theme_map::write(&engine, &files)?;
        return if context.json { show::document(&files.written(papers)) } else { Ok(()) };
    }
    if args.events {
        return events(context, &engine, args.limit.unwrap_or(SHOWN));
    }
    if let Some(id) = &args.id {
        let ask = ThemeOptions {
            order: args.sort,
            limit: args.limit.unwrap_or(SHOWN),
            offset: 0,
            q: args.search.clone(),
            filter,
        };
        return one(context, &engine.theme(id, &ask)?);
    }
    if context.json || args.about.is_some() {
        let ask = ThemesOptions { level: args.level, about: args.about, ..ThemesOptions::default() };
        let asked = engine.themes(&ask)?;
        return if context.json { show::lines(&mut out(), &asked.themes) } else { flat(&asked) };
    }
    let list = engine.themes(&ThemesOptions::default())?;
    tree(&list, args.level.unwrap_or(1))
}

/// Brings the themes up to date as the job of the service does, and under its lock; gives the run that was made.
fn kept(engine: &Engine, args: &Args) -> anyhow::Result<Option<ThemesRun>> {
    let making = match args.rebuild || engine.themes_due()? {
        true => Some(format!("making the themes of {} papers", thousands(engine.info()?.papers))),
        // That new papers join takes but a moment.
        false => None,
    };
    let waiting = |lease: &Lease| say!("the job `themes` runs already, since {}; waiting for it…", lease.since);
    Ok(jobs::once(engine, THEMES, &waiting, || {
        let keep = || match args.rebuild {
            true => engine.rebuild_themes(args.afresh),
            false => engine.keep_themes(true),
        };
        let kept = making.as_ref().map_or_else(keep, |what| meanwhile(what, keep))?;
        let numbers = jobs::themes_numbers(&kept);
        Ok((kept.run, numbers))
    })?)
}

fn events(context: &Context, engine: &Engine, limit: usize) -> anyhow::Result<()> {
    let events = engine.theme_events(limit)?.events;
    let mut out = out();
    if context.json {
        return show::lines(&mut out, &events);
    }
    for e in &events {
        writeln!(out, "{}", plain(&format!("{}  {:<7} {:<6} {}", e.at, e.kind, e.theme, e.text)))?;
    }
    if events.is_empty() {
        writeln!(out, "Nothing happened yet.")?;
    }
    Ok(())
}

/// Themes one a line.
fn flat(list: &ThemeList) -> anyhow::Result<()> {
    let mut out = out();
    for theme in &list.themes {
        let facts = plain(&format!("{} · {}{}", theme.id, thousands(theme.size), arrow(theme)));
        writeln!(out, "{}  {}", plain(&theme.name), style(facts).dim())?;
    }
    if list.themes.is_empty() {
        writeln!(out, "No themes.")?;
    }
    say!(
        "{} themes; {} papers, {} in no theme",
        list.themes.len(),
        thousands(list.meta.papers),
        thousands(list.meta.unassigned)
    );
    Ok(())
}

/// The tree down to a level.
fn tree(list: &ThemeList, level: usize) -> anyhow::Result<()> {
    let mut out = out();
    let roots: Vec<&Theme> = list.themes.iter().filter(|t| t.parent.is_none()).collect();
    for theme in &roots {
        branch(&mut out, list, theme, level, "", "")?;
    }
    if roots.is_empty() {
        writeln!(out, "No themes.")?;
    }
    let meta = &list.meta;
    say!(
        "{} papers, {} in no theme; themes at the levels: {}",
        thousands(meta.papers),
        thousands(meta.unassigned),
        meta.sizes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    );
    Ok(())
}

fn branch(
    out: &mut impl Write,
    list: &ThemeList,
    theme: &Theme,
    level: usize,
    before: &str,
    below: &str,
) -> anyhow::Result<()> {
    let name = style(plain(&theme.name));
    let name = if theme.level == 0 { name.bold() } else { name };
    let facts = plain(&format!("{} · {}{}", theme.id, thousands(theme.size), arrow(theme)));
    writeln!(out, "{before}{name}  {}", style(facts).dim())?;
    if theme.level >= level {
        return Ok(());
    }
    let children: Vec<&Theme> =
        theme.children.iter().filter_map(|id| list.themes.iter().find(|t| t.id == *id)).collect();
    for (k, child) in children.iter().enumerate() {
        let last = k + 1 == children.len();
        let (branch_sign, under) = if last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        branch(out, list, child, level, &format!("{below}{branch_sign}"), &format!("{below}{under}"))?;
    }
    Ok(())
}

fn arrow(theme: &Theme) -> String {
    let sign = match theme.trend.direction {
        Direction::Rising => "↗",
        Direction::Falling => "↘",
        Direction::Steady | Direction::Unknown => return String::new(),
    };
    theme.trend.ratio.map_or_else(|| format!(" · {sign}"), |ratio| format!(" · {sign} ×{ratio:.1}"))
}

fn one(context: &Context, one: &OneTheme) -> anyhow::Result<()> {
    if context.json {
        return show::document(one);
    }
    let mut out = out();
    let theme = &one.theme;
    writeln!(
        out,
        "{}  {}",
        style(plain(&theme.name)).bold(),
        style(plain(&format!("{} · level {}", theme.id, theme.level))).dim()
    )?;
    for above in one.path.iter().rev() {
        writeln!(out, "  in       {}  {}", plain(&above.name), style(plain(&above.id)).dim())?;
    }
    let trend = &theme.trend;
    let expected = trend.expected_per_week.map_or_else(String::new, |e| format!(", {e:.1} expected"));
    let p = trend.p_value.map_or_else(String::new, |p| format!(", p {p:.3}"));
    let direction = named(&trend.direction);
    writeln!(out, "  papers   {} ({} more are near)", thousands(theme.size), thousands(theme.nearby))?;
    writeln!(out, "  trend    {direction}: {:.1} papers a week{expected}{p}", trend.per_week)?;
    writeln!(out, "  terms    {}", plain(&theme.terms.join(", ")))?;
    for below in &one.subthemes {
        writeln!(
            out,
            "  holds    {}  {}",
            plain(&below.name),
            style(plain(&format!("{} · {}", below.id, thousands(below.size)))).dim()
        )?;
    }
    for other in &one.related {
        writeln!(
            out,
            "  like     {}  {}",
            plain(&other.name),
            style(plain(&format!("{} · {:.2}", other.id, other.score))).dim()
        )?;
    }
    for (k, hit) in one.papers.iter().enumerate() {
        let score = hit.score.map_or_else(|| "     ".to_string(), |s| format!("{s:.3}"));
        writeln!(out, "{:>3}  {score}  {}", k + 1, title(&hit.paper.title))?;
        let date = hit.paper.date.as_ref().map_or_else(String::new, |d| format!(" · {d}"));
        writeln!(out, "            {}", style(plain(&format!("{}{date}", hit.paper.id))).dim())?;
    }
    for e in one.history.iter().take(5) {
        writeln!(out, "  {}  {}", style(&e.at).dim(), plain(&e.text))?;
    }
    Ok(())
}

fn level(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|level| *level <= FINEST)
        .ok_or_else(|| format!("it goes from 0, the coarsest, to {FINEST}"))
}
