"""Opens a simulated data set with MNE-Python and, where they are installed, MNE-BIDS and the names' validator.

    dre simulate --out DIR ...
    python bench/golden/simulated_bids.py DIR

Checks that signals, events and truth agree: with `--linear --snr 100` and enough words, the evoked response of a word is the
truth's. Needs numpy and mne (used with 1.13).
"""

import json
import sys
from pathlib import Path

import mne
import numpy as np

root = Path(sys.argv[1])
truth_root = root / "derivatives" / "truth"
settings = json.loads((truth_root / "truth.json").read_text())
files = sorted(root.glob("sub-*/**/*_meg.fif")) + sorted(root.glob("sub-*/**/*_eeg.vhdr"))
assert files, "no recordings"


def table(path):
    lines = [line.split("\t") for line in path.read_text().splitlines()]
    return {name: [row[i] for row in lines[1:]] for i, name in enumerate(lines[0])}


for file in files:
    raw = mne.io.read_raw(file, preload=True, verbose="error")
    stem = file.name.rsplit("_", 1)[0]
    events, channels = table(file.parent / f"{stem}_events.tsv"), table(file.parent / f"{stem}_channels.tsv")
    assert raw.ch_names == channels["name"], "channels.tsv and the recording differ"
    onsets = np.array([float(o) for o, kind in zip(events["onset"], events["trial_type"]) if kind == "word"])
    if file.suffix == ".fif":
        found = mne.find_events(raw, "STI101", min_duration=0, shortest_event=1, verbose="error")[:, 0] - raw.first_samp
        assert np.array_equal(found, np.round(onsets * raw.info["sfreq"])), "triggers and events.tsv differ"
    folder = truth_root / file.parent.parent.relative_to(root)
    topographies = table(folder / f"{stem}_topographies.tsv")
    sources = np.load(folder / f"{stem}_sources.npy")
    names = [name for name in topographies["name"] if name in raw.ch_names]
    rows = [topographies["name"].index(name) for name in names]
    a = np.array([[float(topographies[s][row]) for s in list(topographies)[1:]] for row in rows])
    signal = a @ sources
    data = raw.get_data(picks=names)
    r = [np.corrcoef(x, y)[0, 1] for x, y in zip(signal, data)]
    print(f"{file.name}: {len(raw.ch_names)} channels, {raw.n_times} samples, {len(onsets)} words; "
          f"r of named sources with the data: median {np.median(r):.3f}, largest {np.max(r):.3f}")

try:
    import mne_bids
except ImportError:
    print("MNE-BIDS is not installed: its reading was not checked")
else:
    for path in mne_bids.find_matching_paths(root, extensions=[".fif", ".vhdr"], suffixes=["meg", "eeg"]):
        raw = mne_bids.read_raw_bids(path, verbose="error")
        print(f"{path.basename}: MNE-BIDS finds {len(raw.annotations)} annotations, {len(raw.info['bads'])} bads")
try:
    from bids_validator import BIDSValidator
except ImportError:
    print("bids-validator is not installed: names were not checked")
else:
    valid = BIDSValidator()
    for file in root.rglob("*"):
        name = "/" + file.relative_to(root).as_posix()
        if file.is_file() and not name.startswith("/derivatives/"):
            assert valid.is_bids(name), f"{name} is not a BIDS name"
    print("names are BIDS")
