//! Random numbers: each thing that is drawn has a stream of its own, so that neither other things, other subjects nor the
//! number of threads change it.

use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, StandardNormal};

/// What is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Vocabulary = 1,
    Corpus,
    Order,
    Timing,
    Gain,
    Latency,
    Head,
    Anatomy,
    Alpha,
    BackgroundPlaces,
    Background,
    Heart,
    Blinks,
    Environment,
    EnvironmentNoise,
    SensorNoise,
    Missing,
    BadSegments,
}

/// Whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Streams {
    seed: u64,
    /// 0 for what all subjects share.
    subject: usize,
    /// 0 for what all sessions share.
    session: usize,
}

impl Streams {
    /// Of the whole study.
    pub(super) fn study(seed: u64) -> Self {
        Self { seed, subject: 0, session: 0 }
    }

    /// Of a subject, from 0.
    pub(super) fn subject(self, subject: usize) -> Self {
        Self { subject: subject + 1, session: 0, ..self }
    }

    /// Of a session of a subject, from 0.
    pub(super) fn session(self, session: usize) -> Self {
        Self { session: session + 1, ..self }
    }

    /// The generator of one part, which may have several streams.
    pub(super) fn rng(self, part: Part, index: usize) -> ChaCha8Rng {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(
            ((self.subject as u64) << 40) | ((self.session as u64) << 32) | ((part as u64) << 24) | index as u64,
        );
        rng
    }
}

pub(super) fn normal(rng: &mut ChaCha8Rng) -> f64 {
    StandardNormal.sample(rng)
}

/// A normal number that is drawn again where it is beyond `limit` standard deviations.
pub(super) fn bounded_normal(rng: &mut ChaCha8Rng, limit: f64) -> f64 {
    loop {
        let z = normal(rng);
        if z.abs() <= limit {
            return z;
        }
    }
}

/// A direction, all equally likely.
pub(super) fn direction(rng: &mut ChaCha8Rng) -> [f64; 3] {
    loop {
        let v = [normal(rng), normal(rng), normal(rng)];
        if super::vector::norm(v) > 1e-3 {
            return super::vector::unit(v);
        }
    }
}
