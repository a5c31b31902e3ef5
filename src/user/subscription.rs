//! What somebody gets by mail, and when.

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use super::{Follow, Moment, UserId};
use crate::error::{Error, Result};
use crate::paper::head;

/// Papers of one mail, at most; and where nobody says otherwise.
const MOST_PAPERS: usize = 100;
const PAPERS: usize = 15;

/// The hour at which a mail goes out where nobody says otherwise.
const HOUR: u8 = 7;

/// What the papers of a mail are taken from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "Given", into = "Given")]
pub enum Subject {
    /// The daily list.
    Daily,
    /// The personal feed of a reader.
    Reader(UserId),
    /// What comes of a search or a name.
    Follow(Follow),
}

/// A subject in JSON: an object of one field.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Given {
    Daily(Daily),
    Reader(OneReader),
    Follow(Follow),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Daily {
    daily: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OneReader {
    user: UserId,
}

impl TryFrom<Given> for Subject {
    type Error = &'static str;

    fn try_from(given: Given) -> std::result::Result<Self, &'static str> {
        match given {
            Given::Daily(Daily { daily: true }) => Ok(Subject::Daily),
            Given::Daily(_) => Err("`daily` is true or left out"),
            Given::Reader(OneReader { user }) => Ok(Subject::Reader(user)),
            Given::Follow(follow) => Ok(Subject::Follow(follow)),
        }
    }
}

impl From<Subject> for Given {
    fn from(subject: Subject) -> Given {
        match subject {
            Subject::Daily => Given::Daily(Daily { daily: true }),
            Subject::Reader(user) => Given::Reader(OneReader { user }),
            Subject::Follow(follow) => Given::Follow(follow),
        }
    }
}

/// How often a mail goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Cadence {
    /// Every day.
    #[default]
    Daily,
    /// Every seventh day.
    Weekly,
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum DayOfWeek {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl From<DayOfWeek> for Weekday {
    fn from(day: DayOfWeek) -> Weekday {
        match day {
            DayOfWeek::Monday => Weekday::Monday,
            DayOfWeek::Tuesday => Weekday::Tuesday,
            DayOfWeek::Wednesday => Weekday::Wednesday,
            DayOfWeek::Thursday => Weekday::Thursday,
            DayOfWeek::Friday => Weekday::Friday,
            DayOfWeek::Saturday => Weekday::Saturday,
            DayOfWeek::Sunday => Weekday::Sunday,
        }
    }
}

/// What somebody gets by mail, when, and how much of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MailPlan {
    /// What the papers are taken from.
    pub what: Subject,
    /// How often.
    pub cadence: Cadence,
    /// At which hour of `time_zone`, 0 to 23.
    pub hour: u8,
    /// On which day of the week, where it is weekly; none for every seventh day from the first on.
    pub weekday: Option<DayOfWeek>,
    /// The IANA name of a zone, `Europe/Berlin`.
    pub time_zone: String,
    /// Papers of one mail, at most: 1 to 100.
    pub budget: usize,
    /// The score below which no paper is sent.
    pub min_score: Option<f32>,
}

impl MailPlan {
    /// The usual plan for a subject, in a time zone.
    pub fn of(what: Subject, time_zone: impl Into<String>) -> Self {
        let time_zone = time_zone.into();
        MailPlan {
            what,
            cadence: Cadence::Daily,
            hour: HOUR,
            weekday: None,
            time_zone,
            budget: PAPERS,
            min_score: None,
        }
    }

    /// Checks everything that can be read and is not allowed.
    ///
    /// # Errors
    /// [`Error::Invalid`], naming the field and its range.
    pub fn check(&self) -> Result<()> {
        let wrong = |text: String| Err(Error::Invalid(text));
        if let Subject::Follow(follow) = &self.what {
            follow.check()?;
        }
        if self.hour > 23 {
            return wrong(format!("hour is {}; it goes from 0 to 23", self.hour));
        }
        if !(1..=MOST_PAPERS).contains(&self.budget) {
            return wrong(format!("budget is {}; it goes from 1 to {MOST_PAPERS} papers", self.budget));
        }
        if self.min_score.is_some_and(|score| !score.is_finite()) {
            return wrong("min_score must be a finite number".into());
        }
        if self.weekday.is_some() && self.cadence != Cadence::Weekly {
            return wrong("weekday goes with the cadence weekly".into());
        }
        self.zone().map(drop)
    }

    fn zone(&self) -> Result<TimeZone> {
        TimeZone::get(&self.time_zone).map_err(|_| {
            Error::Invalid(format!(
                "time_zone is {:?}, which this machine knows no time zone by; write it as `Europe/Berlin` or `UTC`",
                head(&self.time_zone, 60)
            ))
        })
    }

    /// When the mail of a day goes out; a day since 1970-01-01 of the calendar of `time_zone`. An hour that the clock leaves out
    /// is the one behind it.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the zone is not known here any more, or the day is beyond the calendar.
    pub fn moment_of(&self, day: i32) -> Result<Moment> {
        let beyond = |e: jiff::Error| Error::Invalid(format!("the day {day} is beyond the calendar: {e}"));
        let at = date_of(day)?.at(self.hour.min(23) as i8, 0, 0, 0);
        let at = self.zone()?.to_ambiguous_zoned(at).compatible().map_err(beyond)?;
        Ok(Moment(at.timestamp().as_microsecond()))
    }

    /// The last day whose mail has its time behind it.
    ///
    /// # Errors
    /// As [`MailPlan::moment_of`].
    pub fn day_at(&self, now: Moment) -> Result<i32> {
        let at = Timestamp::from_microsecond(now.0).map_err(|e| Error::Invalid(e.to_string()))?;
        let today = day_of(at.to_zoned(self.zone()?).date());
        Ok(if self.moment_of(today)? <= now { today } else { today - 1 })
    }

    /// Whether there is a mail on a day, where the last one before was on another (none for none yet).
    pub fn is_on(&self, day: i32, last: Option<i32>) -> bool {
        match (self.cadence, self.weekday) {
            (Cadence::Daily, _) => last.is_none_or(|last| last < day),
            (Cadence::Weekly, Some(on)) => {
                date_of(day).is_ok_and(|date| date.weekday() == on.into()) && last.is_none_or(|last| last < day)
            }
            (Cadence::Weekly, None) => last.is_none_or(|last| last + 7 <= day),
        }
    }

    /// When the next mail goes out behind a moment.
    ///
    /// # Errors
    /// As [`MailPlan::moment_of`].
    pub fn next(&self, after: Moment, last: Option<i32>) -> Result<Moment> {
        let mut day = self.day_at(after)? + 1;
        // Every day of the week is among the next fourteen.
        for _ in 0..14 {
            if self.is_on(day, last) {
                break;
            }
            day += 1;
        }
        self.moment_of(day)
    }
}

fn day_of(date: Date) -> i32 {
    date.since(EPOCH).map_or(0, |span| span.get_days())
}

const EPOCH: Date = jiff::civil::date(1970, 1, 1);

fn date_of(day: i32) -> Result<Date> {
    let beyond = |e: jiff::Error| Error::Invalid(format!("the day {day} is beyond the calendar: {e}"));
    EPOCH.checked_add(i64::from(day).days()).map_err(beyond)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plan(cadence: Cadence, hour: u8, zone: &str) -> MailPlan {
        MailPlan { cadence, hour, ..MailPlan::of(Subject::Daily, zone) }
    }

    fn at(text: &str) -> Moment {
        Moment::parse(text).expect("a moment")
    }

    fn day(text: &str) -> i32 {
        day_of(text.parse().expect("a date"))
    }

    #[test]
    fn a_subject_is_an_object_of_one_field() {
        let ada = UserId::new("ada").expect("a name");
        for (text, subject) in [
            (r#"{"daily":true}"#, Subject::Daily),
            (r#"{"user":"ada"}"#, Subject::Reader(ada)),
            (r#"{"theme":"t12"}"#, Subject::Follow(Follow::Theme("t12".into()))),
            (r#"{"query":"a \"phrase\""}"#, Subject::Follow(Follow::Query("a \"phrase\"".into()))),
        ] {
            assert_eq!(serde_json::from_str::<Subject>(text).expect(text), subject);
            assert_eq!(serde_json::to_string(&subject).expect("JSON"), text);
        }
        for wrong in [r#"{"daily":false}"#, r#"{"daily":true,"user":"a"}"#, r#"{"user":""}"#, "{}", r#"{"editor":"x"}"#]
        {
            assert!(serde_json::from_str::<Subject>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_mail_goes_out_at_the_hour_of_its_zone() {
        let berlin = plan(Cadence::Daily, 7, "Europe/Berlin");
        assert_eq!(berlin.moment_of(day("2026-11-26")).expect("a moment"), at("2026-11-26T06:00:00Z"));
        assert_eq!(berlin.moment_of(day("2026-07-01")).expect("a moment"), at("2026-07-01T05:00:00Z"));
        assert_eq!(berlin.day_at(at("2026-11-26T05:59:59Z")).expect("a day"), day("2026-11-25"));
        assert_eq!(berlin.day_at(at("2026-11-26T06:00:00Z")).expect("a day"), day("2026-11-26"));
        // It is tomorrow there already.
        let kiribati = plan(Cadence::Daily, 7, "Pacific/Kiritimati");
        assert_eq!(kiribati.day_at(at("2026-11-25T18:00:00Z")).expect("a day"), day("2026-11-26"));
        // An hour that does not exist, and one that exists twice: once.
        let night = plan(Cadence::Daily, 2, "Europe/Berlin");
        assert_eq!(night.moment_of(day("2026-03-29")).expect("a moment"), at("2026-03-29T01:00:00Z"));
        assert_eq!(night.moment_of(day("2026-10-25")).expect("a moment"), at("2026-10-25T00:00:00Z"));
    }

    #[test]
    fn a_weekly_mail_comes_every_seventh_day_or_on_its_day() {
        let weekly = plan(Cadence::Weekly, 7, "UTC");
        let thursday = day("2026-11-26");
        assert!(weekly.is_on(thursday, None) && !weekly.is_on(thursday, Some(thursday - 6)));
        assert!(weekly.is_on(thursday, Some(thursday - 7)) && weekly.is_on(thursday, Some(thursday - 30)));
        assert_eq!(weekly.next(at("2026-11-26T08:00:00Z"), Some(thursday)).expect("next"), at("2026-12-03T07:00:00Z"));
        let monday = MailPlan { weekday: Some(DayOfWeek::Monday), ..weekly };
        assert!(!monday.is_on(thursday, None) && monday.is_on(thursday + 4, Some(thursday)));
        assert_eq!(monday.next(at("2026-11-26T08:00:00Z"), None).expect("next"), at("2026-11-30T07:00:00Z"));
        assert_eq!(monday.next(at("2026-11-30T07:00:00Z"), None).expect("next"), at("2026-12-07T07:00:00Z"));
    }

    #[test]
    fn what_is_not_allowed_is_named() {
        let of = |change: &dyn Fn(&mut MailPlan)| {
            let mut plan = MailPlan::of(Subject::Daily, "UTC");
            change(&mut plan);
            plan.check().expect_err("refused").to_string()
        };
        assert!(of(&|p| p.hour = 24).contains("0 to 23"));
        assert!(of(&|p| p.budget = 0).contains("1 to 100"));
        assert!(of(&|p| p.budget = 101).contains("1 to 100"));
        assert!(of(&|p| p.min_score = Some(f32::NAN)).contains("finite"));
        assert!(of(&|p| p.time_zone = "Mars/Base".into()).contains("Europe/Berlin"));
        assert!(of(&|p| p.weekday = Some(DayOfWeek::Friday)).contains("weekly"));
        assert!(of(&|p| p.what = Subject::Follow(Follow::Author(" ".into()))).contains("author is empty"));
        assert!(MailPlan::of(Subject::Daily, "Europe/Berlin").check().is_ok());
    }

    proptest! {
        /// From mail to mail time goes on, every day has its one mail, and what is due is the day that was waited for.
        #[test]
        fn mails_follow_each_other(
            from in 1_600_000_000i64..2_000_000_000, hour in 0u8..24, weekly in any::<bool>(),
            zone in prop::sample::select(vec!["Europe/Berlin", "America/New_York", "Asia/Kolkata", "UTC", "Pacific/Apia"]),
        ) {
            let cadence = if weekly { Cadence::Weekly } else { Cadence::Daily };
            let plan = plan(cadence, hour, zone);
            let (mut now, mut last) = (Moment(from * 1_000_000), None::<i32>);
            for _ in 0..30 {
                let next = plan.next(now, last).expect("next");
                prop_assert!(next > now);
                let day = plan.day_at(next).expect("a day");
                prop_assert!(plan.is_on(day, last));
                let step = if weekly { 7 } else { 1 };
                prop_assert!(last.is_none_or(|last| day == last + step), "{:?} {}", last, day);
                prop_assert!(!plan.is_on(day, Some(day)));
                (now, last) = (next, Some(day));
            }
        }
    }
}
