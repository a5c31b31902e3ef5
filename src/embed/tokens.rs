//! From text to token ids.

use tokenizers::{Tokenizer, TruncationParams};

use super::{Kind, ModelFiles, Reading};
use crate::error::{Error, Result};

/// A tokenizer with the model's own length limit and prefixes.
pub struct Tokens {
    tokenizer: Tokenizer,
    max_tokens: usize,
    vocabulary: usize,
    query_prefix: String,
    document_prefix: String,
}

impl Tokens {
    /// Reads `tokenizer.json`. Its truncation (often 128 tokens) is replaced by the model's limit, its padding removed.
    ///
    /// # Errors
    /// [`Error::Model`] when it is not a tokenizer.
    pub fn new(files: &ModelFiles) -> Result<Self> {
        let broken = |e| Error::Model(format!("tokenizer.json of {} cannot be used: {e}", files.identity().name));
        let mut tokenizer = Tokenizer::from_bytes(&files.tokenizer).map_err(broken)?;
        tokenizer.with_padding(None);
        tokenizer
            .with_truncation(Some(TruncationParams { max_length: files.max_tokens, ..Default::default() }))
            .map_err(broken)?;
        Ok(Tokens {
            tokenizer,
            max_tokens: files.max_tokens,
            vocabulary: files.architecture.vocabulary(),
            query_prefix: files.query_prefix.clone(),
            document_prefix: files.document_prefix.clone(),
        })
    }

    /// The token ids of a text, special ones included, truncated to the limit; at least one.
    ///
    /// # Errors
    /// [`Error::Model`] when the tokenizer fails on this text. Other texts of its batch are not affected.
    pub fn encode(&self, text: &str, kind: Kind) -> Result<Vec<u32>> {
        self.read(text, kind).map(|(ids, _)| ids)
    }

    /// How much of a text is read.
    ///
    /// # Errors
    /// As for [`Tokens::encode`].
    pub fn reading(&self, text: &str, kind: Kind) -> Result<Reading> {
        self.read(text, kind).map(|(ids, whole)| Reading { tokens: ids.len(), whole })
    }

    /// The greatest number of tokens of a text.
    pub fn max_tokens(&self) -> usize {
        self.max_tokens
    }

    /// The token ids of a text, and whether they stand for all of it.
    fn read(&self, text: &str, kind: Kind) -> Result<(Vec<u32>, bool)> {
        let prefix = if kind == Kind::Query { &self.query_prefix } else { &self.document_prefix };
        let whole;
        let text = if prefix.is_empty() {
            text
        } else {
            whole = format!("{prefix}{text}");
            &whole
        };
        // Only the beginning of a text of megabytes counts. It is cut at white space, so that no word is cut, and the
        // result is used only if it fills the limit.
        if let Some(beginning) = beginning(text, self.max_tokens * 32) {
            let (ids, _) = self.ids(beginning)?;
            if ids.len() == self.max_tokens {
                return Ok((ids, false));
            }
        }
        self.ids(text)
    }

    fn ids(&self, text: &str) -> Result<(Vec<u32>, bool)> {
        let encoding = self
            .tokenizer
            .encode_fast(text, true)
            .map_err(|e| Error::Model(format!("cannot split a text into tokens: {e}")))?;
        let ids = encoding.get_ids();
        if let Some(id) = ids.iter().find(|&&id| id as usize >= self.vocabulary) {
            return Err(Error::Model(format!(
                "tokenizer.json and the weights do not belong together: token {id} of a vocabulary of {}",
                self.vocabulary
            )));
        }
        if ids.is_empty() {
            return Err(Error::Model("the tokenizer of the model makes no token of an empty text".into()));
        }
        Ok((ids.to_vec(), encoding.get_overflowing().is_empty()))
    }
}

/// The part of a long text up to the last white space within `bytes`; `None` for a short text.
fn beginning(text: &str, bytes: usize) -> Option<&str> {
    if text.len() <= bytes {
        return None;
    }
    let end = text[..text.floor_char_boundary(bytes)].rfind(char::is_whitespace)?;
    Some(&text[..end])
}
