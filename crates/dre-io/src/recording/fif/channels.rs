//! Channels as the format describes them.

use std::collections::{HashMap, HashSet};

use dre::data::ChannelType;

use crate::Result;
use crate::recording::{Coil, RecordingChannel, Unit};

use super::constants::{block, data_type, tag, unit};
use super::source::Source;
use super::tree::{Tag, Tree};
use super::value::words;

/// A channel's record.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct FifChannel {
    pub(super) name: String,
    pub(super) kind: i32,
    /// Stored value × `range` × `cal` is the value in the channel's unit.
    pub(super) range: f64,
    pub(super) cal: f64,
    pub(super) coil_type: i32,
    /// Position (m), then the unit vectors of the coil's axes; for electrodes the place of the reference.
    pub(super) loc: [f64; 12],
    pub(super) unit: i32,
    pub(super) unit_mul: i32,
}

/// What can tell channels of one kind number apart.
enum Rule {
    Any,
    Unit(i32),
    Coil(i32),
}

/// Kind numbers and types, with what else they depend on; the first that fits. MNE-Python's `channel_type`.
const TYPES: &[(i32, Rule, ChannelType)] = &[
    (1, Rule::Unit(unit::TESLA_PER_METRE), ChannelType::Grad),
    (1, Rule::Unit(unit::TESLA), ChannelType::Mag),
    (301, Rule::Any, ChannelType::RefMeg),
    (2, Rule::Coil(1), ChannelType::Eeg),
    (2, Rule::Coil(5), ChannelType::Eeg),
    (2, Rule::Coil(0), ChannelType::Eeg),
    (2, Rule::Coil(6), ChannelType::Csd),
    (3, Rule::Any, ChannelType::Stim),
    (202, Rule::Any, ChannelType::Eog),
    (302, Rule::Any, ChannelType::Emg),
    (402, Rule::Any, ChannelType::Ecg),
    (602, Rule::Any, ChannelType::Resp),
    (502, Rule::Any, ChannelType::Misc),
    (920, Rule::Any, ChannelType::Exci),
    (910, Rule::Any, ChannelType::Ias),
    (900, Rule::Any, ChannelType::Syst),
    (802, Rule::Any, ChannelType::Seeg),
    (803, Rule::Any, ChannelType::Dbs),
    (102, Rule::Any, ChannelType::Bio),
    (700, Rule::Any, ChannelType::Chpi),
    (701, Rule::Any, ChannelType::Chpi),
    (702, Rule::Any, ChannelType::Chpi),
    (703, Rule::Any, ChannelType::Chpi),
    (704, Rule::Any, ChannelType::Chpi),
    (705, Rule::Any, ChannelType::Chpi),
    (706, Rule::Any, ChannelType::Chpi),
    (707, Rule::Any, ChannelType::Chpi),
    (708, Rule::Any, ChannelType::Chpi),
    (709, Rule::Any, ChannelType::Chpi),
    (1000, Rule::Any, ChannelType::Dipole),
    (1001, Rule::Any, ChannelType::Gof),
    (902, Rule::Any, ChannelType::Ecog),
    (1100, Rule::Coil(300), ChannelType::Hbo),
    (1100, Rule::Coil(301), ChannelType::Hbr),
    (1100, Rule::Coil(302), ChannelType::FnirsCwAmplitude),
    (1100, Rule::Coil(303), ChannelType::FnirsOd),
    (1100, Rule::Coil(304), ChannelType::FnirsFdAcAmplitude),
    (1100, Rule::Coil(305), ChannelType::FnirsFdPhase),
    (1100, Rule::Coil(306), ChannelType::FnirsTdGatedAmplitude),
    (1100, Rule::Coil(307), ChannelType::FnirsTdMomentsIntensity),
    (1100, Rule::Coil(308), ChannelType::FnirsTdMomentsMean),
    (1100, Rule::Coil(309), ChannelType::FnirsTdMomentsVariance),
    (1200, Rule::Any, ChannelType::Temperature),
    (1300, Rule::Any, ChannelType::Gsr),
    (1400, Rule::Coil(400), ChannelType::Eyegaze),
    (1400, Rule::Coil(401), ChannelType::Pupil),
];

/// Units that have a number, as text.
const UNITS: &[(i32, &str)] = &[
    (unit::NONE, "n/a"),
    (0, ""),
    (1, "m"),
    (3, "s"),
    (4, "A"),
    (5, "K"),
    (6, "M"),
    (7, "rad"),
    (101, "Hz"),
    (105, "W"),
    (106, "C"),
    (109, "Ω"),
    (110, "S"),
    (114, "°C"),
    (117, "V/m²"),
    (118, "s²"),
    (202, "Am"),
    (210, "px"),
];

/// Number of a MEG channel's kind.
pub(super) const MEG_CH: i32 = 1;
/// Number of a MEG reference channel's kind.
pub(super) const REF_MEG_CH: i32 = 301;

impl FifChannel {
    /// The type, with MNE-Python's names; none for numbers that have none.
    pub(super) fn channel_type(&self) -> Option<ChannelType> {
        let fits = |rule: &Rule| match rule {
            Rule::Any => true,
            Rule::Unit(unit) => *unit == self.unit,
            Rule::Coil(coil) => *coil == self.coil_type,
        };
        TYPES.iter().find(|(kind, rule, _)| *kind == self.kind && fits(rule)).map(|(_, _, kind)| *kind)
    }

    /// What takes stored values to the unit.
    pub(super) fn scale(&self) -> f64 {
        self.range * self.cal
    }

    /// The channel as the rest of the workspace knows it.
    pub(super) fn to_channel(&self, bad: bool) -> RecordingChannel {
        let unit = match self.unit {
            unit::VOLT => Unit::Volt,
            unit::TESLA => Unit::Tesla,
            unit::TESLA_PER_METRE => Unit::TeslaPerMetre,
            other => Unit::Other(
                UNITS.iter().find(|(number, _)| *number == other).map_or("n/a", |(_, text)| text).to_owned(),
            ),
        };
        let [x, y, z, ..] = self.loc;
        let known = [x, y, z].iter().all(|x| x.is_finite()) && [x, y, z].iter().any(|x| x.abs() > 0.0);
        let axis = |i: usize| [self.loc[3 * i], self.loc[3 * i + 1], self.loc[3 * i + 2]];
        let is_meg = matches!(self.kind, MEG_CH | REF_MEG_CH);
        RecordingChannel {
            bad,
            position: known.then_some([x, y, z]),
            coil: is_meg.then(|| Coil { kind: self.coil_type & 0xffff, axes: [axis(1), axis(2), axis(3)] }),
            ..RecordingChannel::new(self.name.clone(), self.channel_type().unwrap_or(ChannelType::Misc), unit)
        }
    }
}

/// Kind, coil and unit numbers of a channel to be written.
pub(super) fn numbers_of(channel: &RecordingChannel, grade: u32) -> (i32, i32, i32) {
    let (kind, coil) = TYPES
        .iter()
        .find(|(_, _, kind)| *kind == channel.kind)
        .map_or((502, 0), |(kind, rule, _)| (*kind, if let Rule::Coil(coil) = rule { *coil } else { 0 }));
    let coil = match channel.kind {
        ChannelType::Grad => channel.coil.map_or(3012, |coil| coil.kind),
        ChannelType::Mag | ChannelType::RefMeg => channel.coil.map_or(3024, |coil| coil.kind),
        // Electrodes.
        ChannelType::Seeg | ChannelType::Ecog | ChannelType::Dbs => 1,
        _ => coil,
    };
    // Only the channels that are compensated carry the grade.
    let coil = if kind == MEG_CH { coil | (grade << 16) as i32 } else { coil };
    let unit = match &channel.unit {
        Unit::Volt => unit::VOLT,
        Unit::Tesla => unit::TESLA,
        Unit::TeslaPerMetre => unit::TESLA_PER_METRE,
        Unit::Other(text) => UNITS.iter().find(|(_, name)| name == text).map_or(unit::NONE, |(number, _)| *number),
    };
    (kind, coil, unit)
}

/// Reads a channel's record from its tag.
pub(super) fn read_channel(source: &mut Source, tag: &Tag) -> Result<FifChannel> {
    let bytes = source.data(tag)?;
    let (records, name) = (words(bytes), bytes.get(80..96));
    let (Some(name), data_type::CH_INFO_STRUCT) = (name, tag.data_type) else {
        let problem = format!("a channel's record has {} bytes, expected 96", tag.size);
        return Err(source.fault(tag.offset, problem));
    };
    let integer = |i: usize| i32::from_be_bytes(records[i]);
    let float = |i: usize| f64::from(f32::from_be_bytes(records[i]));
    let name = &name[..name.iter().position(|byte| *byte == 0).unwrap_or(name.len())];
    let name = match std::str::from_utf8(name) {
        Ok(name) => name.to_owned(),
        Err(_) => name.iter().map(|byte| char::from(*byte)).collect(),
    };
    let channel = FifChannel {
        name,
        kind: integer(2),
        range: float(3),
        cal: float(4),
        coil_type: integer(5),
        loc: std::array::from_fn(|i| float(6 + i)),
        unit: integer(18),
        unit_mul: integer(19),
    };
    check_scale(source, tag, &channel)?;
    Ok(channel)
}

fn check_scale(source: &Source, tag: &Tag, channel: &FifChannel) -> Result<()> {
    if channel.scale().is_finite() {
        return Ok(());
    }
    let problem = format!("channel `{}` has range {} and calibration {}", channel.name, channel.range, channel.cal);
    Err(source.fault(tag.offset, problem))
}

/// Names that were shortened to fit into a channel's record, and the names that they stand for.
pub(super) type LongNames = HashMap<String, String>;

/// Reads the blocks in which MNE-Python repeats every channel where a name has more than 15 characters.
pub(super) fn read_long(
    source: &mut Source,
    tree: &Tree,
    within: usize,
    channels: &mut [FifChannel],
) -> Result<LongNames> {
    let mut names = LongNames::new();
    let n_blocks = tree.find(within, block::CH_INFO).count();
    if n_blocks == 0 {
        return Ok(names);
    }
    if n_blocks != channels.len() {
        let problem = format!("{n_blocks} extended descriptions of {} channels", channels.len());
        return Err(crate::Error::format(&source.path, problem, super::source::COPY_AGAIN));
    }
    for (channel, node) in channels.iter_mut().zip(tree.find(within, block::CH_INFO)) {
        for tag in tree.tags(node) {
            match tag.kind {
                tag::CH_KIND => channel.kind = source.integer(tag)? as i32,
                tag::CH_RANGE => channel.range = source.number(tag)?,
                tag::CH_CAL => channel.cal = source.number(tag)?,
                tag::CH_COIL_TYPE => channel.coil_type = source.integer(tag)? as i32,
                tag::CH_UNIT => channel.unit = source.integer(tag)? as i32,
                tag::CH_UNIT_MUL => channel.unit_mul = source.integer(tag)? as i32,
                tag::CH_LOC => {
                    let loc = source.numbers(tag)?;
                    channel.loc = loc.try_into().map_err(|loc: Vec<f64>| {
                        source.fault(tag.offset, format!("a channel's place has {} numbers, expected 12", loc.len()))
                    })?;
                }
                tag::CH_DACQ_NAME => {
                    let name = source.text(tag)?;
                    names.insert(std::mem::replace(&mut channel.name, name.clone()), name);
                }
                _ => {}
            }
            check_scale(source, tag, channel)?;
        }
    }
    Ok(names)
}

/// Gives channels of the same name running numbers, as MNE-Python does; returns the names that were not unique.
pub(super) fn number_duplicates(channels: &mut [FifChannel]) -> Vec<String> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for channel in channels.iter() {
        *counts.entry(&channel.name).or_default() += 1;
    }
    let mut repeated: Vec<String> =
        counts.into_iter().filter(|(_, count)| *count > 1).map(|(name, _)| name.to_owned()).collect();
    if repeated.is_empty() {
        return repeated;
    }
    repeated.sort();
    let n_channels = channels.len();
    let mut taken: HashSet<String> = channels.iter().map(|channel| channel.name.clone()).collect();
    for stem in &repeated {
        for (number, channel) in channels.iter_mut().filter(|channel| channel.name == *stem).enumerate() {
            // Its number, else a letter.
            let ends = std::iter::once(number.to_string()).chain(('a'..='z').map(String::from));
            let more = (n_channels..).map(|number| number.to_string());
            let name = ends.chain(more).map(|end| format!("{stem}-{end}")).find(|name| !taken.contains(name));
            if let Some(name) = name {
                taken.insert(name.clone());
                channel.name = name;
            }
        }
    }
    repeated
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channel(name: &str, kind: i32, unit: i32, coil_type: i32) -> FifChannel {
        FifChannel { name: name.to_owned(), kind, range: 1.0, cal: 1.0, coil_type, loc: [0.0; 12], unit, unit_mul: 0 }
    }

    #[test]
    fn every_type_that_is_written_is_read_again() {
        for (_, _, kind) in TYPES {
            let unit = Unit::of(*kind).unwrap_or(Unit::Other("n/a".to_owned()));
            let (number, coil, unit) = numbers_of(&RecordingChannel::new("x", *kind, unit), 3);
            assert_eq!(channel("x", number, unit, coil).channel_type(), Some(*kind), "{kind}");
        }
    }

    #[test]
    fn unknown_kinds_have_no_type() {
        assert_eq!(channel("x", 1, 107, 3012).channel_type(), None);
        assert_eq!(channel("x", 77, 107, 0).channel_type(), None);
    }

    #[test]
    fn equal_names_get_running_numbers() {
        let mut channels: Vec<FifChannel> = ["a", "b", "a", "a-1", "a"].map(|name| channel(name, 2, 107, 1)).into();
        assert_eq!(number_duplicates(&mut channels), ["a"]);
        let names: Vec<&str> = channels.iter().map(|channel| channel.name.as_str()).collect();
        assert_eq!(names, ["a-0", "b", "a-a", "a-1", "a-2"]);
    }
}
