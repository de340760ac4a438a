"""Prepared recordings."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _native
from ._errors import needed
from ._scores import frame, table_html


@dataclass(frozen=True)
class CohortRecording:
    """One prepared recording.

    Attributes
    ----------
    id : str
        BIDS entities.
    subject : str
        Label of the subject.
    n_times : int
        Number of samples.
    missing : dict
        Channels that it lacks, and why; their data have no meaning.
    bad_segments : list of (int, int)
        Bad stretches: first sample, and the one after the last.
    """

    id: str
    subject: str
    n_times: int
    missing: dict[str, str]
    bad_segments: list[tuple[int, int]]
    _cohort: Cohort
    _place: int

    def data(self) -> npt.NDArray[np.float32]:
        """Prepared data in SI units, not scaled, ``(n_channels, n_times)``."""
        return self._cohort._native.signal(self._place, "data")

    def features(self) -> npt.NDArray[np.float32]:
        """Features, not standardised, ``(n_features, n_times)``; NaN where one has no value."""
        return self._cohort._native.signal(self._place, "features")

    def events(self) -> Any:
        """Events as a data frame: onset (s), duration (s) and columns."""
        onset, duration, columns = self._cohort._native.events(self._place)
        return frame({"onset": onset, "duration": duration, **columns})

    def to_raw(self) -> Any:
        """Make an ``mne.io.RawArray`` of the data, with the bad segments annotated."""
        mne = needed("mne", "to_raw")
        info = mne.create_info(self._cohort.channels, self._cohort.sfreq, self._cohort.channel_types)
        raw = mne.io.RawArray(self.data().astype(np.float64), info, verbose="error")
        raw.info["bads"] = [name for name in self._cohort.channels if name in self.missing]
        sfreq = self._cohort.sfreq
        starts = [start / sfreq for start, _ in self.bad_segments]
        durations = [(end - start) / sfreq for start, end in self.bad_segments]
        raw.set_annotations(mne.Annotations(starts, durations, ["BAD_segment"] * len(starts)))
        return raw


class Cohort:
    """Prepared recordings of many subjects, continuous, channels matched by name.

    Attributes
    ----------
    folder : Path
        Its place.
    info : dict
        Content of ``cohort.json``.
    sfreq : float
        Sampling frequency (Hz).
    channels, channel_types, features, subjects : list of str
        In the order of the data's rows.
    recordings : list of CohortRecording
        The recordings; their samples are read when they are asked for.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        self._native = _native.open_cohort(self.folder)
        self.info: dict[str, Any] = json.loads(self._native.info())
        self.sfreq = float(self.info["sfreq"])
        self.channels: list[str] = [channel["name"] for channel in self.info["channels"]]
        self.channel_types: list[str] = [channel["kind"] for channel in self.info["channels"]]
        self.features: list[str] = list(self.info["features"])
        self.subjects: list[str] = list(self.info["subjects"])
        self.recordings = [
            CohortRecording(
                one["id"],
                one["subject"],
                one["n_times"],
                one.get("missing", {}),
                [(start, end) for start, end in one.get("bad_segments", [])],
                self,
                place,
            )
            for place, one in enumerate(self.info["recordings"])
        ]

    def __repr__(self) -> str:
        """Show its size."""
        return (
            f"Cohort({len(self.subjects)} subjects, {len(self.recordings)} recordings, {len(self.channels)} channels, "
            f"{self.sfreq:g} Hz)"
        )

    def _repr_html_(self) -> str:
        rows = [[r.id, r.subject, f"{r.n_times / self.sfreq:.1f}"] for r in self.recordings]
        return table_html(repr(self), ["recording", "subject", "seconds"], rows)


def read_cohort(folder: str | os.PathLike[str]) -> Cohort:
    """Open a cohort that `prepare` or ``dre prepare`` made.

    Parameters
    ----------
    folder : path
        The cohort's folder, such as ``dre-p300/cohort``.

    Returns
    -------
    Cohort
        The recordings.
    """
    return Cohort(folder)
