//! A server of mail on loopback: one thread a connection, and every way in which such a server refuses, waits and dies.
//!
//! ```ignore
//! let smtp = Smtp::start();
//! smtp.edit(|s| s.rules.push(Rule::refuse(At::To, "bob@", "550 5.1.1 no such user")));
//! // ... [mail] smtp = smtp.url()
//! assert_eq!(smtp.mails().len(), 3);
//! assert_eq!(smtp.accepted()["<1@lab.example>"], 1);
//! ```
//!
//! It needs nothing but rustls (for TLS), so that unit tests can take it in by its path as well.

#![allow(dead_code)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// A mail that was accepted: `250` was sent, or was about to be.
#[derive(Debug, Clone)]
pub struct Taken {
    pub from: String,
    pub to: Vec<String>,
    /// As it came, the dots undone.
    pub bytes: Vec<u8>,
    /// Who signed in on this connection.
    pub user: Option<String>,
    /// Whether it came over TLS.
    pub tls: bool,
    pub at: Instant,
}

impl Taken {
    /// The value of a header, unfolded; blank for none.
    pub fn header(&self, name: &str) -> String {
        header(&self.bytes, name)
    }

    /// With `<` and `>`.
    pub fn message_id(&self) -> String {
        self.header("Message-ID")
    }
}

/// The value of a header of a message, unfolded and as it stands; blank for none.
pub fn header(message: &[u8], name: &str) -> String {
    let text = String::from_utf8_lossy(message);
    let head = text.split("\r\n\r\n").next().unwrap_or_default().replace("\r\n ", " ").replace("\r\n\t", " ");
    let wanted = |line: &&str| line.split_once(':').is_some_and(|(known, _)| known.eq_ignore_ascii_case(name));
    head.split("\r\n")
        .find(wanted)
        .and_then(|line| line.split_once(':'))
        .map_or(String::new(), |(_, v)| v.trim().into())
}

/// Where in a session.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum At {
    /// In place of the greeting.
    Greeting,
    Hello,
    StartTls,
    Auth,
    From,
    To,
    Data,
    /// Behind the message.
    Content,
}

/// What is done there.
#[derive(Debug, Clone, PartialEq)]
pub enum Deed {
    /// This is said: `550 5.1.1 no such user`.
    Say(String),
    /// The connection is closed without a word; behind the message, which is then not taken.
    Die,
    /// Behind the message only: it is taken, and the connection closed before that is said.
    TakeAndDie,
    /// It is done so much later.
    Wait(Duration),
}

/// Something that happens in a session.
#[derive(Debug, Clone)]
pub struct Rule {
    pub at: At,
    /// A part of the recipient, or of the line that was said; blank for all.
    pub of: String,
    pub deed: Deed,
    /// How often it still happens; none for always.
    pub times: Option<usize>,
}

impl Rule {
    pub fn refuse(at: At, of: &str, say: &str) -> Self {
        Rule { at, of: of.into(), deed: Deed::Say(say.into()), times: None }
    }

    pub fn new(at: At, of: &str, deed: Deed) -> Self {
        Rule { at, of: of.into(), deed, times: None }
    }

    pub fn times(self, times: usize) -> Self {
        Rule { times: Some(times), ..self }
    }
}

/// How it answers, and what it has.
#[derive(Default)]
pub struct State {
    /// The first that fits is followed, but for waits, after which the next is looked for.
    pub rules: Vec<Rule>,
    /// Users and passwords; with any, nobody sends without.
    pub users: Vec<(String, String)>,
    /// A recipient is put off the first time (`450`).
    pub greylists: bool,
    /// The connection dies when so many bytes came over all connections since this was set.
    pub dies_after: Option<usize>,
    /// Mails over one connection before it says `421`.
    pub mails_a_connection: Option<usize>,
    /// What was accepted.
    pub mails: Vec<Taken>,
    /// Every line of every session, without those of messages.
    pub lines: Vec<String>,
    pub connections: usize,
    seen: Vec<String>,
}

/// A server that runs.
pub struct Smtp {
    addr: SocketAddr,
    state: Arc<Mutex<State>>,
    stop: Arc<AtomicBool>,
    implicit: bool,
}

type Tls = Arc<rustls::ServerConfig>;

impl Smtp {
    /// In the clear, without STARTTLS.
    pub fn start() -> Self {
        Smtp::serve(None, false)
    }

    /// With STARTTLS, by a certificate and its key in PEM.
    pub fn with_starttls(certificate: &str, key: &str) -> Self {
        Smtp::serve(Some(tls(certificate, key)), false)
    }

    /// With TLS from the first byte.
    pub fn with_tls(certificate: &str, key: &str) -> Self {
        Smtp::serve(Some(tls(certificate, key)), true)
    }

    fn serve(tls: Option<Tls>, implicit: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let addr = listener.local_addr().expect("an address");
        let (state, stop) = (Arc::new(Mutex::new(State::default())), Arc::new(AtomicBool::new(false)));
        let (shared, stopped) = (Arc::clone(&state), Arc::clone(&stop));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                let (state, tls) = (Arc::clone(&shared), tls.clone());
                std::thread::spawn(move || {
                    lock(&state).connections += 1;
                    let _ = stream.set_nodelay(true);
                    let _ = stream.set_read_timeout(Some(Duration::from_secs(60)));
                    // A session ends when its connection does.
                    let _ = begin(stream, &state, tls, implicit);
                });
            }
        });
        Smtp { addr, state, stop, implicit }
    }

    /// What the setting `smtp` is to be.
    pub fn url(&self) -> String {
        format!("{}://127.0.0.1:{}", if self.implicit { "smtps" } else { "smtp" }, self.addr.port())
    }

    pub fn port(&self) -> u16 {
        self.addr.port()
    }

    /// Changes how it answers.
    pub fn edit<T>(&self, edit: impl FnOnce(&mut State) -> T) -> T {
        edit(&mut lock(&self.state))
    }

    /// What was accepted, in order.
    pub fn mails(&self) -> Vec<Taken> {
        self.edit(|state| state.mails.clone())
    }

    /// How often each Message-ID was accepted.
    pub fn accepted(&self) -> BTreeMap<String, usize> {
        let mut all = BTreeMap::new();
        self.mails().iter().for_each(|mail| *all.entry(mail.message_id()).or_default() += 1);
        all
    }

    pub fn connections(&self) -> usize {
        self.edit(|state| state.connections)
    }
}

impl Drop for Smtp {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.addr);
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn tls(certificate: &str, key: &str) -> Tls {
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    let chain = CertificateDer::pem_slice_iter(certificate.as_bytes()).map(|c| c.expect("a certificate")).collect();
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    Arc::new(builder.expect("versions").with_no_client_auth().with_single_cert(chain, key).expect("a pair"))
}

/// What a session is over.
trait Wire: Read + Write {}
impl<T: Read + Write> Wire for T {}

fn secured(stream: TcpStream, tls: &Tls) -> std::io::Result<Box<dyn Wire>> {
    let connection = rustls::ServerConnection::new(Arc::clone(tls)).map_err(std::io::Error::other)?;
    Ok(Box::new(rustls::StreamOwned::new(connection, stream)))
}

fn begin(stream: TcpStream, state: &Mutex<State>, tls: Option<Tls>, implicit: bool) -> std::io::Result<()> {
    match (tls, implicit) {
        (Some(tls), true) => Session::new(secured(stream, &tls)?, state, true).run(false, true).map(drop),
        (Some(tls), false) => {
            let bare = stream.try_clone()?;
            let mut session = Session::new(Box::new(stream), state, false);
            match session.run(true, true)? {
                true => Session::new(secured(bare, &tls)?, state, true).run(false, false).map(drop),
                false => Ok(()),
            }
        }
        (None, _) => Session::new(Box::new(stream), state, false).run(false, true).map(drop),
    }
}

struct Session<'a> {
    wire: BufReader<Box<dyn Wire>>,
    state: &'a Mutex<State>,
    tls: bool,
    user: Option<String>,
    from: Option<String>,
    to: Vec<String>,
    taken: usize,
}

/// The connection is to end here.
fn died<T>() -> std::io::Result<T> {
    Err(std::io::Error::other("died"))
}

impl<'a> Session<'a> {
    fn new(wire: Box<dyn Wire>, state: &'a Mutex<State>, tls: bool) -> Self {
        let wire = BufReader::new(wire);
        Session { wire, state, tls, user: None, from: None, to: Vec::new(), taken: 0 }
    }

    fn say(&mut self, text: &str) -> std::io::Result<()> {
        let wire = self.wire.get_mut();
        wire.write_all(format!("{text}\r\n").as_bytes())?;
        wire.flush()
    }

    /// A line without its end; none at the end of the connection.
    fn line(&mut self) -> std::io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        if self.wire.read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        let mut state = lock(self.state);
        if let Some(left) = &mut state.dies_after {
            if *left < line.len() {
                return died();
            }
            *left -= line.len();
        }
        while matches!(line.last(), Some(b'\n' | b'\r')) {
            line.pop();
        }
        Ok(Some(line))
    }

    /// What the rules want done here; none for the usual.
    fn rule(&self, at: At, of: &str) -> std::io::Result<Option<Deed>> {
        let mut next = 0;
        loop {
            let deed = {
                let mut state = lock(self.state);
                let fits = |rule: &Rule| rule.at == at && rule.times != Some(0) && of.contains(rule.of.as_str());
                let Some(found) = (next..state.rules.len()).find(|k| fits(&state.rules[*k])) else { return Ok(None) };
                next = found + 1;
                let rule = &mut state.rules[found];
                if let Some(times) = &mut rule.times {
                    *times -= 1;
                }
                rule.deed.clone()
            };
            match deed {
                Deed::Wait(time) => std::thread::sleep(time),
                Deed::Die => return died(),
                deed => return Ok(Some(deed)),
            }
        }
    }

    /// Whether a rule was followed in place of the usual.
    fn ruled(&mut self, at: At, of: &str) -> std::io::Result<bool> {
        match self.rule(at, of)? {
            Some(Deed::Say(text)) => self.say(&text).map(|()| true),
            Some(_) => died(),
            None => Ok(false),
        }
    }

    /// Whether the client goes on with TLS.
    fn run(&mut self, offers: bool, greets: bool) -> std::io::Result<bool> {
        if greets {
            if self.ruled(At::Greeting, "")? {
                return Ok(false);
            }
            self.say("220 mail.example ESMTP")?;
        }
        while let Some(line) = self.line()? {
            let line = String::from_utf8_lossy(&line).into_owned();
            lock(self.state).lines.push(line.clone());
            let word = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
            match word.as_str() {
                "EHLO" | "HELO" if self.ruled(At::Hello, &line)? => {}
                "EHLO" | "HELO" => {
                    let (users, offers) = (!lock(self.state).users.is_empty(), offers && !self.tls);
                    let mut said = vec!["mail.example", "8BITMIME"];
                    said.extend(offers.then_some("STARTTLS"));
                    said.extend((users && !offers).then_some("AUTH PLAIN LOGIN"));
                    for word in &said {
                        self.say(&format!("250-{word}"))?;
                    }
                    self.say("250 SIZE 10000000")?;
                }
                "STARTTLS" if offers => {
                    if !self.ruled(At::StartTls, &line)? {
                        self.say("220 go ahead")?;
                        return Ok(true);
                    }
                }
                "AUTH" if self.ruled(At::Auth, &line)? => {}
                "AUTH" => self.auth(&line)?,
                "MAIL" => self.mail(&line)?,
                "RCPT" => self.rcpt(&line)?,
                "DATA" if self.to.is_empty() => self.say("503 5.5.1 RCPT first")?,
                "DATA" => {
                    let to = self.to.join(" ");
                    if !self.ruled(At::Data, &to)? {
                        self.say("354 go ahead")?;
                        self.content()?;
                    }
                }
                "RSET" => {
                    (self.from, self.to) = (None, Vec::new());
                    self.say("250 2.0.0 ok")?;
                }
                "NOOP" => self.say("250 2.0.0 ok")?,
                "QUIT" => {
                    self.say("221 2.0.0 bye")?;
                    return Ok(false);
                }
                _ => self.say("502 5.5.2 not known")?,
            }
        }
        Ok(false)
    }

    fn auth(&mut self, line: &str) -> std::io::Result<()> {
        let mut words = line.split(' ').skip(1);
        let way = words.next().unwrap_or_default().to_ascii_uppercase();
        let (user, password) = if way == "LOGIN" {
            self.say("334 VXNlcm5hbWU6")?;
            let user = self.line()?.unwrap_or_default();
            self.say("334 UGFzc3dvcmQ6")?;
            let password = self.line()?.unwrap_or_default();
            (decoded(&String::from_utf8_lossy(&user)), decoded(&String::from_utf8_lossy(&password)))
        } else {
            let token = decoded(words.next().unwrap_or_default());
            let mut parts = token.split(|b| *b == 0).skip(1).map(<[u8]>::to_vec);
            (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
        };
        let known = lock(self.state).users.iter().any(|(u, p)| u.as_bytes() == user && p.as_bytes() == password);
        if !known {
            return self.say("535 5.7.8 authentication failed");
        }
        self.user = Some(String::from_utf8_lossy(&user).into_owned());
        self.say("235 2.7.0 welcome")
    }

    fn mail(&mut self, line: &str) -> std::io::Result<()> {
        if self.from.is_some() {
            return self.say("503 5.5.1 nested MAIL");
        }
        // One guard at a time: two in one statement would wait for each other.
        let asks = !lock(self.state).users.is_empty();
        let most = lock(self.state).mails_a_connection;
        if asks && self.user.is_none() {
            return self.say("530 5.7.0 authentication required");
        }
        if most.is_some_and(|most| self.taken >= most) {
            self.say("421 4.7.0 enough mails over this connection")?;
            return died();
        }
        if !self.ruled(At::From, line)? {
            self.from = Some(within(line));
            self.say("250 2.1.0 ok")?;
        }
        Ok(())
    }

    fn rcpt(&mut self, line: &str) -> std::io::Result<()> {
        if self.from.is_none() {
            return self.say("503 5.5.1 MAIL first");
        }
        let to = within(line);
        if self.ruled(At::To, &to)? {
            return Ok(());
        }
        let late = {
            let mut state = lock(self.state);
            let late = state.greylists && !state.seen.contains(&to);
            state.seen.push(to.clone());
            late
        };
        if late {
            return self.say("450 4.2.0 greylisted, come again");
        }
        self.to.push(to);
        self.say("250 2.1.5 ok")
    }

    fn content(&mut self) -> std::io::Result<()> {
        let mut bytes = Vec::new();
        loop {
            // A message that has no end is not taken.
            let Some(line) = self.line()? else { return died() };
            if line == b"." {
                break;
            }
            bytes.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
            bytes.extend_from_slice(b"\r\n");
        }
        let to = std::mem::take(&mut self.to);
        let from = self.from.take().unwrap_or_default();
        let deed = self.rule(At::Content, &to.join(" "))?;
        if let Some(Deed::Say(text)) = deed {
            return self.say(&text);
        }
        let mail = Taken { from, to, bytes, user: self.user.clone(), tls: self.tls, at: Instant::now() };
        lock(self.state).mails.push(mail);
        self.taken += 1;
        if deed == Some(Deed::TakeAndDie) {
            return died();
        }
        self.say("250 2.0.0 taken")
    }
}

/// The address between `<` and `>`.
fn within(line: &str) -> String {
    let rest = line.split_once('<').map_or(line, |(_, rest)| rest);
    rest.split('>').next().unwrap_or_default().to_string()
}

/// What base64 stands for.
pub fn decoded(text: &str) -> Vec<u8> {
    let value = |c: u8| match c {
        b'A'..=b'Z' => Some(c - b'A'),
        b'a'..=b'z' => Some(c - b'a' + 26),
        b'0'..=b'9' => Some(c - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let (mut out, mut word, mut bits) = (Vec::new(), 0u32, 0);
    for v in text.bytes().filter_map(value) {
        word = word << 6 | u32::from(v);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push((word >> bits) as u8);
            word &= (1 << bits) - 1;
        }
    }
    out
}
