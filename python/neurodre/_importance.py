"""What predictions rest on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import _native
from ._ask import Float64, GroupTest, ask, floats, interval_of, names_of, seed_of, shown, shown_interval, shown_p, test_of
from ._base import to_json
from ._scores import evoked, frame, info_of, table_html, with_notes
from ._settings import check_types, n_threads_of, whole

MODES = ("event", "epoch", "init", "subject")


@dataclass(frozen=True)
class PermutedInput:
    """How much r falls when one input is permuted.

    Attributes
    ----------
    name : str
        A feature, a group of features, ``init window`` or ``subject``.
    features : list of str
        The features that were permuted together.
    mode : str
        Which of their values.
    conditional : bool
        Whether only what the other features do not say was permuted.
    n_permutations : int
        Number of permutations.
    explained_by_others : float or None
        Share of the values' variance that the other features explain, linearly; for conditional permutations.
    notes : list of str
        What to know about it.
    subjects : list of str
        Those whose input could be permuted.
    channels : list of str
        Names of the channels.
    times : ndarray (n_times,)
        Time of each sample (s, or samples).
    r, delta, sd : ndarray (n_subjects, n_channels, n_times)
        r with nothing permuted; Δr, how much it falls, the mean over permutations; its standard deviation over them.
    r_by_subject, delta_r_by_subject, p_by_subject : ndarray (n_subjects,)
        Means over channels and the times from ``score_from`` on; p of each subject among its permutations.
    delta_r : float
        Mean of Δr over subjects.
    confidence : (float, float) or None
        95 % bootstrap interval across subjects; None with fewer than 5.
    test : GroupTest or None
        Whether the subjects' Δr lie above 0; None with fewer than 5.
    q : float or None
        p of the test, adjusted for all inputs (false discovery rate).
    peak : float or None
        Time at which the mean Δr over subjects and channels is largest.
    over_time, over_time_q : ndarray (n_times,)
        Mean Δr over subjects and channels; adjusted p of a test at each time, empty with fewer than 5 subjects.
    clusters : dict or None
        Where Δr lies above 0, corrected for all channels and times; None with fewer than 5 subjects.
    map : ndarray (n_channels, n_times)
        Mean Δr over subjects.
    """

    name: str
    features: list[str]
    mode: str
    conditional: bool
    n_permutations: int
    explained_by_others: float | None
    notes: list[str]
    subjects: list[str]
    channels: list[str]
    times: Float64
    r: Float64
    delta: Float64
    sd: Float64
    r_by_subject: Float64
    delta_r_by_subject: Float64
    p_by_subject: Float64
    delta_r: float
    confidence: tuple[float, float] | None
    test: GroupTest | None
    q: float | None
    peak: float | None
    over_time: Float64
    over_time_q: Float64
    clusters: dict[str, Any] | None
    map: Float64
    _info: Any = None

    def __repr__(self) -> str:
        """Show what was permuted and Δr."""
        how = "conditional " if self.conditional else ""
        return f"PermutedInput({self.name!r}, {how}mode={self.mode!r}, delta_r={shown(self.delta_r)})"

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
        if not self.subjects:
            raise ValueError(f"{self.name} has no result: {'; '.join(self.notes)}")
        own = info_of(self._info, info, self.channels)
        return evoked(self.map, own, float(self.times[0]), f"Δr, {self.name}")


@dataclass(frozen=True)
class Importance(Sequence[PermutedInput]):
    """Permutation importance: a sequence of `PermutedInput`, also by name.

    Attributes
    ----------
    inputs : list of PermutedInput
        One for each feature and group, plain, then conditional where asked for.
    score_from : int
        First sample that counts for means and tests.
    """

    inputs: list[PermutedInput]
    score_from: int

    def __len__(self) -> int:
        """Count the inputs."""
        return len(self.inputs)

    def __iter__(self) -> Iterator[PermutedInput]:
        """Go through the inputs."""
        return iter(self.inputs)

    def __getitem__(self, key: Any) -> Any:
        """Look up an input by number, by name (the plain permutation), or by name and whether it is conditional."""
        if isinstance(key, int | slice):
            return self.inputs[key]
        name, conditional = key if isinstance(key, tuple) else (key, False)
        for one in self.inputs:
            if one.name == name and one.conditional == conditional:
                return one
        raise KeyError(f"{key!r}; there are {', '.join(dict.fromkeys(one.name for one in self.inputs))}")

    def to_frame(self, by_subject: bool = False) -> Any:
        """Make a data frame.

        Parameters
        ----------
        by_subject : bool
            A row for each input and subject in place of one for each input.

        Returns
        -------
        pandas.DataFrame
            input, mode, conditional, Δr, and what belongs to it.
        """
        if by_subject:
            rows = [(one, i) for one in self.inputs for i in range(len(one.subjects))]
            return frame(
                {
                    "input": [one.name for one, _ in rows],
                    "mode": [one.mode for one, _ in rows],
                    "conditional": [one.conditional for one, _ in rows],
                    "subject": [one.subjects[i] for one, i in rows],
                    "r": [float(one.r_by_subject[i]) for one, i in rows],
                    "delta_r": [float(one.delta_r_by_subject[i]) for one, i in rows],
                    "p": [float(one.p_by_subject[i]) for one, i in rows],
                }
            )
        ends = [one.confidence or (np.nan, np.nan) for one in self.inputs]
        return frame(
            {
                "input": [one.name for one in self.inputs],
                "mode": [one.mode for one in self.inputs],
                "conditional": [one.conditional for one in self.inputs],
                "n_subjects": [len(one.subjects) for one in self.inputs],
                "delta_r": [one.delta_r for one in self.inputs],
                "low": [low for low, _ in ends],
                "high": [high for _, high in ends],
                "p": [np.nan if one.test is None else one.test.p for one in self.inputs],
                "q": [np.nan if one.q is None else one.q for one in self.inputs],
                "peak": [np.nan if one.peak is None else one.peak for one in self.inputs],
            }
        )

    def to_evoked(self, name: str, info: Any = None) -> Any:
        """Make an ``mne.EvokedArray`` of an input's Δr.

        Parameters
        ----------
        name : str
            Which input.
        info : mne.Info or None
            As in `PermutedInput.to_evoked`.

        Returns
        -------
        mne.EvokedArray
            The mean over subjects.
        """
        return self[name].to_evoked(info)

    def __repr__(self) -> str:
        """Show Δr of each input."""
        shown_inputs = ", ".join(
            f"{one.name}{' (conditional)' if one.conditional else ''}: {shown(one.delta_r)}" for one in self.inputs
        )
        return f"Importance({shown_inputs})"

    def _repr_html_(self) -> str:
        rows = [
            [
                one.name,
                one.mode + (", conditional" if one.conditional else ""),
                shown(one.delta_r),
                shown_interval(one.confidence),
                shown_p(one.q),
            ]
            for one in self.inputs
        ]
        columns = ["input", "permuted", "Δr", "95 % interval", "q"]
        return table_html("Permutation importance", *with_notes(columns, rows, [one.notes for one in self.inputs]))


def permutation_importance(
    model: Any,
    X: Any,
    y: Any = None,
    *,
    subject: Any = None,
    recording: Any = None,
    measured: Any = None,
    features: str | Sequence[str] | None = None,
    groups: Mapping[str, Sequence[str]] | None = None,
    mode: str | Sequence[str] = "event",
    conditional: bool = False,
    n_permutations: int = 20,
    score_from: int | None = None,
    tfce: bool = False,
    seed: int = 0,
    n_threads: int | None = None,
) -> Importance:
    """Tell how much r falls when an input of a fitted model is permuted, for each subject, channel and time.

    Inputs are permuted among the epochs of each subject; give epochs that the model was not fitted on.

    Parameters
    ----------
    model : DRE, TRF, RTRF or BandedRidge
        Fitted.
    X, y, subject, recording, measured
        As in `DRE.fit`.
    features : name, list of names, or None
        Features that are permuted, each by itself; None for all.
    groups : mapping of str to list of names, or None
        Features that are permuted together, by the group's name.
    mode : {"event", "epoch", "init", "subject"} or list of these
        What is permuted: a feature's values (``event``, ``epoch``), the data of the init window, the subject's embedding.
        A feature that holds one number over the same samples in every epoch, 0 elsewhere, is one of values; of others the
        epochs' whole courses are exchanged, since arrays do not tell which part is due to which event.
    conditional : bool
        Whether mode ``event`` is also done conditionally: only what the other features do not say of a value, by linear
        regression, is permuted. For features of values alone.
    n_permutations : int
        Number of permutations of each input.
    score_from : int or None
        First sample that counts for means and tests; None takes the end of the init window. Samples that the model is shown
        never count. Give the end of the longest init window where models are compared.
    tfce : bool
        Whether threshold-free cluster enhancement is computed beside clusters.
    seed : int
        Seed of the permutations.
    n_threads : int or None
        Threads; None for all. They do not change the result.

    Returns
    -------
    Importance
        Δr of each input, with tests across subjects where there are five or more.

    Examples
    --------
    >>> import numpy as np, neurodre as dre
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((60, 2, 40))
    >>> y = np.roll(X[:, :1], 3, axis=2) + 0.1 * rng.standard_normal((60, 1, 40))
    >>> model = dre.TRF(lag_max=5, features=["seen", "unseen"]).fit(X[:40], y[:40])
    >>> found = dre.permutation_importance(model, X[40:], y[40:], n_permutations=5)
    >>> bool(found["seen"].delta_r > 0.5), bool(abs(found["unseen"].delta_r) < 0.05)
    (True, True)
    """
    check_types(permutation_importance, {"conditional": conditional, "tfce": tfce, "seed": seed})
    whole(n_permutations, "n_permutations", least=1)
    modes = names_of(mode, "mode")
    if not modes:
        raise ValueError(f"mode = {mode!r}, expected one of {', '.join(MODES)}, or a list of them")
    for one in modes:
        if one == "shift":
            raise ValueError("mode = 'shift' shifts whole recordings, which epochs are not; run a study with [importance]")
        if one not in MODES:
            raise ValueError(f"mode = {one!r}, expected {', '.join(MODES)}")
    asked = ask(model, "permutation_importance", X, y, (subject, recording, measured), score_from)
    settings = {
        "features": _known(names_of(features, "features"), "features", model),
        "groups": _groups_of(groups, model),
        "modes": modes,
        "conditional": bool(conditional),
        "n_permutations": n_permutations,
        "tfce": bool(tfce),
    }
    text, maps = _native.permutation_importance(
        asked.model,
        asked.epochs,
        asked.about,
        to_json(settings),
        asked.score_from,
        asked.batch_size,
        seed_of(seed),
        n_threads_of(n_threads),
    )
    results = json.loads(text)
    if not results:
        lacks = " and ".join({"init": "init window", "subject": "subject embedding"}.get(one, one) for one in modes)
        raise ValueError(f"{type(model).__name__} has no {lacks} that could be permuted")
    if conditional and "event" in modes and not any(one["conditional"] for one in results):
        raise ValueError(
            "conditional = True, but there are not two features that vary and hold one number over the same samples of every "
            "epoch, so that one could say something of the other"
        )
    inputs = []
    for one, (r, delta, sd) in zip(results, maps, strict=True):
        own = one["subjects"].values()
        inputs.append(
            PermutedInput(
                name=one["name"],
                features=one["features"],
                mode=one["mode"],
                conditional=one["conditional"],
                n_permutations=one["n_permutations"],
                explained_by_others=one["explained_by_others"],
                notes=one["notes"],
                subjects=list(one["subjects"]),
                channels=model.channels_,
                times=asked.times,
                r=r,
                delta=delta,
                sd=sd,
                r_by_subject=floats([s["r"] for s in own]),
                delta_r_by_subject=floats([s["delta_r"] for s in own]),
                p_by_subject=floats([s["p"] for s in own]),
                delta_r=float("nan") if one["delta_r"] is None else one["delta_r"],
                confidence=interval_of(one["confidence"]),
                test=test_of(one["test"]),
                q=one["q"],
                peak=one["peak"] if one["peak"] is None else float(asked.times[_nearest(asked.times, one["peak"])]),
                over_time=floats(one["over_time"]),
                over_time_q=floats(one["over_time_q"]),
                clusters=one["clusters"],
                map=floats(one["map"]),
                _info=model._mne_info,
            )
        )
    return Importance(inputs, asked.score_from)


def _known(names: list[str], what: str, model: Any) -> list[str]:
    """Names of features that the model has."""
    known = list(model.feature_names_in_)
    for name in names:
        if name not in known:
            raise ValueError(f"{what} holds {name!r}, expected names of features: {', '.join(known)}")
    return names


def _groups_of(groups: Mapping[str, Sequence[str]] | None, model: Any) -> dict[str, list[str]]:
    """Features by the name of their group."""
    if groups is None:
        return {}
    if not isinstance(groups, Mapping) or not all(isinstance(name, str) for name in groups):
        raise TypeError(f"groups = {groups!r}, expected a mapping of names of groups to lists of features")
    found = {name: names_of(members, f"groups[{name!r}]") for name, members in groups.items()}
    for name, members in found.items():
        if not members:
            raise ValueError(f"groups[{name!r}] is empty, expected the name of a feature or more")
        _known(members, f"groups[{name!r}]", model)
    return found


def _nearest(times: Float64, time: float) -> int:
    return int(np.argmin(np.abs(times - time)))
