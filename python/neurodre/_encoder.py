"""What all estimators share: fit, predict, score."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from . import _native
from ._epochs import (
    Block,
    Epochs,
    Part,
    channel_names,
    explain_nan,
    gather,
    no_features,
    pick_same,
    recording_label,
    refuse_baseline,
    refuse_detrend,
    refuse_nan_features,
    refuse_other_time,
    refuse_zero_sums,
    same_time,
)
from ._errors import NeurodreWarning, PhaseWarning
from ._features import Feature
from ._progress import Callback, Watcher
from ._scaling import Scaling, fit_scaling
from ._scores import Scores
from ._sets import TEST, TRAIN, assign_sets
from ._settings import check_names, check_settings, whole
from ._stored import Stored

Self = TypeVar("Self", bound="Encoder")

# Epochs that linear models predict at a time.
LINEAR_BATCH = 256

# Fewest epochs that an r is taken across.
LEAST_EPOCHS = _native.LEAST_EPOCHS


class Encoder(Stored):
    """A model of brain responses; see `DRE`, `TRF`, `RTRF` and `BandedRidge`."""

    # What features and data are called in `fit`.
    _names = ("X", "y")
    # Settings that may be below 0.
    _signed: tuple[str, ...] = ("lag_min", "lag_max")
    # Whether there is something to predict from without features.
    _sees_past = False

    features: Sequence[str | Feature] | None
    use_features: Sequence[str] | None = None
    phase: str | None = None
    scale: str | None
    valid_share: float
    verbose: bool | int

    # ---- what the kinds of models do in their own ways

    def _fit_model(self, epochs: Epochs, watcher: Watcher) -> _native.Model:
        raise NotImplementedError

    def _batch_size(self) -> int:
        return LINEAR_BATCH

    def _score_from(self) -> int:
        return self._n_init_times()

    def _first_scored(self, asked: int | None) -> int:
        """The first sample that counts: the one that was asked for, and none that the model is shown."""
        shown, n_times = self._n_init_times(), len(self.times_)
        if shown >= n_times:
            raise ValueError(
                f"n_init_times = {shown}, so that all {n_times} samples of an epoch are shown and none is left to score; fit "
                "with a shorter init window or longer epochs"
            )
        first = self._score_from() if asked is None else whole(asked, "score_from")
        if first >= n_times:
            raise ValueError(f"score_from = {first}, expected a sample of the epoch, below {n_times}")
        return max(first, shown)

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
        X : ndarray (n_epochs, n_features, n_times), mne.Epochs, list of either, or None
            Stimulus features. Of ``mne.Epochs``, the columns of the metadata that ``features`` names. None gives no
            features, for models with an init window, which then predict from the past alone.
        y : ndarray (n_epochs, n_channels, n_times), mne.Epochs, list of either, or None
            Brain responses in any unit. None takes the data of ``X``, which then is ``mne.Epochs``; their good data
            channels are used. float32 arrays in row-major order are read in place while Python goes on: another thread must
            not write to them meanwhile. Others are converted once.
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
            recording, and leaves out training epochs of ``mne.Epochs`` that share samples with them. To choose among several
            penalties takes at least 3 of each subject.
        callbacks : callable or list of callables
            Called with a `Progress` after every batch of a network's training; one that returns true ends it with the best
            pass so far. Callbacks are ignored by linear models.

        Returns
        -------
        self
            The fitted estimator.
        """
        check_settings(self, self._signed)
        none = self.use_features is not None and len(self.use_features) == 0
        without = X is None and self._sees_past
        X = self._without_features(y) if without else X
        parts = self._gather(X, y, subject, recording, measured, self.features, may_lack_features=none)
        is_list = isinstance(X, list | tuple)
        names = [] if without else self._feature_names(parts[0].features.shape[1])
        channels, used = self._check_parts(parts, is_list, names)
        check_names(self, used)
        n_init_times = int(getattr(self, "n_init_times", 0))
        self._refuse_baselines(parts, n_init_times, is_list)
        epochs = self._epochs(parts, channels, used, None)
        assign_sets(epochs, parts, valid, is_list, self.valid_share if self._chooses() else 0.0)
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
        scaling = fit_scaling(epochs, self.scale)
        if self.scale is None:
            self._check_unscaled(epochs)
        watcher = Watcher(callbacks, self.verbose)
        # What an earlier fit left would pass for that of this one if it fails.
        for name in [
            n for n in vars(self) if n in ("_info", "_model", "_members") or (n.endswith("_") and not n.startswith("_"))
        ]:
            delattr(self, name)
        if n_init_times > 0:
            self._warn_of_phase(parts[0], n_init_times)
        try:
            self._model = self._fit_model(epochs.with_scaling(scaling), watcher)
        finally:
            watcher.close()
        self._describe(parts[0], epochs, scaling, names, is_numbered=is_list and subject is None)
        self._expose()
        return self

    def _gather(
        self,
        X: Any,
        y: Any,
        subject: Any,
        recording: Any,
        measured: Any,
        features: Sequence[str | Feature] | None,
        may_lack_features: bool,
    ) -> list[Part]:
        return gather(
            X,
            y,
            features=features,
            subject=subject,
            recording=recording,
            measured=measured,
            names=self._names,
            may_lack_features=may_lack_features,
        )

    def _without_features(self, y: Any, n_times: int | None = None) -> Any:
        if y is None:
            raise ValueError("y is missing; give the brain responses (n_epochs, n_channels, n_times)")
        return no_features(y, n_times)

    def _refuse_baselines(self, parts: list[Part], n_init_times: int, is_list: bool) -> None:
        for i, part in enumerate(parts):
            name = f"{self._names[1]}[{i}]" if is_list else self._names[1]
            if part.picks is not None:
                refuse_baseline(part.epochs, n_init_times, name)
                refuse_detrend(part.epochs, n_init_times, name)
            elif part.data is not None:
                refuse_zero_sums(part.data, n_init_times, name)

    def _check_unscaled(self, epochs: Epochs) -> None:
        """Linear models are the same in any unit."""

    def _warn_of_phase(self, part: Part, n_init_times: int) -> None:
        """Tell what a zero-phase filter does to the init window, unless another one was stated."""
        if self.phase not in (None, "zero"):
            return
        leaks = (
            "a zero-phase filter carries part of each response into the samples before it, so that the init window "
            f"({n_init_times} samples) may hold part of what the model predicts"
        )
        if self.phase == "zero":
            text = (
                f"phase='zero': {leaks}; filter causally, as raw.filter(..., phase='minimum') does, or read r beside "
                "neurodre.processing_floor and neurodre.leak"
            )
        else:
            band = ""
            if part.picks is not None:
                low, high = (part.epochs.info.get(name) for name in ("highpass", "lowpass"))
                band = f" (their info says {low:g} to {high:g} Hz)" if low is not None and high is not None else ""
            text = (
                f"the phase of the filter that the data went through{band} is not stated, and {leaks}; state "
                "phase='minimum', 'minimum-half' or 'causal' for a causal filter, 'none' for data that were not filtered or "
                "resampled, or 'zero', MNE-Python's default"
            )
        warnings.warn(text, PhaseWarning, stacklevel=3)

    def _check_parts(self, parts: list[Part], is_list: bool, names: list[str]) -> tuple[list[str], list[str]]:
        """All elements have the same channels, features and times; names of channels and of the features that are used."""
        first = parts[0]
        used = self._choose_features(names)
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
        for i, part in enumerate(parts):
            _select(part, names, used)
            refuse_nan_features(part, f"{seen}[{i}]" if is_list else seen, used)
        return channel_names(first), used

    def _choose_features(self, names: list[str]) -> list[str]:
        """The features that the model is to see, in the order of X; all of them unless some are named."""
        used = names
        if self.use_features is not None:
            unknown = [name for name in self.use_features if name not in names]
            if unknown:
                there = ", ".join(names) or "X has none"
                raise ValueError(f"use_features holds {unknown[0]!r}, expected names of features: {there}")
            used = [name for name in names if name in list(self.use_features)]
        if used:
            return used
        what = type(self).__name__
        if not self._sees_past:
            found = "use_features = []" if names else f"{self._names[0]} has no features"
            raise ValueError(f"{found}, expected at least one: without features {what} has nothing to predict from")
        if not getattr(self, "n_init_times", 0):
            raise ValueError(
                f"n_init_times = 0, expected at least 1 sample: without features {what} has nothing else to predict from"
            )
        return used

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
            if self._is_pooled():
                # One model for all knows whoever comes.
                subjects += sorted({label for part in parts for label in part.subjects} - set(subjects))
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
                    f"unknown subject {', '.join(unknown)}; the model was fitted to {', '.join(subjects)}; say subject="
                )
            unknown = sorted(set(part.recordings) - set(scaled_with))
            if unknown and (self._of_fit("scale") is not None or not self._is_ours()):
                raise ValueError(
                    f"unknown recording {', '.join(unknown)}, which the data are scaled by; the model was fitted to "
                    f"{', '.join(recordings[:8])}; say recording=, fit their scale by calibrate(), or fit the model with "
                    "scale=None"
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

    # ---- predicting

    def _refuse_unnamed(self, X: Any, subject: Any) -> None:
        """Epochs of which nobody says whose they are would be taken for those of subject 1."""
        if subject is not None or len(self.subjects_) == 1 or (self._is_pooled() and self._of_fit("scale") is None):
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
        if X is None and self._sees_past:
            if self.used_features_:
                raise ValueError(f"X is missing; the model predicts from the features {', '.join(self.used_features_)}")
            X = self._without_features(y, len(self.times_))
        is_list = isinstance(X, list | tuple)
        self._refuse_unnamed(X, subject)
        # What sees no features may be given any, as the models have that are compared with it.
        none = not self.used_features_
        parts = self._gather(X, y, subject, recording, measured, None if none else self.features, may_lack_features=none)
        self._refuse_baselines(parts, self._n_init_times(), is_list)
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
            if n_features != self.n_features_in_ and self.used_features_:
                raise ValueError(
                    f"{seen}{where} has {n_features} features, but {type(self).__name__} was fitted with "
                    f"{self.n_features_in_}: {', '.join(self.feature_names_in_)}"
                )
            if n_times != len(self.times_):
                raise ValueError(f"{seen}{where} has {n_times} times, but the model was fitted with {len(self.times_)}")
            _select(part, list(self.feature_names_in_), self.used_features_)
            refuse_nan_features(part, f"{seen}{where}", self.used_features_)
            if part.data is None:
                if whole:
                    raise ValueError("y is missing; a score needs the true responses (n_epochs, n_channels, n_times)")
                if needed:
                    raise ValueError(
                        f"y is needed: {type(self).__name__} predicts from the first {needed} samples of the true data; give "
                        f"y, or y[..., :{needed}]"
                    )
                continue
            if part.picks is not None and self._has_names():
                pick_same(part, self.channels_, f"{told}{where}")
            if part.data.shape[1] != len(self.channels_):
                raise ValueError(f"{told}{where} has {part.data.shape[1]} channels, expected {len(self.channels_)}")
            if not needed <= part.data.shape[2] <= n_times:
                expected = f"{n_times}" if needed == n_times else f"{needed} to {n_times}"
                raise ValueError(f"{told}{where} has {part.data.shape[2]} times, expected {expected}")
            if not whole:
                # Later samples are not looked at, and may be NaN.
                part.data = np.ascontiguousarray(part.data[..., :needed]) if needed else None
                if part.measured is not None:
                    part.measured = np.ascontiguousarray(part.measured[..., :needed]) if needed else None
            explain_nan(part, f"{told}{where}")
        return parts, self._epochs(parts, self.channels_, self.used_features_, self.scaling_)

    def calibrate(self: Self, y: Any, *, subject: Any = None, recording: Any = None, measured: Any = None) -> Self:
        """Fit the scale of recordings that the fit has not seen, from some of their epochs.

        A pooled model then predicts new subjects; any model then predicts new recordings of its subjects. Nothing else of the
        model changes. Score on other epochs than these.

        Parameters
        ----------
        y : ndarray (n_epochs, n_channels, n_times), mne.Epochs, or list of either
            Brain responses of the new recordings.
        subject, recording, measured
            As in `fit`.

        Returns
        -------
        self
            The estimator.

        Examples
        --------
        >>> import numpy as np, neurodre as dre
        >>> rng = np.random.default_rng(0)
        >>> X = rng.standard_normal((40, 1, 50))
        >>> y = np.roll(X, 3, axis=2)
        >>> trf = dre.TRF(lag_max=4, alphas=1e-6, pooled=True).fit([X[:10], X[10:20]], [y[:10], y[10:20]], subject=["a", "b"])
        >>> trf.calibrate(5 * y[20:30], subject="c").predict(X[30:], subject="c").shape
        (10, 1, 50)
        """
        self._fitted("calibrate")
        is_list = isinstance(y, list | tuple)
        name = self._names[1]
        parts = gather(
            no_features(y), y, features=None, subject=subject, recording=recording, measured=measured, names=(name, name)
        )
        known = self.scaling_.recordings
        for i, part in enumerate(parts):
            where = f"{name}[{i}]" if is_list else name
            if part.picks is not None and self._has_names():
                pick_same(part, self.channels_, where)
            if part.data is None or part.data.shape[1] != len(self.channels_):
                found = 0 if part.data is None else part.data.shape[1]
                raise ValueError(f"{where} has {found} channels, expected {len(self.channels_)}")
            if part.data.shape[2] != parts[0].features.shape[2]:
                raise ValueError(f"{where} has {part.data.shape[2]} times, {name}[0] has {parts[0].features.shape[2]}")
            explain_nan(part, where)
            unknown = sorted(set(part.subjects) - set(self.subjects_))
            if unknown and not self._is_pooled():
                raise ValueError(
                    f"unknown subject {', '.join(unknown)}; the model was fitted to {', '.join(self.subjects_)}; pooled=True "
                    "fits one linear model to all of them, which predicts others as well"
                )
            again = sorted(set(part.recordings) & set(known))
            if again:
                raise ValueError(f"recording {', '.join(again)} has the scale of the fit already; name others by recording=")
        if self._of_fit("scale") is None and self._is_ours():
            return self
        recordings = sorted({label for part in parts for label in part.recordings})
        place = {label: i for i, label in enumerate(recordings)}
        blocks = [
            Block(
                part.data,
                part.features,
                part.measured,
                [0] * part.n_epochs,
                [place[label] for label in part.recordings],
                [TRAIN] * part.n_epochs,
            )
            for part in parts
        ]
        epochs = Epochs(self.channels_, [], [""], recordings, int(parts[0].features.shape[2]), blocks)
        centre, scale, *_ = _native.fit_scaling(epochs)
        scalers = {
            label: {"centre": own.tolist(), "scale": spread.tolist()}
            for label, own, spread in zip(recordings, centre, scale, strict=True)
        }
        self._set_info({**self._info, "scalers": {**self._info["scalers"], **scalers}})
        return self

    def _knows_times(self) -> bool:
        """Whether the model was fitted on epochs that tell when their samples were; arrays count them."""
        return not (self._info["sfreq"] == 1.0 and np.array_equal(self.times_, np.arange(len(self.times_))))

    def _has_names(self) -> bool:
        """Whether channels have names of their own; those of arrays are numbered."""
        return self.channels_ != [str(i) for i in range(len(self.channels_))]

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
        return out if isinstance(y if X is None else X, list | tuple) else out[0]

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
            First sample that counts for the means; None takes the end of the init window. Samples that the model is shown
            never count, whatever is asked for. Models that are compared are scored from the end of the longest init window of
            theirs on; `compare` sees to that.

        Returns
        -------
        Scores
            r, and its means.
        """
        model = self._fitted("evaluate")
        _, epochs = self._to_predict(X, y, subject, recording, measured, whole=True)
        there = sorted({s for block in epochs.blocks for s in block.subjects})
        first = self._first_scored(score_from)
        n_epochs = np.bincount([s for block in epochs.blocks for s in block.subjects])
        few = [epochs.subjects[s] for s in there if n_epochs[s] < LEAST_EPOCHS]
        if few:
            warnings.warn(
                f"fewer than {LEAST_EPOCHS} epochs of {', '.join(few)}, across which there is no r: it is NaN",
                NeurodreWarning,
                stacklevel=2,
            )
        maps, means = model.score(epochs, first, self._batch_size())
        return Scores(
            [epochs.subjects[s] for s in there],
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


def _select(part: Part, names: list[str], used: list[str]) -> None:
    """Keep the features that are used."""
    if len(used) < part.features.shape[1]:
        part.features = np.ascontiguousarray(part.features[:, [names.index(name) for name in used]])
