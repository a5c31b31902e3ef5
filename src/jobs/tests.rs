//! What the runner promises, tried with jobs that count, a clock that is set, and runners that share a store.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use super::*;

/// A job that counts its runs, and how many went on at once.
struct Counted {
    work: Box<dyn Fn() -> Result<()> + Send + Sync>,
    has_work: AtomicBool,
    runs: AtomicUsize,
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Counted {
    fn new(work: impl Fn() -> Result<()> + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Counted {
            work: Box::new(work),
            has_work: AtomicBool::new(true),
            runs: AtomicUsize::new(0),
            now: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
        })
    }

    fn runs(&self) -> usize {
        self.runs.load(Ordering::SeqCst)
    }
}

impl Job for Counted {
    fn name(&self) -> &str {
        "counted"
    }

    fn about(&self) -> &str {
        "counts"
    }

    fn hears_of(&self, happened: Happened) -> bool {
        happened == Happened::Readers
    }

    fn has_work(&self, _: &Engine, trigger: Trigger) -> Result<bool> {
        Ok(trigger != Trigger::Start && self.has_work.load(Ordering::SeqCst))
    }

    fn run(&self, _: &Engine, _: Trigger) -> Result<Numbers> {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(&self.work));
        self.now.fetch_sub(1, Ordering::SeqCst);
        let runs = self.runs.fetch_add(1, Ordering::SeqCst) + 1;
        match done {
            Ok(done) => done.map(|()| vec![("runs", runs as u64)]),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

fn folder() -> (tempfile::TempDir, Arc<Engine>) {
    let folder = tempfile::tempdir().expect("a folder");
    let config = Config { model: Some("hash".into()), ..Config::new(folder.path()) };
    let engine = Engine::open(config).expect("opens").engine;
    (folder, Arc::new(engine))
}

fn runner(engine: &Arc<Engine>, job: &Arc<Counted>, schedule: &str, clock: &Clock) -> Runner {
    let terms = Terms { zone: jiff::tz::TimeZone::UTC, clock: clock.clone(), looked: Box::new(|| {}) };
    let schedule = Schedule::parse(schedule).expect("a schedule");
    Runner::start(engine, vec![(Arc::clone(job) as Arc<dyn Job>, schedule)], terms).expect("starts")
}

fn clock(at: &str) -> Clock {
    Clock::at(at.parse().expect("a time"))
}

fn soon(what: &str, is: impl Fn() -> bool) {
    let began = Instant::now();
    while !is() {
        assert!(began.elapsed() < Duration::from_secs(20), "never: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Long enough for a runner to have done what it was not to do.
fn a_while() {
    std::thread::sleep(Duration::from_millis(60));
}

#[test]
fn two_runners_never_run_one_job_at_once() {
    let (_folder, engine) = folder();
    let hold = Arc::new(AtomicBool::new(false));
    let held = Arc::clone(&hold);
    let job = Counted::new(move || {
        std::thread::sleep(Duration::from_millis(20));
        while held.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    });
    let runners = [0, 1].map(|_| runner(&engine, &job, "@yearly", &Clock::system()));
    let until = Instant::now() + Duration::from_millis(1500);
    while Instant::now() < until {
        runners.iter().for_each(|runner| runner.run_soon("counted").expect("asked"));
        std::thread::sleep(Duration::from_millis(3));
    }
    soon("both were asked for, and ran", || job.runs() > 10);
    assert_eq!(job.most.load(Ordering::SeqCst), 1);
    // Nor does somebody who does the work on a thread of their own.
    hold.store(true, Ordering::SeqCst);
    runners[0].run_soon("counted").expect("asked");
    soon("it runs", || job.now.load(Ordering::SeqCst) == 1);
    let here = |patience| {
        let work = || Ok((job.now.load(Ordering::SeqCst), Vec::new()));
        runners[1].run_here("counted", patience, work).expect("asked")
    };
    assert_eq!(here(Duration::ZERO), None);
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| here(Duration::from_secs(20)));
        a_while();
        hold.store(false, Ordering::SeqCst);
        assert_eq!(waits.join().expect("no panic"), Some(0), "as soon as it is free");
    });
}

#[test]
fn who_died_is_followed_when_the_lease_has_lapsed() {
    let (_folder, engine) = folder();
    let (job, clock) = (Counted::new(|| Ok(())), clock("2026-03-01T00:00:00Z"));
    let dead = Claim { name: "counted", holder: "dead", now: clock.moment(), until: lease::until(&clock), due: None };
    assert_eq!(engine.job_records().claim_job(&dead).expect("asked"), Claimed::Yes);
    let runner = runner(&engine, &job, "@yearly", &clock);
    assert!(runner.job("counted").expect("there").running);
    runner.run_soon("counted").expect("asked");
    a_while();
    clock.advance(lease::LEASE - Duration::from_secs(1));
    a_while();
    assert_eq!(job.runs(), 0);
    clock.advance(Duration::from_secs(2));
    soon("the job is taken over", || job.runs() == 1);
    soon("it is told", || runner.job("counted").expect("there").last.is_some_and(|last| last.ok));
}

#[test]
fn who_lost_the_lease_notices_and_stops() {
    let (_folder, engine) = folder();
    let clock = clock("2026-03-01T00:00:00Z");
    let (begun, ended) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (begins, ends) = (Arc::clone(&begun), Arc::clone(&ended));
    let job = Counted::new(move || {
        begins.store(true, Ordering::SeqCst);
        let stopped = loop {
            if let Err(e) = crate::cancel::check() {
                break e;
            }
            std::thread::sleep(Duration::from_millis(1));
        };
        ends.store(true, Ordering::SeqCst);
        Err(stopped)
    });
    let runner = runner(&engine, &job, "@yearly", &clock);
    runner.run_soon("counted").expect("asked");
    soon("it begins", || begun.load(Ordering::SeqCst));
    // As if this runner had been asleep for longer than its lease, and another had come by.
    clock.advance(lease::LEASE);
    let thief = Claim { name: "counted", holder: "thief", now: clock.moment(), until: lease::until(&clock), due: None };
    assert_eq!(engine.job_records().claim_job(&thief).expect("asked"), Claimed::Yes);
    soon("it stops", || ended.load(Ordering::SeqCst));
    a_while();
    let stored = engine.job_records().jobs().expect("read").remove(0);
    assert_eq!((stored.runs, stored.held.map(|lease| lease.holder)), (0, Some("thief".into())));
}

#[test]
fn a_lease_is_renewed_while_the_work_goes_on() {
    let (_folder, engine) = folder();
    let (clock, go_on) = (clock("2026-03-01T00:00:00Z"), Arc::new(AtomicBool::new(true)));
    let goes_on = Arc::clone(&go_on);
    let job = Counted::new(move || {
        while goes_on.load(Ordering::SeqCst) {
            crate::cancel::check()?;
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    });
    let runner = runner(&engine, &job, "@yearly", &clock);
    runner.run_soon("counted").expect("asked");
    let held = || engine.job_records().jobs().expect("read").first().and_then(|job| job.held.clone());
    soon("it begins", || held().is_some());
    for _ in 0..4 {
        clock.advance(Duration::from_secs(20));
        soon("it is renewed", || held().is_some_and(|lease| lease.until == lease::until(&clock)));
    }
    go_on.store(false, Ordering::SeqCst);
    soon("it ends", || runner.job("counted").expect("there").runs == 1);
}

#[test]
fn what_was_cut_off_is_made_up_for() {
    let (_folder, engine) = folder();
    let clock = clock("2026-03-01T00:00:00Z");
    let begun = Arc::new(AtomicBool::new(false));
    let tells = Arc::clone(&begun);
    let endless = Counted::new(move || {
        loop {
            tells.store(true, Ordering::SeqCst);
            crate::cancel::check()?;
            std::thread::sleep(Duration::from_millis(1));
        }
    });
    // Once in full, so that it is known from when on times count.
    let first = Counted::new(|| Ok(()));
    let whole = runner(&engine, &first, "30 2 * * *", &clock);
    clock.advance(Duration::from_secs(3 * 3600));
    soon("it runs at half past two", || first.runs() == 1);
    drop(whole);
    let cut_off = runner(&engine, &endless, "30 2 * * *", &clock);
    clock.advance(Duration::from_secs(24 * 3600));
    soon("it begins the next night", || begun.load(Ordering::SeqCst));
    drop(cut_off);
    let known = engine.job_records().jobs().expect("read").remove(0);
    assert_eq!((known.runs, known.held), (1, None), "as if it had not begun");
    // Hours later the service starts again.
    clock.advance(Duration::from_secs(5 * 3600));
    let again = Counted::new(|| Ok(()));
    let runner = runner(&engine, &again, "30 2 * * *", &clock);
    soon("the night is made up for", || again.runs() == 1);
    a_while();
    assert_eq!((again.runs(), runner.job("counted").expect("there").failures), (1, 0));
}

#[test]
fn a_time_of_the_schedule_is_served_once_by_whoever_comes_first() {
    let (_folder, engine) = folder();
    let (job, clock) = (Counted::new(|| Ok(())), clock("2026-03-01T02:59:00Z"));
    let runners = [0, 1].map(|_| runner(&engine, &job, "0 3 * * *", &clock));
    let next = || runners[0].job("counted").expect("there").next;
    // Once it was looked whether there is anything to do from the start.
    soon("it is told", || next() == Some(Moment::parse("2026-03-01T03:00:00Z").expect("a time")));
    a_while();
    assert_eq!(job.runs(), 0);
    for day in 1..4 {
        clock.advance(Duration::from_secs(if day == 1 { 90 } else { 86_400 }));
        soon("it runs", || job.runs() == day);
        a_while();
        assert_eq!(job.runs(), day);
    }
    let last = runners[1].job("counted").expect("there").last.expect("it ran");
    assert_eq!((last.why.as_str(), last.ok, last.did["runs"]), ("schedule", true, 3));
    assert_eq!(last.began, clock.moment());
    // Nobody is there for three days: the times that passed are made up for once.
    runners.iter().for_each(|runner| assert_eq!(runner.stop(), Stopped::InTime));
    clock.advance(Duration::from_secs(3 * 86_400));
    let later = runner(&engine, &job, "0 3 * * *", &clock);
    soon("it is made up for", || job.runs() == 4);
    a_while();
    assert_eq!(job.runs(), 4);
    drop(later);
}

#[test]
fn nothing_is_written_where_there_is_nothing_to_do() {
    let (_folder, engine) = folder();
    let (job, clock) = (Counted::new(|| Ok(())), clock("2026-03-01T02:59:00Z"));
    job.has_work.store(false, Ordering::SeqCst);
    let runner = runner(&engine, &job, "* * * * *", &clock);
    clock.advance(Duration::from_secs(300));
    a_while();
    assert_eq!((job.runs(), engine.job_records().jobs().expect("read").len()), (0, 0));
    // What happens makes work for it.
    job.has_work.store(true, Ordering::SeqCst);
    engine.put_user("ada", &crate::user::Settings::default()).expect("made");
    soon("it hears of it", || job.runs() == 1);
    soon("and says why", || runner.job("counted").expect("there").last.is_some_and(|last| last.why == "change"));
}

#[test]
fn a_job_that_is_off_runs_by_hand_alone() {
    let (_folder, engine) = folder();
    let (job, clock) = (Counted::new(|| Ok(())), clock("2026-03-01T02:59:00Z"));
    let runner = runner(&engine, &job, "off", &clock);
    engine.put_user("ada", &crate::user::Settings::default()).expect("made");
    runner.hurry("counted");
    clock.advance(Duration::from_secs(1_000_000));
    a_while();
    assert_eq!((job.runs(), runner.job("counted").expect("there").next), (0, None));
    runner.run_soon("counted").expect("asked");
    soon("it runs", || job.runs() == 1);
    assert!(matches!(runner.run_soon("nothing"), Err(Error::NotFound { what: "job", .. })));
}

#[test]
fn a_panic_is_a_failed_run_and_not_the_end() {
    let (_folder, engine) = folder();
    let (clock, panics) = (clock("2026-03-01T02:59:30Z"), Arc::new(AtomicBool::new(true)));
    let bad = Arc::clone(&panics);
    let job = Counted::new(move || {
        assert!(!bad.load(Ordering::SeqCst), "a secret of the inside");
        Ok(())
    });
    let runner = runner(&engine, &job, "0 3 * * *", &clock);
    clock.advance(Duration::from_secs(60));
    soon("it fails", || runner.job("counted").expect("there").failures == 1);
    let last = runner.job("counted").expect("there").last.expect("it ran");
    assert!(!last.ok && last.error.as_deref().is_some_and(|e| !e.contains("secret")), "{last:?}");
    // It is tried again by itself, after a while.
    panics.store(false, Ordering::SeqCst);
    soon("it is tried again", || {
        clock.advance(Duration::from_secs(1));
        runner.job("counted").expect("there").last.is_some_and(|last| last.ok)
    });
    let told = runner.job("counted").expect("there");
    assert!(told.failures >= 1 && told.runs > told.failures, "{told:?}");
}

#[test]
fn what_runs_ends_soon_when_the_runner_stops() {
    let (_folder, engine) = folder();
    let begun = Arc::new(AtomicBool::new(false));
    let begins = Arc::clone(&begun);
    let job = Counted::new(move || {
        begins.store(true, Ordering::SeqCst);
        loop {
            crate::cancel::check()?;
            std::thread::sleep(Duration::from_millis(1));
        }
    });
    let runner = runner(&engine, &job, "@yearly", &Clock::system());
    runner.run_soon("counted").expect("asked");
    soon("it begins", || begun.load(Ordering::SeqCst));
    let began = Instant::now();
    assert_eq!(runner.stop(), Stopped::InTime);
    assert!(began.elapsed() < Duration::from_secs(1));
    // Given up is not failed, and nobody holds it.
    let stored = engine.job_records().jobs().expect("read").remove(0);
    assert_eq!((stored.runs, stored.held), (0, None));
}

#[test]
fn a_command_waits_for_whoever_has_the_job() {
    let (_folder, engine) = folder();
    let job = Counted::new(|| {
        std::thread::sleep(Duration::from_millis(150));
        Ok(())
    });
    let runner = runner(&engine, &job, "@yearly", &Clock::system());
    runner.run_soon("counted").expect("asked");
    soon("it begins", || job.now.load(Ordering::SeqCst) == 1);
    let done = once(&engine, "counted", &|_| {}, || Ok((job.now.load(Ordering::SeqCst), vec![("papers", 3)])));
    assert_eq!(done.expect("done"), 0, "both at once");
    let last = runner.job("counted").expect("there").last.expect("it ran");
    assert_eq!((last.why.as_str(), last.did["papers"], job.runs()), ("asked", 3, 1));
}
