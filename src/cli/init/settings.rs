//! The settings that answers make, as a commented file.

use std::fmt::Write as _;

use super::Answers;
use crate::config::SourceKind;

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_string()).to_string()
}

fn list(texts: &[String]) -> String {
    let quoted: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
    format!("[{}]", quoted.join(", "))
}

/// The settings, with what each of them means.
pub fn document(answers: &Answers) -> String {
    let mut out = String::new();
    let mut line = |text: &str| {
        out.push_str(text);
        out.push('\n');
    };
    line(
        "# Settings of paperkin. Every setting is described in docs/reference/settings.md, sources in docs/sources.md. What is",
    );
    line("# commented out shows the default, or an example.");
    line("");
    line("# The zone that schedules are read in. Left out, it is the machine's own.");
    line("# time_zone = \"Europe/Berlin\"");
    line("");
    if let Some(mail) = &answers.mail {
        line("# Where readers reach the service: links in mails lead there.");
        line(&format!("public_url = {}", quoted(&mail.public_url)));
        line("");
    }
    line("[fetch]");
    line("# Whom a service can write to when something is wrong. Several are kinder to who gives an address.");
    match &answers.contact {
        Some(contact) => line(&format!("contact = {}", quoted(contact))),
        None => line("# contact = \"you@university.example\""),
    }
    for kind in &answers.kinds {
        line("");
        line("[[source]]");
        line(&format!("name = {}", quoted(kind.name())));
        line(&format!("kind = {}", quoted(kind.name())));
        for text in about(*kind, answers) {
            line(&text);
        }
        line(&format!("schedule = {}", quoted(&answers.schedule)));
        line("# The first run asks for the last seven days; 30d asks for thirty, 2026-01-01 for everything since.");
        line("# from = \"30d\"");
    }
    for (k, feed) in answers.feeds.iter().enumerate() {
        line("");
        line("[[source]]");
        line(&format!("name = \"feed-{}\"", k + 1));
        line("kind = \"feed\"");
        line(&format!("url = {}", quoted(feed)));
        line(&format!("schedule = {}", quoted(&answers.schedule)));
    }
    line("");
    match &answers.zotero {
        Some(library) => {
            line("# A library of Zotero: its papers, and the history of a reader. A private one needs a key");
            line("# (zotero.org/settings/keys), which stands in this variable of the environment.");
            line("[[source]]");
            line("name = \"zotero\"");
            line("kind = \"zotero\"");
            line(&format!("library = {}", quoted(library)));
            line(&format!("user = {}", quoted(&answers.reader)));
            line("# key_env = \"ZOTERO_KEY\"");
            line(&format!("schedule = {}", quoted(&answers.schedule)));
        }
        None => {
            line("# A library of Zotero teaches what a reader likes:");
            line("# [[source]]");
            line("# name = \"zotero\"");
            line("# kind = \"zotero\"");
            line("# library = \"users/12345\"");
            line("# user = \"me\"");
            line("# key_env = \"ZOTERO_KEY\"");
        }
    }
    line("");
    match &answers.mail {
        Some(mail) => {
            line("# What mail goes out through. `paperkin doctor` tries it; docs/mail.md says more.");
            line("[mail]");
            line(&format!("smtp = {}", quoted(&mail.smtp)));
            if mail.has_user {
                line("# A file beside this one that holds the password of that user, for you to write; chmod 600.");
                line("password_file = \"mail-password\"");
            }
            line(&format!("from = {}", quoted(&mail.from)));
        }
        None => {
            line("# Papers come by mail as well; then public_url is needed, which the links in it lead to:");
            line("# [mail]");
            line("# smtp = \"smtps://papers@mail.lab.example\"");
            line("# password_file = \"mail-password\"");
            line("# from = \"Papers <papers@lab.example>\"");
        }
    }
    out
}

/// What a source is asked for.
fn about(kind: SourceKind, answers: &Answers) -> Vec<String> {
    let mut lines = Vec::new();
    let query = || answers.words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>();
    match kind {
        SourceKind::Arxiv => {
            lines.push("# Of which a paper has one; none for all of arXiv.".into());
            lines.push(match answers.categories.is_empty() {
                true => "# categories = [\"cs.LG\"]".into(),
                false => format!("categories = {}", list(&answers.categories)),
            });
        }
        SourceKind::Biorxiv | SourceKind::Medrxiv => {
            lines.push("# One category of the server; none for all.".into());
            lines.push("# categories = [\"neuroscience\"]".into());
        }
        SourceKind::EuropePmc | SourceKind::SemanticScholar => {
            let between = if kind == SourceKind::EuropePmc { " OR " } else { " | " };
            lines.push("# In the language of the service; none for everything.".into());
            lines.push(match answers.words.is_empty() {
                true => "# query = \"protein design\"".into(),
                false => format!("query = {}", quoted(&query().join(between))),
            });
        }
        SourceKind::Openalex | SourceKind::Crossref => {
            lines.push("# Words, and filters in the language of the service.".into());
            lines.push(match answers.words.is_empty() {
                true => "# query = \"protein design\"".into(),
                false => format!("query = {}", quoted(&answers.words.join(" "))),
            });
            lines.push(match kind {
                SourceKind::Openalex => "# filters = [\"primary_topic.field.id:17\"]".into(),
                _ => "# filters = [\"type:journal-article\"]".into(),
            });
        }
        _ => {}
    }
    if matches!(kind, SourceKind::Openalex | SourceKind::SemanticScholar) {
        let mut name = kind.name().to_uppercase().replace('-', "_");
        let _ = write!(name, "_KEY");
        lines.push("# The variable of the environment that holds the key of the service.".into());
        lines.push(format!("# key_env = \"{name}\""));
    }
    lines
}
