//! What every [`Embedder`] promises, checked on all of them: our own kernels in every precision, candle, and the hash.

use std::sync::Arc;

use super::{BUNDLED, DeviceChoice, Embedder, HashEmbedder, KernelChoice, Kind, Options, Precision, identify, open};
use crate::cancel::Cancel;
use crate::error::Error;

/// An embedder under test, and the least cosine of one text embedded in different company.
struct Candidate {
    options: Options,
    same: f32,
}

/// Every embedder that runs on this machine without other files.
fn candidates() -> Vec<Candidate> {
    let mut all = vec![Candidate { options: Options::new(HashEmbedder::NAME), same: 0.999_999 }];
    if cfg!(feature = "bundled-model") {
        let model = |kernels, precision| Options {
            device: DeviceChoice::Cpu,
            kernels,
            precision: Some(precision),
            threads: 2,
            // Small, so that most calls fall into several batches.
            token_budget: 128,
            max_waiting: 64,
            ..Options::new(BUNDLED)
        };
        for precision in [Precision::F32, Precision::Bf16, Precision::Int8] {
            all.push(Candidate { options: model(KernelChoice::Own, precision), same: 0.999_99 });
        }
        // It computes in f32 whatever its vectors count as.
        all.push(Candidate { options: model(KernelChoice::Candle, Precision::F32), same: 0.999_99 });
    }
    all
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Texts that differ in length, script and sense; one of them empty, one beyond what any model reads.
fn texts() -> Vec<String> {
    let corpus = include_str!("../sources/invented.jsonl").lines().step_by(90).map(str::to_string);
    let long = "Ice sheets lose mass at their grounding lines. ".repeat(400);
    let odd = ["", " ", "a", "protein folding", "\u{0}\u{1}\n", "Über die Drüse", "量子计算", "🦀🦀🦀", long.as_str()];
    corpus.chain(odd.map(str::to_string)).collect()
}

fn check(at: &str, embedder: &dyn Embedder, options: &Options, same: f32) {
    let identity = embedder.identity();
    assert_eq!(identity, &identify(options).expect("known"), "{at}: the identity is known before it is opened");
    assert!(!embedder.runs_on().is_empty() && embedder.pace().window > 0, "{at}");

    let texts = texts();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let embed = |texts: &[&str], kind| embedder.embed(texts, kind).expect("embeds");
    let together = embed(&texts, Kind::Document);
    assert_eq!(together.len(), texts.len(), "{at}: a vector for each text");
    for (k, vector) in together.iter().enumerate() {
        assert_eq!(vector.len(), identity.dimension, "{at}, text {k}");
        assert!(vector.iter().all(|x| x.is_finite()), "{at}, text {k}");
        assert!((cosine(vector, vector) - 1.0).abs() < 1e-5, "{at}, text {k}: of unit length");
    }
    let mut reversed: Vec<&str> = texts.clone();
    reversed.reverse();
    // The bundled model and the hash have no prefixes, so that a query is embedded as a document is.
    for (k, (a, b)) in together.iter().zip(embed(&reversed, Kind::Query).iter().rev()).enumerate() {
        assert!(cosine(a, b) > same, "{at}, text {k}: vectors come in the order of the texts");
    }
    assert!(embed(&[], Kind::Document).is_empty() && embed(&[], Kind::Query).is_empty(), "{at}");

    // Texts alone, from several threads at once, beside a call that nobody collects.
    drop(embedder.submit(&texts, Kind::Document).expect("accepted"));
    std::thread::scope(|scope| {
        let calls: Vec<_> = texts.iter().map(|t| scope.spawn(move || embedder.embed(&[t], Kind::Query))).collect();
        for (k, (call, expected)) in calls.into_iter().zip(&together).enumerate() {
            let vector = call.join().expect("no panic").expect("embeds").concat();
            assert!(cosine(&vector, expected) > same, "{at}, text {k}: alone and in company");
        }
    });

    // What nobody waits for is not worked on.
    let cancel = Cancel::new();
    cancel.cancel();
    assert!(matches!(cancel.scope(|| embedder.embed(&["late"], Kind::Query)), Err(Error::Cancelled)), "{at}");
}

#[test]
fn every_embedder_keeps_the_contract() {
    for Candidate { options, same } in candidates() {
        let at = format!("{} {:?} {:?}", options.model, options.kernels, options.precision);
        let embedder: Arc<dyn Embedder> = Arc::from(open(&options).expect(&at));
        check(&format!("{at}: {}", embedder.runs_on()), &*embedder, &options, same);
    }
}

/// Vectors of both kernels meet in one folder, so the identity is the same; what runs is said. That the vectors agree
/// is a test of `forward`, and for every member of the family one of `test_models`.
#[test]
#[cfg(feature = "bundled-model")]
fn what_runs_a_model_is_no_part_of_its_identity() {
    let opened = |kernels, precision| {
        let device = DeviceChoice::Cpu;
        open(&Options { device, kernels, precision: Some(precision), threads: 2, ..Options::new(BUNDLED) })
            .expect("opens")
    };
    for precision in [Precision::F32, Precision::Bf16] {
        let (own, candle) = (opened(KernelChoice::Own, precision), opened(KernelChoice::Candle, precision));
        assert_eq!(own.identity(), candle.identity(), "{precision}");
        assert!(own.runs_on().contains(&format!("{precision}, own kernels (")), "{}", own.runs_on());
        // It computes in f32 whatever the vectors count as, and says so.
        let said = match precision {
            Precision::F32 => "cpu, f32, candle, ".to_string(),
            other => format!("cpu, f32 (its vectors count as {other}), candle, "),
        };
        assert_eq!(candle.runs_on(), format!("{said}2 threads"));
    }
    // Without --precision candle takes f32 on the processor.
    let options = |precision| Options {
        device: DeviceChoice::Cpu,
        kernels: KernelChoice::Candle,
        precision,
        ..Options::new(BUNDLED)
    };
    assert_eq!(identify(&options(None)).expect("known").precision, Precision::F32);
    let error = open(&options(Some(Precision::Int8))).err();
    assert!(error.is_some_and(|e| e.to_string().contains("--kernels own")));
}
