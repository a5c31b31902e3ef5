//! Subscriptions, deliveries, and the papers that were in mails.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension, Row, Transaction, named_params, params};

use super::{SqliteStore, limit, unreadable, users};
use crate::error::Result;
use crate::store::{
    Attempt, DeliveryNote, DeliveryState, Issue, Looked, NewDelivery, StoredDelivery, StoredSubscription,
    SubscriptionState, Subscriptions,
};
use crate::user::{Moment, UserId};

/// The columns of a subscription.
const SUBSCRIPTION: &str =
    "s.id, s.email, users.name, s.plan, s.state, s.reason, s.until, s.created, s.confirmed, s.since,
    s.failures, s.next, s.issue, s.looked_day, s.looked_change";
const FROM: &str = "FROM subscriptions AS s LEFT JOIN users USING (user)";

/// The columns of a delivery.
const DELIVERY: &str =
    "d.delivery, d.subscription, d.issue, d.message_id, d.state, d.attempts, d.since, d.retry, d.error, d.content";

/// Active, or paused until a moment that has come.
const RUNS: &str = "(s.state = 1 OR (s.state = 2 AND s.until IS NOT NULL AND s.until <= :now))";

impl Subscriptions for SqliteStore {
    fn add_subscription(&self, subscription: &StoredSubscription) -> Result<()> {
        self.write(|t| {
            t.prepare_cached(
                "INSERT INTO subscriptions (id, email, plan, state, created, since, failures, looked_change)
                VALUES (?1, '', '', 0, 0, 0, 0, 0)",
            )?
            .execute([&subscription.id])?;
            put(t, subscription)
        })
    }

    fn subscription(&self, id: &str) -> Result<Option<StoredSubscription>> {
        self.read(|c| one(c, id))
    }

    fn subscriptions(&self, after: Option<&str>, n: usize) -> Result<Vec<StoredSubscription>> {
        self.read(|c| {
            c.prepare_cached(&format!("SELECT {SUBSCRIPTION} {FROM} WHERE s.id > ?1 ORDER BY s.id LIMIT ?2"))?
                .query_map(params![after.unwrap_or_default(), limit(n)], subscription_at)?
                .collect()
        })
    }

    fn count_subscriptions(&self) -> Result<usize> {
        self.read(|c| c.query_row("SELECT count(*) FROM subscriptions", [], |r| r.get(0)))
    }

    fn subscriptions_of(&self, email: &str) -> Result<Vec<StoredSubscription>> {
        self.read(|c| {
            c.prepare_cached(&format!("SELECT {SUBSCRIPTION} {FROM} WHERE lower(s.email) = lower(?1) ORDER BY s.id"))?
                .query_map([email], subscription_at)?
                .collect()
        })
    }

    fn change_subscription(
        &self,
        id: &str,
        change: &dyn Fn(&mut StoredSubscription),
    ) -> Result<Option<StoredSubscription>> {
        self.write(|t| {
            let Some(before) = one(t, id)? else { return Ok(None) };
            let mut after = before.clone();
            change(&mut after);
            after.id.clone_from(&before.id);
            if after != before {
                put(t, &after)?;
            }
            Ok(Some(after))
        })
    }

    fn due_subscriptions(
        &self,
        now: Moment,
        after: Option<&StoredSubscription>,
        n: usize,
    ) -> Result<Vec<StoredSubscription>> {
        let due = after.and_then(|s| s.next).map_or(i64::MIN, |due| due.0);
        let id = after.map_or("", |s| s.id.as_str());
        self.read(|c| {
            c.prepare_cached(&format!(
                "SELECT {SUBSCRIPTION} {FROM} WHERE s.next <= :now AND (s.next, s.id) > (:due, :id) AND {RUNS}
                 ORDER BY s.next, s.id LIMIT :n"
            ))?
            .query_map(named_params! { ":now": now.0, ":due": due, ":id": id, ":n": limit(n) }, subscription_at)?
            .collect()
        })
    }

    fn begin_deliveries(&self, now: Moment, new: &[NewDelivery]) -> Result<Vec<Option<i64>>> {
        self.write(|t| new.iter().map(|new| begin(t, now, new)).collect())
    }

    fn take_back_waiting(&self, subscription: &str, tried: bool) -> Result<Option<StoredSubscription>> {
        self.write(|t| {
            let waiting: Vec<i64> = t
                .prepare_cached(
                    "SELECT delivery FROM deliveries
                     WHERE subscription = ?1 AND state = 0 AND (?2 OR attempts = 0) AND issue >= 0
                     ORDER BY delivery DESC",
                )?
                .query_map(params![subscription, tried], |r| r.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            for number in waiting {
                take_back(t, number)?;
                t.prepare_cached("DELETE FROM deliveries WHERE delivery = ?1")?.execute([number])?;
            }
            one(t, subscription)
        })
    }

    fn waiting_deliveries(&self, now: Moment, after: i64, n: usize) -> Result<Vec<StoredDelivery>> {
        self.read(|c| {
            c.prepare_cached(&format!(
                "SELECT {DELIVERY} FROM deliveries AS d JOIN subscriptions AS s ON s.id = d.subscription
                 WHERE d.state < 2 AND d.delivery > :after AND (d.retry IS NULL OR d.retry <= :now)
                   AND ((d.issue >= 0 AND {RUNS}) OR (d.issue < 0 AND s.state = 0))
                 ORDER BY d.delivery LIMIT :n"
            ))?
            .query_map(named_params! { ":now": now.0, ":after": after, ":n": limit(n) }, delivery_at)?
            .collect()
        })
    }

    fn delivery(&self, number: i64) -> Result<Option<StoredDelivery>> {
        self.read(|c| delivery(c, number))
    }

    fn note_deliveries(&self, now: Moment, notes: &[(i64, DeliveryNote)]) -> Result<Vec<bool>> {
        self.write(|t| {
            let one = |(number, note): &(i64, DeliveryNote)| match note {
                DeliveryNote::Sending => {
                    let sql = format!(
                        "UPDATE deliveries AS d SET state = 1, attempts = attempts + 1, since = :now, retry = NULL
                         WHERE delivery = :number AND state < 2 AND EXISTS (SELECT 1 FROM subscriptions AS s
                             WHERE s.id = d.subscription AND ((d.issue >= 0 AND {RUNS}) OR (d.issue < 0 AND s.state = 0)))"
                    );
                    Ok(t.prepare_cached(&sql)?.execute(named_params! { ":number": number, ":now": now.0 })? > 0)
                }
                DeliveryNote::Became(attempt) => note_attempt(t, *number, now, attempt),
            };
            notes.iter().map(one).collect()
        })
    }

    fn deliveries(&self, subscription: Option<&str>, before: Option<i64>, n: usize) -> Result<Vec<StoredDelivery>> {
        let of = if subscription.is_some() { "d.subscription = ?1" } else { "?1 IS NULL" };
        self.read(|c| {
            c.prepare_cached(&format!(
                "SELECT {DELIVERY} FROM deliveries AS d WHERE {of} AND d.delivery < ?2 ORDER BY d.delivery DESC LIMIT ?3"
            ))?
            .query_map(params![subscription, before.unwrap_or(i64::MAX), limit(n)], delivery_at)?
            .collect()
        })
    }

    fn had_papers(&self, email: &str) -> Result<HashSet<String>> {
        self.read(|c| {
            c.prepare_cached("SELECT paper FROM had_papers WHERE email = lower(?1)")?
                .query_map([email], |r| r.get(0))?
                .collect()
        })
    }

    fn forget_subscriptions(&self, pending: Moment, ended: Moment, deliveries: Moment) -> Result<usize> {
        let old = "(state = 0 AND since < ?1) OR (state = 3 AND since < ?2)";
        let times = params![pending.0, ended.0];
        let any: bool = self.read(|c| {
            c.prepare_cached(&format!(
                "SELECT EXISTS (SELECT 1 FROM subscriptions WHERE {old})
                     OR EXISTS (SELECT 1 FROM deliveries WHERE state >= 2 AND since < ?3)"
            ))?
            .query_row(params![pending.0, ended.0, deliveries.0], |r| r.get(0))
        })?;
        if !any {
            return Ok(0);
        }
        self.forget_soon(|t| {
            t.execute("DELETE FROM deliveries WHERE state >= 2 AND since < ?1", [deliveries.0])?;
            let n = t.execute(&format!("DELETE FROM subscriptions WHERE {old}"), times)?;
            forget_strangers(t)?;
            Ok(Ok(n))
        })
    }
}

/// Notes what became of a delivery; whether it is there.
fn note_attempt(t: &Transaction<'_>, number: i64, now: Moment, attempt: &Attempt) -> rusqlite::Result<bool> {
    let Some(known) = delivery(t, number)? else { return Ok(false) };
    let (state, error, retry) = match attempt {
        Attempt::Sent => (2, None, None),
        Attempt::Later(why, at) => (0, Some(why), Some(at.0)),
        Attempt::NotTaken(why, at) => (0, Some(why), Some(at.0)),
        Attempt::Failed(why) => (3, Some(why), None),
    };
    let uncounted = u32::from(matches!(attempt, Attempt::NotTaken(..)));
    t.prepare_cached(
        "UPDATE deliveries SET state = ?2, error = ?3, retry = ?4, since = ?5, attempts = max(attempts - ?6, 0),
                 content = CASE WHEN ?2 = 3 THEN '' ELSE content END
             WHERE delivery = ?1",
    )?
    .execute(params![number, state, error, retry, now.0, uncounted])?;
    let failed = "UPDATE subscriptions SET failures = failures + 1 WHERE id = ?1";
    let noted: rusqlite::Result<()> = match attempt {
        Attempt::Sent => t
            .prepare_cached("UPDATE subscriptions SET failures = 0 WHERE id = ?1 AND failures > 0")?
            .execute([&known.subscription])
            .map(drop),
        Attempt::NotTaken(..) => Ok(()),
        Attempt::Later(..) => t.prepare_cached(failed)?.execute([&known.subscription]).map(drop),
        Attempt::Failed(why) => {
            take_back(t, number)?;
            t.prepare_cached(failed)?.execute([&known.subscription])?;
            t.prepare_cached(
                    "UPDATE subscriptions SET state = 2, until = NULL, reason = ?2, since = ?3 WHERE id = ?1 AND state IN (1, 2)",
                )?
                .execute(params![known.subscription, why, now.0])
                .map(drop)
        }
    };
    noted.map(|()| true)
}

/// Forgets what addresses have had to which no subscription belongs any more.
pub fn forget_strangers(t: &Transaction<'_>) -> rusqlite::Result<()> {
    t.execute("DELETE FROM had_papers WHERE email NOT IN (SELECT lower(email) FROM subscriptions)", []).map(drop)
}

fn begin(t: &Transaction<'_>, now: Moment, new: &NewDelivery) -> rusqlite::Result<Option<i64>> {
    let NewDelivery { subscription, issue, .. } = new;
    let number = issue_number(*issue);
    let known = one(t, subscription)?;
    let runs = |s: &StoredSubscription| match s.state {
        SubscriptionState::Active => true,
        SubscriptionState::Paused => s.until.is_some_and(|until| until <= now),
        SubscriptionState::Pending => matches!(issue, Issue::Confirmation(_)),
        SubscriptionState::Ended => false,
    };
    let Some(mut known) = known.filter(runs) else { return Ok(None) };
    // One that was given up is begun again.
    t.prepare_cached("DELETE FROM deliveries WHERE subscription = ?1 AND issue = ?2 AND state = 3")?
        .execute(params![subscription, number])?;
    let there: bool = t
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM deliveries WHERE subscription = ?1 AND issue = ?2)")?
        .query_row(params![subscription, number], |r| r.get(0))?;
    if there {
        return Ok(None);
    }
    let confirmation = matches!(issue, Issue::Confirmation(_));
    let mut made = None;
    if confirmation || !new.papers.is_empty() {
        let before = (known.issue, known.looked);
        let at: i64 = t
            .prepare_cached(
                "INSERT INTO deliveries (subscription, issue, message_id, state, attempts, since, content,
                     before_issue, before_day, before_change)
                 VALUES (?1, ?2, ?3, 0, 0, ?4, ?5, ?6, ?7, ?8) RETURNING delivery",
            )?
            .query_row(
                params![
                    subscription,
                    number,
                    new.message_id,
                    now.0,
                    new.content,
                    before.0,
                    // Taken back, the first mail of all leaves the days that it looked at to be looked at.
                    before.1.day.unwrap_or(new.first_day.saturating_sub(1)),
                    before.1.change
                ],
                |r| r.get(0),
            )?;
        let mut have = t.prepare_cached(
            "INSERT INTO had_papers (email, paper, delivery) VALUES (lower(?1), ?2, ?3) ON CONFLICT (email, paper) DO NOTHING",
        )?;
        for paper in &new.papers {
            have.execute(params![known.email, paper, at])?;
        }
        made = Some(at);
    }
    if let Issue::Day(day) = issue {
        known.state = SubscriptionState::Active;
        known.until = None;
        known.reason = None;
        known.issue = known.issue.max(Some(*day));
        if known.looked.day <= new.looked.day {
            known.looked = new.looked;
        }
        known.next = new.next;
        put(t, &known)?;
    }
    Ok(made)
}

/// Counts what is in a delivery as not had, and lets its subscription have looked no further than before it.
fn take_back(t: &Transaction<'_>, number: i64) -> rusqlite::Result<()> {
    t.prepare_cached("DELETE FROM had_papers WHERE delivery = ?1")?.execute([number])?;
    t.prepare_cached(
        "UPDATE subscriptions AS s SET issue = d.before_issue, looked_day = d.before_day, looked_change = d.before_change
         FROM deliveries AS d
         WHERE d.delivery = ?1 AND d.issue >= 0 AND s.id = d.subscription AND s.looked_change >= d.before_change",
    )?
    .execute([number])
    .map(drop)
}

fn put(t: &Transaction<'_>, s: &StoredSubscription) -> rusqlite::Result<()> {
    let user = s.reader.as_ref().map(|name| users::ensure(t, name)).transpose()?;
    // Numbers and texts: writing them cannot fail.
    let plan = serde_json::to_string(&s.plan).unwrap_or_default();
    t.prepare_cached(
        "UPDATE subscriptions SET email = :email, user = :user, plan = :plan, state = :state, reason = :reason, until = :until,
             created = :created, confirmed = :confirmed, since = :since, failures = :failures, next = :next, issue = :issue,
             looked_day = :day, looked_change = :change WHERE id = :id",
    )?
    .execute(named_params! {
        ":id": s.id, ":email": s.email, ":user": user, ":plan": plan, ":state": state_number(s.state),
        ":reason": s.reason, ":until": s.until.map(|at| at.0), ":created": s.created.0,
        ":confirmed": s.confirmed.map(|at| at.0), ":since": s.since.0, ":failures": s.failures,
        ":next": s.next.map(|at| at.0), ":issue": s.issue, ":day": s.looked.day, ":change": s.looked.change,
    })
    .map(drop)
}

fn one(c: &Connection, id: &str) -> rusqlite::Result<Option<StoredSubscription>> {
    c.prepare_cached(&format!("SELECT {SUBSCRIPTION} {FROM} WHERE s.id = ?1"))?
        .query_row([id], subscription_at)
        .optional()
}

fn delivery(c: &Connection, number: i64) -> rusqlite::Result<Option<StoredDelivery>> {
    c.prepare_cached(&format!("SELECT {DELIVERY} FROM deliveries AS d WHERE d.delivery = ?1"))?
        .query_row([number], delivery_at)
        .optional()
}

fn state_number(state: SubscriptionState) -> i64 {
    match state {
        SubscriptionState::Pending => 0,
        SubscriptionState::Active => 1,
        SubscriptionState::Paused => 2,
        SubscriptionState::Ended => 3,
    }
}

/// Days as they are; mails that ask count down from -1.
fn issue_number(issue: Issue) -> i64 {
    match issue {
        Issue::Day(day) => i64::from(day.max(0)),
        Issue::Confirmation(n) => -1 - i64::from(n),
    }
}

fn subscription_at(r: &Row<'_>) -> rusqlite::Result<StoredSubscription> {
    let reader: Option<String> = r.get(2)?;
    let plan: String = r.get(3)?;
    let moment = |column| r.get::<_, Option<i64>>(column).map(|at| at.map(Moment));
    Ok(StoredSubscription {
        id: r.get(0)?,
        email: r.get(1)?,
        reader: reader.map(|name| UserId::new(name).map_err(|e| unreadable(2, e))).transpose()?,
        plan: serde_json::from_str(&plan).map_err(|e| unreadable(3, e))?,
        state: match r.get(4)? {
            0 => SubscriptionState::Pending,
            1 => SubscriptionState::Active,
            2 => SubscriptionState::Paused,
            _ => SubscriptionState::Ended,
        },
        reason: r.get(5)?,
        until: moment(6)?,
        created: Moment(r.get(7)?),
        confirmed: moment(8)?,
        since: Moment(r.get(9)?),
        failures: r.get(10)?,
        next: moment(11)?,
        issue: r.get(12)?,
        looked: Looked { day: r.get(13)?, change: r.get(14)? },
    })
}

fn delivery_at(r: &Row<'_>) -> rusqlite::Result<StoredDelivery> {
    let issue: i64 = r.get(2)?;
    let whole = |n: i64| u32::try_from(n).map_err(|e| unreadable(2, e));
    Ok(StoredDelivery {
        number: r.get(0)?,
        subscription: r.get(1)?,
        issue: match issue {
            day @ 0.. => Issue::Day(i32::try_from(day).map_err(|e| unreadable(2, e))?),
            n => Issue::Confirmation(whole(-1 - n)?),
        },
        message_id: r.get(3)?,
        state: match r.get(4)? {
            0 => DeliveryState::Waiting,
            1 => DeliveryState::Sending,
            2 => DeliveryState::Sent,
            _ => DeliveryState::Failed,
        },
        attempts: r.get(5)?,
        since: Moment(r.get(6)?),
        retry: r.get::<_, Option<i64>>(7)?.map(Moment),
        error: r.get(8)?,
        content: r.get(9)?,
    })
}
