"""Small recordings in every variant of EDF, BDF, EEGLAB and BrainVision, and what MNE-Python reads from them.

    python bench/golden/formats.py                    # makes crates/dre-io/tests/fixtures/formats
    python bench/golden/formats.py OUT FILE...        # golden values of other recordings, for DRE_GOLDEN_DIR

Needs mne 1.13, pymatreader, h5py, scipy, safetensors or nothing for the latter (it is written by hand here).
Where MNE-Python is known to be wrong (see `recording/edf/mod.rs`) the planted truth takes the place of its reading; the
golden file's metadata then say so under `truth`.
"""

import json
import struct
import sys
import warnings
from pathlib import Path

import h5py
import mne
import numpy as np
import scipy.io

warnings.simplefilter("ignore")
mne.set_log_level("ERROR")
OUT = Path(__file__).resolve().parents[2] / "crates/dre-io/tests/fixtures/formats"
RNG = np.random.default_rng(20261124)
READERS = {
    ".edf": mne.io.read_raw_edf,
    ".bdf": mne.io.read_raw_bdf,
    ".set": mne.io.read_raw_eeglab,
    ".vhdr": mne.io.read_raw_brainvision,
    ".ahdr": mne.io.read_raw_brainvision,
}


def safetensors(path, tensors, meta):
    header, data = {"__metadata__": {"meta": json.dumps(meta)}}, b""
    for name, array in tensors.items():
        raw = np.ascontiguousarray(array, "<f8").tobytes()
        header[name] = {"dtype": "F64", "shape": list(array.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def golden(path, out, file, n_ends=40, **truth):
    raw = READERS[path.suffix](path, preload=True)
    data = truth.pop("data", raw.get_data())
    n_ends = min(n_ends, data.shape[1])
    annotations = [
        dict(onset=round(float(o), 6), duration=round(float(d), 6), description=str(s))
        for o, d, s in zip(raw.annotations.onset, raw.annotations.duration, raw.annotations.description)
    ]
    meta = dict(
        file=file,
        sfreq=raw.info["sfreq"],
        n_times=raw.n_times,
        ch_names=raw.ch_names,
        ch_types=raw.get_channel_types(),
        bads=raw.info["bads"],
        highpass=raw.info["highpass"],
        lowpass=raw.info["lowpass"],
        annotations=annotations,
        first_samp=raw.first_samp,
        mne=mne.__version__,
    )
    if truth:
        meta |= truth | dict(truth=sorted(truth))
    plain = lambda value: value.item() if isinstance(value, np.generic) else value
    meta = {key: plain(value) for key, value in meta.items()}
    tensors = dict(
        first=data[:, :n_ends],
        last=data[:, -n_ends:],
        mean=data.mean(1),
        std=data.std(1),
        position=np.array([c["loc"][:3] for c in raw.info["chs"]]),
    )
    safetensors(out / f"read-{path.name}.safetensors", tensors, meta)


# ---------------------------------------------------------------- EDF and BDF


def edf(name, signals, n_records, seconds=1, tals=None, kind="", said=None, extra=b"", tal_first=False, bdf=False):
    """`signals`: (label, unit, prefilter, samples per record, (pmin, pmax, dmin, dmax)); `tals`: per channel, per record."""
    width = 3 if bdf else 2
    tals = tals or []
    tal_bytes = [max(len(b"".join(r)) if isinstance(r, list) else len(r) for r in channel) for channel in tals]
    tal_samples = [-(-n // width) + 2 for n in tal_bytes]
    limits = (-1, 1, -8388608, 8388607) if bdf else (-1, 1, -32768, 32767)
    label = "BDF Annotations" if bdf else "EDF Annotations"
    tal_signals = [(label, "", "", n, limits) for n in tal_samples]
    all_signals = tal_signals + signals if tal_first else signals + tal_signals
    field = lambda text, n: str(text).encode("latin-1").ljust(n)[:n]
    head = (b"\xffBIOSEMI" if bdf else field("0", 8)) + field("X X X X", 80) + field("Startdate X X X X", 80)
    head += field("01.01.20", 8) + field("00.00.00", 8) + field(256 * (len(all_signals) + 1), 8) + field(kind, 44)
    head += field(n_records if said is None else said, 8) + field(seconds, 8) + field(len(all_signals), 4)
    for get, n in [
        (lambda s: s[0], 16), (lambda s: "", 80), (lambda s: s[1], 8), (lambda s: s[4][0], 8), (lambda s: s[4][1], 8),
        (lambda s: s[4][2], 8), (lambda s: s[4][3], 8), (lambda s: s[2], 80), (lambda s: s[3], 8), (lambda s: "", 32),
    ]:
        head += b"".join(field(get(s), n) for s in all_signals)
    body = b""
    for record in range(n_records):
        stored = []
        for _, _, _, n, (_, _, low, high) in signals:
            values = RNG.integers(max(low, -30000), min(high, 30000) + 1, n) if not bdf else RNG.integers(-8388608, 8388607, n)
            raw = values.astype("<i4").view("u1").reshape(-1, 4)[:, :width] if bdf else values.astype("<i2")
            stored.append(raw.tobytes())
        lists = [channel[record].ljust(n * width, b"\0") for channel, n in zip(tals, tal_samples)]
        body += b"".join(lists + stored if tal_first else stored + lists)
    (OUT / name).write_bytes(head + body + extra)
    return OUT / name


FULL = (-3276.8, 3276.7, -32768, 32767)


def edf_cases():
    eeg = lambda label, unit="uV", n=32, pre="", limits=FULL: (label, unit, pre, n, limits)
    # Units, ranges without an extent, names that occur twice, filters that differ, an unfinished recording.
    edf("units.edf", [
        eeg("EEG Fp1", "uV", pre="HP:0.1Hz LP:10Hz"), eeg("Fz", "mV", pre="HP:0,5 LP:12"), eeg("Fz", "\xb5V"),
        eeg("V", "V", limits=("0", "0", -100, 100)), eeg("none", ""), eeg("SpO2", "%", limits=(0, 100, -2048, 2047)),
        eeg("flat", "uV", limits=(-5, 5, 7, 7)),
    ], 5, said=-1, extra=b"\1\2\3")
    # Sampled less often than others, one a trigger; records of half a second.
    edf("rates.edf", [
        eeg("Cz", n=32), eeg("slow", n=8), eeg("odd", n=5), eeg("Trigger", "", n=4, limits=(-32768, 32767, -32768, 32767)),
    ], 9, seconds=0.5)
    # Annotations: an onset within the first second, several in a list, two channels, durations, one outside, one about a channel.
    first = [b"+0.25\x14\x14\0", b"+1.25\x14\x14\0+1.5\x150.5\x14one\x14two\x14\0", b"+2.25\x14\x14\0+2.5\x14\xce\xbc\x14\0",
             b"+3.25\x14\x14\0+3.3\x14at@@Cz\x14\0+3.3\x14at@@Pz\x14\0"]
    second = [b"+0.9\x15\x31\x14slow\x14\0", b"", b"+1.5\x150.5\x14one\x14\0+99\x14outside\x14\0", b"+3.9\x1520\x14long\x14\0"]
    edf("annotations.edf", [eeg("Cz"), eeg("Pz")], 4, tals=[first, second], kind="EDF+C", tal_first=True)
    # Interrupted: a second is missing after the first record, ten after the third.
    onsets = [0, 2, 3, 14]
    texts = [b"+0.5\x14a\x14\0", b"+2.25\x14b\x14\0+1.5\x14in the gap\x14\0", b"+3.5\x1511\x14across\x14\0", b"+14.75\x14c\x14\0"]
    tals = [[b"+%d\x14\x14\0" % onset + text for onset, text in zip(onsets, texts)]]
    interrupted = edf("interrupted.edf", [eeg("Cz"), eeg("Pz")], 4, tals=tals, kind="EDF+D")
    for path in ["units.edf", "rates.edf", "annotations.edf"]:
        golden(OUT / path, OUT, path)
    note = lambda onset, description, duration=0.0: dict(onset=onset, duration=duration, description=description)
    golden(interrupted, OUT, "interrupted.edf", annotations=[
        note(0.5, "a"), note(1.0, "in the gap"), note(1.0, "BAD boundary"), note(1.25, "b"), note(2.5, "across", 1.0),
        note(3.0, "BAD boundary"), note(3.75, "c"),
    ])
    bdf = (-262144, 262143, -8388608, 8388607)
    tals = [[b"+%d\x14\x14\0+%d.5\x14m%d\x14\0" % (i, i, i) for i in range(3)]]
    path = edf("status.bdf", [("A1", "uV", "DC; LP: 20", 32, bdf), ("A2", "uV", "HP: DC; LP: 20", 32, bdf),
                              ("Status", "Boolean", "No filtering", 32, (-8388608, 8388607, -8388608, 8388607))],
               3, tals=tals, kind="BDF+C", bdf=True)
    golden(path, OUT, path.name)


# ---------------------------------------------------------------- EEGLAB

LABELS = ["Fp1", "Cz", "HEOG", "Pz"]
TYPES = ["EEG", "", "EOG", "strange"]
XYZ = np.array([[80.0, 25.0, 0.0], [0.0, 0.0, 88.0], [70.0, -40.0, -20.0], [-85.0, 2.0, 9.0]])
EVENTS = [("square", 11.5, 0.0), (7, 30.0, 5.0), ("boundary", 60.5, np.nan), ("S  1", 150.25, 2.0)]


def eeg_struct(data, **changes):
    empty = np.zeros((0, 0))
    chanlocs = np.zeros(len(LABELS), dtype=[(k, "O") for k in ["labels", "X", "Y", "Z", "type", "urchan"]])
    for i, (label, xyz, kind) in enumerate(zip(LABELS, XYZ, TYPES)):
        x, y, z = xyz if i != 3 else [empty] * 3
        chanlocs[i] = (label, x, y, z, kind, float(i))
    event = np.zeros(len(EVENTS), dtype=[(k, "O") for k in ["type", "latency", "duration", "urevent"]])
    for i, (kind, latency, duration) in enumerate(EVENTS):
        event[i] = (kind, latency, empty if np.isnan(duration) else duration, float(i))
    n_channels, n_times = len(LABELS), 200
    return dict(
        setname="a set", nbchan=float(n_channels), trials=1.0, pnts=float(n_times), srate=100.0, xmin=0.0, icaact=empty,
        data=data, chanlocs=chanlocs, event=event, epoch=empty, history="a;" * 20, chaninfo=dict(nosedir="+X"),
    ) | changes


def hdf5(path, eeg):
    """A file as MATLAB writes version 7.3: user block of 512 bytes, references, texts as uint16."""
    with h5py.File(path, "w", userblock_size=512) as file:
        refs, counter = file.create_group("#refs#"), [0]

        def put(group, name, value):
            if isinstance(value, str) or value is None or (isinstance(value, np.ndarray) and value.size == 0):
                text = isinstance(value, str)
                if text and value:
                    dataset = group.create_dataset(name, data=np.array([[ord(c)] for c in value], "u2"))
                else:
                    dataset = group.create_dataset(name, data=np.zeros(2, "u8"))
                    dataset.attrs["MATLAB_empty"] = np.uint8(1)
                dataset.attrs["MATLAB_class"] = np.bytes_("char" if text else "double")
            elif isinstance(value, dict):
                inner = group.create_group(name)
                inner.attrs["MATLAB_class"] = np.bytes_("struct")
                for key, item in value.items():
                    put(inner, key, item)
            elif isinstance(value, np.ndarray) and value.dtype.names:
                inner = group.create_group(name)
                inner.attrs["MATLAB_class"] = np.bytes_("struct")
                for key in value.dtype.names:
                    cells = np.empty((value.size, 1), h5py.ref_dtype)
                    for i, item in enumerate(value[key]):
                        counter[0] += 1
                        put(refs, f"r{counter[0]}", item)
                        cells[i, 0] = refs[f"r{counter[0]}"].ref
                    inner.create_dataset(key, data=cells, dtype=h5py.ref_dtype)
            else:
                array = np.atleast_2d(np.asarray(value))
                array = array if array.dtype.kind == "f" and array.itemsize == 4 else array.astype("f8")
                options = dict(chunks=(50, 3), compression="gzip") if array.size > 100 else {}
                dataset = group.create_dataset(name, data=array.T, **options)
                dataset.attrs["MATLAB_class"] = np.bytes_("single" if array.itemsize == 4 else "double")

        put(file, "EEG", eeg)
    head = b"MATLAB 7.3 MAT-file, Platform: GLNXA64, Created by a script".ljust(124) + b"\0\2IM"
    with open(path, "r+b") as file:
        file.write(head)


def eeglab_cases():
    data = (RNG.standard_normal((len(LABELS), 200)) * 30).astype("f4")
    save = lambda name, variables, **options: scipy.io.savemat(OUT / name, variables, appendmat=False, **options)
    save("v5_deflated.set", dict(EEG=eeg_struct(data)), do_compression=True)
    save("v5_f64.set", dict(EEG=eeg_struct(data.astype("f8") * 1.1)))
    (OUT / "v5_flat.fdt").write_bytes(data.T.astype("<f4").tobytes())
    save("v5_flat.set", eeg_struct("v5_flat.fdt"))
    # The data file was renamed with the set; one event; positions in metres; no types.
    (OUT / "v5_renamed.fdt").write_bytes(data.T.astype("<f4").tobytes())
    one = eeg_struct("old name.fdt")
    one["event"] = dict(type="only", latency=20.0)
    save("v5_renamed.set", dict(EEG=one), do_compression=True)
    # One channel without a description.
    save("v5_one_channel.set", dict(EEG=eeg_struct(data[:1], nbchan=1.0, chanlocs=np.zeros((0, 0)), event=np.zeros((0, 0)))))
    hdf5(OUT / "v73.set", eeg_struct(data))
    (OUT / "v73_fdt.fdt").write_bytes(data.T.astype("<f4").tobytes())
    hdf5(OUT / "v73_fdt.set", eeg_struct("v73_fdt.fdt"))
    for path in sorted(OUT.glob("v*.set")):
        golden(path, OUT, path.name)


# ---------------------------------------------------------------- BrainVision


def brainvision(name, channels, data, common, sections="", comment="", markers="", codepage="UTF-8", encoding="utf-8"):
    path, stem = OUT / name, Path(name).stem
    ahdr = name.endswith(".ahdr")
    marker_file = f"{stem}.amrk" if ahdr else f"{stem}.vmrk"
    text = "Brain Vision Data Exchange Header File Version 1.0\r\n; a comment\r\n\r\n[Common Infos]\r\n"
    text += f"Codepage={codepage}\r\nDataFile={stem}.eeg\r\nMarkerFile={marker_file}\r\n"
    text += f"NumberOfChannels={len(channels)}\r\nSamplingInterval=5000\r\n{common}\r\n{sections}\r\n[Channel Infos]\r\n"
    text += "".join(f"Ch{i + 1}={channel}\r\n" for i, channel in enumerate(channels)) + comment
    path.write_bytes(text.replace("\r\n", "\n").replace("\n", "\r\n").encode(encoding))
    (OUT / f"{stem}.eeg").write_bytes(data)
    text = "Brain Vision Data Exchange Marker File, Version 1.0\r\n\r\n[Common Infos]\r\n"
    text += f"Codepage={codepage}\r\nDataFile={stem}.eeg\r\n\r\n[Marker Infos]\r\n{markers}"
    (OUT / marker_file).write_bytes(text.replace("\r\n", "\n").replace("\n", "\r\n").encode(encoding))
    golden(path, OUT, name)


def brainvision_cases():
    values = RNG.integers(-30000, 30000, (4, 150))
    names = ["Fp1,,0.5,µV", "HEOGL,,0.1,µV", "GSR,,0.01,µS", "Cz\\1a b,,1"]
    markers = "Mk1=New Segment,,1,1,0,20200101120000000000\nMk2=Stimulus,S  1,11,1,0\nMk3=Comment,a\\1b,31,20,0\n" \
        "Mk4=New Segment,,61,1,0,20200101120000500000\nMk5=Response,R  2,400,1,0\n"
    comment = """
[Comment]

A m p l i f i e r  S e t u p
============================
Number of channels: 4

Channels
--------
#     Name      Phys. Chn.    Resolution / Unit   Low Cutoff [s]   High Cutoff [Hz]   Notch [Hz]
1     Fp1         1                0.5 µV               10              70              Off
2     HEOGL       2                0.1 µV               10              80              Off
3     GSR         3                0.01 µS               5              70              Off
4     Cz,a b      4                1 µV                 10              70              Off
"""
    multiplexed, vectorized = "DataFormat=BINARY\nDataOrientation=MULTIPLEXED", "DataFormat=BINARY\nDataOrientation=VECTORIZED"
    brainvision("vectorized.vhdr", names, values.astype("<i2").tobytes(), vectorized,
                "[Binary Infos]\nBinaryFormat=INT_16\n", comment, markers, codepage="ANSI", encoding="cp1252")
    coordinates = "\n[Coordinates]\nCh1=1,-90,-72\nCh2=1,45,30\nCh3=0,0,0\nCh4=85,20,-40\n"
    brainvision("coordinates.vhdr", ["Fp1,,0.5,µV", "F3,,,mV", "Ref,,1,µV", "O2,,1,nV"], values.T.astype("<f4").tobytes(),
                multiplexed, "[Binary Infos]\nBinaryFormat=IEEE_FLOAT_32\n", coordinates, markers)
    hidden = np.vstack([values, np.zeros((1, 150))])
    brainvision("hidden.ahdr", ["Fp1,,0.5,µV", "F3,,2,µV", "Pz,,1,V", "T,,1,C"], hidden.T.astype("<i4").tobytes(), multiplexed,
                "[Binary Infos]\nBinaryFormat=INT_32\n", "", markers)
    lines = "Fp1 F3\n" + "".join(f"{a / 7:.4f} {b / 9:.4f}\n".replace(".", ",") for a, b in values[:2].T)
    brainvision("text.vhdr", ["Fp1,,0.5,µV", "F3,,1,mV"], lines.encode(), "DataFormat=ASCII\nDataOrientation=MULTIPLEXED",
                "[ASCII Infos]\nDecimalSymbol=,\nSkipLines=1\nSkipColumns=0\n", "", markers)


if __name__ == "__main__":
    if len(sys.argv) > 2:
        folder = Path(sys.argv[1])
        folder.mkdir(parents=True, exist_ok=True)
        for argument in sys.argv[2:]:
            golden(Path(argument).resolve(), folder, str(Path(argument).resolve()), 400)
    else:
        OUT.mkdir(parents=True, exist_ok=True)
        edf_cases()
        eeglab_cases()
        brainvision_cases()
