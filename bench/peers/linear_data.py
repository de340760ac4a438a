"""Reads the data that the example `linear` of crate `dre` wrote."""

from pathlib import Path

import numpy as np


def load(folder, name):
    """An array of 64-bit floats from NAME.f32 (raw, little-endian) and NAME.shape."""
    shape = [int(n) for n in Path(folder, f"{name}.shape").read_text().split()]
    return np.fromfile(Path(folder, f"{name}.f32"), "<f4").reshape(shape).astype(float)


def mean_r(a, b):
    """Mean over channels of r over all samples of all epochs; both (n_epochs, n_channels, n_times)."""
    a, b = (np.moveaxis(x, 1, 0).reshape(x.shape[1], -1) for x in (a, b))
    a, b = a - a.mean(1, keepdims=True), b - b.mean(1, keepdims=True)
    return float(np.mean((a * b).sum(1) / np.sqrt((a * a).sum(1) * (b * b).sum(1))))


def delayed(x, lags):
    """Lagged copies with zeros outside of the epoch: (n_epochs, n_regressors, n_times) to (n_epochs, n_times, columns)."""
    columns = []
    for row in range(x.shape[1]):
        for lag in lags:
            column = np.zeros((x.shape[0], x.shape[2]))
            column[:, lag:] = x[:, row, : x.shape[2] - lag]
            columns.append(column)
    return np.stack(columns, -1)
