use super::saved::LOOKED_AT;
use super::*;
use crate::config::Config;
use crate::engine::{Answer, Engine, Incoming, Rejection};
use crate::error::Error;
use crate::paper::{Paper, PaperId};
use crate::store::StoredSearch;
use crate::user::{Follow, Moment};

const TOPICS: [&str; 5] = [
    "Quasar jets seen by radio telescopes",
    "Soil fungi under old forests",
    "Graph colouring with few colours",
    "Medieval trade along the northern coast",
    "Vaccines against seasonal influenza",
];

pub fn open(folder: &std::path::Path) -> Engine {
    let config = Config { model: Some("hash".into()), ..Config::new(folder) };
    Engine::open(config).expect("opens").engine
}

pub fn put(engine: &Engine, papers: Vec<serde_json::Value>) {
    let unread = |_| Rejection { id: None, reason: "the test's own papers are papers".into() };
    let mut all = papers.into_iter().enumerate().map(|(k, v)| Ok(Incoming::new(k + 1, Paper::read(v).map_err(unread))));
    let report = engine.ingest(&mut all, &|_| {}).expect("goes in");
    assert!(report.rejected.is_empty(), "{:?}", report.rejected);
}

/// Ten papers of each topic, `p0` to `p49`.
pub fn corpus(engine: &Engine) {
    let paper = |k: usize| {
        serde_json::json!({"id": format!("p{k}"), "title": format!("{}: part {k}", TOPICS[k % 5]), "date": "2026-01-01",
            "authors": [format!("Ada Number{}", k % 7)], "categories": [format!("cs.A{}", k % 2)], "upvotes": k,
            "organization": if k.is_multiple_of(3) { "École Normale" } else { "Other" }})
    };
    put(engine, (0..50).map(paper).collect());
}

fn ids(answer: &Answer) -> Vec<&str> {
    answer.papers.iter().map(|hit| hit.paper.id.as_str()).collect()
}

#[test]
fn a_query_matches_what_it_is_about_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = open(folder.path());
    corpus(&engine);
    let of = |query: &str, ask: &Matches| engine.matches(&Follow::Query(query.into()), ask).expect("answered");
    let all = Matches { limit: 100, explain: true, ..Matches::default() };
    let found = of("quasar jets", &all);
    assert_eq!(found.meta.total, 10, "{:?}", ids(&found));
    for hit in &found.papers {
        assert!(hit.paper.title.starts_with("Quasar"));
        let sum: f32 = hit.why.iter().flat_map(|w| &w.parts).map(value).sum();
        assert!((sum - hit.score).abs() < 1e-4);
    }
    assert!(of("violin concertos of the baroque", &all).papers.is_empty());
    // What comes later matches only where it is about it.
    let change = engine.matched_change();
    put(
        &engine,
        vec![
            serde_json::json!({"id": "new", "title": "New quasar jets", "date": "2026-02-01"}),
            serde_json::json!({"id": "else", "title": "Quarks in a jar", "date": "2026-02-01"}),
        ],
    );
    let news = Matches { arrived_after: Some(change), ..all.clone() };
    assert_eq!(ids(&of("quasar jets", &news)), ["new"]);
    assert_eq!(of("quasar jets", &all).meta.total, 11);
    let february = crate::paper::PaperDate::parse("2026-02").expect("a month");
    let days = Matches { days: Some((february.first_day(), february.last_day())), ..all.clone() };
    assert_eq!(ids(&of("quasar jets", &days)), ["new"]);
    let without = Matches { without: vec![PaperId::new("new").expect("an id")], ..all.clone() };
    assert_eq!(of("quasar jets", &without).meta.total, 10);
    let best = Matches { min_score: Some(2.0), ..all.clone() };
    assert_eq!(of("quasar jets", &best).meta.total, 0);
    // Conditions hold as in a search.
    assert_eq!(of("quasar jets category:cs.A0", &all).meta.total, 5);
    assert_eq!(of("quasar -telescopes", &all).papers.len(), 1);
    assert_eq!(of("author:\"Ada Number3\"", &all).meta.total, 7);
    assert!(matches!(engine.matches(&Follow::Query(" ".into()), &all), Err(Error::Invalid(_))));
    // A paper is what is like it, and never itself.
    let like = of("p0", &all);
    assert!(like.papers.iter().all(|hit| hit.paper.title.to_lowercase().contains("quasar")), "{:?}", ids(&like));
    assert!(!like.papers.is_empty() && !ids(&like).contains(&"p0"));
}

fn value(part: &crate::engine::Part) -> f32 {
    serde_json::to_value(part).expect("JSON")["value"].as_f64().expect("a number") as f32
}

#[test]
fn a_name_has_its_papers_with_most_attention_first() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = open(folder.path());
    corpus(&engine);
    let all = Matches { limit: 100, explain: true, ..Matches::default() };
    let of = |follow: Follow| engine.matches(&follow, &all).expect("answered");
    assert_eq!(ids(&of(Follow::Author("ada number6".into()))), ["p48", "p41", "p34", "p27", "p20", "p13", "p6"]);
    assert_eq!(of(Follow::Category("cs".into())).meta.total, 50);
    assert_eq!(of(Follow::Organization("ecole  normale".into())).meta.total, 17);
    assert_eq!(of(Follow::Author("nobody".into())).meta.total, 0);
    let page = Matches { limit: 2, offset: 2, ..Matches::default() };
    assert_eq!(ids(&engine.matches(&Follow::Author("Ada Number6".into()), &page).expect("answered")), ["p34", "p27"]);
    assert!(matches!(engine.matches(&Follow::Theme("t9".into()), &all), Err(Error::BeingMade { .. })));
    engine.run_themes(false).expect("made");
    assert!(matches!(engine.matches(&Follow::Theme("t99".into()), &all), Err(Error::NotFound { what: "theme", .. })));
    let theme = engine.themes(&Default::default()).expect("there are some").themes.remove(0);
    assert_eq!(of(Follow::Theme(theme.id)).meta.total, theme.size);
}

#[test]
fn a_new_version_of_an_old_work_did_not_arrive() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = open(folder.path());
    let version =
        |n: u32| serde_json::json!({"id": format!("arxiv:2401.00001v{n}"), "title": "On marmots", "authors": ["A B"]});
    put(&engine, vec![version(1)]);
    let change = engine.matched_change();
    let news = Matches { arrived_after: Some(change), ..Matches::default() };
    let by = Follow::Author("A B".into());
    put(&engine, vec![version(2), serde_json::json!({"id": "y", "title": "On whales", "authors": ["A B"]})]);
    assert_eq!(ids(&engine.matches(&by, &news).expect("answered")), ["y"]);
    assert_eq!(engine.matches(&by, &Matches::default()).expect("answered").meta.total, 2);
    // Whoever had one version has all.
    let without = Matches { without: vec![PaperId::new("arxiv:2401.00001v1").expect("an id")], ..Matches::default() };
    assert_eq!(ids(&engine.matches(&by, &without).expect("answered")), ["y"]);
}

#[test]
fn what_nobody_can_look_for_is_not_kept_and_locks_nobody_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = open(folder.path());
    corpus(&engine);
    let (unseen, jets) = (Follow::Query("\u{200b}".into()), Follow::Query("quasar jets".into()));
    assert!(matches!(engine.save_search("ada", &unseen, None), Err(Error::Invalid(_))));
    assert!(matches!(engine.save_search("ada", &jets, Some("\u{200b}")), Err(Error::Invalid(_))));
    assert!(matches!(engine.searches("ada"), Err(Error::NotFound { .. })), "nothing was written");
    let (made, _) = engine.save_search("ada", &jets, None).expect("saved");
    // One that an earlier version let in.
    let ada = engine.readers.store.user("ada").expect("there").number;
    let old = StoredSearch { number: 0, what: unseen.clone(), name: None, muted: false, created: Moment(1), seen: 0 };
    assert_eq!(engine.readers.store.restore_searches(ada, std::slice::from_ref(&old), 0, 100).expect("kept"), 0);
    let all = engine.searches("ada").expect("listed");
    assert_eq!((all.len(), &all[0], all[0].problem.is_none()), (2, &made, true));
    assert!(all[1].new.is_none() && all[1].problem.as_deref().is_some_and(|why| why.contains("empty")), "{all:?}");
    assert!(engine.search_news("ada", &all[1].id, 9).expect("an empty feed").is_empty());
    // An export brings what can be followed, under names that can be given, and no more than a reader may have.
    let mut users = engine.export_users(None, 9).expect("exported");
    let user = &mut users[0];
    let of = |what| StoredSearch { what, ..old.clone() };
    user.searches.push(StoredSearch { name: Some("\u{7}".into()), ..of(Follow::Author("bell".into())) });
    user.searches.extend((0..120).map(|k| of(Follow::Author(format!("a{k}")))));
    let other = tempfile::tempdir().expect("a folder");
    let other = open(other.path());
    other.import_user(user).expect("taken in");
    let all = other.searches("ada").expect("listed");
    assert_eq!((all.len(), &all[0].what), (crate::bounds::SEARCHES, &jets));
    assert!(all.iter().all(|s| s.problem.is_none() && s.what != unseen && s.what.text() != "bell"));
}

#[test]
fn the_newest_paper_of_a_name_is_in_its_news_whatever_the_votes() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = open(folder.path());
    let paper = |id: String, date: &str, upvotes: u32| {
        serde_json::json!({"id": id, "title": format!("On marmots {id}"),
        "date": date, "authors": ["A B"], "upvotes": upvotes})
    };
    let many = (0..LOOKED_AT + 20).map(|k| paper(format!("old{k}"), "2026-01-01", 7));
    put(&engine, many.chain([paper("new".into(), "2026-02-01", 0)]).collect());
    let (saved, _) = engine.save_search("ada", &Follow::Author("A B".into()), None).expect("saved");
    let news = engine.search_news("ada", &saved.id, 2).expect("read");
    assert_eq!(news.iter().map(|p| p.id.as_str()).next(), Some("new"));
    let known = engine.saved_search("ada", &saved.id).expect("there");
    assert_eq!((known.name.as_str(), known.what, news.len()), ("A B", saved.what, 2));
}

#[test]
fn a_webhook_that_can_never_work_is_not_made_and_one_that_cannot_for_now_says_why() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = open(folder.path());
    corpus(&engine);
    let hook = |what: Follow, url: &str| {
        engine.add_webhook(&NewHook { user: None, search: None, what: Some(what), url: url.into() })
    };
    let jets = || Follow::Query("quasar jets".into());
    for url in ["http://[::zz/x", "http://h:99999/x", "http://a\\b/x"] {
        assert!(matches!(hook(jets(), url), Err(Error::Invalid(_))), "{url}");
    }
    assert!(matches!(hook(Follow::Query("\u{200b}".into()), "http://x.org/"), Err(Error::Invalid(_))));
    // While there are no themes nobody can tell; what comes until there are is not passed over.
    let early = hook(Follow::Theme("t1".into()), "http://x.org/").expect("made").webhook;
    assert!(early.problem.is_some(), "{early:?}");
    let told = || engine.readers.store.webhooks(None).expect("read")[0].told;
    let before = told();
    put(&engine, vec![serde_json::json!({"id": "n1", "title": "New quasar jets", "date": "2026-02-01"})]);
    assert_eq!((engine.make_webhook_calls(Moment::now()).expect("none"), told()), (0, before));
    engine.run_themes(false).expect("made");
    assert!(matches!(
        hook(Follow::Theme("t99999".into()), "http://x.org/"),
        Err(Error::NotFound { what: "theme", .. })
    ));
    let theme = engine.themes(&Default::default()).expect("there are some").themes.remove(0).id;
    let fine = hook(Follow::Theme(theme), "http://x.org/").expect("made").webhook;
    assert_eq!((fine.problem, engine.webhook_owner(&fine.id).expect("there")), (None, None));
}
