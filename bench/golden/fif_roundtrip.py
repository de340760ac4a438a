"""Checks with MNE-Python that a FIF recording holds what the one it was copied from holds.

    cargo run -p dre-io --example copy_fif -- IN_raw.fif OUT_raw.fif float32
    python bench/golden/fif_roundtrip.py IN_raw.fif OUT_raw.fif 1e-7

The third argument is the largest difference of samples, relative to each channel's largest value. Compared: samples, sfreq,
first sample, channels (names, types, coils, places of MEG sensors and electrodes, units), bads, filters, date, annotations,
device-to-head transform, digitisation, projectors, compensations and their grade.
"""

import sys
import warnings

import mne
import numpy as np

mne.set_log_level("ERROR")
warnings.simplefilter("ignore")


def read(path):
    return mne.io.read_raw_fif(path, preload=True, allow_maxshield="yes")


a, b, tolerance = read(sys.argv[1]), read(sys.argv[2]), float(sys.argv[3])
faults = []


def same(what, x, y):
    if x != y:
        faults.append(f"{what}: {str(x)[:200]} became {str(y)[:200]}")


def close(what, x, y, tol=1e-6):
    x, y = np.asarray(x, float), np.asarray(y, float)
    if x.shape != y.shape or not np.allclose(x, y, rtol=tol, atol=tol * (np.abs(x).max() if x.size else 0)):
        faults.append(f"{what}: differs ({x.shape}, {y.shape})")


same("names", a.ch_names, b.ch_names)
same("types", a.get_channel_types(), b.get_channel_types())
same("samples", a.n_times, b.n_times)
same("first sample", a.first_samp, b.first_samp)
for key in ["sfreq", "highpass", "lowpass", "meas_date", "bads"]:
    same(key, a.info[key], b.info[key])
x, y = a.get_data(), b.get_data()
largest = np.abs(x).max(axis=1)
difference = np.abs(x - y).max(axis=1)
worst = np.argmax(difference / np.where(largest > 0, largest, 1))
print(f"largest relative difference {difference[worst] / max(largest[worst], 1e-300):.3g} ({a.ch_names[worst]})")
if (difference > tolerance * largest).any():
    faults.append(f"data: {a.ch_names[worst]} differs by {difference[worst]} of {largest[worst]}")
for one, two in zip(a.info["chs"], b.info["chs"]):
    kind = mne.channel_type(a.info, a.ch_names.index(one["ch_name"]))
    same(f"unit of {one['ch_name']}", int(one["unit"]) if kind != "stim" else 0, int(two["unit"]) if kind != "stim" else 0)
    if kind in ("mag", "grad", "ref_meg"):
        same(f"coil of {one['ch_name']}", int(one["coil_type"]), int(two["coil_type"]))
        close(f"place of {one['ch_name']}", one["loc"], two["loc"])
    elif kind == "eeg":
        close(f"place of {one['ch_name']}", np.nan_to_num(one["loc"][:3]), two["loc"][:3])
close("dev_head_t", *(np.zeros(0) if r.info["dev_head_t"] is None else r.info["dev_head_t"]["trans"] for r in (a, b)))
dig = [[(int(d["kind"]), int(d["ident"]), *map(float, d["r"])) for d in r.info["dig"] or []] for r in (a, b)]
same("dig", *dig)
same("number of annotations", len(a.annotations), len(b.annotations))
same("descriptions", list(a.annotations.description), list(b.annotations.description))
# Onsets in FIF are floats where MNE-Python writes them.
for key in ["onset", "duration"]:
    close(f"annotations' {key}", getattr(a.annotations, key), getattr(b.annotations, key), 2e-6)
same("number of projectors", len(a.info["projs"]), len(b.info["projs"]))
for one, two in zip(a.info["projs"], b.info["projs"]):
    for key in ["desc", "active", "kind"]:
        same(f"projector {key}", one[key], two[key])
    same("projector channels", one["data"]["col_names"], two["data"]["col_names"])
    close("projector", one["data"]["data"], two["data"]["data"])
same("compensation grade", a.compensation_grade, b.compensation_grade)
same("number of compensations", len(a.info["comps"]), len(b.info["comps"]))
for one, two in zip(a.info["comps"], b.info["comps"]):
    same("compensation kind", one["kind"], two["kind"])
    same("compensation rows", one["data"]["row_names"], two["data"]["row_names"])
    same("compensation columns", one["data"]["col_names"], two["data"]["col_names"])
    close("compensation", one["data"]["data"], two["data"]["data"])
print("\n".join(faults) or "equal")
sys.exit(bool(faults))
