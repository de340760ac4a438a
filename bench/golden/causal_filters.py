"""Causal filters of MNE-Python and SciPy: writes crates/dre/tests/fixtures/causal.safetensors.

    pip install mne scipy safetensors
    python bench/golden/causal_filters.py

One signal with an offset and a trend, filtered as it stands and cut short; each case names its settings. `sosfilt` starts as if the
signal had always been at its first value (`sosfilt_zi` times that value).
"""

import json
from pathlib import Path

import mne
import numpy as np
import scipy
from safetensors.numpy import save_file
from scipy.signal import butter, sosfilt, sosfilt_zi

OUT = Path(__file__).parents[2] / "crates/dre/tests/fixtures/causal.safetensors"

IIR = {
    "iir_band": {"sfreq": 256.0, "l_freq": 1.0, "h_freq": 30.0, "order": 4},
    "iir_odd": {"sfreq": 250.0, "l_freq": 0.5, "h_freq": 40.0, "order": 5},
    "iir_wide": {"sfreq": 500.0, "l_freq": 0.1, "h_freq": 200.0, "order": 3},
    "iir_narrow": {"sfreq": 500.0, "l_freq": 8.0, "h_freq": 13.0, "order": 6},
    "iir_first": {"sfreq": 100.0, "l_freq": 1.0, "h_freq": 20.0, "order": 1},
    "iir_low": {"sfreq": 100.0, "h_freq": 20.0, "order": 3},
    "iir_high": {"sfreq": 1000.0, "l_freq": 0.1, "order": 2},
    "iir_notch": {"sfreq": 250.0, "notch_freqs": [50.0, 100.0], "order": 4},
}
FIR = {
    "fir_band": {"sfreq": 100.0, "l_freq": 2.0, "h_freq": 20.0, "phase": "minimum"},
    "fir_band_half": {"sfreq": 100.0, "l_freq": 2.0, "h_freq": 20.0, "phase": "minimum-half"},
    "fir_low": {"sfreq": 100.0, "h_freq": 10.0, "phase": "minimum"},
    "fir_high_half": {"sfreq": 250.0, "l_freq": 1.0, "phase": "minimum-half"},
    "fir_short": {"sfreq": 100.0, "l_freq": 2.0, "h_freq": 20.0, "phase": "minimum", "n_times": 60},
    "fir_notch": {"sfreq": 250.0, "notch_freqs": [50.0, 100.0], "phase": "minimum"},
}


def butterworth(case, x):
    sfreq, order = case["sfreq"], case["order"]
    bands = []
    for freq in case.get("notch_freqs", []):
        half = freq / 400 + 0.5
        bands.append(([freq - half, freq + half], "bandstop"))
    low, high = case.get("l_freq"), case.get("h_freq")
    if low and high:
        bands.append(([low, high], "bandpass"))
    elif low or high:
        bands.append((low or high, "highpass" if low else "lowpass"))
    for edges, kind in bands:
        sos = butter(order, edges, kind, fs=sfreq, output="sos")
        x, _ = sosfilt(sos, x, zi=sosfilt_zi(sos) * x[0])
    return x


def mne_fir(case, x):
    settings = {"phase": case["phase"], "verbose": "error"}
    if "notch_freqs" in case:
        return mne.filter.notch_filter(x, case["sfreq"], case["notch_freqs"], **settings)
    return mne.filter.filter_data(x, case["sfreq"], case.get("l_freq"), case.get("h_freq"), **settings)


rng = np.random.default_rng(18)
raw = rng.standard_normal(500) + 100.0 + 0.05 * np.arange(500)
arrays = {"raw": raw}
for name, case in IIR.items():
    arrays[name] = butterworth(case, raw)
for name, case in FIR.items():
    arrays[name] = mne_fir(case, raw[: case.get("n_times")])
meta = {"mne": mne.__version__, "scipy": scipy.__version__, "iir": IIR, "fir": FIR}
OUT.parent.mkdir(exist_ok=True)
save_file({k: np.ascontiguousarray(v) for k, v in arrays.items()}, OUT, metadata={"meta": json.dumps(meta)})
