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
    pick_same,
    recording_label,
    refuse_nan_features,
    refuse_other_time,
    same_time,
)
from ._errors import NeurodreWarning
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

    features: Sequence[str | Feature] | None
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
            recording, and leaves out training epochs of ``mne.Epochs`` that share samples with them. To choose among several
            penalties takes at least 3 of each subject.
        callbacks : callable or list of callables
            Called with a `Progress` after every batch of a network's training; one that returns true ends it with the best
            pass so far. Linear models are fitted without batches that could be told of.

        Returns
        -------
        self
            The fitted estimator.
        """
        check_settings(self, self._signed)
        parts = self._gather(X, y, subject, recording, measured)
        is_list = isinstance(X, list | tuple)
        channels, names = self._check_parts(parts, is_list)
        check_names(self, names)
        epochs = self._epochs(parts, channels, names, None)
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
                    f"unknown subject {', '.join(unknown)}; the model was fitted to {', '.join(subjects)}; say subject="
                )
            unknown = sorted(set(part.recordings) - set(scaled_with))
            if unknown and (self._of_fit("scale") is not None or not self._is_ours()):
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

    # ---- predicting

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
        return parts, self._epochs(parts, self.channels_, list(self.feature_names_in_), self.scaling_)

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
        few = [self.subjects_[s] for s in there if n_epochs[s] < LEAST_EPOCHS]
        if few:
            warnings.warn(
                f"fewer than {LEAST_EPOCHS} epochs of {', '.join(few)}, across which there is no r: it is NaN",
                NeurodreWarning,
                stacklevel=2,
            )
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
