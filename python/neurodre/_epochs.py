"""What users give, checked and turned into what the extension reads in place."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ._features import Feature, as_features, metadata_features, sample_numbers
from ._progress import logger

Float64 = npt.NDArray[np.float64]


@dataclass
class Block:
    """One array of epochs, and what its epochs are. Attributes are read by the extension."""

    data: npt.NDArray[np.float32] | None
    features: npt.NDArray[np.float32]
    measured: npt.NDArray[np.bool_] | None
    subjects: list[int]
    recordings: list[int]
    sets: list[int]


@dataclass(frozen=True)
class Scaling:
    """How data and features are scaled: ``(x - centre) / scale``.

    Attributes
    ----------
    recordings : list of str
        What is scaled together: the subjects, or the recordings where they were named.
    centre, scale : ndarray, (n_recordings, n_channels)
        Median and interquartile range of the training epochs (the data's units).
    feature_mean, feature_std : ndarray, (n_features,)
        Mean and standard deviation over all training epochs.
    """

    recordings: list[str]
    centre: Float64
    scale: Float64
    feature_mean: Float64
    feature_std: Float64


@dataclass
class Epochs:
    """All epochs with their labels. Attributes are read by the extension."""

    channels: list[str]
    features: list[str]
    subjects: list[str]
    recordings: list[str]
    n_times: int
    blocks: list[Block]
    scaling: Scaling | None = None

    def with_scaling(self, scaling: Scaling) -> Epochs:
        """Give the same epochs, scaled."""
        return replace(self, scaling=scaling)


@dataclass
class Part:
    """One element of what the user gave, as arrays."""

    features: npt.NDArray[np.float32]
    data: npt.NDArray[np.float32] | None
    measured: npt.NDArray[np.bool_] | None
    subjects: list[str]
    recordings: list[str]
    starts: list[int] | None = None
    epochs: Any = None
    picks: Any = None
    dtype: Any = field(default_factory=lambda: np.dtype(np.float32))

    @property
    def n_epochs(self) -> int:
        """Number of epochs."""
        return int(self.features.shape[0])


def is_epochs(value: object) -> bool:
    """Whether a value is ``mne.Epochs`` of any kind; MNE-Python is not imported for it."""
    mne = sys.modules.get("mne")
    return mne is not None and isinstance(value, mne.BaseEpochs)


def _wrong_type(value: object, name: str) -> str:
    return f"{name} must be a NumPy array or mne.Epochs, or a list of them; found {type(value).__name__}"


def as_array(value: Any, name: str) -> npt.NDArray[np.float32]:
    """Three dimensions of float32 in row-major order; the same memory where it is that already."""
    if not isinstance(value, np.ndarray):
        raise TypeError(_wrong_type(value, name))
    if value.dtype.kind not in "fiub":
        raise TypeError(f"{name} has dtype {value.dtype}, expected numbers such as float32")
    if value.ndim != 3:
        rows = "n_features" if name.startswith("X") else "n_channels"
        raise ValueError(f"{name} has shape {value.shape}, expected three dimensions (n_epochs, {rows}, n_times)")
    if 0 in value.shape[::2] or (name.startswith("y") and value.shape[1] == 0):
        raise ValueError(f"{name} has shape {value.shape}: there is nothing in it")
    if value.dtype != np.float32:
        logger.debug("%s is converted from %s to float32", name, value.dtype)
    with np.errstate(over="ignore"):  # what overflows is found as infinite, with its place
        return np.ascontiguousarray(value, dtype=np.float32)


def _elements(value: Any, name: str) -> list[Any]:
    if isinstance(value, list | tuple):
        if not value:
            raise ValueError(f"{name} is an empty list")
        return list(value)
    return [value]


def _matching(value: Any, n: int, name: str, what: str) -> list[Any]:
    """One entry per element of X; None for each where nothing was given."""
    if value is None:
        return [None] * n
    entries = list(value) if isinstance(value, list | tuple) else [value]
    if len(entries) != n:
        raise ValueError(f"{name} has {len(entries)} entries, expected {what}, {n}")
    return entries


def _labels(value: Any, n_epochs: int, default: str, name: str) -> list[str]:
    if value is None:
        return [default] * n_epochs
    array = np.asarray(value)
    if array.ndim == 0:
        return [str(array.item())] * n_epochs
    if array.ndim != 1 or len(array) != n_epochs:
        raise ValueError(f"{name} has shape {array.shape}, expected a label or one for each of {n_epochs} epochs")
    return [str(label) for label in array.tolist()]


def _by_element(value: Any, is_list: bool, n: int, name: str) -> list[Any]:
    """Labels for each element: a list holds one entry per element; a single array takes a label or one per epoch."""
    if value is None or not is_list:
        return [value] * n
    return _matching(value, n, name, "one for each element of X")


def data_picks(info: Any) -> Any:
    """Good channels that hold data, as MNE-Python picks them."""
    import mne

    kinds = {"meg": True, "eeg": True, "seeg": True, "ecog": True, "dbs": True, "fnirs": True, "csd": True}
    return mne.pick_types(info, ref_meg=False, exclude="bads", **kinds)


def gather(
    X: Any,
    y: Any,
    *,
    features: Sequence[str | Feature] | None,
    subject: Any,
    recording: Any,
    measured: Any,
) -> list[Part]:
    """Bring what the user gave into arrays, element by element."""
    is_list = isinstance(X, list | tuple)
    xs = _elements(X, "X")
    for i, x_i in enumerate(xs):
        if not (isinstance(x_i, np.ndarray) or is_epochs(x_i)):
            raise TypeError(_wrong_type(x_i, f"X[{i}]" if is_list else "X"))
    ys = _matching(y, len(xs), "y", "as many arrays as X")
    marks = _matching(measured, len(xs), "measured", "as many arrays as X")
    subjects = _by_element(subject, is_list, len(xs), "subject")
    recordings = _by_element(recording, is_list, len(xs), "recording")
    parts = []
    for i, (x_i, y_i, mark) in enumerate(zip(xs, ys, marks, strict=True)):
        suffix = f"[{i}]" if is_list else ""
        source = y_i if is_epochs(y_i) else x_i if is_epochs(x_i) else None
        dtype: np.dtype[Any] = np.dtype(np.float64)
        if is_epochs(x_i):
            wanted = as_features(features)
            if not wanted:
                raise ValueError("X is mne.Epochs: say which metadata columns are features, features=['COLUMN', ...]")
            x_i, own = metadata_features(x_i, wanted), x_i
            y_i = own if y_i is None else y_i
        x_i = as_array(x_i, f"X{suffix}")
        n_epochs = x_i.shape[0]
        picks = None
        if is_epochs(y_i):
            picks = data_picks(y_i.info)
            if len(picks) == 0:
                raise ValueError(f"y{suffix} has no good data channel")
            data = as_array(y_i.get_data(picks=picks, copy=False), f"y{suffix}")
        elif y_i is None:
            data, dtype = None, np.dtype(np.float32)
        else:
            data = as_array(y_i, f"y{suffix}")
            dtype = y_i.dtype if y_i.dtype.kind == "f" else dtype
        if data is not None and data.shape[0] != n_epochs:
            raise ValueError(f"y{suffix} has {data.shape[0]} epochs, X{suffix} has {n_epochs}")
        starts = None
        if source is not None:
            events, first = sample_numbers(source)
            starts = None if events is None else [int(s) for s in np.round(first)]
        if mark is not None:
            mark = np.ascontiguousarray(mark)
            if mark.dtype != np.bool_ or data is None or mark.shape != data.shape:
                raise ValueError(
                    f"measured{suffix} has dtype {mark.dtype} and shape {mark.shape}, expected bool in the shape of y"
                )
        labels = _labels(subjects[i], n_epochs, str(i + 1), f"subject{suffix}")
        if recordings[i] is None:
            own_recordings = labels
        else:
            own_recordings = _labels(recordings[i], n_epochs, "", f"recording{suffix}")
        parts.append(Part(x_i, data, mark, labels, own_recordings, starts, source, picks, dtype))
    return parts


def channel_names(part: Part) -> list[str]:
    """Names of the channels of an element; numbers where it has none."""
    if part.picks is not None:
        return [part.epochs.ch_names[i] for i in part.picks]
    return [] if part.data is None else [str(i) for i in range(part.data.shape[1])]


def explain_nan(part: Part, where: str) -> None:
    """NaN in the data that nothing marks: say how to mark it."""
    if part.data is None:
        return
    with np.errstate(invalid="ignore"):
        total = float(np.sum(part.data, dtype=np.float64))
    if np.isfinite(total) or part.measured is not None:
        return
    bad = ~np.isfinite(part.data)
    if bad.any():
        at = tuple(int(i) for i in np.argwhere(bad)[0])
        raise ValueError(
            f"y{where} holds {part.data[at]} at epoch {at[0]}, channel {at[1]}, sample {at[2]}; where samples were not "
            "measured say so: measured=~np.isnan(y)"
        )
