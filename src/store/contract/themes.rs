use super::{Fixture, Kind, model, titled};
use crate::paper::{Paper, Row};
use crate::store::{StoredAssignment, StoredRun, StoredTheme, StoredThemeEvent};

fn run(run: u64) -> StoredRun {
    StoredRun {
        run,
        change: 3,
        papers: 2,
        model: "f".into(),
        at: -5,
        next: 10,
        json: format!("{{\"run\":\"{run} ü'\"}}"),
    }
}

fn theme(theme: u32, level: usize, parent: Option<u32>) -> StoredTheme {
    StoredTheme { theme, level, parent, json: format!("{{\"theme\":{theme}}}") }
}

fn at(row: Row, theme: Option<u32>) -> StoredAssignment {
    StoredAssignment { row, theme, member: theme.is_some(), strength: 0.1, x: -1.5, y: f32::MIN_POSITIVE }
}

fn told(run: u64, theme: u32, what: &str) -> StoredThemeEvent {
    StoredThemeEvent { run, at: 9, theme, json: what.into() }
}

pub fn a_run_is_put_in_the_place_of_the_one_before(kind: Kind) {
    let store = Fixture::new(kind);
    assert_eq!(store.themes().expect("read"), None);
    assert!(
        store.theme_assignments().expect("read").is_empty() && store.theme_events(None, 9).expect("read").is_empty()
    );
    store.put(&["a", "b", "c"].map(|id| titled(id, id)));
    let [a, b, c] = ["a", "b", "c"].map(|id| store.row(id));
    let first = [theme(4, 0, None), theme(2, 1, Some(4))];
    store
        .put_theme_run(&run(1), &first, &[at(c, None), at(a, Some(2))], &[told(1, 2, "born"), told(1, 4, "born")])
        .expect("written");
    let by_number = vec![first[1].clone(), first[0].clone()];
    assert_eq!(store.themes().expect("read"), Some((run(1), by_number)));
    assert_eq!(store.theme_assignments().expect("read"), [at(a, Some(2)), at(c, None)]);
    store.put_theme_run(&run(2), &[theme(5, 0, None)], &[at(b, Some(5))], &[told(2, 2, "died")]).expect("written");
    let store = store.reopened();
    assert_eq!(store.themes().expect("read"), Some((run(2), vec![theme(5, 0, None)])));
    assert_eq!(store.theme_assignments().expect("read"), [at(b, Some(5))]);
    // The memory of all runs, what was written last first.
    let all = [told(2, 2, "died"), told(1, 4, "born"), told(1, 2, "born")];
    assert_eq!(store.theme_events(None, usize::MAX).expect("read"), all);
    assert_eq!(store.theme_events(None, 2).expect("read"), all[..2]);
    assert_eq!(store.theme_events(Some(2), 9).expect("read"), [all[0].clone(), all[2].clone()]);
    assert!(store.theme_events(Some(99), 9).expect("read").is_empty());
}

pub fn papers_join_and_leave(kind: Kind) {
    let store = Fixture::new(kind);
    store.put(&["a", "b", "c"].map(|id| titled(id, id)));
    let [a, b, c] = ["a", "b", "c"].map(|id| store.row(id));
    store.put_theme_run(&run(1), &[theme(1, 0, None)], &[at(a, Some(1)), at(b, Some(1))], &[]).expect("written");
    store.join_themes(&[at(c, Some(1)), at(a, None)], &[b, Row(7_000)]).expect("written");
    assert_eq!(store.theme_assignments().expect("read"), [at(a, None), at(c, Some(1))]);
    // Who is gone is left out, whoever has said so.
    store.delete("c");
    assert_eq!(store.theme_assignments().expect("read"), [at(a, None)]);
    assert_eq!(store.themes().expect("read").map(|(run, _)| run.run), Some(1));
}

pub fn texts_are_replaced(kind: Kind) {
    let store = Fixture::new(kind);
    let papers = [titled("a", "One"), titled("b", "Two")];
    store.put(&papers);
    let [a, b] = ["a", "b"].map(|id| store.row(id));
    store.put_theme_run(&run(1), &[theme(1, 0, None)], &[at(a, Some(1)), at(b, Some(1))], &[]).expect("written");
    // What is there was read by the rules of this version.
    let rows = store.rows_of_all().expect("read");
    assert!(store.reread_papers(&rows).expect("read").is_empty());
    assert_eq!(store.change().expect("read"), 1);
    store.set_reread().expect("written");
    assert!(store.is_reread().expect("read"));
    // One that is read in another way gets a row and a vector of what it is now, and stays in its theme.
    let now: Paper = titled("a", "One, as it is read now");
    store.replace_texts(&model("new"), &[(now.clone(), vec![0.0, 1.0])]).expect("written");
    let store = store.reopened();
    assert!(store.is_reread().expect("read"));
    let new = store.row("a");
    assert!(new > b && store.change().expect("read") == 2);
    assert_eq!(store.changes_since(1).expect("read").came.iter().collect::<Vec<_>>(), [new.0]);
    assert_eq!(store.paper("a").expect("read"), Some((new, now.clone())));
    assert_eq!(store.known_vectors(&model("new"), &[&now]).expect("read"), [Some(vec![0.0, 1.0])]);
    assert_eq!(
        store.known_vectors(&model(super::MODEL), &[&papers[0]]).expect("read"),
        [None],
        "of a text that is gone"
    );
    assert_eq!(store.theme_assignments().expect("read"), [at(b, Some(1)), at(new, Some(1))]);
    assert_eq!(store.count_papers().expect("read"), 2);
}
