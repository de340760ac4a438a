//! The simulation against what it says of itself.

use std::collections::BTreeSet;

use ndarray::{Array1, Array2, ArrayView1, Axis, s};
use realfft::RealFftPlanner;

use super::*;
use crate::sensors::SensorArray;

fn small() -> SimulationConfig {
    SimulationConfig { n_subjects: 2, duration: 40.0, ..SimulationConfig::default() }
}

fn only(effects: Effects) -> SimulationConfig {
    SimulationConfig { effects, n_subjects: 1, ..small() }
}

fn first(config: &SimulationConfig) -> SimulatedRecording {
    Simulation::new(config).unwrap().recordings.swap_remove(0)
}

/// One-sided spectral density at each multiple of `sfreq / length`, mean over pieces without overlap, Hann window.
fn spectrum(signal: &ArrayView1<'_, f32>, sfreq: f64, length: usize) -> Vec<f64> {
    let fft = RealFftPlanner::<f64>::new().plan_fft_forward(length);
    let window = Array1::from_shape_fn(length, |i| (std::f64::consts::PI * i as f64 / length as f64).sin().powi(2));
    let norm = 2.0 / (sfreq * window.iter().map(|w| w * w).sum::<f64>());
    let mut power = vec![0.0; length / 2 + 1];
    let pieces: Vec<_> = signal.exact_chunks(length).into_iter().collect();
    for piece in &pieces {
        let mut buffer: Vec<f64> = piece.iter().zip(&window).map(|(v, w)| f64::from(*v) * w).collect();
        let mut out = fft.make_output_vec();
        fft.process(&mut buffer, &mut out).unwrap();
        power.iter_mut().zip(&out).for_each(|(p, c)| *p += norm * c.norm_sqr() / pieces.len() as f64);
    }
    power
}

fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
    let (ma, mb) = (mean(a), mean(b));
    let sum = |f: &dyn Fn(f64, f64) -> f64| a.iter().zip(b).map(|(x, y)| f(x - ma, y - mb)).sum::<f64>();
    sum(&|x, y| x * y) / (sum(&|x, _| x * x) * sum(&|_, y| y * y)).sqrt()
}

fn numbers(recording: &SimulatedRecording, column: &str) -> Vec<f64> {
    recording.events.columns[column].iter().map(|text| text.parse().unwrap()).collect()
}

#[test]
fn neither_threads_pieces_nor_other_subjects_change_a_sample() {
    let config = SimulationConfig { n_sessions: 2, bad_segments: 2, missing_channels: 3, ..small() };
    let one = Simulation::new(&config).unwrap();
    let three = Simulation::with_threads(&config, 3).unwrap();
    assert_eq!(one.recordings.len(), 4);
    for (a, b) in one.recordings.iter().zip(&three.recordings) {
        assert_eq!((&a.data, &a.events, &a.gaps, &a.truth), (&b.data, &b.events, &b.gaps, &b.truth));
    }
    let alone = Simulation::new(&SimulationConfig { n_subjects: 1, ..config.clone() }).unwrap();
    assert_eq!(alone.recordings[1].data, one.recordings[1].data);
    assert_ne!(one.recordings[0].data, one.recordings[1].data);
    assert_ne!(one.recordings[0].data, one.recordings[2].data);
    let other = Simulation::new(&SimulationConfig { seed: 1, ..config.clone() }).unwrap();
    assert_ne!(other.recordings[0].data, one.recordings[0].data);
    // Read in odd pieces on two threads.
    let mut stream = Simulator::new(&config).unwrap().recording(1, 1).unwrap();
    let mut data = Array2::zeros((stream.channels.len(), stream.n_times));
    let mut start = 0;
    for n in [1, 1023, 77, 2000].into_iter().cycle() {
        let n = n.min(stream.n_left());
        stream.read(data.slice_mut(s![.., start..start + n]), 2);
        start += n;
        if n == 0 {
            break;
        }
    }
    assert_eq!(data.slice(s![..19, ..]), one.recordings[3].data);
}

#[test]
fn events_are_as_the_timing_says() {
    for (timing, shortest, longest) in
        [(Timing::Fixed, 0.6, 0.6), (Timing::Jittered, 0.3, 1.1), (Timing::Mous, 0.6, 1.7)]
    {
        let config = SimulationConfig { timing, duration: 300.0, n_subjects: 1, ..small() };
        let recording = first(&config);
        let events = &recording.events;
        events.check().unwrap();
        let position = numbers(&recording, "word_position");
        for (i, pair) in events.onset.windows(2).enumerate() {
            let step = pair[1] - pair[0];
            let between = if position[i + 1] > 1.5 { 0.0 } else { 1.2 };
            let most = longest + if between > 0.0 { 2.2 } else { 0.0 };
            assert!((shortest + between - 1e-9..most + 1e-9).contains(&step), "{timing:?}: {step} s");
            let pause: f64 = events.columns["pause"][i + 1].parse().unwrap();
            assert!((pause - step).abs() < 1e-9);
        }
        assert!(events.onset[0] >= 1.0 && events.onset[events.len() - 1] <= 298.0);
        let sentences: BTreeSet<&String> = events.columns["sentence_id"].iter().collect();
        let begins = position.iter().filter(|p| **p < 1.5).count();
        assert_eq!(sentences.len(), begins, "no sentence comes twice in so short a recording");
        let r = correlation(&numbers(&recording, "word_length"), &numbers(&recording, "word_frequency"));
        assert!((r + 0.7).abs() < 0.15, "length and frequency correlate with {r}");
        for (word, letters) in events.columns["word"].iter().zip(numbers(&recording, "word_length")) {
            assert_eq!(word.len(), letters as usize, "{word}");
        }
    }
}

#[test]
fn sentences_are_the_same_for_all_subjects_in_another_order() {
    let simulation = Simulation::new(&SimulationConfig { duration: 200.0, ..small() }).unwrap();
    let texts = |i: usize| -> BTreeMap<&String, &String> {
        let columns = &simulation.recordings[i].events.columns;
        columns["sentence_id"].iter().zip(&columns["sentence"]).collect()
    };
    let (a, b) = (texts(0), texts(1));
    assert!(a.iter().all(|(id, text)| b.get(id).is_none_or(|other| other == text)));
    assert_ne!(
        simulation.recordings[0].events.columns["sentence_id"][0],
        simulation.recordings[1].events.columns["sentence_id"][0]
    );
}

/// With everything off a recording is Σ size × kernel × topography, and averaging finds it again.
#[test]
fn planted_topographies_and_latencies_are_found_again() {
    for array in SensorArray::ALL {
        let config = SimulationConfig { array, sfreq: 250.0, duration: 60.0, ..only(Effects::NONE) };
        let recording = first(&config);
        let kernels = kernels(250.0);
        let n_lags = kernels.ncols();
        // Least squares over sizes at each word would be a deconvolution; here words are rebuilt from the truth instead.
        let mut courses = Array2::<f64>::zeros((3, recording.data.ncols()));
        for word in &recording.truth.words {
            for (r, size) in word.sizes.iter().enumerate() {
                let response = &brain::RESPONSES[r];
                for lag in 0..n_lags {
                    let sample = (word.onset * 250.0).ceil() as usize + lag;
                    if sample < courses.ncols() {
                        courses[[r, sample]] += size * response.at(sample as f64 / 250.0 - word.onset, 0.0);
                    }
                }
            }
        }
        let expected = recording.truth.topographies.dot(&courses);
        let worst = (&recording.data.mapv(f64::from) - &expected).iter().fold(0.0_f64, |m, v| m.max(v.abs()));
        let size = expected.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
        assert!(worst < 1e-4 * size, "{array}: {worst:e} of {size:e}");
        // The first word of each sentence has nothing before it: its peak is where the truth says.
        let strongest = (0..recording.data.nrows())
            .max_by(|&a, &b| {
                let visual = |row: usize| recording.truth.topographies[[row, 0]].abs();
                visual(a).total_cmp(&visual(b))
            })
            .unwrap();
        let onset = (recording.truth.words[0].onset * 250.0) as usize;
        let window = recording.data.slice(s![strongest, onset..onset + 35]);
        let peak = window.iter().enumerate().max_by(|a, b| a.1.abs().total_cmp(&b.1.abs())).unwrap().0;
        assert!((peak as f64 / 250.0 - responses()[0].latency).abs() <= 0.008, "{array}: {peak} samples");
    }
}

#[test]
fn the_background_falls_as_one_over_frequency_with_the_density_it_says() {
    let sfreq = 256.0;
    let mut pink = noise::Pink::new(sfreq, stream::Streams::study(3).rng(stream::Part::Background, 0));
    let signal = Array1::from_shape_simple_fn(1 << 18, || pink.next() as f32);
    let length = 1024;
    let power = spectrum(&signal.view(), sfreq, length);
    let bin = |freq: f64| (freq / sfreq * length as f64).round() as usize;
    let octave = |low: f64| {
        let bins = &power[bin(low)..bin(2.0 * low)];
        bins.iter().sum::<f64>() / bins.len() as f64
    };
    for low in [1.0, 2.0, 4.0, 8.0, 16.0] {
        let ratio = octave(low) / octave(2.0 * low);
        assert!((1.7..2.4).contains(&ratio), "from {low} Hz an octave up the power falls {ratio} times");
    }
    // Mean of 10/f over 8–16 Hz is 10 ln 2 / 8.
    let density = octave(8.0) / (10.0 * std::f64::consts::LN_2 / 8.0);
    assert!((0.85..1.15).contains(&density), "density {density}");
}

#[test]
fn alpha_peaks_at_the_subject_s_frequency_over_the_occiput() {
    let effects = Effects { alpha: true, ..Effects::NONE };
    let config = SimulationConfig { duration: 200.0, snr: 0.0, ..only(effects) };
    let recording = first(&config);
    let sd: Vec<f64> = recording.data.outer_iter().map(|row| f64::from(row.std(0.0))).collect();
    let names: Vec<String> = SensorArray::Eeg19.sensors().into_iter().map(|s| s.name).collect();
    let strongest = (0..19).max_by(|&a, &b| sd[a].total_cmp(&sd[b])).unwrap();
    assert!(["O1", "O2", "Pz", "P3", "P4"].contains(&names[strongest].as_str()), "{}", names[strongest]);
    assert!((2e-6..4e-5).contains(&sd[strongest]), "{} V", sd[strongest]);
    let power = spectrum(&recording.data.row(strongest), 128.0, 512);
    let peak = (0..power.len()).max_by(|&a, &b| power[a].total_cmp(&power[b])).unwrap() as f64 / 4.0;
    assert!((peak - recording.truth.alpha_freq).abs() < 1.0, "{peak} Hz for {} Hz", recording.truth.alpha_freq);
    // Root mean square as the topography says: two sources in step at the most.
    let bound: f64 = recording.truth.topographies.row(strongest).slice(s![3..]).iter().map(|v| v.abs()).sum();
    assert!(sd[strongest] < 1.4 * bound && sd[strongest] > 0.3 * bound, "{} of {bound}", sd[strongest]);
}

#[test]
fn alpha_carries_its_phase_across_the_word() {
    let effects = Effects { alpha: true, ..Effects::NONE };
    let recording = first(&SimulationConfig { duration: 300.0, snr: 0.0, ..only(effects) });
    let row: Vec<f64> = recording.data.row(17).iter().map(|v| f64::from(*v)).collect();
    let best = |from: usize| {
        (from..from + 13).map(|lag| correlation(&row[..row.len() - lag], &row[lag..])).fold(-1.0, f64::max)
    };
    // About one cycle, half a second, and three seconds later.
    assert!(best(10) > 0.8 && best(64) > 0.25 && best(384) < 0.2, "{} {} {}", best(10), best(64), best(384));
}

/// What differs between a recording with a switch and one without.
#[test]
fn every_switch_changes_what_it_says_and_nothing_else() {
    let base =
        SimulationConfig { sfreq: 256.0, effects: Effects { alpha: true, ..Effects::NONE }, n_subjects: 1, ..small() };
    let without = first(&base);
    for name in Effects::NAMES {
        let mut effects = base.effects;
        let switch = effects.switch(name).unwrap();
        *switch = !*switch;
        let with = first(&SimulationConfig { effects, ..base.clone() });
        assert_ne!(with.data, without.data, "{name} does nothing");
        assert_eq!(with.events, without.events, "{name}");
        let (a, b) = (&with.truth, &without.truth);
        let has = |one: &str| name == one;
        assert_eq!((a.gain - b.gain).abs() > 0.0, has("subject-gain"), "{name}");
        assert_eq!(a.latency_shifts != b.latency_shifts, has("subject-latency"), "{name}");
        assert_eq!(a.source_names != b.source_names, has("alpha"), "{name}");
        if !has("alpha") {
            assert_eq!(a.topographies != b.topographies, has("head-position"), "{name}");
        }
        for (x, y) in a.words.iter().zip(&b.words) {
            assert!((x.alpha_power - y.alpha_power).abs() < 1e-12 && (x.alpha_phase - y.alpha_phase).abs() < 1e-12);
            assert_eq!((x.alpha_gain - y.alpha_gain).abs() > 0.0, has("alpha-gain"), "{name}");
        }
        let recoveries_differ = a.words.iter().zip(&b.words).any(|(x, y)| x.recoveries != y.recoveries);
        assert_eq!(recoveries_differ, has("adaptation"), "{name}");
    }
}

#[test]
fn overlapping_responses_add_up_unless_they_saturate() {
    let course = |effects| {
        let stream = Simulator::new(&only(effects)).unwrap().recording(0, 0).unwrap();
        let mut course = vec![0.0_f32; stream.n_times];
        stream.course(1, 0, &mut course);
        course
    };
    let (linear, saturated) = (course(Effects::NONE), course(Effects { saturation: true, ..Effects::NONE }));
    let limit = brain::RESPONSES[1].size.0 / brain::SATURATION;
    for (x, y) in linear.iter().zip(&saturated) {
        assert!(f64::from((x / limit as f32).tanh() * limit as f32 - y).abs() < 1e-5);
    }
    assert!(linear.iter().any(|v| f64::from(*v) > limit) && saturated.iter().all(|v| f64::from(*v) <= limit));
}

#[test]
fn adaptation_and_alpha_scale_words_as_the_truth_says() {
    let effects = Effects { adaptation: true, alpha: true, alpha_gain: true, ..Effects::NONE };
    let recording = first(&SimulationConfig { duration: 200.0, ..only(effects) });
    let visual = &responses()[0];
    let (loss, time) = visual.adaptation.unwrap();
    let (lengths, pauses) = (numbers(&recording, "word_length"), &recording.events.columns["pause"]);
    let (mut powers, mut gains) = (Vec::new(), Vec::new());
    for (word, (length, pause)) in recording.truth.words.iter().zip(lengths.iter().zip(pauses)) {
        let recovery = pause.parse::<f64>().map_or(1.0, |pause| 1.0 - loss * (-pause / time).exp());
        assert!((word.recoveries[0] - recovery).abs() < 1e-12);
        let size = (visual.size + visual.slope * (length - visual.mean)) * recovery * word.alpha_gain;
        assert!((word.sizes[0] - size).abs() < 1e-12);
        powers.push(word.alpha_power.ln());
        gains.push(word.alpha_gain);
    }
    assert!(correlation(&powers, &gains) < -0.8, "more alpha, smaller responses");
}

#[test]
fn bad_segments_are_loud_and_missing_channels_are_gaps() {
    let effects = Effects { sensor_noise: true, ..Effects::NONE };
    let config = SimulationConfig { bad_segments: 3, missing_channels: 2, ..only(effects) };
    let recording = first(&config);
    assert_eq!((recording.gaps.segments().len(), recording.gaps.channels().len()), (3, 2));
    assert_eq!(recording.events.columns["trial_type"].iter().filter(|t| *t == "BAD_muscle").count(), 3);
    let quiet = first(&SimulationConfig { bad_segments: 0, ..config.clone() });
    let difference = &recording.data - &quiet.data;
    for (sample, column) in difference.axis_iter(Axis(1)).enumerate() {
        let bad = recording.gaps.segments().iter().any(|segment| segment.contains(&sample));
        assert!(bad || column.iter().all(|v| *v == 0.0), "sample {sample} is not in a bad segment");
    }
    let middle = &recording.gaps.segments()[1];
    let loud = recording.data.slice(s![0, middle.clone()]).std(0.0);
    assert!(loud > 10.0 * quiet.data.slice(s![0, middle.clone()]).std(0.0));
}

#[test]
fn a_cohort_holds_the_recordings_and_their_features() {
    let config = SimulationConfig { n_sessions: 2, bad_segments: 1, missing_channels: 1, ..small() };
    let simulation = Simulation::new(&config).unwrap();
    let cohort = simulation.cohort(&word_features()).unwrap();
    assert_eq!(cohort.subjects, ["sub-01", "sub-02"]);
    assert_eq!(cohort.features, ["word_frequency", "word_length", "word_onset", "word_position"]);
    assert_eq!(cohort.recordings.iter().map(|r| r.subject).collect::<Vec<_>>(), [0, 0, 1, 1]);
    assert_eq!(cohort.recordings[1].id, "sub-01_ses-02_task-reading");
    let (made, kept) = (&simulation.recordings[3], &cohort.recordings[3]);
    assert_eq!(kept.data.channel(5), made.data.row(5).to_vec());
    assert_eq!(kept.gaps, made.gaps);
    let words = made.truth.words.len();
    assert_eq!(kept.feature(2).iter().filter(|v| **v > 0.0).count(), words, "one sample for each word");
}

#[test]
fn what_cannot_be_is_refused_with_the_reason() {
    let message = |config: SimulationConfig| Simulation::new(&config).unwrap_err().to_string();
    for (config, expected) in [
        (SimulationConfig { n_subjects: 0, ..small() }, "subjects = 0, expected 1 to 9999"),
        (SimulationConfig { n_sessions: 100, ..small() }, "sessions = 100, expected 1 to 99"),
        (
            SimulationConfig { sfreq: 50.0, ..small() },
            "sfreq = 50, expected 64 to 20000 Hz: the responses and the alpha rhythm reach to 30 Hz, half of which is not enough",
        ),
        (
            SimulationConfig { duration: 9.0, ..small() },
            "duration = 9, expected 12.9 s at least, to hold a sentence of 9 words, and a day at most",
        ),
        (
            SimulationConfig { duration: f64::NAN, ..small() },
            "duration = NaN, expected 12.9 s at least, to hold a sentence of 9 words, and a day at most",
        ),
        (
            SimulationConfig { words_per_sentence: (5, 3), ..small() },
            "words_per_sentence = 5-3, expected 1 to 60 words, the fewest first",
        ),
        (SimulationConfig { snr: -1.0, ..small() }, "snr = -1, expected 0 to 1000, 1 being a realistic size"),
        (
            SimulationConfig { missing_channels: 19, ..small() },
            "missing_channels = 19, expected below 19, the number of channels of eeg19",
        ),
        (
            SimulationConfig { bad_segments: 9, ..small() },
            "bad_segments = 9, expected 0 to 6, so that half of the recording stays good",
        ),
        (
            SimulationConfig { effects: Effects { alpha: false, ..Effects::ALL }, ..small() },
            "alpha-gain = on, expected off where alpha is off: its power before a word cannot be seen then",
        ),
    ] {
        assert_eq!(message(config), expected);
    }
    let error = Simulator::new(&small()).unwrap().recording(2, 0).unwrap_err().to_string();
    assert_eq!(error, "subject = 2, expected below 2");
}
