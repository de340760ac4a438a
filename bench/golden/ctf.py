"""A small CTF recording, and what MNE-Python reads from it: golden values for crates/dre-io/tests/golden_read.rs.

    python bench/golden/ctf.py FOLDER
    DRE_GOLDEN_DIR=FOLDER DRE_DATA_DIR=FOLDER cargo test -p dre-io --test golden_read

Three files of samples, eleven trials of which the last is cut short by the system clock, reference sensors of each kind, electrodes,
digitised points, head coils, markers, bad segments and bad channels. Needs mne and numpy; nothing is downloaded.
"""

import json
import struct
import sys
from pathlib import Path

import mne
import numpy as np

SFREQ, N_SAMPLES, PRE_TRIGGER = 250.0, 60, 20
TRIALS = [4, 5, 2]
rng = np.random.default_rng(11)


def unit(v):
    return np.asarray(v) / np.linalg.norm(v)


# name, sensor type, gain, gradient order, positions (cm) and normals of two coils
SENSORS = [("UPPT001", 11, 1.0, 0, None), ("SCLK01-177", 17, 1.0, 0, None)]
SENSORS += [(f"BG{k}-1609", 0, (-1) ** k * 2.1e9, 0, [(rng.normal(size=3) * 5 + [0, 0, 8], unit(rng.normal(size=3)))] * 2)
            for k in range(1, 4)]
for k in range(1, 5):
    normal, place = unit(rng.normal(size=3)), rng.normal(size=3) * 6
    # The even ones are off-diagonal: their coils lie side by side.
    apart = unit(np.cross(normal, rng.normal(size=3))) if k % 2 == 0 else normal
    SENSORS.append((f"G1{k}-1609", 1, (-1) ** k * 1.3e9, 0, [(place, normal), (place - 7.9 * apart, normal)]))
for k, name in enumerate(["MLC11", "MLF23", "MRT57", "MZO01"]):
    normal = unit(rng.normal(size=3)) if k else np.array([0.0, 0.0, 1.0])
    place = rng.normal(size=3) * 8 + [0, 0, -20]
    SENSORS.append((f"{name}-1609", 5, (-1) ** k * 3.7e9, 3, [(place, normal), (place + 5 * normal, normal)]))
SENSORS += [(f"EEG0{k}", 9, 1e6, 0, [(rng.normal(size=3) * 6, (0, 0, 0))] * 2) for k in range(57, 60)]
SENSORS += [("UADC001-1609", 18, 1e5, 0, None), ("HLC0011-1609", 13, 1e4, 0, None)]


def header():
    out = bytearray(1844)

    def put(place, form, *values):
        struct.pack_into(">" + form, out, place, *values)

    out[:8] = b"MEG42RS\0"
    put(1288, "i", N_SAMPLES)
    put(1292, "h", len(SENSORS))
    put(1296, "d", SFREQ)
    put(1312, "h", sum(TRIALS))
    put(1316, "i", PRE_TRIGGER)
    put(1836, "i", 5)
    out += b"notes"
    out += struct.pack(">h", 2) + struct.pack(">diihd", 62.5, 1, 1, 1, 4.0) + struct.pack(">diih", 0.3, 1, 2, 0)
    for name, *_ in SENSORS:
        out += name.encode().ljust(32, b"\0")
    for _, kind, gain, grade, coils in SENSORS:
        record = struct.pack(">hhi4dhhi", kind, 0, 0, gain, 2.0, 1.0, 0.0, 2, grade, 0)
        for position, normal in (coils or []):
            record += struct.pack(">3dd3ddhihd", *position, 0, *normal, 0, 1, 0, 0, 1.0)
        out += record.ljust(1328, b"\0")
    # MNE-Python wants to know how the gradients were computed, although nothing is undone here.
    meg = [name for name, kind, *_ in SENSORS if kind == 5]
    references = [name for name, kind, *_ in SENSORS if kind == 0]
    out += struct.pack(">h", len(meg))
    for name in meg:
        out += name.encode().ljust(32, b"\0") + struct.pack(">4siH", b"G3BR", 0, len(references))
        out += b"".join(reference.encode().ljust(31, b"\0") for reference in references).ljust(50 * 31, b"\0")
        out += np.array([0.1] * len(references) + [0.0] * (50 - len(references)), ">f8").tobytes()
    return bytes(out)


def coils():
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    turn *= np.sign(np.linalg.det(turn))
    text = ""
    for name, at in [("nasion", [10.3, 0.2, 0]), ("left ear", [0.3, 7.1, 0]), ("right ear", [-0.3, -7.2, 0])]:
        at = np.array(at, float)
        for frame, place in [("dewar", turn @ at + [1, 2, -24]), ("head", at)]:
            for how, shift in [("standard", 3.0), ("measured", 0.0)]:
                xyz = "".join(f"\t{axis} = {value + shift!r}\n" for axis, value in zip("xyz", map(float, place)))
                text += f"{how} {name} coil position relative to {frame} (cm):\n{xyz}"
    return text


MARKERS = """PATH OF DATASET:
x


NUMBER OF MARKERS:
2


CLASSGROUPID:
3
NAME:
word
COMMENT:

NUMBER OF SAMPLES:
4
LIST OF SAMPLES:
TRIAL NUMBER\t\tTIME FROM SYNC POINT (in seconds)
\t\t +0\t\t\t\t     +0.0123
\t\t +3\t\t\t\t     -0.05
\t\t +9\t\t\t\t     +0.1
\t\t+40\t\t\t\t     +0.1


CLASSGROUPID:
3
NAME:
fixation
COMMENT:

NUMBER OF SAMPLES:
1
LIST OF SAMPLES:
TRIAL NUMBER\t\tTIME FROM SYNC POINT (in seconds)
\t\t +1\t\t\t\t     +0.0
"""


def write(folder):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{folder.stem}.res4").write_bytes(header())
    done = 0
    for index, n_trials in enumerate(TRIALS):
        data = rng.integers(-(2**30), 2**30, size=(n_trials, len(SENSORS), N_SAMPLES)).astype(">i4")
        data[:, 0] = rng.integers(0, 3, size=(n_trials, N_SAMPLES)) * 10
        data[:, 1] = 1 + np.arange(done * N_SAMPLES, (done + n_trials) * N_SAMPLES).reshape(n_trials, -1)
        if index == len(TRIALS) - 1:
            data[-1, 1, 37:] = 0
        name = f"{folder.stem}.meg4" if index == 0 else f"{folder.stem}.{index}_meg4"
        (folder / name).write_bytes(b"MEG41CP\0" + data.tobytes())
        done += n_trials
    (folder / f"{folder.stem}.hc").write_text(coils())
    (folder / f"{folder.stem}.eeg").write_text("1 nasion 10.3 0.2 0\n2 EEG057 3 4 12\n3 eeg058 -3 4.5 11\n4 Free 1 2 3\n")
    (folder / "head.pos").write_text("3\n1 1.5 2.5 9.5\nextra 2 3 9\n")
    (folder / "BadChannels").write_text("MLF23\nEEG058\n")
    (folder / "bad.segments").write_text("1\t\t0.2\t0.31\n2\t\t1.5\t50\n")
    (folder / "MarkerFile.mrk").write_text(MARKERS)


def golden(raw, file):
    data = raw.get_data()
    n = min(400, data.shape[1])
    tensors = {
        "first": data[:, :n],
        "last": data[:, -n:],
        "mean": data.mean(1),
        "std": data.std(1),
        "position": np.array([ch["loc"][:3] for ch in raw.info["chs"]]),
    }
    notes = [
        {"onset": float(a["onset"]), "duration": float(a["duration"]), "description": str(a["description"])}
        for a in raw.annotations
    ]
    meta = {
        "file": file,
        "sfreq": float(raw.info["sfreq"]),
        "n_times": data.shape[1],
        "ch_names": raw.ch_names,
        "ch_types": raw.get_channel_types(),
        "bads": sorted(raw.info["bads"], key=raw.ch_names.index),
        "highpass": float(raw.info["highpass"]),
        "lowpass": float(raw.info["lowpass"]),
        "annotations": notes,
        "first_samp": int(raw.first_samp),
        "mne": mne.__version__,
    }
    head, body = {"__metadata__": {"meta": json.dumps(meta)}}, b""
    for name, values in tensors.items():
        values = np.ascontiguousarray(values, dtype="<f8")
        head[name] = {"dtype": "F64", "shape": list(values.shape), "data_offsets": [len(body), len(body) + values.nbytes]}
        body += values.tobytes()
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + body


if __name__ == "__main__":
    root = Path(sys.argv[1])
    place = root / "synthetic.ds"
    write(place)
    recording = mne.io.read_raw_ctf(place, clean_names=True, preload=True, verbose="error")
    (root / "read-synthetic.ds.safetensors").write_bytes(golden(recording, place.name))
    print(recording.info["dev_head_t"], len(recording.info["dig"]), [hex(ch["coil_type"]) for ch in recording.info["chs"]])
