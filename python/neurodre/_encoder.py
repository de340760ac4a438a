"""What all estimators share: fit, predict, score, save, load, pickle."""

from __future__ import annotations

import inspect
import json
import os
import tempfile
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from . import _native
from ._base import Estimator, plain, to_json
from ._epochs import (
    Block,
    Epochs,
    Part,
    Scaling,
    channel_names,
    explain_nan,
    gather,
    recording_label,
    refuse_nan_features,
    refuse_other_time,
    same_time,
)
from ._errors import NeurodreWarning, not_fitted
from ._features import Feature, as_features
from ._progress import Callback, Watcher
from ._scores import Scores

Self = TypeVar("Self", bound="Encoder")

TRAIN, VALID, TEST, UNUSED = 0, 1, 2, -1
# Epochs that linear models predict at a time.
LINEAR_BATCH = 256
# The largest whole number that settings can be.
MOST = 2**63 - 1


def n_threads_of(asked: int | None) -> int:
    """Threads to use: those that were asked for, or all that this process may use."""
    if asked is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if isinstance(asked, bool) or not isinstance(asked, int | np.integer) or asked < 1:
        raise ValueError(f"n_threads = {asked!r}, expected a whole number of 1 or more, or None for all")
    return int(asked)


def _plain_feature(feature: Feature) -> dict[str, Any]:
    """Make what JSON has of a feature; values as pairs, since keys of JSON are texts."""
    values = None if feature.values is None else [[key, value] for key, value in feature.values.items()]
    return {**{f.name: getattr(feature, f.name) for f in fields(feature)}, "values": values}


def _read_feature(stored: dict[str, Any]) -> Feature:
    return Feature(**{**stored, "values": None if stored["values"] is None else dict(stored["values"])})


class Encoder(Estimator):
    """A model of brain responses; see `DRE`, `TRF`, `RTRF` and `BandedRidge`."""

    # What the files call this kind of model.
    _kind = ""
    # What features and data are called in `fit`.
    _names = ("X", "y")
    # Settings that may be below 0.
    _signed: tuple[str, ...] = ("lag_min", "lag_max")

    features: Sequence[str | Feature] | None
    scale: str | None
    valid_share: float
    n_threads: int | None
    verbose: bool | int

    # ---- what the kinds of models do in their own ways

    def _fit_model(self, epochs: Epochs, watcher: Watcher) -> _native.Model:
        raise NotImplementedError

    def _expose(self) -> None:
        """Set the fitted attributes of this kind from the model."""

    def _n_init_times(self) -> int:
        return 0

    def _batch_size(self) -> int:
        return LINEAR_BATCH

    def _score_from(self) -> int:
        return self._n_init_times()

    def _chooses(self) -> bool:
        """Whether there is anything to choose on validation epochs."""
        return True

    # ---- fitting

    def fit(
        self: Self,
        X: Any,
        y: Any = None,
        *,
        subject: Any = None,
        recording: Any = None,
        measured: Any = None,
        valid: Any = None,
        callbacks: Iterable[Callback] | Callback = (),
    ) -> Self:
        """Fit the model.

        Parameters
        ----------
        X : ndarray (n_epochs, n_features, n_times), mne.Epochs, or list of either
            Stimulus features. Of ``mne.Epochs``, the columns of the metadata that ``features`` names.
        y : ndarray (n_epochs, n_channels, n_times), mne.Epochs, list of either, or None
            Brain responses in any unit. None takes the data of ``X``, which then is ``mne.Epochs``; their good data
            channels are used. float32 arrays in row-major order are read in place, others are converted once.
        subject : label, sequence of labels, or None
            Whose the epochs are: one label per element of a list, or, for a single array, one label or one per epoch.
            None numbers the elements from "1". Labels are compared as texts, whole numbers alike as 1 and 1.0. A model of
            several subjects must be told whose the epochs are; only a list of as many elements as there are subjects may
            go without labels where the fit had none.
        recording : as subject, or None
            What of a subject is scaled together; None scales each subject's epochs together. The same label of two
            subjects is two recordings.
        measured : ndarray of bool in the shape of y, list of these, or None
            True where data were measured. The rest may be NaN and counts in no scaler, input, loss or score.
        valid : indices or ndarray of bool (n_epochs,), list of these, or None
            Epochs that choose the best pass or penalty in place of training. None takes the last ``valid_share`` of each
            recording, and leaves out training epochs of ``mne.Epochs`` that share samples with them.
        callbacks : callable or list of callables
            Called with a `Progress` after every batch; one that returns true ends the training with the best pass so far.

        Returns
        -------
        self
            The fitted estimator.
        """
        self._check_settings()
        parts = self._gather(X, y, subject, recording, measured)
        is_list = isinstance(X, list | tuple)
        channels, names = self._check_parts(parts, is_list)
        epochs = self._epochs(parts, channels, names, None)
        self._assign_sets(epochs, parts, valid, is_list)
        if not any(s == TRAIN for block in epochs.blocks for s in block.sets):
            raise ValueError("there are no training epochs; give more epochs, a smaller valid_share, or other valid epochs")
        trained = [
            block.measured is None or bool(block.measured[np.asarray(block.sets) == TRAIN].any()) for block in epochs.blocks
        ]
        if not any(trained):
            raise ValueError(
                "measured is False for all samples of the training epochs, so that nothing is left to fit; expected True "
                "where data were measured"
            )
        scaling = self._fit_scaling(epochs)
        watcher = Watcher(callbacks, self.verbose)
        # What an earlier fit left would pass for that of this one if it fails.
        for name in [n for n in vars(self) if n in ("_info", "_model") or (n.endswith("_") and not n.startswith("_"))]:
            delattr(self, name)
        try:
            self._model = self._fit_model(epochs.with_scaling(scaling), watcher)
        finally:
            watcher.close()
        self._describe(parts[0], epochs, scaling, is_numbered=is_list and subject is None)
        self._expose()
        return self

    def _gather(self, X: Any, y: Any, subject: Any, recording: Any, measured: Any) -> list[Part]:
        return gather(
            X, y, features=self.features, subject=subject, recording=recording, measured=measured, names=self._names
        )

    def _check_settings(self) -> None:
        """Check the types of settings; their ranges are the library's."""
        as_features(self.features)
        defaults = {name: p.default for name, p in inspect.signature(type(self).__init__).parameters.items()}
        for name, value in self.get_params().items():
            default = defaults[name]
            is_bool = isinstance(value, bool | np.bool_)
            if type(default) is int:
                least = None if name in self._signed else 0
                is_whole = isinstance(value, int | np.integer) and not is_bool
                if not is_whole or not (-MOST if least is None else least) <= value <= MOST:
                    expected = "a whole number" if least is None else "a whole number of 0 or more"
                    expected += ", below 2⁶³" if is_whole and abs(value) > MOST else ""
                    raise ValueError(f"{name} = {value!r}, expected {expected}")
            elif type(default) is float and name != "valid_share":
                is_number = isinstance(value, int | float | np.number) and not is_bool
                if not is_number or not np.isfinite(value):
                    raise ValueError(f"{name} = {value!r}, expected a finite number")
        lags = getattr(self, "lags", None)
        if lags is not None and not isinstance(lags, Mapping):
            raise TypeError(f"lags = {lags!r}, expected a mapping of names to the first and the last lag")
        for feature, pair in (lags or {}).items():
            if np.shape(pair) != (2,) or not all(isinstance(lag, int | np.integer) for lag in pair):
                raise ValueError(f"lags of {feature!r} are {pair!r}, expected two whole numbers, the first and the last lag")
        for name in ("alphas", "concentration"):
            value = getattr(self, name, None)
            if value is None:
                continue
            try:
                is_finite = bool(np.isfinite(np.asarray(value, dtype=float)).all())
            except (TypeError, ValueError):
                is_finite = False
            if not is_finite:
                raise ValueError(f"{name} = {value!r}, expected finite numbers")
        if self.scale not in ("robust", None):
            raise ValueError(f"scale = {self.scale!r}, expected 'robust' or None")
        n_threads_of(self.n_threads)

    def _check_parts(self, parts: list[Part], is_list: bool) -> tuple[list[str], list[str]]:
        """All elements have the same channels, features and times; their names."""
        first = parts[0]
        names = self._feature_names(first.features.shape[1])
        seen, told = self._names
        timed = [(i, part.epochs) for i, part in enumerate(parts) if part.epochs is not None]
        for i, source in timed[1:]:
            same_time(source, timed[0][1], f"{told}[{i}]", f"{told}[{timed[0][0]}]")
        for i, part in enumerate(parts):
            where = f"[{i}]" if is_list else ""
            if part.data is None:
                raise ValueError(f"{told}{where} is missing; give the brain responses (n_epochs, n_channels, n_times)")
            if part.features.shape[1:] != first.features.shape[1:]:
                raise ValueError(
                    f"{seen}{where} has {part.features.shape[1]} features × {part.features.shape[2]} times, {seen}[0] has "
                    f"{first.features.shape[1]} × {first.features.shape[2]}"
                )
            if part.data.shape[2] != part.features.shape[2]:
                raise ValueError(f"{told}{where} has {part.data.shape[2]} times, {seen}{where} has {part.features.shape[2]}")
            if channel_names(part) != channel_names(first):
                raise ValueError(
                    f"{told}{where} has other channels than {told}[0]: {', '.join(channel_names(part)[:8])}; pick the "
                    "channels that all have, or mark the others with measured="
                )
            explain_nan(part, f"{told}{where}")
            refuse_nan_features(part, f"{seen}{where}", names)
        return channel_names(first), names

    def _feature_names(self, n: int) -> list[str]:
        if self.features is None:
            return [f"x{i}" for i in range(n)]
        names = [f.label if isinstance(f, Feature) else str(f) for f in self.features]
        if len(names) != n:
            raise ValueError(f"features names {len(names)} features ({', '.join(names)}), X has {n}")
        if len(set(names)) != n:
            raise ValueError(f"features has a name twice: {', '.join(names)}")
        return names

    def _epochs(self, parts: list[Part], channels: list[str], names: list[str], fitted: Scaling | None) -> Epochs:
        """Elements with indices in place of labels: known ones after a fit, sorted ones before it."""
        if fitted is None:
            subjects = sorted({label for part in parts for label in part.subjects})
            recordings = sorted({label for part in parts for label in part.recordings})
        else:
            subjects, recordings = list(self.subjects_), fitted.recordings
        place = {label: i for i, label in enumerate(subjects)}
        scaled_with = {label: i for i, label in enumerate(recordings)}
        if fitted is not None and not self._is_ours():
            # The program names recordings by their BIDS entities, which tell the subject.
            for i, label in enumerate(recordings):
                scaled_with.update({recording_label(subject, label): i for subject in subjects})
        blocks = []
        for part in parts:
            unknown = sorted(set(part.subjects) - set(place))
            if unknown:
                raise ValueError(
                    f"unknown subject {', '.join(unknown)}; the model was fitted to {', '.join(subjects)}"
                    + ("" if len(subjects) == 1 else "; say subject=")
                )
            unknown = sorted(set(part.recordings) - set(scaled_with))
            if unknown and self.scale is not None:
                raise ValueError(
                    f"unknown recording {', '.join(unknown)}, which the data are scaled by; the model was fitted to "
                    f"{', '.join(recordings[:8])}; say recording=, or fit with scale=None"
                )
            blocks.append(
                Block(
                    part.data,
                    part.features,
                    part.measured,
                    [place[label] for label in part.subjects],
                    [scaled_with.get(label, 0) for label in part.recordings],
                    [TEST] * part.n_epochs,
                )
            )
        return Epochs(channels, names, subjects, recordings, int(parts[0].features.shape[2]), blocks, fitted)

    def _assign_sets(self, epochs: Epochs, parts: list[Part], valid: Any, is_list: bool) -> None:
        if valid is not None:
            # Of a list of one, also what a single array takes.
            bare = is_list and len(parts) == 1 and np.ndim(valid) == 1 and len(valid) != 1
            chosen = list(valid) if is_list and not bare else [valid]
            if len(chosen) != len(parts):
                raise ValueError(f"valid has {len(chosen)} entries, expected one for each of {len(parts)} elements of X")
            for block, part, own in zip(epochs.blocks, parts, chosen, strict=True):
                marks = np.zeros(part.n_epochs, dtype=bool)
                own = np.asarray(own)
                if own.dtype == object and all(isinstance(v, bool | np.bool_ | int | np.integer) for v in own.ravel()):
                    own = np.asarray(own.tolist())
                if own.size and own.dtype.kind not in "biu":
                    raise TypeError(
                        f"valid holds {own.dtype} values such as {own.ravel()[0]!r}, expected whole indices or a mask of "
                        f"bool of {part.n_epochs} epochs"
                    )
                if own.dtype != np.bool_ and len(np.unique(own)) < own.size:
                    raise ValueError(
                        f"valid holds an index more than once, expected those of {part.n_epochs} epochs; give a mask as bool"
                    )
                try:
                    marks[own.astype(bool if own.dtype == np.bool_ else np.int64)] = True
                except (IndexError, ValueError, TypeError):
                    raise ValueError(f"valid must be indices or a mask of {part.n_epochs} epochs") from None
                block.sets = [VALID if is_valid else TRAIN for is_valid in marks]
            return
        share = self.valid_share if self._chooses() else 0.0
        if isinstance(share, bool) or not isinstance(share, int | float | np.number):
            raise TypeError(f"valid_share = {share!r}, expected a number from 0 to below 1")
        if not 0 <= share < 1:
            raise ValueError(f"valid_share = {share}, expected a share of the epochs, from 0 to below 1")
        for block, part in zip(epochs.blocks, parts, strict=True):
            block.sets = _native.split_in_time(
                block.recordings, 1.0 - float(share), float(share), part.starts, epochs.n_times
            )

    def _fit_scaling(self, epochs: Epochs) -> Scaling:
        n_recordings, n_channels, n_features = len(epochs.recordings), len(epochs.channels), len(epochs.features)
        if self.scale is None:
            ones, zeros = np.ones, np.zeros
            shape = (n_recordings, n_channels)
            return Scaling(epochs.recordings, zeros(shape), ones(shape), zeros(n_features), ones(n_features))
        centre, scale, mean, std, constant = _native.fit_scaling(epochs)
        names = [name for name, is_constant in zip(epochs.features, constant, strict=True) if is_constant]
        if names:
            warnings.warn(
                f"constant over the training epochs, and so without information: {', '.join(names)}",
                NeurodreWarning,
                stacklevel=3,
            )
        return Scaling(epochs.recordings, centre, scale, mean, std)

    def _describe(self, part: Part, epochs: Epochs, scaling: Scaling, is_numbered: bool) -> None:
        """Remember what was fitted on, as `model.json` has it."""
        source = part.epochs
        times = list(range(epochs.n_times)) if source is None else [float(t) for t in source.times]
        kinds = ["misc"] * len(epochs.channels)
        self._mne_info = None
        if part.picks is not None:
            import mne

            self._mne_info = mne.pick_info(source.info, part.picks, copy=True)
            kinds = [k if k in ("mag", "grad", "eeg") else "misc" for k in self._mne_info.get_channel_types()]
        self._set_info(
            {
                "format": 1,
                "version": _native.version(),
                "kind": self._kind,
                "recipe": {"package": "neurodre", "params": self._plain_params(), "numbered": is_numbered},
                "n_init_times": self._n_init_times(),
                "sfreq": 1.0 if source is None else float(source.info["sfreq"]),
                "times": times,
                "channels": [{"name": n, "kind": k} for n, k in zip(epochs.channels, kinds, strict=True)],
                "features": epochs.features,
                "subjects": epochs.subjects,
                "feature_scaler": {
                    "mean": scaling.feature_mean.tolist(),
                    "std": scaling.feature_std.tolist(),
                    "constant": [False] * len(epochs.features),
                },
                "scalers": {
                    label: {"centre": scaling.centre[i].tolist(), "scale": scaling.scale[i].tolist()}
                    for i, label in enumerate(scaling.recordings)
                },
                "fit_seconds": sum(p[2] for p in getattr(self, "history_", [])),
                "choices": [],
                "history": [{"train_loss": t, "valid_loss": v, "seconds": s} for t, v, s in getattr(self, "history_", [])],
                "best_pass": getattr(self, "best_pass_", None),
            }
        )

    def _set_info(self, info: dict[str, Any]) -> None:
        """Take over a `model.json`."""
        self._info = info
        self.channels_: list[str] = [channel["name"] for channel in info["channels"]]
        self.feature_names_in_: npt.NDArray[np.object_] = np.asarray(info["features"], dtype=object)
        self.n_features_in_ = len(info["features"])
        self.subjects_: list[str] = list(info["subjects"])
        self.times_: npt.NDArray[np.float64] = np.asarray(info["times"], dtype=float)
        scalers = list(info["scalers"].values())
        shape = (len(scalers), len(self.channels_))
        self.scaling_ = Scaling(
            list(info["scalers"]),
            np.asarray([s["centre"] for s in scalers], dtype=float).reshape(shape),
            np.asarray([s["scale"] for s in scalers], dtype=float).reshape(shape),
            np.asarray(info["feature_scaler"]["mean"], dtype=float),
            np.asarray(info["feature_scaler"]["std"], dtype=float),
        )

    def _plain_params(self) -> dict[str, Any]:
        params = self.get_params()
        if self.features is not None:
            params["features"] = [_plain_feature(f) if isinstance(f, Feature) else f for f in self.features]
        return {name: plain(value) for name, value in params.items()}

    # ---- predicting

    def _fitted(self, what: str) -> _native.Model:
        if not hasattr(self, "_info"):
            raise not_fitted(self, what)
        return self._model

    def _is_ours(self) -> bool:
        """Whether this package fitted the model, rather than the program."""
        recipe = self._info["recipe"]
        return isinstance(recipe, dict) and recipe.get("package") == "neurodre"

    def _refuse_unnamed(self, X: Any, subject: Any) -> None:
        """Epochs of which nobody says whose they are would be taken for those of subject 1."""
        if subject is not None or len(self.subjects_) == 1:
            return
        is_list = isinstance(X, list | tuple)
        # As in the fit, where no labels were given either.
        if is_list and len(X) == len(self.subjects_) and self._is_ours() and self._info["recipe"].get("numbered"):
            return
        shown = ", ".join(self.subjects_[:8]) + (", …" if len(self.subjects_) > 8 else "")
        how = f"one label for each of {len(X)} elements" if is_list else "a label, or one for each epoch"
        raise ValueError(
            f"subject is missing: the model was fitted to {len(self.subjects_)} subjects, {shown}; say whose the epochs are: "
            f"subject={how}"
        )

    def _to_predict(
        self, X: Any, y: Any, subject: Any, recording: Any, measured: Any, whole: bool
    ) -> tuple[list[Part], Epochs]:
        is_list = isinstance(X, list | tuple)
        self._refuse_unnamed(X, subject)
        parts = self._gather(X, y, subject, recording, measured)
        needed = len(self.times_) if whole else self._n_init_times()
        seen, told = self._names
        for i, part in enumerate(parts):
            where = f"[{i}]" if is_list else ""
            if part.epochs is not None and self._knows_times():
                refuse_other_time(
                    float(part.epochs.info["sfreq"]),
                    float(part.epochs.times[0]),
                    f"{told}{where}",
                    float(self._info["sfreq"]),
                    float(self.times_[0]),
                    "the data of the fit",
                )
            n_features, n_times = part.features.shape[1:]
            if n_features != self.n_features_in_:
                raise ValueError(
                    f"{seen}{where} has {n_features} features, but {type(self).__name__} was fitted with "
                    f"{self.n_features_in_}: {', '.join(self.feature_names_in_)}"
                )
            if n_times != len(self.times_):
                raise ValueError(f"{seen}{where} has {n_times} times, but the model was fitted with {len(self.times_)}")
            refuse_nan_features(part, f"{seen}{where}", list(self.feature_names_in_))
            if part.data is None:
                if needed:
                    raise ValueError(
                        f"y is needed: {type(self).__name__} predicts from the first {needed} samples of the true data; give "
                        f"y, or y[..., :{needed}]"
                    )
                continue
            if part.picks is not None and self._has_names():
                self._pick_same(part, f"{told}{where}")
            if part.data.shape[1] != len(self.channels_):
                raise ValueError(f"{told}{where} has {part.data.shape[1]} channels, expected {len(self.channels_)}")
            if not needed <= part.data.shape[2] <= n_times:
                raise ValueError(f"{told}{where} has {part.data.shape[2]} times, expected {needed} to {n_times}")
            explain_nan(part, f"{told}{where}")
        return parts, self._epochs(parts, self.channels_, list(self.feature_names_in_), self.scaling_)

    def _knows_times(self) -> bool:
        """Whether the model was fitted on epochs that tell when their samples were; arrays count them."""
        return not (self._info["sfreq"] == 1.0 and np.array_equal(self.times_, np.arange(len(self.times_))))

    def _has_names(self) -> bool:
        """Whether channels have names of their own; those of arrays are numbered."""
        return self.channels_ != [str(i) for i in range(len(self.channels_))]

    def _pick_same(self, part: Part, where: str) -> None:
        """Take the channels of the fit, whatever their order and whether they are marked as bad here."""
        names = part.epochs.ch_names
        absent = [name for name in self.channels_ if name not in names]
        if absent:
            raise ValueError(f"{where} lacks the channels {', '.join(absent[:8])} of the fit")
        picks = np.asarray([names.index(name) for name in self.channels_])
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

    def predict(
        self,
        X: Any,
        y: Any = None,
        *,
        subject: Any = None,
        recording: Any = None,
        measured: Any = None,
    ) -> Any:
        """Predict brain responses.

        Parameters
        ----------
        X, y, subject, recording, measured
            As in `fit`. Of ``y`` only the first ``n_init_times`` samples are used, and it may end with them; models without
            an init window need none.

        Returns
        -------
        ndarray (n_epochs, n_channels, n_times), mne.EpochsArray, or list of either
            Predictions in the units of the fit's ``y``; ``mne.EpochsArray`` with the same info where data came as
            ``mne.Epochs``. Arrays have the dtype of ``y``, float32 without it.
        """
        model = self._fitted("predict")
        parts, epochs = self._to_predict(X, y, subject, recording, measured, whole=False)
        predicted = model.predict(epochs, self._batch_size())
        out, at = [], 0
        for part in parts:
            values = predicted[at : at + part.n_epochs]
            at += part.n_epochs
            out.append(self._as_given(values, part))
        return out if isinstance(X, list | tuple) else out[0]

    def _as_given(self, values: npt.NDArray[np.float64], part: Part) -> Any:
        if part.picks is None:
            return values.astype(part.dtype, copy=False)
        import mne

        source = part.epochs
        return mne.EpochsArray(
            values,
            mne.pick_info(source.info, part.picks, copy=True),
            events=source.events,
            tmin=float(source.times[0]),
            event_id=source.event_id,
            metadata=source.metadata,
            proj=False,
            verbose="error",
        )

    def evaluate(
        self,
        X: Any,
        y: Any = None,
        *,
        subject: Any = None,
        recording: Any = None,
        measured: Any = None,
        score_from: int | None = None,
    ) -> Scores:
        """Correlate predictions with the truth across epochs, for each subject, channel and time.

        Parameters
        ----------
        X, y, subject, recording, measured
            As in `fit`.
        score_from : int or None
            First sample that counts for the means; None takes the end of the init window.

        Returns
        -------
        Scores
            r, and its means.
        """
        model = self._fitted("evaluate")
        _, epochs = self._to_predict(X, y, subject, recording, measured, whole=True)
        there = sorted({s for block in epochs.blocks for s in block.subjects})
        first = self._score_from() if score_from is None else int(score_from)
        if not 0 <= first < len(self.times_):
            raise ValueError(f"score_from = {first}, expected a sample of the epoch, below {len(self.times_)}")
        maps, means = model.score(epochs, first, self._batch_size())
        return Scores(
            [self.subjects_[s] for s in there],
            self.channels_,
            self.times_,
            maps[there],
            means[there],
            first,
            self._mne_info,
        )

    def score(self, X: Any, y: Any = None, **labels: Any) -> float:
        """Mean r across epochs: over channels and the samples after the init window, then over subjects.

        Parameters
        ----------
        X, y, **labels
            As in `evaluate`.

        Returns
        -------
        float
            The mean r.
        """
        return self.evaluate(X, y, **labels).mean_r

    # ---- files

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write the fitted model into a folder, in the files that the program ``dre`` writes.

        Parameters
        ----------
        folder : path
            Made where it is not there; what it holds of another model is replaced.
        """
        Path(folder).mkdir(parents=True, exist_ok=True)
        self._fitted("save").save(Path(folder), to_json(self._info))

    @classmethod
    def load(cls: type[Self], folder: str | os.PathLike[str], n_threads: int | None = None) -> Self:
        """Read a model that `save` or the program ``dre`` wrote.

        Parameters
        ----------
        folder : path
            A model's folder, such as ``dre-p300/models/dre``.
        n_threads : int or None
            Threads to compute on; None for all.

        Returns
        -------
        estimator
            Fitted.
        """
        model, info = cls._read(Path(folder), n_threads_of(n_threads))
        if info["kind"] != cls._kind:
            raise ValueError(f"{os.fspath(folder)} holds a model of kind {info['kind']}, not {cls._kind}")
        self = cls(**cls._stored_params(model, info))
        self.n_threads = n_threads
        self._model, self._mne_info = model, None
        self._set_info(info)
        self._take_history(info)
        self._expose()
        return self

    @classmethod
    def _read(cls, folder: Path, n_threads: int) -> tuple[_native.Model, dict[str, Any]]:
        """Read a model's files."""
        model, text = _native.Model.load(folder, n_threads)
        return model, json.loads(text)

    def _take_history(self, info: dict[str, Any]) -> None:
        """Set what a training leaves behind."""

    @classmethod
    def _stored_params(cls, model: _native.Model, info: dict[str, Any]) -> dict[str, Any]:
        """Settings of a stored model; those that the program does not store are the defaults."""
        recipe = info["recipe"]
        if isinstance(recipe, dict) and recipe.get("package") == "neurodre":
            params = dict(recipe["params"])
            if params.get("features") is not None:
                params["features"] = [_read_feature(f) if isinstance(f, dict) else f for f in params["features"]]
            return params
        settings = recipe.get("model", {}) if isinstance(recipe, dict) else {}
        known = {k: v for k, v in settings.items() if k in cls._param_names()}
        return {**known, "features": list(info["features"])}

    def __getstate__(self) -> dict[str, Any]:
        """Pickle the model as its files."""
        state = dict(vars(self))
        if "_model" in state:
            del state["_model"]
            with tempfile.TemporaryDirectory() as folder:
                self._model.save(Path(folder), to_json(self._info))
                state["_files"] = {path.name: path.read_bytes() for path in Path(folder).iterdir()}
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Read the model back."""
        files = state.pop("_files", None)
        vars(self).update(state)
        if files is not None:
            with tempfile.TemporaryDirectory() as folder:
                for name, content in files.items():
                    Path(folder, name).write_bytes(content)
                self._model, _ = self._read(Path(folder), n_threads_of(self.n_threads))

    def _repr_html_(self) -> str:
        from html import escape

        return f"<pre>{escape(repr(self))}</pre>"
