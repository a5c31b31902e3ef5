//! What comes in, and what became of it: papers on their way, lines that hold none, fields that could not be read.

use serde::Serialize;
use utoipa::ToSchema;

use crate::paper::{LeftOut, Paper, head};

/// Rejected lines, or entries of a list, that are listed one by one; more are only counted.
pub const MAX_LISTED: usize = 1000;

/// A paper on its way in, or why the line holds none.
pub struct Incoming {
    /// The line it stood on, from 1 (in a list: its place).
    pub line: usize,
    /// The paper.
    pub paper: std::result::Result<Paper, Rejection>,
    /// Its vector, where it is known already (an import); of the engine's model.
    pub vector: Option<Vec<f32>>,
    /// Fields that could not be read, so that the paper goes without them.
    pub warnings: Vec<LeftOut>,
}

impl Incoming {
    /// What a line gave: a paper with the fields it goes without ([`Paper::read`]), or why it holds none.
    pub fn new(line: usize, read: std::result::Result<(Paper, Vec<LeftOut>), Rejection>) -> Self {
        let (paper, warnings) = match read {
            Ok((paper, warnings)) => (Ok(paper), warnings),
            Err(rejection) => (Err(rejection), Vec::new()),
        };
        Incoming { line, paper, vector: None, warnings }
    }

    /// The same for who wants no paper that goes without a field: it is rejected.
    pub fn strict(mut self) -> Self {
        if let (Ok(paper), false) = (&self.paper, self.warnings.is_empty()) {
            let told = |w: LeftOut| format!("the field `{}`: {}", w.field, w.reason);
            let reason = std::mem::take(&mut self.warnings).into_iter().map(told).collect::<Vec<_>>().join("; ");
            self.paper = Err(Rejection { id: Some(head(paper.id.as_str(), 80)), reason });
        }
        self
    }
}

/// Why a line holds no paper.
#[derive(Debug, Clone)]
pub struct Rejection {
    /// The id, where it could be read.
    pub id: Option<String>,
    /// The reason, for a person.
    pub reason: String,
}

/// A line, or an entry of a list, that does not go in.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Rejected {
    /// The line, from 1 (in a list: the place).
    pub line: usize,
    /// The id, where it could be read.
    pub id: Option<String>,
    /// The reason.
    pub reason: String,
}

/// A field of a paper that could not be read: the paper is in, without it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Warning {
    /// The line, from 1 (in a list: the place).
    pub line: usize,
    /// The paper's id.
    pub id: Option<String>,
    /// The field.
    pub field: String,
    /// Why it could not be read.
    pub reason: String,
}

/// What became of the papers. All numbers are of committed papers.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct Report {
    /// Papers that were not there before.
    pub accepted: usize,
    /// Papers that were there and changed.
    pub updated: usize,
    /// Papers that were there, the same in every field.
    pub unchanged: usize,
    /// Lines that hold no paper (the first thousand).
    pub rejected: Vec<Rejected>,
    /// How many lines hold no paper.
    pub rejected_total: usize,
    /// Fields that could not be read, so that their papers are in without them (the first thousand).
    pub warnings: Vec<Warning>,
    /// How many such fields there were.
    pub warnings_total: usize,
    /// Texts that went through the model.
    pub embedded: usize,
}

impl Report {
    /// Lines dealt with.
    pub fn lines(&self) -> usize {
        self.accepted + self.updated + self.unchanged + self.rejected_total
    }

    /// Counts what goes not in.
    pub(super) fn reject(&mut self, line: usize, rejection: Rejection) {
        self.rejected_total += 1;
        if self.rejected.len() < MAX_LISTED {
            self.rejected.push(Rejected { line, id: rejection.id, reason: rejection.reason });
        }
    }
}

/// Warnings on their way into a report.
#[derive(Default)]
pub struct Warnings {
    total: usize,
    /// The first [`MAX_LISTED`].
    listed: Vec<Warning>,
}

impl Warnings {
    /// Adds those of a paper.
    pub fn add(&mut self, line: usize, paper: &Paper, left_out: Vec<LeftOut>) {
        for LeftOut { field, reason } in left_out {
            self.total += 1;
            if self.listed.len() < MAX_LISTED {
                let id = Some(head(paper.id.as_str(), 80));
                self.listed.push(Warning { line, id, field: field.to_string(), reason });
            }
        }
    }

    /// Puts them into a report.
    pub fn report(self, report: &mut Report) {
        report.warnings_total += self.total;
        let room = MAX_LISTED - report.warnings.len();
        report.warnings.extend(self.listed.into_iter().take(room));
    }
}

/// Tells in a report what a paper goes without.
pub fn warned(report: &mut Report, line: usize, paper: &Paper, left_out: Vec<LeftOut>) {
    let mut warnings = Warnings::default();
    warnings.add(line, paper, left_out);
    warnings.report(report);
}
