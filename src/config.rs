//! Settings: from a file, then the environment, then flags; each overrides the one before. They are checked once, here.

mod address;
mod auth;
mod fetching;
mod index;
mod jobs;
mod log;
mod mail;
mod network;
mod rate;
mod schedule;
mod server;
mod sources;
mod tuning;

use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

pub use address::{host_name, is_host, public_url};
pub use auth::{Auth, AuthMode};
pub use fetching::Fetching;
pub use index::{IndexKind, IndexSettings};
pub use jobs::Jobs;
pub use log::{Log, LogFormat};
pub use mail::{Dkim, MailSettings, MailTls, Sender, SmtpServer, mail_address};
pub use network::Network;
pub use rate::Rate;
pub use schedule::Schedule;
pub use server::Server;
pub use sources::{SourceKind, SourceSettings};
pub use tuning::Tuning;

/// Every setting, with its final value.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Config {
    /// The data folder.
    pub data: PathBuf,
    /// The model; `None` takes the one that the folder was made with, else the bundled one.
    pub model: Option<String>,
    /// Where the model runs.
    pub device: DeviceChoice,
    /// What runs it: our own kernels or candle.
    pub kernels: KernelChoice,
    /// The precision of its matrix products; `None` takes that of the folder, else the one that suits the machine.
    pub precision: Option<Precision>,
    /// The length of a vector, for models that allow shorter ones; `None` takes that of the folder, else the full
    /// length.
    pub dimension: Option<usize>,
    /// What finds the nearest vectors.
    pub index: IndexSettings,
    /// The address that is served.
    pub addr: String,
    /// The public address of the service, without a slash at its end (`https://papers.example/lab`); `None` takes the
    /// address of each request.
    pub public_url: Option<String>,
    /// The time zone that schedules are read in, by its IANA name (`Europe/Berlin`); `None` takes the machine's own.
    pub time_zone: Option<String>,
    /// Who may come in.
    pub auth: Auth,
    /// Whether the service may be open to everybody on an address that other machines reach. By the flag `--insecure`
    /// alone, so that no forgotten file or variable does it.
    pub insecure: bool,
    /// Limits of the service: whom it admits, how long it waits, and how much memory and time requests may take.
    pub server: Server,
    /// When the service does what nobody asks for.
    pub jobs: Jobs,
    /// How papers are fetched from elsewhere.
    pub fetch: Fetching,
    /// Where they come from by themselves: `[[source]]` in the file, once for each.
    #[serde(rename = "source", default)]
    pub sources: Vec<SourceSettings>,
    /// What mail goes out through; none where none is sent.
    pub mail: Option<MailSettings>,
    /// What it tells of its work.
    pub log: Log,
    /// Settings that have no flag.
    pub tuning: Tuning,
}

/// Where the model runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum DeviceChoice {
    /// The first accelerator that the binary was built for and the machine has, else the processor.
    #[default]
    Auto,
    /// The processor.
    Cpu,
    /// The first CUDA device; an error without one.
    Cuda,
    /// The first Metal device; an error without one.
    Metal,
}

/// What runs a model. Both give the same vectors (cosine at least 0.9999), so a data folder made with one goes on with
/// the other.
//
// The help of `--kernels` shows what is said of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum KernelChoice {
    /// Our own kernels for BERT and its family on x86-64 processors with AVX2 or AVX-512, where they are faster; else
    /// candle.
    #[default]
    Auto,
    /// Our own kernels: BERT and its family, on the processor, in f32, bf16 or int8.
    Own,
    /// candle: every architecture, on any device; on the processor in f32, not for int8 and adapters.
    Candle,
}

/// The precision of the model's products with its weights. On the processor everything else is f32, except attention,
/// which is bf16 with bf16 and, where that is fast, with int8. On an accelerator, values stored between products are
/// narrow too, and sums are f32. Vectors of two precisions count as vectors of two models.
//
// The help of `--precision` shows what is said of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// The reference.
    F32,
    /// Half the bits of f32. The cosine to the f32 vector is above 0.9999.
    Bf16,
    /// For accelerators without bf16: more digits than bf16, but models with large activations can overflow.
    F16,
    /// The fastest on a processor, and only there. The cosine to f32 is above 0.995 on abstracts, lower on a word or
    /// two.
    Int8,
}

impl std::fmt::Display for Precision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Precision::F32 => "f32",
            Precision::Bf16 => "bf16",
            Precision::F16 => "f16",
            Precision::Int8 => "int8",
        })
    }
}

/// The flags of the command line.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// `--config`
    pub config: Option<PathBuf>,
    /// `--data`
    pub data: Option<PathBuf>,
    /// `--model`
    pub model: Option<String>,
    /// `--device`
    pub device: Option<DeviceChoice>,
    /// `--kernels`
    pub kernels: Option<KernelChoice>,
    /// `--precision`
    pub precision: Option<Precision>,
    /// `--dimension`
    pub dimension: Option<usize>,
    /// `--index-kind`
    pub index_kind: Option<IndexKind>,
    /// `--addr`
    pub addr: Option<String>,
    /// `--public-url`
    pub public_url: Option<String>,
    /// `--log`
    pub log: Option<LogFormat>,
    /// `--tls-certificate`
    pub tls_certificate: Option<PathBuf>,
    /// `--tls-key`
    pub tls_key: Option<PathBuf>,
    /// `--insecure`
    pub insecure: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    data: Option<PathBuf>,
    model: Option<String>,
    device: Option<DeviceChoice>,
    kernels: Option<KernelChoice>,
    precision: Option<Precision>,
    dimension: Option<usize>,
    addr: Option<String>,
    public_url: Option<String>,
    time_zone: Option<String>,
    #[serde(default)]
    index: IndexSettings,
    #[serde(default)]
    auth: Auth,
    #[serde(default)]
    server: Server,
    #[serde(default)]
    jobs: Jobs,
    #[serde(default)]
    fetch: Fetching,
    #[serde(default)]
    source: Vec<SourceSettings>,
    #[serde(default)]
    mail: mail::MailFile,
    #[serde(default)]
    log: Log,
    #[serde(default)]
    tuning: toml::Table,
}

impl Config {
    /// Combines file, environment and flags. The file is the one that `--config` names, else `paperkin.toml` in the
    /// data folder, if there is one.
    ///
    /// # Errors
    /// [`Error::Io`] when the named file cannot be read; [`Error::Invalid`] for a setting that does not exist or is out
    /// of range, naming it.
    pub fn load(flags: Flags, env: &dyn Fn(&str) -> Option<String>) -> Result<Self> {
        let var = |name: &str| env(&format!("PAPERKIN_{name}")).filter(|v| !v.is_empty());
        let named = flags.config.or_else(|| var("CONFIG").map(PathBuf::from));
        let data_asked = flags.data.or_else(|| var("DATA").map(PathBuf::from));
        let default_data = PathBuf::from("paperkin-data");
        let beside = data_asked.as_ref().unwrap_or(&default_data).join("paperkin.toml");
        let mut file = match named {
            Some(path) => read(&path)?.beside(&path),
            None if beside.is_file() => read(&beside)?.beside(&beside),
            None => File::default(),
        };
        for (name, preset) in Tuning::default().by_name() {
            // A setting with a whole default takes whole numbers; the others may have a fraction.
            let read = |text: &str| match preset.is_u64() {
                true => text.parse().ok().map(toml::Value::Integer),
                false => text.parse().ok().map(toml::Value::Float),
            };
            if let Some(value) = from_env(&var, &name.to_uppercase(), read, "a number")? {
                file.tuning.insert(name, value);
            }
        }
        let device = match flags.device {
            Some(device) => Some(device),
            None => from_env(&var, "DEVICE", choice, "auto, cpu, cuda or metal")?.or(file.device),
        };
        let kernels = match flags.kernels {
            Some(kernels) => Some(kernels),
            None => from_env(&var, "KERNELS", choice, "auto, own or candle")?.or(file.kernels),
        };
        let precision = match flags.precision {
            Some(precision) => Some(precision),
            None => from_env(&var, "PRECISION", choice, "f32, bf16, f16 or int8")?.or(file.precision),
        };
        let dimension = match flags.dimension {
            Some(dimension) => Some(dimension),
            None => from_env(&var, "DIMENSION", |text| text.parse().ok(), "a number")?.or(file.dimension),
        };
        let index_kind = match flags.index_kind {
            Some(kind) => kind,
            None => from_env(&var, "INDEX_KIND", choice, "segments, exact or hnsw_rs")?.unwrap_or(file.index.kind),
        };
        let public_url = flags.public_url.or_else(|| var("PUBLIC_URL")).or(file.public_url);
        let time_zone = var("TIME_ZONE").or(file.time_zone);
        time_zone.as_deref().map(zone).transpose()?;
        let tuning: Tuning = file.tuning.try_into().map_err(|e| Error::Invalid(format!("the settings: {e}")))?;
        tuning.check()?;
        let public_url = public_url.as_deref().map(address::public_url).transpose()?;
        let mail = file.mail.settled(public_url.as_deref(), &var)?;
        Ok(Config {
            data: data_asked.or(file.data).unwrap_or(default_data),
            model: flags.model.or_else(|| var("MODEL")).or(file.model),
            device: device.unwrap_or_default(),
            kernels: kernels.unwrap_or_default(),
            precision,
            dimension,
            index: IndexSettings { kind: index_kind },
            addr: flags.addr.or_else(|| var("ADDR")).or(file.addr).unwrap_or_else(|| "127.0.0.1:7878".into()),
            public_url,
            time_zone,
            auth: file.auth.settled(&var)?,
            insecure: flags.insecure,
            server: file.server.settled(&var)?.with_tls(flags.tls_certificate, flags.tls_key)?,
            jobs: file.jobs.settled(&var)?,
            fetch: file.fetch.settled(&var)?,
            sources: sources::settled(file.source)?,
            mail,
            log: file.log.settled(flags.log, &var)?,
            tuning,
        })
    }

    /// The defaults for a data folder, for programs that use this crate.
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Config {
            data: data.into(),
            model: None,
            device: DeviceChoice::Auto,
            kernels: KernelChoice::Auto,
            precision: None,
            dimension: None,
            index: IndexSettings::default(),
            addr: "127.0.0.1:7878".into(),
            public_url: None,
            time_zone: None,
            auth: Auth::default(),
            insecure: false,
            server: Server::default(),
            jobs: Jobs::default(),
            fetch: Fetching::default(),
            sources: Vec::new(),
            mail: None,
            log: Log::default(),
            tuning: Tuning::default(),
        }
    }

    /// The time zone that schedules are read in.
    pub fn zone(&self) -> TimeZone {
        // Looked at when the settings were read.
        self.time_zone.as_deref().and_then(|name| zone(name).ok()).unwrap_or_else(TimeZone::system)
    }
}

fn zone(name: &str) -> Result<TimeZone> {
    let unknown = |_| {
        Error::Invalid(format!(
            "the setting time_zone is {name:?}, which this machine knows no time zone by; write it as `Europe/Berlin` or `UTC`"
        ))
    };
    TimeZone::get(name).map_err(unknown)
}

impl File {
    /// With paths that begin nowhere taken from the folder of the settings, wherever the program was started.
    fn beside(mut self, settings: &Path) -> Self {
        let folder = settings.parent().unwrap_or(Path::new(""));
        let paths = self.source.iter_mut().flat_map(|source| [&mut source.path, &mut source.key_file]);
        let of_mail = [&mut self.mail.password_file, &mut self.mail.ca_file, &mut self.mail.dkim_key_file];
        for path in paths.chain(of_mail).flatten() {
            let beside = folder.join(&*path);
            // In full, since another process may be the one that reads it.
            *path = std::path::absolute(&beside).unwrap_or(beside);
        }
        self
    }
}

/// The value of an environment variable, if it is set.
fn from_env<T>(
    var: &dyn Fn(&str) -> Option<String>,
    name: &str,
    read: impl Fn(&str) -> Option<T>,
    expected: &str,
) -> Result<Option<T>> {
    let Some(text) = var(name) else { return Ok(None) };
    let wrong = || Error::Invalid(format!("PAPERKIN_{name} is {text:?}, not {expected}"));
    read(&text).ok_or_else(wrong).map(Some)
}

fn choice<T: clap::ValueEnum>(text: &str) -> Option<T> {
    T::from_str(text, true).ok()
}

fn read(path: &Path) -> Result<File> {
    let text = std::fs::read_to_string(path).map_err(|e| Error::io(path, "cannot read the settings", e))?;
    let wrong = |e: toml::de::Error| Error::Invalid(format!("{}: {}", path.display(), e.to_string().trim_end()));
    let file: File = toml::from_str(&text).map_err(wrong)?;
    // Checked before the environment is applied, so that the error names the file.
    let _: Tuning = file.tuning.clone().try_into().map_err(wrong)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(file: &str, env: &[(&str, &str)], flags: Flags) -> Result<Config> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.toml");
        std::fs::write(&path, file).expect("written");
        let flags = Flags { config: Some(path), ..flags };
        Config::load(flags, &|name| env.iter().find(|(k, _)| *k == name).map(|(_, v)| v.to_string()))
    }

    #[test]
    fn flags_override_the_environment_overrides_the_file() {
        let file = "model = 'a'\naddr = 'file:1'\n[tuning]\nef_search = 10\nm = 8";
        let env = [("PAPERKIN_MODEL", "b"), ("PAPERKIN_EF_SEARCH", "20"), ("PAPERKIN_ADDR", "env:1")];
        let c = load(file, &env, Flags { model: Some("c".into()), ..Flags::default() }).expect("loads");
        assert_eq!((c.model.as_deref(), c.addr.as_str()), (Some("c"), "env:1"));
        let file = "dimension = 64";
        let numbers =
            |env: &[_], dimension| load(file, env, Flags { dimension, ..Flags::default() }).expect("loads").dimension;
        assert_eq!(numbers(&[], None), Some(64));
        assert_eq!(numbers(&[("PAPERKIN_DIMENSION", "128")], None), Some(128));
        assert_eq!(numbers(&[("PAPERKIN_DIMENSION", "128")], Some(256)), Some(256));
        let file = "[index]\nkind = 'exact'";
        let kind = |file: &str, env: &[_], index_kind| {
            load(file, env, Flags { index_kind, ..Flags::default() }).expect("loads").index.kind
        };
        let env = [("PAPERKIN_INDEX_KIND", "hnsw_rs")];
        assert_eq!(kind("", &[], None), IndexKind::Segments);
        assert_eq!(kind(file, &[], None), IndexKind::Exact);
        assert_eq!(kind(file, &env, None), IndexKind::HnswRs);
        assert_eq!(kind(file, &env, Some(IndexKind::Segments)), IndexKind::Segments);
        assert_eq!((c.tuning.ef_search, c.tuning.m, c.tuning.timeout_s), (20, 8, 30));
        let recall = |file: &str, env: &[_]| load(file, env, Flags::default()).expect("loads").tuning.recall;
        assert_eq!(recall("[tuning]\nrecall = 0.95", &[]), Some(0.95));
        assert_eq!(recall("[tuning]\nrecall = 0.95", &[("PAPERKIN_RECALL", "0.98")]), Some(0.98));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (file, env, word) in [
            ("modle = 'a'", None, "modle"),
            ("[tuning]\nef_serch = 1", None, "ef_serch"),
            ("[tuning]\nef_search = 0", None, "ef_search"),
            ("device = 'tpu'", None, "tpu"),
            ("[tuning]\nrecall = 1.5", None, "recall"),
            ("", Some(("PAPERKIN_RECALL", "most")), "PAPERKIN_RECALL"),
            ("", Some(("PAPERKIN_M", "many")), "PAPERKIN_M"),
            ("", Some(("PAPERKIN_M", "1.5")), "PAPERKIN_M"),
            ("", Some(("PAPERKIN_RECALL", "NaN")), "recall"),
            ("", Some(("PAPERKIN_DEVICE", "tpu")), "tpu"),
            ("kernels = 'onnx'", None, "onnx"),
            ("", Some(("PAPERKIN_KERNELS", "onnx")), "auto, own or candle"),
            ("", Some(("PAPERKIN_DIMENSION", "few")), "PAPERKIN_DIMENSION"),
            ("[index]\nkind = 'faiss'", None, "faiss"),
            ("[index]\nkid = 'exact'", None, "kid"),
            ("", Some(("PAPERKIN_INDEX_KIND", "faiss")), "segments, exact or hnsw_rs"),
            ("public_url = 'papers.example'", None, "public_url"),
            ("[server]\ntls_key = 'k.pem'", None, "tls_certificate"),
            ("[auth]\nmode = 'basic'", None, "basic"),
            ("[auth]\nmod = 'keys'", None, "mod"),
            ("", Some(("PAPERKIN_AUTH_MODE", "basic")), "PAPERKIN_AUTH_MODE"),
            ("[server]\nhosts = ['https://a.example']", None, "hosts"),
            ("[server]\ntrusted_proxies = ['proxy']", None, "trusted_proxies"),
            ("", Some(("PAPERKIN_TRUSTED_PROXIES", "10.0.0.0/99")), "trusted_proxies"),
            ("[server]\ncors_orgins = []", None, "cors_orgins"),
            ("[server]\ncors_origins = ['*']", None, "cors_origins"),
            ("[jobs]\nthemse = 'off'", None, "themse"),
            ("[jobs]\nthemes = '0 0 31 2 *'", None, "no day ever meets it"),
            ("", Some(("PAPERKIN_JOBS_THEMES", "soon")), "PAPERKIN_JOBS_THEMES"),
            ("time_zone = 'Mars/Base'", None, "time_zone"),
            ("[log]\nformat = 'xml'", None, "xml"),
            ("", Some(("PAPERKIN_LOG_FORMAT", "xml")), "text or json"),
            ("", Some(("PAPERKIN_LOG_REQUESTS", "some")), "true or false"),
            ("[mail]\nsmtp = 'smtp://127.0.0.1'\nfrom = 'p@lab.example'", None, "public_url"),
        ] {
            let env: Vec<_> = env.into_iter().collect();
            let e = load(file, &env, Flags::default()).expect_err(file).to_string();
            assert!(e.contains(word), "{file:?} {env:?}: {e}");
        }
    }

    #[test]
    fn files_of_mail_stand_beside_the_settings() {
        let file = "public_url = 'https://p.example'\n[mail]\nsmtp = 'smtps://u@m.example'\nfrom = 'p@lab.example'\n\
                    password_file = 'secret'\nca_file = '/etc/ca.pem'";
        let mail = load(file, &[], Flags::default()).expect("loads").mail.expect("mail");
        let secret = mail.password_file.expect("a file");
        assert!(secret.is_absolute() && secret.ends_with("secret"), "{secret:?}");
        assert_eq!(mail.ca_file.as_deref(), Some(Path::new("/etc/ca.pem")));
    }

    #[test]
    fn every_setting_has_its_variable() {
        let env = [
            ("PAPERKIN_M", "17"),
            ("PAPERKIN_EF_CONSTRUCTION", "201"),
            ("PAPERKIN_EF_SEARCH", "97"),
            ("PAPERKIN_RECALL", "0.5"),
            ("PAPERKIN_EXACT_BELOW", "4001"),
            ("PAPERKIN_THREADS", "1"),
            ("PAPERKIN_TOKEN_BUDGET", "2"),
            ("PAPERKIN_MAX_WAITING", "129"),
            ("PAPERKIN_TIMEOUT_S", "31"),
            ("PAPERKIN_MAX_BODY", "2222"),
            ("PAPERKIN_MAX_UNPACKED", "3333"),
            ("PAPERKIN_MAX_RATIO", "44"),
            ("PAPERKIN_ZSTD_LONG", "29"),
        ];
        // Every field, so that a new setting must be added here.
        let wanted = Tuning {
            m: 17,
            ef_construction: 201,
            ef_search: 97,
            recall: Some(0.5),
            exact_below: 4001,
            threads: 1,
            token_budget: 2,
            max_waiting: 129,
            timeout_s: 31,
            max_body: 2222,
            max_unpacked: 3333,
            max_ratio: 44,
            zstd_long: 29,
        };
        assert_eq!(load("", &env, Flags::default()).expect("loads").tuning, wanted);
    }
}
