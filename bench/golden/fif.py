"""Makes crates/dre-io/tests/fixtures/fif: small FIF recordings that MNE-Python writes, and what it reads from them.

    python bench/golden/fif.py crates/dre-io/tests/fixtures/fif

For each case `NAME*.fif` (the recording, of random numbers) and in `expected.safetensors` the tensor `NAME` (the
samples, SI units, f64), `NAME.projected` where it has projectors (after `apply_proj`), with one JSON of what MNE-Python
says of the recording under the metadata `NAME`.

The cases: buffers of each type; skips at the start, in the middle, two in a row; files split by name and by BIDS;
annotations with and without a date; names of more than 15 characters; characters outside of Latin-1; channels of the
same name; projectors with a bad channel and dependent directions; compensations; a file with a directory; continuous
data (MaxShield).
"""

import json
import struct
import sys
import warnings
from datetime import datetime, timedelta, timezone
from pathlib import Path

import mne
import numpy as np
from mne.io.constants import FIFF

mne.set_log_level("ERROR")
warnings.simplefilter("ignore")
out = Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)
for old in out.glob("*.fif"):
    old.unlink()

SFREQ = 100.0
DIR = 102  # the tag of the directory
TYPES = ["mag", "grad", "eeg", "eeg", "eog", "stim", "misc", "ecg"]
UNIT = {"mag": 1e-13, "grad": 1e-12, "eeg": 1e-5, "eog": 1e-4, "ecg": 1e-4, "stim": 1.0, "misc": 1.0}
tensors, metadata = {}, {}


def make(n_times=130, names=None, first_samp=0, date=True, seed=0):
    rng = np.random.default_rng(seed)
    names = names or [f"{kind.upper()}{i:03d}" for i, kind in enumerate(TYPES)]
    info = mne.create_info(names, SFREQ, TYPES)
    for ch, kind in zip(info["chs"], TYPES):
        ch["loc"] = rng.normal(size=12).astype(np.float32).astype(float) * 0.1
        ch["cal"] = UNIT[kind] / 64
    data = rng.normal(size=(len(names), n_times)) * 40
    data = np.round(data) * np.array([ch["cal"] for ch in info["chs"]])[:, None]
    raw = mne.io.RawArray(data, info, first_samp=first_samp)
    # Only for its header: not everything survives in a RawArray.
    raw.set_meas_date(datetime(2020, 2, 29, 12, 30, 1, 250000, timezone.utc) if date else None)
    with raw.info._unlock():
        raw.info["highpass"], raw.info["lowpass"] = 0.5, 40.0
        raw.info["dev_head_t"] = mne.transforms.Transform(
            "meg", "head", mne.transforms.rotation(0.1, 0.2, 0.3) + np.pad([[0.01], [0.02], [0.03], [0.0]], ((0, 0), (3, 0)))
        )
        raw.info["dig"] = mne._fiff._digitization._make_dig_points(
            nasion=[0, 0.1, 0], lpa=[-0.08, 0, 0], rpa=[0.08, 0, 0], hpi=[[0.0, 0.02, 0.1]],
            extra_points=[[0.05, 0.05, 0.05]], dig_ch_pos={"EEG002": [0.01, 0.02, 0.1]},
        )
    return raw


def keep(name, path, proj=False):
    raw = mne.io.read_raw_fif(path, preload=True, allow_maxshield="yes")
    tensors[name] = raw.get_data()
    first_time = raw.first_samp / raw.info["sfreq"]
    if proj:
        tensors[name + ".projected"] = raw.copy().apply_proj().get_data()
    trans = raw.info["dev_head_t"]
    metadata[name] = dict(
        file=Path(path).name,
        sfreq=raw.info["sfreq"],
        first_samp=int(raw.first_samp),
        ch_names=raw.ch_names,
        ch_types=raw.get_channel_types(),
        bads=raw.info["bads"],
        highpass=raw.info["highpass"],
        lowpass=raw.info["lowpass"],
        meas_date=None if raw.info["meas_date"] is None else raw.info["meas_date"].timestamp(),
        annotations=[[a["onset"] - first_time, a["duration"], str(a["description"])] for a in raw.annotations],
        dig=[[int(d["kind"]), int(d["ident"]), *map(float, d["r"])] for d in raw.info["dig"] or []],
        dev_head_t=None if trans is None else trans["trans"].tolist(),
        projs=[[p["desc"], bool(p["active"]), p["data"]["col_names"], np.asarray(p["data"]["data"], float).tolist()] for p in raw.info["projs"]],
        comps=[[int(c["kind"]), c["data"]["row_names"], c["data"]["col_names"], c["data"]["data"].tolist()] for c in raw.info["comps"]],
        grade=raw.compensation_grade,
        coils=[int(ch["coil_type"]) for ch in raw.info["chs"]],
        # JSON has no NaN.
        loc=[[None if np.isnan(x) else float(x) for x in ch["loc"]] for ch in raw.info["chs"]],
    )


def walk(data):
    """Offsets, kinds, types and sizes of all tags."""
    pos = 0
    while pos < len(data):
        kind, type_, size, next_ = struct.unpack(">iIii", data[pos : pos + 16])
        yield pos, kind, type_, size
        if next_ < 0:
            return
        pos += 16 + size


def int_tag(kind, value):
    return struct.pack(">iIiii", kind, FIFF.FIFFT_INT, 4, 0, value)


def rebuild(path, edit):
    """Rewrites a file tag by tag; `edit(index of buffer or None, kind, bytes of the tag)` gives what is written."""
    data, new, n_buffers = Path(path).read_bytes(), b"", 0
    for pos, kind, _, size in walk(data):
        tag = data[pos : pos + 16 + size]
        index = None
        if kind == FIFF.FIFF_DATA_BUFFER:
            index, n_buffers = n_buffers, n_buffers + 1
        new += edit(index, kind, tag)
    Path(path).write_bytes(new)


# Buffers of each type.
for fmt in ["short", "int", "single", "double"]:
    path = out / f"{fmt}_raw.fif"
    make(seed=1).save(path, fmt=fmt, buffer_size_sec=0.7)
    keep(fmt, path)


# int16 under the type number of plain shorts.
def as_short(index, kind, tag):
    if index is None:
        return tag
    return tag[:4] + struct.pack(">I", FIFF.FIFFT_SHORT) + tag[8:]


path = out / "plain_short_raw.fif"
make(seed=2).save(path, fmt="short")
rebuild(path, as_short)
keep("plain_short", path)

# Skips: in the middle; two tags in a row, of which the last counts; at the start, after and without a first sample.
for name, where in {"skip_middle": {2: [3]}, "skip_twice": {1: [7, 2], 3: [1]}, "skip_start": {0: [4]}, "skip_both": {0: [2], 2: [1]}}.items():
    path = out / f"{name}_raw.fif"
    raw = make(seed=3, first_samp=120)
    raw.set_annotations(mne.Annotations([0.25], [0.5], ["early"]))
    raw.save(path, buffer_size_sec=0.25)
    rebuild(path, lambda index, kind, tag: b"".join(int_tag(FIFF.FIFF_DATA_SKIP, n) for n in where.get(index, [])) + tag)
    keep(name, path)

# Split files, the second of which begins with a skip of its own.
for naming, name in [("neuromag", "split_raw.fif"), ("bids", "sub-01_task-x_meg.fif")]:
    # MNE-Python splits from 1 MB on; a small recording is cut by hand instead.
    make(seed=4, first_samp=50).save(out / name, buffer_size_sec=0.25)

    def split(path, first_name, second_name, at):
        data = Path(path).read_bytes()
        tags = list(walk(data))
        buffers = [t for t in tags if t[1] == FIFF.FIFF_DATA_BUFFER]
        ref = lambda role, other, num: (
            int_tag(FIFF.FIFF_BLOCK_START, FIFF.FIFFB_REF) + int_tag(FIFF.FIFF_REF_ROLE, role)
            + struct.pack(">iIii", FIFF.FIFF_REF_FILE_NAME, FIFF.FIFFT_STRING, len(other), 0) + other.encode()
            + int_tag(FIFF.FIFF_REF_FILE_NUM, num) + int_tag(FIFF.FIFF_BLOCK_END, FIFF.FIFFB_REF)
        )
        cut, end = buffers[at][0], buffers[-1][0] + 16 + buffers[-1][3]
        first = data[:cut] + ref(2, second_name, 1) + data[end:]
        start = buffers[0][0]
        first_sample = next(t for t in tags if t[1] == FIFF.FIFF_FIRST_SAMPLE)
        second = data[: first_sample[0]] + int_tag(FIFF.FIFF_FIRST_SAMPLE, 50 + 25 * at) + ref(1, first_name, 0) + data[cut:]
        Path(path).unlink()
        (out / first_name).write_bytes(first)
        (out / second_name).write_bytes(second)

    if naming == "neuromag":
        split(out / name, name, "split_raw-1.fif", 2)
        keep("split", out / name)
    else:
        split(out / name, "sub-01_task-x_split-01_meg.fif", "sub-01_task-x_split-02_meg.fif", 3)
        keep("bids_split", out / "sub-01_task-x_split-01_meg.fif")

# Annotations with and without dates, at the borders.
for name, date, orig in [("dated", True, None), ("undated", False, None), ("dated_orig", True, timedelta(seconds=-3.5))]:
    path = out / f"{name}_raw.fif"
    raw = make(seed=5, first_samp=170, date=date)
    orig_time = None if orig is None else raw.info["meas_date"] + orig
    shift = 0 if orig is None else 1.7 + 3.5
    raw.set_annotations(mne.Annotations(
        np.array([0.0, 0.333333, 0.75, 0.75, 1.2]) + shift, [0.1, 0.1, 0.4, 0.2, 0.05],
        ["zero", "a:b/µ", "BAD_later", "BAD_earlier", "beyond"], orig_time=orig_time))
    # Past the borders, which MNE-Python does not let pass otherwise.
    raw.annotations._onset[0] -= 0.05
    raw.annotations._duration[-1] = 3.0
    raw.save(path)
    keep(name, path)

# Long names, the first 15 characters of which are the same, and characters that are not Latin-1.
names = ["A channel with a long name 1", "A channel with a long name 2", "EEG 003", "EEG 004", "EOG:1", "STI101", "M", "ECG with a long name é 😀"]
path = out / "long_names_raw.fif"
raw = make(names=names, seed=6)
raw.info["bads"] = [names[1], "EOG:1"]
raw.set_annotations(mne.Annotations([1.0], [0.0], ["😀 Ω &"]))
raw.add_proj(mne.Projection(active=False, kind=1, desc="PCA", explained_var=0.5, data=dict(
    nrow=1, ncol=2, row_names=None, col_names=names[:2], data=np.array([[0.6, 0.8]]))))
raw.save(path)
keep("long_names", path)

# Channels of the same name.
path = out / "same_names_raw.fif"
make(names=[f"CH{i}" for i in range(8)], seed=7).save(path)
rebuild(path, lambda index, kind, tag: tag.replace(b"CH3\0", b"CH1\0").replace(b"CH6\0", b"CH1\0") if kind == FIFF.FIFF_CH_INFO else tag)
keep("same_names", path)

# Projectors: dependent directions, a bad channel, an average reference.
names = [f"EEG{i:03d}" for i in range(1, 9)]
rng = np.random.default_rng(8)
info = mne.create_info(names + ["MISC"], SFREQ, ["eeg"] * 8 + ["misc"])
raw = mne.io.RawArray(rng.normal(size=(9, 130)) * 1e-5, info)
raw.info["bads"] = ["EEG004"]
directions = rng.normal(size=(3, 6))
directions[2] = directions[0] + 1e-4 * directions[1]
directions /= np.linalg.norm(directions, axis=1, keepdims=True)
raw.add_proj(mne.Projection(active=False, kind=1, desc="PCA-v1", explained_var=0.25, data=dict(
    nrow=2, ncol=6, row_names=None, col_names=names[:5] + ["absent"], data=directions[:2])))
raw.add_proj(mne.Projection(active=False, kind=1, desc="PCA-v2", explained_var=None, data=dict(
    nrow=1, ncol=6, row_names=None, col_names=names[:5] + ["absent"], data=directions[2:])))
raw.set_eeg_reference(projection=True)
path = out / "projected_raw.fif"
raw.save(path, fmt="double")
keep("projected", path, proj=True)

# Compensations, calibrated and not, grade 2, with integers.
info = mne.create_info(["M1", "M2", "R1", "R2"], SFREQ, ["mag", "mag", "ref_meg", "ref_meg"])
for ch, cal in zip(info["chs"], [1e-15, 2e-15, 4e-14, 8e-14]):
    ch["cal"] = cal
    ch["coil_type"] = 5001 if ch["ch_name"][0] == "M" else 5002
for ch in info["chs"][:2]:
    ch["coil_type"] += 2 << 16
comps = []
for kind, saved in [("47314252", True), ("47324252", False)]:
    weights = rng.normal(size=(2, 2)) * 0.1
    comp = dict(ctfkind=int(kind, 16), kind=int(kind[3]), save_calibrated=saved, rowcals=np.ones(2), colcals=np.ones(2),
                data=dict(nrow=2, ncol=2, row_names=["M1", "M2"], col_names=["R1", "R2"], data=weights))
    if not saved:
        comp["rowcals"], comp["colcals"] = np.array([1e-15, 2e-15]), 1 / np.array([4e-14, 8e-14])
    comps.append(comp)
with info._unlock():
    info["comps"] = comps
raw = mne.io.RawArray(np.round(rng.normal(size=(4, 130)) * 100) * np.array([[1e-15], [2e-15], [4e-14], [8e-14]]), info)
path = out / "compensated_raw.fif"
raw.save(path, fmt="short")
keep("compensated", path)

# A directory at the end, as acquisition systems write it; and internal active shielding.
path = out / "directory_raw.fif"
make(seed=9).save(path)
data = path.read_bytes()
entries = list(walk(data))[:-1]
end = entries[-1][0] + 16 + entries[-1][3]
directory = b"".join(struct.pack(">iIii", kind, type_, size, pos) for pos, kind, type_, size in entries)
directory = struct.pack(">iIii", DIR, FIFF.FIFFT_DIR_ENTRY_STRUCT, len(directory) + 16, -1) + directory + struct.pack(">iIii", DIR, FIFF.FIFFT_DIR_ENTRY_STRUCT, len(directory) + 16, end)
path.write_bytes(data[:52] + struct.pack(">i", end) + data[56:end] + directory)
keep("directory", path)

for block, name in [(FIFF.FIFFB_IAS_RAW_DATA, "shielded"), (FIFF.FIFFB_CONTINUOUS_DATA, "continuous")]:
    path = out / f"{name}_raw.fif"
    make(n_times=60, seed=10).save(path)
    rebuild(path, lambda index, kind, tag: tag[:16] + struct.pack(">i", block) if kind in (104, 105) and tag[16:] == struct.pack(">i", 102) else tag)
    keep(name, path)

# Safetensors by hand: a header of JSON, then the numbers.
header, body = {"__metadata__": {k: json.dumps(v) for k, v in metadata.items()}}, b""
for name, tensor in tensors.items():
    raw_bytes = np.ascontiguousarray(tensor, "<f8").tobytes()
    header[name] = dict(dtype="F64", shape=list(tensor.shape), data_offsets=[len(body), len(body) + len(raw_bytes)])
    body += raw_bytes
text = json.dumps(header).encode()
text += b" " * (-len(text) % 8)
(out / "expected.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + body)
print(sum(f.stat().st_size for f in out.iterdir()), "bytes")
