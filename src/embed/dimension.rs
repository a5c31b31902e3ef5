//! The length of a vector: full, or shortened where the model allows it.
//!
//! Models trained by Matryoshka representation learning (<https://arxiv.org/abs/2205.13147>) put what matters most into
//! the first numbers, so that a vector may be truncated and scaled to unit length again. The vectors of other models
//! are not truncated.

use serde_json::Value;

/// The lengths that a model's own files allow.
#[derive(Debug, Clone, PartialEq)]
pub struct Dimensions {
    full: usize,
    shorter: Shorter,
}

#[derive(Debug, Clone, PartialEq)]
enum Shorter {
    /// These lengths, from long to short; empty for most models.
    These(Vec<usize>),
    Any,
}

impl Dimensions {
    /// Reads `matryoshka_dimensions`, `is_matryoshka` and `truncate_dim` from `config.json` and, where there is one,
    /// `config_sentence_transformers.json`.
    pub fn read(full: usize, files: &[&Value]) -> Self {
        let mut these: Vec<usize> = Vec::new();
        for file in files {
            let list = file["matryoshka_dimensions"].as_array().into_iter().flatten().chain([&file["truncate_dim"]]);
            these.extend(list.filter_map(Value::as_u64).filter_map(|n| usize::try_from(n).ok()));
        }
        these.retain(|n| (1..full).contains(n));
        these.sort_unstable_by(|a, b| b.cmp(a));
        these.dedup();
        // Without a list, `is_matryoshka` stands for every length.
        let any = these.is_empty() && files.iter().any(|f| f["is_matryoshka"] == true);
        Dimensions { full, shorter: if any { Shorter::Any } else { Shorter::These(these) } }
    }

    /// The length to use when `asked` is given; the full one without.
    ///
    /// # Errors
    /// Which lengths are allowed, as the end of a sentence that begins with the model's name.
    pub fn choose(&self, asked: Option<usize>) -> Result<usize, String> {
        let full = self.full;
        match (asked, &self.shorter) {
            (None, _) => Ok(full),
            (Some(n), _) if n == full => Ok(n),
            (Some(n), Shorter::Any) if (1..full).contains(&n) => Ok(n),
            (Some(n), Shorter::These(these)) if these.contains(&n) => Ok(n),
            (Some(n), Shorter::Any) => Err(format!("cannot give vectors of {n} numbers; 1 to {full} are allowed")),
            (Some(n), Shorter::These(these)) if these.is_empty() => Err(format!(
                "cannot give vectors of {n} numbers: they have {full}, and its files allow no others (models trained for \
                 it list them as matryoshka_dimensions in config.json)"
            )),
            (Some(n), Shorter::These(these)) => {
                let list: Vec<String> = these.iter().map(ToString::to_string).collect();
                Err(format!("cannot give vectors of {n} numbers; its files allow {full}, {}", list.join(", ")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_the_files_allow_is_given() {
        let cases = [
            (json!({}), None, Ok(768)),
            (json!({}), Some(768), Ok(768)),
            (json!({}), Some(256), Err("no others")),
            (json!({"matryoshka_dimensions": [768, 512, 256]}), Some(256), Ok(256)),
            (json!({"matryoshka_dimensions": [768, 512, 256]}), Some(100), Err("allow 768, 512, 256")),
            (json!({"matryoshka_dimensions": [4096, 0]}), Some(4096), Err("no others")),
            (json!({"truncate_dim": 128}), Some(128), Ok(128)),
            (json!({"truncate_dim": 128}), None, Ok(768)),
            (json!({"is_matryoshka": true}), Some(100), Ok(100)),
            (json!({"is_matryoshka": true}), Some(769), Err("1 to 768")),
            (json!({"is_matryoshka": true}), Some(0), Err("1 to 768")),
        ];
        for (file, asked, expected) in cases {
            match (Dimensions::read(768, &[&file]).choose(asked), expected) {
                (Ok(n), Ok(m)) => assert_eq!(n, m, "{file} {asked:?}"),
                (Err(e), Err(word)) => assert!(e.contains(word), "{file} {asked:?}: {e}"),
                (got, _) => panic!("{file} {asked:?}: {got:?}"),
            }
        }
    }
}
