"""The backward direction: features told from data."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt

from . import _native
from ._ask import Float64, floats, shown
from ._base import to_json
from ._encoder import Encoder
from ._epochs import Epochs
from ._features import Feature, is_epochs, settled
from ._progress import Callback, Watcher
from ._scores import evoked, frame, info_of, table_html
from ._settings import n_threads_of


@dataclass(frozen=True)
class DecodingScores:
    """How well features are told from data.

    Attributes
    ----------
    subjects, features : list of str
        Labels and names.
    r : ndarray (n_subjects, n_features)
        r across epochs between the feature and what is told of it, sample by sample, the other features at that sample held
        constant; its mean over samples.
    n_times : ndarray (n_subjects, n_features)
        Samples at which the feature varies across epochs, given the others.
    """

    subjects: list[str]
    features: list[str]
    r: Float64
    n_times: npt.NDArray[np.int64]

    @property
    def mean_r(self) -> float:
        """Mean over subjects and features."""
        return float(np.nanmean(self.r))

    def to_frame(self) -> Any:
        """Make a data frame: subject, feature, r."""
        return frame(
            {
                "subject": np.repeat(np.asarray(self.subjects, dtype=object), len(self.features)),
                "feature": np.tile(np.asarray(self.features, dtype=object), len(self.subjects)),
                "r": self.r.ravel(),
            }
        )

    def __repr__(self) -> str:
        """Show the mean and its size."""
        return f"DecodingScores(mean_r={self.mean_r:.4f}, n_subjects={len(self.subjects)}, features={self.features})"

    def _repr_html_(self) -> str:
        rows = [[s, *(shown(float(r)) for r in own)] for s, own in zip(self.subjects, self.r, strict=True)]
        means = [shown(float(np.mean(own[np.isfinite(own)]))) if np.isfinite(own).any() else shown(None) for own in self.r.T]
        return table_html("r of what is told", ["subject", *self.features], [*rows, ["mean", *means]])


def _features_and_data(X: Any, y: Any) -> tuple[Any, Any]:
    """What encoders call X and y; both are in ``mne.Epochs``."""
    if y is not None:
        return y, X
    if not all(is_epochs(one) for one in (X if isinstance(X, list | tuple) else [X])):
        raise ValueError("y is missing; give the features (n_epochs, n_features, n_times), or X as mne.Epochs with metadata")
    return X, None


class Decoder(Encoder):
    """Ridge regression of the features on the data at several lags, for each subject, with patterns.

    Data come first here, as in other decoders: ``fit(X, y)`` takes data ``X`` and features ``y``.

    Parameters
    ----------
    lag_min, lag_max : int
        First and last lag (samples, both included); a negative lag is data that come after the feature's sample.
    alphas : float, list of float, or None
        Penalties that each feature chooses from by its r; None for the grid of `TRF`.
    alpha_unit : {"relative", "absolute"}
        As in `TRF`.
    penalty : {"ridge", "laplacian"}
        As in `TRF`.
    n_folds, n_components
        As in `TRF`.
    targets : list of str or None
        Features that are told; None for all.
    hold_others : bool
        Whether all other features are held constant: what is fitted of a feature is what the others do not tell of it at the
        same sample, and r is a partial correlation. A feature that is 0 between events is else told in part by telling
        when an event comes. Studies of the program do so; here the default is to tell the features themselves.
    features, scale, valid_share, n_threads, verbose
        As in `DRE`.

    Attributes
    ----------
    targets_ : list of str
        The features that are told.
    coef_ : ndarray (n_subjects, n_targets, n_channels, n_lags)
        Weights of scaled data, which must not be read as activity.
    patterns_ : ndarray (n_subjects, n_targets, n_channels, n_lags)
        What the data look like where a feature is present (Haufe et al. 2014); may be read.
    intercept_ : ndarray (n_subjects, n_targets)
        Intercepts.
    lags_ : ndarray (n_lags,)
        Lags (samples).
    alphas_, valid_r_ : dict
        The chosen penalty of each feature, and the mean r of each candidate, by subject.

    Examples
    --------
    >>> import numpy as np, neurodre as dre
    >>> rng = np.random.default_rng(0)
    >>> y = rng.standard_normal((40, 1, 50))
    >>> X = np.roll(y, 2, axis=2) * [[1.0], [-2.0]] + 0.5 * rng.standard_normal((40, 2, 50))
    >>> decoder = dre.Decoder(lag_min=-4, features=["sound"]).fit(X[:30], y[:30])
    >>> int(decoder.lags_[np.argmax(np.abs(decoder.patterns_[0, 0, 1]))]), bool(decoder.score(X[30:], y[30:]) > 0.9)
    (-2, True)
    """

    _kind = "decoder"
    _names = ("y", "X")

    def __init__(
        self,
        *,
        lag_min: int = -60,
        lag_max: int = 0,
        alphas: float | Sequence[float] | None = None,
        alpha_unit: Literal["relative", "absolute"] = "relative",
        penalty: Literal["ridge", "laplacian"] = "ridge",
        n_folds: int = 0,
        n_components: int = 0,
        targets: Sequence[str] | None = None,
        hold_others: bool = False,
        features: Sequence[str | Feature] | None = None,
        scale: Literal["robust"] | None = "robust",
        valid_share: float = 0.1,
        n_threads: int | None = None,
        verbose: bool | int = False,
    ) -> None:
        self.lag_min = lag_min
        self.lag_max = lag_max
        self.alphas = alphas
        self.alpha_unit = alpha_unit
        self.penalty = penalty
        self.n_folds = n_folds
        self.n_components = n_components
        self.targets = targets
        self.hold_others = hold_others
        self.features = features
        self.scale = scale
        self.valid_share = valid_share
        self.n_threads = n_threads
        self.verbose = verbose

    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        subject: Any = None,
        recording: Any = None,
        measured: Any = None,
        valid: Any = None,
        callbacks: Iterable[Callback] | Callback = (),
    ) -> Decoder:
        """Fit the decoders.

        Parameters
        ----------
        X : ndarray (n_epochs, n_channels, n_times), mne.Epochs, or list of either
            Brain responses.
        y : ndarray (n_epochs, n_features, n_times), list of these, or None
            Features; None takes the columns of the metadata of ``X`` that ``features`` names.
        subject, recording, measured, valid, callbacks
            As in `DRE.fit`.

        Returns
        -------
        self
            The fitted estimator.
        """
        seen, data = _features_and_data(X, y)
        labels = {"subject": subject, "recording": recording, "measured": measured, "valid": valid}
        return super().fit(seen, data, **labels, callbacks=callbacks)

    def _fit_model(self, epochs: Epochs, watcher: Watcher) -> _native.Model:
        config: dict[str, Any] = {
            name: getattr(self, name)
            for name in ("lag_min", "lag_max", "alpha_unit", "penalty", "n_folds", "n_components", "hold_others")
        }
        if self.alphas is not None:
            config["alphas"] = [float(alpha) for alpha in np.atleast_1d(np.asarray(self.alphas, dtype=float))]
        if self.targets is not None:
            config["features"] = list(self.targets)
        fitted = _native.fit_decoder(epochs, to_json(config), n_threads_of(self.n_threads))
        return cast(_native.Model, fitted)

    @property
    def _decoder(self) -> _native.Decoder:
        return cast(_native.Decoder, self._model)

    def _chooses(self) -> bool:
        one = self.alphas is not None and np.size(np.asarray(self.alphas, dtype=float)) == 1
        return not one and self.n_folds == 0

    def _expose(self) -> None:
        arrays = self._decoder.arrays()
        self.targets_: list[str] = arrays["features"]
        self.coef_: Float64 = arrays["coef"]
        self.patterns_: Float64 = arrays["patterns"]
        self.intercept_: Float64 = arrays["intercept"]
        first = int(arrays["lag_min"])
        self.lags_: npt.NDArray[np.int64] = np.arange(first, first + self.coef_.shape[3])
        self.alphas_: dict[str, list[float]] = dict(zip(arrays["subjects"], arrays["alphas"], strict=True))
        self.valid_r_: dict[str, list[float]] = dict(zip(arrays["subjects"], arrays["valid_r"], strict=True))

    @classmethod
    def _read(cls, folder: Path, n_threads: int) -> tuple[_native.Model, dict[str, Any], list[dict[str, Any]]]:
        model = _native.Decoder.load(folder)
        info = json.loads((folder / "decoder.json").read_text(encoding="utf-8"))["recipe"]
        if not isinstance(info, dict) or info.get("kind") != cls._kind:
            raise ValueError(f"{folder} was not written by Decoder.save")
        return cast(_native.Model, model), info, []

    def _write(self, model: _native.Model, folder: Path) -> None:
        cast(_native.Decoder, model).save(folder, to_json(self._info))

    def predict(
        self,
        X: Any,
        y: Any = None,
        *,
        subject: Any = None,
        recording: Any = None,
        measured: Any = None,
    ) -> Any:
        """Tell features from data.

        Parameters
        ----------
        X, subject, recording, measured
            As in `fit`.
        y : None
            Not used.

        Returns
        -------
        ndarray (n_epochs, n_targets, n_times), or list of these
            What is told, in the units of the fit's features; with ``hold_others`` of their own parts, about their means.
        """
        self._fitted("predict")
        is_list = isinstance(X, list | tuple)
        given = [settled(one) if is_epochs(one) else one for one in (X if is_list else [X])]

        def blank(one: Any, where: str) -> Any:
            if is_epochs(one) or (isinstance(one, np.ndarray) and one.ndim == 3):
                n_times = len(one.times) if is_epochs(one) else one.shape[2]
                if n_times != len(self.times_):
                    raise ValueError(f"{where} has {n_times} times, but the model was fitted with {len(self.times_)}")
                return np.zeros((len(one), self.n_features_in_, n_times), np.float32)
            found = f"shape {one.shape}" if isinstance(one, np.ndarray) else type(one).__name__
            raise (ValueError if isinstance(one, np.ndarray) else TypeError)(
                f"{where} is {found}, expected mne.Epochs or an array (n_epochs, n_channels, n_times)"
            )

        blanks = [blank(one, f"X[{i}]" if is_list else "X") for i, one in enumerate(given)]
        seen, data = (blanks, given) if is_list else (blanks[0], given[0])
        parts, epochs = self._to_predict(seen, data, subject, recording, measured, whole=True)
        told = self._decoder.predict(epochs, n_threads_of(self.n_threads))
        ends = np.cumsum([part.n_epochs for part in parts])[:-1]
        out = np.split(told, ends)
        return out if is_list else out[0]

    def evaluate(  # type: ignore[override]
        self,
        X: Any,
        y: Any = None,
        *,
        subject: Any = None,
        recording: Any = None,
        measured: Any = None,
    ) -> DecodingScores:
        """Correlate features with what is told of them, across epochs.

        Parameters
        ----------
        X, y, subject, recording, measured
            As in `fit`.

        Returns
        -------
        DecodingScores
            r of each subject and feature.
        """
        self._fitted("evaluate")
        seen, data = _features_and_data(X, y)
        _, epochs = self._to_predict(seen, data, subject, recording, measured, whole=True)
        there = sorted({s for block in epochs.blocks for s in block.subjects})
        found = self._decoder.score(epochs, n_threads_of(self.n_threads))
        r = floats([[score for score, _ in found[s]] for s in there])
        n_times = np.asarray([[n for _, n in found[s]] for s in there], dtype=np.int64)
        return DecodingScores([epochs.subjects[s] for s in there], self.targets_, r, n_times)

    def to_evoked(self, target: str, subject: str | None = None, info: Any = None) -> Any:
        """Make an ``mne.EvokedArray`` of the patterns of a feature, over lags, for topographies.

        Parameters
        ----------
        target : str
            Name of the feature.
        subject : str or None
            Label; None for the mean over subjects.
        info : mne.Info or None
            As `Scores.to_evoked` has it.

        Returns
        -------
        mne.EvokedArray
            Patterns, of scaled data.
        """
        self._fitted("to_evoked")
        if target not in self.targets_:
            raise ValueError(f"no target {target!r}; there are {', '.join(self.targets_)}")
        if subject is not None and subject not in self.subjects_:
            raise ValueError(f"no subject {subject!r}; there are {', '.join(self.subjects_)}")
        all_patterns = self.patterns_[:, self.targets_.index(target)]
        values = all_patterns.mean(axis=0) if subject is None else all_patterns[self.subjects_.index(subject)]
        own = info_of(self._mne_info, info, self.channels_)
        return evoked(values, own, self.lags_[0] / self._info["sfreq"], target)
