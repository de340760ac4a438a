"""Responses by brain state."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import _native
from ._ask import Float64, GroupTest, ask, floats, interval_of, names_of, seed_of, shown, shown_interval, shown_p, test_of
from ._base import to_json
from ._errors import needed
from ._scores import evoked, frame, info_of, table_html, with_notes
from ._settings import check_types, is_number, n_threads_of


@dataclass(frozen=True)
class StateModulation:
    """Responses of epochs ordered by the power, or the phase, of a rhythm before them.

    Attributes
    ----------
    by : str
        ``power`` or ``phase``.
    band : (float, float)
        First and last frequency of the rhythm (Hz).
    window, scored : (float, float)
        First and last time (s) of what the rhythm was measured in; of what counts.
    notes : list of str
        What to know about it; why there is no result where ``subjects`` is empty.
    subjects : list of str
        Those with enough epochs in every bin.
    channels : list of str
        Names of the channels.
    times : ndarray (n_times,)
        Time of each sample (s).
    bins : ndarray (n_bins,)
        Mean of log₁₀ power, or the middle phase (rad), of each bin.
    frequency : ndarray (n_subjects,)
        Each subject's frequency of most power (Hz).
    truth, predicted : ndarray (n_subjects, n_bins, n_channels, n_times)
        Mean responses, as they are and as the model predicts them (scaled units).
    difference, predicted_difference : ndarray (n_channels, n_times)
        Most less least power, or phase 0 less the bin next to π; mean over subjects.
    gains, predicted_gains : ndarray (n_subjects, n_bins)
        Size of each bin's response relative to the mean over the subject's other bins, such that sizes have a mean of 1 (true
        responses). Noise in that mean makes all of them smaller.
    contrast, predicted_contrast : float
        Mean over subjects of the difference of the two bins' gains.
    contrast_test : GroupTest or None
        Whether the true contrast differs from 0.
    r_by_subject : ndarray (n_subjects,)
        r between true and predicted difference, over channels and the times that count: above 0 by chance, too.
    crossed_by_subject : ndarray (n_subjects,)
        r across halves: the same between the true difference in one half of the epochs and the predicted one in the
        other, both ways; 0 on average for a model that does not know the state. NaN where a bin is empty in a half.
    r, crossed : float
        Means over subjects.
    confidence : (float, float) or None
        95 % bootstrap interval of ``crossed``; None with fewer than 5 subjects.
    test : GroupTest or None
        Whether the subjects' r across halves lies above 0; None with fewer than 5.
    r_over_time, crossed_over_time : ndarray (n_times,)
        The same over channels at each time, means over subjects; NaN before the times that count.
    crossed_map : ndarray (n_subjects, n_channels, n_times)
        r across halves of the bins at each channel and time.
    """

    by: str
    band: tuple[float, float]
    window: tuple[float, float]
    scored: tuple[float, float]
    notes: list[str]
    subjects: list[str]
    channels: list[str]
    times: Float64
    bins: Float64
    frequency: Float64
    truth: Float64
    predicted: Float64
    difference: Float64
    predicted_difference: Float64
    gains: Float64
    predicted_gains: Float64
    contrast: float
    predicted_contrast: float
    contrast_test: GroupTest | None
    r_by_subject: Float64
    crossed_by_subject: Float64
    r: float
    crossed: float
    confidence: tuple[float, float] | None
    test: GroupTest | None
    r_over_time: Float64
    crossed_over_time: Float64
    crossed_map: Float64
    _info: Any = None

    def to_frame(self) -> Any:
        """Make a data frame: subject, bin, its value, true and predicted gain."""
        n_bins = len(self.bins)
        return frame(
            {
                "by": [self.by] * (len(self.subjects) * n_bins),
                "subject": np.repeat(np.asarray(self.subjects, dtype=object), n_bins),
                "bin": np.tile(np.arange(n_bins), len(self.subjects)),
                "value": np.tile(self.bins, len(self.subjects)),
                "gain": self.gains.ravel(),
                "predicted_gain": self.predicted_gains.ravel(),
            }
        )

    def to_evoked(self, predicted: bool = False, info: Any = None) -> Any:
        """Make an ``mne.EvokedArray`` of the difference of responses, the mean over subjects.

        Parameters
        ----------
        predicted : bool
            What the model predicts of it in place of what is true.
        info : mne.Info or None
            Of the channels of the fit; None where the model was fitted on ``mne.Epochs``.

        Returns
        -------
        mne.EvokedArray
            Scaled data.
        """
        if not self.subjects:
            raise ValueError(f"there is no result by {self.by}: {'; '.join(self.notes)}")
        values = self.predicted_difference if predicted else self.difference
        return evoked(values, info_of(self._info, info, self.channels), float(self.times[0]), f"difference by {self.by}")

    def __repr__(self) -> str:
        """Show the mean r, and that across halves."""
        numbers = f"r={shown(self.r)}, crossed={shown(self.crossed)}, n_subjects={len(self.subjects)}"
        return f"StateModulation(by={self.by!r}, {numbers})"


@dataclass(frozen=True)
class StateModulations(Mapping[str, StateModulation]):
    """Responses by brain state: a mapping from ``power`` and ``phase``.

    Attributes
    ----------
    by : dict of str to StateModulation
        What was found.
    """

    by: dict[str, StateModulation]

    def __getitem__(self, key: str) -> StateModulation:
        """Look up what epochs were ordered by."""
        return self.by[key]

    def __iter__(self) -> Iterator[str]:
        """Go through what epochs were ordered by."""
        return iter(self.by)

    def __len__(self) -> int:
        """Count them."""
        return len(self.by)

    def to_frame(self) -> Any:
        """Make a data frame of all, see `StateModulation.to_frame`."""
        frames = [one.to_frame() for one in self.by.values()]
        return needed("pandas", "a data frame").concat(frames, ignore_index=True)

    def _repr_html_(self) -> str:
        rows = [
            [
                one.by,
                len(one.subjects),
                shown(one.contrast),
                shown(one.predicted_contrast),
                shown(one.r),
                shown(one.crossed),
                shown_interval(one.confidence),
                shown_p(None if one.test is None else one.test.p),
            ]
            for one in self.by.values()
        ]
        columns = ["by", "subjects", "contrast", "predicted", "r", "r across halves", "95 % interval", "p"]
        notes = [one.notes for one in self.by.values()]
        return table_html("Responses by brain state", *with_notes(columns, rows, notes))


def state_modulation(
    model: Any,
    X: Any,
    y: Any = None,
    *,
    subject: Any = None,
    recording: Any = None,
    measured: Any = None,
    band: tuple[float, float] = (8.0, 13.0),
    by: str | Sequence[str] = ("power", "phase"),
    n_bins: int = 4,
    tmin: float | None = None,
    tmax: float | None = None,
    channels: str | Sequence[str] | None = None,
    min_epochs: int = 10,
    n_permutations: int = 1024,
    score_from: int | None = None,
    sfreq: float | None = None,
    seed: int = 0,
    n_threads: int | None = None,
) -> StateModulations:
    """Tell how responses depend on an ongoing rhythm before them, and how much of that a model predicts.

    Epochs are ordered, within each subject, by the rhythm's power and by its phase at the end of a window before the
    response; true and predicted responses are averaged in each bin. A model that sees the stimulus alone cannot predict
    the difference that the state makes; since bins differ in their stimuli by chance, its r is above 0 all the same. What
    counts is r across halves (``crossed``): the true difference in one half of a subject's epochs against the predicted
    one in the other. Epochs are taken to come in order of time, without samples in common. Each subject's frequency and
    spatial pattern of the rhythm are those of the epochs given; by power, epochs are ranked within their recording.

    Parameters
    ----------
    model : DRE, TRF, RTRF or BandedRidge
        Fitted.
    X, y, subject, recording, measured
        As in `DRE.fit`; epochs that the model was not fitted on.
    band : (float, float)
        First and last frequency of the rhythm (Hz).
    by : {"power", "phase"} or list of these
        What epochs are ordered by.
    n_bins : int
        Quantiles of power, and sectors of phase; 3 to 12.
    tmin, tmax : float or None
        First and last time (s) of the window in which the rhythm is measured; None for the epoch's start, and for the end of
        the init window, or the event where there is none. Epochs that came as arrays start at 0 s.
    channels : name, list of names, or None
        Channels on which it is measured; None for all.
    min_epochs : int
        A subject with fewer epochs in any bin is left out.
    n_permutations : int
        Sign flips of the cluster tests, the observed one included.
    score_from : int or None
        First sample that counts; None takes the end of the init window. What lies in the window never counts.
    sfreq : float or None
        Sampling frequency (Hz), for models that were fitted on arrays; None where it is known from ``mne.Epochs``.
    seed : int
        Seed of the sign flips.
    n_threads : int or None
        Threads; None for all. They do not change the result.

    Returns
    -------
    StateModulations
        A `StateModulation` each for ``power`` and ``phase``.

    Examples
    --------
    >>> import numpy as np, neurodre as dre
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((120, 1, 100)).astype("float32")
    >>> wave = rng.gamma(2, size=(120, 1, 1)) * np.sin(2 * np.pi * 0.1 * (np.arange(100) + 10 * rng.random((120, 1, 1))))
    >>> y = wave + 0.1 * np.roll(X, 2, axis=2)
    >>> model = dre.RTRF(n_lags_data=4, n_lags_features=4, n_init_times=50, phase="none").fit(X, y)
    >>> found = dre.state_modulation(model, X, y, sfreq=100.0)
    >>> found["phase"].truth.shape, bool(found["phase"].r > 0.9)
    ((1, 4, 1, 100), True)
    """
    given = {"n_bins": n_bins, "min_epochs": min_epochs, "n_permutations": n_permutations, "seed": seed}
    check_types(state_modulation, given)
    if np.shape(band) != (2,) or not all(map(is_number, band)):
        raise ValueError(f"band = {band!r}, expected two frequencies (Hz), the lower one first")
    for name, time in (("tmin", tmin), ("tmax", tmax)):
        if time is not None and not is_number(time):
            raise ValueError(f"{name} = {time!r}, expected a time (s) or None")
    orders = names_of(by, "by")
    if not orders:
        raise ValueError(f"by = {by!r}, expected power, phase, or a list of them")
    for one in orders:
        if one not in ("power", "phase"):
            raise ValueError(f"by = {one!r}, expected power, phase")
    asked = ask(model, "state_modulation", X, y, (subject, recording, measured), score_from, sfreq)
    if sfreq is None and model._mne_info is None and model._info["sfreq"] == 1.0:
        raise ValueError("sfreq is needed: the model was fitted on arrays, which do not tell their sampling frequency (Hz)")
    picked = names_of(channels, "channels")
    absent = [name for name in picked if name not in model.channels_]
    if absent:
        raise ValueError(f"channels holds {absent[0]!r}, expected names of channels: {', '.join(model.channels_[:12])}")
    settings = {
        "band": [float(frequency) for frequency in band],
        "by": orders,
        "n_bins": n_bins,
        "channels": picked,
        "min_epochs": min_epochs,
        "n_permutations": n_permutations,
        **{name: float(time) for name, time in (("tmin", tmin), ("tmax", tmax)) if time is not None},
    }
    text, responses = _native.state_modulation(
        asked.model,
        asked.epochs,
        asked.about,
        to_json(settings),
        model._n_init_times(),
        asked.score_from,
        asked.batch_size,
        seed_of(seed),
        n_threads_of(n_threads),
    )
    found: dict[str, StateModulation] = {}
    for one, arrays in zip(json.loads(text), responses, strict=True):
        truth, predicted, difference, predicted_difference, crossed_map = arrays
        own: dict[str, Any] = one["models"].get("model", {})
        true, told = one["truth"], own.get("modulation", {})
        by_subject = list(own.get("subjects", {}).values())
        found[one["by"]] = StateModulation(
            by=one["by"],
            band=(one["band"][0], one["band"][1]),
            window=(one["window"][0], one["window"][1]),
            scored=(one["scored"][0], one["scored"][1]),
            notes=one["notes"],
            subjects=list(one["subjects"]),
            channels=model.channels_,
            times=asked.times,
            bins=floats([b["value"] for b in one["bins"]]),
            frequency=floats([s["frequency"] for s in one["subjects"].values()]),
            truth=truth,
            predicted=predicted,
            difference=difference,
            predicted_difference=predicted_difference,
            gains=floats(list(true["gains"].values())),
            predicted_gains=floats(list(told.get("gains", {}).values())),
            contrast=float(floats(true["contrast"])),
            predicted_contrast=float(floats(told.get("contrast"))),
            contrast_test=test_of(true["test"]),
            r_by_subject=floats([subject["r"] for subject in by_subject]),
            crossed_by_subject=floats([subject["crossed"] for subject in by_subject]),
            r=float(floats(own.get("r"))),
            crossed=float(floats(own.get("crossed"))),
            confidence=interval_of(own.get("confidence")),
            test=test_of(own.get("test")),
            r_over_time=floats(own.get("r_over_time", [])),
            crossed_over_time=floats(own.get("over_time", [])),
            crossed_map=crossed_map,
            _info=model._mne_info,
        )
    return StateModulations(found)
