//! What mail goes out through, and in whose name.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::address::is_host;
use super::from_env;
use crate::error::{Error, Result};
use crate::paper::percent;
use crate::paper::{head, shown};

/// What mail goes out through. In the file under `[mail]`; in the environment as `PAPERKIN_MAIL_` and the name in capitals
/// (`PAPERKIN_MAIL_SMTP`). No mail is sent without `smtp`; with it, `from` and `public_url` are needed as well.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MailSettings {
    /// The server that takes mail: `smtp[s]://user@host:port`.
    pub smtp: SmtpServer,
    /// The file that holds the password of the user in `smtp`, and nothing else but a line's end.
    pub password_file: Option<PathBuf>,
    /// In whose name: `Papers <papers@lab.example>`, or an address alone.
    pub from: Sender,
    /// Where answers go; left out, to `from`.
    pub reply_to: Option<Sender>,
    /// Whether the way to the server is encrypted.
    pub tls: MailTls,
    /// Certificates (PEM) that are trusted besides those that this machine trusts: of a server whose certificate is its own.
    pub ca_file: Option<PathBuf>,
    /// What mail is signed with, for receivers to check against the DNS.
    pub dkim: Option<Dkim>,
    /// Connections at a time (8), from 1 to 64: as many mails are under way at once.
    pub senders: usize,
    /// Seconds to wait for each answer of the server (120), from 1 to 3,600.
    pub timeout_s: u64,
}

/// The private key of DKIM and the name under which the DNS has its public half.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Dkim {
    /// The private key: RSA in PEM as `BEGIN RSA PRIVATE KEY`.
    pub key_file: PathBuf,
    /// The public key stands at `SELECTOR._domainkey.DOMAIN`, where the domain is that of `from`.
    pub selector: String,
}

/// Whether the way to a server of mail is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum MailTls {
    /// With STARTTLS, or nothing is sent. What is taken for `smtp://` with a user.
    Required,
    /// With STARTTLS where the server offers it. What is taken for `smtp://` without a user.
    Opportunistic,
    /// In the clear. What is taken for this machine itself, and refused with a user on any other.
    Off,
    /// From the first byte: what `smtps://` means.
    #[value(skip)]
    Implicit,
}

/// A server that takes mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SmtpServer {
    /// Whether TLS begins with the first byte (`smtps://`).
    pub implicit_tls: bool,
    /// Who signs in.
    pub user: Option<String>,
    /// Its name or address; of IPv6 without brackets.
    pub host: String,
    /// Its port: 465 for `smtps://`, 587 for `smtp://` with a user, else 25.
    pub port: u16,
}

impl SmtpServer {
    /// Reads `smtp[s]://user@host:port`. A user may hold `@`, as it is or as `%40`.
    ///
    /// # Errors
    /// What is wrong with it, for a person; never the text itself where it may hold a password.
    pub fn parse(text: &str) -> Result<Self, String> {
        let form = "write it like smtps://user@mail.example, or smtp://127.0.0.1:25";
        let text = text.trim().trim_end_matches('/');
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err(format!("it begins with smtps:// or smtp://; {form}"));
        };
        let implicit_tls = match scheme.to_ascii_lowercase().as_str() {
            "smtps" => true,
            "smtp" => false,
            _ => return Err(format!("it begins with smtps:// or smtp://; {form}")),
        };
        let (user, place) = match rest.rsplit_once('@') {
            Some((user, place)) => (Some(user), place),
            None => (None, rest),
        };
        if user.is_some_and(|user| user.contains(':')) {
            return Err("a password does not belong here: put it into a file that password_file names".into());
        }
        let user = user.map(|user| percent::decoded(user).unwrap_or_else(|| user.to_string()));
        let is_plain = |user: &String| !user.is_empty() && user.len() <= 320 && !user.chars().any(|c| c.is_control());
        if user.as_ref().is_some_and(|user| !is_plain(user)) {
            return Err(format!("its user cannot be read; {form}"));
        }
        if !place.is_ascii() || !is_host(place) {
            return Err(format!("its host cannot be read; {form}"));
        }
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, port.parse().ok()),
            _ => (place, None),
        };
        let usual = match (implicit_tls, user.is_some()) {
            (true, _) => 465,
            (false, true) => 587,
            (false, false) => 25,
        };
        let host = host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        Ok(SmtpServer { implicit_tls, user, host, port: port.unwrap_or(usual) })
    }

    /// Whether it is on this machine.
    pub fn is_here(&self) -> bool {
        self.host == "localhost" || self.host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }
}

impl fmt::Display for SmtpServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        write!(f, "{host}:{}", self.port)
    }
}

/// A name, if there is one, and an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sender {
    /// As it is shown.
    pub name: Option<String>,
    /// As [`mail_address`] gives it.
    pub address: String,
}

impl Sender {
    /// Reads `Papers <papers@lab.example>`, or an address alone.
    ///
    /// # Errors
    /// What is wrong with it, for a person.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let Some(rest) = text.strip_suffix('>') else {
            return Ok(Sender { name: None, address: mail_address(text)? });
        };
        let Some((name, address)) = rest.rsplit_once('<') else {
            return Err("it has a `>` without a `<`; write it like Papers <papers@lab.example>".into());
        };
        let name = name.trim();
        let name = match name.strip_prefix('"').and_then(|name| name.strip_suffix('"')) {
            Some(inside) => inside.replace("\\\"", "\"").replace("\\\\", "\\"),
            None => name.to_string(),
        };
        if shown(&name) != name || name.chars().count() > 100 {
            return Err("its name is to be one line of at most 100 characters, all of which can be seen".into());
        }
        Ok(Sender { name: Some(name).filter(|name| !name.is_empty()), address: mail_address(address)? })
    }

    /// The domain of the address.
    pub fn domain(&self) -> &str {
        self.address.rsplit_once('@').map_or("", |(_, domain)| domain)
    }
}

/// An address of mail as it is to be used, its domain in lower case: one mailbox in ASCII, `local@domain`, without a name, quotes
/// or comments (RFC 5321, its dot-string form). At most 254 bytes, 64 before the `@`.
///
/// # Errors
/// What is wrong with it, for a person.
pub fn mail_address(text: &str) -> Result<String, String> {
    let text = text.trim();
    let given = || format!("{:?}", head(&shown(text), 80));
    let wrong = |why: &str| Err(format!("{} is no address of mail: {why}", given()));
    if text.is_empty() {
        return Err("the address is empty; write it like ada@lab.example".into());
    }
    if text.contains(['<', '>', ',', ';', '"', '(', ')']) {
        return wrong("write one address alone, without a name, like ada@lab.example");
    }
    if !text.is_ascii() {
        return wrong("only ASCII letters can be used; a domain with others is written as xn--...");
    }
    let Some((local, domain)) = text.rsplit_once('@') else {
        return wrong("it has no @");
    };
    let atom = |c: u8| c.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&c);
    if local.is_empty() || !local.split('.').all(|part| !part.is_empty() && part.bytes().all(atom)) {
        return wrong("what stands before the @ holds what an address cannot");
    }
    if local.len() > 64 || text.len() > 254 {
        return wrong("it is longer than an address may be (64 characters before the @, 254 in all)");
    }
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-')
    };
    let domain = domain.to_ascii_lowercase();
    let last = domain.rsplit('.').next().unwrap_or_default();
    if !domain.split('.').all(label) || last.bytes().all(|c| c.is_ascii_digit()) {
        return wrong("what stands behind the @ is no domain");
    }
    if domain != "localhost" && !domain.contains('.') {
        return wrong("its domain has no dot; write it in full, like ada@lab.example");
    }
    Ok(format!("{local}@{domain}"))
}

/// What mail goes out through, under `[mail]`. None is sent where nothing is said; else `smtp`, `from` and the `public_url` at the top are needed.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct MailFile {
    /// The server that takes mail: `smtps://user@mail.example` (TLS from the first byte), or `smtp://127.0.0.1:25`.
    smtp: Option<String>,
    /// A file that holds the password of that user on one line; a relative one begins in the folder of the settings.
    pub(super) password_file: Option<PathBuf>,
    /// In whose name mail is sent: `Papers <papers@lab.example>`, or an address alone.
    from: Option<String>,
    /// Where answers go; left out, to `from`.
    reply_to: Option<String>,
    /// Whether `smtp://` is encrypted. Left out: `required` with a user, `opportunistic` without, `off` to this machine itself.
    tls: Option<MailTls>,
    /// Certificates (PEM) that are trusted besides those of the machine.
    pub(super) ca_file: Option<PathBuf>,
    /// The private key (RSA in PEM) that mails are signed with.
    pub(super) dkim_key_file: Option<PathBuf>,
    /// The name under which the DNS has its public half.
    dkim_selector: Option<String>,
    /// Connections at a time (1 to 64); 8 where nothing is said.
    senders: Option<usize>,
    /// Seconds to wait for each answer of the server (1 to 3,600); 120 where nothing is said.
    timeout_s: Option<u64>,
}

impl MailFile {
    /// With what the environment says put over it; none where no mail is to be sent.
    pub(super) fn settled(
        self,
        public_url: Option<&str>,
        var: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Option<MailSettings>> {
        let path = |name: &str, given: Option<PathBuf>| var(name).map(PathBuf::from).or(given);
        let text = |name: &str, given: Option<String>| {
            var(name).or(given).map(|text| text.trim().to_string()).filter(|text| !text.is_empty())
        };
        let tls = |text: &str| super::choice::<MailTls>(text);
        let file = MailFile {
            smtp: text("MAIL_SMTP", self.smtp),
            password_file: path("MAIL_PASSWORD_FILE", self.password_file),
            from: text("MAIL_FROM", self.from),
            reply_to: text("MAIL_REPLY_TO", self.reply_to),
            tls: from_env(var, "MAIL_TLS", tls, "required, opportunistic or off")?.or(self.tls),
            ca_file: path("MAIL_CA_FILE", self.ca_file),
            dkim_key_file: path("MAIL_DKIM_KEY_FILE", self.dkim_key_file),
            dkim_selector: text("MAIL_DKIM_SELECTOR", self.dkim_selector),
            senders: from_env(var, "MAIL_SENDERS", |t| t.parse().ok(), "a number")?.or(self.senders),
            timeout_s: from_env(var, "MAIL_TIMEOUT_S", |t| t.parse().ok(), "a number")?.or(self.timeout_s),
        };
        if file == MailFile::default() {
            return Ok(None);
        }
        file.checked(public_url).map(Some).map_err(|why| Error::Invalid(format!("the settings under [mail]: {why}")))
    }

    fn checked(self, public_url: Option<&str>) -> Result<MailSettings, String> {
        let Some(smtp) = &self.smtp else {
            return Err("smtp is missing: the server that takes mail, like smtps://user@mail.example".into());
        };
        let smtp = SmtpServer::parse(smtp).map_err(|why| format!("smtp: {why}"))?;
        let Some(from) = &self.from else {
            return Err("from is missing: in whose name mail is sent, like Papers <papers@lab.example>".into());
        };
        let from = Sender::parse(from).map_err(|why| format!("from: {why}"))?;
        let reply_to =
            self.reply_to.as_deref().map(Sender::parse).transpose().map_err(|why| format!("reply_to: {why}"))?;
        if public_url.is_none() {
            return Err(
                "public_url is not set, and every mail holds links: to confirm, to unsubscribe, to the papers. Set \
                        public_url to the address under which readers reach the service, like https://papers.example"
                    .into(),
            );
        }
        match (&smtp.user, &self.password_file) {
            (Some(_), None) => {
                return Err("smtp names a user, so password_file is needed: a file that holds the password".into());
            }
            (None, Some(_)) => {
                return Err("password_file is set, so smtp is to name the user: smtps://user@mail.example".into());
            }
            _ => {}
        }
        let tls = match (self.tls, smtp.implicit_tls) {
            (None | Some(MailTls::Required | MailTls::Implicit), true) => MailTls::Implicit,
            (Some(MailTls::Implicit), false) => return Err("tls: from the first byte is written as smtps://".into()),
            (Some(_), true) => {
                return Err("smtps:// is TLS from the first byte; for another choice of tls write smtp://".into());
            }
            (Some(tls), false) => tls,
            (None, false) if smtp.is_here() => MailTls::Off,
            (None, false) if smtp.user.is_some() => MailTls::Required,
            (None, false) => MailTls::Opportunistic,
        };
        if smtp.user.is_some() && !smtp.is_here() && matches!(tls, MailTls::Off | MailTls::Opportunistic) {
            return Err("tls may not be off or opportunistic where a password is sent: it could be read on the way. Leave tls out, \
                        or write required"
                .into());
        }
        let dkim = match (self.dkim_key_file, self.dkim_selector) {
            (Some(key_file), Some(selector)) => {
                let named = |c: u8| c.is_ascii_alphanumeric() || c == b'-' || c == b'_';
                let is_name = |selector: &str| {
                    selector.len() <= 63 && selector.split('.').all(|p| !p.is_empty() && p.bytes().all(named))
                };
                if !is_name(&selector) {
                    return Err("dkim_selector is a name of the DNS, like papers2026".into());
                }
                Some(Dkim { key_file, selector })
            }
            (None, None) => None,
            (Some(_), None) => {
                return Err("dkim_selector is missing: the name under which the DNS has the public key".into());
            }
            (None, Some(_)) => return Err("dkim_key_file is missing: the private key of that selector".into()),
        };
        let (senders, timeout_s) = (self.senders.unwrap_or(8), self.timeout_s.unwrap_or(120));
        if !(1..=64).contains(&senders) {
            return Err(format!("senders is {senders}; 1 to 64 are allowed"));
        }
        if !(1..=3600).contains(&timeout_s) {
            return Err(format!("timeout_s is {timeout_s}; 1 to 3600 are allowed"));
        }
        Ok(MailSettings {
            smtp,
            password_file: self.password_file,
            from,
            reply_to,
            tls,
            ca_file: self.ca_file,
            dkim,
            senders,
            timeout_s,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(file: &str, env: &[(&str, &str)]) -> Result<Option<MailSettings>> {
        let file: MailFile = toml::from_str(file).expect("read");
        file.settled(Some("https://p.example"), &|name| {
            env.iter().find(|(known, _)| *known == name).map(|(_, value)| value.to_string())
        })
    }

    const GOOD: &str =
        "smtp = 'smtps://ada%40lab.example@mail.lab.example'\npassword_file = 'p'\nfrom = 'Papers <p@lab.example>'\n";

    #[test]
    fn what_is_left_out_is_what_is_usual() {
        assert_eq!(settled("", &[]).expect("none"), None);
        let mail = settled(GOOD, &[]).expect("read").expect("mail");
        assert_eq!((mail.smtp.user.as_deref(), mail.smtp.port), (Some("ada@lab.example"), 465));
        assert_eq!((mail.tls, mail.senders, mail.timeout_s), (MailTls::Implicit, 8, 120));
        assert_eq!((mail.from.name.as_deref(), mail.from.domain()), (Some("Papers"), "lab.example"));
        let tls = |smtp: &str| {
            let user = if smtp.contains('@') { "password_file = 'p'\n" } else { "" };
            let mail =
                settled(&format!("smtp = '{smtp}'\n{user}from = 'p@lab.example'"), &[]).expect(smtp).expect(smtp);
            (mail.tls, mail.smtp.port)
        };
        assert_eq!(tls("smtp://relay.example"), (MailTls::Opportunistic, 25));
        assert_eq!(tls("smtp://ada@lab.example@relay.example"), (MailTls::Required, 587));
        assert_eq!(tls("smtp://127.0.0.1:2525"), (MailTls::Off, 2525));
        assert_eq!(tls("smtp://[::1]"), (MailTls::Off, 25));
        assert_eq!(tls("smtp://u@localhost"), (MailTls::Off, 587));
        let env = [("MAIL_SMTP", "smtp://127.0.0.1"), ("MAIL_FROM", "p@lab.example"), ("MAIL_SENDERS", "2")];
        let mail = settled("", &env).expect("read").expect("mail");
        assert_eq!((mail.smtp.to_string().as_str(), mail.senders), ("127.0.0.1:25", 2));
    }

    #[test]
    fn what_is_wrong_is_named_and_no_password_is_told() {
        for (file, word) in [
            ("from = 'p@lab.example'", "smtp is missing"),
            ("smtp = 'smtp://127.0.0.1'", "from is missing"),
            ("smtp = 'mail.example'\nfrom = 'p@lab.example'", "smtps://"),
            ("smtp = 'http://mail.example'\nfrom = 'p@lab.example'", "smtps://"),
            ("smtp = 'smtps://u:SECRET@mail.example'\nfrom = 'p@lab.example'", "password_file"),
            ("smtp = 'smtps://u@mail.example'\nfrom = 'p@lab.example'", "password_file"),
            ("smtp = 'smtps://mail.example'\npassword_file = 'x'\nfrom = 'p@lab.example'", "user"),
            ("smtp = 'smtp://127.0.0.1'\nfrom = 'Papers'", "no @"),
            ("smtp = 'smtp://127.0.0.1'\nfrom = \"Eve\\nBcc: x <e@lab.example>\"", "one line"),
            ("smtp = 'smtp://u@m.example'\npassword_file = 'x'\nfrom = 'p@lab.example'\ntls = 'off'", "password"),
            ("smtp = 'smtps://m.example'\nfrom = 'p@lab.example'\ntls = 'off'", "smtps://"),
            ("smtp = 'smtp://127.0.0.1'\nfrom = 'p@lab.example'\ndkim_selector = 'a'", "dkim_key_file"),
            ("smtp = 'smtp://127.0.0.1'\nfrom = 'p@lab.example'\ndkim_key_file = 'a'", "dkim_selector"),
            (
                "smtp = 'smtp://127.0.0.1'\nfrom = 'p@lab.example'\ndkim_key_file = 'a'\ndkim_selector = 'a; b'",
                "dkim_selector",
            ),
            ("smtp = 'smtp://127.0.0.1'\nfrom = 'p@lab.example'\nsenders = 0", "senders"),
            ("smtp = 'smtp://127.0.0.1'\nfrom = 'p@lab.example'\ntimeout_s = 0", "timeout_s"),
        ] {
            let told = settled(file, &[]).expect_err(file).to_string();
            assert!(told.contains(word) && told.contains("[mail]") && !told.contains("SECRET"), "{file}: {told}");
        }
        let without: MailFile = toml::from_str(GOOD).expect("read");
        let told = without.settled(None, &|_| None).expect_err("no address").to_string();
        assert!(told.contains("public_url") && told.contains("links"), "{told}");
    }

    #[test]
    fn an_address_is_one_mailbox_and_nothing_else() {
        for (given, wanted) in [
            ("ada@lab.example", "ada@lab.example"),
            (" Ada.L+papers@Lab.EXAMPLE ", "Ada.L+papers@lab.example"),
            ("o'neil@xn--mnchen-3ya.de", "o'neil@xn--mnchen-3ya.de"),
            ("root@localhost", "root@localhost"),
        ] {
            assert_eq!(mail_address(given).as_deref(), Ok(wanted));
        }
        for given in [
            "",
            "ada",
            "@lab.example",
            "ada@",
            "ada@lab",
            "a@b@lab.example",
            "Ada <ada@lab.example>",
            "a@lab.example,b@lab.example",
            "a@lab.example\r\nRCPT TO:<b@lab.example>",
            "a\u{0}@lab.example",
            "é@lab.example",
            "a@münchen.de",
            "a@[127.0.0.1]",
            "a@127.0.0.1",
            "\"a b\"@lab.example",
            "a..b@lab.example",
            ".a@lab.example",
            "a@-lab.example",
            "a@lab..example",
            "a b@lab.example",
            "a@lab.example.",
        ] {
            assert!(mail_address(given).is_err(), "{given:?}");
        }
        assert!(mail_address(&format!("{}@lab.example", "a".repeat(65))).is_err());
        let told = mail_address(&format!("a\u{1b}[2J\u{202e}{}", "x".repeat(10_000))).expect_err("refused");
        assert!(told.len() < 250 && !told.contains('\u{1b}') && !told.contains('\u{202e}'), "{told}");
    }
}
