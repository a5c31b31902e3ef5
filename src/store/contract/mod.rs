//! What every store has to do, whatever it keeps its data in. A kind of store is one line at the end of this file, and passes
//! everything here unchanged.

mod concurrency;
mod crash;
mod events;
mod filters;
mod folders;
mod imports;
mod interests;
mod jobs;
mod keys;
mod library;
mod lists;
mod model;
mod notes;
mod papers;
mod records;
mod searches;
mod sessions;
mod subscriptions;
mod themes;
mod users;
mod vectors;
mod works;

use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

use tempfile::TempDir;

use super::sqlite::SqliteStore;
use super::{PaperWritten, Store, StoredModel};
use crate::error::Result;
use crate::paper::{Paper, PaperId, Row};
use crate::user::{Event, EventKind, Moment, Settings, UserId};

/// What becomes of the next transaction that would commit.
#[derive(Debug, Clone, Copy)]
pub enum Failpoint {
    /// It fails.
    Error,
    /// The thread panics in it.
    Panic,
    /// The process ends in it, without a word to anybody.
    Abort,
}

/// A kind of store.
#[derive(Clone, Copy)]
pub struct Kind {
    /// The name of its module at the end of this file.
    name: &'static str,
    /// Opens the one of a folder, which it may take for a name where it keeps its data elsewhere.
    open: fn(&Path) -> Result<Opened>,
}

/// A store under test, and what lets its next transaction end in another way.
struct Opened {
    store: Arc<dyn Store>,
    fail_next_commit: Box<dyn Fn(Failpoint) + Send + Sync>,
}

/// A store in a folder of its own, with [`MODEL`] as the current model.
struct Fixture {
    kind: Kind,
    folder: TempDir,
    opened: Opened,
}

/// Its fingerprint; it has two numbers a vector.
const MODEL: &str = "f";

fn model(fingerprint: &str) -> StoredModel {
    StoredModel {
        name: format!("model {fingerprint}"),
        fingerprint: fingerprint.into(),
        dimension: 2,
        source: "somewhere".into(),
        precision: "f32".into(),
    }
}

impl Fixture {
    fn new(kind: Kind) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let opened = (kind.open)(folder.path()).expect("opens");
        opened.store.set_current_model(&model(MODEL)).expect("written");
        Fixture { kind, folder, opened }
    }

    /// Closed, and opened again.
    fn reopened(self) -> Self {
        let Fixture { kind, folder, opened } = self;
        drop(opened);
        let opened = (kind.open)(folder.path()).expect("opens again");
        Fixture { kind, folder, opened }
    }

    /// Writes papers, each with a vector of its text.
    fn put(&self, papers: &[Paper]) -> Vec<PaperWritten> {
        let vectors: Vec<[f32; 2]> = papers.iter().map(vector).collect();
        let all: Vec<(&Paper, Option<&[f32]>)> =
            papers.iter().zip(&vectors).map(|(p, v)| (p, Some(v.as_slice()))).collect();
        self.put_papers(&all, MODEL).expect("written").papers
    }

    fn row(&self, id: &str) -> Row {
        self.rows(&[&self::id(id)]).expect("read")[0].expect("there")
    }

    fn delete(&self, id: &str) -> Option<Row> {
        self.delete_paper(&self::id(id)).expect("written")
    }

    /// A user who is made now.
    fn made(&self, name: &str) -> i64 {
        self.put_user(&user(name), &Settings::default()).expect("made").number
    }
}

impl Deref for Fixture {
    type Target = dyn Store;

    fn deref(&self) -> &Self::Target {
        &*self.opened.store
    }
}

fn id(id: &str) -> PaperId {
    PaperId::new(id).expect("an id")
}

fn user(name: &str) -> UserId {
    UserId::new(name).expect("a name")
}

/// The vector that a paper's text has here.
fn vector(paper: &Paper) -> [f32; 2] {
    let n = paper.text().bytes().fold(7u32, |n, b| n.wrapping_mul(31).wrapping_add(b.into()));
    let angle = n as f32 / u32::MAX as f32;
    [angle.cos(), angle.sin()]
}

fn paper(value: serde_json::Value) -> Paper {
    Paper::from_json(value).expect("a paper")
}

/// A paper of this id whose text is its title alone.
fn titled(id: &str, title: &str) -> Paper {
    paper(serde_json::json!({ "id": id, "title": title }))
}

fn event(paper: &str, kind: EventKind, at: i64) -> Event {
    Event { paper: id(paper), kind, at: Moment(at), weight: 1.0 }
}

/// The tests, by resource.
macro_rules! contract {
    ($kind:ident, $open:expr) => {
        mod $kind {
            const KIND: super::Kind = super::Kind { name: stringify!($kind), open: $open };
            contract!(@papers what_becomes_of_a_paper_is_told, a_change_is_one_transaction, rows_are_used_once,
                readings_keep_their_order, first_categories_follow_the_changes, whatever_a_paper_holds_comes_back, unknown_models_write_nothing);
            contract!(@model papers_are_what_was_put_and_not_deleted);
            contract!(@vectors vectors_come_back_to_the_last_bit, texts_share_vectors, rows_give_their_vectors_in_order,
                what_lacks_a_vector_is_found);
            contract!(@works versions_share_a_key, a_key_names_rows, titles_are_found_by_how_they_begin);
            contract!(@lists pages_put_together_are_the_whole_in_order, what_comes_and_goes_shifts_nothing,
                rows_are_ordered_without_a_list, a_paper_arrives_once);
            contract!(@filters a_filter_allows_what_meets_it, an_archive_stands_for_its_classes, days_are_columns,
                values_are_counted_as_filters_find_them, a_source_has_what_it_has_records_of);
            contract!(@users users_are_made_and_restored, tokens_are_given_once, a_deleted_user_leaves_nothing,
                numbers_are_used_once);
            contract!(@events events_are_all_or_none, known_events_are_written_and_others_named, histories_are_ordered,
                days_of_arrival_are_kept, releases_are_remembered, what_was_done_with_some_papers_is_found,
                what_follows_is_written_once);
            contract!(@folders papers_stand_in_folders, what_is_filed_is_the_readers_own, folders_are_restored);
            contract!(@notes a_note_is_one_text_on_a_paper, notes_of_papers_that_are_one_are_one, notes_are_restored);
            contract!(@library libraries_keep_papers_with_their_vectors, what_is_removed_goes_with_what_was_done,
                what_lacks_a_vector_of_another_model_is_found);
            contract!(@interests edits_are_whole, who_changed_is_to_be_found_again, what_was_said_stays, of_nobody_nothing_is_kept);
            contract!(@imports an_import_takes_back_what_it_alone_has_added, imports_are_numbered_and_end,
                imports_are_restored);
            contract!(@jobs one_holder_at_a_time_until_the_lease_has_lapsed, a_time_of_the_schedule_is_served_once,
                a_time_that_was_not_served_is_to_be_served_still,
                a_clock_that_ran_ahead_serves_nothing);
            contract!(@records records_come_back_with_their_paper, papers_that_are_one_become_one,
                what_another_has_changed_is_not_written_over, what_was_taken_away_by_hand_stays_away,
                papers_that_were_taken_back_are_on_no_list, where_to_go_on_is_remembered);
            contract!(@keys keys_are_what_was_added_and_not_taken_back, keys_of_a_forgotten_reader_leave_nothing,
                each_store_signs_with_a_key_of_its_own);
            contract!(@searches the_same_is_followed_once, searches_are_restored, calls_are_made_tried_and_kept);
            contract!(@sessions sessions_are_kept_seen_and_ended, a_link_is_good_once,
                sessions_are_what_was_begun_and_not_ended);
            contract!(@subscriptions subscriptions_are_what_was_added_and_changed, what_is_due_is_found,
                a_mail_is_begun_once_and_its_papers_are_had, what_becomes_of_a_mail_is_noted, old_mail_is_forgotten,
                subscriptions_go_with_their_reader, what_was_had_is_what_was_in_mails);
            contract!(@themes a_run_is_put_in_the_place_of_the_one_before, papers_join_and_leave, texts_are_replaced);
            contract!(@concurrency who_follows_the_changes_misses_nothing, readers_see_whole_transactions,
                writers_lose_nothing_of_each_other, who_gave_up_writes_nothing);
            contract!(@crash what_fails_before_its_commit_leaves_nothing, what_panics_leaves_nothing,
                what_ends_with_the_process_leaves_nothing, what_was_acknowledged_survives_a_kill);
        }
    };
    (@$part:ident $($test:ident),+) => {
        mod $part {
            $(#[test]
            fn $test() {
                $crate::store::contract::$part::$test(super::KIND);
            })+
        }
    };
}

contract!(sqlite, |folder| {
    let store = std::sync::Arc::new(super::SqliteStore::open(folder)?);
    let own = std::sync::Arc::clone(&store);
    Ok(super::Opened { store, fail_next_commit: Box::new(move |how| own.fail_next_commit(how)) })
});
