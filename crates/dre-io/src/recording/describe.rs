//! A recording whose channels are described elsewhere, as BIDS does in `channels.tsv` and `electrodes.tsv`.

use dre::data::ChannelType;
use ndarray::ArrayViewMut2;

use crate::error::suggest;
use crate::{Error, Result};

use super::ctf;
use super::{Recording, RecordingInfo, Unit};

/// What is said about one channel of a recording.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChannelNote<'a> {
    /// The channel's name.
    pub name: &'a str,
    /// What it measures; stays as the file has it where absent.
    pub kind: Option<ChannelType>,
    /// The unit, for files that give none.
    pub unit: Option<&'a str>,
    /// Whether it is marked as bad.
    pub bad: bool,
    /// Position in head coordinates (m), where known.
    pub position: Option<[f64; 3]>,
}

/// The recording with its channels as `notes` describe them.
///
/// The notes decide about type, status and position. The unit in the recording's own file decides about scaling where
/// there is one, as in MNE-BIDS: programs that write `channels.tsv` often give the unit after reading instead. Channels
/// without a note stay as they are.
///
/// # Errors
/// [`Error::UnknownChannel`] for a note on a channel that the recording does not have: its status would be lost.
pub fn describe<'a>(
    recording: Box<dyn Recording>,
    notes: impl IntoIterator<Item = ChannelNote<'a>>,
) -> Result<Box<dyn Recording>> {
    let mut info = recording.info().clone();
    let mut scales = vec![None; info.channels.len()];
    for note in notes {
        let called = |name: &str| info.channels.iter().position(|channel| channel.name == name);
        // Tables about CTF recordings may hold the site's number, which the reader leaves out.
        let Some(index) = called(note.name).or_else(|| called(ctf::bare_name(&info.path, note.name)?)) else {
            let names = info.channels.iter().map(|channel| channel.name.as_str());
            return Err(Error::UnknownChannel {
                path: info.path.clone(),
                channel: note.name.to_owned(),
                found: suggest(note.name, "its channels", names),
            });
        };
        let channel = &mut info.channels[index];
        channel.kind = note.kind.unwrap_or(channel.kind);
        channel.bad = note.bad;
        channel.position = note.position.or(channel.position);
        if let (Some(unit), Unit::Other(own)) = (note.unit, &channel.unit)
            && matches!(own.as_str(), "" | "n/a")
        {
            let (unit, factor) = Unit::parse(unit);
            channel.unit = unit;
            scales[index] = Some(factor);
        }
    }
    Ok(Box::new(Described { recording, info, scales }))
}

struct Described {
    recording: Box<dyn Recording>,
    info: RecordingInfo,
    /// Factors to the unit in `info`, where that is not the reader's.
    scales: Vec<Option<f64>>,
}

impl Recording for Described {
    fn info(&self) -> &RecordingInfo {
        &self.info
    }

    fn read(&mut self, channels: &[usize], start: usize, mut out: ArrayViewMut2<'_, f64>) -> Result<()> {
        self.recording.read(channels, start, out.view_mut())?;
        for (channel, mut row) in channels.iter().zip(out.rows_mut()) {
            if let Some(factor) = self.scales[*channel] {
                row.mapv_inplace(|value| value * factor);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;
    use crate::recording::{RecordingChannel, check_request};

    /// Two channels, one in µV and one without a unit, that hold 1, 2 and 3, 4.
    struct Fake(RecordingInfo);

    impl Recording for Fake {
        fn info(&self) -> &RecordingInfo {
            &self.0
        }

        fn read(&mut self, channels: &[usize], start: usize, mut out: ArrayViewMut2<'_, f64>) -> Result<()> {
            check_request(&self.0, channels, start, &out)?;
            out.assign(&array![[1.0, 2.0], [3.0, 4.0]]);
            Ok(())
        }
    }

    fn fake() -> Box<dyn Recording> {
        let unitless = Unit::Other("n/a".to_owned());
        let channels = vec![
            RecordingChannel::new("Fp1", ChannelType::Eeg, Unit::Volt),
            RecordingChannel::new("EOG", ChannelType::Misc, unitless),
        ];
        Box::new(Fake(RecordingInfo::new("rec.x", 1.0, 2, channels)))
    }

    fn note<'a>(name: &'a str, kind: ChannelType, unit: &'a str, bad: bool) -> ChannelNote<'a> {
        ChannelNote { name, kind: Some(kind), unit: Some(unit), bad, position: None }
    }

    #[test]
    fn notes_decide_about_type_and_status_and_fill_in_missing_units() {
        let notes = [note("EOG", ChannelType::Eog, "mV", true), note("Fp1", ChannelType::Eeg, "nV", false)];
        let mut recording = describe(fake(), notes).unwrap();
        let channels = &recording.info().channels;
        assert_eq!((channels[1].kind, channels[1].bad, &channels[1].unit), (ChannelType::Eog, true, &Unit::Volt));
        assert_eq!(recording.info().channel_summary(), "1 eeg, 1 eog (1 bad)");
        let mut out = array![[0.0, 0.0], [0.0, 0.0]];
        recording.read(&[0, 1], 0, out.view_mut()).unwrap();
        assert_eq!(out, array![[1.0, 2.0], [3e-3, 4e-3]], "a unit that the file has is not overruled");
    }

    #[test]
    fn a_note_on_no_channel_is_an_error_with_the_nearest_name() {
        let error = describe(fake(), [note("FP1", ChannelType::Eeg, "µV", true)]).err().unwrap().to_string();
        assert_eq!(
            error,
            "rec.x: has no channel `FP1`, which its channels.tsv describes; did you mean `Fp1`? its channels: `Fp1`, `EOG`"
        );
    }
}
