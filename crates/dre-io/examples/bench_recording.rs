//! Writes a BIDS data set of one noisy MEG recording and a study of it, for `cargo xtask bench prepare`:
//! `bench_recording FOLDER N_CHANNELS SFREQ SECONDS DECIM`.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use dre::data::ChannelType;
use dre_io::recording::fif::{FifOptions, FifWriter, SplitNaming};
use dre_io::recording::{RecordingChannel, RecordingInfo, Unit};
use ndarray::Array2;

/// Seconds that are made at a time.
const PIECE: usize = 5;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, n_channels, sfreq, seconds, decim] = arguments.as_slice() else {
        return Err("usage: bench_recording FOLDER N_CHANNELS SFREQ SECONDS DECIM".into());
    };
    let (n_channels, seconds): (usize, usize) = (n_channels.parse()?, seconds.parse()?);
    let sfreq: usize = sfreq.parse()?;
    let folder = Path::new(folder);
    let meg = folder.join("bids/sub-01/meg");
    fs::create_dir_all(&meg)?;
    fs::write(folder.join("bids/dataset_description.json"), r#"{"Name": "bench", "BIDSVersion": "1.9.0"}"#)?;
    let channel = |i| RecordingChannel::new(format!("M{i:04}"), ChannelType::Mag, Unit::Tesla);
    let path = meg.join("sub-01_task-x_meg.fif");
    let info = RecordingInfo::new(&path, sfreq as f64, seconds * sfreq, (0..n_channels).map(channel).collect());
    let options = FifOptions { split_naming: SplitNaming::Bids, ..FifOptions::default() };
    let mut writer = FifWriter::new(&path, &info, &options)?;
    let mut state = 1u64;
    for start in (0..seconds).step_by(PIECE) {
        let n_times = PIECE.min(seconds - start) * sfreq;
        let noise = |(channel, time): (usize, usize)| {
            // Xorshift noise of 100 fT, and a slow wave that differs between channels.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let slow = ((start * sfreq + time) as f64 / sfreq as f64 + channel as f64).sin();
            1e-13 * (slow + (state >> 40) as f64 / f64::from(1u32 << 24) - 0.5)
        };
        writer.write(Array2::from_shape_fn((n_channels, n_times), noise).view())?;
    }
    writer.finish()?;
    let mut events = "onset\tduration\n".to_owned();
    for second in 1..seconds.saturating_sub(2) {
        writeln!(events, "{second}\t0.1")?;
    }
    fs::write(meg.join("sub-01_task-x_events.tsv"), events)?;
    let study = format!(
        "name = \"bench\"\n[data]\nbids = \"bids\"\n[prepare]\nl_freq = 1.0\nh_freq = 30.0\ndecim = {decim}\n\
         [epochs]\ntmin = -0.2\ntmax = 0.5\n[[features]]\nname = \"onset\"\nkind = \"presence\"\n\
         [models.trf]\nkind = \"trf\"\n"
    );
    fs::write(folder.join("study.toml"), study)?;
    Ok(())
}
