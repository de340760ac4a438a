"""The linear references."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from . import _native
from ._base import to_json
from ._encoder import Encoder
from ._epochs import Epochs
from ._features import Feature
from ._progress import Watcher
from ._scores import evoked, info_of
from ._settings import n_threads_of

Float64 = npt.NDArray[np.float64]


class _Linear(Encoder):
    """A linear model per subject, or one for all of them."""

    # Settings of the model and of the choice of its penalty, by the files' names.
    _config: tuple[str, ...] = ()
    _options: tuple[str, ...] = ("alpha_per_channel", "n_folds", "n_components")

    alphas: float | Sequence[float] | None
    n_folds: int

    def _fit_model(self, epochs: Epochs, watcher: Watcher) -> _native.Model:
        config = {name: getattr(self, name) for name in self._config if getattr(self, name) is not None}
        if "alphas" in config:
            config["alphas"] = [float(alpha) for alpha in np.atleast_1d(np.asarray(config["alphas"], dtype=float))]
        if "concentration" in config:
            config["concentration"] = np.atleast_1d(np.asarray(config["concentration"], dtype=float))
        options = {name: getattr(self, name) for name in self._options}
        return _native.fit_linear(
            epochs,
            self._kind,
            to_json(config),
            to_json(options),
            bool(self.pooled),
            self._n_init_times(),
            self._score_from(),
            int(getattr(self, "random_state", 0)),
            n_threads_of(self.n_threads),
        )

    def _chooses(self) -> bool:
        one = self.alphas is not None and np.size(np.asarray(self.alphas, dtype=float)) == 1
        return not (one or self.n_folds > 0 or getattr(self, "leave_one_out", False))

    def _expose(self) -> None:
        arrays = self._model.arrays()
        self.intercept_: Float64 = arrays["intercept"]
        self.alphas_: dict[str, list[float]] = dict(zip(arrays["subjects"], arrays["alphas"], strict=True))
        self.valid_r_: dict[str, list[float]] = dict(zip(arrays["subjects"], arrays["valid_r"], strict=True))
        self.n_parameters_ = self._model.n_parameters()
        self._expose_coef(arrays)

    def _expose_coef(self, arrays: dict[str, Any]) -> None:
        raise NotImplementedError


class _Kernels(_Linear):
    """A linear model of features alone."""

    lag_min: int
    lag_max: int
    valid_from: int

    def _score_from(self) -> int:
        return int(self.valid_from)

    def _expose_coef(self, arrays: dict[str, Any]) -> None:
        self.coef_: Float64 = arrays["coef"]
        first = int(arrays["lag_min"])
        self.lags_: npt.NDArray[np.int64] = np.arange(first, first + self.coef_.shape[3])

    def to_evoked(self, feature: str, subject: str | None = None, info: Any = None) -> Any:
        """Make an ``mne.EvokedArray`` of the kernels of a feature, over lags, for topographies.

        Parameters
        ----------
        feature : str
            Name of the feature.
        subject : str or None
            Label; None for the mean over subjects.
        info : mne.Info or None
            As `Scores.to_evoked` has it.

        Returns
        -------
        mne.EvokedArray
            Scaled data per standardised feature, where ``scale="robust"``.
        """
        self._fitted("to_evoked")
        names = self.used_features_
        if feature not in names:
            raise ValueError(f"no feature {feature!r}; there are {', '.join(names)}")
        if subject is not None and subject not in self.subjects_:
            raise ValueError(f"no subject {subject!r}; there are {', '.join(self.subjects_)}")
        coef = self.coef_.mean(axis=0) if subject is None else self.coef_[self.subjects_.index(subject)]
        own = info_of(self._mne_info, info, self.channels_)
        return evoked(coef[:, names.index(feature)], own, self.lags_[0] / self._info["sfreq"], feature)


class TRF(_Kernels):
    """Temporal receptive field: ridge regression of the data on the features at several lags, for each subject.

    With ``scale=None``, ``alpha_unit="absolute"`` and one penalty this is MNE-Python's ``ReceptiveField``
    (``alphas=estimator``, lags in samples).

    Parameters
    ----------
    lag_min, lag_max : int
        First and last lag (samples, both included); a positive lag is a past stimulus.
    lags : mapping of str to (int, int), or None
        First and last lag of features that have others, by name.
    alphas : float, list of float, or None
        Penalties to choose from by the mean r on validation epochs; None for the grid that all linear models share, powers of
        ten from 10⁻⁸ to 10³. With one there is nothing to choose, and all epochs train.
    alpha_unit : {"relative", "absolute"}
        Unit of the penalties. "relative": the mean sum of squares of the model's columns, so that a penalty means the same
        for any number of epochs and any unit of the data; with 1 it weighs as much as the data do. "absolute": the penalty
        itself is added to the Gram matrix, as in scikit-learn and MNE-Python; choose it to compare with these.
    penalty : {"ridge", "laplacian"}
        What is penalised: squared coefficients, or squared differences between neighbouring lags and features.
    alpha_per_channel : bool
        Whether each channel has a penalty of its own.
    n_folds : int
        Folds of the training epochs that choose the penalty by squared error; 0 chooses on the validation epochs.
    leave_one_out : bool
        Whether the penalty is chosen by the exact error of leaving one epoch out.
    n_components : int
        Principal components that data are reduced to before the fit; 0 fits channels.
    valid_from : int
        First sample that counts when penalties are chosen, and in scores; the longest init window of the models that are
        compared.
    pooled : bool
        Whether one model is fitted to the epochs of all subjects together, as a network is; each subject's is then the same,
        and subjects that the fit has not seen are predicted, too (see `calibrate`).
    features, use_features, scale, valid_share, n_threads, verbose
        As in `DRE`; ``use_features=[]`` would leave nothing to predict from and is refused.

    Attributes
    ----------
    coef_ : ndarray (n_subjects, n_channels, n_features, n_lags)
        Kernels, of scaled data and of the features that the model uses.
    intercept_ : ndarray (n_subjects, n_channels)
        Intercepts.
    lags_ : ndarray (n_lags,)
        Lags (samples).
    alphas_, valid_r_ : dict
        The chosen penalties, and the mean r of each candidate, by subject.

    Examples
    --------
    >>> import numpy as np, neurodre as dre
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((20, 1, 50))
    >>> y = 2 * np.roll(X, 3, axis=2)
    >>> trf = dre.TRF(lag_max=4, alphas=1e-6, scale=None).fit(X, y)
    >>> int(trf.lags_[np.argmax(trf.coef_[0, 0, 0])])
    3
    """

    _kind = "trf"
    _config = ("lag_min", "lag_max", "lags", "alphas", "alpha_unit", "penalty")
    _options = (*_Linear._options, "leave_one_out")

    def __init__(
        self,
        *,
        lag_min: int = 0,
        lag_max: int = 100,
        lags: Mapping[str, tuple[int, int]] | None = None,
        alphas: float | Sequence[float] | None = None,
        alpha_unit: Literal["relative", "absolute"] = "relative",
        penalty: Literal["ridge", "laplacian"] = "ridge",
        alpha_per_channel: bool = False,
        n_folds: int = 0,
        leave_one_out: bool = False,
        n_components: int = 0,
        valid_from: int = 0,
        pooled: bool = False,
        features: Sequence[str | Feature] | None = None,
        use_features: Sequence[str] | None = None,
        scale: Literal["robust"] | None = "robust",
        valid_share: float = 0.1,
        n_threads: int | None = None,
        verbose: bool | int = False,
    ) -> None:
        self.lag_min = lag_min
        self.lag_max = lag_max
        self.lags = lags
        self.alphas = alphas
        self.alpha_unit = alpha_unit
        self.penalty = penalty
        self.alpha_per_channel = alpha_per_channel
        self.n_folds = n_folds
        self.leave_one_out = leave_one_out
        self.n_components = n_components
        self.valid_from = valid_from
        self.pooled = pooled
        self.features = features
        self.use_features = use_features
        self.scale = scale
        self.valid_share = valid_share
        self.n_threads = n_threads
        self.verbose = verbose


class BandedRidge(_Kernels):
    """A TRF with a penalty of its own for each band of features, found by random search.

    Parameters
    ----------
    bands : mapping of str to list of str, or None
        Features of each band; None makes each feature a band.
    alphas : float, list of float, or None
        Penalties that are tried with each set of band weights; None for the grid of `TRF`.
    alpha_unit : {"relative", "absolute"}
        As in `TRF`; "relative" is divided by the number of bands.
    n_iter : int
        Sets of band weights.
    concentration : float or list of float
        Concentrations of the Dirichlet distributions that weights are drawn from, in turns.
    random_state : int
        Seed of the search.
    lag_min, lag_max, lags, alpha_per_channel, n_folds, n_components, valid_from
        As in `TRF`; the choice is by squared error.
    features, use_features, scale, valid_share, n_threads, verbose
        As in `TRF`.

    Attributes
    ----------
    coef_, intercept_, lags_, alphas_
        As in `TRF`.
    bands_ : list of str
        Names of the bands.
    band_weights_ : ndarray (n_subjects, n_channels, n_bands)
        Weights of the bands; they sum to 1.

    Examples
    --------
    >>> import numpy as np, neurodre as dre
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((40, 2, 50))
    >>> y = np.roll(X[:, :1], 1, axis=2)
    >>> model = dre.BandedRidge(lag_max=2, n_iter=5).fit(X, y)
    >>> model.band_weights_.shape
    (1, 1, 2)
    """

    _kind = "banded"
    _config = ("lag_min", "lag_max", "lags", "bands", "alphas", "alpha_unit", "n_iter", "concentration")

    def __init__(
        self,
        *,
        lag_min: int = 0,
        lag_max: int = 100,
        lags: Mapping[str, tuple[int, int]] | None = None,
        bands: Mapping[str, Sequence[str]] | None = None,
        alphas: float | Sequence[float] | None = None,
        alpha_unit: Literal["relative", "absolute"] = "relative",
        n_iter: int = 60,
        concentration: float | Sequence[float] = (0.1, 1.0),
        alpha_per_channel: bool = False,
        n_folds: int = 0,
        n_components: int = 0,
        valid_from: int = 0,
        features: Sequence[str | Feature] | None = None,
        use_features: Sequence[str] | None = None,
        scale: Literal["robust"] | None = "robust",
        valid_share: float = 0.1,
        random_state: int = 0,
        n_threads: int | None = None,
        verbose: bool | int = False,
    ) -> None:
        self.lag_min = lag_min
        self.lag_max = lag_max
        self.lags = lags
        self.bands = bands
        self.alphas = alphas
        self.alpha_unit = alpha_unit
        self.n_iter = n_iter
        self.concentration = concentration
        self.alpha_per_channel = alpha_per_channel
        self.n_folds = n_folds
        self.n_components = n_components
        self.valid_from = valid_from
        self.features = features
        self.use_features = use_features
        self.scale = scale
        self.valid_share = valid_share
        self.random_state = random_state
        self.n_threads = n_threads
        self.verbose = verbose

    def _chooses(self) -> bool:
        # Weights of the bands are chosen even where there is one alpha.
        return self.n_folds == 0

    def _expose_coef(self, arrays: dict[str, Any]) -> None:
        super()._expose_coef(arrays)
        self.bands_: list[str] = arrays["bands"]
        self.band_weights_: Float64 = arrays["band_weights"]


class RTRF(_Linear):
    """Autoregressive TRF: also sees the past of the data, and predicts by feeding its predictions back.

    Parameters
    ----------
    n_lags_data : int
        Data lags: 1 to this many samples ago.
    n_lags_features : int
        Feature lags: 0 to this many less one samples ago.
    n_init_times : int
        True samples that a prediction starts from.
    alphas, alpha_unit, alpha_per_channel, n_folds, n_components, pooled
        As in `TRF`; the choice is by the mean r of the roll-out.
    phase, features, use_features, scale, valid_share, n_threads, verbose
        As in `DRE`; ``use_features=[]`` leaves a prediction from the past of the data alone.

    Attributes
    ----------
    coef_data_ : ndarray (n_subjects, n_channels, n_lags_data, n_channels)
        Predicted channel, lag from the most recent, channel.
    coef_features_ : ndarray (n_subjects, n_channels, n_lags_features, n_features)
        Predicted channel, lag from 0, feature.
    intercept_ : ndarray (n_subjects, n_channels)
        Intercepts.
    alphas_, valid_r_ : dict
        As in `TRF`.

    Examples
    --------
    >>> import numpy as np, neurodre as dre
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((20, 1, 50))
    >>> y = np.cumsum(X, axis=2)
    >>> model = dre.RTRF(n_lags_data=1, n_lags_features=1, n_init_times=5, alphas=1e-6, phase="none").fit(X, y)
    >>> bool(abs(model.coef_data_[0, 0, 0, 0] - 1) < 1e-3)
    True
    """

    _kind = "rtrf"
    _sees_past = True
    _config = ("n_lags_data", "n_lags_features", "alphas", "alpha_unit")

    def __init__(
        self,
        *,
        n_lags_data: int = 40,
        n_lags_features: int = 40,
        n_init_times: int = 40,
        alphas: float | Sequence[float] | None = None,
        alpha_unit: Literal["relative", "absolute"] = "relative",
        alpha_per_channel: bool = False,
        n_folds: int = 0,
        n_components: int = 0,
        pooled: bool = False,
        phase: Literal["minimum", "minimum-half", "causal", "none", "zero"] | None = None,
        features: Sequence[str | Feature] | None = None,
        use_features: Sequence[str] | None = None,
        scale: Literal["robust"] | None = "robust",
        valid_share: float = 0.1,
        n_threads: int | None = None,
        verbose: bool | int = False,
    ) -> None:
        self.n_lags_data = n_lags_data
        self.n_lags_features = n_lags_features
        self.n_init_times = n_init_times
        self.alphas = alphas
        self.alpha_unit = alpha_unit
        self.alpha_per_channel = alpha_per_channel
        self.n_folds = n_folds
        self.n_components = n_components
        self.pooled = pooled
        self.phase = phase
        self.features = features
        self.use_features = use_features
        self.scale = scale
        self.valid_share = valid_share
        self.n_threads = n_threads
        self.verbose = verbose

    def _fit_model(self, epochs: Epochs, watcher: Watcher) -> _native.Model:
        if self.n_init_times >= epochs.n_times:
            expected = f"fewer than the {epochs.n_times} samples of an epoch"
            raise ValueError(f"n_init_times = {self.n_init_times}, expected {expected}")
        return super()._fit_model(epochs, watcher)

    def _n_init_times(self) -> int:
        return int(self._of_fit("n_init_times"))

    def _expose_coef(self, arrays: dict[str, Any]) -> None:
        self.coef_data_: Float64 = arrays["coef_data"]
        self.coef_features_: Float64 = arrays["coef_features"]
