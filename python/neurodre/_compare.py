"""The noise ceiling, and comparisons of models."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import _native
from ._ask import (
    Float64,
    GroupTest,
    about,
    floats,
    interval_of,
    seed_of,
    shown,
    shown_interval,
    shown_p,
    test_of,
)
from ._epochs import (
    Block,
    Epochs,
    as_labels,
    channel_names,
    explain_nan,
    gather,
    label_of,
    same_time,
)
from ._features import is_epochs, settled
from ._scaling import Scaling
from ._scores import Scores, evoked, frame, info_of, table_html
from ._sets import TEST, TRAIN
from ._settings import n_threads_of


@dataclass(frozen=True)
class NoiseCeiling:
    """How well any model that sees the stimulus alone could predict single epochs.

    Attributes
    ----------
    method : str
        ``repeats`` (split-half reliability of repeated stimuli), ``subjects`` (others' responses to the same stimuli, a lower
        bound) or ``none``.
    note : str
        How it was estimated, or why it was not.
    subjects : list of str
        Labels of the subjects.
    by_subject : ndarray (n_subjects,)
        Mean over channels and the times from ``score_from`` on; NaN where there is none.
    mean : float
        Mean over subjects.
    confidence : (float, float) or None
        95 % bootstrap interval across subjects; None with fewer than 5.
    over_time : ndarray (n_times,)
        Mean over subjects and channels.
    per_channel : ndarray (n_channels,)
        Mean over subjects and the times that count.
    channels : list of str
        Names of the channels.
    """

    method: str
    note: str
    subjects: list[str]
    by_subject: Float64
    mean: float
    confidence: tuple[float, float] | None
    over_time: Float64
    per_channel: Float64
    channels: list[str]
    _info: Any = None

    def to_frame(self) -> Any:
        """Make a data frame: subject, ceiling."""
        return frame({"subject": self.subjects, "ceiling": self.by_subject})

    def to_evoked(self, info: Any = None) -> Any:
        """Make an ``mne.EvokedArray`` of one sample of the ceiling of each channel, for a topography.

        Parameters
        ----------
        info : mne.Info or None
            With the channels of the data; None where these were ``mne.Epochs``.

        Returns
        -------
        mne.EvokedArray
            The ceiling, which has no unit.
        """
        return evoked(self.per_channel[:, None], info_of(self._info, info, self.channels), 0.0, "noise ceiling")

    def __repr__(self) -> str:
        """Show the mean."""
        return f"NoiseCeiling(mean={shown(self.mean)}, method={self.method!r}, n_subjects={len(self.subjects)})"

    def _repr_html_(self) -> str:
        rows = [[s, shown(float(r))] for s, r in zip(self.subjects, self.by_subject, strict=True)]
        return table_html("Noise ceiling", ["subject", "r"], [*rows, ["mean", shown(self.mean)]], self.note)


def noise_ceiling(
    y: Any,
    stimulus: Any,
    *,
    subject: Any = None,
    recording: Any = None,
    measured: Any = None,
    score_from: int = 0,
    seed: int = 0,
    n_threads: int | None = None,
) -> NoiseCeiling:
    """Estimate the r across epochs that a perfect prediction from the stimulus alone could reach.

    Where at least ten stimuli are repeated within a subject: split-half reliability with the Spearman–Brown formula. Else,
    where as many are shared: r with the other subjects' mean response, a lower bound. Data are scaled by the median and
    interquartile range of each recording.

    Parameters
    ----------
    y : ndarray (n_epochs, n_channels, n_times), mne.Epochs, or list of either
        Brain responses of the epochs that models are scored on.
    stimulus : sequence of labels, or list of these
        Which stimulus each epoch had; None, NaN, an empty text or ``n/a`` for none. 1, 1.0 and "1" are the same.
    subject, recording, measured
        As in `DRE.fit`.
    score_from : int
        First sample that counts for the means; that of the scores that are held against it.
    seed : int
        Seed of the halves.
    n_threads : int or None
        Threads; None for all. They do not change the result.

    Returns
    -------
    NoiseCeiling
        By subject and channel.

    Examples
    --------
    >>> import numpy as np, neurodre as dre
    >>> rng = np.random.default_rng(0)
    >>> stimulus = np.repeat(np.arange(40), 4)
    >>> y = rng.standard_normal((40, 2, 20))[stimulus] + rng.standard_normal((160, 2, 20))
    >>> ceiling = dre.noise_ceiling(y, stimulus)
    >>> ceiling.method, bool(abs(ceiling.mean - 0.5**0.5) < 0.05)
    ('repeats', True)
    """
    is_list = isinstance(y, list | tuple)
    ys = [settled(one) if is_epochs(one) else one for one in (y if is_list else [y])]
    for i, one in enumerate(ys):
        if not (is_epochs(one) or (isinstance(one, np.ndarray) and one.ndim == 3)):
            found = f"shape {one.shape}" if isinstance(one, np.ndarray) else type(one).__name__
            where = f"y[{i}]" if is_list else "y"
            raise (ValueError if isinstance(one, np.ndarray) else TypeError)(
                f"{where} is {found}, expected mne.Epochs or an array (n_epochs, n_channels, n_times)"
            )
    blank = [np.zeros((len(one), 0, len(one.times) if is_epochs(one) else one.shape[2]), np.float32) for one in ys]
    xs = blank if is_list else blank[0]
    parts = gather(xs, ys if is_list else ys[0], features=None, subject=subject, recording=recording, measured=measured)
    names, n_times = channel_names(parts[0]), parts[0].features.shape[2]
    labels: list[str] = []
    given = list(stimulus) if is_list else [stimulus]
    if len(given) != len(parts):
        raise ValueError(f"stimulus has {len(given)} entries, expected one for each of {len(parts)} elements of y")
    for i, (part, own) in enumerate(zip(parts, given, strict=True)):
        where = f"[{i}]" if is_list else ""
        own = as_labels(own)
        if own.shape != (part.n_epochs,):
            raise ValueError(f"stimulus{where} has shape {own.shape}, expected a label for each of {part.n_epochs} epochs")
        if channel_names(part) != names or part.features.shape[2] != n_times:
            raise ValueError(f"y{where} has other channels or times than y[0]")
        if part.epochs is not None and parts[0].epochs is not None:
            same_time(part.epochs, parts[0].epochs, f"y{where}", "y[0]")
        explain_nan(part, f"y{where}")
        labels.extend(label_of(one) or "" for one in own.tolist())
    subjects = sorted({label for part in parts for label in part.subjects})
    recordings = sorted({label for part in parts for label in part.recordings})

    def of(number: int) -> list[Block]:
        return [
            Block(
                part.data,
                part.features,
                part.measured,
                [subjects.index(label) for label in part.subjects],
                [recordings.index(label) for label in part.recordings],
                [number] * part.n_epochs,
            )
            for part in parts
        ]

    epochs = Epochs(names, [], subjects, recordings, int(n_times), of(TRAIN))
    centre, scale, mean, std, _ = _native.fit_scaling(epochs)
    epochs = Epochs(names, [], subjects, recordings, int(n_times), of(TEST), Scaling(recordings, centre, scale, mean, std))
    if isinstance(score_from, bool) or not 0 <= score_from < n_times:
        raise ValueError(f"score_from = {score_from}, expected a sample of the epoch, below {n_times}")
    info = None
    if parts[0].picks is not None:
        import mne

        info = mne.pick_info(parts[0].epochs.info, parts[0].picks, copy=True)
    text = _native.noise_ceiling(
        epochs,
        about(1.0, 0, [{"name": name, "kind": "misc"} for name in names], None),
        labels,
        int(score_from),
        seed_of(seed),
        n_threads_of(n_threads),
    )
    found = json.loads(text)
    return NoiseCeiling(
        method=found["method"],
        note=found["note"].replace("of the stimuli in column `stimulus`, ", "").replace("`stimulus`", "stimulus"),
        subjects=list(found["subjects"]),
        by_subject=floats(list(found["subjects"].values())),
        mean=float(floats(found["mean"])),
        confidence=interval_of(found["confidence"]),
        over_time=floats(found["over_time"]),
        per_channel=floats(found["per_channel"]),
        channels=names,
        _info=info,
    )


@dataclass(frozen=True)
class Comparison:
    """Two models on the same subjects.

    Attributes
    ----------
    names : (str, str)
        The models.
    subjects : list of str
        Subjects that both have; one whose score is NaN counts in nothing, see ``n``.
    first, second : ndarray (n_subjects,)
        Score of each subject.
    difference : float
        Mean of first less second.
    confidence : (float, float) or None
        95 % bootstrap interval of the difference across subjects; None with fewer than 5.
    test : GroupTest or None
        Two-sided signed-rank test of the differences, with its effect sizes; None with fewer than 5.
    ratio : float or None
        Mean of the first by that of the second; None where the latter is not above 0.
    ratio_confidence : (float or None, float or None) or None
        Its 95 % bootstrap interval; an end is None where it is unbounded. None with fewer than 5 subjects.
    """

    names: tuple[str, str]
    subjects: list[str]
    first: Float64
    second: Float64
    difference: float
    confidence: tuple[float, float] | None
    test: GroupTest | None
    ratio: float | None
    ratio_confidence: tuple[float | None, float | None] | None

    @property
    def n(self) -> int:
        """Number of subjects that count: those with a finite score of both."""
        return int(np.isfinite(self.first - self.second).sum())

    def to_frame(self) -> Any:
        """Make a data frame: subject, a column for each model, their difference."""
        a, b = self.names
        return frame({"subject": self.subjects, a: self.first, b: self.second, "difference": self.first - self.second})

    def __repr__(self) -> str:
        """Show difference and test."""
        p = shown_p(None if self.test is None else self.test.p)
        return f"Comparison({self.names[0]} - {self.names[1]}: {shown(self.difference)}, p={p}, n={self.n})"

    def _repr_html_(self) -> str:
        test = self.test
        rows: list[list[Any]] = [
            ["difference", f"{shown(self.difference)} ({shown_interval(self.confidence)})"],
            ["ratio", shown(self.ratio)],
            ["p", shown_p(None if test is None else test.p)],
            ["rank-biserial correlation", shown(None if test is None else test.rank_biserial)],
            ["Cohen's d_z", shown(None if test is None else test.cohens_dz)],
            ["subjects", self.n if self.n == len(self.subjects) else f"{self.n} of {len(self.subjects)}"],
        ]
        return table_html(f"{self.names[0]} less {self.names[1]}", ["", "value"], rows)


def compare(
    scores_a: Any,
    scores_b: Any,
    *,
    names: tuple[str, str] = ("first", "second"),
    seed: int = 0,
) -> Comparison:
    """Compare two models by one score for each subject.

    Parameters
    ----------
    scores_a, scores_b : Scores, mapping of str to float, or sequence of float
        Of the same subjects; in the same order where they are sequences. Of `Scores`, the mean r of each subject; of two of
        them from the later of their ``score_from`` on, so that neither model is scored on samples that the other was shown.
    names : (str, str)
        What the models are called.
    seed : int
        Seed of the bootstrap.

    Returns
    -------
    Comparison
        Difference, ratio, their intervals, signed-rank test and effect sizes.

    Examples
    --------
    >>> import neurodre as dre
    >>> found = dre.compare([0.2, 0.3, 0.25, 0.4, 0.35, 0.22], [0.1, 0.15, 0.125, 0.2, 0.175, 0.11])
    >>> found.test.p, found.ratio
    (0.03125, 2.0)
    """
    both = [scores for scores in (scores_a, scores_b) if isinstance(scores, Scores)]
    if len(both) == 2 and both[0].r.shape[1:] != both[1].r.shape[1:]:
        shapes = " and ".join(f"{scores.r.shape[1]} channels × {scores.r.shape[2]} times" for scores in both)
        raise ValueError(f"the scores are of {shapes}, expected the same channels and times of both")
    first = max((scores.score_from for scores in both), default=0)
    a, b = _by_subject(scores_a, "scores_a", first), _by_subject(scores_b, "scores_b", first)
    if set(a) != set(b):
        only = sorted(set(a) ^ set(b))
        raise ValueError(f"the scores are not of the same subjects: {', '.join(only[:8])} in one of them alone")
    if np.shape(names) != (2,) or not all(isinstance(one, str) for one in names) or names[0] == names[1]:
        raise ValueError(f"names = {names!r}, expected two different names")
    subjects = list(a)
    first, second = [a[s] for s in subjects], [b[s] for s in subjects]
    found = json.loads(_native.compare_scores(list(names), [first, second], seed_of(seed)))[0]
    ratio = found["ratio"]
    return Comparison(
        names=(names[0], names[1]),
        subjects=subjects,
        first=np.asarray(first),
        second=np.asarray(second),
        difference=float(floats(found["difference"])),
        confidence=interval_of(found["confidence"]),
        test=test_of(found["test"]),
        ratio=None if ratio is None else ratio["ratio"],
        ratio_confidence=None if ratio is None or found["confidence"] is None else (ratio["low"], ratio["high"]),
    )


def _by_subject(scores: Any, name: str, score_from: int) -> dict[str, float]:
    if isinstance(scores, Scores):
        return dict(zip(scores.subjects, map(float, scores.by_subject(score_from)), strict=True))
    subjects = None
    if hasattr(scores, "items"):
        subjects = [label_of(subject) or str(subject) for subject, _ in scores.items()]
        scores = [score for _, score in scores.items()]
    try:
        values = np.asarray(scores, dtype=float)
    except (TypeError, ValueError):
        raise TypeError(f"{name} = {scores!r}, expected Scores, a mapping to numbers, or a sequence of numbers") from None
    if values.ndim != 1 or len(values) == 0:
        raise ValueError(f"{name} has shape {values.shape}, expected one number for each subject")
    return dict(zip(subjects or [str(i + 1) for i in range(len(values))], map(float, values), strict=True))
