//! Where a model runs, what runs it, and in which precision: what the options ask for, else what suits the machine.
//!
//! | | our own kernels | candle |
//! |---|---|---|
//! | device | the processor | any |
//! | architecture | BERT and its family | all |
//! | precision | f32, bf16, int8 | f32; BERT and its family on a card also bf16 and f16 |
//! | adapters (SPECTER2) | yes | no |
//!
//! Through candle a member of BERT's family computes in f32 on the processor, whatever precision its vectors count as:
//! nothing narrower is faster there, and what our kernels make of bf16 is within a cosine of 0.9999 of f32.

use super::candle::{self, Device};
use super::cpu::Isa;
use super::{DeviceChoice, KernelChoice, ModelFiles, Options, Precision};
use crate::error::{Error, Result};

/// What runs a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kernels {
    /// Our own, of `embed/cpu`.
    Own,
    /// candle's tensors, of `embed/candle`.
    Candle,
}

/// Where and how a model runs.
pub struct Placement {
    /// The device, opened.
    pub device: Device,
    /// What runs it there.
    pub kernels: Kernels,
    /// The precision that its vectors count as.
    pub precision: Precision,
}

/// What decides where a model can run.
struct Needs<'a> {
    /// For messages.
    name: &'a str,
    /// Whether it is of BERT's family.
    bert_family: bool,
    /// Whether it has an adapter.
    adapter: bool,
}

impl Placement {
    /// Decides for a model, and opens the device.
    ///
    /// # Errors
    /// [`Error::Model`] when the options contradict one another or the model, or the device cannot be used: with what
    /// to say instead.
    pub fn of(files: &ModelFiles, options: &Options) -> Result<Self> {
        let needs = Needs::of(files);
        let options = &needs.settle(options)?;
        let device = candle::open(options.device)?;
        if options.precision == Some(Precision::Bf16) && !device.is_cpu() && !candle::has_bf16(&device) {
            return Err(Error::Model(format!(
                "this {} device, or this build for it, has no bf16: say --precision f16 or f32",
                candle::name(&device)
            )));
        }
        let kernels = needs.kernels(&device, options);
        let precision = options.precision.unwrap_or_else(|| default_precision(&device, kernels));
        if kernels == Kernels::Own && precision == Precision::F16 {
            return Err(Error::Model(
                "f16 does not run on paperkin's own kernels: say --precision bf16 or, for a folder that was made in f16, \
                 --kernels candle"
                    .into(),
            ));
        }
        Ok(Placement { device, kernels, precision })
    }

    /// The precision that a model's vectors count as, without a look at what only opening it can tell: for a device
    /// that cannot be opened, f32.
    ///
    /// # Errors
    /// [`Error::Model`] when the options contradict one another or the model.
    pub fn precision_of(files: &ModelFiles, options: &Options) -> Result<Precision> {
        let needs = Needs::of(files);
        let options = &needs.settle(options)?;
        let default = || {
            let device = candle::open(options.device);
            device.map_or(Precision::F32, |device| default_precision(&device, needs.kernels(&device, options)))
        };
        Ok(options.precision.unwrap_or_else(default))
    }
}

impl<'a> Needs<'a> {
    fn of(files: &'a ModelFiles) -> Self {
        Needs {
            name: &files.identity().name,
            bert_family: files.architecture.fits_own_kernels(),
            adapter: files.adapter.is_some(),
        }
    }

    /// The options with everything that this model leaves no choice in.
    fn settle(&self, options: &Options) -> Result<Options> {
        let refuse = |why: &str| Err(Error::Model(why.into()));
        let on_card = matches!(options.device, DeviceChoice::Cuda | DeviceChoice::Metal);
        let (own, candle) = (options.kernels == KernelChoice::Own, options.kernels == KernelChoice::Candle);
        let mut settled = options.clone();
        if !self.bert_family {
            if own {
                return refuse(&format!(
                    "{} does not run on paperkin's own kernels, which are for BERT and its family: leave --kernels out, or \
                     say --kernels candle",
                    self.name
                ));
            }
            if let Some(precision) = options.precision.filter(|p| *p != Precision::F32) {
                return refuse(&format!(
                    "{} does not run in {precision}: its architecture runs in f32 only; say --precision f32, or leave \
                     --precision out",
                    self.name
                ));
            }
            (settled.kernels, settled.precision) = (KernelChoice::Candle, Some(Precision::F32));
            return Ok(settled);
        }
        if self.adapter {
            if on_card {
                return refuse("a model with an adapter runs on the processor only: say --device cpu");
            }
            if candle {
                return refuse(
                    "a model with an adapter runs on paperkin's own kernels only: leave --kernels out, or say --kernels own",
                );
            }
            settled.kernels = KernelChoice::Own;
        }
        if options.precision == Some(Precision::Int8) {
            if on_card {
                return refuse(
                    "int8 runs on the processor only: say --device cpu, or --precision bf16 (f16 on cards older than 2020)",
                );
            }
            if candle {
                return refuse(
                    "int8 runs on paperkin's own kernels only: leave --kernels out or say --kernels own, or choose \
                     --precision f32",
                );
            }
            settled.kernels = KernelChoice::Own;
        }
        if settled.kernels == KernelChoice::Own {
            if on_card {
                return refuse(
                    "paperkin's own kernels run on the processor only: say --device cpu, or leave --kernels out",
                );
            }
            settled.device = DeviceChoice::Cpu;
        }
        Ok(settled)
    }

    /// What runs this model on a device, by settled options.
    fn kernels(&self, device: &Device, options: &Options) -> Kernels {
        if !self.bert_family || !device.is_cpu() {
            return Kernels::Candle;
        }
        kernels_on_processor(options.kernels, options.precision, Isa::detect())
    }
}

/// What runs BERT and its family on a processor with this instruction set. Left to us: our own kernels where they were
/// written for it, the faster ones there, and candle elsewhere (Arm), whose products are vectorised there (not measured).
/// int8 is ours alone.
pub fn kernels_on_processor(choice: KernelChoice, precision: Option<Precision>, isa: Isa) -> Kernels {
    match choice {
        KernelChoice::Own => Kernels::Own,
        KernelChoice::Candle => Kernels::Candle,
        KernelChoice::Auto if precision == Some(Precision::Int8) || isa.has_kernels() => Kernels::Own,
        KernelChoice::Auto => Kernels::Candle,
    }
}

/// The precision when nobody asks for one: the fastest that is as good as f32 for finding papers.
fn default_precision(device: &Device, kernels: Kernels) -> Precision {
    match (device, kernels) {
        (Device::Cpu, Kernels::Own) => Precision::of_this_machine(),
        (Device::Cpu, Kernels::Candle) => Precision::F32,
        (Device::Cuda(_), _) if candle::has_bf16(device) => Precision::Bf16,
        // Metal's bf16 has not been tried.
        (Device::Cuda(_) | Device::Metal(_), _) => Precision::F32,
    }
}

/// What would run a model by these options, for people, without looking for the model.
pub fn outlook(options: &Options) -> String {
    let isa = Isa::detect();
    match (options.device, kernels_on_processor(options.kernels, options.precision, isa)) {
        (DeviceChoice::Cuda | DeviceChoice::Metal, _) | (_, Kernels::Candle) => "candle".into(),
        (_, Kernels::Own) => {
            format!("own ({isa}) for BERT and its family on the processor, candle for everything else")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BERT: Needs = Needs { name: "some-bert", bert_family: true, adapter: false };
    const ADAPTED: Needs = Needs { name: "specter2", bert_family: true, adapter: true };
    const OTHER: Needs = Needs { name: "modern", bert_family: false, adapter: false };

    fn options(device: DeviceChoice, kernels: KernelChoice, precision: Option<Precision>) -> Options {
        Options { device, kernels, precision, ..Options::new("x") }
    }

    /// Every instruction set, whatever machine runs this.
    #[test]
    fn left_to_us_our_kernels_run_where_they_were_written_for() {
        use KernelChoice::{Auto, Candle, Own};
        assert!(Isa::known().contains(&Isa::Neon));
        for isa in Isa::known() {
            let ours = !matches!(isa, Isa::Neon | Isa::Plain);
            for precision in [None, Some(Precision::F32), Some(Precision::Bf16), Some(Precision::F16)] {
                let expected = if ours { Kernels::Own } else { Kernels::Candle };
                assert_eq!(kernels_on_processor(Auto, precision, isa), expected, "{isa}, {precision:?}");
                assert_eq!(kernels_on_processor(Own, precision, isa), Kernels::Own, "{isa}");
                assert_eq!(kernels_on_processor(Candle, precision, isa), Kernels::Candle, "{isa}");
            }
            assert_eq!(kernels_on_processor(Auto, Some(Precision::Int8), isa), Kernels::Own, "{isa}");
        }
    }

    #[test]
    fn what_contradicts_itself_is_refused_with_the_way_out() {
        use DeviceChoice::{Auto, Cpu, Cuda, Metal};
        use Precision::{Bf16, Int8};
        let (any, own, candle) = (KernelChoice::Auto, KernelChoice::Own, KernelChoice::Candle);
        for (needs, device, kernels, precision, words) in [
            (&BERT, Cpu, candle, Some(Int8), ["int8", "--kernels own"]),
            (&BERT, Auto, candle, Some(Int8), ["--precision f32", "--kernels own"]),
            (&BERT, Cuda, any, Some(Int8), ["int8", "--device cpu"]),
            (&BERT, Cuda, own, None, ["own kernels", "--device cpu"]),
            (&BERT, Metal, own, None, ["own kernels", "leave --kernels out"]),
            (&ADAPTED, Cuda, any, None, ["adapter", "--device cpu"]),
            (&ADAPTED, Cpu, candle, None, ["adapter", "--kernels own"]),
            (&OTHER, Cpu, own, None, ["modern", "--kernels candle"]),
            (&OTHER, Cpu, any, Some(Bf16), ["modern", "--precision f32"]),
        ] {
            let error = needs.settle(&options(device, kernels, precision)).expect_err(words[0]).to_string();
            assert!(words.iter().all(|word| error.contains(word)), "{error}");
        }
    }

    #[test]
    fn what_leaves_no_choice_is_settled() {
        let auto = |precision| options(DeviceChoice::Auto, KernelChoice::Auto, precision);
        let settled = |needs: &Needs, options: &Options| {
            let options = needs.settle(options).expect("fits");
            (options.device, options.kernels, options.precision)
        };
        let int8 = Some(Precision::Int8);
        assert_eq!(settled(&BERT, &auto(int8)), (DeviceChoice::Cpu, KernelChoice::Own, int8));
        assert_eq!(settled(&ADAPTED, &auto(None)), (DeviceChoice::Cpu, KernelChoice::Own, None));
        assert_eq!(settled(&BERT, &auto(None)), (DeviceChoice::Auto, KernelChoice::Auto, None));
        let f32 = Some(Precision::F32);
        assert_eq!(settled(&OTHER, &auto(None)), (DeviceChoice::Auto, KernelChoice::Candle, f32));
        let own = options(DeviceChoice::Auto, KernelChoice::Own, None);
        assert_eq!(settled(&BERT, &own), (DeviceChoice::Cpu, KernelChoice::Own, None), "no card, if there is one");
    }

    #[test]
    fn precisions_follow_the_kernels() {
        assert_eq!(default_precision(&Device::Cpu, Kernels::Own), Precision::of_this_machine());
        assert_eq!(default_precision(&Device::Cpu, Kernels::Candle), Precision::F32);
    }

    #[test]
    fn the_outlook_names_what_would_run() {
        let of = |kernels| outlook(&options(DeviceChoice::Cpu, kernels, None));
        assert_eq!(of(KernelChoice::Candle), "candle");
        assert!(of(KernelChoice::Own).starts_with(&format!("own ({})", Isa::detect())));
    }
}
