"""Scores of a model."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import numpy.typing as npt

Float64 = npt.NDArray[np.float64]


def table_html(title: str, columns: list[str], rows: list[list[Any]]) -> str:
    """Make a small HTML table for notebooks."""
    head = "".join(f"<th>{escape(c)}</th>" for c in columns)
    body = "".join("<tr>" + "".join(f"<td>{escape(str(v))}</td>" for v in row) + "</tr>" for row in rows)
    return f"<table><caption>{escape(title)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def frame(columns: dict[str, Any]) -> Any:
    """Make a pandas data frame, pandas being wanted only now."""
    try:
        import pandas as pd
    except ImportError:
        raise ImportError("to_frame needs pandas: pip install pandas") from None
    return pd.DataFrame(columns)


@dataclass(frozen=True)
class Scores:
    """Pearson's r across epochs.

    Attributes
    ----------
    subjects : list of str
        Labels of the subjects that have epochs.
    channels : list of str
        Names of the channels.
    times : ndarray, (n_times,)
        Time of each sample (s); in samples where the epochs' sampling frequency is not known.
    r : ndarray, (n_subjects, n_channels, n_times)
        r of scaled data; NaN where fewer than three epochs were measured of some that were not.
    mean_r_by_subject : ndarray, (n_subjects,)
        Mean over channels and the times from ``score_from`` on.
    score_from : int
        First sample that counts for the means.
    """

    subjects: list[str]
    channels: list[str]
    times: Float64
    r: Float64
    mean_r_by_subject: Float64
    score_from: int
    _info: Any = None

    @property
    def mean_r(self) -> float:
        """Mean over subjects."""
        return float(np.nanmean(self.mean_r_by_subject))

    def to_frame(self) -> Any:
        """Make a data frame: subject, channel, mean r from ``score_from`` on."""
        means = np.nanmean(self.r[:, :, self.score_from :], axis=2)
        return frame(
            {
                "subject": np.repeat(self.subjects, len(self.channels)),
                "channel": np.tile(self.channels, len(self.subjects)),
                "r": means.ravel(),
            }
        )

    def to_evoked(self, info: Any = None) -> Any:
        """Make an ``mne.EvokedArray`` of r, the mean over subjects, for topographies and time courses.

        Parameters
        ----------
        info : mne.Info or None
            With the channels of the fit; None where the model was fitted on ``mne.Epochs``, and not read from files.

        Returns
        -------
        mne.EvokedArray
            r, which has no unit.
        """
        own = info_of(self._info, info, self.channels)
        return evoked(np.nanmean(self.r, axis=0), own, float(self.times[0]), "r")

    def __repr__(self) -> str:
        """Show the mean and its size."""
        return f"Scores(mean_r={self.mean_r:.4f}, n_subjects={len(self.subjects)}, n_channels={len(self.channels)})"

    def _repr_html_(self) -> str:
        rows = [[s, f"{r:.4f}"] for s, r in zip(self.subjects, self.mean_r_by_subject, strict=True)]
        return table_html("r across epochs", ["subject", "mean r"], [*rows, ["mean", f"{self.mean_r:.4f}"]])


def info_of(own: Any, given: Any, channels: list[str]) -> Any:
    """Choose the info of the fit's channels: the model's own, or what was given, its channels matched by name."""
    if given is None:
        return own
    names = list(given["ch_names"])
    if set(channels) <= set(names):
        import mne

        return mne.pick_info(given, [names.index(name) for name in channels], copy=True)
    if channels != [str(i) for i in range(len(channels))]:
        absent = [name for name in channels if name not in names]
        raise ValueError(f"info has {len(names)} channels, but lacks {', '.join(absent[:8])}, which the model was fitted to")
    # Channels of arrays have numbers for names.
    if len(names) != len(channels):
        raise ValueError(f"info has {len(names)} channels, the model was fitted to {len(channels)}")
    return given


def evoked(values: Float64, info: Any, tmin: float, comment: str) -> Any:
    """Make an ``mne.EvokedArray`` of values that have no unit."""
    if info is None:
        raise ValueError(
            "to_evoked needs the channels of the recording; give info=epochs.info, or fit the model on mne.Epochs"
        )
    import mne

    return mne.EvokedArray(values, info.copy(), tmin=tmin, comment=comment, verbose="error")
