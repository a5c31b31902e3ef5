//! Folders of earlier versions: their texts are read by the rules of this one, and those that became others are embedded.
//!
//! It happens before anything is opened over the store. Every step is whole: a folder that is left half way opens as one of
//! before, and goes on. The model is opened only when a text needs it.

use std::sync::Arc;

use crate::config::Config;
use crate::embed::{Embedder, Kind};
use crate::engine::corpus::embedding_space;
use crate::error::Result;
use crate::paper::Paper;
use crate::store::{Store, StoredModel};

/// Papers read in one transaction.
const PAGE: usize = 2048;

/// Papers embedded and written together, where the model does not ask for more.
const BATCH: usize = 128;

/// What was done.
#[derive(Default)]
pub struct Renewed {
    /// Papers whose text has become another.
    pub papers: usize,
    /// The embedder, where one had to be opened.
    pub embedder: Option<Arc<dyn Embedder>>,
}

/// Brings a folder up to date. `progress` hears how many papers of how many were read.
pub fn bring_up_to_date(
    store: &dyn Store,
    model: &StoredModel,
    config: &Config,
    progress: &dyn Fn(usize, usize),
) -> Result<Renewed> {
    let mut renewed = Renewed::default();
    if store.is_reread()? {
        return Ok(renewed);
    }
    store.reread_libraries()?;
    let rows: Vec<u32> = store.rows_of_all()?.iter().collect();
    let total = rows.len();
    let (mut read, mut waiting) = (0, Vec::new());
    for rows in rows.chunks(PAGE) {
        waiting.extend(store.reread_papers(&rows.iter().collect())?);
        let batch = renewed.embedder.as_ref().map_or(BATCH, |e| e.pace().window.max(BATCH));
        while waiting.len() >= batch {
            let rest = waiting.split_off(batch);
            renew(store, model, config, std::mem::replace(&mut waiting, rest), &mut renewed)?;
            progress(read + rows.len().saturating_sub(waiting.len()), total);
        }
        read += rows.len();
        progress(read, total);
    }
    renew(store, model, config, waiting, &mut renewed)?;
    // Of a new folder as well: what comes in is read by these rules.
    store.set_reread()?;
    Ok(renewed)
}

/// Writes papers with the vectors of what their text is now.
fn renew(
    store: &dyn Store,
    model: &StoredModel,
    config: &Config,
    papers: Vec<Paper>,
    renewed: &mut Renewed,
) -> Result<()> {
    if papers.is_empty() {
        return Ok(());
    }
    let each: Vec<&Paper> = papers.iter().collect();
    let mut vectors = store.known_vectors(model, &each)?;
    let lacking: Vec<usize> = (0..papers.len()).filter(|k| vectors[*k].is_none()).collect();
    if !lacking.is_empty() {
        let embedder = match &renewed.embedder {
            Some(embedder) => Arc::clone(embedder),
            None => Arc::clone(renewed.embedder.insert(embedding_space::embedder(model, config)?)),
        };
        let texts: Vec<String> = lacking.iter().map(|&k| papers[k].text_joined(embedder.separator())).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        for (k, vector) in lacking.into_iter().zip(embedder.embed(&texts, Kind::Document)?) {
            vectors[k] = Some(vector);
        }
    }
    renewed.papers += papers.len();
    let papers: Vec<(Paper, Vec<f32>)> =
        papers.into_iter().zip(vectors).filter_map(|(paper, vector)| Some((paper, vector?))).collect();
    store.replace_texts(model, &papers)
}
