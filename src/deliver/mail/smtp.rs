//! How a mail leaves: over a few connections to one server.
//!
//! A session is spoken command by command and not through lettre's own transport, for two reasons. Where in it something
//! went wrong decides what it means: the same `550` is a recipient's end behind `RCPT`, and our own fault behind `MAIL`; a connection
//! that breaks before the message is on its way has lost nothing, and one that breaks behind it leaves open whether it was taken.
//! And a message goes out in one write with the dot that ends it: in two, each mail waits some 40 ms for an acknowledgement that the
//! other side holds back.

use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use lettre::Address;
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{Certificate, SmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Quit, Rcpt, Rset};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::Response;

use super::message::{Envelope, Letterhead, address};
use super::refusal::{Failure, SendError, Stage, TOLD, chain, said};
use super::{Rendered, plain};
use crate::config::{MailSettings, MailTls, SmtpServer};
use crate::error::{Error, Result};

/// A connection that nobody used for so long is not used again: servers close them.
const IDLE: Duration = Duration::from_secs(20);

/// Mails over one connection; many servers allow no more.
const MAILS: u32 = 100;

/// Seconds to wait for a connection and for the greeting.
const CONNECT_S: u64 = 30;

/// Seconds to wait for the answer to a good-bye.
const QUIT: Duration = Duration::from_secs(2);

/// What makes messages and hands them to a server. Opened once and shared by threads; each connection has one of them at a time.
pub struct Mailer {
    letterhead: Letterhead,
    domain: String,
    server: SmtpServer,
    tls: MailTls,
    parameters: TlsParameters,
    password: Option<Password>,
    hello: ClientId,
    timeout: Duration,
    senders: usize,
    pool: Mutex<Pool>,
    /// Told when a connection is free.
    freed: Condvar,
}

/// Connections that are idle, and how many are in use.
#[derive(Default)]
struct Pool {
    idle: Vec<Line>,
    used: usize,
}

/// A connection over which mails are sent.
struct Line {
    connection: SmtpConnection,
    mails: u32,
    since: Instant,
}

struct Password {
    credentials: Credentials,
    /// What an answer that repeats it would hold.
    forms: Vec<String>,
}

impl fmt::Debug for Mailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailer").field("server", &self.server.to_string()).field("senders", &self.senders).finish()
    }
}

impl Mailer {
    /// Reads the files of the settings. Nothing is connected yet.
    ///
    /// # Errors
    /// [`Error::Io`] when a file cannot be read; [`Error::Invalid`] when one holds something else than it should.
    pub fn open(settings: &MailSettings) -> Result<Self> {
        let letterhead = Letterhead::open(&settings.from, settings.reply_to.as_ref(), settings.dkim.as_ref())?;
        let password = match (&settings.smtp.user, &settings.password_file) {
            (Some(user), Some(path)) => {
                let text = std::fs::read_to_string(path)
                    .map_err(|e| Error::io(path, "cannot read the password of mail", e))?;
                let text = text.trim_end_matches(['\n', '\r']);
                if text.is_empty() || text.contains(['\n', '\r', '\0']) {
                    let shown = path.display();
                    return Err(Error::Invalid(format!(
                        "{shown}: it is to hold the password of mail on one line, and nothing else"
                    )));
                }
                Some(Password::new(user, text))
            }
            _ => None,
        };
        let mut tls = TlsParameters::builder(settings.smtp.host.clone());
        if let Some(path) = &settings.ca_file {
            let pem = std::fs::read(path).map_err(|e| Error::io(path, "cannot read the certificates of mail", e))?;
            let certificate =
                Certificate::from_pem(&pem).ok().filter(|_| pem.windows(17).any(|w| w == b"BEGIN CERTIFICATE"));
            let wrong =
                || Error::Invalid(format!("{}: it is to hold certificates in PEM (BEGIN CERTIFICATE)", path.display()));
            tls = tls.add_root_certificate(certificate.ok_or_else(wrong)?);
        }
        let parameters =
            tls.build().map_err(|e| Error::Invalid(format!("the settings under [mail]: TLS: {}", chain(&e))))?;
        Ok(Mailer {
            letterhead,
            domain: settings.from.domain().to_string(),
            server: settings.smtp.clone(),
            tls: settings.tls,
            parameters,
            password,
            hello: ClientId::default(),
            timeout: Duration::from_secs(settings.timeout_s),
            senders: settings.senders,
            pool: Mutex::default(),
            freed: Condvar::new(),
        })
    }

    /// The bytes of a message (RFC 5322), signed where a key is set: ASCII, with lines that end with CR LF. The same envelope and
    /// text give the same bytes, but for the time of a signature.
    ///
    /// # Errors
    /// [`Error::Invalid`] when something in the envelope cannot stand in a header.
    pub fn message(&self, envelope: &Envelope<'_>, rendered: &Rendered) -> Result<Vec<u8>> {
        self.letterhead.message(envelope, rendered)
    }

    /// Hands a message to the server and waits until it has taken it. Waits for a connection while [`senders`](Mailer::senders) are
    /// in use.
    ///
    /// # Errors
    /// What became of it. A connection that broke is not used again; the next mail makes another.
    pub fn send(&self, to: &str, message: &[u8]) -> Result<(), SendError> {
        let to = address(to).map_err(|e| SendError::Bounced(e.to_string()))?;
        let Ok(message) = std::str::from_utf8(message) else {
            return Err(SendError::Bounced("the message is not in ASCII".into()));
        };
        let content = Content(message);
        let mut seat = Seat::take(self);
        loop {
            let (mut line, used) = match seat.idle() {
                Some(line) => (line, true),
                None => (self.connect()?, false),
            };
            match line.deliver(self.letterhead.sender(), &to, &content) {
                Ok(()) => {
                    seat.put_back(line);
                    return Ok(());
                }
                // Closed while it was idle, or enough mails for this server: nothing was taken, and a fresh one will tell.
                Err(failure) if used && failure.stage == Stage::From => {}
                Err(failure) => {
                    if failure.error.status().is_some_and(|code| u16::from(code) != 421)
                        && line.begins_anew(failure.stage)
                    {
                        seat.put_back(line);
                    }
                    return Err(self.judged(&failure));
                }
            }
        }
    }

    /// How many mails can be under way at once.
    pub fn senders(&self) -> usize {
        self.senders
    }

    /// The domain of the sender, for the ids of messages.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// Connects, signs in and asks whether mail from this sender, to this sender, would be taken, without sending any.
    ///
    /// # Errors
    /// [`Error::Remote`] with what went wrong.
    pub fn check(&self) -> Result<()> {
        let wrong = |e: SendError| Error::Remote(e.to_string());
        let mut line = self.connect().map_err(wrong)?;
        let asked = line.connection.command(Mail::new(Some(self.letterhead.sender().clone()), vec![]));
        asked.map_err(|error| wrong(self.judged(&Failure { stage: Stage::From, error })))?;
        // Many servers say what they think of a sender where a recipient is named.
        let asked = line.connection.command(Rcpt::new(self.letterhead.sender().clone(), vec![]));
        asked.map_err(|error| wrong(self.judged(&Failure { stage: Stage::To, error })))?;
        line.leave();
        Ok(())
    }

    fn connect(&self) -> Result<Line, SendError> {
        let place = (self.server.host.as_str(), self.server.port);
        let patience = self.timeout.min(Duration::from_secs(CONNECT_S));
        let implicit = (self.tls == MailTls::Implicit).then_some(&self.parameters);
        let wrong = |doing: &str, e: &SmtpError| SendError::Unreachable(self.told(doing, e, patience));
        let mut connection = SmtpConnection::connect(place, Some(patience), &self.hello, implicit, None)
            .map_err(|e| wrong("cannot be reached", &e))?;
        if matches!(self.tls, MailTls::Required | MailTls::Opportunistic) {
            if connection.can_starttls() {
                connection.starttls(&self.parameters, &self.hello).map_err(|e| wrong("STARTTLS", &e))?;
            } else if self.tls == MailTls::Required {
                return Err(SendError::Unreachable(format!(
                    "{}: it offers no STARTTLS, and nothing is sent to it in the clear; see tls under [mail]",
                    self.server
                )));
            }
        }
        if let Some(password) = &self.password {
            connection.auth(DEFAULT_MECHANISMS, &password.credentials).map_err(|e| wrong("it lets nobody in", &e))?;
        }
        connection
            .set_timeout(Some(self.timeout))
            .map_err(|e| SendError::Unreachable(format!("{}: {e}", self.server)))?;
        Ok(Line { connection, mails: 0, since: Instant::now() })
    }

    fn judged(&self, failure: &Failure) -> SendError {
        failure.judged(|doing| self.told(doing, &failure.error, self.timeout))
    }

    /// What went wrong, for a person: the server, what was done, what it said. No password.
    fn told(&self, doing: &str, error: &SmtpError, patience: Duration) -> String {
        let said = said(error, self.server.port == 465 && self.tls != MailTls::Implicit, patience);
        let holds = |password: &Password| password.forms.iter().any(|form| said.contains(form.as_str()));
        let said = match self.password.as_ref().is_some_and(holds) {
            true => format!(
                "it said {}, and more that is not shown",
                error.status().map_or("something".into(), |c| c.to_string())
            ),
            false => said,
        };
        format!("{}: {doing}: {}", self.server, plain::typed(said.trim_end(), TOLD))
    }

    fn pool(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Mailer {
    fn drop(&mut self) {
        for line in self.pool().idle.drain(..) {
            line.leave();
        }
    }
}

/// The right to one connection.
struct Seat<'a>(&'a Mailer);

impl<'a> Seat<'a> {
    fn take(mailer: &'a Mailer) -> Self {
        let mut pool = mailer.pool();
        while pool.used >= mailer.senders {
            pool = mailer.freed.wait(pool).unwrap_or_else(PoisonError::into_inner);
        }
        pool.used += 1;
        Seat(mailer)
    }

    /// The connection that was used last, if it can be used again.
    fn idle(&mut self) -> Option<Line> {
        let mut pool = self.0.pool();
        let fresh = |line: &Line| line.since.elapsed() < IDLE && line.mails < MAILS;
        let line = pool.idle.pop_if(|line| fresh(line));
        // The others are older still.
        let old = if line.is_none() { std::mem::take(&mut pool.idle) } else { Vec::new() };
        drop(pool);
        old.into_iter().for_each(Line::leave);
        line
    }

    fn put_back(&mut self, line: Line) {
        if line.mails >= MAILS {
            return line.leave();
        }
        self.0.pool().idle.push(Line { since: Instant::now(), ..line });
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        self.0.pool().used -= 1;
        self.0.freed.notify_one();
    }
}

impl Line {
    fn deliver(&mut self, from: &Address, to: &Address, content: &Content<'_>) -> Result<(), Failure> {
        let at = |stage| move |error| Failure { stage, error };
        self.mails += 1;
        self.connection.command(Mail::new(Some(from.clone()), vec![])).map_err(at(Stage::From))?;
        self.connection.command(Rcpt::new(to.clone(), vec![])).map_err(at(Stage::To))?;
        self.connection.command(Data).map_err(at(Stage::Data))?;
        let _: Response = self.connection.command(content).map_err(at(Stage::Content))?;
        Ok(())
    }

    /// Whether it can carry another mail after one that was refused there.
    fn begins_anew(&mut self, stage: Stage) -> bool {
        stage == Stage::Content || self.connection.command(Rset).is_ok()
    }

    /// Says good-bye, and does not wait long for an answer.
    fn leave(mut self) {
        let _ = self.connection.set_timeout(Some(QUIT));
        let _ = self.connection.command(Quit);
    }
}

/// A message as it goes over the wire: a dot before every line that begins with one, and a dot alone behind the last.
struct Content<'a>(&'a str);

impl fmt::Display for Content<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.strip_suffix('\n').unwrap_or(self.0);
        // A line's end alone would be one for some servers and none for others, and could end the message before its end.
        for line in text.split('\n') {
            let line = line.trim_end_matches('\r');
            if line.starts_with('.') {
                f.write_str(".")?;
            }
            f.write_str(line)?;
            f.write_str("\r\n")?;
        }
        f.write_str(".\r\n")
    }
}

impl Password {
    fn new(user: &str, password: &str) -> Self {
        // As it goes over the wire, to know it when it comes back.
        let encoded = |text: &str| STANDARD_NO_PAD.encode(text);
        let forms = vec![password.to_string(), encoded(password), encoded(&format!("\0{user}\0{password}"))];
        Password { credentials: Credentials::new(user.to_string(), password.to_string()), forms }
    }
}
