//! Webhooks: who has which, what is to be told of new papers, and what became of telling it.

use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::Matches;
use super::address::check_url;
use super::saved::{is_of_what_is_followed, search_id, search_number};
use crate::bounds;
use crate::engine::readers::Readers;
use crate::error::{Error, Result};
use crate::paper::{Paper, PaperId, head};
use crate::store::{CallCounts, CallState, CallTried, NewCall, NewWebhook, StoredCall, StoredWebhook};
use crate::user::{Follow, Moment};

/// Papers that are told at once, and of one look at what is new; more are counted.
const AT_ONCE: usize = 50;
const OF_A_LOOK: usize = 1_000;

/// Deliveries of a webhook that may wait: of what comes while so many do, it is told when they are done with.
const WAITING: u64 = 40;

/// Deliveries of a webhook that are kept when they are done with.
const KEPT: usize = 100;

/// Characters of an abstract that are told, authors and categories; and bytes of a delivery, beyond which it has no abstracts.
const ABSTRACT: usize = 5_000;
const NAMES: usize = 100;
const BYTES: usize = 1 << 20;

/// A webhook.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct WebhookView {
    /// Its id, `w3`; used once.
    pub id: String,
    /// Where the papers go.
    pub url: String,
    /// The user whose it is; null for one that is nobody's.
    pub user: Option<String>,
    /// The saved search that it is of, with which it goes; null where it is of none.
    pub search: Option<String>,
    /// What is followed.
    pub what: Follow,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created: Moment,
    /// When its receiver ended it, by answering 410; null where it did not.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended: Option<Moment>,
    /// Deliveries that wait.
    pub waiting: u64,
    /// Dead letters that are kept.
    pub dead: u64,
    /// Why the last try failed; null where it did not.
    pub error: Option<String>,
    /// Why there is nothing to tell for now, and what to do; null where nothing is wrong.
    pub problem: Option<String>,
}

/// A webhook that was just made.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct WebhookMade {
    /// The webhook.
    #[serde(flatten)]
    pub webhook: WebhookView,
    /// What its deliveries are signed with. It is shown this once.
    pub secret: String,
}

/// A delivery of a webhook.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct DeliveryOfWebhook {
    /// Its id, `d12`: that of the header `X-Paperkin-Delivery`, the same in every try.
    pub id: String,
    /// The papers, by id.
    #[schema(value_type = Vec<String>)]
    pub papers: Vec<PaperId>,
    /// How many more there were.
    pub left_out: u64,
    /// How it stands.
    pub state: CallState,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub made: Moment,
    /// How often it was tried.
    pub tries: u32,
    /// When it was tried last; null where it was not.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub tried: Option<Moment>,
    /// When it is tried next; null where it is not.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next: Option<Moment>,
    /// The status that the receiver answered last; null where it gave none.
    pub status: Option<u16>,
    /// Why the last try failed; null where it did not.
    pub error: Option<String>,
}

/// What a webhook is to be of.
#[derive(Debug, Clone, PartialEq)]
pub struct NewHook {
    /// Whose it is.
    pub user: Option<String>,
    /// A saved search of the user.
    pub search: Option<String>,
    /// What is followed, where it is of no saved search.
    pub what: Option<Follow>,
    /// Where the papers go.
    pub url: String,
}

/// A delivery on its way out.
#[derive(Debug, Clone)]
pub struct OutgoingCall {
    /// Its number in the store.
    pub number: i64,
    /// The number of its webhook.
    pub webhook: i64,
    /// Its id, and that of its webhook.
    pub id: String,
    pub webhook_id: String,
    /// Where it goes.
    pub url: String,
    /// What is told; none where the papers are gone.
    pub body: Option<Vec<u8>>,
    /// Since when it is tried, and how often it was, this try included.
    pub since: Moment,
    pub tries: u32,
}

fn webhook_id(number: i64) -> String {
    format!("w{number}")
}

fn call_id(number: i64) -> String {
    format!("d{number}")
}

fn number_of(id: &str, letter: char, what: &'static str) -> Result<i64> {
    let number = id.strip_prefix(letter).and_then(|n| n.parse::<i64>().ok()).filter(|n| format!("{letter}{n}") == id);
    number.ok_or_else(|| Error::NotFound { what, id: head(id, 80) })
}

impl Readers {
    /// Makes a webhook: of a saved search of its user, or of something to follow.
    pub fn add_webhook(&self, new: &NewHook) -> Result<WebhookView> {
        check_url(&new.url)?;
        let user = new.user.as_ref().map(|name| self.store.user(name)).transpose()?;
        let (search, what) = match (&new.search, &new.what) {
            (Some(id), None) => {
                let user = user.as_ref().ok_or_else(|| Error::Invalid("a saved search is one of a `user`".into()))?;
                let found = self.store.search(search_number(id)?)?.filter(|(of, _)| *of == user.number);
                let (_, search) = found.ok_or_else(|| Error::NotFound { what: "saved search", id: head(id, 80) })?;
                (Some(search.number), search.what)
            }
            (None, Some(what)) => (None, what.clone()),
            _ => return Err(Error::Invalid("say what to tell of: `search`, or `what`".into())),
        };
        self.check_follow(&what)?;
        let hook = NewWebhook {
            user: user.as_ref().map(|user| user.number),
            search,
            what: &what,
            url: &new.url,
            created: Moment::now(),
            told: self.matched_change(),
        };
        let made = self.store.add_webhook(hook, bounds::WEBHOOKS)?.ok_or_else(|| {
            let most = bounds::WEBHOOKS;
            Error::Invalid(format!("there can be {most} webhooks of one user, and as many of nobody; delete one first"))
        })?;
        self.webhook_view(&made)
    }

    /// All webhooks, or those of one user.
    pub fn webhooks(&self, user: Option<&str>) -> Result<Vec<WebhookView>> {
        let user = user.map(|name| self.store.user(name)).transpose()?.map(|user| user.number);
        self.store.webhooks(user)?.iter().map(|hook| self.webhook_view(hook)).collect()
    }

    /// Whose one of them is; none where it is nobody's.
    pub fn webhook_owner(&self, id: &str) -> Result<Option<String>> {
        self.stored_webhook(id).map(|hook| hook.owner)
    }

    /// Takes one away.
    pub fn delete_webhook(&self, id: &str) -> Result<()> {
        self.store.delete_webhook(self.stored_webhook(id)?.number)
    }

    /// The deliveries of one that wait or are kept, the newest first.
    pub fn webhook_deliveries(&self, id: &str) -> Result<Vec<DeliveryOfWebhook>> {
        let hook = self.stored_webhook(id)?;
        let view = |call: StoredCall| DeliveryOfWebhook {
            id: call_id(call.number),
            papers: call.papers,
            left_out: call.left_out,
            state: call.state,
            made: call.made,
            tries: call.tries,
            tried: call.tried,
            next: call.due,
            status: call.status,
            error: call.error,
        };
        Ok(self.store.calls(hook.number, KEPT + WAITING as usize)?.into_iter().map(view).collect())
    }

    /// Lets what was not taken of one be delivered now: one delivery, or all. Gives how many.
    pub fn redeliver(&self, id: &str, delivery: Option<&str>) -> Result<usize> {
        let hook = self.stored_webhook(id)?;
        let call = delivery.map(|id| number_of(id, 'd', "delivery")).transpose()?;
        let revived = self.store.revive_calls(hook.number, call, Moment::now())?;
        match (revived, delivery) {
            (0, Some(id)) => Err(Error::NotFound { what: "delivery that was not taken", id: head(id, 80) }),
            _ => Ok(revived),
        }
    }

    /// How many deliveries stand how.
    pub fn count_webhook_deliveries(&self) -> Result<CallCounts> {
        self.store.count_calls(None)
    }

    /// Whether something is to be told, or to be looked for.
    pub fn webhooks_have_work(&self, now: Moment) -> Result<bool> {
        if self.store.next_call()?.is_some_and(|due| due <= now) {
            return Ok(true);
        }
        let change = self.matched_change();
        for hook in &self.store.webhooks(None)? {
            if self.may_have_news(hook, change)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Makes deliveries of what came since each webhook was told of something; gives how many.
    pub fn make_webhook_calls(&self, now: Moment) -> Result<usize> {
        let mut made = 0;
        for hook in &self.store.webhooks(None)? {
            crate::cancel::check()?;
            // Read first: what comes meanwhile is looked for the next time.
            let change = self.matched_change();
            if !self.may_have_news(hook, change)? {
                continue;
            }
            let Some(calls) = self.news_of(hook)? else { continue };
            if self.store.make_calls(hook.number, hook.told, change, &calls, now)? {
                made += calls.len();
            }
        }
        Ok(made)
    }

    /// Whether something may have come up to a change that a webhook is not told of, and can be looked for now.
    fn may_have_news(&self, hook: &StoredWebhook, change: u64) -> Result<bool> {
        if hook.ended.is_some() || hook.told >= change {
            return Ok(false);
        }
        // New papers join the themes later than they come.
        let unsettled = matches!(hook.what, Follow::Theme(_)) && !self.themes.themes_are_settled();
        Ok(!unsettled && self.store.count_calls(Some(hook.number))?.waiting < WAITING)
    }

    /// What is to be told of a webhook's news; none where that cannot be said yet, and is to be looked for again.
    fn news_of(&self, hook: &StoredWebhook) -> Result<Option<Vec<NewCall>>> {
        let ask = Matches { arrived_after: Some(hook.told), limit: OF_A_LOOK, ..Matches::default() };
        let found = match self.matches(&hook.what, &ask) {
            Ok(found) => found,
            // There are no themes yet.
            Err(Error::BeingMade { .. }) => return Ok(None),
            // Its theme is gone: there is nothing to tell of, and the list of webhooks says so.
            Err(e) if is_of_what_is_followed(&e) => return Ok(Some(Vec::new())),
            Err(e) => return Err(e),
        };
        let ids: Vec<PaperId> = found.papers.into_iter().map(|hit| hit.paper.id).collect();
        let left_out = found.meta.total.saturating_sub(ids.len()) as u64;
        let mut calls: Vec<NewCall> =
            ids.chunks(AT_ONCE).map(|papers| NewCall { papers: papers.to_vec(), left_out: 0 }).collect();
        calls.last_mut().into_iter().for_each(|last| last.left_out = left_out);
        Ok(Some(calls))
    }

    /// Of each webhook the first delivery that is due: its number, and that of the webhook. Those that were never tried come first.
    pub fn due_webhook_calls(&self, now: Moment, n: usize) -> Result<Vec<(i64, i64)>> {
        Ok(self.store.due_calls(now, n)?.into_iter().map(|call| (call.number, call.webhook)).collect())
    }

    /// Notes that a delivery is about to be tried, and gives it; none where it does not wait any more.
    pub fn begin_webhook_call(&self, number: i64, now: Moment, again: Moment) -> Result<Option<OutgoingCall>> {
        let Some(call) = self.store.begin_call(number, now, again)? else { return Ok(None) };
        let Some(hook) = self.store.webhook(call.webhook)? else { return Ok(None) };
        let ids: Vec<&PaperId> = call.papers.iter().collect();
        let rows: Vec<_> = self.store.rows(&ids)?.into_iter().flatten().collect();
        let papers: Vec<Paper> = self.store.papers(&rows)?.into_iter().map(|(_, paper)| paper).collect();
        Ok(Some(OutgoingCall {
            number,
            webhook: hook.number,
            id: call_id(number),
            webhook_id: webhook_id(hook.number),
            body: (!papers.is_empty()).then(|| body(&hook, &call, &papers)),
            url: hook.url,
            since: call.since,
            tries: call.tries,
        }))
    }

    /// Notes what became of a try.
    pub fn end_webhook_call(&self, number: i64, tried: &CallTried) -> Result<()> {
        self.store.end_call(number, tried, KEPT)
    }

    /// Ends a webhook by the word of its receiver.
    pub fn end_webhook(&self, number: i64, at: Moment) -> Result<()> {
        self.store.end_webhook(number, at)
    }

    fn stored_webhook(&self, id: &str) -> Result<StoredWebhook> {
        let found = self.store.webhook(number_of(id, 'w', "webhook")?)?;
        found.ok_or_else(|| Error::NotFound { what: "webhook", id: head(id, 80) })
    }

    fn webhook_view(&self, hook: &StoredWebhook) -> Result<WebhookView> {
        let counts = self.store.count_calls(Some(hook.number))?;
        Ok(WebhookView {
            id: webhook_id(hook.number),
            url: hook.url.clone(),
            user: hook.owner.clone(),
            search: hook.search.map(search_id),
            what: hook.what.clone(),
            created: hook.created,
            ended: hook.ended,
            waiting: counts.waiting,
            dead: counts.dead,
            error: self.store.last_error(hook.number)?,
            problem: self.problem_of(&hook.what)?,
        })
    }

    /// Why nothing can match what is followed.
    fn problem_of(&self, what: &Follow) -> Result<Option<String>> {
        let theme = match what {
            Follow::Theme(id) => self.themes.name_of(id).map(drop),
            _ => Ok(()),
        };
        match what.check().and(theme) {
            Ok(()) => Ok(None),
            Err(e) if is_of_what_is_followed(&e) => Ok(Some(e.to_string())),
            Err(e) => Err(e),
        }
    }
}

/// What a receiver is told.
fn body(hook: &StoredWebhook, call: &StoredCall, papers: &[Paper]) -> Vec<u8> {
    let write = |abstracts: bool| {
        let papers: Vec<Value> = papers.iter().map(|paper| told(paper, abstracts)).collect();
        let all = json!({
            "webhook": webhook_id(hook.number), "delivery": call_id(call.number), "search": hook.search.map(search_id),
            "what": hook.what, "made": call.made, "papers": papers, "left_out": call.left_out,
        });
        all.to_string().into_bytes()
    };
    let whole = write(true);
    if whole.len() <= BYTES { whole } else { write(false) }
}

/// A paper as it is told: without fields that nobody knows, and without what would make it long.
fn told(paper: &Paper, abstracts: bool) -> Value {
    let some = |names: &[String]| names.iter().take(NAMES).cloned().collect::<Vec<_>>();
    let mut told = json!({
        "id": paper.id, "title": paper.title, "authors": some(&paper.authors), "categories": some(&paper.categories),
        "date": paper.date, "listed": paper.listed, "organization": paper.organization, "upvotes": paper.upvotes,
        "url": paper.link(),
    });
    if abstracts {
        told["abstract"] = head(&paper.summary, ABSTRACT).into();
    }
    told
}
