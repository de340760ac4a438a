"""What scikit-learn expects of an estimator, without importing it."""

from __future__ import annotations

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

    def __repr__(self) -> str:
        """Show the settings that are not the defaults."""
        defaults = {n: p.default for n, p in inspect.signature(type(self).__init__).parameters.items()}
        shown = []
        for name, value in self.get_params().items():
            try:
                same = bool(value is defaults[name] or value == defaults[name])
            except ValueError:  # arrays do not compare to one truth
                same = False
            if not same:
                shown.append(f"{name}={value!r}")
        return f"{type(self).__name__}({', '.join(shown)})"

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
