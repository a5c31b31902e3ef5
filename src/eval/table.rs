//! A table of figures, as Markdown that reads well in a terminal, and as JSON.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::bootstrap::Interval;

/// The name of a choice (a mode, a strategy, a method), as it is typed.
pub fn named(choice: &impl Serialize) -> String {
    serde_json::to_value(choice).ok().and_then(|v| v.as_str().map(|name| name.replace('_', "-"))).unwrap_or_default()
}

/// A mean of paired differences.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Difference {
    /// The mean.
    pub mean: f64,
    /// Its standard error.
    pub standard_error: f64,
}

/// A cell.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum Cell {
    /// Text.
    Text(String),
    /// A count.
    Count(usize),
    /// A mean with its confidence interval.
    Mean(Interval),
    /// A mean difference with its standard error.
    Difference(Difference),
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Cell::Text(text.to_string())
    }
}

impl From<usize> for Cell {
    fn from(n: usize) -> Self {
        Cell::Count(n)
    }
}

impl From<Interval> for Cell {
    fn from(i: Interval) -> Self {
        Cell::Mean(i)
    }
}

impl std::fmt::Display for Cell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Cell::Text(text) => f.write_str(text),
            Cell::Count(n) => write!(f, "{n}"),
            Cell::Difference(d) => write!(f, "{:+.3} (se {:.3})", d.mean, d.standard_error),
            // Half the interval's width: its two halves seldom differ in the digits shown.
            Cell::Mean(i) => write!(f, "{:.3} ±{:.3}", i.mean, (i.high - i.low) / 2.0),
        }
    }
}

/// Rows of cells under named columns.
#[derive(Debug, Clone, Default)]
pub struct Table {
    /// The title.
    pub title: String,
    /// The names of the columns.
    pub columns: Vec<String>,
    /// Each with one cell for every column.
    pub rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A table without rows.
    pub fn new<T: Into<String>>(title: impl Into<String>, columns: impl IntoIterator<Item = T>) -> Self {
        Table { title: title.into(), columns: columns.into_iter().map(Into::into).collect(), rows: Vec::new() }
    }

    /// The table as Markdown with aligned columns.
    pub fn to_text(&self) -> String {
        let mut lines: Vec<Vec<String>> = vec![self.columns.clone()];
        lines.extend(self.rows.iter().map(|row| row.iter().map(ToString::to_string).collect()));
        let width = |k: usize| lines.iter().filter_map(|l| l.get(k)).map(|c| c.chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..self.columns.len()).map(width).collect();
        let line = |cells: &Vec<String>| {
            let padded: Vec<String> = cells.iter().zip(&widths).map(|(c, w)| format!("{c:<w$}", w = *w)).collect();
            format!("| {} |", padded.join(" | "))
        };
        let rule = format!("|{}|", widths.iter().map(|w| "-".repeat(w + 2)).collect::<Vec<_>>().join("|"));
        let mut out: Vec<String> = Vec::new();
        if !self.title.is_empty() {
            out.extend([self.title.clone(), String::new()]);
        }
        out.extend([line(&lines[0]), rule]);
        out.extend(lines[1..].iter().map(line));
        out.join("\n")
    }

    /// The title and the rows as objects by column name; a mean is `{"mean", "low", "high"}`.
    pub fn to_json(&self) -> Value {
        let row = |cells: &Vec<Cell>| -> Map<String, Value> {
            self.columns.iter().cloned().zip(cells.iter().map(|c| json!(c))).collect()
        };
        json!({ "title": self.title, "rows": self.rows.iter().map(row).collect::<Vec<_>>() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_markdown_and_json() {
        let mut table = Table::new("T", ["mode", "MAP"]);
        let mean = Interval { mean: 0.25, low: 0.2, high: 0.3 };
        table.rows.push(vec!["hybrid".into(), mean.into()]);
        assert_eq!(
            table.to_text(),
            "T\n\n| mode   | MAP          |\n|--------|--------------|\n| hybrid | 0.250 ±0.050 |"
        );
        assert_eq!(table.to_json()["rows"][0]["MAP"]["mean"], 0.25);
    }
}
