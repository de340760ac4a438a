"""Columns of an ``mne.Epochs``' metadata as stimulus features."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from . import _native

Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Feature:
    """How a column of the metadata becomes a signal.

    Parameters
    ----------
    column : str
        Column of ``epochs.metadata``.
    layout : {"hold", "onset"}
        Whether an event's value is held from the sample nearest to its onset for its duration, or stands at that sample
        alone; as in a study file.
    duration : float or None
        How long values are held (s); None takes the column ``duration``.
    values : mapping or None
        A number for each text of the column, such as ``{"target": 1.0, "nontarget": -1.0}``; None for columns of numbers.
    name : str or None
        Name of the feature; None for the column's.
    """

    column: str
    layout: Literal["hold", "onset"] = "hold"
    duration: float | None = None
    values: Mapping[str, float] | None = None
    name: str | None = None

    def __repr__(self) -> str:
        """Show the settings that are not the defaults."""
        changed = [f"{f.name}={getattr(self, f.name)!r}" for f in fields(self)[1:] if getattr(self, f.name) != f.default]
        return f"Feature({', '.join([repr(self.column), *changed])})"

    @property
    def label(self) -> str:
        """The feature's name."""
        return self.name or self.column


def as_features(features: Sequence[str | Feature] | None) -> list[Feature]:
    """Features as they were given, names becoming columns."""
    if features is None:
        return []
    if isinstance(features, str):
        raise TypeError(f"features must be a list of names, not the text {features!r}")
    if not isinstance(features, Iterable):
        raise TypeError(f"features must be a list of names, not {features!r}")
    wrong = [f for f in features if not isinstance(f, str | Feature)]
    if wrong:
        raise TypeError(f"features must be names or neurodre.Feature objects, not {type(wrong[0]).__name__}")
    return [f if isinstance(f, Feature) else Feature(f) for f in features]


def is_epochs(value: object) -> bool:
    """Whether a value is ``mne.Epochs`` of any kind; MNE-Python is not imported for it."""
    mne = sys.modules.get("mne")
    return mne is not None and isinstance(value, mne.BaseEpochs)


def settled(epochs: Any) -> Any:
    """The epochs without those that are still to be rejected; of ``mne.Epochs`` that are not loaded, a copy."""
    try:
        len(epochs)
    except RuntimeError:
        return epochs.copy().drop_bad(verbose="error")
    return epochs


def raw_sfreq_of(epochs: Any) -> float:
    """Sampling frequency (Hz) that the events' samples count at; they keep it when epochs are decimated."""
    return float(np.ravel(getattr(epochs, "_raw_sfreq", epochs.info["sfreq"]))[0])


def _are_numbered(events: npt.NDArray[np.float64], epochs: Any) -> bool:
    """Whether epochs are numbered 0, 1, 2, …, as those of an array without events: that does not say when they were.

    Epochs may have been dropped, put in another order or joined since.
    """
    if len(events) < 2:
        return False
    selection = np.asarray(epochs.selection)
    order = np.argsort(selection, kind="stable")
    steps, moves = np.diff(events[order]), np.diff(selection[order])
    # Where epochs of several arrays were joined, numbers jump at the joints alone.
    if np.mean(steps == moves) > 0.5:
        return True
    spacing = float(np.median(np.diff(np.sort(events))))
    return spacing <= 2 and spacing * 10 <= len(epochs.times)


def sample_numbers(epochs: Any) -> tuple[npt.NDArray[np.float64] | None, npt.NDArray[np.float64]]:
    """Events' samples at the epochs' own rate, None where the epochs do not tell; first samples of the epochs."""
    sfreq = float(epochs.info["sfreq"])
    events: npt.NDArray[np.float64] = np.asarray(epochs.events)[:, 0].astype(np.float64)
    offset = float(np.round(epochs.times[0] * sfreq))
    if _are_numbered(events, epochs):
        return None, (np.arange(len(events)) * 1e9 + offset).astype(np.float64)
    events = events / raw_sfreq_of(epochs) * sfreq
    return events, events + offset


def _column(metadata: Any, feature: Feature) -> npt.NDArray[np.float64]:
    if metadata is None:
        raise ValueError(
            f"the epochs have no metadata, which feature {feature.label!r} asks for; set epochs.metadata, or give X as an "
            "array (n_epochs, n_features, n_times)"
        )
    if feature.column not in metadata.columns:
        raise ValueError(
            f"the metadata have no column {feature.column!r}, which feature {feature.label!r} asks for; they have "
            f"{', '.join(map(str, metadata.columns))}"
        )
    column = metadata[feature.column]
    if feature.values is not None:
        unknown = sorted({str(v) for v in column if v not in feature.values})
        if unknown:
            raise ValueError(f"feature {feature.label!r} has no value for {', '.join(unknown)}")
        column = column.map(dict(feature.values))
    try:
        values = np.asarray(column, dtype=float)
    except (TypeError, ValueError):
        raise ValueError(
            f"column {feature.column!r} holds {column.iloc[0]!r}, which is no number; say what each text stands for: "
            f"Feature({feature.column!r}, values={{...}})"
        ) from None
    if not np.isfinite(values).all():
        at = int(np.flatnonzero(~np.isfinite(values))[0])
        raise ValueError(f"column {feature.column!r} holds {values[at]} at epoch {at}; fill it or drop the epoch")
    return values


def metadata_features(epochs: Any, features: Sequence[str | Feature], *, events: Any = None, metadata: Any = None) -> Float32:
    """Lay columns of the metadata of ``mne.Epochs`` in time.

    Every event shows in every epoch that it falls into, not only in its own, so lay features before epochs are selected:
    ``X = metadata_features(epochs, ...)``, then ``fit(X[train], epochs[train])``.

    Parameters
    ----------
    epochs : mne.BaseEpochs
        Epochs, with metadata where ``metadata`` is not given.
    features : list of str or Feature
        Columns; a name stands for ``Feature(name)``.
    events : ndarray of int (n_events, 3), or None
        All events of the recording, as they were given to ``mne.Epochs``; None takes those whose epochs were kept, so that
        those whose epochs were dropped show nowhere.
    metadata : pandas.DataFrame or None
        The columns of ``events``, one row per event; needed with it.

    Returns
    -------
    ndarray of float32, (n_epochs, n_features, n_times)
        The features, not scaled.
    """
    wanted = as_features(features)
    if not wanted:
        raise ValueError("features is empty; name columns of the metadata")
    if (events is None) != (metadata is None):
        raise ValueError("events and metadata belong together: give both or neither")
    if not is_epochs(epochs):
        raise TypeError(f"epochs is {type(epochs).__name__}, expected mne.Epochs")
    epochs = settled(epochs)
    sfreq = float(epochs.info["sfreq"])
    known, starts = sample_numbers(epochs)
    if events is not None:
        if known is None:
            raise ValueError(
                "events is given, but the epochs are numbered 0, 1, 2, … and do not say when they were; make them with their "
                "events, mne.EpochsArray(..., events=...)"
            )
        onsets = np.asarray(events)[:, 0].astype(np.float64) / raw_sfreq_of(epochs) * sfreq
        if len(onsets) != len(metadata):
            raise ValueError(f"metadata has {len(metadata)} rows, events has {len(onsets)}")
    else:
        metadata = epochs.metadata
        onsets = starts - float(np.round(epochs.times[0] * sfreq)) if known is None else known
    rows = []
    for feature in wanted:
        values = _column(metadata, feature)
        if feature.layout == "hold" and feature.duration is None and "duration" not in metadata.columns:
            raise ValueError(
                f"feature {feature.label!r} is held for its duration, but has none and the metadata have no column "
                f"'duration'; say Feature({feature.column!r}, duration=SECONDS) or layout='onset'"
            )
        seconds: Any = 0.0
        if feature.layout == "hold":
            seconds = metadata["duration"] if feature.duration is None else feature.duration
        durations = np.broadcast_to(np.asarray(seconds, dtype=float) * sfreq, values.shape)
        if not (durations >= 0).all():
            raise ValueError(f"feature {feature.label!r}: durations must be 0 s or more")
        laid = _native.lay_values(
            onsets.tolist(), durations.tolist(), values.tolist(), starts.tolist(), len(epochs.times), feature.layout
        )
        rows.append(laid)
    return np.stack(rows, axis=1)
