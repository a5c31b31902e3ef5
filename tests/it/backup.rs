//! Backups: of a folder that is written to, restored elsewhere; damaged, cut, killed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Folder, Server, paper, papers};

fn filled(n: usize) -> Folder {
    let folder = Folder::new();
    let file = folder.file("p.jsonl", papers(n));
    folder.json(&["ingest", &file]);
    folder
}

fn backed_up(folder: &Folder, name: &str) -> PathBuf {
    let file = folder.path(name);
    let made = &folder.json(&["backup", &file.display().to_string()])[0];
    assert_eq!(made["bytes"].as_u64(), Some(std::fs::metadata(&file).expect("there").len()));
    file
}

/// Runs a command on another data folder.
fn at(folder: &Folder, data: &Path, args: &[&str]) -> crate::support::Ran {
    let mut command = folder.command(args);
    command.arg("--data").arg(data);
    // The last of two counts nowhere: the first is taken out.
    let words: Vec<std::ffi::OsString> = command.get_args().skip(2).map(ToOwned::to_owned).collect();
    let mut own = Command::new(env!("CARGO_BIN_EXE_paperkin"));
    own.args(words).stdin(std::process::Stdio::null());
    crate::support::Ran::from(own.output().expect("runs"))
}

/// Everything that an export says, by file.
fn export(folder: &Folder, data: &Path, name: &str) -> BTreeMap<String, Vec<u8>> {
    let out = folder.path(name);
    let ran = at(folder, data, &["export", &out.display().to_string()]);
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    crate::support::files_below(&out)
        .into_iter()
        .map(|path| {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            (name, std::fs::read(&path).expect("there"))
        })
        .collect()
}

fn like(server: &Server, user: &str, k: usize) -> u16 {
    let body = json!({ "events": [{ "paper": format!("p/{k}"), "kind": "like", "at": "2026-07-01T10:00:00Z" }] });
    server.post(&format!("/v1/users/{user}/events"), &body).status
}

/// What was acknowledged before a backup began is in it, whoever writes meanwhile; what is in it is sound.
#[test]
fn a_backup_under_load_has_all_that_was_acknowledged() {
    let folder = filled(400);
    let server = Server::start(&folder);
    let (stop, server) = (AtomicBool::new(false), &server);
    let acknowledged: Vec<_> = (0..3).map(|_| std::sync::atomic::AtomicUsize::new(0)).collect();
    std::thread::scope(|scope| {
        // Also when the test fails.
        let _stop = Stop(&stop);
        for (w, mine) in acknowledged.iter().enumerate() {
            let stop = &stop;
            scope.spawn(move || {
                for n in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    let done = match w {
                        0 => server.post("/v1/papers", &paper(10_000 + n)).status,
                        w => like(server, &format!("w{w}-{n}"), n % 400),
                    };
                    assert_eq!(done, 200);
                    mine.store(n + 1, Ordering::Release);
                }
            });
        }
        for turn in 0..4 {
            std::thread::sleep(Duration::from_millis(150));
            // On a busy machine the first answers take longer.
            let begun = std::time::Instant::now();
            while acknowledged.iter().any(|a| a.load(Ordering::Acquire) == 0) && begun.elapsed().as_secs() < 20 {
                std::thread::sleep(Duration::from_millis(20));
            }
            let before: Vec<usize> = acknowledged.iter().map(|a| a.load(Ordering::Acquire)).collect();
            let file = match turn % 2 {
                0 => backed_up(&folder, &format!("b{turn}")),
                _ => {
                    let file = folder.path(&format!("b{turn}"));
                    let out = std::fs::File::create(&file).expect("made");
                    let status = folder.command(&["backup", "-"]).stdout(out).status().expect("runs");
                    assert!(status.success());
                    file
                }
            };
            let data = folder.path(&format!("restored{turn}"));
            let ran = at(&folder, &data, &["restore", &file.display().to_string()]);
            assert_eq!(ran.status, Some(0), "{}", ran.err);
            #[cfg(unix)]
            {
                let mode = std::os::unix::fs::PermissionsExt::mode(&data.metadata().expect("there").permissions());
                assert_eq!(mode & 0o777, 0o700, "closed to others");
            }
            let ran = at(&folder, &data, &["doctor"]);
            assert_eq!(ran.status, Some(0), "{}{}", ran.out, ran.err);
            let files = export(&folder, &data, &format!("x{turn}"));
            let known = |file: &str| -> std::collections::HashSet<String> {
                let lines = String::from_utf8_lossy(&files[file]).into_owned();
                let id =
                    |line: &str| serde_json::from_str::<Value>(line).expect("JSON")["id"].as_str().map(str::to_string);
                lines.lines().filter_map(id).collect()
            };
            let (papers, users) = (known("papers.jsonl"), known("users.jsonl"));
            assert!((0..before[0]).all(|n| papers.contains(&format!("p/{}", 10_000 + n))));
            assert!((1..3).all(|w| (0..before[w]).all(|n| users.contains(&format!("w{w}-{n}")))));
            assert!(before.iter().all(|n| *n > 0), "nobody wrote: {before:?}");
        }
    });
}

/// Stops the writers of a test when it ends.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn what_comes_back_is_what_was_there() {
    let folder = filled(120);
    let server = Server::start(&folder);
    (0..30).for_each(|k| assert_eq!(like(&server, "ada", k), 200));
    let reply = server.request("POST", "/v1/users/ada/token", None, b"");
    assert_eq!(reply.status, 200);
    std::fs::write(folder.data().join("paperkin.toml"), "time_zone = 'UTC'\n").expect("written");
    let over_http = server.get("/v1/backup");
    let header = |name: &str| over_http.headers[name].to_str().expect("text").to_string();
    assert_eq!((over_http.status, header("content-type").as_str()), (200, "application/zstd"));
    assert!(header("content-disposition").starts_with("attachment; filename=\"paperkin-20"));
    let file = backed_up(&folder, "b");
    // A file that is there is left alone, unless it is to be replaced.
    let before = std::fs::read(&file).expect("there");
    let name = file.display().to_string();
    let ran = folder.run(&["backup", &name]);
    assert!(ran.status == Some(1) && ran.err.contains("--force"), "{}", ran.err);
    assert!(std::fs::read(&file).expect("there") == before);
    assert_eq!(folder.run(&["backup", &name, "--force"]).status, Some(0));
    // A folder that is served is not restored.
    let ran = folder.run(&["restore", &name, "--force"]);
    assert!(ran.status == Some(1) && ran.err.contains("being served"), "{}", ran.err);
    drop(server);
    let own = export(&folder, &folder.data(), "own");
    let data = folder.path("other");
    assert_eq!(at(&folder, &data, &["restore", &name]).status, Some(0));
    assert_eq!(export(&folder, &data, "others"), own);
    assert!(data.join("paperkin.toml").exists());
    // One that is not empty stays, or is moved aside.
    let ran = at(&folder, &data, &["restore", &name]);
    assert!(ran.status == Some(1) && ran.err.contains("not empty"), "{}", ran.err);
    std::fs::write(data.join("mine"), "x").expect("written");
    let ran = at(&folder, &data, &["restore", &name, "--force", "--json"]);
    let said: Value = serde_json::from_str(&ran.out).unwrap_or_else(|e| panic!("{e}: {} {}", ran.out, ran.err));
    let aside = Path::new(said["aside"].as_str().expect("a path"));
    assert!(aside.join("mine").exists() && !data.join("mine").exists() && aside.join("papers.sqlite").exists());
    // What is no data folder is never moved.
    let photos = folder.path("photos");
    std::fs::create_dir(&photos).expect("made");
    std::fs::write(photos.join("cat"), "x").expect("written");
    let ran = at(&folder, &photos, &["restore", &name, "--force"]);
    assert!(ran.status == Some(1) && ran.err.contains("no data folder"), "{}", ran.err);
    assert!(photos.join("cat").exists());
    let left: Vec<_> = std::fs::read_dir(folder.dir.path())
        .expect("there")
        .flatten()
        .map(|e| e.file_name().to_string_lossy().into_owned())
        .filter(|name| name.starts_with('.'))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

/// Whatever becomes of the file, it never makes a folder that is not what was backed up.
#[test]
fn a_damaged_or_cut_backup_makes_no_folder() {
    let folder = filled(60);
    let file = backed_up(&folder, "b");
    let whole = std::fs::read(&file).expect("there");
    let mut random = 7u64;
    let mut next = |n: usize| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize % n
    };
    let target = folder.path("t");
    let restore = |bytes: &[u8]| paperkin::backup::restore(bytes, &target, false, &|_, _| {});
    let members = restore(&whole).expect("it is whole").manifest.members;
    std::fs::remove_dir_all(&target).expect("there");
    for k in 0..240 {
        let mut bytes = whole.clone();
        match k % 3 {
            0 => bytes.truncate(next(whole.len())),
            1 => bytes[next(whole.len())] ^= 1 << next(8),
            _ => {
                let from = next(whole.len());
                let to = (from + 1 + next(4000)).min(whole.len());
                bytes.drain(from..to);
            }
        }
        match restore(&bytes) {
            Err(refused) => assert!(refused.to_string().contains("backup") && !target.exists(), "{k}: {refused}"),
            // A bit that says nothing of what is in it (the size of a window, say).
            Ok(restored) => {
                assert_eq!(restored.manifest.members, members, "{k}");
                std::fs::remove_dir_all(&target).expect("there");
            }
        }
    }
    for foreign in [&b""[..], b"x", b"SQLite format 3\0", &whole[1..]] {
        assert!(restore(foreign).is_err() && !target.exists());
    }
    // An empty folder that was prepared for it stays.
    std::fs::create_dir(&target).expect("made");
    assert!(restore(b"x").is_err() && target.is_dir());
    std::fs::remove_dir(&target).expect("there");
    // A name that is longer than memory is not read.
    let mut long = tar::Header::new_gnu();
    long.set_entry_type(tar::EntryType::GNULongName);
    long.set_size(1 << 40);
    long.set_cksum();
    let endless = zstd::encode_all(&[&long.as_bytes()[..], &[0; 1 << 20]].concat()[..], 1).expect("packed");
    let refused = restore(&endless).expect_err("no name of ours").to_string();
    assert!(refused.contains("says nothing of itself") && !target.exists(), "{refused}");
    let packed = zstd::encode_all(&b"something else"[..], 1).expect("packed");
    assert!(restore(&packed).is_err() && !target.exists());
    assert!(restore(&[whole.clone(), b"more".to_vec()].concat()).is_err() && !target.exists());
    // Of a newer format.
    let newer = repacked(&whole, |manifest| manifest["format"] = json!(99));
    assert!(restore(&newer).expect_err("newer").to_string().contains("newer paperkin"));
    // One that says something else than it holds, or names other files.
    for lie in [
        &(|m: &mut Value| m["store"]["papers"] = json!(61)) as &dyn Fn(&mut Value),
        &|m| m["members"][0]["name"] = json!("../x"),
        &|m| m["members"][0]["bytes"] = json!(1),
        &|m| m["store"]["file"] = json!("made"),
    ] {
        assert!(restore(&repacked(&whole, lie)).is_err() && !target.exists());
    }
    assert!(!folder.path("x").exists());
    restore(&whole).expect("whole");
    assert!(target.join("papers.sqlite").exists());
}

/// The same backup with another manifest, and the right checksum of that.
fn repacked(whole: &[u8], change: impl Fn(&mut Value)) -> Vec<u8> {
    use std::io::Read;
    let mut archive = tar::Archive::new(zstd::Decoder::new(whole).expect("packed"));
    let mut tar = tar::Builder::new(Vec::new());
    let mut hash = String::new();
    for entry in archive.entries().expect("entries") {
        let mut entry = entry.expect("an entry");
        let name = entry.path().expect("a name").display().to_string();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).expect("read");
        if name == "paperkin-backup.json" {
            let mut manifest: Value = serde_json::from_slice(&bytes).expect("JSON");
            change(&mut manifest);
            bytes = manifest.to_string().into_bytes();
            hash = blake3::hash(&bytes).to_hex().to_string();
        } else if name == "end.json" {
            bytes = json!({ "manifest": hash }).to_string().into_bytes();
        }
        let mut head = tar::Header::new_gnu();
        head.set_size(bytes.len() as u64);
        head.set_mode(0o600);
        tar.append_data(&mut head, &name, &bytes[..]).expect("packed");
    }
    zstd::encode_all(&tar.into_inner().expect("packed")[..], 1).expect("packed")
}

/// Killed at any moment there is no folder, or a whole one.
#[test]
fn a_restore_that_is_killed_leaves_no_folder_or_a_whole_one() {
    let folder = filled(800);
    let file = backed_up(&folder, "b").display().to_string();
    let (mut none, mut whole) = (0, 0);
    for k in 0..14u64 {
        let data = folder.path(&format!("k{k}"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_paperkin"));
        command.args(["restore", &file, "--data"]).arg(&data).stdout(std::process::Stdio::null());
        let mut child = command.stderr(std::process::Stdio::null()).spawn().expect("starts");
        std::thread::sleep(Duration::from_millis(k * k));
        let _ = child.kill();
        child.wait().expect("ends");
        if data.exists() {
            let ran = at(&folder, &data, &["info", "--json"]);
            let info: Value = serde_json::from_str(&ran.out).unwrap_or_else(|e| panic!("{e}: {}", ran.err));
            assert_eq!(info["papers"], 800);
            whole += 1;
        } else {
            none += 1;
            // What was left is in nobody's way.
            assert_eq!(at(&folder, &data, &["restore", &file]).status, Some(0));
        }
    }
    assert!(none > 0 && whole > 0, "{none} {whole}");
}

/// A disk that takes no more is told, and nothing is left.
#[cfg(unix)]
#[test]
fn a_full_disk_leaves_no_backup_and_no_folder() {
    let folder = filled(300);
    let file = backed_up(&folder, "b").display().to_string();
    let (small, data) = (folder.path("small"), folder.path("t"));
    for (what, args) in [
        (
            "backup",
            vec![
                "backup".to_string(),
                small.display().to_string(),
                "--data".into(),
                folder.data().display().to_string(),
            ],
        ),
        ("restore", vec!["restore".to_string(), file, "--data".into(), data.display().to_string()]),
    ] {
        // 64 blocks of 512 or 1024 bytes: less than either file.
        let mut command = Command::new("sh");
        command
            .args(["-c", "trap '' XFSZ; ulimit -f 64; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_paperkin")])
            .args(args);
        let ran = crate::support::Ran::from(command.output().expect("runs"));
        assert!(ran.status == Some(1) && ran.err.contains("full"), "{what}: {:?} {}", ran.status, ran.err);
    }
    assert!(!small.exists() && !data.exists());
    let left: Vec<_> = std::fs::read_dir(folder.dir.path()).expect("there").flatten().map(|e| e.file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().starts_with('.')), "{left:?}");
}
