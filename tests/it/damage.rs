//! Files that are not as they were written, and disks that are full.

use std::fs;
use std::process::Command;

use crate::support::{Folder, Ran, files_below, papers};

/// A folder of 600 papers with a graph on disk.
fn with_graph() -> Folder {
    let folder = Folder::new();
    let file = folder.file("p.jsonl", papers(600));
    let ran = with_small_graphs(&folder, &["ingest", &file]);
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    assert!(files_below(&folder.data().join("index")).len() >= 3, "no graph was written");
    folder
}

fn with_small_graphs(folder: &Folder, args: &[&str]) -> Ran {
    Ran::from(folder.command(args).env("PAPERKIN_EXACT_BELOW", "100").output().expect("runs"))
}

#[test]
fn a_damaged_index_is_said_and_built_again() {
    let folder = with_graph();
    let truth = with_small_graphs(&folder, &["similar", "p/5", "--json"]);
    assert!(!truth.err.contains("built again"), "{}", truth.err);
    let names: Vec<_> = files_below(&folder.data().join("index"));
    for k in 0..names.len() {
        for damage in ["truncate", "flip", "empty", "remove"] {
            let name = files_below(&folder.data().join("index"))[k].clone();
            let mut bytes = fs::read(&name).expect("there");
            match damage {
                "truncate" => bytes.truncate(bytes.len() - 7),
                "flip" => {
                    let middle = bytes.len() / 2;
                    bytes[middle] ^= 0x10;
                }
                _ => bytes.clear(),
            }
            fs::write(&name, bytes).expect("written");
            if damage == "remove" {
                fs::remove_file(&name).expect("removed");
            }
            let ran = with_small_graphs(&folder, &["similar", "p/5", "--json"]);
            assert_eq!(ran.status, Some(0), "{damage} {}: {}", name.display(), ran.err);
            assert_eq!(ran.out, truth.out, "{damage} {}", name.display());
            let lost = damage == "remove" && name.ends_with("manifest.json");
            assert!(lost || ran.err.contains("built again"), "{damage} {}: {}", name.display(), ran.err);
            let after = with_small_graphs(&folder, &["similar", "p/5", "--json"]);
            assert!(!after.err.contains("built again"), "{damage} {} was not healed: {}", name.display(), after.err);
            if lost {
                assert!(!with_small_graphs(&folder, &["ingest", "/dev/null"]).err.contains("again"));
            }
        }
    }
}

#[test]
fn a_damaged_database_is_refused() {
    let folder = with_graph();
    let path = folder.data().join("papers.sqlite");
    let whole = fs::read(&path).expect("there");
    for length in [0, 50, 4096, whole.len() / 2, whole.len() - 1] {
        fs::write(&path, &whole[..length]).expect("written");
        let ran = folder.run(&["info"]);
        assert_eq!(ran.status, Some(1), "cut to {length}: {}", ran.out);
        assert!(ran.err.contains("damaged") && ran.err.contains("papers.sqlite"), "cut to {length}: {}", ran.err);
        assert_eq!(fs::read(&path).expect("there").len(), length, "a damaged file was written to");
    }
    fs::remove_file(&path).expect("removed");
    assert!(folder.run(&["info"]).err.contains("damaged"));
    fs::write(&path, &whole).expect("written");
    assert_eq!(folder.papers(), 600);
}

#[test]
fn a_full_disk_is_said_and_nothing_is_lost() {
    let folder = Folder::new();
    let file = folder.file("p.jsonl", papers(3000));
    fs::create_dir(folder.data()).expect("made");
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "none"]).arg(folder.data()).output();
    if !mounted.is_ok_and(|o| o.status.success()) {
        eprintln!("skipped: this user may not mount a small disk");
        return;
    }
    let _unmount = Unmount(folder.data());
    let ran = folder.run(&["ingest", &file]);
    assert_eq!(ran.status, Some(1), "{}", ran.out);
    assert!(ran.err.contains("disk is full"), "{}", ran.err);
    let grown = Command::new("mount").args(["-o", "remount,size=64m"]).arg(folder.data()).status();
    assert!(grown.expect("mount is there").success());
    let before = folder.papers();
    let report = &folder.json(&["ingest", &file])[0];
    assert_eq!(report["unchanged"].as_u64(), Some(before), "what was stored before is not there");
    assert_eq!(folder.papers(), 3000);
}

struct Unmount(std::path::PathBuf);

impl Drop for Unmount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}
