//! A user, their events on papers, and what the events on one paper add up to. No input or output.

mod follow;
mod stance;
mod subscription;

pub use follow::{Follow, is_seen};
pub use stance::{Deed, Press, Stance, after, pressed, taking_back};
pub use subscription::{Cadence, DayOfWeek, MailPlan, Subject};

use std::fmt;

use jiff::SignedDuration;
use jiff::civil::DateTime;
use jiff::fmt::temporal::Pieces;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::paper::{PaperDate, PaperId, checked_name, head};

/// How far ahead of this machine's clock an event may be, in seconds: clocks differ.
const SKEW_S: i64 = 300;

/// The name of a user: any non-empty string of at most 256 bytes without control characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UserId(String);

impl UserId {
    /// Checks the rules of a name.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is empty, too long, or holds a control character.
    pub fn new(name: impl Into<String>) -> Result<Self> {
        checked_name("the name of the user", name.into()).map(UserId)
    }

    /// The name, as given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for UserId {
    type Error = Error;

    fn try_from(name: String) -> Result<Self> {
        UserId::new(name)
    }
}

impl From<UserId> for String {
    fn from(name: UserId) -> String {
        name.0
    }
}

/// What a user did with a paper.
///
/// `like`, `save`, `dislike` and `dismiss` are verdicts: of several on one paper the last counts. `unsave` takes a save
/// back, `clear` takes back every verdict. `view` and `click` are implicit: they count while there is no verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum EventKind {
    /// The abstract was looked at.
    View,
    /// The paper was opened.
    Click,
    /// Kept for later.
    Save,
    /// More like this.
    Like,
    /// Less like this.
    Dislike,
    /// Not again, for whatever reason.
    Dismiss,
    /// No longer kept.
    Unsave,
    /// Every verdict so far is taken back: as if only looked at.
    Clear,
}

impl EventKind {
    /// All kinds, in the order of their numbers in the store.
    pub const ALL: [EventKind; 8] = [
        EventKind::View,
        EventKind::Click,
        EventKind::Save,
        EventKind::Like,
        EventKind::Dislike,
        EventKind::Dismiss,
        EventKind::Unsave,
        EventKind::Clear,
    ];

    /// The weight of one event of this kind in the preference model, from -1 to 1.
    pub fn weight(self) -> f32 {
        match self {
            EventKind::View => 0.1,
            EventKind::Click => 0.3,
            EventKind::Save | EventKind::Like => 1.0,
            EventKind::Dislike => -1.0,
            EventKind::Dismiss => -0.3,
            EventKind::Unsave | EventKind::Clear => 0.0,
        }
    }
}

const EPOCH: DateTime = jiff::civil::date(1970, 1, 1).at(0, 0, 0, 0);

/// A moment of the years -9999 to 9999: microseconds since 1970-01-01, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Moment(pub i64);

impl Moment {
    /// This machine's clock.
    pub fn now() -> Self {
        Moment(jiff::Timestamp::now().as_microsecond())
    }

    /// Reads RFC 3339 (`2026-08-21T09:30:00Z`, any offset), the same without an offset (taken as UTC), or a date
    /// (`2026-08-21`, its first moment). What an offset carries beyond the years -9999 to 9999 becomes their end.
    ///
    /// # Errors
    /// [`Error::BadRequest`] when it is none of these.
    pub fn parse(text: &str) -> Result<Self> {
        if let Ok(date) = PaperDate::parse(text) {
            return Ok(Moment::of_day(date.first_day()));
        }
        let pieces = Pieces::parse(text).map_err(|_| {
            Error::BadRequest(format!("{:?} is no time: write 2026-08-21T09:30:00Z or 2026-08-21", head(text, 40)))
        })?;
        // Not through a timestamp of jiff: those leave out the last day of the calendar.
        let local = pieces.date().to_datetime(pieces.time().unwrap_or_default());
        let ahead = pieces.to_numeric_offset().map_or(0, |offset| offset.seconds());
        let utc = local.saturating_sub(SignedDuration::from_secs(ahead.into()));
        // The calendar holds some 6 * 10^17 microseconds.
        Ok(Moment(utc.duration_since(EPOCH).as_micros() as i64))
    }

    /// The first moment of a day (days since 1970-01-01, UTC).
    pub fn of_day(day: i32) -> Self {
        Moment(i64::from(day).saturating_mul(86_400_000_000))
    }

    /// The day it lies in (days since 1970-01-01, UTC).
    pub fn day(self) -> i32 {
        i32::try_from(self.0.div_euclid(86_400_000_000)).unwrap_or(i32::MAX)
    }

    /// Days from `earlier` to this moment.
    pub fn days_since(self, earlier: Moment) -> f32 {
        (self.0.saturating_sub(earlier.0)) as f32 / 86_400e6
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}Z", EPOCH.saturating_add(SignedDuration::from_micros(self.0)))
    }
}

impl TryFrom<String> for Moment {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        Moment::parse(&text)
    }
}

impl From<Moment> for String {
    fn from(at: Moment) -> String {
        at.to_string()
    }
}

/// Something a user did with a paper. Two events of one user with the same paper, kind and time are the same event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Event {
    /// Which paper.
    #[schema(value_type = String)]
    pub paper: PaperId,
    /// What.
    pub kind: EventKind,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Moment,
    /// How much it counts beside others of its kind; 1 where nothing was said.
    pub weight: f32,
}

impl Event {
    /// The greatest weight.
    pub const MAX_WEIGHT: f32 = 100.0;

    /// Checks the ranges that parsing does not.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a time in the future (five minutes are let pass, since clocks differ) and a weight that
    /// is not above 0 and at most [`Event::MAX_WEIGHT`].
    pub fn check(&self, now: Moment) -> Result<()> {
        if self.at.0 > now.0.saturating_add(SKEW_S * 1_000_000) {
            return Err(Error::Invalid(format!(
                "the event for {:?} is at {}, which is in the future (it is {now})",
                self.paper.as_str(),
                self.at
            )));
        }
        if !(self.weight > 0.0 && self.weight <= Self::MAX_WEIGHT) {
            return Err(Error::Invalid(format!(
                "the weight of the event for {:?} is {}; it must be above 0 and at most {}",
                self.paper.as_str(),
                self.weight,
                Self::MAX_WEIGHT
            )));
        }
        Ok(())
    }
}

/// The settings of a user. Absent fields follow the service's defaults.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Half-life of events in days, counted from the user's newest event; 0 for no ageing.
    #[schema(minimum = 0, maximum = 36500)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub half_life_days: Option<f32>,
    /// The most papers of one author in a feed.
    #[schema(minimum = 1, maximum = 500)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_author: Option<usize>,
    /// The share of a feed, from 0 to 0.5, that is given to papers outside the interests; they are marked.
    #[schema(minimum = 0, maximum = 0.5)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exploration: Option<f32>,
    /// Diversity from 0 (best first) to 1 (as different from each other as possible).
    #[schema(minimum = 0, maximum = 1)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diversity: Option<f32>,
}

impl Settings {
    /// What counts where nothing is set: days, papers, shares.
    pub const HALF_LIFE_DAYS: f32 = 365.0;
    pub const PER_AUTHOR: usize = 3;
    pub const EXPLORATION: f32 = 0.05;
    pub const DIVERSITY: f32 = 0.1;

    /// Checks the ranges.
    ///
    /// # Errors
    /// [`Error::Invalid`], naming the setting and its range.
    pub fn check(&self) -> Result<()> {
        let ranges = [
            ("half_life_days", self.half_life_days, 0.0, 36_500.0),
            ("per_author", self.per_author.map(|n| n as f32), 1.0, 500.0),
            ("exploration", self.exploration, 0.0, 0.5),
            ("diversity", self.diversity, 0.0, 1.0),
        ];
        for (name, value, least, most) in ranges {
            if value.is_some_and(|v| !(least..=most).contains(&v)) {
                let value = value.unwrap_or_default();
                return Err(Error::Invalid(format!("{name} is {value}; it goes from {least} to {most}")));
            }
        }
        Ok(())
    }
}

/// The edits of a user on an interest.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Edits {
    /// A name of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its papers are not shown.
    pub muted: bool,
    /// It stays even if clustering would dissolve it.
    pub pinned: bool,
    /// Its share of the feed is multiplied by this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<f32>,
}

/// What all events of one user on one paper add up to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Opinion {
    /// Above zero to find more papers like it, below zero for fewer, zero for neither.
    pub weight: f32,
    /// The time of the last event behind the weight.
    pub at: Moment,
    /// Whether it is a verdict of the user, and not derived from views and clicks.
    pub explicit: bool,
    /// Whether the paper is never to be shown again: the last verdict is a dislike or a dismissal.
    pub never: bool,
}

/// The greatest weight of views and clicks without a verdict.
const MAX_IMPLICIT: f32 = 0.5;

/// Adds up the events on one paper, in the order of their times.
///
/// The last verdict counts, with its own weight. At the same time a dislike takes precedence over a dismissal, and that
/// over a like or save. `unsave` takes back the save and restores the verdict before it. Without a verdict, views and
/// clicks add up to at most 0.5. `None` without events.
pub fn opinion(events: &[Deed]) -> Option<Opinion> {
    let order = stance::ordered(events);
    let last = order.last()?.1;
    let (mut left, mut seen_at) = (1.0f32, None);
    for &(kind, at, weight) in order.iter().filter(|e| matches!(e.0, EventKind::View | EventKind::Click)) {
        left *= (1.0 - kind.weight()).powf(weight);
        seen_at = Some(at);
    }
    Some(match (stance::verdicts(&order).last(), seen_at) {
        (Some(&(kind, at, weight)), _) => Opinion {
            weight: kind.weight() * weight,
            at,
            explicit: true,
            never: matches!(kind, EventKind::Dislike | EventKind::Dismiss),
        },
        (None, Some(at)) => Opinion { weight: (1.0 - left).min(MAX_IMPLICIT), at, explicit: false, never: false },
        (None, None) => Opinion { weight: 0.0, at: last, explicit: true, never: false },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(events: &[(EventKind, i64)]) -> Opinion {
        let events: Vec<_> = events.iter().map(|&(kind, at)| (kind, Moment(at), 1.0)).collect();
        opinion(&events).expect("events")
    }

    #[test]
    fn clear_takes_every_verdict_back() {
        use EventKind::{Clear, Dislike, Like, Save, View};
        let cleared = of(&[(Dislike, 1), (Save, 2), (Clear, 3)]);
        assert!(cleared.weight == 0.0 && !cleared.never);
        assert_eq!(of(&[(Dislike, 1), (Clear, 2), (Like, 3)]).weight, 1.0);
        assert!((of(&[(View, 1), (Like, 2), (Clear, 3)]).weight - View.weight()).abs() < 1e-6, "it was looked at");
    }

    #[test]
    fn the_last_verdict_counts() {
        use EventKind::{Click, Dislike, Dismiss, Like, Save, Unsave, View};
        assert_eq!(of(&[(Like, 1), (Dislike, 2)]).weight, -1.0);
        assert_eq!(of(&[(Dislike, 1), (Like, 2)]).weight, 1.0);
        assert_eq!(of(&[(Like, 2), (Dislike, 2)]).weight, -1.0, "in doubt against showing it");
        assert!(of(&[(Like, 1), (Dismiss, 2)]).never && !of(&[(Dismiss, 1), (Like, 2)]).never);
        assert_eq!(of(&[(Save, 1), (Unsave, 2)]).weight, 0.0);
        assert_eq!(of(&[(Like, 1), (Save, 2), (Unsave, 3)]).weight, 1.0, "what was there before the save stands");
        assert_eq!(of(&[(View, 1), (Save, 2), (Unsave, 3)]).weight, of(&[(View, 1)]).weight);
        assert_eq!(of(&[(View, 1), (Like, 2), (View, 3)]).weight, 1.0);
        let (view, click) = (of(&[(View, 1)]), of(&[(Click, 1)]));
        assert!(0.0 < view.weight && view.weight < click.weight && !click.explicit);
        assert_eq!(opinion(&[]), None);
    }

    #[test]
    fn times_are_read_in_every_usual_form() {
        let at = |t: &str| Moment::parse(t).map(|m| m.to_string());
        assert_eq!(at("2026-08-21T09:30:00+02:00").ok().as_deref(), Some("2026-08-21T07:30:00Z"));
        assert_eq!(at("2026-08-21T09:30:00").ok().as_deref(), Some("2026-08-21T09:30:00Z"));
        assert_eq!(at("2026-08-21").ok().as_deref(), Some("2026-08-21T00:00:00Z"));
        for bad in ["", "yesterday", "2026-13-01", "12:30", "1724231231"] {
            assert!(at(bad).is_err(), "{bad:?} was taken for a time");
        }
    }

    #[test]
    fn the_last_day_of_the_calendar_is_a_time_that_is_too_late() {
        for text in ["9999-12-31", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59.5-10:00", "9999-12-30T23:00:00+01:00"] {
            let at = Moment::parse(text).expect(text);
            assert_eq!(Moment::parse(&at.to_string()).ok(), Some(at), "{text}");
            let event = Event { paper: PaperId::new("x").expect("id"), kind: EventKind::Like, at, weight: 1.0 };
            assert!(matches!(event.check(Moment::now()), Err(Error::Invalid(why)) if why.contains("is at 9999-12-3")));
        }
        let ends = ["-009999-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"];
        for text in ends {
            assert_eq!(Moment::parse(text).map(|m| m.to_string()).ok().as_deref(), Some(text));
        }
        assert_eq!(Moment::parse("9999-12-31T23:59:59-10:00").ok(), Moment::parse(ends[1]).ok());
    }

    #[test]
    fn the_future_and_odd_weights_are_not_allowed() {
        let now = Moment::now();
        let event = |at, weight| Event { paper: PaperId::new("x").expect("id"), kind: EventKind::Like, at, weight };
        assert!(event(now, 1.0).check(now).is_ok());
        assert!(event(Moment(now.0 + 60_000_000), 1.0).check(now).is_ok(), "clocks differ");
        assert!(event(Moment(now.0 + 3_600_000_000), 1.0).check(now).is_err());
        for weight in [0.0, -1.0, f32::NAN, f32::INFINITY, 101.0] {
            assert!(event(now, weight).check(now).is_err(), "{weight}");
        }
    }

    proptest! {
        #[test]
        fn a_moment_survives_text(us in -377_705_116_800_000_000i64..253_402_300_800_000_000) {
            prop_assert_eq!(Moment::parse(&Moment(us).to_string()).ok(), Some(Moment(us)));
        }

        #[test]
        fn no_clock_is_too_odd(us in any::<i64>(), day in any::<i32>(), other in any::<i64>()) {
            let (at, now) = (Moment(us), Moment(other));
            prop_assert!(Moment::of_day(at.day()) <= at || at.0 < i64::MIN + 86_400_000_000);
            prop_assert!(at.days_since(now).is_finite() && !at.to_string().is_empty());
            if day.abs() < 100_000_000 {
                prop_assert_eq!(Moment::of_day(day).day(), day);
            }
            let event = Event { paper: PaperId::new("x").expect("id"), kind: EventKind::Like, at, weight: 1.0 };
            prop_assert_eq!(event.check(now).is_ok(), i128::from(us) <= i128::from(other) + 300_000_000 || other > i64::MAX - 300_000_000);
        }

        #[test]
        fn the_order_of_arrival_does_not_matter(
            events in prop::collection::vec((0usize..7, 0i64..4, 0.1f32..3.0), 1..12), turn in 0usize..12
        ) {
            let mut events: Vec<_> = events.into_iter().map(|(k, at, w)| (EventKind::ALL[k], Moment(at), w)).collect();
            // Two events of one kind at one moment would be the same event.
            events.sort_by_key(|e| (e.0, e.1));
            events.dedup_by_key(|e| (e.0, e.1));
            let whole = opinion(&events);
            let n = events.len();
            events.rotate_left(turn % n);
            let turned = opinion(&events);
            let (a, b) = (whole.expect("some"), turned.expect("some"));
            prop_assert!((a.weight - b.weight).abs() < 1e-5 && a.never == b.never && a.at == b.at);
            prop_assert!(a.weight.abs() <= 3.0);
        }
    }
}
