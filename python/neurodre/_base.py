"""What scikit-learn expects of an estimator, without importing it."""

from __future__ import annotations

import copy
import inspect
import json
from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np

Self = TypeVar("Self", bound="Estimator")


def plain(value: Any) -> Any:
    """Make what JSON has of NumPy's numbers and arrays, also inside of lists and mappings."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, Mapping):
        return {plain(key): plain(own) for key, own in value.items()}
    if isinstance(value, list | tuple | range):
        return [plain(own) for own in value]
    return value


def to_json(settings: Any) -> str:
    """Write settings as JSON."""

    def refuse(value: Any) -> Any:
        raise TypeError(f"{value!r} is no setting; expected a number or a text")

    return json.dumps(plain(settings), default=refuse)


class Estimator:
    """Settings as constructor arguments, by scikit-learn's rules: kept as given, checked in ``fit``."""

    _estimator_type = "regressor"

    @classmethod
    def _param_names(cls) -> list[str]:
        return [name for name in inspect.signature(cls.__init__).parameters if name != "self"]

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Settings by name.

        Parameters
        ----------
        deep : bool
            As scikit-learn has it; no setting is an estimator.

        Returns
        -------
        dict
            The settings.
        """
        return {name: getattr(self, name) for name in self._param_names()}

    def set_params(self: Self, **params: Any) -> Self:
        """Change settings.

        Parameters
        ----------
        **params
            Settings by name.

        Returns
        -------
        self
            The estimator.
        """
        known = self._param_names()
        for name, value in params.items():
            if name not in known:
                raise ValueError(f"{type(self).__name__} has no parameter {name!r}; it has {', '.join(known)}")
            setattr(self, name, value)
        return self

    def _changed(self) -> dict[str, Any]:
        """The settings that are not the defaults."""
        defaults = {n: p.default for n, p in inspect.signature(type(self).__init__).parameters.items()}
        changed = {}
        for name, value in self.get_params().items():
            try:
                same = bool(value is defaults[name] or value == defaults[name])
            except ValueError:  # arrays do not compare to one truth
                same = False
            if not same:
                changed[name] = value
        return changed

    def __repr__(self) -> str:
        """Show the settings that are not the defaults."""
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self._changed().items())})"

    # ---- scikit-learn's metadata routing: its own mixin would have to be imported

    # What each method takes beside X and y.
    _routed = ("subject", "recording", "measured")

    def _get_metadata_request(self) -> Any:
        """What was asked for so far; called by scikit-learn."""
        from sklearn.utils.metadata_routing import MetadataRequest

        if hasattr(self, "_metadata_request"):
            return copy.deepcopy(self._metadata_request)
        requests = MetadataRequest(owner=self)
        for method in ("fit", "predict", "score"):
            for name in self._routed:
                getattr(requests, method).add_request(param=name, alias=None)
        return requests

    def get_metadata_routing(self) -> Any:
        """Tell scikit-learn which arguments of ``fit``, ``predict`` and ``score`` it is to pass on; called by it."""
        return self._get_metadata_request()

    def _request(self: Self, method: str, **asked: bool | str | None) -> Self:
        requests = self._get_metadata_request()
        for name, value in asked.items():
            if value is not None:
                getattr(requests, method).add_request(param=name, alias=value)
        self._metadata_request = requests
        return self

    def set_fit_request(
        self: Self,
        *,
        subject: bool | str | None = None,
        recording: bool | str | None = None,
        measured: bool | str | None = None,
    ) -> Self:
        """Ask scikit-learn to pass labels to ``fit`` when it splits epochs, one label per epoch.

        For ``sklearn.set_config(enable_metadata_routing=True)``.

        Parameters
        ----------
        subject, recording, measured : bool, str or None
            Whether it is passed, or by which name it is given; None for no change.

        Returns
        -------
        self
            The estimator.
        """
        return self._request("fit", subject=subject, recording=recording, measured=measured)

    def set_predict_request(
        self: Self,
        *,
        subject: bool | str | None = None,
        recording: bool | str | None = None,
        measured: bool | str | None = None,
    ) -> Self:
        """Ask scikit-learn to pass labels to ``predict``, as `set_fit_request` does.

        Parameters
        ----------
        subject, recording, measured : bool, str or None
            As in `set_fit_request`.

        Returns
        -------
        self
            The estimator.
        """
        return self._request("predict", subject=subject, recording=recording, measured=measured)

    def set_score_request(
        self: Self,
        *,
        subject: bool | str | None = None,
        recording: bool | str | None = None,
        measured: bool | str | None = None,
    ) -> Self:
        """Ask scikit-learn to pass labels to ``score``, as `set_fit_request` does.

        Parameters
        ----------
        subject, recording, measured : bool, str or None
            As in `set_fit_request`.

        Returns
        -------
        self
            The estimator.
        """
        return self._request("score", subject=subject, recording=recording, measured=measured)

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn what this takes; called by it alone."""
        from sklearn.utils import InputTags, RegressorTags, Tags, TargetTags

        return Tags(
            estimator_type="regressor",
            target_tags=TargetTags(required=True, multi_output=True, single_output=False),
            regressor_tags=RegressorTags(),
            input_tags=InputTags(two_d_array=False, three_d_array=True),
        )

    def __sklearn_is_fitted__(self) -> bool:
        """Whether ``fit`` was called; for scikit-learn's ``check_is_fitted``."""
        return hasattr(self, "_info")
