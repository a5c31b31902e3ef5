//! Mail: whether its server takes any.

use super::Patient;
use crate::store::Finding;

/// What the server said; nothing where no mail is sent.
pub fn mail(patient: &Patient<'_>) -> Option<Finding> {
    let (settings, asked) = (patient.config.mail.as_ref()?, patient.mail.as_ref()?);
    Some(match asked {
        Ok(()) => Finding::good("", format!("{} takes mail from {}", settings.smtp, settings.from.address)),
        Err(e) => Finding::bad("", e.to_string(), "mend it under [mail] in the settings; until then no mail goes out"),
    })
}
