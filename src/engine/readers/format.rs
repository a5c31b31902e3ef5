//! The ways to write a reference list, by name.

/// How a reference list is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Told from the text; refused where it is none of the others.
    #[default]
    Auto,
    /// An arXiv id, DOI, other id or address a line; a line without one is rejected.
    Ids,
    /// A title a line. Never told from the text: it has to be asked for.
    Titles,
    /// BibTeX and BibLaTeX.
    Bibtex,
    /// RIS: `TY  - JOUR` and so on.
    Ris,
    /// CSL-JSON, as Zotero and citation processors write it.
    Csl,
    /// Zotero's own JSON: of its web API, or of Better BibTeX.
    Zotero,
    /// PubMed: `.nbib` and other MEDLINE text, or its XML.
    Pubmed,
    /// EndNote: `.enw` and other tagged text, or its XML.
    Endnote,
    /// Web of Science: tagged text or tab-delimited.
    Wos,
    /// A table with a head, separated by commas, semicolons or tabs: of Zotero, Scopus, PubMed or your own.
    Csv,
}
