"""Scores of a model."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import numpy.typing as npt

from ._errors import needed

Float64 = npt.NDArray[np.float64]

# Rows of a table in a notebook at most.
MOST_ROWS = 40


def table_html(title: str, columns: list[str], rows: list[list[Any]], note: str = "") -> str:
    """Make a small HTML table for notebooks, numbers to the right and texts to the left; a note goes below it.

    Long numbers of subjects are cut to the first and the last ones.
    """
    cut = [*rows[: MOST_ROWS - 3], ["…"] * len(columns), *rows[-2:]] if len(rows) > MOST_ROWS else rows
    is_text = [any(_is_text(row[i]) for row in rows) for i in range(len(columns))]

    def style(i: int, value: Any) -> str:
        wrap = "max-width: 40em" if len(str(value)) > 40 else "white-space: nowrap"
        return f'style="text-align: {"left" if is_text[i] else "right"}; {wrap}"'

    head = "".join(f"<th {style(i, c)}>{escape(c)}</th>" for i, c in enumerate(columns))
    cells = ("".join(f"<td {style(i, v)}>{escape(_signed(v))}</td>" for i, v in enumerate(row)) for row in cut)
    body = "".join(f"<tr>{row}</tr>" for row in cells)
    caption = f'<caption style="text-align: left; white-space: nowrap"><b>{escape(title)}</b></caption>' if title else ""
    below = f'<p style="max-width: 60em">{escape(note)}</p>' if note else ""
    return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{below}"


def with_notes(columns: list[str], rows: list[list[Any]], notes: list[list[str]]) -> tuple[list[str], list[list[Any]], str]:
    """Columns, rows and note of a table whose rows have notes: those of all rows are told once, below it."""
    common = [note for note in (notes[0] if notes else []) if all(note in own for own in notes)]
    others = ["; ".join(note for note in own if note not in common) for own in notes]
    if any(others):
        columns, rows = [*columns, "notes"], [[*row, other] for row, other in zip(rows, others, strict=True)]
    return columns, rows, "; ".join(common)


def _is_text(value: Any) -> bool:
    """Whether a cell holds no number, nor an interval of numbers or a dash."""
    return re.fullmatch(r"[-–0-9.e+ to()%…]*", str(value)) is None


def _signed(value: Any) -> str:
    """The text of a cell; numbers below 0 with the sign minus."""
    text = str(value)
    return text if _is_text(value) else re.sub(r"-(?=[0-9.])", "−", text)


def frame(columns: dict[str, Any]) -> Any:
    """Make a pandas data frame, pandas being wanted only now."""
    return needed("pandas", "a data frame").DataFrame(columns)


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
        r across epochs; NaN where fewer than 3 epochs were measured of some that were not. Samples that the model was shown
        are there, too, and count in no mean.
    mean_r_by_subject : ndarray, (n_subjects,)
        Mean over channels and the times from ``score_from`` on.
    score_from : int
        First sample that counts for the means; none that the model was shown.
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
        means = self.mean_r_by_subject
        return float(np.nanmean(means)) if np.isfinite(means).any() else float("nan")

    def by_subject(self, score_from: int) -> Float64:
        """Mean r of each subject over channels and times from a later sample on.

        Parameters
        ----------
        score_from : int
            First sample that counts; one before that of the scores stands for it.

        Returns
        -------
        ndarray (n_subjects,)
            Means; NaN where there is no r.
        """
        if score_from <= self.score_from:
            return self.mean_r_by_subject
        late = self.r[:, :, score_from:]
        is_known = np.isfinite(late)
        n = is_known.sum(axis=(1, 2))
        sums = np.where(is_known, late, 0.0).sum(axis=(1, 2))
        return np.where(n > 0, sums / np.maximum(n, 1), np.nan)

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
