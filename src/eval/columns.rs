//! Reads tab-separated files whose first line names the columns.

use crate::error::{Error, Result};

/// A file in memory.
pub struct Text {
    /// Its name, for messages.
    pub name: String,
    /// Its content.
    pub text: String,
}

/// A file, parsed into columns.
pub struct Columns {
    path: String,
    names: Vec<String>,
    /// Its lines, without the first and without empty ones.
    pub lines: Vec<Line>,
}

/// A line, with a cell for every column.
pub struct Line {
    number: usize,
    cells: Vec<String>,
}

/// The position of a column.
#[derive(Clone, Copy, PartialEq)]
pub struct Column(usize);

impl std::ops::Index<Column> for Line {
    type Output = String;

    fn index(&self, column: Column) -> &String {
        &self.cells[column.0]
    }
}

impl Columns {
    /// Parses a file.
    ///
    /// # Errors
    /// [`Error::BadRequest`], naming a line with fewer cells than there are columns.
    pub fn read(Text { name, text }: &Text) -> Result<Self> {
        let split = |line: &str| line.split('\t').map(|c| c.trim().to_string()).collect::<Vec<_>>();
        let text = text.trim_start_matches('\u{feff}');
        let mut lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
        let names = lines.next().map(|(_, line)| split(line)).unwrap_or_default();
        let lines = lines.map(|(number, line)| Line { number, cells: split(line) }).collect();
        let file = Columns { path: name.clone(), names, lines };
        match file.lines.iter().find(|line| line.cells.len() < file.names.len()) {
            Some(short) => {
                let (has, needed) = (short.cells.len(), file.names.len());
                Err(file.wrong(short, &format!("{has} columns, the first line has {needed}")))
            }
            None => Ok(file),
        }
    }

    /// The column with the first of these names that exists, ignoring case.
    pub fn find(&self, names: &[&str]) -> Option<Column> {
        names.iter().find_map(|n| self.names.iter().position(|c| c.eq_ignore_ascii_case(n))).map(Column)
    }

    /// The column with one of these names.
    ///
    /// # Errors
    /// [`Error::BadRequest`], naming the columns of the file.
    pub fn need(&self, names: &[&str]) -> Result<Column> {
        self.find(names).ok_or_else(|| {
            Error::BadRequest(format!(
                "{}: no column {}; its first line names {}",
                self.path,
                names.join(" or "),
                self.names.join(", ")
            ))
        })
    }

    /// All columns except these.
    pub fn others(&self, known: &[Column]) -> Vec<Column> {
        (0..self.names.len()).map(Column).filter(|c| !known.contains(c)).collect()
    }

    /// An error about a line, with file name and line number.
    pub fn wrong(&self, line: &Line, why: &str) -> Error {
        Error::BadRequest(format!("{}:{}: {why}", self.path, line.number))
    }
}
