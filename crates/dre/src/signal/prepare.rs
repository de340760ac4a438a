//! The chain from a recorded to a prepared channel.

use crate::{Error, Result, parallel};

use super::filter::{Filter, Stage, StageStream};
use super::{
    Advice, FftResample, FirPlan, FirScratch, ImpulseResponse, Phase, Polyphase, PolyphaseStream, PrepareSpec,
    Reference, Resample, decimated_len, middle_of_band,
};

/// Notch, band filter and decimation or resampling, designed for one sampling frequency and length; shared between threads.
#[derive(Clone, Debug)]
pub struct Preparation {
    reference: Option<Reference>,
    filters: Vec<Stage>,
    rate: Rate,
    sfreq_in: f64,
    sfreq: f64,
    n_times_in: usize,
    advice: Vec<Advice>,
}

/// How the sampling frequency changes, after the filters.
#[derive(Clone, Debug)]
enum Rate {
    /// Every so many-th sample is kept; the last filter does it where it is an FIR filter.
    Decim(usize),
    Polyphase(Box<Polyphase>),
    Fft(FftResample),
}

/// A channel on its way through a [`Preparation`].
#[derive(Clone, Debug)]
pub struct ChannelStream {
    filters: Vec<StageStream>,
    polyphase: PolyphaseStream,
    n_filtered: usize,
}

/// Working memory of [`Preparation::push`], one per thread.
#[derive(Clone, Debug, Default)]
pub struct ChannelScratch {
    fir: FirScratch,
    from: Vec<f64>,
    to: Vec<f64>,
}

/// What a preparation needs, for planning memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Work {
    /// Samples that one channel's stream keeps between pieces, at most, beyond the piece itself.
    pub kept_len: usize,
    /// Length of pieces that is the cheapest.
    pub piece_len: usize,
    /// Bytes that a thread needs for [`Preparation::finish`]; 0 where there is nothing to finish.
    pub finish_memory: usize,
}

impl Preparation {
    /// Designs the chain for recordings of `n_times` samples at `sfreq` (Hz).
    ///
    /// `recorded_lowpass` is the low-pass (Hz) that the amplifier applied, where the recording tells; it counts when
    /// decimation is checked for aliasing.
    ///
    /// # Errors
    /// [`Error::Setting`] for filters that cannot be (see [`super::FirFilter`] and [`super::IirFilter`]), for a phase that does
    /// not fit (see [`PrepareSpec::check_phase`]), for `decim` 0 or beside `sfreq`, for a target that
    /// is no frequency, and for a decimation that would fold frequencies of the passband onto others because nothing
    /// removes them first.
    pub fn new(spec: &PrepareSpec, sfreq: f64, n_times: usize, recorded_lowpass: Option<f64>) -> Result<Self> {
        spec.check_phase()?;
        let filters = Filter::all(spec, sfreq)?;
        let source = Source { spec, sfreq, stop_above: filters.iter().find_map(Filter::stop_above), recorded_lowpass };
        let mut advice = Vec::new();
        let (rate, new_sfreq) = source.rate(n_times, &mut advice)?;
        let n_taps = filters.iter().map(Filter::n_taps).max().unwrap_or(0);
        if n_taps > n_times {
            advice.push(Advice::ShortSignal { n_times, n_taps });
        }
        let n_filters = filters.len();
        let stage = |(i, filter): (usize, Filter)| filter.stage(if i + 1 == n_filters { rate.decim() } else { 1 });
        let filters = filters.into_iter().enumerate().map(stage).collect();
        Ok(Self {
            reference: spec.reference.clone(),
            filters,
            rate,
            sfreq_in: sfreq,
            sfreq: new_sfreq,
            n_times_in: n_times,
            advice,
        })
    }

    /// Sampling frequency of the prepared signal (Hz).
    pub fn sfreq(&self) -> f64 {
        self.sfreq
    }

    /// Number of samples of the prepared signal.
    pub fn n_times(&self) -> usize {
        match &self.rate {
            Rate::Fft(resample) if self.n_times_in > 0 => resample.n_times(),
            _ => self.n_streamed(),
        }
    }

    /// Number of samples that [`Preparation::push`] gives: those of the prepared signal, or, where [`Preparation::finish`]
    /// has to follow, what that takes.
    pub fn n_streamed(&self) -> usize {
        match &self.rate {
            Rate::Decim(decim) => decimated_len(self.n_times_in, *decim),
            Rate::Polyphase(resample) => resample.n_times(),
            Rate::Fft(_) => self.n_times_in,
        }
    }

    /// Whether each channel has to go through [`Preparation::finish`] when all its samples have been pushed.
    pub fn needs_finish(&self) -> bool {
        matches!(self.rate, Rate::Fft(_))
    }

    /// What the work needs.
    pub fn work(&self) -> Work {
        let firs = self.filters.iter().filter_map(Stage::fir);
        let polyphase = if let Rate::Polyphase(plan) = &self.rate { plan.kept_len() } else { 0 };
        Work {
            kept_len: firs.clone().map(FirPlan::kept_len).sum::<usize>().min(2 * self.n_times_in) + polyphase,
            piece_len: firs.map(FirPlan::pair_len).min().unwrap_or(1 << 13),
            finish_memory: match &self.rate {
                Rate::Fft(_) => FftResample::memory(self.n_times_in, self.sfreq_in, self.sfreq),
                _ => 0,
            },
        }
    }

    /// What the user should know of, if anything.
    pub fn advice(&self) -> &[Advice] {
        &self.advice
    }

    /// Each step as people describe it, in order.
    pub fn steps(&self) -> Vec<String> {
        let mut steps: Vec<String> = self.reference.iter().map(Reference::to_string).collect();
        steps.extend(self.filters.iter().map(Stage::to_string));
        let rates = format!("{} → {} Hz", self.sfreq_in, self.sfreq);
        match &self.rate {
            Rate::Decim(1) => {}
            Rate::Decim(decim) => steps.push(format!("decimated by {decim} ({rates})")),
            Rate::Polyphase(plan) if plan.is_causal() => {
                let delay =
                    plan.response(self.sfreq_in).delay_text(middle_of_band(0.0, self.sfreq.min(self.sfreq_in) / 2.0));
                steps.push(format!("resampled by minimum-phase polyphase filter ({rates}, {delay})"));
            }
            Rate::Polyphase(_) => steps.push(format!("resampled by polyphase filter ({rates})")),
            Rate::Fft(_) => steps.push(format!("resampled by Fourier transform ({rates})")),
        }
        steps
    }

    /// Starts a channel.
    pub fn stream(&self) -> ChannelStream {
        let filters = self.filters.iter().map(|filter| filter.stream(self.n_times_in)).collect();
        ChannelStream { filters, polyphase: PolyphaseStream::default(), n_filtered: 0 }
    }

    /// The response of the whole chain to a unit impulse, at the recorded sampling frequency: filters, and the low-pass of
    /// resampling as a sample at a result's own time sees it. What [`Resample::Fft`] does is the ideal low-pass
    /// ([`FftResample::response`]); neither the reference nor the continuation of a recording at its ends counts.
    pub fn response(&self) -> ImpulseResponse {
        let chain = self
            .filters
            .iter()
            .fold(ImpulseResponse::identity(self.sfreq_in), |chain, filter| chain.then(&filter.response()));
        match &self.rate {
            Rate::Decim(_) => chain,
            Rate::Polyphase(plan) => chain.then(&plan.response(self.sfreq_in)),
            Rate::Fft(_) => chain.then(&FftResample::response(self.sfreq_in, self.sfreq)),
        }
    }

    /// Takes the next samples of a channel and appends to `out` what is now certain: all [`Preparation::n_streamed`] samples
    /// after the last one. The lengths of the pieces do not change the result.
    pub fn push(&self, stream: &mut ChannelStream, x: &[f64], scratch: &mut ChannelScratch, out: &mut Vec<f32>) {
        let ChannelScratch { fir, from, to } = scratch;
        let mut current = x;
        for (filter, state) in self.filters.iter().zip(&mut stream.filters) {
            to.clear();
            filter.push(state, current, fir, to);
            std::mem::swap(from, to);
            current = from;
        }
        match &self.rate {
            Rate::Decim(decim) if self.filters.last().and_then(Stage::fir).is_none() => {
                let skip = stream.n_filtered.next_multiple_of(*decim) - stream.n_filtered;
                out.extend(current.iter().skip(skip).step_by(*decim).map(|value| *value as f32));
            }
            Rate::Polyphase(plan) => {
                to.clear();
                plan.push(&mut stream.polyphase, current, to);
                out.extend(to.iter().map(|value| *value as f32));
            }
            Rate::Decim(_) | Rate::Fft(_) => out.extend(current.iter().map(|value| *value as f32)),
        }
        stream.n_filtered += current.len();
    }

    /// The prepared signal of a channel whose streamed samples are all there; the same samples where nothing has to follow.
    ///
    /// # Panics
    /// Where they are not [`Preparation::n_streamed`] samples and something has to follow.
    pub fn finish(&self, streamed: &[f32]) -> Vec<f32> {
        match &self.rate {
            Rate::Fft(plan) if !streamed.is_empty() => {
                let x: Vec<f64> = streamed.iter().map(|value| f64::from(*value)).collect();
                plan.resample(&x).into_iter().map(|value| value as f32).collect()
            }
            _ => streamed.to_vec(),
        }
    }

    /// Prepares whole channels on up to `n_threads` threads: `x`, `(n_channels, n_times of the recording)`, to `out`,
    /// `(n_channels, n_times())`. The number of threads does not change the result.
    ///
    /// # Errors
    /// [`Error::Shape`] where `x` and `out` are not as many whole rows.
    pub fn apply(&self, x: &[f64], out: &mut [f32], n_threads: usize) -> Result<()> {
        let (n_in, n_out) = (self.n_times_in, self.n_times());
        if n_in == 0 || !x.len().is_multiple_of(n_in) || out.len() != x.len() / n_in * n_out {
            return Err(Error::Shape {
                what: "recorded and prepared samples".to_owned(),
                found: vec![x.len(), out.len()],
                expected: format!("rows of {n_in} (at least 1) and as many rows of {n_out} samples"),
            });
        }
        let n_rows = x.len() / n_in;
        let rows = x.chunks(n_in).zip(out.chunks_mut(n_out));
        parallel::for_each_with(rows, n_rows, n_threads, ChannelScratch::default, |scratch, (x, out)| {
            let mut streamed = Vec::with_capacity(self.n_streamed());
            self.push(&mut self.stream(), x, scratch, &mut streamed);
            out.copy_from_slice(&if self.needs_finish() { self.finish(&streamed) } else { streamed });
        });
        Ok(())
    }

    /// Takes the next piece of several channels on up to `n_threads` threads: for each item, its stream, its samples, and
    /// where what is now certain is put (instead of what was there). The number of threads does not change the result.
    pub fn push_all<'a>(
        &self,
        channels: impl ExactSizeIterator<Item = (&'a mut ChannelStream, &'a [f64], &'a mut Vec<f32>)> + Send,
        n_threads: usize,
    ) {
        let n_channels = channels.len();
        parallel::for_each_with(
            channels,
            n_channels,
            n_threads,
            ChannelScratch::default,
            |scratch, (stream, x, out)| {
                out.clear();
                self.push(stream, x, scratch, out);
            },
        );
    }
}

impl Rate {
    fn decim(&self) -> usize {
        if let Self::Decim(decim) = self { *decim } else { 1 }
    }
}

/// What is known of a signal when its new sampling frequency is chosen.
struct Source<'a> {
    spec: &'a PrepareSpec,
    sfreq: f64,
    stop_above: Option<f64>,
    recorded_lowpass: Option<f64>,
}

/// The most that a sampling frequency is multiplied and divided by: a slip of a few zeros would ask for terabytes.
const MOST_UP: f64 = 64.0;
const MOST_DOWN: f64 = 10_000.0;

impl Source<'_> {
    /// The way to the sampling frequency that the study asks for, and that frequency (Hz).
    fn rate(&self, n_times: usize, advice: &mut Vec<Advice>) -> Result<(Rate, f64)> {
        let decim = self.spec.decim;
        if decim == 0 {
            return Err(setting("decim", "0", "1 to keep every sample, 2 for every second one, or more"));
        }
        let Some(target) = self.spec.sfreq else {
            if self.spec.resample.is_some() {
                return Err(setting("resample", "without sfreq", "sfreq, the new sampling frequency (Hz), beside it"));
            }
            advice.extend(self.check_decimation("decim", decim)?);
            return Ok((Rate::Decim(decim), self.sfreq / decim as f64));
        };
        if !(target.is_finite() && target > 0.0) {
            return Err(setting("sfreq", &format!("{target} Hz"), "a sampling frequency above 0 Hz"));
        }
        if decim > 1 {
            return Err(setting(
                "decim",
                &decim.to_string(),
                &format!("1 beside sfreq ({target} Hz): set one of the two"),
            ));
        }
        if (target - self.sfreq).abs() <= 1e-9 * target {
            return Ok((Rate::Decim(1), self.sfreq));
        }
        let ratio = self.sfreq / target;
        if !(1.0 / MOST_UP..=MOST_DOWN).contains(&ratio) {
            let [least, most] = [self.sfreq / MOST_DOWN, self.sfreq * MOST_UP];
            let expected =
                format!("{least} to {most} Hz for a recording at {} Hz; more would only take memory", self.sfreq);
            return Err(setting("sfreq", &format!("{target} Hz"), &expected));
        }
        let whole =
            (ratio.round() >= 1.0 && (ratio - ratio.round()).abs() <= 1e-9 * ratio).then_some(ratio.round() as usize);
        let n_times = n_times.max(1);
        Ok(match (self.spec.resample, whole) {
            (None, Some(decim)) if self.is_safe(target) => {
                advice.extend(self.check_decimation("sfreq", decim)?);
                (Rate::Decim(decim), target)
            }
            (None | Some(Resample::Polyphase), _) => {
                let nyquist = target.min(self.sfreq) / 2.0;
                let reaches = [self.stop_above, self.recorded_lowpass].into_iter().flatten().all(|stop| stop > nyquist);
                if target < self.sfreq && reaches {
                    advice.push(Advice::Transition { sfreq: target });
                }
                let make = if self.spec.is_causal() { Polyphase::causal } else { Polyphase::new };
                (Rate::Polyphase(Box::new(make(n_times, self.sfreq, target))), target)
            }
            (Some(Resample::Fft), _) => (Rate::Fft(FftResample::new(n_times, self.sfreq, target)), target),
        })
    }

    /// Whether filters leave nothing above the Nyquist frequency of `sfreq` (Hz).
    fn is_safe(&self, sfreq: f64) -> bool {
        [self.stop_above, self.recorded_lowpass].into_iter().flatten().any(|stop| stop <= sfreq / 2.0)
    }

    fn check_decimation(&self, name: &str, decim: usize) -> Result<Option<Advice>> {
        let new_sfreq = self.sfreq / decim as f64;
        let nyquist = new_sfreq / 2.0;
        if decim == 1 {
            return Ok(None);
        }
        if self.is_safe(new_sfreq) {
            let is_weak = self.spec.phase == Some(Phase::MinimumHalf)
                && self.recorded_lowpass.is_none_or(|lowpass| lowpass > nyquist);
            return Ok(is_weak.then_some(Advice::HalfAttenuation { sfreq: new_sfreq }));
        }
        match (self.spec.h_freq, self.stop_above) {
            (Some(h_freq), Some(stop_above)) if h_freq <= nyquist => {
                Ok(Some(Advice::Aliasing { sfreq: new_sfreq, stop_above }))
            }
            (h_freq, _) => Err(Error::Setting {
                name: name.to_owned(),
                found: decim.to_string(),
                expected: format!(
                    "1: {} Hz would become {new_sfreq} Hz, which carries frequencies up to {nyquist} Hz, but {}; set \
                     h_freq to {nyquist} Hz or less, or lower decim",
                    self.sfreq,
                    h_freq.map_or("no low-pass filter is set".to_owned(), |h| format!("h_freq lets pass up to {h} Hz"))
                ),
            }),
        }
    }
}

fn setting(name: &str, found: &str, expected: &str) -> Error {
    Error::Setting { name: name.to_owned(), found: found.to_owned(), expected: expected.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(l_freq: Option<f64>, h_freq: Option<f64>, decim: usize) -> PrepareSpec {
        PrepareSpec { l_freq, h_freq, decim, ..PrepareSpec::default() }
    }

    #[test]
    fn a_slow_wave_survives_and_every_second_sample_is_kept() {
        let n = 2001;
        let prepare = Preparation::new(&spec(Some(1.0), Some(30.0), 2), 256.0, n, None).unwrap();
        assert!((prepare.sfreq() - 128.0).abs() < f64::EPSILON);
        assert_eq!(prepare.n_times(), 1001);
        let wave = |i: usize| (2.0 * std::f64::consts::PI * 8.0 * i as f64 / 256.0).sin();
        let x: Vec<f64> = (0..n).map(wave).collect();
        let mut out = vec![0.0; 1001];
        prepare.apply(&x, &mut out, 1).unwrap();
        for (i, value) in out.iter().enumerate().skip(450).take(100) {
            assert!((f64::from(*value) - wave(2 * i)).abs() < 5e-3);
        }
        assert_eq!(prepare.steps(), ["band-pass 1–30 Hz (zero-phase FIR, 845 taps)", "decimated by 2 (256 → 128 Hz)"]);
        assert!(prepare.advice().is_empty());
    }

    #[test]
    fn no_filter_and_no_decimation_copies() {
        let prepare = Preparation::new(&PrepareSpec::default(), 100.0, 4, None).unwrap();
        let mut out = [0.0; 4];
        prepare.apply(&[1.0, 2.0, 3.0, 4.0], &mut out, 1).unwrap();
        assert_eq!(out.map(f32::to_bits), [1.0f32, 2.0, 3.0, 4.0].map(f32::to_bits));
        assert!(prepare.steps().is_empty());
    }

    #[test]
    fn decimation_that_aliases_is_refused() {
        let message = |l, h, decim| Preparation::new(&spec(l, h, decim), 256.0, 9999, None).unwrap_err().to_string();
        assert_eq!(
            message(Some(1.0), None, 2),
            "decim = 2, expected 1: 256 Hz would become 128 Hz, which carries frequencies up to 64 Hz, but no low-pass filter is \
             set; set h_freq to 64 Hz or less, or lower decim"
        );
        assert!(message(None, Some(30.0), 8).contains("but h_freq lets pass up to 30 Hz"));
        assert!(message(None, None, 0).starts_with("decim = 0"));
        // The amplifier's own low-pass is enough.
        assert!(Preparation::new(&spec(None, None, 2), 256.0, 9999, Some(60.0)).is_ok());
    }

    #[test]
    fn what_is_allowed_but_doubtful_comes_with_advice() {
        let prepare = Preparation::new(&spec(None, Some(30.0), 4), 256.0, 100, None).unwrap();
        let texts: Vec<String> = prepare.advice().iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "after decimation to 64 Hz, what the low-pass filter leaves between 32 and 37.5 Hz folds back; a lower \
                 h_freq or decim avoids it",
                "the recording (100 samples) is shorter than the filter (113 taps); expect distortion, or raise l_freq"
            ]
        );
    }

    fn resampling(h_freq: Option<f64>, sfreq: f64, resample: Option<Resample>) -> PrepareSpec {
        PrepareSpec { h_freq, sfreq: Some(sfreq), resample, ..PrepareSpec::default() }
    }

    #[test]
    fn the_way_to_a_sampling_frequency_is_chosen_and_described() {
        let steps = |h, sfreq, resample, from| {
            let spec = resampling(h, sfreq, resample);
            let prepare = Preparation::new(&spec, from, 9999, None).unwrap();
            assert!((prepare.sfreq() - sfreq).abs() < 1e-9);
            (prepare.steps().pop().unwrap_or_default(), prepare.advice().len())
        };
        let decimated = |text: &str| (text.to_owned(), 0);
        assert_eq!(steps(Some(30.0), 120.0, None, 1200.0), decimated("decimated by 10 (1200 → 120 Hz)"));
        assert_eq!(steps(None, 120.0, None, 120.0), decimated(""));
        let polyphase = |from: &str, advice| (format!("resampled by polyphase filter ({from} → 120 Hz)"), advice);
        assert_eq!(steps(Some(30.0), 120.0, None, 256.0), polyphase("256", 0));
        // No low-pass filter: a polyphase filter is not steep, so that there is advice.
        assert_eq!(steps(None, 120.0, None, 1200.0), polyphase("1200", 1));
        assert_eq!(steps(None, 120.0, None, 100.0), polyphase("100", 0));
        let fft = "resampled by Fourier transform (1200 → 120 Hz)";
        assert_eq!(steps(Some(30.0), 120.0, Some(Resample::Fft), 1200.0), decimated(fft));
    }

    #[test]
    fn impossible_sampling_frequencies_are_refused() {
        let message = |spec: PrepareSpec| Preparation::new(&spec, 256.0, 9999, None).unwrap_err().to_string();
        assert!(message(resampling(None, 0.0, None)).starts_with("sfreq = 0 Hz"));
        for slip in [1e9, 0.01] {
            assert!(message(resampling(None, slip, None)).contains("expected 0.0256 to 16384 Hz"), "{slip}");
        }
        assert!(
            message(PrepareSpec { decim: 2, ..resampling(Some(30.0), 100.0, None) }).contains("set one of the two")
        );
        assert!(
            message(PrepareSpec { sfreq: None, ..resampling(None, 1.0, Some(Resample::Fft)) }).contains("resample")
        );
    }

    #[test]
    fn the_number_of_threads_and_the_pieces_do_not_change_the_result() {
        let x: Vec<f64> = (0..7000).map(|i| (f64::from(i) * 0.1).sin() + f64::from(i % 13)).collect();
        let notched = PrepareSpec { notch_freqs: vec![50.0], ..spec(Some(1.0), Some(30.0), 3) };
        for spec in [
            spec(Some(1.0), Some(30.0), 3),
            notched,
            spec(None, None, 1),
            resampling(Some(30.0), 100.0, None),
            resampling(None, 100.0, Some(Resample::Fft)),
        ] {
            let prepare = Preparation::new(&spec, 256.0, 1000, None).unwrap();
            let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
            let run = |n_threads| {
                let mut out = vec![0.0f32; 7 * prepare.n_times()];
                prepare.apply(&x, &mut out, n_threads).unwrap();
                bits(&out)
            };
            let expected = run(1);
            for n_threads in [0, 2, 3, 16] {
                assert_eq!(run(n_threads), expected);
            }
            let (mut scratch, mut found) = (ChannelScratch::default(), Vec::new());
            for row in x.chunks(1000) {
                let (mut stream, mut streamed) = (prepare.stream(), Vec::new());
                for piece in row.chunks(317) {
                    prepare.push(&mut stream, piece, &mut scratch, &mut streamed);
                }
                assert_eq!(streamed.len(), prepare.n_streamed());
                found.extend(bits(&prepare.finish(&streamed)));
            }
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn wrong_lengths_are_refused() {
        let prepare = Preparation::new(&PrepareSpec::default(), 100.0, 4, None).unwrap();
        assert!(prepare.apply(&[0.0; 3], &mut [0.0; 4], 1).is_err());
        assert!(prepare.apply(&[0.0; 4], &mut [0.0; 3], 1).is_err());
        assert!(prepare.apply(&[0.0; 8], &mut [0.0; 4], 1).is_err());
        let empty = Preparation::new(&PrepareSpec::default(), 100.0, 0, None).unwrap();
        assert!(empty.apply(&[], &mut [], 1).is_err());
    }
}
