//! The place of what has no days and no pages: one address, and what was known of it the last time.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::super::web::{Page, Validators};
use super::Place;
use crate::error::{Error, Result};
use crate::paper::head;

/// What is known of an address that was asked before.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    /// The beginning of the hash of the address: of another one nothing is known.
    #[serde(rename = "of")]
    address: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    day: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    modified: Option<String>,
    /// The beginning of the hash of its body: not every server knows conditional requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    hash: Option<String>,
}

impl Known {
    /// What a place says of an address: nothing where it is of another one, as the settings have changed.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a place of another source.
    pub fn of(place: Option<&Place>, address: &str) -> Result<Self> {
        let nothing = Known { address: short(address.as_bytes()), ..Known::default() };
        let Some(Place(text)) = place else { return Ok(nothing) };
        let wrong = |_| Error::Invalid(format!("{:?} is no place of this source", head(text, 80)));
        let known: Known = serde_json::from_str(text).map_err(wrong)?;
        Ok(if known.address == nothing.address { known } else { nothing })
    }

    /// The same as a place.
    pub fn place(&self) -> Place {
        Place(serde_json::to_string(self).unwrap_or_default())
    }

    /// What to send along.
    pub fn validators(&self) -> Validators {
        Validators { etag: self.etag.clone(), modified: self.modified.clone() }
    }

    /// What is known once a page is in.
    pub fn after(&self, page: &Page) -> Self {
        let Validators { etag, modified } = page.validators();
        Known { address: self.address.clone(), day: None, etag, modified, hash: Some(short(&page.body)) }
    }

    /// The last day that the address told of.
    pub fn day(&self) -> Option<Date> {
        self.day.as_deref()?.parse().ok()
    }

    /// The same with a day.
    pub fn of_day(self, day: Option<Date>) -> Self {
        Known { day: day.map(|day| day.to_string()), ..self }
    }

    /// Whether that is the page that was known already.
    pub fn is_same(&self, before: &Known) -> bool {
        self.hash == before.hash
    }
}

fn short(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().as_str()[..16].to_string()
}
