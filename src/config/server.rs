//! How the service meets the world: whom it lets in, how long it waits for them, and how much they may take.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Network, Rate, address};
use crate::error::{Error, Result};

/// Limits of the HTTP service. In the file under `[server]`; in the environment as `PAPERKIN_` and the name in
/// capitals, lists separated by commas.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    /// The names (`papers.example`, without a port) under which the service is reached, besides `localhost`, the addresses
    /// that it listens on and the host of `public_url`. A request for any other host is refused with 421, so that no page
    /// of another site reaches the service by a name of its own (DNS rebinding). None by default.
    pub hosts: Vec<String>,
    /// The proxies in front of the service, as addresses or networks (`10.0.0.5`, `172.16.0.0/12`); those on this machine
    /// always are. What they say is believed: of the client's address (`X-Forwarded-For`, whose last entry a proxy must
    /// write itself) and of the host that was asked for (`X-Forwarded-Host`, `Forwarded`). None by default.
    pub trusted_proxies: Vec<Network>,
    /// The origins (`https://portal.example`) whose pages may call the service from a browser. None by default.
    pub cors_origins: Vec<String>,
    /// The certificate by which the service is known, a PEM file with those that signed it behind it. With it and `tls_key` the
    /// service speaks TLS (1.2 and 1.3) and nothing else. Both files are read again on SIGHUP. None by default.
    pub tls_certificate: Option<PathBuf>,
    /// The key of that certificate, a PEM file, not encrypted (RSA, ECDSA or Ed25519).
    pub tls_key: Option<PathBuf>,
    /// Requests a second that a key, a session or (where nobody has to say who they are) an address may ask on and on (0 to
    /// 1,000,000; 0 is no limit); an address from which nobody is recognised has a fifth of it. A large request (a batch,
    /// texts to embed, papers to add) counts for five. Beyond it requests are refused with 429. 100 by default; no limit
    /// where `addr` is of this machine alone and `[auth] mode` is `open`.
    pub rate_limit: Option<u64>,
    /// Requests that may come at once beside that (1 to 10,000,000). By default ten times `rate_limit`.
    pub rate_burst: Option<u64>,
    /// Seconds that the service still lets everybody in after SIGTERM (0 to 2) while `/readyz` says that it stops and every answer
    /// closes its connection, so that whoever sends requests here sees it first.
    pub drain_s: u64,
    /// Greatest number of connections (at most 1,000,000). 0 takes what the limit on open files allows beside the
    /// store, the index and the model, at most 16,384. A larger number is lowered to what open files allow. When it is
    /// reached, the connection that has been idle longest is closed, first those that never sent a request; else new
    /// connections wait.
    pub max_connections: usize,
    /// Seconds within which the head of a request must arrive, and a TLS handshake be done (1 to 3,600).
    pub header_timeout_s: u64,
    /// Seconds that a connection may be idle before its first or next request (1 to 86,400).
    pub idle_timeout_s: u64,
    /// Seconds within which a client must read some part of an answer (1 to 3,600); else it is disconnected.
    pub write_timeout_s: u64,
    /// Streams of papers at a time, and as many reading lists beside them (1 to 1,024); more are refused with 503.
    pub max_uploads: usize,
    /// Least rate of a stream of papers in bytes a second, measured over `timeout_s` (0 to 1,000,000,000).
    pub min_upload_rate: u64,
    /// Memory for the bodies of all requests, raw and parsed, in bytes (1 MB to 1 TB); beyond it requests are refused
    /// with 503. One request may use three quarters of it.
    pub body_memory: usize,
    /// Memory for all answers that clients have not read yet, in bytes (1 MB to 1 TB); beyond it requests are refused
    /// with 503.
    pub answer_memory: usize,
    /// Worker threads for requests (at most 1,024); 0 takes four a core and at least 16.
    pub work_threads: usize,
    /// Milliseconds that a request may wait for a worker (1 to 600,000), ten times as long for large requests (a batch,
    /// texts to embed, papers to add); if the wait would be longer, it is refused with 503.
    pub max_wait_ms: u64,
}

impl Default for Server {
    fn default() -> Self {
        Server {
            hosts: Vec::new(),
            trusted_proxies: Vec::new(),
            cors_origins: Vec::new(),
            tls_certificate: None,
            tls_key: None,
            rate_limit: None,
            rate_burst: None,
            drain_s: 1,
            max_connections: 0,
            header_timeout_s: 10,
            idle_timeout_s: 60,
            write_timeout_s: 30,
            max_uploads: 8,
            min_upload_rate: 1000,
            body_memory: 256 << 20,
            answer_memory: 256 << 20,
            work_threads: 0,
            max_wait_ms: 500,
        }
    }
}

impl Server {
    /// Applies the environment, and checks the ranges.
    pub(super) fn settled(self, var: &dyn Fn(&str) -> Option<String>) -> Result<Self> {
        let serde_json::Value::Object(mut settings) = serde_json::to_value(&self).unwrap_or_default() else {
            return Err(Error::Internal("the settings of the service are no table".into()));
        };
        for (name, value) in &mut settings {
            let Some(text) = var(&name.to_uppercase()) else { continue };
            *value = match (name.as_str(), &*value) {
                ("tls_certificate" | "tls_key", _) => text.into(),
                (_, serde_json::Value::Array(_)) => text.split(',').collect(),
                _ => {
                    let wrong =
                        || Error::Invalid(format!("PAPERKIN_{} is {text:?}, not a number", name.to_uppercase()));
                    text.parse::<u64>().map_err(|_| wrong())?.into()
                }
            };
        }
        let settled: Server = serde_path_to_error::deserialize(serde_json::Value::from(settings))
            .map_err(|e| Error::Invalid(format!("the setting {}: {}", e.path(), e.inner())))?;
        settled.check()?;
        let cors_origins = settled.cors_origins.iter().map(|o| address::origin(o)).collect::<Result<_>>()?;
        let hosts = settled.hosts.iter().map(|host| address::host(host)).collect::<Result<_>>()?;
        Ok(Server { cors_origins, hosts, ..settled })
    }

    /// The same with what the command line says of TLS.
    ///
    /// # Errors
    /// [`Error::Invalid`] where there is a certificate without a key, or a key without a certificate.
    pub(super) fn with_tls(self, certificate: Option<PathBuf>, key: Option<PathBuf>) -> Result<Self> {
        let tls_certificate = certificate.or(self.tls_certificate);
        let tls_key = key.or(self.tls_key);
        if let Some((there, missing)) = match (&tls_certificate, &tls_key) {
            (Some(_), None) => Some(("tls_certificate", "tls_key")),
            (None, Some(_)) => Some(("tls_key", "tls_certificate")),
            _ => None,
        } {
            return Err(Error::Invalid(format!("the setting {there} is set and {missing} is not; TLS needs both")));
        }
        Ok(Server { tls_certificate, tls_key, ..self })
    }

    /// Certificate and key, where the service speaks TLS.
    pub fn tls(&self) -> Option<(&Path, &Path)> {
        self.tls_certificate.as_deref().zip(self.tls_key.as_deref())
    }

    /// How its address begins.
    pub fn scheme(&self) -> &'static str {
        if self.tls().is_some() { "https" } else { "http" }
    }

    /// How often somebody may ask; `private`: nobody but this machine reaches the service, and nobody has to say who they are.
    pub fn rate(&self, private: bool) -> Option<Rate> {
        Rate::of(self.rate_limit, self.rate_burst, private)
    }

    fn check(&self) -> Result<()> {
        let wide = |n: usize| n as u64;
        let ranges = [
            ("rate_limit", self.rate_limit.unwrap_or(0), 0, 1_000_000),
            ("rate_burst", self.rate_burst.unwrap_or(1), 1, 10_000_000),
            ("drain_s", self.drain_s, 0, 2),
            ("max_connections", wide(self.max_connections), 0, 1_000_000),
            ("header_timeout_s", self.header_timeout_s, 1, 3600),
            ("idle_timeout_s", self.idle_timeout_s, 1, 86_400),
            ("write_timeout_s", self.write_timeout_s, 1, 3600),
            ("max_uploads", wide(self.max_uploads), 1, 1024),
            ("min_upload_rate", self.min_upload_rate, 0, 1_000_000_000),
            ("body_memory", wide(self.body_memory), 1 << 20, 1 << 40),
            ("answer_memory", wide(self.answer_memory), 1 << 20, 1 << 40),
            ("work_threads", wide(self.work_threads), 0, 1024),
            ("max_wait_ms", self.max_wait_ms, 1, 600_000),
        ];
        for (name, value, least, most) in ranges {
            if !(least..=most).contains(&value) {
                return Err(Error::Invalid(format!("the setting {name} is {value}; it goes from {least} to {most}")));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_goes_over_the_file_and_what_is_out_of_range_is_named() {
        let env = |name: &str| match name {
            "MAX_UPLOADS" => Some("3".to_string()),
            "CORS_ORIGINS" => Some("https://a.example,http://b.example:8080".to_string()),
            "TLS_KEY" => Some("/etc/key, really.pem".to_string()),
            "RATE_LIMIT" => Some("7".to_string()),
            "HOSTS" => Some("Papers.Example,lab.local".to_string()),
            "TRUSTED_PROXIES" => Some("10.0.0.0/8,::1".to_string()),
            _ => None,
        };
        let file = Server { max_uploads: 5, idle_timeout_s: 7, ..Server::default() };
        let settled = file.settled(&env).expect("settles");
        assert_eq!((settled.max_uploads, settled.idle_timeout_s, settled.cors_origins.len()), (3, 7, 2));
        assert_eq!(
            (&settled.hosts, settled.trusted_proxies.len()),
            (&vec!["papers.example".to_string(), "lab.local".into()], 2)
        );
        assert_eq!(settled.tls_key.as_deref(), Some(Path::new("/etc/key, really.pem")));
        assert_eq!((settled.rate_limit, settled.rate_burst), (Some(7), None));
        let half = settled.clone().with_tls(None, None).expect_err("half of it").to_string();
        assert!(half.contains("tls_key is set and tls_certificate is not"), "{half}");
        assert_eq!(settled.with_tls(Some("c.pem".into()), None).map(|s| s.scheme()).ok(), Some("https"));
        assert_eq!(Server::default().scheme(), "http");
        for (name, text) in [
            ("RATE_BURST", "0"),
            ("RATE_LIMIT", "fast"),
            ("DRAIN_S", "3"),
            ("BODY_MEMORY", "1000"),
            ("MAX_WAIT_MS", "0"),
            ("HEADER_TIMEOUT_S", "soon"),
        ] {
            let env = move |asked: &str| (asked == name).then(|| text.to_string());
            let e = Server::default().settled(&env).expect_err(name).to_string();
            assert!(e.to_uppercase().contains(name), "{e}");
        }
    }
}
