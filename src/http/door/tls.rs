//! The certificate by which the service is known, and the handshakes with it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::{Ticketer, default_provider};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio_rustls::TlsAcceptor;

use super::validity::validity;
use crate::error::{Error, Result};
use crate::user::Moment;

/// Days before its end from which on a certificate is warned of.
const SOON: f32 = 14.0;

/// A certificate with its key, as they stand in their files.
pub struct Certificate {
    key: CertifiedKey,
    from: Moment,
    until: Moment,
    open: Option<String>,
}

impl Certificate {
    /// Reads a chain of certificates, that of the service first, and the key of that one; both in PEM.
    ///
    /// # Errors
    /// [`Error::Invalid`], naming the file and what to do: one that is not there or cannot be read, holds no certificate or no
    /// key, a key that is encrypted, or one of another certificate.
    pub fn read(certificate: &Path, key: &Path) -> Result<Self> {
        let chain = chain(certificate)?;
        let private = private(key)?;
        let wrong = |path: &Path, why: String| Error::Invalid(format!("{}: {why}", path.display()));
        let first = chain.first().and_then(|first| validity(first));
        let (from, until) = first.ok_or_else(|| wrong(certificate, "it holds no X.509 certificate".into()))?;
        let provider = default_provider();
        let signing = provider.key_provider.load_private_key(private).map_err(|_| {
            wrong(
                key,
                "this kind of key is not known; take RSA of 2,048 bits or more, ECDSA (P-256, P-384) or Ed25519".into(),
            )
        })?;
        let pair = CertifiedKey::new(chain, signing);
        match pair.keys_match() {
            Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => {}
            Err(rustls::Error::InconsistentKeys(_)) => {
                return Err(wrong(
                    key,
                    format!(
                        "the key does not match the first certificate in {}; that has to be the one of this service, and those \
                         that signed it come behind",
                        certificate.display()
                    ),
                ));
            }
            Err(e) => return Err(wrong(certificate, format!("its first certificate cannot be used: {e}"))),
        }
        Ok(Certificate { key: pair, from, until, open: readable_by_others(key) })
    }

    /// The last moment at which it is valid.
    pub fn expires(&self) -> Moment {
        self.until
    }

    /// What is wrong with it at a time, and keeps nothing from being served.
    pub fn warnings(&self, now: Moment) -> Vec<String> {
        let mut found = Vec::new();
        if now < self.from {
            found.push(format!("the TLS certificate is valid from {} on, and it is {now}", self.from));
        }
        found.extend(near_its_end(self.until, now));
        found.extend(self.open.clone());
        found
    }
}

fn near_its_end(until: Moment, now: Moment) -> Option<String> {
    if until < now {
        return Some(format!("the TLS certificate has expired ({until}): clients refuse it; renew it and send SIGHUP"));
    }
    let left = until.days_since(now);
    (left < SOON).then(|| format!("the TLS certificate expires in {left:.0} days ({until}): renew it and send SIGHUP"))
}

/// Reads one of the two files.
fn contents(setting: &str, path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|e| {
        Error::Invalid(format!("the setting {setting} names {}, which cannot be read: {e}", path.display()))
    })
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let text = contents("tls_certificate", path)?;
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let why = match read {
        Ok(chain) if !chain.is_empty() => return Ok(chain),
        Ok(_) if holds(&text, b"PRIVATE KEY-----") => {
            "it holds a key and no certificate; are tls_certificate and tls_key the wrong way round?"
        }
        Ok(_) if text.first() == Some(&0x30) => {
            "it is DER; PEM is needed: openssl x509 -inform der -in FILE -out FILE.pem"
        }
        Ok(_) => "it holds no certificate; PEM is needed, with a part `-----BEGIN CERTIFICATE-----`",
        Err(_) => "it is damaged: a part that begins with `-----BEGIN` has no end, or holds what is no base64",
    };
    Err(Error::Invalid(format!("the setting tls_certificate names {}: {why}", path.display())))
}

fn private(path: &Path) -> Result<PrivateKeyDer<'static>> {
    let text = contents("tls_key", path)?;
    let why = match PrivateKeyDer::from_pem_slice(&text) {
        _ if holds(&text, b"ENCRYPTED") => {
            "the key is encrypted, and nobody is there to give its password: openssl pkey -in FILE -out FILE.plain"
        }
        Ok(key) => return Ok(key),
        Err(_) if holds(&text, b"BEGIN CERTIFICATE-----") => {
            "it holds a certificate and no key; are tls_certificate and tls_key the wrong way round?"
        }
        Err(_) if text.first() == Some(&0x30) => {
            "it is DER; PEM is needed: openssl pkey -inform der -in FILE -out FILE.pem"
        }
        Err(_) => "it holds no key; PEM is needed, with a part `-----BEGIN PRIVATE KEY-----`",
    };
    Err(Error::Invalid(format!("the setting tls_key names {}: {why}", path.display())))
}

fn holds(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// What to say where anybody on this machine may read a key.
fn readable_by_others(path: &Path) -> Option<String> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(path).ok()?.permissions().mode();
        let others = mode & 0o007 != 0;
        others.then(|| format!("{}: everybody on this machine may read this key: chmod o= FILE", path.display()))
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        None
    }
}

/// What handshakes are made with, at any time.
pub struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    // Only for a look.
    now: RwLock<Now>,
}

struct Now {
    config: Arc<ServerConfig>,
    until: Moment,
    /// Whether the last attempt to read the files again failed.
    stale: bool,
}

impl Tls {
    /// With the certificate in these files.
    ///
    /// # Errors
    /// Those of [`Certificate::read`].
    pub fn open(certificate: &Path, key: &Path) -> Result<Self> {
        let read = Certificate::read(certificate, key)?;
        warn(&read);
        let now = RwLock::new(Now { until: read.until, config: config(read.key)?, stale: false });
        Ok(Tls { certificate: certificate.into(), key: key.into(), now })
    }

    /// Reads the files again. Connections that are open go on as they are; those that come have the new certificate, also
    /// where they could have taken up a session that began with the old one.
    ///
    /// # Errors
    /// Those of [`Certificate::read`]; then everything stays as it is.
    pub fn reload(&self) -> Result<Moment> {
        let read = Certificate::read(&self.certificate, &self.key).and_then(|read| {
            warn(&read);
            Ok((read.until, config(read.key)?))
        });
        let result = if read.is_ok() { "done" } else { "failed" };
        metrics::counter!("paperkin_tls_reloads_total", "result" => result).increment(1);
        let mut now = self.now.write().unwrap_or_else(PoisonError::into_inner);
        match read {
            Ok((until, config)) => {
                *now = Now { config, until, stale: false };
                Ok(until)
            }
            Err(e) => {
                now.stale = true;
                Err(e)
            }
        }
    }

    /// What makes the next handshake.
    pub fn acceptor(&self) -> TlsAcceptor {
        Arc::clone(&self.look().config).into()
    }

    /// The last moment at which the certificate is valid.
    pub fn expires(&self) -> Moment {
        self.look().until
    }

    /// Whether the files could not be read the last time.
    pub fn is_stale(&self) -> bool {
        self.look().stale
    }

    /// Says in the log that the certificate is near its end, if it is.
    pub fn remind(&self) {
        if let Some(warning) = near_its_end(self.expires(), Moment::now()) {
            tracing::warn!("{warning}");
        }
    }

    fn look(&self) -> std::sync::RwLockReadGuard<'_, Now> {
        self.now.read().unwrap_or_else(PoisonError::into_inner)
    }
}

fn warn(read: &Certificate) {
    for warning in read.warnings(Moment::now()) {
        tracing::warn!("{warning}");
    }
}

/// TLS 1.2 and 1.3 with ring, for HTTP/1.1.
fn config(key: CertifiedKey) -> Result<Arc<ServerConfig>> {
    let internal = |e: rustls::Error| Error::Internal(format!("TLS cannot be set up: {e}"));
    let provider: Arc<CryptoProvider> = Arc::new(default_provider());
    let builder =
        ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(internal)?;
    let mut config = builder.with_no_client_auth().with_cert_resolver(Arc::new(SingleCertAndKey::from(key)));
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // Sessions are kept by those who take them up: here they would take memory.
    config.ticketer = Ticketer::new().map_err(internal)?;
    config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(certificate: &[u8], key: &[u8]) -> (tempfile::TempDir, PathBuf, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let (one, two) = (folder.path().join("c.pem"), folder.path().join("k.pem"));
        std::fs::write(&one, certificate).expect("written");
        std::fs::write(&two, key).expect("written");
        (folder, one, two)
    }

    fn pair() -> (String, String) {
        let made = rcgen::generate_simple_self_signed(vec!["papers.example".into()]).expect("made");
        (made.cert.pem(), made.signing_key.serialize_pem())
    }

    #[test]
    fn what_is_wrong_with_the_files_is_named_with_the_way_out() {
        let ((certificate, key), (_, other)) = (pair(), pair());
        let said = |certificate: &str, key: &str| {
            let (_folder, one, two) = files(certificate.as_bytes(), key.as_bytes());
            Certificate::read(&one, &two).err().map(|e| e.to_string()).unwrap_or_default()
        };
        assert_eq!(said(&certificate, &key), "");
        let encrypted = key.replace("PRIVATE", "ENCRYPTED PRIVATE");
        let old = key.replace("-----\n", "-----\nProc-Type: 4,ENCRYPTED\n");
        let cut = certificate.replace("-----END CERTIFICATE-----", "");
        for (certificate, key, words) in [
            (certificate.as_str(), other.as_str(), "does not match the first certificate"),
            (&key, &certificate, "wrong way round"),
            (&certificate, &certificate, "wrong way round"),
            (&certificate, &encrypted, "encrypted"),
            (&certificate, &old, "encrypted"),
            (&certificate, "", "holds no key"),
            ("", &key, "holds no certificate"),
            ("0\u{1}", &key, "openssl x509 -inform der"),
            (&cut, &key, "damaged"),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", &key, "no X.509 certificate"),
        ] {
            let said = said(certificate, key);
            assert!(said.contains(words) && said.contains(".pem"), "{words}: {said}");
        }
        let missing = Certificate::read(Path::new("/nowhere/c.pem"), Path::new("/nowhere/k.pem"));
        assert!(missing.is_err_and(|e| e.to_string().contains("/nowhere/c.pem")));
    }

    #[test]
    fn what_is_about_to_go_wrong_is_said() {
        let at = |text: &str| Moment::parse(text).expect("a moment");
        let mut params = rcgen::CertificateParams::new(vec!["papers.example".into()]).expect("names");
        params.not_before = rcgen::date_time_ymd(2026, 1, 1);
        params.not_after = rcgen::date_time_ymd(2026, 4, 1);
        let key = rcgen::KeyPair::generate().expect("a key");
        let signed = params.self_signed(&key).expect("signed").pem();
        let (_folder, one, two) = files(signed.as_bytes(), key.serialize_pem().as_bytes());
        let told = |at: Moment| Certificate::read(&one, &two).expect("read").warnings(at).join("; ");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |mode| std::fs::set_permissions(&two, std::fs::Permissions::from_mode(mode)).expect("set");
            mode(0o644);
            assert!(told(at("2026-02-01")).contains("chmod"), "{}", told(at("2026-02-01")));
            mode(0o640);
        }
        assert_eq!(told(at("2026-02-01")), "");
        assert!(told(at("2025-12-31")).contains("valid from 2026-01-01"));
        assert!(told(at("2026-03-25")).contains("expires in 7 days"), "{}", told(at("2026-03-25")));
        assert!(told(at("2026-04-02")).contains("has expired"));
    }

    #[test]
    fn bad_files_leave_what_there_was() {
        let ((certificate, key), (next, next_key)) = (pair(), pair());
        let (_folder, one, two) = files(certificate.as_bytes(), key.as_bytes());
        let tls = Tls::open(&one, &two).expect("opens");
        let before = tls.acceptor();
        std::fs::write(&one, &next).expect("written");
        assert!(tls.reload().is_err() && tls.is_stale(), "its key is not there yet");
        assert!(Arc::ptr_eq(before.config(), tls.acceptor().config()));
        std::fs::write(&two, next_key).expect("written");
        assert!(tls.reload().is_ok() && !tls.is_stale());
        assert!(!Arc::ptr_eq(before.config(), tls.acceptor().config()));
    }
}
