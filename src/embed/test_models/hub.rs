//! A model that is fetched from a hub.

use std::cell::RefCell;

use serde_json::json;

use super::super::Pooling;
use super::super::model::read_hub;
use super::{POSITIONS, bert_config, bert_tensors};

/// A hub that is cut off while a model is fetched for the first time: never a model without the file that did not come.
#[test]
fn a_hub_that_is_cut_off_gives_no_half_model() {
    let tiny = bert_tensors("", POSITIONS, 2).folder(&bert_config("bert", POSITIONS, 2, 0));
    std::fs::write(tiny.path().join("1_Pooling/config.json"), json!({"pooling_mode_cls_token": true}).to_string())
        .unwrap();
    let there = |file: &str| Some(tiny.path().join(file)).filter(|path| path.is_file());
    // The hub gives so many files, each of which is then in the cache, and then nothing more.
    let read = |before: &[String], given: usize| {
        let cache = RefCell::new(before.to_vec());
        let asked = RefCell::new(Vec::new());
        let model =
            read_hub("some/model", &|file| there(file).filter(|_| cache.borrow().iter().any(|c| c == file)), &|file| {
                if asked.borrow().len() == given {
                    return Err("cut off".into());
                }
                asked.borrow_mut().push(file.to_string());
                cache.borrow_mut().extend(there(file).map(|_| file.to_string()));
                Ok(there(file))
            });
        (model, asked.into_inner(), cache.into_inner())
    };
    let (whole, asked, cached) = read(&[], usize::MAX);
    assert_eq!(whole.unwrap().pooling, Pooling::Cls);
    assert!(asked.contains(&"model.safetensors".into()) && !asked.contains(&"pytorch_model.bin".into()), "{asked:?}");
    let mut before = Vec::new();
    for (given, lacking) in asked.iter().enumerate() {
        let (model, _, cached) = read(&[], given);
        assert!(model.is_err(), "read without {lacking}");
        // Nor when it is tried again without a network.
        assert!(read(&cached, 0).0.is_err(), "read without {lacking} and what follows");
        before = cached;
    }
    // Where it stopped it goes on, and what was fetched to the end needs no network.
    assert_eq!(read(&before, usize::MAX).0.unwrap().pooling, Pooling::Cls);
    assert_eq!(read(&cached, 0).0.unwrap().pooling, Pooling::Cls);
}
