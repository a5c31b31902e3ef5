//! Lists of papers without a query: the daily list, the newest, the most read.

use roaring::RoaringBitmap;
use rusqlite::params_from_iter;
use rusqlite::types::Value;

use super::Store;
use super::papers::whole_paper_at;
use crate::error::{Error, Result};
use crate::paper::{Paper, PaperDate, Row};

/// By what a list is ordered, greatest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sort {
    /// The day listed, else the date.
    #[default]
    Date,
    /// Votes.
    Upvotes,
    /// Votes and comments against age: twice the attention is worth two days.
    Trending,
}

/// What to list.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// Only papers listed (else dated) in this span.
    pub date: Option<PaperDate>,
    /// The order.
    pub sort: Sort,
    /// Papers a page.
    pub limit: usize,
    /// Where the last page ended.
    pub cursor: Option<String>,
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// What stands on it.
    pub items: Vec<T>,
    /// The cursor that leads to the next page; none on the last.
    pub next: Option<String>,
    /// Items on all pages.
    pub total: usize,
}

/// The error for a cursor that is not one of ours.
pub fn no_cursor(cursor: &str) -> Error {
    Error::BadRequest(format!("{cursor:?} is no cursor; use the `next` of the page before"))
}

impl Store {
    /// Some of the given rows, the newest first: `n` from the one at `offset` on.
    pub fn newest(&self, rows: &RoaringBitmap, offset: usize, n: usize) -> Result<Vec<Row>> {
        self.read(|c| {
            // Along the index of days, so that it ends as soon as the page is full.
            let mut select = c.prepare_cached("SELECT row FROM papers ORDER BY day DESC, row DESC")?;
            let all = select.query_map([], |r| r.get::<_, u32>(0))?;
            let wanted = all.filter(|row| row.as_ref().map_or(true, |row| rows.contains(*row)));
            // A page beyond the last of them must not cost a walk through all the others.
            let n = n.min((rows.len() as usize).saturating_sub(offset));
            wanted.skip(offset).take(n).map(|row| row.map(Row)).collect()
        })
    }

    /// The rows of the `n` papers with the most votes, of those allowed (none for all).
    pub fn most_voted(&self, allowed: Option<&RoaringBitmap>, n: usize) -> Result<RoaringBitmap> {
        self.read(|c| {
            let mut select = c.prepare_cached("SELECT row FROM papers ORDER BY upvotes DESC, row DESC")?;
            let all = select.query_map([], |r| r.get::<_, u32>(0))?;
            all.filter(|row| row.as_ref().map_or(true, |row| allowed.is_none_or(|a| a.contains(*row))))
                .take(n)
                .collect()
        })
    }

    /// A page of papers. Paging is by the last paper seen, so papers that arrive meanwhile shift nothing.
    ///
    /// # Errors
    /// [`Error::BadRequest`] when the cursor is not one of ours.
    pub fn list(&self, listing: &Listing) -> Result<Page<Paper>> {
        let cursor = listing.cursor.as_deref().map(|cursor| read_cursor(cursor, listing.sort)).transpose()?;
        let wanted = listing.limit.saturating_add(1);
        self.read(|c| {
            // One state of the store from the first statement to the last.
            let c = c.unchecked_transaction()?;
            let total = match &listing.date {
                None => c.prepare_cached("SELECT papers FROM counter")?.query_row([], |r| r.get(0))?,
                Some(date) => c
                    .prepare_cached("SELECT count(*) FROM papers WHERE list_day BETWEEN ? AND ?")?
                    .query_row([date.first_day(), date.last_day()], |r| r.get(0))?,
            };
            let mut found: Vec<(f64, u32)> = Vec::new();
            for (sql, values) in walks(listing, cursor) {
                let mut select = c.prepare_cached(&sql)?;
                let left = i64::try_from(wanted - found.len()).unwrap_or(i64::MAX);
                let values = params_from_iter(values.into_iter().chain([Value::from(left)]));
                for one in select.query_map(values, |r| Ok((r.get(0)?, r.get(1)?)))? {
                    found.push(one?);
                }
                if found.len() == wanted {
                    break;
                }
            }
            let more = found.len() == wanted;
            found.truncate(listing.limit);
            let last =
                found.last().map(|(key, row)| format!("{}.{:016x}.{row:x}", letter(listing.sort), key.to_bits()));
            let mut find = c.prepare_cached("SELECT json, hash, id FROM papers WHERE row = ?1")?;
            let mut papers = Vec::with_capacity(found.len());
            for (_, row) in found {
                papers.push((Row(row), find.query_row([row], |r| whole_paper_at(r, 0))?));
            }
            Ok((papers, last.filter(|_| more), total))
        })
        .map(|(papers, next, total)| {
            let items = self.whole(papers).into_iter().map(|(_, paper)| paper).collect();
            Page { items, next, total }
        })
    }
}

/// The key of a paper without a day, behind all that have one.
const UNDATED: f64 = -100_000_000.0;

/// The statements that give keys and rows in the order of a list, one behind the other, and their values without the limit.
/// Each is a walk along an index that ends with the page; only within a span of days are other orders than the days' made
/// by sorting, and then from the index alone.
fn walks(listing: &Listing, cursor: Option<(f64, i64)>) -> Vec<(String, Vec<Value>)> {
    let span = listing.date.as_ref().map(|date| (date.first_day(), date.last_day()));
    let (key, index) = match listing.sort {
        Sort::Date => ("list_day", "papers_by_list_day"),
        Sort::Upvotes => ("upvotes", "papers_by_upvotes"),
        Sort::Trending => ("trending", "papers_by_trending"),
    };
    let index = if span.is_some() { "papers_by_list_day" } else { index };
    let walk = |key: String, order: &str, condition: &str, further: &[Value]| {
        let days = if span.is_some() { "list_day BETWEEN ? AND ? AND" } else { "" };
        let sql = format!(
            "SELECT {key}, row FROM papers INDEXED BY {index} WHERE {days} {condition} ORDER BY {order} LIMIT ?"
        );
        let days = span.iter().flat_map(|(first, last)| [Value::from(*first), Value::from(*last)]);
        (sql, days.chain(further.iter().cloned()).collect())
    };
    let (float, order) = (format!("CAST({key} AS REAL)"), format!("{key} DESC, row DESC"));
    let along = |condition: String, further: &[Value]| walk(float.clone(), &order, &condition, further);
    let undated = |condition: &str, further: &[Value]| {
        walk(format!("{UNDATED:?}"), "row DESC", &format!("list_day IS NULL AND {condition}"), further)
    };
    let all = listing.sort == Sort::Date && span.is_none();
    let mut walks = match cursor {
        Some((last, row)) if all && last <= UNDATED => return vec![undated("row < ?", &[row.into()])],
        // First the rest of those that are like the last one seen: as one condition, the walk would begin with all of these.
        Some((last, row)) => vec![
            walk(float.clone(), "row DESC", &format!("{key} = ? AND row < ?"), &[last.into(), row.into()]),
            along(format!("{key} < ?"), &[last.into()]),
        ],
        None if all => vec![along("list_day IS NOT NULL".into(), &[])],
        None => vec![along("1".into(), &[])],
    };
    if all {
        walks.push(undated("1", &[]));
    }
    walks
}

/// What a cursor says of the order of its list: in another one it would lead anywhere.
fn letter(sort: Sort) -> &'static str {
    match sort {
        Sort::Date => "d",
        Sort::Upvotes => "u",
        Sort::Trending => "t",
    }
}

fn read_cursor(cursor: &str, sort: Sort) -> Result<(f64, i64)> {
    let (order, place) = cursor.split_once('.').ok_or_else(|| no_cursor(cursor))?;
    let parse = || {
        let (key, row) = place.split_once('.')?;
        let key = f64::from_bits(u64::from_str_radix(key, 16).ok()?);
        Some((key, i64::from_str_radix(row, 16).ok()?)).filter(|_| key.is_finite())
    };
    let place = parse().ok_or_else(|| no_cursor(cursor))?;
    match order {
        _ if order == letter(sort) => Ok(place),
        "d" | "u" | "t" => {
            Err(Error::BadRequest("the cursor is of a list in another order; begin again without it".into()))
        }
        _ => Err(no_cursor(cursor)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixture;

    /// A store of a few papers: some days with several, some papers without a day, many alike in votes.
    fn filled(n: usize) -> (tempfile::TempDir, Store, Vec<Paper>) {
        let (folder, store) = fixture::store();
        let paper = |k: usize| {
            let mut value = serde_json::json!({
                "id": format!("p{k}"), "title": format!("Title {k}"), "upvotes": k % 4, "comments": k % 3,
            });
            if !k.is_multiple_of(5) {
                value["date"] = format!("2026-03-{:02}", 1 + k * 7 % 9).into();
            }
            Paper::from_json(value).expect("a paper")
        };
        let papers: Vec<Paper> = (0..n).map(paper).collect();
        let all: Vec<(&Paper, Option<&[f32]>)> = papers.iter().map(|p| (p, Some(&[1.0][..]))).collect();
        store.put(&all, fixture::MODEL).expect("written");
        (folder, store, papers)
    }

    const SORTS: [Sort; 3] = [Sort::Date, Sort::Upvotes, Sort::Trending];

    fn spans() -> [Option<PaperDate>; 3] {
        [None, PaperDate::parse("2026-03").ok(), PaperDate::parse("2026-03-04").ok()]
    }

    #[test]
    fn pages_put_together_are_the_whole_in_order() {
        let (_folder, store, papers) = filled(97);
        store.delete(&papers[13].id).expect("written");
        let there: Vec<(i64, &Paper)> = (1..).zip(&papers).filter(|(row, _)| *row != 14).collect();
        for (sort, date) in SORTS.into_iter().flat_map(|s| spans().map(|d| (s, d))) {
            let within = |p: &Paper| {
                let day = p.list_day();
                date.as_ref().is_none_or(|d| day.is_some_and(|day| (d.first_day()..=d.last_day()).contains(&day)))
            };
            let key = |p: &Paper| match sort {
                Sort::Date => p.list_day().map_or(f64::MIN, f64::from),
                Sort::Upvotes => f64::from(p.upvotes.unwrap_or(0)),
                Sort::Trending => crate::store::papers::trending(p, i32::MAX),
            };
            let mut expected: Vec<(i64, &Paper)> = there.iter().copied().filter(|(_, p)| within(p)).collect();
            expected.sort_by(|a, b| key(b.1).total_cmp(&key(a.1)).then(b.0.cmp(&a.0)));
            let expected: Vec<&str> = expected.iter().map(|(_, p)| p.id.as_str()).collect();
            for limit in [1, 4, 96, 200] {
                let (mut seen, mut cursor) = (Vec::new(), None);
                loop {
                    let listing = Listing { date: date.clone(), sort, limit, cursor };
                    let page = store.list(&listing).expect("a page");
                    assert_eq!(page.total, expected.len());
                    seen.extend(page.items.iter().map(|p| p.id.to_string()));
                    cursor = page.next;
                    if cursor.is_none() {
                        break;
                    }
                }
                assert_eq!(seen, expected, "{sort:?} {date:?} {limit}");
            }
        }
    }

    #[test]
    fn a_cursor_leads_on_in_its_own_order_only() {
        let (_folder, store, _) = filled(20);
        let page = |sort, cursor| store.list(&Listing { sort, limit: 5, cursor, ..Listing::default() });
        let next = page(Sort::Upvotes, None).expect("a page").next;
        assert!(page(Sort::Upvotes, next.clone()).is_ok());
        let wrong = page(Sort::Date, next).expect_err("another order");
        assert!(matches!(&wrong, Error::BadRequest(why) if why.contains("another order")), "{wrong}");
    }

    /// Nothing is sorted but, within a span of days, what is asked for in another order than theirs; and nothing reads the
    /// papers themselves to find out which belong on the page.
    #[test]
    fn a_page_is_a_walk_along_an_index() {
        let (_folder, store, _) = filled(40);
        for (sort, date) in SORTS.into_iter().flat_map(|s| spans().map(|d| (s, d))) {
            let sorted = date.is_some() && sort != Sort::Date;
            let listing = Listing { date, sort, limit: 3, cursor: None };
            for cursor in [None, Some((2.0, 7)), Some((UNDATED, 7))] {
                for (sql, values) in walks(&listing, cursor) {
                    let values = values.into_iter().chain([Value::from(4)]);
                    let plan: Vec<String> = store
                        .read(|c| {
                            let mut explain = c.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
                            explain.query_map(params_from_iter(values), |r| r.get(3))?.collect()
                        })
                        .expect("a plan");
                    let plan = plan.join("; ");
                    assert!(plan.contains("COVERING INDEX"), "{sql}: {plan}");
                    assert!(sorted || !plan.contains("TEMP B-TREE"), "{sql}: {plan}");
                }
            }
        }
    }
}
