//! What the system tells of this process and of the disk. On systems that do not tell, it is left out.

use std::path::Path;

/// Figures by their names.
pub type Told = Vec<(&'static str, f64)>;

/// Of the process.
#[cfg(target_os = "linux")]
pub fn process() -> Told {
    let mut told = Told::new();
    let mut note = |name, value: Option<f64>| told.extend(value.map(|value| (name, value)));
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name of the program may hold spaces and brackets; behind its end stand numbers, from the third field on.
    let fields: Vec<&str> =
        stat.rsplit_once(')').map(|(_, rest)| rest.split_whitespace().collect()).unwrap_or_default();
    let ticks = |at: usize| fields.get(at - 3).and_then(|field| field.parse::<f64>().ok()).map(|n| n / TICKS);
    note(
        "process_cpu_seconds_total",
        ticks(14).zip(ticks(15)).map(|(of_users, of_the_system)| of_users + of_the_system),
    );
    let booted = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let booted = booted.lines().find_map(|line| line.strip_prefix("btime ")?.parse::<f64>().ok());
    note("process_start_time_seconds", booted.zip(ticks(22)).map(|(booted, since)| booted + since));
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let number = |name: &str| {
        let value = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        value.split_whitespace().next()?.parse::<f64>().ok()
    };
    note("process_resident_memory_bytes", number("VmRSS").map(|kib| kib * 1024.0));
    note("process_virtual_memory_bytes", number("VmSize").map(|kib| kib * 1024.0));
    note("process_threads", number("Threads"));
    // One of them is the folder that is read.
    let open = std::fs::read_dir("/proc/self/fd").ok().map(|files| files.count().saturating_sub(1));
    note("process_open_fds", open.map(|n| n as f64));
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    note("process_max_fds", limit.map(|n| n as f64));
    told
}

/// Ticks of /proc in a second: the kernel tells programs this many, whatever its own clock does.
#[cfg(target_os = "linux")]
const TICKS: f64 = 100.0;

/// Of the process.
#[cfg(not(target_os = "linux"))]
pub fn process() -> Told {
    Told::new()
}

/// Of the disk that holds a folder.
#[cfg(unix)]
pub fn disk(folder: &Path) -> Told {
    let Ok(disk) = rustix::fs::statvfs(folder) else { return Told::new() };
    let bytes = |blocks: u64| blocks as f64 * disk.f_frsize as f64;
    vec![("paperkin_disk_free_bytes", bytes(disk.f_bavail)), ("paperkin_disk_size_bytes", bytes(disk.f_blocks))]
}

/// Of the disk that holds a folder.
#[cfg(not(unix))]
pub fn disk(_: &Path) -> Told {
    Told::new()
}

#[cfg(test)]
mod tests {
    #[test]
    #[cfg(target_os = "linux")]
    fn the_system_tells_what_is_so() {
        use super::*;
        let told: std::collections::HashMap<_, _> = process().into_iter().collect();
        let now = crate::user::Moment::now().0 as f64 / 1e6;
        assert!(told["process_resident_memory_bytes"] > 1e6);
        assert!(told["process_virtual_memory_bytes"] >= told["process_resident_memory_bytes"]);
        let began = told["process_start_time_seconds"];
        assert!(began > now - 86_400.0 && began < now + 2.0, "{began} {now}");
        assert!(told["process_threads"] >= 1.0 && told["process_cpu_seconds_total"] >= 0.0);
        let before = told["process_open_fds"];
        let held: Vec<_> = (0..50).map(|_| std::fs::File::open("/proc/self/stat").expect("opens")).collect();
        let after: std::collections::HashMap<_, _> = process().into_iter().collect();
        // Other tests of this process open and close files meanwhile.
        assert!(after["process_open_fds"] > before + 20.0, "{before} {after:?}");
        assert!(after["process_max_fds"] >= after["process_open_fds"]);
        drop(held);
        let disk = disk(Path::new("/"));
        assert!(disk.len() == 2 && disk[0].1 <= disk[1].1 && disk[1].1 > 0.0);
        assert_eq!(super::disk(Path::new("/no such folder")).len(), 0);
    }
}
