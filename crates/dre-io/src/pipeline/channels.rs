//! The channels of a cohort, matched by name over its recordings.

use std::collections::BTreeMap;

use dre::data::{Channel, Lack};
use dre::results::Exclusion;

use super::{PipelineError, Result};
use crate::prepare::pick_channels;
use crate::recording::RecordingInfo;
use crate::study::{ChannelSet, DataSpec};

/// Which channels the recordings of a cohort have.
#[derive(Debug, Default)]
pub(super) struct ChannelTable {
    /// Channels in the order of their first appearance, and the recording of each one's.
    channels: Vec<(Channel, String)>,
    row_of: BTreeMap<String, usize>,
    recordings: Vec<Row>,
}

/// One recording's channels.
#[derive(Debug)]
struct Row {
    id: String,
    /// Position in the recording by row of the table.
    positions: BTreeMap<usize, usize>,
    /// Names of channels that are marked as bad.
    bad: Vec<String>,
}

/// The channels of a cohort and where each recording has them.
#[derive(Debug)]
pub(super) struct Matched {
    pub(super) channels: Vec<Channel>,
    /// By recording: positions of the channels it has, in the cohort's order.
    pub(super) picks: Vec<Vec<usize>>,
    /// By recording: the rows that it lacks.
    pub(super) lacks: Vec<BTreeMap<usize, Lack>>,
    /// Channels that are not in all recordings, where only those that are count.
    pub(super) excluded: Vec<Exclusion>,
}

impl ChannelTable {
    /// Adds a recording.
    ///
    /// # Errors
    /// [`PipelineError::NoChannels`] where no channel can be used, [`PipelineError::ChannelTypeDiffers`] where one has another
    /// type than in an earlier recording.
    pub(super) fn add(&mut self, id: &str, info: &RecordingInfo, data: &DataSpec) -> Result<()> {
        let picks = pick_channels(info, &data.picks, &data.exclude);
        if picks.is_empty() {
            let names: Vec<&str> = data.picks.iter().map(|k| k.name()).collect();
            return Err(PipelineError::NoChannels {
                recording: id.to_owned(),
                picks: names.join(" or "),
                found: info.channel_summary(),
            });
        }
        let mut positions = BTreeMap::new();
        for pick in picks {
            let channel = info.cohort_channel(pick);
            let row = *self.row_of.entry(channel.name.clone()).or_insert(self.channels.len());
            match self.channels.get(row) {
                None => self.channels.push((channel, id.to_owned())),
                Some((known, first)) if known.kind != channel.kind => {
                    return Err(PipelineError::ChannelTypeDiffers {
                        first: first.clone(),
                        recording: id.to_owned(),
                        channel: channel.name,
                        found: channel.kind.name(),
                        expected: known.kind.name(),
                    });
                }
                Some(_) => {}
            }
            positions.insert(row, pick);
        }
        let bad = info.channels.iter().filter(|channel| channel.bad).map(|channel| channel.name.clone()).collect();
        self.recordings.push(Row { id: id.to_owned(), positions, bad });
        Ok(())
    }

    /// The channels that any (or, for [`ChannelSet::Common`], every) recording has.
    ///
    /// # Errors
    /// [`PipelineError::NothingInCommon`].
    pub(super) fn finish(self, set: ChannelSet) -> Result<Matched> {
        let lack = |recording: &Row, row: usize| {
            let is_bad = recording.bad.contains(&self.channels[row].0.name);
            if is_bad { Lack::Bad } else { Lack::Absent }
        };
        let mut excluded = Vec::new();
        let mut kept = Vec::new();
        for row in 0..self.channels.len() {
            let without: Vec<&Row> = self.recordings.iter().filter(|r| !r.positions.contains_key(&row)).collect();
            if set == ChannelSet::All || without.is_empty() {
                kept.push(row);
                continue;
            }
            let shown: Vec<String> = without
                .iter()
                .take(3)
                .map(|r| format!("{} in {}", if lack(r, row) == Lack::Bad { "bad" } else { "absent" }, r.id))
                .collect();
            excluded.push(Exclusion {
                what: self.channels[row].0.name.clone(),
                reason: format!(
                    "not good in {} of {} recordings ({}{}), and data.channels = \"common\"",
                    without.len(),
                    self.recordings.len(),
                    shown.join(", "),
                    if without.len() > shown.len() { ", …" } else { "" }
                ),
            });
        }
        if kept.is_empty() {
            return Err(PipelineError::NothingInCommon { n_recordings: self.recordings.len() });
        }
        let picks =
            self.recordings.iter().map(|r| kept.iter().filter_map(|row| r.positions.get(row).copied()).collect());
        let lacks = self.recordings.iter().map(|r| {
            let missing = kept.iter().enumerate().filter(|(_, row)| !r.positions.contains_key(*row));
            missing.map(|(new, &row)| (new, lack(r, row))).collect()
        });
        let (picks, lacks) = (picks.collect(), lacks.collect());
        let channels = kept.iter().map(|&row| self.channels[row].0.clone()).collect();
        Ok(Matched { channels, picks, lacks, excluded })
    }
}

#[cfg(test)]
mod tests {
    use dre::data::ChannelType;

    use super::*;
    use crate::recording::{RecordingChannel, Unit};

    fn info(names: &[(&str, ChannelType, bool)]) -> RecordingInfo {
        let channel = |&(name, kind, bad): &(&str, ChannelType, bool)| RecordingChannel {
            bad,
            ..RecordingChannel::new(name, kind, Unit::of(kind).unwrap_or(Unit::Other(String::new())))
        };
        RecordingInfo::new("x", 100.0, 10, names.iter().map(channel).collect())
    }

    fn table(recordings: &[&[(&str, ChannelType, bool)]]) -> Result<ChannelTable> {
        let mut table = ChannelTable::default();
        for (i, names) in recordings.iter().enumerate() {
            table.add(&format!("sub-{i}"), &info(names), &DataSpec::default())?;
        }
        Ok(table)
    }

    const EEG: ChannelType = ChannelType::Eeg;

    #[test]
    fn channels_are_matched_by_name_in_the_order_of_their_first_appearance() {
        let recordings: [&[_]; 3] = [
            &[("Cz", EEG, false), ("EOG", ChannelType::Eog, false), ("Pz", EEG, true)],
            &[("Oz", EEG, false), ("Pz", EEG, false), ("Cz", EEG, false)],
            &[("Pz", EEG, false), ("Cz", EEG, false), ("dead", EEG, true)],
        ];
        let all = table(&recordings).unwrap().finish(ChannelSet::All).unwrap();
        let names = |m: &Matched| m.channels.iter().map(|c| c.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&all), ["Cz", "Oz", "Pz"]);
        assert_eq!(all.picks, [vec![0], vec![2, 0, 1], vec![1, 0]]);
        assert_eq!(all.lacks[0], BTreeMap::from([(1, Lack::Absent), (2, Lack::Bad)]));
        assert_eq!(all.lacks[1..], [BTreeMap::new(), BTreeMap::from([(1, Lack::Absent)])]);
        assert!(all.excluded.is_empty());
        let common = table(&recordings).unwrap().finish(ChannelSet::Common).unwrap();
        assert_eq!(names(&common), ["Cz"]);
        assert_eq!(common.picks, [[0], [2], [1]]);
        assert_eq!(common.excluded[1].what, "Pz");
        let reason = "not good in 1 of 3 recordings (bad in sub-0), and data.channels = \"common\"";
        assert_eq!(common.excluded[1].reason, reason);
    }

    #[test]
    fn meg_is_picked_by_type_and_reference_channels_never() {
        let kinds = [ChannelType::RefMeg, ChannelType::Mag, ChannelType::Stim, ChannelType::Grad, ChannelType::RefMeg];
        let names: Vec<_> = kinds.iter().zip(["B1", "M1", "S", "G1", "B2"]).map(|(&k, n)| (n, k, false)).collect();
        let found = table(&[&names]).unwrap().finish(ChannelSet::All).unwrap();
        assert_eq!(found.picks, [[1, 3]]);
    }

    #[test]
    fn contradictions_are_named() {
        let message = |recordings: &[&[_]], set| match table(recordings) {
            Ok(table) => table.finish(set).map(|_| ()).unwrap_err().to_string(),
            Err(error) => error.to_string(),
        };
        let found = message(&[&[("A", EEG, false)], &[("A", ChannelType::Mag, false)]], ChannelSet::All);
        assert!(found.contains("sub-1: channel A is of type mag, in sub-0 of type eeg"), "{found}");
        let found = message(&[&[("A", EEG, false)], &[("B", EEG, false)]], ChannelSet::Common);
        assert!(found.contains("no channel is good in all 2 recordings"), "{found}");
        let found = message(&[&[("A", EEG, true)]], ChannelSet::All);
        assert!(found.contains("1 eeg (1 bad)"), "{found}");
    }
}
