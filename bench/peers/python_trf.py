"""The TRF of the Python package beside MNE-Python's ReceptiveField, in turns: python python_trf.py N_THREADS N_ROUNDS.

Both get the same arrays of random features and of data that follow them, as a user of either would hold them: `X` of shape
(n_epochs, n_features, n_times), in single precision; MNE-Python's axes are swapped before its clock starts. Prints one JSON line.
"""

import json
import sys
import time

import mne
import numpy as np

import neurodre as dre

mne.set_log_level("error")
n_threads, n_rounds = int(sys.argv[1]), int(sys.argv[2])
n_epochs, n_features, n_channels, n_times, n_lags = 300, 6, 273, 301, 261
rng = np.random.default_rng(0)
X = rng.standard_normal((n_epochs, n_features, n_times), dtype=np.float32)
kernels = rng.standard_normal((n_channels, n_features, n_lags), dtype=np.float32) * np.exp(-np.arange(n_lags) / 40.0)
y = rng.standard_normal((n_epochs, n_channels, n_times), dtype=np.float32)
for lag in range(0, n_lags, 20):
    y[:, :, lag:] += np.einsum("cf,eft->ect", kernels[:, :, lag], X[:, :, : n_times - lag]).astype(np.float32)
ours = dre.TRF(lag_min=0, lag_max=n_lags - 1, alphas=1.0, scale=None, n_threads=n_threads)
ridge = mne.decoding.TimeDelayingRidge(0, n_lags - 1, 1.0, alpha=1.0, edge_correction=True, n_jobs=n_threads)
peer = mne.decoding.ReceptiveField(0, n_lags - 1, 1.0, estimator=ridge, scoring="corrcoef")
peer_X, peer_y = (np.ascontiguousarray(a.transpose(2, 0, 1), dtype=np.float64) for a in (X, y))
times: dict[str, list[float]] = {name: [] for name in ("fit", "predict", "peer_fit", "peer_predict")}


def timed(name: str, call, *arguments):
    start = time.perf_counter()
    result = call(*arguments)
    times[name].append(time.perf_counter() - start)
    return result


for _ in range(n_rounds):
    timed("fit", ours.fit, X, y)
    own = timed("predict", ours.predict, X)
    timed("peer_fit", peer.fit, peer_X, peer_y)
    other = timed("peer_predict", peer.predict, peer_X)
difference = float(np.abs(ours.coef_[0] - peer.coef_).max() / np.abs(peer.coef_).max())
predicted = float(np.abs(own - other.transpose(1, 2, 0)).max() / np.abs(other).max())
print(json.dumps({**times, "difference": [difference], "predicted": [predicted]}))
