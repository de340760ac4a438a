//! Tables of channels and electrodes.

use std::fs;

use dre::data::ChannelType;

use crate::{message, with, write};

const CHANNELS: &str = "sub-01/eeg/sub-01_task-x_run-01_channels.tsv";

#[test]
fn channels_have_types_units_and_status() {
    let types = [
        ("EEG", ChannelType::Eeg),
        ("VEOG", ChannelType::Eog),
        ("HEOG", ChannelType::Eog),
        ("EOG", ChannelType::Eog),
        ("ECG", ChannelType::Ecg),
        ("EMG", ChannelType::Emg),
        ("MEGMAG", ChannelType::Mag),
        ("MEGGRADAXIAL", ChannelType::Mag),
        ("MEGGRADPLANAR", ChannelType::Grad),
        ("MEGREFMAG", ChannelType::RefMeg),
        ("MEGREFGRADAXIAL", ChannelType::RefMeg),
        ("TRIG", ChannelType::Stim),
        ("MISC", ChannelType::Misc),
        ("n/a", ChannelType::Misc),
    ];
    let mut text = "name\ttype\tunits\tstatus\n".to_owned();
    for (i, (bids_type, _)) in types.iter().enumerate() {
        let (units, status) = [("µV", "good"), ("n/a", "bad"), ("T", "n/a")][i % 3];
        text.push_str(&[&format!("c {i}"), *bids_type, units, status].join("\t"));
        text.push('\n');
    }
    let (_dir, dataset) = with(&[(CHANNELS, &text)]);
    let channels = dataset.channels(&dataset.recordings()[0]).expect("channels").expect("there is a file");
    assert_eq!(channels.iter().map(|c| c.kind).collect::<Vec<_>>(), types.map(|(_, kind)| kind));
    assert_eq!(channels.iter().map(|c| c.bids_type.as_str()).collect::<Vec<_>>(), types.map(|(text, _)| text));
    assert_eq!(channels[13].name, "c 13");
    assert_eq!(channels[0].units.as_deref(), Some("µV"));
    assert_eq!(channels[1].units, None);
    let bad: Vec<usize> = (0..types.len()).filter(|&i| channels[i].is_bad).collect();
    assert_eq!(bad, [1, 4, 7, 10, 13]);
    let (_dir, dataset) = with(&[]);
    assert_eq!(dataset.channels(&dataset.recordings()[0]).expect("no file is no error"), None);
}

#[test]
fn what_is_wrong_with_channels_is_said_with_its_line() {
    let cases = [
        ("name\tunits\nCz\tV\n", " line 1: no column `type`;"),
        ("type\tname\nEEG\tCz\nEEG\tPz\nEEG\tCz\n", " line 4: `Cz` is already on line 2"),
        ("name\ttype\tstatus\nCz\tEEG\tmaybe\n", " line 2: status is `maybe`, expected good, bad or n/a"),
        ("name\ttype\nn/a\tEEG\n", " line 2: name is `n/a`, expected the channel's name"),
    ];
    for (content, expected) in cases {
        let (dir, dataset) = with(&[(CHANNELS, content)]);
        let text = message(&dir, &dataset.channels(&dataset.recordings()[0]).expect_err(expected));
        assert!(text.starts_with(&format!("{CHANNELS}{expected}")), "{text}");
    }
}

const ELECTRODES: &str = "name\tx\ty\tz\nCz\t0\t-1.5\t10\nRef\tn/a\tn/a\tn/a\nOz\t1e1\t2\t3\n";

#[test]
fn electrodes_are_in_metres() {
    let system = |unit: &str| format!("{{\"EEGCoordinateUnits\": \"{unit}\", \"EEGCoordinateSystem\": \"Other\"}}");
    for (unit, scale) in [("m", 1.0), ("cm", 0.01), ("mm", 0.001)] {
        let (_dir, dataset) = with(&[
            ("sub-01/eeg/sub-01_electrodes.tsv", ELECTRODES),
            ("sub-01/eeg/sub-01_coordsystem.json", &system(unit)),
        ]);
        let found = dataset.electrodes(&dataset.recordings()[0]).expect("electrodes").expect("with a unit");
        assert_eq!(found.system.as_deref(), Some("Other"));
        assert_eq!(found.positions.keys().collect::<Vec<_>>(), ["Cz", "Oz"]);
        assert_eq!(found.positions["Cz"], [0.0, -1.5 * scale, 10.0 * scale]);
    }
    for files in [vec![], vec![("sub-01/eeg/sub-01_coordsystem.json", system("n/a"))]] {
        let (dir, dataset) = with(&[("sub-01/eeg/sub-01_electrodes.tsv", ELECTRODES)]);
        for (path, content) in &files {
            write(dir.path(), path, content.as_bytes());
        }
        assert_eq!(dataset.electrodes(&dataset.recordings()[0]).expect("no error"), None);
    }
}

#[test]
fn of_several_spaces_the_head_is_taken() {
    let file = |space: &str, what: &str| format!("sub-01/eeg/sub-01_space-{space}_{what}");
    let mut files = Vec::new();
    for (space, unit) in [("ACPC", "mm"), ("CapTrak", "cm"), ("Zebra", "m")] {
        files.push((file(space, "electrodes.tsv"), ELECTRODES.to_owned()));
        files.push((file(space, "coordsystem.json"), format!("{{\"EEGCoordinateUnits\": \"{unit}\"}}")));
    }
    let files: Vec<(&str, &str)> = files.iter().map(|(path, content)| (path.as_str(), content.as_str())).collect();
    let (dir, dataset) = with(&files);
    let found = || dataset.electrodes(&dataset.recordings()[0]).expect("electrodes").expect("with a unit");
    assert_eq!((found().system.as_deref(), found().positions["Oz"][0]), (Some("CapTrak"), 0.1));
    fs::remove_file(dir.path().join(file("CapTrak", "electrodes.tsv"))).expect("removed");
    assert_eq!((found().system.as_deref(), found().positions["Oz"][0]), (Some("ACPC"), 0.01));
}

#[test]
fn what_is_wrong_with_electrodes_is_said_with_its_line() {
    let unit = "{\"EEGCoordinateUnits\": \"m\"}";
    let cases = [
        (
            ELECTRODES,
            "{\"EEGCoordinateUnits\": \"inch\"}",
            "coordsystem.json line 1: EEGCoordinateUnits is \"inch\", expected \"m\", \"cm\" or \"mm\"",
        ),
        ("name\tx\ty\nCz\t0\t0\n", unit, "electrodes.tsv line 1: no column `z`"),
        ("name\tx\ty\tz\nCz\t0\t0\tup\n", unit, "electrodes.tsv line 2: z is `up`, expected a coordinate or n/a"),
        ("name\tx\ty\tz\nCz\t0\t0\t0\nCz\t0\t0\t1\n", unit, "electrodes.tsv line 3: `Cz` is already on line 2"),
    ];
    for (electrodes, system, expected) in cases {
        let (dir, dataset) =
            with(&[("sub-01/eeg/sub-01_electrodes.tsv", electrodes), ("sub-01/eeg/sub-01_coordsystem.json", system)]);
        let text = message(&dir, &dataset.electrodes(&dataset.recordings()[0]).expect_err(expected));
        assert!(text.starts_with(&format!("sub-01/eeg/sub-01_{expected}")), "{text}");
    }
}
