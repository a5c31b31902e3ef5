//! Lists of papers without a query, each a walk along an index.

use roaring::RoaringBitmap;
use rusqlite::params_from_iter;
use rusqlite::types::Value;

use super::papers::whole_paper_at;
use super::{SqliteStore, limit};
use crate::error::Result;
use crate::paper::{Paper, Row};
use crate::store::{ListOrder, ListPlace, Lists, Slice};

impl Lists for SqliteStore {
    fn newest(&self, rows: &RoaringBitmap, offset: usize, n: usize) -> Result<Vec<Row>> {
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

    fn arrived_after(&self, change: u64) -> Result<RoaringBitmap> {
        self.read(|c| {
            c.prepare_cached("SELECT row FROM papers INDEXED BY papers_by_arrival WHERE arrived > ?1")?
                .query_map([change], |r| r.get::<_, u32>(0))?
                .collect()
        })
    }

    fn most_voted(&self, allowed: Option<&RoaringBitmap>, n: usize) -> Result<RoaringBitmap> {
        self.read(|c| {
            let mut select = c.prepare_cached("SELECT row FROM papers ORDER BY upvotes DESC, row DESC")?;
            let all = select.query_map([], |r| r.get::<_, u32>(0))?;
            all.filter(|row| row.as_ref().map_or(true, |row| allowed.is_none_or(|a| a.contains(*row))))
                .take(n)
                .collect()
        })
    }

    fn list(
        &self,
        order: ListOrder,
        days: Option<(i32, i32)>,
        after: Option<ListPlace>,
        n: usize,
    ) -> Result<Slice<Paper, ListPlace>> {
        let wanted = n.saturating_add(1);
        let (papers, next, total) = self.read(|c| {
            let total = match days {
                None => c.prepare_cached("SELECT papers FROM counter")?.query_row([], |r| r.get(0))?,
                Some((first, last)) => c
                    .prepare_cached("SELECT count(*) FROM papers WHERE list_day BETWEEN ? AND ?")?
                    .query_row([first, last], |r| r.get(0))?,
            };
            let mut found: Vec<(Option<f64>, u32)> = Vec::new();
            for (sql, values) in walks(order, days, after) {
                let mut select = c.prepare_cached(&sql)?;
                let values = values.into_iter().chain([Value::from(limit(wanted - found.len()))]);
                for one in select.query_map(params_from_iter(values), |r| Ok((r.get(0)?, r.get(1)?)))? {
                    found.push(one?);
                }
                if found.len() == wanted {
                    break;
                }
            }
            let more = found.len() == wanted;
            found.truncate(n);
            let next = found.last().filter(|_| more).map(|(key, row)| ListPlace { key: *key, row: Row(*row) });
            let mut find = c.prepare_cached("SELECT json, hash, id FROM papers WHERE row = ?1")?;
            let mut papers = Vec::with_capacity(found.len());
            for (_, row) in found {
                papers.push((Row(row), find.query_row([row], |r| whole_paper_at(r, 0))?));
            }
            Ok((papers, next, total))
        })?;
        let items = self.whole(papers).into_iter().map(|(_, paper)| paper).collect();
        Ok(Slice { items, next, total })
    }
}

/// The statements that give keys and rows in the order of a list, one behind the other, and their values without the limit.
/// Each is a walk along an index that ends with the page; only within a span of days are other orders than the days' made
/// by sorting, and then from the index alone.
fn walks(order: ListOrder, days: Option<(i32, i32)>, after: Option<ListPlace>) -> Vec<(String, Vec<Value>)> {
    let (key, index) = match order {
        ListOrder::Day => ("list_day", "papers_by_list_day"),
        ListOrder::Votes => ("upvotes", "papers_by_upvotes"),
        ListOrder::Trending => ("trending", "papers_by_trending"),
    };
    let index = if days.is_some() { "papers_by_list_day" } else { index };
    let walk = |key: &str, along: &str, condition: &str, further: &[Value]| {
        let span = if days.is_some() { "list_day BETWEEN ? AND ? AND" } else { "" };
        let sql = format!(
            "SELECT {key}, row FROM papers INDEXED BY {index} WHERE {span} {condition} ORDER BY {along} LIMIT ?"
        );
        let span = days.iter().flat_map(|(first, last)| [Value::from(*first), Value::from(*last)]);
        (sql, span.chain(further.iter().cloned()).collect())
    };
    let (float, greatest) = (format!("CAST({key} AS REAL)"), format!("{key} DESC, row DESC"));
    let along = |condition: String, further: &[Value]| walk(&float, &greatest, &condition, further);
    let undated = |condition: &str, further: &[Value]| {
        walk("NULL", "row DESC", &format!("list_day IS NULL AND {condition}"), further)
    };
    let all = order == ListOrder::Day && days.is_none();
    let mut walks = match after {
        Some(ListPlace { key: None, row }) if all => return vec![undated("row < ?", &[row.0.into()])],
        // In no other list is there a paper without a key.
        Some(ListPlace { key: None, .. }) => return Vec::new(),
        // First the rest of those that are like the last one seen: as one condition, the walk would begin with all of these.
        Some(ListPlace { key: Some(last), row }) => vec![
            walk(&float, "row DESC", &format!("{key} = ? AND row < ?"), &[last.into(), row.0.into()]),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Papers;
    use crate::store::sqlite::fixture;

    /// Nothing is sorted but, within a span of days, what is asked for in another order than theirs; and nothing reads the
    /// papers themselves to find out which belong on the page.
    #[test]
    fn a_page_is_a_walk_along_an_index() {
        let (_folder, store) = fixture::store();
        let papers: Vec<Paper> = (0..40).map(fixture::paper).collect();
        let all: Vec<(&Paper, Option<&[f32]>)> = papers.iter().map(|p| (p, Some(&[1.0][..]))).collect();
        store.put_papers(&all, fixture::MODEL).expect("written");
        for (order, days) in [ListOrder::Day, ListOrder::Votes, ListOrder::Trending]
            .into_iter()
            .flat_map(|order| [None, Some((20_513, 20_543)), Some((20_516, 20_516))].map(|days| (order, days)))
        {
            let sorted = days.is_some() && order != ListOrder::Day;
            for after in [None, Some(Some(2.0)), Some(None)] {
                let after = after.map(|key| ListPlace { key, row: Row(7) });
                for (sql, values) in walks(order, days, after) {
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
