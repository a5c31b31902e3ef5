use std::collections::BTreeSet;
use std::path::Path;

use serde_json::json;

use super::compose::message_id;
use super::{Outbox, Preview, Sent, When};
use crate::config::{Config, MailSettings, MailTls, Sender, SmtpServer};
use crate::deliver::mail::Mailer;
use crate::deliver::smtp::{self, At, Rule, Smtp};
use crate::engine::{Deed, Engine, Incoming, Subscribe};
use crate::paper::Paper;
use crate::store::Issue;
use crate::user::{Cadence, Follow, MailPlan, Moment, Subject};

const DAY: i64 = 86_400_000_000;

/// The middle of a day: what comes within hours of it is of the same day, whenever the tests run.
fn noon(day: i32) -> Moment {
    Moment(i64::from(day) * DAY + DAY / 2)
}

fn engine(folder: &Path, days: &[(i32, usize)]) -> Engine {
    let config = Config { model: Some("hash".into()), ..Config::new(folder) };
    let engine = Engine::open(config).expect("opens").engine;
    let papers: Vec<i32> = days.iter().flat_map(|(day, n)| (0..*n).map(|_| *day)).collect();
    take_in(&engine, &papers.iter().enumerate().map(|(k, day)| (k + 1, *day)).collect::<Vec<_>>());
    engine
}

/// Takes in papers by their numbers and days.
fn take_in(engine: &Engine, papers: &[(usize, i32)]) {
    let papers = papers.iter().map(|(k, day)| {
        let date = Moment(i64::from(*day) * DAY).to_string()[..10].to_string();
        let value =
            json!({ "id": format!("p{k}"), "title": format!("Title of number{k}"), "date": date, "upvotes": k });
        Ok(Incoming::new(*k, Paper::read(value).map_err(|_| unreachable!("a paper"))))
    });
    engine.ingest(&mut papers.collect::<Vec<_>>().into_iter(), &|_| {}).expect("goes in");
}

fn mailer(smtp: &Smtp) -> Mailer {
    let settings = MailSettings {
        smtp: SmtpServer::parse(&smtp.url()).expect("an address"),
        password_file: None,
        from: Sender::parse("Papers <papers@lab.example>").expect("a sender"),
        reply_to: None,
        tls: MailTls::Off,
        ca_file: None,
        dkim: None,
        senders: 4,
        timeout_s: 5,
    };
    Mailer::open(&settings).expect("opens")
}

/// Subscribes and confirms at a moment; the id.
fn subscribed(engine: &Engine, email: &str, plan: MailPlan, at: Moment) -> String {
    let asked = Subscribe { email: email.into(), reader: None, plan };
    let id = |id: &str, issue: Issue| message_id(id, issue, "lab.example");
    let (view, asks) = engine.subscribe(&asked, at, &id).expect("asked");
    assert!(asks);
    engine.settle_subscription(&view.id, Deed::Confirm, at).expect("confirmed");
    view.id
}

fn numbers(mail: &smtp::Taken) -> BTreeSet<usize> {
    let text = String::from_utf8_lossy(&mail.bytes).replace("=\r\n", "");
    let all = text.match_indices("number").map(|(at, _)| {
        text[at + 6..].chars().take_while(char::is_ascii_digit).collect::<String>().parse::<usize>().ok()
    });
    all.flatten().collect()
}

/// The ids of the papers that a mail leads to.
fn papers(mail: &smtp::Taken) -> BTreeSet<String> {
    let text = String::from_utf8_lossy(&mail.bytes).replace("=\r\n", "");
    let all = text.split("/paper/").skip(1);
    all.map(|rest| rest.chars().take_while(char::is_ascii_alphanumeric).collect()).collect()
}

/// The mails of days to somebody.
fn digests(smtp: &Smtp, to: &str) -> Vec<BTreeSet<usize>> {
    smtp.mails().iter().filter(|m| m.to == [to] && !m.message_id().contains(".confirm")).map(numbers).collect()
}

#[test]
fn what_is_due_at_its_hour_is_sent_once_and_makes_up_for_the_days_before() {
    let today = Moment::now().day();
    let now = noon(today);
    let days = [(today - 3, 3), (today - 2, 3), (today - 1, 3), (today, 3)];
    let (folder, smtp) = (tempfile::tempdir().expect("a folder"), Smtp::start());
    let (engine, mailer) = (engine(folder.path(), &days), mailer(&smtp));
    let outbox = Outbox::new(&engine, &mailer, "https://papers.lab.example");
    let plan = MailPlan { hour: 0, budget: 4, ..MailPlan::of(Subject::Daily, "UTC") };
    // Confirmed three days ago, and nobody sent anything since.
    let at = Moment(now.0 - 3 * DAY);
    let id = subscribed(&engine, "a@x.example", plan.clone(), at);
    let later = subscribed(&engine, "b@x.example", plan.clone(), now);
    let weekly = MailPlan { cadence: Cadence::Weekly, ..plan };
    subscribed(&engine, "w@x.example", weekly, Moment(now.0 - 8 * DAY));
    assert!(engine.mail_has_work(now).expect("asked"));
    outbox.send(When::By(now), &|_| {}).expect("sent");
    // The first mail of a day holds that day; of a week the week.
    assert_eq!(digests(&smtp, "a@x.example"), [(10..=12).collect::<BTreeSet<_>>()]);
    assert!(digests(&smtp, "b@x.example").is_empty(), "its hour has not come");
    assert_eq!(digests(&smtp, "w@x.example"), [(9..=12).collect::<BTreeSet<_>>()], "the best of seven days");
    let again = outbox.send(When::By(now), &|_| {}).expect("sent");
    assert_eq!((again, engine.mail_has_work(now).expect("asked")), (Sent::default(), false));
    let next = engine.subscription(&id).expect("there").next.expect("a time");
    assert!(next > now && next.0 - now.0 <= DAY, "{next}");
    assert_eq!(engine.subscription(&later).expect("there").next, Some(next));
}

#[test]
fn five_failures_in_a_row_pause_and_what_was_not_had_comes_when_it_goes_on() {
    let today = Moment::now().day();
    let (folder, smtp) = (tempfile::tempdir().expect("a folder"), Smtp::start());
    let (engine, mailer) = (engine(folder.path(), &[(today, 2)]), mailer(&smtp));
    let outbox = Outbox::new(&engine, &mailer, "https://papers.lab.example");
    let plan = MailPlan { hour: 0, ..MailPlan::of(Subject::Daily, "UTC") };
    // All attempts are of one day: with the next one comes another mail that is due.
    let mut now = Moment(i64::from(today) * DAY + DAY / 2);
    let id = subscribed(&engine, "eve@x.example", plan, Moment(now.0 - DAY));
    smtp.edit(|s| s.rules.push(Rule::refuse(At::To, "eve@", "451 4.7.1 greylisted")));
    let mut minutes = Vec::new();
    for failures in 1..=5u32 {
        let sent = outbox.send(When::By(now), &|_| {}).expect("sent");
        let view = engine.subscription(&id).expect("there");
        let delivery = engine.deliveries(Some(&id), 1, None).expect("read").items.remove(0);
        assert_eq!(view.failures, failures);
        if failures == 5 {
            assert_eq!((sent.failed, view.state, delivery.state), (1, "paused", "failed"));
            let reason = view.reason.expect("why");
            assert!(reason.contains("5 attempts in a row failed") && reason.contains("greylisted"), "{reason}");
            break;
        }
        assert_eq!((sent.later, view.state, delivery.state), (1, "active", "waiting"));
        let retry = delivery.retry.expect("again");
        minutes.push((retry.0 - now.0) / 60_000_000);
        let before = Moment(retry.0 - 1);
        assert_eq!(outbox.send(When::By(before), &|_| {}).expect("sent"), Sent::default(), "not before its time");
        now = retry;
    }
    assert_eq!(minutes, [5, 10, 20, 40]);
    smtp.edit(|s| s.rules.clear());
    let later = Moment(now.0 + DAY);
    assert_eq!(outbox.send(When::By(later), &|_| {}).expect("sent"), Sent::default(), "it is paused");
    engine.settle_subscription(&id, Deed::Resume, now).expect("resumed");
    assert_eq!(outbox.send(When::By(later), &|_| {}).expect("sent").sent, 1);
    assert_eq!(digests(&smtp, "eve@x.example"), [(1..=2).collect::<BTreeSet<_>>()]);
}

#[test]
fn while_no_server_answers_nobody_fails_and_one_mail_makes_up_for_all_days() {
    let today = Moment::now().day();
    let (folder, smtp) = (tempfile::tempdir().expect("a folder"), Smtp::start());
    let days = [(today - 2, 2), (today - 1, 2), (today, 2)];
    let (engine, mailer) = (engine(folder.path(), &days), mailer(&smtp));
    let outbox = Outbox::new(&engine, &mailer, "https://papers.lab.example");
    let plan = MailPlan { hour: 0, budget: 9, ..MailPlan::of(Subject::Daily, "UTC") };
    let midnight = |day: i32| Moment(i64::from(day) * DAY + 1);
    let id = subscribed(&engine, "a@x.example", plan, Moment(midnight(today - 2).0 - DAY));
    smtp.edit(|s| s.rules.push(Rule::refuse(At::Greeting, "", "421 4.3.2 closed")));
    // The first mail of all is among those that wait.
    for day in [today - 2, today - 1] {
        for minutes in [0, 5, 10] {
            let at = Moment(midnight(day).0 + minutes * 60_000_000);
            let e = outbox.send(When::By(at), &|_| {}).expect_err("nobody answers").to_string();
            assert!(e.contains("closed"), "{e}");
        }
    }
    let view = engine.subscription(&id).expect("there");
    let waits = engine.deliveries(Some(&id), 1, None).expect("read").items.remove(0);
    assert_eq!((view.state, view.failures, waits.state, waits.attempts), ("active", 0, "waiting", 0));
    smtp.edit(|s| s.rules.clear());
    outbox.send(When::By(midnight(today)), &|_| {}).expect("sent");
    assert_eq!(digests(&smtp, "a@x.example"), [(1..=6).collect::<BTreeSet<_>>()], "one mail, and nothing is lost");
}

#[test]
fn what_cannot_be_made_of_one_keeps_no_other_waiting() {
    let today = Moment::now().day();
    let now = noon(today);
    let (folder, smtp) = (tempfile::tempdir().expect("a folder"), Smtp::start());
    let (engine, mailer) = (engine(folder.path(), &[(today, 2)]), mailer(&smtp));
    let outbox = Outbox::new(&engine, &mailer, "https://papers.lab.example");
    let before = Moment(now.0 - DAY);
    let plan = |what| MailPlan { hour: 0, ..MailPlan::of(what, "UTC") };
    let theme = subscribed(&engine, "t@x.example", plan(Subject::Follow(Follow::Theme("t999".into()))), before);
    let odd = subscribed(&engine, "q@x.example", plan(Subject::Follow(Follow::Query("number1".into()))), before);
    subscribed(&engine, "a@x.example", plan(Subject::Daily), before);
    // What is followed was fit to be when it was written down, and is not any more.
    let query = Follow::Query("\u{200b}".into());
    engine.change_plan_for_tests(&odd, &|plan| plan.what = Subject::Follow(query.clone()));
    let sent = outbox.send(When::By(now), &|_| {}).expect("sent");
    assert_eq!((sent.failed, digests(&smtp, "a@x.example").len()), (1, 1), "{sent:?}");
    assert_eq!(engine.subscription(&theme).expect("there").state, "active", "a theme may come again");
    let odd = engine.subscription(&odd).expect("there");
    assert_eq!(odd.state, "paused");
    assert!(odd.reason.expect("why").contains("no mail can be made of it"));
}

#[test]
fn what_comes_while_mails_are_chosen_and_what_one_address_gets_twice() {
    let today = Moment::now().day();
    let now = noon(today);
    let (folder, smtp) = (tempfile::tempdir().expect("a folder"), Smtp::start());
    let (engine, mailer) = (engine(folder.path(), &[(today, 6)]), mailer(&smtp));
    let outbox = Outbox::new(&engine, &mailer, "https://papers.lab.example");
    let before = Moment(now.0 - DAY);
    let plan = |what| MailPlan { hour: 0, budget: 4, ..MailPlan::of(what, "UTC") };
    subscribed(&engine, "a@x.example", plan(Subject::Daily), before);
    subscribed(&engine, "A@x.example", plan(Subject::Follow(Follow::Query("number5".into()))), before);
    outbox.send(When::By(now), &|_| {}).expect("sent");
    let all: Vec<usize> =
        smtp.mails().iter().filter(|m| !m.message_id().contains(".confirm")).flat_map(numbers).collect();
    assert_eq!(all.len(), all.iter().collect::<BTreeSet<_>>().len(), "nothing twice: {all:?}");
}

#[test]
fn what_no_server_took_of_a_subscription_that_ended_comes_by_another_of_its_address() {
    let today = Moment::now().day();
    let now = noon(today);
    let (folder, smtp) = (tempfile::tempdir().expect("a folder"), Smtp::start());
    let engine = engine(folder.path(), &[(today, 3)]);
    let before = Moment(now.0 - DAY);
    let plan = |what| MailPlan { hour: 0, ..MailPlan::of(what, "UTC") };
    for (k, deed) in [Deed::End, Deed::Pause(None)].into_iter().enumerate() {
        let mailer = mailer(&smtp);
        let outbox = Outbox::new(&engine, &mailer, "https://papers.lab.example");
        let address = format!("a{k}@x.example");
        let first = subscribed(&engine, &address, plan(Subject::Daily), before);
        smtp.edit(|s| s.rules.push(Rule::refuse(At::Greeting, "", "421 4.3.2 closed")));
        outbox.send(When::By(now), &|_| {}).expect_err("nobody answers");
        smtp.edit(|s| s.rules.clear());
        engine.settle_subscription(&first, deed, now).expect("settled");
        subscribed(&engine, &address, plan(Subject::Follow(Follow::Query("number2".into()))), before);
        outbox.send(When::By(now), &|_| {}).expect("sent");
        let came = digests(&smtp, &address);
        match deed {
            Deed::End => assert!(came.len() == 1 && came[0].contains(&2), "{came:?}"),
            // It still waits in the mail of the one that goes on some day.
            _ => assert!(came.is_empty(), "{came:?}"),
        }
    }
}

#[test]
fn a_preview_shows_what_one_address_would_get_and_no_paper_twice() {
    let today = Moment::now().day();
    let (folder, smtp) = (tempfile::tempdir().expect("a folder"), Smtp::start());
    let (engine, mailer) = (engine(folder.path(), &[(today, 6)]), mailer(&smtp));
    let outbox = Outbox::new(&engine, &mailer, "https://papers.lab.example");
    let before = Moment(noon(today).0 - DAY);
    let plan = |what| MailPlan { hour: 0, budget: 4, ..MailPlan::of(what, "UTC") };
    // More than are chosen at once, none of which is written down.
    for k in 0..140 {
        subscribed(&engine, &format!("b{k}@x.example"), plan(Subject::Daily), before);
    }
    subscribed(&engine, "a@x.example", plan(Subject::Daily), before);
    subscribed(&engine, "A@x.example", plan(Subject::Follow(Follow::Query("number5".into()))), before);
    let odd = subscribed(&engine, "q@x.example", plan(Subject::Follow(Follow::Query("number1".into()))), before);
    let query = Follow::Query("\u{200b}".into());
    engine.change_plan_for_tests(&odd, &|plan| plan.what = Subject::Follow(query.clone()));
    let now = When::By(noon(today));
    for when in [now, When::Day(today)] {
        let mut shown: Vec<(String, String)> = Vec::new();
        let mut mails = BTreeSet::new();
        let without = outbox
            .preview(when, &mut |mail| {
                assert!(mails.insert(mail.subscription), "each once");
                shown.extend(mail.papers.into_iter().map(|paper| (mail.email.to_ascii_lowercase(), paper)));
                Ok(())
            })
            .expect("made");
        // Of the two to one address the first, by ids that nobody chooses, may leave nothing to the other.
        assert_eq!((mails.len() + without.nothing as usize, without.failed), (142, 1), "{without:?}");
        assert!(without.nothing <= 1, "{without:?}");
        assert_eq!(shown.len(), shown.iter().collect::<BTreeSet<_>>().len(), "nothing twice");
    }
    // What is sent is what was shown.
    let mut shown = BTreeSet::new();
    let mut take = |mail: Preview| {
        shown.insert((mail.message_id, mail.papers.into_iter().collect::<BTreeSet<_>>()));
        Ok(())
    };
    outbox.preview(now, &mut take).expect("made");
    outbox.send(now, &|_| {}).expect("sent");
    let sent = smtp.mails().into_iter().filter(|m| !m.message_id().contains(".confirm"));
    assert_eq!(
        sent.map(|m| (m.message_id().trim_matches(['<', '>']).to_string(), papers(&m))).collect::<BTreeSet<_>>(),
        shown
    );
}

#[test]
fn a_mail_that_may_have_been_taken_is_sent_again_under_its_name() {
    let today = Moment::now().day();
    let (folder, smtp) = (tempfile::tempdir().expect("a folder"), Smtp::start());
    let (engine, mailer) = (engine(folder.path(), &[(today, 2)]), mailer(&smtp));
    let outbox = Outbox::new(&engine, &mailer, "https://papers.lab.example");
    let plan = MailPlan { hour: 0, ..MailPlan::of(Subject::Daily, "UTC") };
    let now = noon(today);
    let id = subscribed(&engine, "a@x.example", plan, Moment(now.0 - DAY));
    smtp.edit(|s| s.rules.push(Rule::new(At::Content, "", smtp::Deed::TakeAndDie).times(1)));
    assert_eq!(outbox.send(When::By(now), &|_| {}).expect("sent").later, 1);
    let retry = engine.deliveries(Some(&id), 1, None).expect("read").items.remove(0).retry.expect("again");
    assert_eq!(outbox.send(When::By(retry), &|_| {}).expect("sent").sent, 1);
    let taken =
        smtp.mails().into_iter().filter(|m| m.message_id().starts_with(&format!("<{id}.2"))).collect::<Vec<_>>();
    assert_eq!(taken.len(), 2);
    assert_eq!(taken[0].message_id(), taken[1].message_id());
}

#[test]
fn a_preview_shows_what_waits_as_it_would_be_sent() {
    let today = Moment::now().day();
    let (folder, smtp) = (tempfile::tempdir().expect("a folder"), Smtp::start());
    let days = [(today - 2, 1), (today - 1, 3), (today, 2)];
    let (engine, mailer) = (engine(folder.path(), &days), mailer(&smtp));
    let outbox = Outbox::new(&engine, &mailer, "https://papers.lab.example");
    let plan = |hour| MailPlan { hour, budget: 9, ..MailPlan::of(Subject::Daily, "UTC") };
    let down = subscribed(&engine, "down@x.example", plan(6), noon(today - 3));
    assert_eq!(outbox.send(When::By(noon(today - 2)), &|_| {}).expect("sent").sent, 1);
    // It comes late, when a mail has looked at its day.
    take_in(&engine, &[(77, today - 2)]);
    // Yesterday's mail of one may have been taken; that of the other no server has seen.
    let doubt = subscribed(&engine, "doubt@x.example", plan(0), noon(today - 2));
    smtp.edit(|s| s.rules.push(Rule::new(At::Content, "", smtp::Deed::TakeAndDie).times(1)));
    let early = Moment(noon(today - 1).0 - DAY / 3);
    assert_eq!(outbox.send(When::By(early), &|_| {}).expect("sent").later, 1);
    smtp.edit(|s| s.rules = vec![Rule::refuse(At::Greeting, "", "421 4.3.2 closed")]);
    outbox.send(When::By(noon(today - 1)), &|_| {}).expect_err("nobody answers");
    smtp.edit(|s| s.rules.clear());
    let tried = |id: &str| engine.deliveries(Some(id), 1, None).expect("read").items.remove(0).attempts;
    assert_eq!((tried(&down), tried(&doubt)), (0, 1));
    let mut shown = Vec::new();
    let mut take = |mail: Preview| {
        shown.push((mail.message_id, mail.papers.into_iter().collect::<BTreeSet<_>>()));
        Ok(())
    };
    let when = When::By(noon(today));
    outbox.preview(when, &mut take).expect("made");
    shown.sort();
    let mail = |id: &str, day: i32, papers: &[usize]| {
        (message_id(id, Issue::Day(day), "lab.example"), papers.iter().map(|k| format!("p{k}")).collect())
    };
    let mut wanted: Vec<(String, BTreeSet<String>)> = vec![
        mail(&down, today, &[2, 3, 4, 5, 6, 77]),
        mail(&doubt, today - 1, &[2, 3, 4]),
        mail(&doubt, today, &[5, 6]),
    ];
    wanted.sort();
    assert_eq!(shown, wanted);
    // What is sent is what was shown.
    let before = smtp.mails().len();
    outbox.send(when, &|_| {}).expect("sent");
    let name = |m: &smtp::Taken| m.message_id().trim_matches(['<', '>']).to_string();
    let mut sent: Vec<(String, BTreeSet<String>)> =
        smtp.mails()[before..].iter().filter(|m| !name(m).contains(".confirm")).map(|m| (name(m), papers(m))).collect();
    sent.sort();
    assert_eq!(sent, shown);
}
