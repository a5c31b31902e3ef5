//! How the service meets the world: whom it lets in, how long it waits for them, and how much they may take.

use serde::{Deserialize, Serialize};

use super::{Network, address};
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
    /// Greatest number of connections (at most 1,000,000). 0 takes what the limit on open files allows beside the
    /// store, the index and the model, at most 16,384. A larger number is lowered to what open files allow. When it is
    /// reached, the connection that has been idle longest is closed, first those that never sent a request; else new
    /// connections wait.
    pub max_connections: usize,
    /// Seconds within which the head of a request must arrive (1 to 3,600).
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
            *value = match value {
                serde_json::Value::Number(_) => {
                    let wrong =
                        || Error::Invalid(format!("PAPERKIN_{} is {text:?}, not a number", name.to_uppercase()));
                    text.parse::<u64>().map_err(|_| wrong())?.into()
                }
                _ => text.split(',').collect(),
            };
        }
        let settled: Server = serde_path_to_error::deserialize(serde_json::Value::from(settings))
            .map_err(|e| Error::Invalid(format!("the setting {}: {}", e.path(), e.inner())))?;
        settled.check()?;
        let cors_origins = settled.cors_origins.iter().map(|o| address::origin(o)).collect::<Result<_>>()?;
        let hosts = settled.hosts.iter().map(|host| address::host(host)).collect::<Result<_>>()?;
        Ok(Server { cors_origins, hosts, ..settled })
    }

    fn check(&self) -> Result<()> {
        let wide = |n: usize| n as u64;
        let ranges = [
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
            "HOSTS" => Some("Papers.Example,lab.local".to_string()),
            "TRUSTED_PROXIES" => Some("10.0.0.0/8,::1".to_string()),
            _ => None,
        };
        let file = Server { max_uploads: 5, idle_timeout_s: 7, ..Server::default() };
        let settled = file.settled(&env).expect("settles");
        assert_eq!((settled.max_uploads, settled.idle_timeout_s, settled.cors_origins.len()), (3, 7, 2));
        assert_eq!(
            (settled.hosts, settled.trusted_proxies.len()),
            (vec!["papers.example".into(), "lab.local".into()], 2)
        );
        for (name, text) in [("BODY_MEMORY", "1000"), ("MAX_WAIT_MS", "0"), ("HEADER_TIMEOUT_S", "soon")] {
            let env = move |asked: &str| (asked == name).then(|| text.to_string());
            let e = Server::default().settled(&env).expect_err(name).to_string();
            assert!(e.to_uppercase().contains(name), "{e}");
        }
    }
}
