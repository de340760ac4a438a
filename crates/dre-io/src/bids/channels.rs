//! Tables of channels.

use std::collections::HashMap;
use std::path::Path;

use dre::data::ChannelType;

use super::BidsError;
use super::table::{Table, is_missing};

/// One row of `channels.tsv`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BidsChannel {
    /// Name, unique within the file.
    pub name: String,
    /// What it measures.
    pub kind: ChannelType,
    /// The type as the file spells it, such as `MEGGRADAXIAL`.
    pub bids_type: String,
    /// Unit of the stored data as the file spells it, such as `µV`; `None` where it says `n/a` or nothing.
    pub units: Option<String>,
    /// Whether the status is `bad`; a channel without status is good.
    pub is_bad: bool,
}

pub(super) fn parse(file: &Path, bytes: &[u8]) -> Result<Vec<BidsChannel>, BidsError> {
    let table = Table::parse(file, bytes, "the columns name, type and units")?;
    let (name, kind) = (table.column("name")?, table.column("type")?);
    let (units, status) = (table.find("units"), table.find("status"));
    let mut line_of: HashMap<&str, usize> = HashMap::new();
    let mut channels = Vec::with_capacity(table.rows.len());
    for row in &table.rows {
        let text = row.fields[name].trim();
        if text.is_empty() || is_missing(text) {
            return Err(table.value(row, "name", text, "the channel's name", "name it as in the recording"));
        }
        if let Some(first_line) = line_of.insert(text, row.line) {
            let (file, name) = (table.file.clone(), text.to_owned());
            return Err(BidsError::RepeatedName { file, line: row.line, name, first_line });
        }
        let bids_type = row.fields[kind].trim().to_owned();
        let units = units.map(|column| row.fields[column].trim()).filter(|t| !t.is_empty() && !is_missing(t));
        let is_bad = match status.map(|column| row.fields[column].trim()) {
            None | Some("") => false,
            Some(text) if text.eq_ignore_ascii_case("good") || is_missing(text) => false,
            Some(text) if text.eq_ignore_ascii_case("bad") => true,
            Some(text) => return Err(table.value(row, "status", text, "good, bad or n/a", "write one of them")),
        };
        channels.push(BidsChannel {
            name: text.to_owned(),
            kind: channel_type(&bids_type),
            bids_type,
            units: units.map(str::to_owned),
            is_bad,
        });
    }
    Ok(channels)
}

/// Types of the BIDS specification (MEG, EEG: `channels.tsv`). Axial gradiometers are `mag`, as in MNE-Python: their
/// data are in tesla.
fn channel_type(bids_type: &str) -> ChannelType {
    match bids_type.to_ascii_uppercase().as_str() {
        "EEG" => ChannelType::Eeg,
        "EOG" | "VEOG" | "HEOG" => ChannelType::Eog,
        "ECG" => ChannelType::Ecg,
        "EMG" => ChannelType::Emg,
        "MEGMAG" | "MEGGRADAXIAL" => ChannelType::Mag,
        "MEGGRADPLANAR" => ChannelType::Grad,
        "TRIG" => ChannelType::Stim,
        reference if reference.starts_with("MEGREF") => ChannelType::RefMeg,
        _ => ChannelType::Misc,
    }
}
