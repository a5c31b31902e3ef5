//! How the index, the encoder and the reading of files are set.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Settings without a flag. In the file under `[tuning]`; in the environment as `PAPERKIN_` and the name in capitals.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tuning {
    /// Links of each point in the graph (2 to 255).
    pub m: usize,
    /// Candidates kept while building the graph (2 * m + 1 to 10,000).
    pub ef_construction: usize,
    /// Candidates kept while searching the graph (1 to 100,000): more give better recall and take longer.
    pub ef_search: usize,
    /// The recall@10 to reach (above 0, up to 1) instead of a fixed `ef_search`, which is then taken from the recall
    /// profile of each segment.
    pub recall: Option<f32>,
    /// Up to this many papers (0 to 10,000,000) a search scores all of them, without a graph.
    pub exact_below: usize,
    /// Threads of the encoder (at most 1,024); 0 takes one a core.
    pub threads: usize,
    /// Tokens in a batch, padding included (at most 10,000,000); 0 takes what suits the device.
    pub token_budget: usize,
    /// Requests in progress or waiting (1 to 100,000) before more are refused with 503.
    pub max_waiting: usize,
    /// Seconds that a request may take (1 to 86,400), its body included. For a stream of papers: seconds without data.
    pub timeout_s: u64,
    /// Greatest size of a request's body in bytes (1 KiB to 1 TiB), except for streams of papers.
    pub max_body: usize,
    /// Greatest unpacked size of a compressed file in bytes (64 GiB by default).
    pub max_unpacked: usize,
    /// Greatest ratio of unpacked to compressed size (200 by default), for files that unpack to more than 64 MB.
    pub max_ratio: usize,
    /// Largest Zstandard window, as in `zstd --long` (10 to 31): 27 is 128 MB, 31 is 2 GB.
    pub zstd_long: usize,
}

impl Default for Tuning {
    fn default() -> Self {
        Tuning {
            m: 16,
            ef_construction: 200,
            ef_search: 96,
            recall: None,
            exact_below: 4000,
            threads: 0,
            token_budget: 0,
            max_waiting: 128,
            timeout_s: 30,
            max_body: 16 << 20,
            max_unpacked: 64 << 30,
            max_ratio: 200,
            zstd_long: 27,
        }
    }
}

impl Tuning {
    /// Every setting by name.
    pub(super) fn by_name(&self) -> serde_json::Map<String, serde_json::Value> {
        match serde_json::to_value(self) {
            Ok(serde_json::Value::Object(settings)) => settings,
            // Serializing a struct of numbers cannot fail.
            _ => serde_json::Map::new(),
        }
    }

    /// The names of the settings that answers depend on and that differ from `other`.
    pub fn of_answers_unlike(&self, other: &Tuning) -> Vec<String> {
        let (own, other) = (self.by_name(), other.by_name());
        let named = ["m", "ef_construction", "ef_search", "recall", "exact_below"].into_iter();
        named.filter(|name| own.get(*name) != other.get(*name)).map(str::to_string).collect()
    }

    pub(super) fn check(&self) -> Result<()> {
        let ranges = [
            ("m", self.m, 2, 255),
            ("ef_construction", self.ef_construction, 2 * self.m + 1, 10_000),
            ("ef_search", self.ef_search, 1, 100_000),
            ("exact_below", self.exact_below, 0, 10_000_000),
            ("threads", self.threads, 0, 1024),
            ("token_budget", self.token_budget, 0, 10_000_000),
            ("max_waiting", self.max_waiting, 1, 100_000),
            ("timeout_s", usize::try_from(self.timeout_s).unwrap_or(usize::MAX), 1, 86_400),
            ("max_body", self.max_body, 1024, 1 << 40),
            ("max_unpacked", self.max_unpacked, 1, 1 << 50),
            ("max_ratio", self.max_ratio, 1, 1 << 40),
            ("zstd_long", self.zstd_long, 10, 31),
        ];
        if let Some(recall) = self.recall.filter(|r| !(*r > 0.0 && *r <= 1.0)) {
            return Err(Error::Invalid(format!("the setting recall is {recall}; it goes from above 0 to 1")));
        }
        for (name, value, least, most) in ranges {
            if !(least..=most).contains(&value) {
                return Err(Error::Invalid(format!("the setting {name} is {value}; it goes from {least} to {most}")));
            }
        }
        Ok(())
    }
}
