"""The Deep Recurrent Encoder."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from . import _native
from ._base import to_json
from ._encoder import Encoder
from ._epochs import Epochs, label_of
from ._errors import NeurodreWarning
from ._features import Feature
from ._progress import Watcher
from ._scores import Scores
from ._settings import check_settings, n_threads_of, whole

NETWORK = (
    "n_init_times",
    "subject_dim",
    "conv_layers",
    "kernel",
    "stride",
    "conv_filters",
    "lstm_layers",
    "lstm_hidden",
)

# Training loss, validation loss and seconds of each pass.
History = list[tuple[float, float, float]]


@dataclass
class _Fit:
    """One of a network's fits, which differ in their seed."""

    seed: int
    model: _native.Model
    history: History
    best_pass: int | None

    def to_info(self) -> dict[str, Any]:
        """What `model.json` has of it."""
        return {
            "fit_seconds": sum(seconds for *_, seconds in self.history),
            "history": [{"train_loss": t, "valid_loss": v, "seconds": s} for t, v, s in self.history],
            "best_pass": self.best_pass,
        }


class DRE(Encoder):
    """Deep Recurrent Encoder: one network that predicts the responses of all subjects from features and an init window.

    Convolutions, an LSTM over time, transposed convolutions (Chehab, Défossez, Loiseau, Gramfort and King,
    arXiv 2103.02339). The defaults are the paper's, for 273 channels and 100 subjects at 120 Hz; with few channels,
    64 filters and units and ``lr=1e-3`` train in a fraction of the time.

    Parameters
    ----------
    n_init_times : int
        True samples shown at the start of each epoch.
    subject_dim : int
        Size of the subject embedding; 0 for none.
    conv_layers : int
        Convolutions before, and transposed convolutions after, the LSTM (0 to 4).
    kernel, stride : int
        Width and stride of each convolution (samples).
    conv_filters : int
        Filters of each convolution.
    lstm_layers : int
        LSTM layers (0 to 3).
    lstm_hidden : int
        Units of each LSTM layer.
    lr : float
        Step size of Adam.
    batch_size : int
        Epochs per batch.
    n_passes : int
        Passes over the training epochs; the weights of the pass with the lowest validation loss are kept.
    loss : {"mse", "l1"}
        Loss over the whole epoch.
    precision : {"f32", "bf16"}
        How products are made in training; "bf16" needs a processor with AVX-512 BF16; on some it is slower than "f32".
    n_seeds : int
        Number of fits that differ in their seed alone: ``random_state``, the next one, and so on. The prediction is the mean
        of theirs, and `evaluate` scores each fit as well, since the seed alone moves r.
    phase : {"minimum", "minimum-half", "causal", "none", "zero"} or None
        Phase of the filters (of resampling, too) that the data went through, which arrays and ``mne.Epochs`` do not tell:
        "minimum" and "minimum-half" as in MNE-Python, "causal" for any other causal filter, "none" for data that were not
        filtered, "zero" for zero phase, MNE-Python's default. A zero-phase filter carries part of each response into the
        samples before it and so into the init window. None and "zero" therefore warn (`PhaseWarning`) where
        ``n_init_times`` is above 0. Kept with the model, and otherwise not used.
    features : list of str or Feature, or None
        Names of the features of an array, or columns of the metadata of ``mne.Epochs``. None calls them x0, x1, ….
    use_features : list of str or None
        Names of those features of ``X`` that the model sees; None for all. ``[]`` is for none: what is predicted then comes
        from the past alone, the reference for `stimulus_share`. ``X`` holds all features in any case, or may be None where
        none is seen.
    scale : {"robust", None}
        "robust" scales as a study does: data by the median and interquartile range of the training epochs of each subject
        (or recording), features by their mean and standard deviation over all training epochs. None leaves all as it is; give
        data and features of order 1 then, since Adam's steps and the initial weights are of that size; data whose
        interquartile range is not between 0.01 and 100 are refused. Predictions are in the units of ``y`` either way.
    valid_share : float
        Share of each recording's epochs, the last ones, that chooses the best pass.
    random_state : int
        Seed of the initial weights and of the order of the epochs.
    n_threads : int or None
        Threads; None for all. The result does not depend on it.
    verbose : bool
        Whether to show a progress bar.

    Attributes
    ----------
    subjects_, channels_ : list of str
        What the model knows.
    feature_names_in_ : ndarray of str
        Names of the features of ``X``.
    used_features_ : list of str
        Names of those that the model sees.
    times_ : ndarray (n_times,)
        Times of an epoch (s), or sample numbers for arrays.
    scaling_ : Scaling
        The fitted scaling.
    estimators_ : list of DRE
        The single fits, each a fitted `DRE`; with ``n_seeds=1`` the estimator itself.
    history_ : list of (float, float, float)
        Training loss, validation loss and seconds of each pass; with several seeds a list of these lists.
    best_pass_ : int or None
        The pass, from 0, whose weights are kept; with several seeds a list.
    n_parameters_ : int
        Number of weights, of all fits.

    Examples
    --------
    >>> import numpy as np, neurodre as dre
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((24, 1, 40)).astype("float32")
    >>> y = np.repeat(X, 2, axis=1)
    >>> model = dre.DRE(n_init_times=8, conv_filters=8, lstm_hidden=8, lr=1e-2, n_passes=3, subject_dim=0, phase="none")
    >>> model.fit(X[:16], y[:16]).predict(X[16:], y[16:, :, :8]).shape
    (8, 2, 40)
    >>> several = model.set_params(n_seeds=2).fit(X[:16], y[:16])
    >>> len(several.estimators_), list(several.evaluate(X[16:], y[16:]).seeds)
    (2, [0, 1])
    """

    _kind = "dre"
    _sees_past = True

    def __init__(
        self,
        *,
        n_init_times: int = 40,
        subject_dim: int = 16,
        conv_layers: int = 2,
        kernel: int = 4,
        stride: int = 2,
        conv_filters: int = 512,
        lstm_layers: int = 2,
        lstm_hidden: int = 512,
        lr: float = 1e-4,
        batch_size: int = 32,
        n_passes: int = 60,
        loss: Literal["mse", "l1"] = "mse",
        precision: Literal["f32", "bf16"] = "f32",
        n_seeds: int = 1,
        phase: Literal["minimum", "minimum-half", "causal", "none", "zero"] | None = None,
        features: Sequence[str | Feature] | None = None,
        use_features: Sequence[str] | None = None,
        scale: Literal["robust"] | None = "robust",
        valid_share: float = 0.1,
        random_state: int = 0,
        n_threads: int | None = None,
        verbose: bool | int = False,
    ) -> None:
        self.n_init_times = n_init_times
        self.subject_dim = subject_dim
        self.conv_layers = conv_layers
        self.kernel = kernel
        self.stride = stride
        self.conv_filters = conv_filters
        self.lstm_layers = lstm_layers
        self.lstm_hidden = lstm_hidden
        self.lr = lr
        self.batch_size = batch_size
        self.n_passes = n_passes
        self.loss = loss
        self.precision = precision
        self.n_seeds = n_seeds
        self.phase = phase
        self.features = features
        self.use_features = use_features
        self.scale = scale
        self.valid_share = valid_share
        self.random_state = random_state
        self.n_threads = n_threads
        self.verbose = verbose

    def _network_json(self) -> str:
        return to_json({name: getattr(self, name) for name in NETWORK})

    def _check_unscaled(self, epochs: Epochs) -> None:
        """Refuse data of another size than the network's steps and initial weights are made for."""
        spread = _native.fit_scaling(epochs)[1]
        known = spread[np.isfinite(spread) & (spread > 0)]
        size = float(np.median(known)) if known.size else 1.0
        if not 0.01 <= size <= 100.0:
            raise ValueError(
                f"scale=None leaves the data as they are, with an interquartile range of {size:.2g}, expected 0.01 to 100: "
                "the network's steps and initial weights are made for data of order 1; give scale='robust', or scale the data"
            )

    def _fit_model(self, epochs: Epochs, watcher: Watcher) -> _native.Model:
        training = to_json({name: getattr(self, name) for name in ("lr", "batch_size", "n_passes", "loss", "precision")})
        threads, n_seeds = n_threads_of(self.n_threads), int(self.n_seeds)
        fits: list[_Fit] = []
        for seed in range(int(self.random_state), int(self.random_state) + n_seeds):
            watcher.starts(seed, len(fits), n_seeds)
            model, history, best, ended = _native.fit_dre(
                epochs, self._network_json(), training, seed, threads, None, watcher.callback
            )
            if ended != "interrupted" or best is not None:
                fits.append(_Fit(seed, model, history, best))
            if ended == "interrupted":
                if not fits:
                    raise KeyboardInterrupt(
                        "training was interrupted before its first pass was done, so that nothing is kept"
                    )
                self._tell_interrupted(fits, len(history) if best is not None else 0)
                break
        self._fits = fits
        return fits[0].model if len(fits) == 1 else _native.Model.of_seeds([fit.model for fit in fits])

    def _tell_interrupted(self, fits: list[_Fit], n_passes: int) -> None:
        """Warn of a training that Ctrl-C ended after ``n_passes`` of the last fit, 0 where this fit is not kept."""
        if n_passes == 0:
            text = f"training was interrupted after {len(fits)} of {self.n_seeds} fits, which are kept"
        else:
            of = f" of fit {len(fits)} of {self.n_seeds}" if self.n_seeds > 1 else ""
            best = (fits[-1].best_pass or 0) + 1
            text = f"training was interrupted after {n_passes} of {self.n_passes} passes{of}; those of pass {best} are kept"
        warnings.warn(text, NeurodreWarning, stacklevel=4)

    def _training(self) -> dict[str, Any]:
        fits = self._fits
        if len(fits) == 1:
            return fits[0].to_info()
        infos = [fit.to_info() for fit in fits]
        return {
            **infos[0],
            "fit_seconds": sum(info["fit_seconds"] for info in infos),
            "members": [f"seed-{fit.seed}" for fit in fits],
        }

    def _set_info(self, info: dict[str, Any]) -> None:
        super()._set_info(info)
        fits = vars(self).pop("_fits", [])
        if len(fits) > 1:
            recipe = info["recipe"]

            def own(fit: _Fit) -> dict[str, Any]:
                params = {**recipe["params"], "n_seeds": 1, "random_state": fit.seed}
                return {**info, "members": [], "recipe": {**recipe, "params": params}, **fit.to_info()}

            self._members = [own(fit) for fit in fits]

    def _expose(self) -> None:
        self.n_parameters_ = self._model.n_parameters()
        infos = list(self._members) or [self._info]
        histories: list[History] = [[(p["train_loss"], p["valid_loss"], p["seconds"]) for p in i["history"]] for i in infos]
        best = [i["best_pass"] for i in infos]
        self.history_: History | list[History] = histories if self._members else histories[0]
        self.best_pass_: int | list[int | None] | None = best if self._members else best[0]

    @property
    def estimators_(self) -> list[DRE]:
        """The single fits, which differ in their seed; the estimator itself where there is one."""
        model = self._fitted("estimators_")
        if not self._members:
            return [self]

        def one(member: _native.Model, info: dict[str, Any]) -> DRE:
            made = type(self)(**self._stored_params(member, info))
            made.n_threads = self.n_threads
            made._model, made._mne_info = member, self._mne_info
            # The scale of recordings that were calibrated since.
            made._set_info({**info, "scalers": self._info["scalers"]})
            made._expose()
            return made

        return [one(member, info) for member, info in zip(model.members(), self._members, strict=True)]

    def _seeds(self) -> list[int]:
        """The seeds of the single fits."""
        recipes = [info["recipe"] for info in self._members]
        return [int(r["params"]["random_state"] if self._is_ours() else r["seed"]) for r in recipes]

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
        X, y, subject, recording, measured, score_from
            As in `TRF.evaluate`.

        Returns
        -------
        Scores
            r, and its means; with several seeds those of the mean prediction, and in ``seeds`` those of each fit.
        """
        given: dict[str, Any] = {"subject": subject, "recording": recording, "measured": measured, "score_from": score_from}
        scores = super().evaluate(X, y, **given)
        if not self._members:
            return scores
        with warnings.catch_warnings():
            # They would be those of the whole.
            warnings.simplefilter("ignore", NeurodreWarning)
            own = [Encoder.evaluate(one, X, y, **given) for one in self.estimators_]
        return replace(scores, seeds=dict(zip(self._seeds(), own, strict=True)))

    def score(self, X: Any, y: Any = None, **labels: Any) -> float:
        """Mean r across epochs: over channels and the samples after the init window, then over subjects.

        Parameters
        ----------
        X, y, **labels
            As in `evaluate`.

        Returns
        -------
        float
            The mean r; with several seeds that of the mean prediction.
        """
        return super().evaluate(X, y, **labels).mean_r

    def _n_init_times(self) -> int:
        return int(self._of_fit("n_init_times"))

    def _batch_size(self) -> int:
        return whole(self.batch_size, "batch_size", least=1)

    # ---- PyTorch

    @classmethod
    def from_torch(
        cls,
        state_dict: Mapping[str, Any],
        config: Mapping[str, Any],
        *,
        n_times: int,
        features: Sequence[str] | None = None,
        channels: Sequence[str] | None = None,
        subjects: Sequence[str] | None = None,
        n_threads: int | None = None,
    ) -> DRE:
        """Make a fitted model of weights that PyTorch trained.

        Nothing is scaled: give data and features as the network was trained on them.

        Parameters
        ----------
        state_dict : mapping of str to tensor or ndarray
            Weights by PyTorch's names: ``subject_embedding.weight``, ``encoder.N.weight``, ``lstm.weight_ih_lN``,
            ``decoder.N.weight`` and so on.
        config : mapping
            The settings of this class that shape the network; others are ignored, absent ones are the defaults.
        n_times : int
            Samples of an epoch.
        features, channels, subjects : list of str or None
            Names; numbers where None.
        n_threads : int or None
            Threads; None for all.

        Returns
        -------
        DRE
            Fitted.
        """
        for what, one in (("state_dict", state_dict), ("config", config)):
            if not isinstance(one, Mapping):
                raise TypeError(f"{what} is {type(one).__name__}, expected a mapping")
        whole(n_times, "n_times", least=1)
        self = cls(**{name: config[name] for name in NETWORK if name in config}, scale=None, n_threads=n_threads)
        check_settings(self, self._signed)
        state = {name: _as_numpy(value, name) for name, value in state_dict.items()}
        n_channels, n_features, n_subjects = self._sizes(state)
        self._model = _native.Model.network_of(
            self._network_json(), n_channels, n_features, n_subjects, 0, n_threads_of(n_threads), state
        )
        self._mne_info = None
        self.features = None if features is None else list(features)
        names = self._feature_names(n_features)
        channel_names = [str(c) for c in (range(n_channels) if channels is None else channels)]
        labels = [label_of(s) or "" for s in (range(1, n_subjects + 1) if subjects is None else subjects)]
        for what, found, wanted in (("channels", channel_names, n_channels), ("subjects", labels, n_subjects)):
            if len(found) != wanted:
                raise ValueError(f"{what} names {len(found)}, the weights are of {wanted}")
        self._set_info(
            {
                "format": 1,
                "version": _native.version(),
                "kind": "dre",
                "recipe": {"package": "neurodre", "params": self._plain_params(), "numbered": subjects is None},
                "n_init_times": self._n_init_times(),
                "sfreq": 1.0,
                "times": list(range(n_times)),
                "channels": [{"name": name, "kind": "misc"} for name in channel_names],
                "features": names,
                "subjects": labels,
                "feature_scaler": {
                    "mean": [0.0] * n_features,
                    "std": [1.0] * n_features,
                    "constant": [False] * n_features,
                },
                "scalers": {s: {"centre": [0.0] * n_channels, "scale": [1.0] * n_channels} for s in labels},
                "fit_seconds": 0.0,
                "choices": [],
                "history": [],
                "best_pass": None,
            }
        )
        self._expose()
        return self

    def _sizes(self, state: Mapping[str, npt.NDArray[np.float32]]) -> tuple[int, int, int]:
        """Channels, features and subjects that the weights are of."""

        def shape(name: str) -> tuple[int, ...]:
            if name not in state:
                raise ValueError(f"state_dict has no tensor {name!r}; it has {', '.join(sorted(state)[:12])}")
            return state[name].shape

        if self.conv_layers > 0:
            n_channels = shape(f"decoder.{2 * (self.conv_layers - 1)}.bias")[0]
            width = shape("encoder.0.weight")[1]
        else:
            n_channels = shape("decoder.bias")[0]
            width = shape("lstm.weight_ih_l0" if self.lstm_layers > 0 else "decoder.weight")[1]
        n_subjects = shape("subject_embedding.weight")[0] if self.subject_dim > 0 else 1
        n_features = width - n_channels - 1 - self.subject_dim
        if n_features < 0:
            raise ValueError(
                f"the first layer has {width} inputs, fewer than {n_channels} channels, a mask and subject_dim = "
                f"{self.subject_dim} need; check config"
            )
        return n_channels, n_features, n_subjects

    def to_torch(self) -> dict[str, npt.NDArray[np.float32]]:
        """Weights by PyTorch's names, shapes and gate order (i, f, g, o).

        Returns
        -------
        dict of str to ndarray
            ``{name: torch.from_numpy(a) for name, a in model.to_torch().items()}`` is a ``state_dict``. With several seeds
            each of ``estimators_`` has its own, and the whole is refused.
        """
        return self._fitted("to_torch").arrays()

    def loss_and_gradients(
        self,
        X: Any,
        y: Any = None,
        *,
        subject: Any = None,
        recording: Any = None,
        measured: Any = None,
    ) -> tuple[float, dict[str, npt.NDArray[np.float32]]]:
        """Compute the loss of all epochs as one batch, and its gradient; with several seeds, of one of ``estimators_``.

        Parameters
        ----------
        X, y, subject, recording, measured
            As in `fit`; ``y`` is whole.

        Returns
        -------
        loss : float
            Mean over epochs, channels and times, of scaled data.
        gradients : dict of str to ndarray
            By PyTorch's names.
        """
        model = self._fitted("loss_and_gradients")
        _, epochs = self._to_predict(X, y, subject, recording, measured, whole=True)
        return model.loss_and_gradients(epochs, self.loss)


def _as_numpy(value: Any, name: str) -> npt.NDArray[np.float32]:
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    array = np.asarray(value)
    if array.dtype.kind != "f":
        raise TypeError(f"tensor {name!r} has dtype {array.dtype}, expected float32")
    return np.ascontiguousarray(array, dtype=np.float32)
