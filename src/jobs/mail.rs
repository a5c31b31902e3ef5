//! Sending the mails that are due.

use std::sync::atomic::{AtomicI32, Ordering};

use super::{Job, Numbers, Trigger};
use crate::config::Config;
use crate::deliver::digest::{Outbox, Sent, When};
use crate::engine::{Engine, Happened};
use crate::error::Result;
use crate::user::Moment;

/// The name of the job.
pub const MAIL: &str = "mail";

/// The job `mail`. Where no mail is set up it has nothing to do.
pub struct Mail {
    config: Config,
    // The day on which old mail was last forgotten here.
    day: AtomicI32,
}

impl Mail {
    /// The job of these settings.
    pub fn new(config: &Config) -> Self {
        Mail { config: config.clone(), day: AtomicI32::new(i32::MIN) }
    }
}

/// Sends what is due, under the lock of the job, whoever asks. `waiting` hears once who has it; `progress` what it has come to.
///
/// # Errors
/// Those of [`Outbox::send`], and when mail is not set up.
pub fn send_mail(
    engine: &Engine,
    config: &Config,
    when: When,
    waiting: &dyn Fn(&crate::store::Lease),
    progress: &(dyn Fn(Sent) + Sync),
) -> Result<Sent> {
    let (mailer, base) = Outbox::of_settings(config)?;
    super::once(engine, MAIL, waiting, || {
        let sent = Outbox::new(engine, &mailer, &base).send(when, progress)?;
        Ok((sent, numbers(sent)))
    })
}

fn numbers(sent: Sent) -> Numbers {
    let Sent { sent, nothing, later, failed } = sent;
    vec![("sent", sent), ("nothing", nothing), ("later", later), ("failed", failed)]
}

impl Job for Mail {
    fn name(&self) -> &str {
        MAIL
    }

    fn about(&self) -> &str {
        "sends the mails that are due to those who subscribed to them"
    }

    fn hears_of(&self, happened: Happened) -> bool {
        happened == Happened::Mail
    }

    fn has_work(&self, engine: &Engine, _: Trigger) -> Result<bool> {
        let now = Moment::now();
        let sends = self.config.mail.is_some() && engine.mail_has_work(now)?;
        Ok(sends || self.day.load(Ordering::Relaxed) != now.day())
    }

    fn run(&self, engine: &Engine, _: Trigger) -> Result<Numbers> {
        let now = Moment::now();
        let mut numbers = match self.config.mail {
            Some(_) => {
                let (mailer, base) = Outbox::of_settings(&self.config)?;
                self::numbers(Outbox::new(engine, &mailer, &base).send(When::By(now), &|_| {})?)
            }
            None => Vec::new(),
        };
        if self.day.swap(now.day(), Ordering::Relaxed) != now.day() {
            numbers.push(("forgotten", engine.forget_old_mail(now)? as u64));
        }
        Ok(numbers)
    }
}
