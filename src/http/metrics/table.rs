//! Every figure of the service, once: its name, what it is, and what it says. `docs/serving.md` lists the same.

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram};

/// A figure.
pub struct Figure {
    /// Its name. A unit stands at its end (`_seconds`, `_bytes`), `_total` behind what only grows.
    pub name: &'static str,
    /// How it behaves.
    pub kind: Kind,
    /// What it says.
    pub help: &'static str,
    /// Its labels. Each has few values.
    pub labels: &'static [Label],
}

/// How a figure behaves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// It only grows, from 0 at the start of the process.
    Counter,
    /// It goes up and down.
    Gauge,
    /// How often something was how large: counts by these upper bounds.
    Histogram(&'static [f64]),
}

/// A label of a figure.
pub struct Label {
    /// Its name.
    pub name: &'static str,
    /// Its values where they are known here; else they come from a list that is fixed elsewhere (the routes, the jobs, the statuses).
    pub values: &'static [&'static str],
}

const fn of(name: &'static str) -> Label {
    Label { name, values: &[] }
}

const fn one_of(name: &'static str, values: &'static [&'static str]) -> Label {
    Label { name, values }
}

const fn figure(kind: Kind, name: &'static str, labels: &'static [Label], help: &'static str) -> Figure {
    Figure { name, kind, help, labels }
}

use Kind::{Counter, Gauge};

/// Times of requests and of work.
const SECONDS: Kind =
    Kind::Histogram(&[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0]);
/// Texts of a batch.
const TEXTS: Kind = Kind::Histogram(&[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0]);

const ROUTE: Label = of("route");
const JOB: &[Label] = &[of("job")];
const SOURCE: &[Label] = &[of("source")];
const SOURCE_KIND: &[Label] = &[of("source"), of("kind")];
const CODE: &[Label] = &[of("code")];

/// What became of a try.
const OUTCOME: Label = one_of("outcome", &["delivered", "failed", "dead"]);

/// Why work is refused.
const REFUSED: Label = one_of(
    "reason",
    &[
        "queue",
        "wait",
        "closed",
        "uploads",
        "imports",
        "rebuilding",
        "body_memory",
        "answer_memory",
        "guesses",
        "rate",
        "backups",
        "host",
        "origin",
    ],
);

/// All of them, by what they tell of.
pub const FIGURES: &[Figure] = &[
    // Requests.
    figure(
        Counter,
        "paperkin_http_requests_total",
        &[of("method"), ROUTE, of("status")],
        "Requests by method, route and status; 499 where the client went before it was answered.",
    ),
    figure(SECONDS, "paperkin_http_request_seconds", &[ROUTE], "From the head of a request to the head of its answer."),
    figure(Counter, "paperkin_http_response_bytes_total", &[], "Bytes of the bodies of answers, as they were sent."),
    figure(Gauge, "paperkin_requests_waiting", &[], "Pieces of work for requests that are done or wait."),
    figure(Gauge, "paperkin_queue_length", &[], "Pieces of work for requests that wait for a thread."),
    figure(SECONDS, "paperkin_queue_wait_seconds", &[], "How long work waited for a thread."),
    figure(Counter, "paperkin_refused_total", &[REFUSED], "What was refused, by what there was no room for."),
    figure(
        Counter,
        "paperkin_dropped_total",
        &[one_of("reason", &["gone", "deadline"])],
        "Work that had waited in vain: its client was gone, or its time over.",
    ),
    figure(Gauge, "paperkin_uploads", &[], "Streams of papers under way."),
    figure(Gauge, "paperkin_imports", &[], "Reading lists under way."),
    figure(Gauge, "paperkin_body_bytes", &[], "Memory for the bodies of requests."),
    figure(Gauge, "paperkin_answer_bytes", &[], "Memory for answers that are not read yet."),
    // Connections.
    figure(Gauge, "paperkin_connections", &[], "Connections that are open."),
    figure(Counter, "paperkin_connections_total", &[], "Connections that came."),
    figure(
        Counter,
        "paperkin_connections_closed_total",
        &[one_of("reason", &["header", "handshake", "idle", "unread", "room", "memory"])],
        "Connections that were closed: their head or handshake did not come in time, they were idle, nobody took the answer, to make \
         room or to free memory.",
    ),
    figure(Counter, "paperkin_accept_errors_total", &[], "Connections that the system could not hand over."),
    figure(
        Counter,
        "paperkin_tls_handshakes_total",
        &[one_of("result", &["done", "failed", "plain"])],
        "Handshakes of TLS by what came of them; plain where somebody spoke HTTP without TLS.",
    ),
    figure(
        Counter,
        "paperkin_tls_reloads_total",
        &[one_of("result", &["done", "failed"])],
        "How often the certificate was read again.",
    ),
    figure(
        Gauge,
        "paperkin_tls_certificate_expiry_seconds",
        &[],
        "When the certificate expires, in seconds since 1970; only where the service speaks TLS.",
    ),
    // Mail.
    figure(
        Counter,
        "paperkin_mails_total",
        &[one_of("result", &["sent", "later", "failed"])],
        "Mails by what became of an attempt to make and send them.",
    ),
    // The encoder.
    figure(
        SECONDS,
        "paperkin_encoder_batch_seconds",
        &[],
        "What a batch takes the model; its sum is the time that the model was busy.",
    ),
    figure(TEXTS, "paperkin_encoder_batch_texts", &[], "Texts in a batch."),
    figure(Counter, "paperkin_encoder_tokens_total", &[], "Tokens that went through the model, padding not counted."),
    figure(Counter, "paperkin_encoder_texts_total", &[], "Texts that went through the model."),
    // What the folder holds.
    figure(Gauge, "paperkin_papers", &[], "Papers in the store."),
    figure(Gauge, "paperkin_vectors", &[], "Papers that have a vector of the model."),
    figure(Gauge, "paperkin_readers", &[], "Readers of whom something is known."),
    figure(Gauge, "paperkin_store_change", &[], "The number of the last change of the store."),
    figure(Gauge, "paperkin_store_bytes", &[], "The store on disk."),
    figure(Gauge, "paperkin_index_bytes", &[], "The vector index on disk."),
    figure(Gauge, "paperkin_words_bytes", &[], "The index of words on disk."),
    figure(Gauge, "paperkin_words_rows", &[], "Papers that the index of words finds."),
    figure(Gauge, "paperkin_disk_free_bytes", &[], "Room that is left to this process on the disk of the data folder."),
    figure(Gauge, "paperkin_disk_size_bytes", &[], "All room of that disk."),
    // The vector index.
    figure(Gauge, "paperkin_index_rows", &[], "Rows that can be found."),
    figure(Gauge, "paperkin_index_segments", &[], "Frozen segments."),
    figure(Gauge, "paperkin_index_points", &[], "Rows that graphs hold, the dead ones included."),
    figure(Gauge, "paperkin_index_dead_points", &[], "Rows that graphs hold and that are gone."),
    figure(Gauge, "paperkin_index_live_rows", &[], "Rows that no graph holds yet; all of them are scored."),
    figure(Gauge, "paperkin_index_unreachable_rows", &[], "Rows that no walk came to when the segments were frozen."),
    figure(Gauge, "paperkin_index_freezing", &[], "1 while something is being frozen, else 0."),
    figure(Gauge, "paperkin_index_trouble", &[], "1 while the index could not be written, else 0."),
    figure(
        Gauge,
        "paperkin_index_recall_at_10",
        &[],
        "Share of the ten nearest that unseen queries found when the segments were frozen, from 0 to 1.",
    ),
    // How it stands.
    figure(Gauge, "paperkin_ready", &[], "1 while /readyz says ready or degraded, else 0."),
    figure(Gauge, "paperkin_trouble", CODE, "1 while something is wrong, by the codes of /readyz, else 0."),
    figure(Gauge, "paperkin_changes_behind", CODE, "By how many changes that is behind the store."),
    figure(Gauge, "paperkin_job_running", JOB, "1 while the job runs, else 0."),
    figure(Counter, "paperkin_job_runs_total", JOB, "Runs of the job, ever."),
    figure(Counter, "paperkin_job_failures_total", JOB, "Runs of the job that failed, ever."),
    figure(Gauge, "paperkin_job_last_ok", JOB, "1 when the last run of the job went well, else 0."),
    figure(Gauge, "paperkin_job_last_start_seconds", JOB, "When the last run began, in seconds since 1970."),
    figure(Gauge, "paperkin_job_last_duration_seconds", JOB, "How long the last run took."),
    figure(Gauge, "paperkin_source_papers", SOURCE, "Papers that the source has given, ever."),
    figure(Gauge, "paperkin_source_last_papers", SOURCE_KIND, "Papers that the last run brought, new or changed."),
    figure(Gauge, "paperkin_source_lag_seconds", SOURCE, "Seconds since the source was last read to its end."),
    figure(Gauge, "paperkin_source_ok", SOURCE, "1 unless the last run of the source failed."),
    figure(Gauge, "paperkin_source_next_seconds", SOURCE, "When the source is read next, in seconds since 1970."),
    figure(
        Counter,
        "paperkin_webhook_deliveries_total",
        &[OUTCOME],
        "Tries of deliveries of webhooks: taken, to be tried again, given up.",
    ),
    figure(Gauge, "paperkin_webhook_deliveries_waiting", &[], "Deliveries of webhooks that wait to be tried."),
    figure(Gauge, "paperkin_webhook_dead_letters", &[], "Deliveries of webhooks that were given up, and are kept."),
    figure(Counter, "paperkin_log_lines_dropped_total", &[], "Lines of the log that nobody read in time."),
    figure(
        Gauge,
        "paperkin_build_info",
        &[of("version"), of("model"), of("precision"), of("device"), of("kernels")],
        "1, with what runs: this program, the model, its precision, where and on what it runs.",
    ),
    // The process, where the system tells it (Linux).
    figure(Counter, "process_cpu_seconds_total", &[], "Time of the processor, of users and the system."),
    figure(Gauge, "process_open_fds", &[], "Files and connections that are open."),
    figure(Gauge, "process_max_fds", &[], "Files and connections that may be open."),
    figure(Gauge, "process_resident_memory_bytes", &[], "Memory that is in use."),
    figure(Gauge, "process_virtual_memory_bytes", &[], "Memory that is set aside, maps of files included."),
    figure(Gauge, "process_threads", &[], "Threads of the process."),
    figure(Gauge, "process_start_time_seconds", &[], "When the process began, in seconds since 1970."),
];

/// Gives every figure its description, and those counters whose labels are known their 0: what never happened is told as well.
pub fn describe() {
    for figure in FIGURES {
        let unit = unit(figure.name);
        match figure.kind {
            Kind::Counter => describe_counter!(figure.name, unit, figure.help),
            Kind::Gauge => describe_gauge!(figure.name, unit, figure.help),
            Kind::Histogram(_) => describe_histogram!(figure.name, unit, figure.help),
        }
        // Those of the process are written by hand.
        if figure.kind != Kind::Counter || figure.name.starts_with("process_") {
            continue;
        }
        match figure.labels {
            [] => counter!(figure.name).absolute(0),
            [label] => label.values.iter().for_each(|value| counter!(figure.name, label.name => *value).absolute(0)),
            _ => {}
        }
    }
}

/// The unit that a name ends with.
fn unit(name: &str) -> Unit {
    let name = name.trim_end_matches("_total");
    match () {
        () if name.ends_with("_seconds") => Unit::Seconds,
        () if name.ends_with("_bytes") => Unit::Bytes,
        () => Unit::Count,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_follow_the_convention_and_are_told_in_the_documentation() {
        let documented = include_str!("../../../docs/serving.md");
        let mut names = BTreeSet::new();
        for figure in FIGURES {
            let name = figure.name;
            assert!(names.insert(name), "{name} stands twice");
            assert!(name.starts_with("paperkin_") || name.starts_with("process_"), "{name}");
            assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'), "{name}");
            assert_eq!(figure.kind == Kind::Counter, name.ends_with("_total"), "{name}");
            assert!(!["_ms", "_millis", "_mb", "_kb", "_minutes"].iter().any(|end| name.ends_with(end)), "{name}");
            assert!(figure.help.ends_with('.') && figure.help.len() > 8, "{name}: {}", figure.help);
            if let Kind::Histogram(bounds) = figure.kind {
                assert!(bounds.is_sorted() && bounds.len() > 3, "{name}");
            }
            assert!(documented.contains(&format!("`{name}`")), "docs/serving.md does not tell of {name}");
        }
    }

    /// The page of the book that lists them; `PAPERKIN_WRITE_DOCS=1` writes it anew.
    #[test]
    fn the_page_of_metrics_is_what_is_measured() {
        let mut page = String::from(
            "<!-- Written from the program by src/http/metrics/table.rs; PAPERKIN_WRITE_DOCS=1 writes it anew. -->\n\n# Metrics\n\n\
             `GET /metrics` answers in the text format of Prometheus. [Serving a group](../serving.md#metrics) says how it is \
             scraped, and which dashboard and alerts there are.\n\n| figure | kind | labels | what it says |\n|---|---|---|---|\n",
        );
        for Figure { name, kind, help, labels } in FIGURES {
            let kind = match kind {
                Kind::Counter => "counter".to_string(),
                Kind::Gauge => "gauge".to_string(),
                Kind::Histogram(bounds) => format!("histogram, up to {}", bounds[bounds.len() - 1]),
            };
            let labels: Vec<String> = labels
                .iter()
                .map(|label| match label.values {
                    [] => label.name.to_string(),
                    values => format!("{}: {}", label.name, values.join(", ")),
                })
                .collect();
            page += &format!("| `{name}` | {kind} | {} | {help} |\n", labels.join("; "));
        }
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reference/metrics.md");
        if !std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reference")).is_dir() {
            // The crate comes from a registry, without the book.
            return;
        }
        if std::env::var_os("PAPERKIN_WRITE_DOCS").is_some() {
            std::fs::write(path, &page).expect("written");
        }
        let there = std::fs::read_to_string(path).unwrap_or_default();
        let differs = page.lines().zip(there.lines()).find(|(now, there)| now != there);
        assert!(there == page, "docs/reference/metrics.md is stale; PAPERKIN_WRITE_DOCS=1 writes it anew: {differs:?}");
    }
}
