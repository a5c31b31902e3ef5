//! A message as it is sent: headers, both texts, a signature.

use std::time::{Duration, UNIX_EPOCH};

use jiff::Timestamp;
use lettre::Address;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{
    DkimCanonicalization, DkimCanonicalizationType, DkimConfig, DkimSigningAlgorithm, DkimSigningKey, Mailbox, Message,
    MultiPart, SinglePart,
};

use super::Rendered;
use super::plain::typed;
use crate::config::{Dkim, Sender};
use crate::error::{Error, Result};

/// Characters of a subject.
pub const SUBJECT: usize = 120;

/// Bytes of an address in a header: a line may have 998.
const MAX_ADDRESS: usize = 900;

/// The second of 9999-01-01: later years cannot be written in a header.
const LAST: i64 = 253_370_764_800;

/// What stands around a message.
#[derive(Debug, Clone, Copy)]
pub struct Envelope<'a> {
    /// Who gets it: an address as [`super::checked_address`] gives it.
    pub to: &'a str,
    /// What names it, the same however often it is sent: `local@domain` in ASCII, without `<` and `>`.
    pub message_id: &'a str,
    /// When it was made.
    pub date: Timestamp,
    /// The list that it belongs to, by which readers sort their mail: `daily.papers.lab.example`.
    pub list_id: Option<&'a str>,
    /// Where the subscription is ended by one `POST` (RFC 8058): an address of `https://`.
    pub unsubscribe: Option<&'a str>,
}

/// Who is written from, and what signs.
pub struct Letterhead {
    from: Mailbox,
    reply_to: Option<Mailbox>,
    dkim: Option<DkimConfig>,
}

/// An address as lettre has it.
pub fn address(text: &str) -> Result<Address> {
    let address = super::checked_address(text)?;
    address.parse().map_err(|e| Error::Invalid(format!("{address:?} is no address of mail: {e}")))
}

fn mailbox(sender: &Sender) -> Result<Mailbox> {
    // lettre panics at a name with a line's end and loses whom it is for at a NUL; such a name was refused with the settings.
    Ok(Mailbox::new(sender.name.as_deref().map(|name| typed(name, 100)), address(&sender.address)?))
}

impl Letterhead {
    /// Reads the key.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the key cannot be read; never a part of it.
    pub fn open(from: &Sender, reply_to: Option<&Sender>, dkim: Option<&Dkim>) -> Result<Self> {
        let domain = from.domain().to_string();
        let dkim = dkim.map(|dkim| signing(dkim, domain)).transpose()?;
        Ok(Letterhead { from: mailbox(from)?, reply_to: reply_to.map(mailbox).transpose()?, dkim })
    }

    /// Whose address it is sent from.
    pub fn sender(&self) -> &Address {
        &self.from.email
    }

    /// The bytes of a message: ASCII, with lines of at most 998 bytes that end with CR LF.
    ///
    /// # Errors
    /// [`Error::Invalid`] when something in the envelope cannot stand in a header.
    pub fn message(&self, envelope: &Envelope<'_>, rendered: &Rendered) -> Result<Vec<u8>> {
        let to = address(envelope.to)?;
        check_message_id(envelope.message_id)?;
        let seconds = envelope.date.as_second().clamp(0, LAST).unsigned_abs();
        let mut message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(typed(&rendered.subject, SUBJECT))
            .date(UNIX_EPOCH + Duration::from_secs(seconds))
            .message_id(Some(format!("<{}>", envelope.message_id)));
        if let Some(reply_to) = &self.reply_to {
            message = message.reply_to(reply_to.clone());
        }
        if let Some(list) = envelope.list_id {
            if !is_list(list) {
                return Err(Error::Invalid(format!(
                    "{list:?} cannot be a List-Id: it is written like daily.lab.example"
                )));
            }
            message = message.raw_header(as_it_is("List-Id", format!("<{list}>")));
        }
        if let Some(address) = envelope.unsubscribe {
            if !is_web_address(address) {
                return Err(Error::Invalid("the address to unsubscribe at cannot stand in a header".into()));
            }
            message = message.raw_header(as_it_is("List-Unsubscribe", format!("<{address}>")));
            message = message.raw_header(as_it_is("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".into()));
        }
        // Nobody's holiday answers it (RFC 3834, and what Exchange has for it).
        message = message.raw_header(as_it_is("Auto-Submitted", "auto-generated".into()));
        message = message.raw_header(as_it_is("X-Auto-Response-Suppress", "OOF, AutoReply".into()));
        // The same message has the same bytes. No text can hold its own hash.
        let mut hasher = blake3::Hasher::new();
        for text in [envelope.message_id, &rendered.text, &rendered.html] {
            hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
        }
        let boundary = format!("pk_{}", &hasher.finalize().to_hex()[..40]);
        let parts =
            MultiPart::alternative().boundary(boundary).singlepart(part(ContentType::TEXT_PLAIN, &rendered.text));
        let parts = parts.singlepart(part(ContentType::TEXT_HTML, &rendered.html));
        let mut message = message.multipart(parts).map_err(|e| Error::Internal(format!("a mail: {e}")))?;
        if let Some(dkim) = &self.dkim {
            message.sign(dkim);
        }
        let bytes = message.formatted();
        if !bytes.is_ascii() {
            return Err(Error::Internal("a mail is not in ASCII".into()));
        }
        Ok(bytes)
    }
}

fn part(kind: ContentType, text: &str) -> SinglePart {
    SinglePart::builder().header(kind).body(text.replace("\r\n", "\n").replace(['\r', '\n'], "\r\n"))
}

/// A header whose value was looked at: one line of ASCII that can be seen.
fn as_it_is(name: &'static str, value: String) -> HeaderValue {
    HeaderValue::dangerous_new_pre_encoded(HeaderName::new_from_ascii_str(name), value.clone(), value)
}

fn is_list(list: &str) -> bool {
    (1..=200).contains(&list.len())
        && list
            .split('.')
            .all(|p| !p.is_empty() && p.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_'))
}

/// Whether it is an address of the web that may stand in a header or a link as it is.
pub fn is_web_address(address: &str) -> bool {
    let scheme = ["https://", "http://"].iter().find_map(|scheme| address.strip_prefix(scheme));
    scheme.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
        && address.len() <= MAX_ADDRESS
        && address.bytes().all(|c| c.is_ascii_graphic() && !b"<>\"\\^`{|}".contains(&c))
}

fn check_message_id(id: &str) -> Result<()> {
    let atom = |c: u8| c.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&c);
    match id.split_once('@') {
        Some((left, right))
            if !left.is_empty()
                && !right.is_empty()
                && id.len() <= 250
                && left.bytes().chain(right.bytes()).all(atom) =>
        {
            Ok(())
        }
        _ => Err(Error::Invalid(format!("{id:?} cannot be a Message-Id: it is written like name@lab.example"))),
    }
}

fn signing(dkim: &Dkim, domain: String) -> Result<DkimConfig> {
    let path = &dkim.key_file;
    let text = std::fs::read_to_string(path).map_err(|e| Error::io(path, "cannot read the key of DKIM", e))?;
    if !text.contains("BEGIN RSA PRIVATE KEY") {
        let shown = path.display();
        return Err(Error::Invalid(format!(
            "{shown}: the key of DKIM is to be RSA in PEM as BEGIN RSA PRIVATE KEY. `openssl rsa -traditional -in {shown} -out NEW` \
             writes it so"
        )));
    }
    let key = DkimSigningKey::new(&text, DkimSigningAlgorithm::Rsa)
        .map_err(|e| Error::Invalid(format!("{}: the key of DKIM cannot be read: {e}", path.display())))?;
    // What RFC 8058 wants to be covered is covered.
    let headers = [
        "From",
        "Reply-To",
        "To",
        "Subject",
        "Date",
        "Message-ID",
        "List-Id",
        "List-Unsubscribe",
        "List-Unsubscribe-Post",
        "MIME-Version",
    ];
    let headers = headers.into_iter().map(HeaderName::new_from_ascii_str).collect();
    let relaxed = DkimCanonicalizationType::Relaxed;
    let canonicalization = DkimCanonicalization { header: relaxed, body: relaxed };
    Ok(DkimConfig::new(dkim.selector.clone(), domain, key, headers, canonicalization))
}
