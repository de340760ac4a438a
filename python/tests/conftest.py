"""Data that several tests share."""

import os
from pathlib import Path

import numpy as np
import pytest

import neurodre as dre

ROOT = Path(__file__).resolve().parents[2]


def simulated(n_epochs=60, n_channels=3, n_times=50, seed=0):
    """Two features; data that follow them at lags 2 and 5, and their own past."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n_epochs, 2, n_times)).astype(np.float32)
    weights = rng.standard_normal((n_channels, 2))
    y = np.zeros((n_epochs, n_channels, n_times))
    y[..., 5:] += weights[:, :1] * X[:, :1, :-5]
    y[..., 2:] += weights[:, 1:] * X[:, 1:, :-2]
    y += 0.3 * rng.standard_normal(y.shape)
    return X, (2e-6 * y + 1e-5).astype(np.float32)


def small_dre(**params):
    """A network that trains in a moment."""
    settings = {
        "n_init_times": 8,
        "subject_dim": 2,
        "conv_filters": 8,
        "lstm_hidden": 8,
        "lr": 1e-2,
        "n_passes": 3,
        "phase": "none",
    }
    return dre.DRE(**{**settings, "n_threads": 2, **params})


@pytest.fixture(scope="session")
def data():
    return simulated()


def shared(name):
    """A folder of the reference data beside the repository; the test is skipped where it is not there."""
    folder = ROOT.parent / "shared" / name
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    return folder


def golden_folders(name):
    """Folders of reference values: beside the repository, and those that DRE_GOLDEN_DIR names."""
    folders = [ROOT / "crates/dre/tests/golden" / name, ROOT.parent / "shared/golden" / name]
    folders += [Path(f) for f in os.environ.get("DRE_GOLDEN_DIR", "").split(os.pathsep) if f]
    return [folder for folder in folders if folder.is_dir()]


def read_safetensors(path):
    """Arrays and metadata of a safetensors file."""
    import json

    content = path.read_bytes()
    n = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + n])
    metadata = header.pop("__metadata__", {})
    kinds = {"F32": "<f4", "F64": "<f8", "I64": "<i8"}
    arrays = {}
    for name, about in header.items():
        start, end = (8 + n + offset for offset in about["data_offsets"])
        arrays[name] = np.frombuffer(content[start:end], kinds[about["dtype"]]).reshape(about["shape"]).copy()
    return arrays, metadata


def relative(a, b):
    """Norm of the difference by the norm of the reference."""
    b = np.asarray(b, dtype=float)
    return float(np.linalg.norm(np.asarray(a, dtype=float) - b) / max(np.linalg.norm(b), 1e-300))
