//! Where a trigger channel changes.

/// A change of a trigger channel's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// The first sample with the new value, from 0.
    pub(super) sample: u64,
    pub(super) before: i64,
    pub(super) after: i64,
}

/// The changes of a trigger channel, found block by block.
///
/// Values are cut to whole numbers (towards 0), optionally to 16 bits without a sign, and lose their sign.
#[derive(Clone, Debug, Default)]
pub struct StimSteps {
    uint_cast: bool,
    n_samples: u64,
    initial: Option<i64>,
    last: i64,
    has_negative: bool,
    steps: Vec<Step>,
}

impl StimSteps {
    /// A channel of which nothing has been seen. `uint_cast` takes values modulo 2¹⁶, for Neuromag systems whose
    /// `STI016` makes them negative.
    pub fn new(uint_cast: bool) -> Self {
        Self { uint_cast, ..Self::default() }
    }

    /// Takes the next samples.
    pub fn extend(&mut self, samples: impl IntoIterator<Item = f64>) {
        for sample in samples {
            // Like NumPy, which cuts and, for numbers that do not fit, gives the smallest.
            let whole = if sample.abs() < 9.2e18 { sample as i64 } else { i64::MIN };
            let whole = if self.uint_cast { i64::from(whole as u16) } else { whole };
            self.has_negative |= whole < 0;
            let value = whole.wrapping_abs();
            if self.initial.is_none() {
                self.initial = Some(value);
            } else if value != self.last {
                self.steps.push(Step { sample: self.n_samples, before: self.last, after: value });
            }
            self.last = value;
            self.n_samples += 1;
        }
    }

    /// Whether values were negative and have lost their sign: often a sign that `uint_cast` is needed.
    pub fn has_negative(&self) -> bool {
        self.has_negative
    }

    /// The value of the first sample; 0 where there is none.
    pub(super) fn initial(&self) -> i64 {
        self.initial.unwrap_or(0)
    }

    /// The changes, numbered from `first_samp` on; of those that follow each other within `merge` samples only the last is
    /// left, from the value before.
    pub(super) fn merged(&self, first_samp: u64, merge: u64) -> Vec<Step> {
        let mut steps = self.steps.clone();
        for step in &mut steps {
            step.sample += first_samp;
        }
        if merge == 0 {
            return steps;
        }
        let dropped: Vec<bool> = self.steps.windows(2).map(|pair| pair[1].sample - pair[0].sample <= merge).collect();
        if !dropped.contains(&true) {
            return steps;
        }
        for (i, _) in dropped.iter().enumerate().filter(|(_, dropped)| **dropped) {
            steps[i + 1].before = self.steps[i].before;
        }
        let mut dropped = dropped.into_iter().chain([false]);
        steps.retain(|step| dropped.next() == Some(false) && step.before != step.after);
        steps
    }
}
