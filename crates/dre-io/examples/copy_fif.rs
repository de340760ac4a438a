//! Copies a recording of any format to FIF: `copy_fif IN OUT.fif [float32|float64|int16|int32] [SPLIT_SIZE] [bids]`.
//!
//! Integers are multiples of the largest value of each channel over the largest that the format holds.

#![allow(clippy::print_stdout, reason = "an example says what it did")]

use std::path::Path;

use dre_io::recording::fif::{FifFormat, FifOptions, FifWriter, SplitNaming};
use dre_io::recording::{Recording, open_recording};
use ndarray::Array2;

/// Samples that are copied at a time.
const BLOCK: usize = 10_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [from, to, rest @ ..] = arguments.as_slice() else {
        return Err("usage: copy_fif IN OUT.fif [float32|float64|int16|int32] [SPLIT_SIZE] [bids]".into());
    };
    let mut recording = open_recording(Path::new(from))?;
    let format = match rest.first().map_or("float32", String::as_str) {
        "float32" => FifFormat::Float32,
        "float64" => FifFormat::Float64,
        "int16" => FifFormat::Int16(calibrations(&mut *recording, f64::from(i16::MAX))?),
        "int32" => FifFormat::Int32(calibrations(&mut *recording, f64::from(i32::MAX))?),
        other => return Err(format!("`{other}` is no format of samples").into()),
    };
    let mut options = FifOptions { format, ..FifOptions::default() };
    if let Some(size) = rest.get(1) {
        options.split_size = size.parse()?;
    }
    if rest.get(2).is_some_and(|naming| naming == "bids") {
        options.split_naming = SplitNaming::Bids;
    }
    let mut writer = FifWriter::new(Path::new(to), &recording.info().clone(), &options)?;
    blocks(&mut *recording, |block| Ok(writer.write(block.view())?))?;
    for place in writer.finish()? {
        println!("{}", place.display());
    }
    Ok(())
}

fn calibrations(recording: &mut dyn Recording, most: f64) -> Result<Vec<f64>, Box<dyn std::error::Error>> {
    let mut largest = vec![0.0_f64; recording.info().channels.len()];
    blocks(recording, |block| {
        for (largest, row) in largest.iter_mut().zip(block.rows()) {
            *largest = row.iter().fold(*largest, |largest, value| largest.max(value.abs()));
        }
        Ok(())
    })?;
    // A little more, for the calibration is kept in single precision.
    Ok(largest.into_iter().map(|largest| if largest > 0.0 { largest / most * 1.000_001 } else { 1.0 }).collect())
}

/// Gives all samples to `take`, block by block.
fn blocks(
    recording: &mut dyn Recording,
    mut take: impl FnMut(Array2<f64>) -> Result<(), Box<dyn std::error::Error>>,
) -> Result<(), Box<dyn std::error::Error>> {
    let (n_channels, n_times) = (recording.info().channels.len(), recording.info().n_times);
    let channels: Vec<usize> = (0..n_channels).collect();
    for start in (0..n_times).step_by(BLOCK) {
        let mut block = Array2::zeros((n_channels, BLOCK.min(n_times - start)));
        recording.read(&channels, start, block.view_mut())?;
        take(block)?;
    }
    Ok(())
}
