//! Themes as a condition of a search, and counted over what it found.

use roaring::RoaringBitmap;

use super::{Themes, about, theme_id};
use crate::engine::answer::FacetValue;
use crate::engine::corpus::Groups;
use crate::error::{Error, Result};
use crate::paper::Row;

/// The level that papers are counted by: themes of the one above it hold half of what a search finds, those of the one below a few
/// papers each.
const COUNTED: usize = 1;

impl Groups for Themes {
    fn rows_of_group(&self, id: &str) -> Result<RoaringBitmap> {
        self.rows_of(id)
    }

    fn groups_among(&self, rows: &RoaringBitmap, chosen: &[String], most: usize) -> Result<Vec<FacetValue>> {
        let Some(snapshot) = self.snapshot_now()? else { return Ok(Vec::new()) };
        let mut counts = vec![0usize; snapshot.themes.len()];
        for row in rows {
            let theme = snapshot.placed(Row(row)).filter(|p| p.member).and_then(|p| p.theme);
            if let Some(theme) = theme.and_then(|finest| snapshot.at_level(finest, COUNTED)) {
                counts[theme] += 1;
            }
        }
        let mut order: Vec<usize> = (0..counts.len()).filter(|t| counts[*t] > 0).collect();
        order.sort_by_key(|t| (std::cmp::Reverse(counts[*t]), *t));
        order.truncate(most);
        let value = |t: usize| FacetValue {
            value: theme_id(snapshot.themes[t].id),
            name: Some(snapshot.themes[t].facts.name.clone()),
            count: counts[t],
            chosen: false,
        };
        let mut values: Vec<FacetValue> = order.into_iter().map(value).collect();
        for id in chosen {
            if let Some(known) = values.iter_mut().find(|v| v.value == *id) {
                known.chosen = true;
                continue;
            }
            let parts = about::named(&snapshot, id)?;
            let name = parts.iter().map(|t| snapshot.themes[*t].facts.name.as_str()).collect::<Vec<_>>().join(", ");
            let members = about::members_of(&snapshot, &parts);
            let count = members.iter().filter(|k| rows.contains(snapshot.papers[**k as usize].row.0)).count();
            values.push(FacetValue { value: id.clone(), name: Some(name), count, chosen: true });
        }
        Ok(values)
    }

    fn groups_called(&self, fits: &dyn Fn(&str) -> bool, most: usize) -> Result<Vec<FacetValue>> {
        let snapshot = match self.snapshot_now() {
            Ok(Some(snapshot)) => snapshot,
            Ok(None) | Err(Error::BeingMade { .. }) => return Ok(Vec::new()),
            Err(e) => return Err(e),
        };
        let counted = snapshot.counted();
        let mut found: Vec<usize> =
            (0..snapshot.themes.len()).filter(|t| fits(&snapshot.themes[*t].facts.name)).collect();
        found.sort_by_key(|t| (std::cmp::Reverse(counted.members[*t].len()), *t));
        let value = |t: usize| FacetValue {
            value: theme_id(snapshot.themes[t].id),
            name: Some(snapshot.themes[t].facts.name.clone()),
            count: counted.members[t].len(),
            chosen: false,
        };
        // A theme that is all there is of the one above it has its name.
        let mut values: Vec<FacetValue> = Vec::new();
        for t in found {
            let name = &snapshot.themes[t].facts.name;
            if values.len() < most && values.iter().all(|v| v.name.as_ref() != Some(name)) {
                values.push(value(t));
            }
        }
        Ok(values)
    }
}
