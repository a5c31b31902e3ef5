//! `paperkin init`: five questions, and the settings that their answers make.

mod settings;

use std::io::Write as _;
use std::path::PathBuf;

use self::settings::document;
use super::streams::{self, CreateMode};
use super::{Context, say, show};
use crate::config::{Config, Flags, Schedule, Sender, SmtpServer, SourceKind, mail_address, public_url};
use crate::paper::head;

/// Write settings: five questions, or an answer as a flag
///
/// Asks for your fields, where papers are to come from, when, whether mail is sent, and whose library teaches it; and writes a
/// commented paperkin.toml into the data folder (or where --config says). With mail it asks in whose name and where its links lead as
/// well. What a flag answers is not asked, and --yes takes
/// the answers in brackets for the rest.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin init
  paperkin init --fields cs.LG,cs.CL --yes
  paperkin init --fields 'q-bio.NC,protein design' --sources arxiv,biorxiv,europe-pmc --schedule 7:30 --yes
  paperkin init --sources arxiv,https://journal.example/rss --zotero users/12345 --reader ada")]
pub struct Args {
    /// Your fields: arXiv categories (cs.LG, math), and words to search for elsewhere (protein design), with commas
    #[arg(long, value_name = "FIELDS")]
    fields: Option<String>,
    /// Where papers come from: kinds (arxiv, biorxiv, medrxiv, daily-papers, europe-pmc, openalex, crossref,
    /// semantic-scholar) and addresses of feeds, with commas
    #[arg(long, value_name = "SOURCES")]
    sources: Option<String>,
    /// When they are asked: a time (7:30), a cron expression, or off
    #[arg(long, value_name = "WHEN")]
    schedule: Option<String>,
    /// The server that mail goes through (smtps://user@mail.example), or no
    #[arg(long, value_name = "ADDRESS")]
    mail: Option<String>,
    /// In whose name mail is sent: Papers <papers@lab.example>
    #[arg(long, value_name = "SENDER")]
    mail_from: Option<String>,
    /// Where readers reach the service, for the links in mails: `https://papers.example`
    #[arg(long, value_name = "ADDRESS")]
    public_url: Option<String>,
    /// Whose library of Zotero: users/12345 or groups/678, or no
    #[arg(long, value_name = "LIBRARY")]
    zotero: Option<String>,
    /// The reader whose history that library becomes [default: me]
    #[arg(long, value_name = "READER")]
    reader: Option<String>,
    /// An address of mail or a page that services can write to; it is sent along with every request
    #[arg(long, value_name = "ADDRESS")]
    contact: Option<String>,
    /// Ask nothing: take what is usual where no flag answers
    #[arg(long, short)]
    yes: bool,
    /// Write over a file that is there
    #[arg(long)]
    force: bool,
}

/// What the settings are made of.
#[derive(Debug, Default, PartialEq)]
struct Answers {
    categories: Vec<String>,
    words: Vec<String>,
    kinds: Vec<SourceKind>,
    feeds: Vec<String>,
    schedule: String,
    mail: Option<Mail>,
    zotero: Option<String>,
    reader: String,
    contact: Option<String>,
}

/// What mail is sent through, in whose name, and where its links lead.
#[derive(Debug, PartialEq)]
struct Mail {
    smtp: String,
    has_user: bool,
    from: String,
    public_url: String,
}

pub fn run(context: &Context, args: &Args) -> anyhow::Result<()> {
    let path = path_of(context)?;
    if path.exists() && !args.force {
        anyhow::bail!("{}: there are settings already; --force writes over them", path.display());
    }
    let mut ask = Questions { asks: !args.yes };
    let answers = answers(args, &mut |question, usual| ask.ask(question, usual))?;
    let text = document(&answers);
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        streams::make_folder(folder)?;
    }
    // Looked at under another name first, so that nothing is written that cannot be read.
    let beside = path.with_extension("toml.new");
    let written = (|| {
        let mut file = streams::create(&beside, CreateMode::Replace)?;
        file.write_all(text.as_bytes())?;
        drop(file);
        let flags = Flags { config: Some(beside.clone()), ..Flags::default() };
        Config::load(flags, &|_| None)?;
        Ok::<_, anyhow::Error>(streams::rename(&beside, &path)?)
    })();
    if let Err(e) = written {
        streams::remove(&beside);
        return Err(e);
    }
    say!("wrote {}", path.display());
    say!("next: `paperkin fetch --dry-run` shows what would come, `paperkin serve` reads it by its schedule");
    if let Some(mail) = &answers.mail {
        let taken = show::plain(&format!("mail is sent as {}, and its links lead to {}", mail.from, mail.public_url));
        let own = ["//127.", "//localhost", "//[::1]"].iter().any(|own| mail.public_url.contains(own));
        let hint = if own { ", which no other machine reaches: set public_url before anybody subscribes" } else { "" };
        say!("{taken}{hint}");
    }
    if answers.kinds.is_empty() && answers.feeds.is_empty() && answers.zotero.is_none() {
        say!("no source is in it yet: add one under [[source]], or run `paperkin init --force` once more");
    }
    Ok(())
}

/// Where the settings are written: the file that --config names, else that of the data folder.
fn path_of(context: &Context) -> anyhow::Result<PathBuf> {
    let super::Settings::Flags(flags) = &context.settings else {
        anyhow::bail!("settings are written on this machine alone");
    };
    let var = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    if let Some(path) = flags.config.clone().or_else(|| var("PAPERKIN_CONFIG")) {
        return Ok(path);
    }
    let data = flags.data.clone().or_else(|| var("PAPERKIN_DATA")).unwrap_or_else(|| "paperkin-data".into());
    Ok(data.join("paperkin.toml"))
}

/// Questions on the terminal.
struct Questions {
    asks: bool,
}

impl Questions {
    /// The answer to a question, or what is usual.
    fn ask(&mut self, question: &str, usual: &str) -> anyhow::Result<String> {
        if !self.asks {
            return Ok(usual.to_string());
        }
        say!("{question}{}", if usual.is_empty() { String::new() } else { format!(" [{usual}]") });
        let line = streams::line()?;
        // Nobody is there to answer the next one.
        self.asks = line.is_some();
        let line = line.unwrap_or_default();
        Ok(if line.trim().is_empty() { usual.to_string() } else { line.trim().to_string() })
    }
}

type Ask<'a> = dyn FnMut(&str, &str) -> anyhow::Result<String> + 'a;

/// What the flags and the questions answer. A question is put again until its answer can be read.
fn answers(args: &Args, ask: &mut Ask<'_>) -> anyhow::Result<Answers> {
    let mut answers = Answers { contact: args.contact.clone(), ..Answers::default() };
    let fields = match &args.fields {
        Some(fields) => fields.clone(),
        None => {
            ask("1. Your fields? arXiv categories (cs.LG, math.ST), and words to search for, with commas", "cs.LG")?
        }
    };
    (answers.categories, answers.words) = fields_of(&fields);
    let usual = usual_sources(&answers);
    let asked = "2. Where are papers to come from? arxiv, biorxiv, medrxiv, daily-papers, europe-pmc, openalex, crossref, \
                 semantic-scholar, or addresses of feeds, with commas";
    let wanted = |text: &str| {
        let (kinds, feeds) = sources_of(text)?;
        kinds.iter().try_for_each(|kind| can_be_asked(*kind, &answers))?;
        Ok((kinds, feeds))
    };
    let (kinds, feeds) = until_read(args.sources.as_deref(), ask, asked, &usual, &wanted)?;
    (answers.kinds, answers.feeds) = (kinds, feeds);
    let asked = "3. When are they to be asked? A time like 7:30, a cron expression, or off";
    answers.schedule = until_read(args.schedule.as_deref(), ask, asked, "6:00", &schedule_of)?;
    let asked = "4. Which server is mail to be sent through? smtps://user@mail.example, or no";
    let smtp = until_read(args.mail.as_deref(), ask, asked, "no", &mail_of)?;
    let asked = "5. Whose library of Zotero is to teach it? users/12345, groups/678, or no";
    answers.zotero = until_read(args.zotero.as_deref(), ask, asked, "no", &library_of)?;
    answers.reader = args.reader.clone().unwrap_or_else(|| "me".into());
    if smtp.is_none()
        && let Some(flag) =
            args.mail_from.as_ref().map(|_| "--mail-from").or(args.public_url.as_ref().map(|_| "--public-url"))
    {
        anyhow::bail!("{flag} goes with --mail, the server that mail is sent through");
    }
    if let Some((smtp, server)) = smtp {
        let asked = "And of the mail: in whose name is it sent? Papers <papers@lab.example>, or an address";
        let from = until_read(args.mail_from.as_deref(), ask, asked, &usual_sender(&server), &|text| {
            Sender::parse(text).map_err(anyhow::Error::msg)?;
            Ok(text.to_string())
        })?;
        let asked = "Where do readers reach the service? The links in mails lead there";
        let read = |text: &str| Ok(public_url(text)?);
        let public_url = until_read(args.public_url.as_deref(), ask, asked, "http://127.0.0.1:7878", &read)?;
        answers.mail = Some(Mail { smtp, has_user: server.user.is_some(), from, public_url });
    }
    Ok(answers)
}

fn until_read<T>(
    flag: Option<&str>,
    ask: &mut Ask<'_>,
    question: &str,
    usual: &str,
    read: &dyn Fn(&str) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    if let Some(flag) = flag {
        return read(flag);
    }
    // Whoever pipes answers in has no second one: so often is enough for a person.
    let mut last = None;
    for _ in 0..5 {
        match read(&ask(question, usual)?) {
            Ok(answer) => return Ok(answer),
            Err(e) => {
                say!("{e}");
                last = Some(e);
            }
        }
    }
    Err(last.unwrap_or_else(|| anyhow::anyhow!("no answer could be read")))
}

fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty())
}

/// arXiv's archives.
const ARCHIVES: [&str; 20] = [
    "astro-ph", "cond-mat", "cs", "econ", "eess", "gr-qc", "hep-ex", "hep-lat", "hep-ph", "hep-th", "math", "math-ph",
    "nlin", "nucl-ex", "nucl-th", "physics", "q-bio", "q-fin", "quant-ph", "stat",
];

/// Categories of arXiv, and words.
fn fields_of(text: &str) -> (Vec<String>, Vec<String>) {
    let is_category = |part: &str| ARCHIVES.contains(&part.split('.').next().unwrap_or_default());
    let (categories, words): (Vec<&str>, Vec<&str>) = parts(text).partition(|part| is_category(part));
    // A quotation mark would end a word in the language of most services.
    let own = |parts: Vec<&str>| parts.into_iter().map(|part| part.replace('"', "")).collect();
    (own(categories), own(words))
}

/// What is usual for some fields.
fn usual_sources(answers: &Answers) -> String {
    let mut usual = Vec::new();
    if !answers.categories.is_empty() || answers.words.is_empty() {
        usual.push("arxiv");
    }
    if answers.categories.iter().any(|c| matches!(c.as_str(), "cs.LG" | "cs.CL" | "cs.CV" | "cs.AI")) {
        usual.push("daily-papers");
    }
    if answers.categories.iter().any(|c| c.starts_with("q-bio")) {
        usual.push("biorxiv");
    }
    if !answers.words.is_empty() {
        usual.push("europe-pmc");
    }
    usual.join(",")
}

fn sources_of(text: &str) -> anyhow::Result<(Vec<SourceKind>, Vec<String>)> {
    let (mut kinds, mut feeds) = (Vec::new(), Vec::new());
    for part in parts(text).filter(|part| *part != "no") {
        if part.starts_with("http://") || part.starts_with("https://") {
            feeds.push(part.to_string());
            continue;
        }
        let kind = SourceKind::parse(part)?;
        if matches!(
            kind,
            SourceKind::OaiPmh | SourceKind::Feed | SourceKind::Zotero | SourceKind::Files | SourceKind::ArxivRss
        ) {
            anyhow::bail!(
                "{part} is not asked for here: name the address of a feed, or add a [[source]] to the file later"
            );
        }
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    Ok((kinds, feeds))
}

/// Whether the fields say what is to be asked of a kind: none of these is to send all that it has.
fn can_be_asked(kind: SourceKind, answers: &Answers) -> anyhow::Result<()> {
    let name = kind.name();
    match kind {
        SourceKind::Arxiv if answers.categories.is_empty() => anyhow::bail!(
            "{name} is asked by its categories, and your fields name none: add some, as in --fields 'cs.LG, protein design'"
        ),
        SourceKind::EuropePmc | SourceKind::Openalex | SourceKind::Crossref | SourceKind::SemanticScholar
            if answers.words.is_empty() =>
        {
            anyhow::bail!(
                "{name} is searched by words, and your fields have none: add some, as in --fields 'cs.LG, protein design'"
            )
        }
        _ => Ok(()),
    }
}

fn schedule_of(text: &str) -> anyhow::Result<String> {
    let clock = || {
        let (hour, minute) = text.split_once(':')?;
        let (hour, minute) = (hour.parse::<u8>().ok()?, minute.parse::<u8>().ok()?);
        (hour < 24 && minute < 60).then(|| format!("{minute} {hour} * * *"))
    };
    let text = clock().unwrap_or_else(|| text.to_string());
    Ok(Schedule::parse(&text).map(|schedule| schedule.to_string())?)
}

fn mail_of(text: &str) -> anyhow::Result<Option<(String, SmtpServer)>> {
    if matches!(text, "" | "no") {
        return Ok(None);
    }
    match SmtpServer::parse(text) {
        Ok(server) => Ok(Some((text.to_string(), server))),
        Err(why) => anyhow::bail!("{why}; or no"),
    }
}

/// In whose name mail is usually sent through a server: its user where that is an address, else `papers` of its domain.
fn usual_sender(server: &SmtpServer) -> String {
    let of_user = server.user.as_deref().and_then(|user| mail_address(user).ok());
    let domain =
        server.host.strip_prefix("smtp.").or_else(|| server.host.strip_prefix("mail.")).unwrap_or(&server.host);
    let address = of_user.or_else(|| mail_address(&format!("papers@{domain}")).ok());
    format!("Papers <{}>", address.unwrap_or_else(|| "papers@localhost".into()))
}

fn library_of(text: &str) -> anyhow::Result<Option<String>> {
    if matches!(text, "" | "no") {
        return Ok(None);
    }
    let number = text.strip_prefix("users/").or_else(|| text.strip_prefix("groups/"));
    match number.is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit())) {
        true => Ok(Some(text.to_string())),
        false => anyhow::bail!(
            "{:?} is no library of Zotero; write it like users/12345 or groups/678, or no",
            head(text, 60)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn made(words: &[&str], given: &[&str]) -> anyhow::Result<Config> {
        let args = Line::try_parse_from([&["init"], words].concat())?.args;
        let mut given = given.iter();
        let answers = answers(&args, &mut |_, usual| {
            Ok(given.next().filter(|text| !text.is_empty()).map_or(usual, |text| *text).to_string())
        })?;
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("x.toml");
        std::fs::write(&path, document(&answers))?;
        Ok(Config::load(Flags { config: Some(path), ..Flags::default() }, &|_| None)?)
    }

    #[test]
    fn what_is_usual_is_read_again() {
        let config = made(&["--yes"], &[]).expect("settings");
        let names: Vec<&str> = config.sources.iter().map(|source| source.name.as_str()).collect();
        assert_eq!(names, ["arxiv", "daily-papers"]);
        assert_eq!(config.sources[0].categories, ["cs.LG"]);
        assert_eq!(config.sources[0].schedule.to_string(), "0 6 * * *");
    }

    #[test]
    fn answers_and_flags_come_to_the_same() {
        let given = [
            "q-bio.NC, protein \"design\"",
            "arxiv, biorxiv, europe-pmc, https://j.example/rss?a=1&b",
            "7:30",
            "smtps://u@m.example",
            "users/5",
        ];
        let by_hand = made(&[], &given).expect("settings");
        let flags = [
            "--fields",
            given[0],
            "--sources",
            given[1],
            "--schedule",
            given[2],
            "--mail",
            given[3],
            "--zotero",
            given[4],
        ];
        let by_flags = made(&flags, &[]).expect("settings");
        assert_eq!(by_hand.sources, by_flags.sources);
        let sources = &by_hand.sources;
        assert_eq!(
            sources.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(),
            ["arxiv", "biorxiv", "europe-pmc", "feed-1", "zotero"]
        );
        assert_eq!(sources[2].query.as_deref(), Some("\"protein design\""));
        assert!(sources.iter().all(|s| s.schedule.to_string() == "30 7 * * *"));
        let mail = by_hand.mail.expect("mail");
        let other = by_flags.mail.expect("mail");
        assert_eq!((&mail.smtp, &mail.from, mail.tls), (&other.smtp, &other.from, other.tls));
        assert_eq!((mail.smtp.user.as_deref(), mail.from.address.as_str()), (Some("u"), "papers@m.example"));
        assert!(mail.password_file.is_some_and(|file| file.is_absolute() && file.ends_with("mail-password")));
        assert_eq!(by_hand.public_url.as_deref(), Some("http://127.0.0.1:7878"));
        let flags =
            ["--yes", "--mail", "smtp://127.0.0.1", "--mail-from", "a@b.example", "--public-url", "https://p.example/"];
        let config = made(&flags, &[]).expect("settings");
        assert_eq!(config.public_url.as_deref(), Some("https://p.example"));
        assert_eq!(config.mail.map(|mail| (mail.from.address, mail.password_file)), Some(("a@b.example".into(), None)));
        assert_eq!((sources[4].library.as_deref(), sources[4].user.as_deref()), (Some("users/5"), Some("me")));
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        for (flags, word) in [
            (["--sources", "dblp"], "dblp"),
            (["--sources", "feed"], "address"),
            (["--sources", "crossref"], "protein design"),
            (["--schedule", "25:00"], "25:00"),
            (["--mail", "mail.example"], "smtps"),
            (["--mail", "smtps://u:secret@mail.example"], "password_file"),
            (["--zotero", "me"], "users/12345"),
        ] {
            let told = made(&flags, &[]).expect_err("refused").to_string();
            assert!(told.contains(word), "{told}");
        }
    }
}
