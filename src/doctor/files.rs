//! The files: who may read and write them.

use std::fs;
use std::path::{Path, PathBuf};

use super::Patient;
use crate::store::Finding;

/// The settings in the folder.
const SETTINGS: &str = "paperkin.toml";

/// Words in the name of a setting that names a file which nobody else should read.
const SECRET_FILES: [&str; 4] = ["password_file", "tls_key", "secret_file", "dkim_key_file"];

/// Words in the name of a setting that is a secret itself.
const SECRETS: [&str; 4] = ["password", "secret", "token", "api_key"];

/// What others than the owner may do with a file: read, write. None where the system has no such thing.
#[cfg(unix)]
fn others(path: &Path) -> Option<(bool, bool)> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(path).ok()?.permissions().mode();
    Some((mode & 0o004 != 0, mode & 0o002 != 0))
}

#[cfg(not(unix))]
fn others(_: &Path) -> Option<(bool, bool)> {
    None
}

/// Whether the folder is this user's alone, and can be written.
pub fn permissions(patient: &Patient<'_>) -> Option<Finding> {
    let folder = &patient.config.data;
    let shown = folder.display();
    // A folder that others may not enter hides what is in it.
    let open = enters(folder)?;
    let names = ["papers.sqlite", "papers.sqlite-wal", "papers.sums", "acknowledged", SETTINGS];
    let may = |what: fn((bool, bool)) -> bool| -> Vec<&str> {
        names.into_iter().filter(|name| others(&folder.join(name)).is_some_and(what)).collect()
    };
    let (read, written) = (may(|m| m.0), may(|m| m.1));
    let help = format!("chmod -R o-rwx '{shown}'");
    let locked: Vec<&str> = names
        .into_iter()
        .filter(|name| folder.join(name).exists())
        .filter(|name| fs::OpenOptions::new().read(true).open(folder.join(name)).is_err())
        .collect();
    Some(if !locked.is_empty() {
        let help = format!("give the folder to the user who serves it: chown -R USER '{shown}'");
        Finding::bad("", format!("this user may not read {}", locked.join(", ")), help)
    } else if others(folder)?.1 || (open && !written.is_empty()) {
        Finding::bad("", "every user of this machine may write in the folder", help)
    } else if open && !read.is_empty() {
        Finding::warning("", format!("every user of this machine may read {}: what readers did", read.join(", ")), help)
    } else {
        Finding::good("", "the folder is closed to other users of this machine")
    })
}

/// Whether others than the owner and the group may enter a folder.
#[cfg(unix)]
fn enters(folder: &Path) -> Option<bool> {
    use std::os::unix::fs::PermissionsExt;
    Some(fs::metadata(folder).ok()?.permissions().mode() & 0o001 != 0)
}

#[cfg(not(unix))]
fn enters(_: &Path) -> Option<bool> {
    None
}

/// The settings in the folder, name by name with their text.
fn strings(folder: &Path) -> Option<Vec<(String, String)>> {
    fn walk(table: &toml::Table, before: &str, all: &mut Vec<(String, String)>) {
        for (name, value) in table {
            match value {
                toml::Value::String(text) => all.push((format!("{before}{name}"), text.clone())),
                toml::Value::Table(inner) => walk(inner, &format!("{before}{name}."), all),
                toml::Value::Array(list) => {
                    list.iter().filter_map(|v| v.as_table()).for_each(|t| walk(t, &format!("{before}{name}."), all));
                }
                _ => {}
            }
        }
    }
    let table: toml::Table = toml::from_str(&fs::read_to_string(folder.join(SETTINGS)).ok()?).ok()?;
    let mut all = Vec::new();
    walk(&table, "", &mut all);
    Some(all)
}

/// Whether a file of settings is there, and holds secrets that others may read. What it says was read by now.
pub fn settings(patient: &Patient<'_>) -> Option<Finding> {
    let path = patient.config.data.join(SETTINGS);
    if !path.exists() {
        return Some(Finding::good("", "no settings file in the folder; what is not set has its default"));
    }
    let secret = |name: &str| {
        let own = name.rsplit('.').next().unwrap_or(name);
        SECRETS.iter().any(|word| own.contains(word)) && !SECRET_FILES.contains(&own)
    };
    let named: Vec<String> =
        strings(&patient.config.data)?.into_iter().map(|(name, _)| name).filter(|n| secret(n)).collect();
    let readable = others(&path).is_some_and(|m| m.0) && enters(&patient.config.data).unwrap_or(true);
    Some(if readable && !named.is_empty() {
        let found = format!("every user of this machine may read {SETTINGS}, which holds {}", named.join(", "));
        Finding::bad("", found, format!("chmod 600 '{}'", path.display()))
    } else {
        Finding::good("", format!("{SETTINGS} can be read, and every setting in it is known"))
    })
}

/// Whether the files that settings name as secrets are there and closed.
pub fn secrets(patient: &Patient<'_>) -> Option<Finding> {
    let all = strings(&patient.config.data)?;
    let named: Vec<(&str, PathBuf)> = all
        .iter()
        .filter(|(name, _)| SECRET_FILES.iter().any(|word| name.rsplit('.').next() == Some(word)))
        // Of mail, paths that begin nowhere begin at the settings.
        .map(|(name, path)| match name.starts_with("mail.") {
            true => (name.as_str(), patient.config.data.join(path)),
            false => (name.as_str(), PathBuf::from(path)),
        })
        .collect();
    if named.is_empty() {
        return None;
    }
    for (name, path) in &named {
        let shown = path.display();
        if let Err(e) = fs::File::open(path) {
            return Some(Finding::bad(
                "",
                format!("{name} is {shown}: {e}"),
                "put the file there, readable by this user alone",
            ));
        }
        if others(path).is_some_and(|m| m.0 || m.1) {
            let found = format!("every user of this machine may read {shown} ({name})");
            return Some(Finding::bad("", found, format!("chmod 600 '{shown}'")));
        }
    }
    Some(Finding::good("", format!("{} named by the settings, closed to others", named.len())))
}
