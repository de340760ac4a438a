"""Golden values of the processing floor: the r of the best linear prediction from the init window of an epoch, for white noise that
MNE-Python's filter, decimation and a baseline have been through. NumPy, from the definition: covariances, then least squares.

    python bench/golden/floor.py   # MNE-Python 1.x; writes crates/dre/tests/fixtures/floor.json
"""

import json
from pathlib import Path

import mne
import numpy as np

SFREQ, DECIM, N_TIMES = 256.0, 2, 193  # -0.5 to 1 s at 128 Hz
# Noise below each sample of the init window, as a share of its variance: dre's `floor::covariance::NOISE`.
NOISE = 1e-10

mne.set_log_level("ERROR")


def floor(taps, baseline, n_init):
    lags = np.correlate(taps, taps, "full")[len(taps) - 1 :: DECIM]
    lags = np.concatenate([lags, np.zeros(N_TIMES)])[:N_TIMES]
    samples = np.arange(N_TIMES)
    covariance = lags[abs(samples[:, None] - samples)]
    if baseline:
        subtract = np.eye(N_TIMES)
        subtract[:, :baseline] -= 1 / baseline
        covariance = subtract @ covariance @ subtract.T
    given, wanted = covariance[:n_init, :n_init], covariance[:n_init, n_init:]
    given = given + NOISE * given.trace() / n_init * np.eye(n_init)
    explained = (wanted * np.linalg.lstsq(given, wanted, rcond=None)[0]).sum(0)
    return np.sqrt(explained / covariance.diagonal()[n_init:])


cases = []
for l_freq, h_freq in ((1.0, 30.0), (0.5, 40.0)):
    for phase in ("zero", "minimum"):
        taps = mne.filter.create_filter(None, SFREQ, l_freq, h_freq, phase=phase)
        for baseline, n_init in ((0, 40), (0, 64), (40, 64), (65, 64)):
            r = floor(taps, baseline, n_init)
            case = {"l_freq": l_freq, "h_freq": h_freq, "phase": phase, "baseline": baseline, "n_init": n_init}
            cases.append(case | {"r": [float(f"{value:.9f}") for value in r]})

path = Path(__file__).parents[2] / "crates/dre/tests/fixtures/floor.json"
meta = {"made_by": "bench/golden/floor.py", "mne": mne.__version__, "sfreq": SFREQ, "decim": DECIM, "n_times": N_TIMES}
path.write_text(json.dumps({"meta": meta, "cases": cases}) + "\n")
