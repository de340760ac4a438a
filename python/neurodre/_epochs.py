"""What users give, checked and turned into what the extension reads in place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ._features import Feature, as_features, is_epochs, metadata_features, raw_sfreq_of, sample_numbers, settled
from ._progress import logger
from ._scaling import Scaling

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


def _wrong_type(value: object, name: str) -> str:
    return f"{name} must be a NumPy array or mne.Epochs, or a list of them; found {type(value).__name__}"


def as_array(value: Any, name: str, rows: str, may_lack_rows: bool = False) -> npt.NDArray[np.float32]:
    """Three dimensions of float32 in row-major order; the same memory where it is that already."""
    if isinstance(value, np.ma.MaskedArray):
        own = name.partition("[")[0]
        advice = f"say what was measured: {own}.data, measured=~{own}.mask" if rows == "n_channels" else "fill it"
        raise TypeError(f"{name} is a masked array, whose mask would be lost, expected an array without one; {advice}")
    if not isinstance(value, np.ndarray):
        raise TypeError(_wrong_type(value, name))
    if value.dtype.kind not in "fiub":
        raise TypeError(f"{name} has dtype {value.dtype}, expected numbers such as float32")
    if value.ndim != 3:
        raise ValueError(f"{name} has shape {value.shape}, expected three dimensions (n_epochs, {rows}, n_times)")
    if 0 in value.shape[::2] or (value.shape[1] == 0 and not may_lack_rows):
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


def _is_series(value: Any) -> bool:
    """Whether a value is a pandas Series or Index, which is not imported for it."""
    return getattr(value, "ndim", None) == 1 and hasattr(value, "to_numpy")


def _matching(value: Any, n: int, name: str, what: str, row_dims: int | None = None) -> list[Any]:
    """One entry per element of X; None for each where nothing was given.

    An array or Series is a list of entries where it has a dimension more than the ``row_dims`` of an entry.
    """
    if value is None:
        return [None] * n
    is_list = isinstance(value, list | tuple | range) or (
        row_dims is not None and (_is_series(value) or (isinstance(value, np.ndarray) and value.ndim > row_dims))
    )
    entries = list(value) if is_list else [value]
    if len(entries) != n:
        raise ValueError(f"{name} has {len(entries)} entries, expected {what}, {n}")
    return entries


def label_of(value: Any) -> str | None:
    """Make a label a text, whole numbers the same as integers and floats; None for None, NaN and pandas' NA."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or type(value).__name__ in ("NAType", "NaTType") or (isinstance(value, float) and np.isnan(value)):
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def as_labels(value: Any) -> npt.NDArray[np.object_]:
    """Make labels an array of objects, so that NumPy makes no texts of None and NaN."""
    return np.asarray(value.to_numpy(dtype=object) if _is_series(value) else value, dtype=object)


def _labels(value: Any, n_epochs: int, default: str, name: str) -> list[str]:
    if value is None:
        return [default] * n_epochs
    if isinstance(value, dict | set | frozenset):
        raise TypeError(f"{name} is {type(value).__name__}, expected a label or one for each of {n_epochs} epochs")
    array = as_labels(value)
    if array.ndim > 0 and (array.ndim != 1 or len(array) != n_epochs):
        raise ValueError(f"{name} has shape {array.shape}, expected a label or one for each of {n_epochs} epochs")
    labels = [label_of(label) for label in array.ravel().tolist()]
    known = [label for label in labels if label is not None]
    if len(known) < len(labels):
        at = labels.index(None)
        where = f"[{at}]" if array.ndim else ""
        raise ValueError(
            f"{name}{where} is {array.ravel()[at]!r}, expected a label, a text or a number; leave out such epochs"
        )
    return known if array.ndim else known * n_epochs


def _by_element(value: Any, is_list: bool, n: int, name: str, seen: str) -> list[Any]:
    """Labels for each element: a list holds one entry per element; a single array takes a label or one per epoch."""
    if value is None or not is_list:
        return [value] * n
    if n == 1 and np.ndim(value) == 1 and not isinstance(value, list | tuple | range) and len(value) != 1:
        return [value]  # of the epochs of the only element
    entries = _matching(value, n, name, f"one for each element of {seen}", row_dims=0)
    given = [entry is not None for entry in entries]
    if not all(given):
        raise ValueError(f"{name}[{given.index(False)}] is None, expected a label for each element of {seen}, or none at all")
    return entries


def _refuse_single_epochs(value: Any, name: str) -> None:
    # scikit-learn's indexing makes such lists of mne.Epochs; each epoch would be a subject.
    if isinstance(value, list | tuple) and len(value) > 2 and all(is_epochs(v) and len(v.events) == 1 for v in value):
        raise ValueError(
            f"{name} is a list of {len(value)} mne.Epochs with one epoch each, as scikit-learn makes of mne.Epochs when it "
            "splits them; an element is expected to be a recording: cross-validate on arrays, metadata_features(epochs, ...) "
            "and epochs.get_data(), or join them with mne.concatenate_epochs"
        )


def data_picks(info: Any) -> Any:
    """Good channels that hold data, as MNE-Python picks them."""
    import mne

    kinds = {"meg": True, "eeg": True, "seeg": True, "ecog": True, "dbs": True, "fnirs": True, "csd": True}
    return mne.pick_types(info, ref_meg=False, exclude="bads", **kinds)


def no_features(y: Any, n_times: int | None = None) -> Any:
    """Features of none for data alone, element by element; of ``n_times`` samples, or as many as the data have."""

    def none(one: Any) -> Any:
        if not (is_epochs(one) or (isinstance(one, np.ndarray) and one.ndim == 3)):
            return one  # refused where it is gathered
        own = len(one.times) if is_epochs(one) else one.shape[2]
        return np.zeros((len(one), 0, own if n_times is None else n_times), dtype=np.float32)

    return [none(one) for one in y] if isinstance(y, list | tuple) else none(settled(y) if is_epochs(y) else y)


def gather(
    X: Any,
    y: Any,
    *,
    features: Sequence[str | Feature] | None,
    subject: Any,
    recording: Any,
    measured: Any,
    names: tuple[str, str] = ("X", "y"),
    may_lack_features: bool = False,
) -> list[Part]:
    """Bring what the user gave into arrays, element by element; ``names`` is what features and data are called."""
    seen, told = names
    if y is None and told == "X":
        seen = told
    is_list = isinstance(X, list | tuple)
    _refuse_single_epochs(X, seen)
    _refuse_single_epochs(y, told)
    xs = _elements(X, seen)
    for i, x_i in enumerate(xs):
        if not (isinstance(x_i, np.ndarray) or is_epochs(x_i)):
            raise TypeError(_wrong_type(x_i, f"{seen}[{i}]" if is_list else seen))
    ys = _matching(y, len(xs), told, f"as many arrays as {seen}")
    marks = _matching(measured, len(xs), "measured", f"as many arrays as {seen}", row_dims=3 if is_list else None)
    subjects = _by_element(subject, is_list, len(xs), "subject", seen)
    recordings = _by_element(recording, is_list, len(xs), "recording", seen)
    parts = []
    for i, (x_i, y_i, mark) in enumerate(zip(xs, ys, marks, strict=True)):
        suffix = f"[{i}]" if is_list else ""
        x_i, y_i = (settled(one) if is_epochs(one) else one for one in (x_i, y_i))
        x_i_given = x_i
        source = y_i if is_epochs(y_i) else x_i if is_epochs(x_i) else None
        dtype: np.dtype[Any] = np.dtype(np.float64)
        if is_epochs(x_i):
            wanted = as_features(features)
            if not wanted and not may_lack_features:
                raise ValueError(f"{seen} is mne.Epochs: say which metadata columns are features, features=['COLUMN', ...]")
            x_i, own = metadata_features(x_i, wanted) if wanted else no_features(x_i), x_i
            y_i = own if y_i is None else y_i
        if is_epochs(x_i_given) and is_epochs(y_i):
            same_time(x_i_given, y_i, f"{seen}{suffix}", f"{told}{suffix}")
        x_i = as_array(x_i, f"{seen}{suffix}", "n_features", may_lack_rows=True)
        n_epochs = x_i.shape[0]
        picks = None
        if is_epochs(y_i):
            picks = data_picks(y_i.info)
            if len(picks) == 0:
                raise ValueError(f"{told}{suffix} has no good data channel")
            data = as_array(y_i.get_data(picks=picks, copy=False), f"{told}{suffix}", "n_channels")
        elif y_i is None:
            data, dtype = None, np.dtype(np.float32)
        else:
            data = as_array(y_i, f"{told}{suffix}", "n_channels")
            dtype = y_i.dtype if y_i.dtype.kind == "f" else dtype
        if data is not None and data.shape[0] != n_epochs:
            raise ValueError(f"{told}{suffix} has {data.shape[0]} epochs, {seen}{suffix} has {n_epochs}")
        starts = None
        if source is not None:
            events, first = sample_numbers(source)
            starts = None if events is None else [int(s) for s in np.round(first)]
        if mark is not None:
            if isinstance(mark, np.ma.MaskedArray):
                raise TypeError(
                    f"measured{suffix} is a masked array, expected bool in the shape of {told}, such as ~{told}.mask"
                )
            mark = np.ascontiguousarray(mark)
            if mark.dtype != np.bool_ or data is None or mark.shape != data.shape:
                raise ValueError(
                    f"measured{suffix} has dtype {mark.dtype} and shape {mark.shape}, expected bool in the shape of {told}"
                )
        labels = _labels(subjects[i], n_epochs, str(i + 1), f"subject{suffix}")
        if recordings[i] is None:
            own_recordings = labels
        else:
            runs = _labels(recordings[i], n_epochs, "", f"recording{suffix}")
            # "run-1" of one subject is not that of another.
            own_recordings = [recording_label(s, r) for s, r in zip(labels, runs, strict=True)]
        parts.append(Part(x_i, data, mark, labels, own_recordings, starts, source, picks, dtype))
    return parts


def recording_label(subject: str, recording: str) -> str:
    """Label of a subject's recording."""
    return f"{subject}/{recording}"


def same_time(a: Any, b: Any, name_a: str, name_b: str) -> None:
    """Refuse ``mne.Epochs`` with another sampling frequency or first time."""
    refuse_other_time(float(a.info["sfreq"]), float(a.times[0]), name_a, float(b.info["sfreq"]), float(b.times[0]), name_b)


def refuse_other_time(sfreq: float, tmin: float, name: str, other_sfreq: float, other_tmin: float, other: str) -> None:
    """Refuse epochs with another sampling frequency or first time than others."""
    if abs(sfreq - other_sfreq) > 1e-6 * other_sfreq:
        raise ValueError(f"{name} is sampled at {sfreq:g} Hz, {other} at {other_sfreq:g} Hz; resample one of them")
    if abs(tmin - other_tmin) * other_sfreq >= 0.5:
        raise ValueError(f"{name} starts at {tmin:g} s, {other} at {other_tmin:g} s; cut epochs with the same tmin")


def refuse_baseline(epochs: Any, n_init_times: int, name: str) -> None:
    """Refuse ``mne.Epochs`` that were corrected by a baseline which reaches past the init window.

    The baseline's samples sum to zero, so that those within the init window give away the mean of those after it.
    """
    baseline = getattr(epochs, "baseline", None)
    if baseline is None or n_init_times == 0:
        return
    # Cut and decimated epochs keep the baseline of the epochs that they were made of.
    start, end = baseline
    start, end = (float(epochs.times[0]) if start is None else start), (float(epochs.times[-1]) if end is None else end)
    sfreq = raw_sfreq_of(epochs)
    last = float(epochs.times[min(n_init_times, len(epochs.times)) - 1])
    if np.round(end * sfreq) <= np.round(last * sfreq):
        return
    n_needed = int(np.searchsorted(epochs.times, end + 0.5 / sfreq, side="right"))
    longer = f"; or set n_init_times to {n_needed} or more" if n_needed < len(epochs.times) else ""
    raise ValueError(
        f"{name} is baseline-corrected from {start:g} to {end:g} s, past the init window, which ends at {last:g} s "
        f"({n_init_times} samples): the mean over later samples, subtracted from those that the model is given, gives away "
        f"what it must predict; make the epochs again with baseline=None or with a baseline that ends by {last:g} s{longer}"
    )


def refuse_detrend(epochs: Any, n_init_times: int, name: str) -> None:
    """Refuse ``mne.Epochs`` whose trend over all of each epoch was removed: it gives away the mean of what is predicted."""
    detrend = getattr(epochs, "detrend", None)
    if detrend is None or n_init_times == 0:
        return
    what = "mean" if detrend == 0 else "linear trend"
    raise ValueError(
        f"{name} was made with detrend={detrend}: the {what} over all of each epoch was subtracted, so that the samples that "
        "the model is given give away the others; make the epochs again with detrend=None"
    )


# Of arrays, so many epochs and channels are looked at for windows that sum to zero; more would agree.
_N_LOOKED_AT = 8
# A mean of float32 that was subtracted leaves about this share of the sum of absolute values.
_ZERO_SUM = 3e-6


def refuse_zero_sums(data: npt.NDArray[np.float32], n_init_times: int, name: str) -> None:
    """Refuse arrays from which the mean over a window was subtracted that reaches past the init window.

    In such data the samples of the window sum to zero in every epoch and channel.
    """
    n_epochs, n_channels, n_times = data.shape
    if n_init_times == 0 or n_epochs < 3 or n_init_times >= n_times:
        return
    epochs = np.unique(np.linspace(0, n_epochs - 1, _N_LOOKED_AT).astype(int))
    channels = np.unique(np.linspace(0, n_channels - 1, _N_LOOKED_AT).astype(int))
    part = data[np.ix_(epochs, channels)].astype(np.float64)
    if not np.isfinite(part).all():
        return
    sums, sizes = (np.pad(np.cumsum(x, axis=2), ((0, 0), (0, 0), (1, 0))) for x in (part, np.abs(part)))
    for start in range(n_init_times - 1):
        ends = np.arange(n_init_times + 1, n_times + 1)
        size = sizes[..., ends] - sizes[..., [start]]
        is_zero = np.abs(sums[..., ends] - sums[..., [start]]) <= _ZERO_SUM * size
        # A stretch of zeros, as simulations have, says nothing.
        found = np.flatnonzero((is_zero & (size > 0)).all(axis=(0, 1)))
        if found.size:
            raise ValueError(
                f"{name}: samples {start} to {ends[found[0]] - 1} of every epoch sum to zero, as after subtracting their "
                f"mean (a baseline); they reach past the init window ({n_init_times} samples), so that the samples that the "
                "model is given give away the mean of those that it must predict; give the data without that baseline, or "
                "with one that ends within the init window"
            )


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
        own = where.partition("[")[0]
        marks = f"~np.isnan({own})" if np.isnan(part.data[bad]).all() else f"np.isfinite({own})"
        raise ValueError(
            f"{where} holds {part.data[at]} at epoch {at[0]}, channel {at[1]}, sample {at[2]}; where samples were not "
            f"measured say so: measured={marks}"
        )


def refuse_nan_features(part: Part, where: str, names: Sequence[str]) -> None:
    """NaN in the features: say where."""
    with np.errstate(invalid="ignore"):
        total = float(np.sum(part.features, dtype=np.float64))
    if np.isfinite(total):
        return
    bad = ~np.isfinite(part.features)
    if bad.any():
        at = tuple(int(i) for i in np.argwhere(bad)[0])
        raise ValueError(
            f"{where} holds {part.features[at]} at epoch {at[0]}, feature {names[at[1]]}, sample {at[2]}; fill it, or leave "
            "the epoch out"
        )


def pick_same(part: Part, channels: list[str], where: str) -> None:
    """Take the channels of the fit, whatever their order and whether they are marked as bad here."""
    names = part.epochs.ch_names
    absent = [name for name in channels if name not in names]
    if absent:
        raise ValueError(f"{where} lacks the channels {', '.join(absent[:8])} of the fit")
    picks = np.asarray([names.index(name) for name in channels])
    if not np.array_equal(picks, part.picks):
        if part.measured is not None:
            before = list(part.picks)
            unmarked = [names[pick] for pick in picks if pick not in before]
            if unmarked:
                raise ValueError(
                    f"measured has no rows for the channels {', '.join(unmarked[:8])} of the fit, which {where} marks as "
                    "bad; clear their marks, info['bads'], and say so in measured"
                )
            part.measured = np.ascontiguousarray(part.measured[:, [before.index(pick) for pick in picks]])
        part.picks = picks
        part.data = np.ascontiguousarray(part.epochs.get_data(picks=picks, copy=False), dtype=np.float32)
