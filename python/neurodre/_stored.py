"""What a fitted model is kept as: attributes, files, pickles."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from . import _native
from ._base import Estimator, plain, to_json
from ._epochs import Epochs, Part
from ._errors import not_fitted
from ._features import Feature
from ._scaling import Scaling
from ._scores import table_html
from ._settings import n_threads_of

Self = TypeVar("Self", bound="Stored")


def _plain_feature(feature: Feature) -> dict[str, Any]:
    """Make what JSON has of a feature; values as pairs, since keys of JSON are texts."""
    values = None if feature.values is None else [[key, value] for key, value in feature.values.items()]
    return {**{f.name: getattr(feature, f.name) for f in fields(feature)}, "values": values}


def _read_feature(stored: dict[str, Any]) -> Feature:
    return Feature(**{**stored, "values": None if stored["values"] is None else dict(stored["values"])})


def _of_study(recipe: dict[str, Any]) -> dict[str, Any]:
    """What a study decides beside a model's own settings."""
    prepare = (recipe.get("cohort") or {}).get("prepare") or {}
    is_filtered = any(prepare.get(name) for name in ("l_freq", "h_freq", "notch_freqs", "sfreq"))
    phase = "causal" if prepare.get("method") == "iir" else prepare.get("phase", "zero") if is_filtered else "none"
    return {"phase": phase, "random_state": recipe.get("seed", 0)}


class Stored(Estimator):
    """A fitted model as its `model.json`, and the files that hold it."""

    # What the files call this kind of model.
    _kind = ""

    features: Sequence[str | Feature] | None
    n_threads: int | None
    pooled: bool = False
    # What the files say of each of several networks that make one model.
    _members: Sequence[dict[str, Any]] = ()

    def _is_pooled(self) -> bool:
        return bool(self._of_fit("pooled"))

    def _n_init_times(self) -> int:
        return 0

    def _expose(self) -> None:
        """Set the fitted attributes of this kind from the model."""

    def _describe(self, part: Part, epochs: Epochs, scaling: Scaling, names: list[str], is_numbered: bool) -> None:
        """Remember what was fitted on, as `model.json` has it; ``names`` are those of all features of X."""
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
                "recipe": {
                    "package": "neurodre",
                    "params": self._plain_params(),
                    "numbered": is_numbered,
                    "feature_names": names,
                },
                "n_init_times": self._n_init_times(),
                "sfreq": 1.0 if source is None else float(source.info["sfreq"]),
                "times": times,
                "channels": [{"name": n, "kind": k} for n, k in zip(epochs.channels, kinds, strict=True)],
                "features": epochs.features,
                "pooled": bool(self.pooled),
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
                "fit_seconds": 0.0,
                "choices": [],
                "history": [],
                "best_pass": None,
                **self._training(),
            }
        )

    def _training(self) -> dict[str, Any]:
        """What a training leaves in `model.json`."""
        return {}

    def _set_info(self, info: dict[str, Any]) -> None:
        """Take over a `model.json`."""
        self._info = info
        self.channels_: list[str] = [channel["name"] for channel in info["channels"]]
        # X may have more features than the model sees.
        self.used_features_: list[str] = list(info["features"])
        names = info["recipe"].get("feature_names", info["features"]) if self._is_ours() else info["features"]
        self.feature_names_in_: npt.NDArray[np.object_] = np.asarray(names, dtype=object)
        self.n_features_in_ = len(names)
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

    def _of_fit(self, name: str) -> Any:
        """A setting as the last fit had it, whatever it is now; as it is now before a fit."""
        info = vars(self).get("_info")
        if info is None:
            return getattr(self, name)
        if self._is_ours():
            return info["recipe"]["params"].get(name, getattr(self, name))
        return info.get(name, getattr(self, name))

    def _fitted(self, what: str) -> _native.Model:
        if not hasattr(self, "_info"):
            raise not_fitted(self, what)
        return self._model

    def _is_ours(self) -> bool:
        """Whether this package fitted the model, rather than the program."""
        recipe = self._info["recipe"]
        return isinstance(recipe, dict) and recipe.get("package") == "neurodre"

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write the fitted model into a folder, in the files that the program ``dre`` writes.

        Parameters
        ----------
        folder : path
            Made where it is not there; what it holds of another model is replaced.
        """
        Path(folder).mkdir(parents=True, exist_ok=True)
        self._write(self._fitted("save"), Path(folder))

    def _write(self, model: _native.Model, folder: Path) -> None:
        # They share what is scaled how, also of recordings that were calibrated since.
        infos = [to_json({**info, "scalers": self._info["scalers"]}) for info in self._members]
        model.save(folder, to_json(self._info), list(zip(self._info.get("members", []), infos, strict=True)))

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
        model, info, members = cls._read(Path(folder), n_threads_of(n_threads))
        if info["kind"] != cls._kind:
            raise ValueError(f"{os.fspath(folder)} holds a model of kind {info['kind']}, not {cls._kind}")
        self = cls(**cls._stored_params(model, info))
        self.n_threads = n_threads
        self._model, self._mne_info = model, None
        if members:
            self._members = members
        self._set_info(info)
        self._expose()
        return self

    @classmethod
    def _read(cls, folder: Path, n_threads: int) -> tuple[_native.Model, dict[str, Any], list[dict[str, Any]]]:
        """Read a model's files; what they say of it, and of each of its members."""
        model, text, members = _native.Model.load(folder, n_threads)
        return model, json.loads(text), [json.loads(member) for member in members]

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
        known = {**_of_study(recipe), **settings} if isinstance(recipe, dict) else {}
        known = {name: value for name, value in known.items() if name in cls._param_names()}
        # Those that it does not see are not in its files.
        return {**known, "features": list(info["features"])}

    def __getstate__(self) -> dict[str, Any]:
        """Pickle the model as its files."""
        state = dict(vars(self))
        if "_model" in state:
            del state["_model"]
            with tempfile.TemporaryDirectory() as folder:
                self._write(self._model, Path(folder))
                files = [path for path in Path(folder).rglob("*") if path.is_file()]
                state["_files"] = {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Read the model back."""
        files = state.pop("_files", None)
        vars(self).update(state)
        if files is not None:
            with tempfile.TemporaryDirectory() as folder:
                for name, content in files.items():
                    Path(folder, name).parent.mkdir(exist_ok=True)
                    Path(folder, name).write_bytes(content)
                self._model, *_ = self._read(Path(folder), n_threads_of(self.n_threads))

    def _repr_html_(self) -> str:
        name, fitted = type(self).__name__, self.__sklearn_is_fitted__()
        changed, settings = self._changed(), self.get_params()
        rows = [[key, repr(value)] for key, value in changed.items()]
        if fitted:
            unit = "samples" if self._info["sfreq"] == 1.0 else "s"
            rows += [
                [f"fitted to {what}", one if len(one) < 60 else f"{one[:60]}…"]
                for what, one in (
                    (f"{len(self.subjects_)} subjects", ", ".join(self.subjects_)),
                    (f"{len(self.used_features_)} features", ", ".join(self.used_features_)),
                    (f"{len(self.channels_)} channels", ", ".join(self.channels_)),
                    (f"{len(self.times_)} times", f"{self.times_[0]:g} to {self.times_[-1]:g} {unit}"),
                )
            ]
        others = [[key, repr(value)] for key, value in settings.items() if key not in changed]
        more = f"<details><summary>{len(others)} settings as they are by default</summary>"
        more += f"{table_html('', ['setting', 'value'], others)}</details>"
        title = f"{name}, {'fitted' if fitted else 'not fitted'}"
        return (table_html(title, ["setting", "value"], rows) if rows else f"<p><b>{title}</b></p>") + more
