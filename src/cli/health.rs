//! `paperkin health`

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use ureq::Agent;
use ureq::tls::TlsConfig;

use super::{Context, show, wrong_usage};
use crate::config::Config;

/// How long the service may take to say how it is.
const PATIENCE: Duration = Duration::from_secs(5);

/// No answer of the service about itself is longer, in bytes.
const LONGEST: u64 = 1 << 20;

/// Ask the running service whether it is ready
///
/// Asks GET /readyz, by default at the address of the settings, on this machine. Exit status 0 when the service is ready, or degraded
/// (reading works; what is wrong is told); 1 when it is starting, stopping, broken or not there. Made for health checks of
/// containers, scripts and monitors; `paperkin doctor` looks at everything.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  paperkin health
  paperkin health https://papers.example
  until paperkin health; do sleep 1; done        wait for a start")]
pub struct Args {
    /// Where the service is [default: the address of the settings, on this machine]
    #[arg(value_name = "URL")]
    url: Option<String>,
}

pub fn run(context: &Context, args: &Args) -> anyhow::Result<()> {
    let (url, own) = match &args.url {
        Some(url) => (address(url)?, false),
        None => (own_address(&context.config()?), true),
    };
    // The certificate of the service on this machine has another name than the address that is asked, and nothing secret is sent.
    let tls = TlsConfig::builder().disable_verification(own).build();
    let mut config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_global(Some(PATIENCE))
        .tls_config(tls);
    if own {
        config = config.proxy(None);
    }
    let agent: Agent = config.build().into();
    let mut answer = agent
        .get(format!("{url}/readyz"))
        .call()
        .map_err(|e| anyhow::anyhow!("no service answers at {url}: {e}. `paperkin serve` starts one"))?;
    let status = answer.status().as_u16();
    let text = answer.body_mut().with_config().limit(LONGEST).read_to_string().unwrap_or_default();
    let told: Value = serde_json::from_str(&text).unwrap_or_default();
    let word = |value: &Value| value.as_str().map(str::to_string);
    match (status, word(&told["status"])) {
        (200, Some(_)) if context.json => show::document(&told),
        (200, Some(state)) => {
            let papers = told["papers"].as_u64().and_then(|n| usize::try_from(n).ok());
            let papers = papers.map_or_else(String::new, |n| format!(", {}", show::counted(n, "paper")));
            let mut lines = vec![format!("{state}{papers}")];
            lines.extend(told["troubles"].as_array().into_iter().flatten().filter_map(|t| word(&t["message"])));
            show::table(lines)
        }
        _ => {
            let why = word(&told["error"]["message"]);
            let why =
                why.unwrap_or_else(|| format!("status {status}, and no answer of paperkin: is it another program?"));
            anyhow::bail!("the service at {url} is not ready: {why}")
        }
    }
}

/// An address that was named, without a slash at its end.
fn address(url: &str) -> anyhow::Result<String> {
    let wrong = |_| wrong_usage(format!("{url:?} is no address of a service; write it like http://127.0.0.1:7878"));
    crate::config::public_url(url).map_err(wrong)
}

/// Where a service with these settings is reached on its machine.
fn own_address(config: &Config) -> String {
    let scheme = config.server.scheme();
    match config.addr.parse::<SocketAddr>() {
        Ok(SocketAddr::V4(all)) if all.ip().is_unspecified() => format!("{scheme}://127.0.0.1:{}", all.port()),
        Ok(SocketAddr::V6(all)) if all.ip().is_unspecified() => format!("{scheme}://[::1]:{}", all.port()),
        _ => format!("{scheme}://{}", config.addr),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_on_all_addresses_is_asked_at_its_own() {
        for (addr, wanted) in [
            ("0.0.0.0:7878", "http://127.0.0.1:7878"),
            ("[::]:80", "http://[::1]:80"),
            ("192.168.1.5:7878", "http://192.168.1.5:7878"),
            ("papers.lan:7878", "http://papers.lan:7878"),
        ] {
            assert_eq!(own_address(&Config { addr: addr.into(), ..Config::new("x") }), wanted);
        }
    }
}
