//! The ways to write a reference list, by name.

/// How a reference list is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Told from how the text begins.
    #[default]
    Auto,
    /// An id, arXiv id, DOI, address or title a line.
    Ids,
    /// `@article{...}`; BibLaTeX too.
    Bibtex,
    /// `TY  - JOUR` and so on.
    Ris,
    /// A JSON list of items.
    Csl,
}
