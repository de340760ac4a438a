"""What the stimulus adds to a prediction."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import _native
from ._ask import Float64, GroupTest, interval_of, seed_of, shown, shown_interval, shown_p, test_of
from ._compare import SeedSpread
from ._encoder import Encoder
from ._scores import Scores, evoked, frame, info_of, table_html


@dataclass(frozen=True)
class StimulusShare:
    """What features add to a prediction: r of a model less r of the same model fitted without them.

    A model with an init window predicts from the past of the data as well, so only this difference is the stimulus's.

    Attributes
    ----------
    features : list of str
        The features that the model sees and the reference does not.
    subjects, channels : list of str
        Labels and names.
    times : ndarray (n_times,)
        Time of each sample (s, or samples).
    r, r_without : ndarray (n_subjects,)
        Mean r of the model and of the reference, over channels and the times from ``score_from`` on; ``r_without`` is 0 for a
        model that sees features alone.
    delta : ndarray (n_subjects, n_channels, n_times)
        Δr, the difference of r.
    delta_r_by_subject : ndarray (n_subjects,)
        Its means over channels and the times from ``score_from`` on.
    delta_r : float
        Mean over subjects.
    confidence : (float, float) or None
        95 % bootstrap interval of ``delta_r`` across subjects; None with too few subjects.
    test : GroupTest or None
        One-sided signed-rank test that the subjects' Δr lie above 0; None with fewer than 5.
    over_time : ndarray (n_times,)
        Mean Δr over subjects and channels.
    per_channel : ndarray (n_channels,)
        Mean Δr over subjects and the times from ``score_from`` on.
    score_from : int
        First sample that counts.
    seeds : SeedSpread or None
        The difference of single fits, where one of the two was fitted with several seeds.
    """

    features: list[str]
    subjects: list[str]
    channels: list[str]
    times: Float64
    r: Float64
    r_without: Float64
    delta: Float64
    delta_r_by_subject: Float64
    delta_r: float
    confidence: tuple[float, float] | None
    test: GroupTest | None
    over_time: Float64
    per_channel: Float64
    score_from: int
    seeds: SeedSpread | None = None
    _info: Any = None

    def to_frame(self) -> Any:
        """Make a data frame: subject, r, r without the features, Δr."""
        columns = {"r": self.r, "r_without": self.r_without, "delta_r": self.delta_r_by_subject}
        return frame({"subject": self.subjects, **columns})

    def to_evoked(self, info: Any = None) -> Any:
        """Make an ``mne.EvokedArray`` of Δr, the mean over subjects, for topographies and time courses.

        Parameters
        ----------
        info : mne.Info or None
            As `Scores.to_evoked` has it.

        Returns
        -------
        mne.EvokedArray
            Δr, which has no unit.
        """
        return evoked(_mean(self.delta, (0,)), info_of(self._info, info, self.channels), float(self.times[0]), "Δr, stimulus")

    def __repr__(self) -> str:
        """Show Δr and its test."""
        p = shown_p(None if self.test is None else self.test.p)
        return f"StimulusShare(delta_r={shown(self.delta_r)}, p={p}, n_subjects={len(self.subjects)})"

    def _repr_html_(self) -> str:
        rows: list[list[Any]] = [
            [subject, *map(shown, map(float, numbers))]
            for subject, *numbers in zip(self.subjects, self.r, self.r_without, self.delta_r_by_subject, strict=True)
        ]
        rows.append(["mean", *(shown(float(_mean(v, (0,)))) for v in (self.r, self.r_without)), shown(self.delta_r)])
        notes = [f"95 % interval of Δr across subjects {shown_interval(self.confidence)}"]
        notes.append(f"p {shown_p(None if self.test is None else self.test.p)}")
        if self.seeds is not None:
            notes.append(f"standard deviation of Δr over seeds {shown(self.seeds.sd)}")
        title = f"What {', '.join(self.features)} add{'s' if len(self.features) == 1 else ''}"
        return table_html(title, ["subject", "r", "r without", "Δr"], rows, "; ".join(notes))


def _mean(values: Float64, axes: tuple[int, ...]) -> Float64:
    """Mean over what is known; NaN where nothing is."""
    is_known = np.isfinite(values)
    n = is_known.sum(axis=axes)
    sums = np.where(is_known, values, 0.0).sum(axis=axes)
    means: Float64 = np.where(n > 0, sums / np.maximum(n, 1), np.nan)
    return means


def _encoder(model: Any, name: str) -> Encoder:
    if not isinstance(model, Encoder) or model._kind == "decoder":
        raise TypeError(f"{name} is {type(model).__name__}, expected a fitted DRE, TRF, RTRF or BandedRidge")
    model._fitted("stimulus_share")
    return model


def _check_reference(model: Encoder, reference: Encoder) -> None:
    """The reference is the same model but for its features."""
    for what, of in (
        ("is of kind", lambda one: type(one).__name__),
        ("has n_init_times =", lambda one: one._n_init_times()),
        ("has pooled =", lambda one: one._is_pooled()),
        ("has the channels", lambda one: ", ".join(one.channels_)),
    ):
        own, other = of(model), of(reference)
        if own != other:
            raise ValueError(
                f"reference {what} {other}, model {own}; expected two models that differ in their features alone"
            )
    if not set(reference.used_features_) < set(model.used_features_):
        names = [", ".join(one.used_features_) or "none" for one in (reference, model)]
        raise ValueError(
            f"reference sees the features {names[0]}, model {names[1]}; expected a reference that sees fewer of them, such "
            "as one with use_features=[]"
        )


def stimulus_share(
    model: Any,
    reference: Any,
    X: Any,
    y: Any = None,
    *,
    subject: Any = None,
    recording: Any = None,
    measured: Any = None,
    score_from: int | None = None,
    seed: int = 0,
) -> StimulusShare:
    """Score a model beside the same model fitted without features: what the stimulus adds to the brain's own past.

    Parameters
    ----------
    model : DRE, TRF, RTRF or BandedRidge
        Fitted.
    reference : as model, or None
        The same model fitted on the same epochs without features (``use_features=[]``), or with fewer: what those add that it
        lacks is found then. None for a model without an init window, which predicts nothing without features.
    X, y, subject, recording, measured
        As in `DRE.fit`: epochs that neither was fitted on, with all features of the model.
    score_from : int or None
        First sample that counts for the means; None takes the end of the init window.
    seed : int
        Seed of the bootstrap.

    Returns
    -------
    StimulusShare
        Δr for each subject, channel and time, with its test across subjects.

    Examples
    --------
    >>> import numpy as np, neurodre as dre
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((60, 1, 40))
    >>> y = np.roll(X, 2, axis=2) + np.cumsum(rng.standard_normal((60, 1, 40)), axis=2)
    >>> settings = dict(n_lags_data=2, n_lags_features=4, n_init_times=10, phase="none")
    >>> model = dre.RTRF(**settings).fit(X[:40], y[:40])
    >>> past = dre.RTRF(**settings, use_features=[]).fit(X[:40], y[:40])
    >>> share = dre.stimulus_share(model, past, X[40:], y[40:])
    >>> bool(share.delta_r > 0.05)
    True
    """
    model = _encoder(model, "model")
    labels: dict[str, Any] = {"subject": subject, "recording": recording, "measured": measured}
    first = model._first_scored(score_from)
    if reference is None:
        if model._n_init_times() > 0:
            raise ValueError(
                f"reference is None, but model is given the first {model._n_init_times()} samples of each epoch and predicts "
                "from these as well; expected the same model fitted with use_features=[]"
            )
        scores, others = model.evaluate(X, y, **labels, score_from=first), None
        features = model.used_features_
    else:
        reference = _encoder(reference, "reference")
        _check_reference(model, reference)
        first = max(first, reference._first_scored(score_from))
        scores = model.evaluate(X, y, **labels, score_from=first)
        others = reference.evaluate(X, y, **labels, score_from=first)
        features = [name for name in model.used_features_ if name not in reference.used_features_]
    return _share(scores, others, features, seed_of(seed))


def _share(scores: Scores, others: Scores | None, features: list[str], seed: int) -> StimulusShare:
    zeros = np.zeros_like(scores.mean_r_by_subject)
    r, without = scores.mean_r_by_subject, zeros if others is None else others.mean_r_by_subject
    delta = scores.r if others is None else scores.r - others.r
    first = scores.score_from
    found = json.loads(_native.test_differences((r - without).tolist(), seed))
    return StimulusShare(
        features=list(features),
        subjects=scores.subjects,
        channels=scores.channels,
        times=scores.times,
        r=r,
        r_without=without,
        delta=delta,
        delta_r_by_subject=r - without,
        delta_r=float(_mean(r - without, (0,))),
        confidence=interval_of(found["confidence"]),
        test=test_of(found["test"]),
        over_time=_mean(delta, (0, 1)),
        per_channel=_mean(delta[:, :, first:], (0, 2)),
        score_from=first,
        seeds=None if others is None else SeedSpread.of(scores, others, first, seed),
        _info=scores._info,
    )
