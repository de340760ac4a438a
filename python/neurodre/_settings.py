"""Settings of estimators: their types, in this package's words; their ranges are the library's."""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, get_args, get_origin, get_type_hints

import numpy as np

from ._base import Estimator
from ._features import as_features

# The largest whole number that settings can be.
MOST = 2**63 - 1


def is_whole(value: Any) -> bool:
    """Whether a value is a whole number by its type; True and False are none."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool | np.bool_)


def is_number(value: Any) -> bool:
    """Whether a value is a finite number."""
    return isinstance(value, int | float | np.number) and not isinstance(value, bool) and bool(np.isfinite(value))


def whole(value: Any, name: str, least: int = 0) -> int:
    """Check a whole number."""
    if not is_whole(value) or not least <= value <= MOST:
        more = ", below 2⁶³" if is_whole(value) and value > MOST else ""
        raise ValueError(f"{name} = {value!r}, expected a whole number of {least} or more{more}")
    return int(value)


def n_threads_of(asked: int | None) -> int:
    """Threads to use: those that were asked for, or all that this process may use."""
    if asked is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not is_whole(asked) or asked < 1:
        raise ValueError(f"n_threads = {asked!r}, expected a whole number of 1 or more, or None for all")
    return int(asked)


def check_types(function: Any, given: Mapping[str, Any], signed: tuple[str, ...] = (), free: tuple[str, ...] = ()) -> None:
    """Check the types of what a function was ``given`` by its signature: defaults, and the texts that it lists.

    Whole numbers are 0 or more, but for those that are ``signed``; those that are ``free`` are checked elsewhere.
    """
    texts = {name: _texts(hint) for name, hint in get_type_hints(function).items()}
    for name, parameter in inspect.signature(function).parameters.items():
        if name not in given or name in free:
            continue
        value, default = given[name], parameter.default
        if texts.get(name):
            _check_text(name, value, texts[name])
        elif type(default) is bool:
            if not isinstance(value, bool | np.bool_):
                raise ValueError(f"{name} = {value!r}, expected True or False")
        elif type(default) is int:
            if name not in signed:
                whole(value, name)
            elif not is_whole(value) or abs(value) > MOST:
                raise ValueError(f"{name} = {value!r}, expected a whole number")
        elif type(default) is float and not is_number(value):
            raise ValueError(f"{name} = {value!r}, expected a finite number")


def check_settings(estimator: Estimator, signed: tuple[str, ...]) -> None:
    """Check the types of an estimator's settings."""
    as_features(getattr(estimator, "features", None))
    _check_use_features(getattr(estimator, "use_features", None))
    check_types(type(estimator).__init__, estimator.get_params(), signed, free=("verbose", "valid_share"))
    for name in ("alphas", "concentration"):
        _check_numbers(name, getattr(estimator, name, None))
    _check_lags(getattr(estimator, "lags", None))
    _check_bands(getattr(estimator, "bands", None))
    _check_targets(getattr(estimator, "targets", None))
    whole(getattr(estimator, "n_seeds", 1), "n_seeds", least=1)
    n_threads_of(getattr(estimator, "n_threads", None))


def check_names(estimator: Estimator, features: Sequence[str]) -> None:
    """Check that settings name features that there are."""

    def known(what: str, names: Iterable[str]) -> None:
        for name in names:
            if name not in features:
                raise ValueError(f"{what} holds {name!r}, expected names of features: {', '.join(features)}")

    bands = getattr(estimator, "bands", None) or {}
    band_of: dict[str, str] = {}
    for band, members in bands.items():
        known(f"bands[{band!r}]", members)
        for member in members:
            if member in band_of:
                raise ValueError(f"bands[{band!r}] holds {member!r}, which bands[{band_of[member]!r}] holds already")
            band_of[member] = band
    absent = [name for name in features if bands and name not in band_of]
    if absent:
        raise ValueError(f"bands lacks the features {', '.join(absent)}; each must be in one band")
    known("lags", getattr(estimator, "lags", None) or {})
    targets = getattr(estimator, "targets", None)
    known("targets", [] if targets is None else targets)


def _texts(hint: Any) -> list[Any]:
    """The values of a ``Literal``, or of one that may be None."""
    if get_origin(hint) is Literal:
        return list(get_args(hint))
    parts = get_args(hint)
    own = [text for part in parts if get_origin(part) is Literal for text in get_args(part)]
    return [*own, None] if own and type(None) in parts else own


def _check_text(name: str, value: Any, texts: list[Any]) -> None:
    if not any(value is text or (isinstance(value, str) and value == text) for text in texts):
        raise ValueError(f"{name} = {value!r}, expected {' or '.join(map(repr, texts))}")


def _check_numbers(name: str, value: Any) -> None:
    if value is None:
        return
    try:
        numbers = np.asarray(value, dtype=float)
        is_right = bool(np.isfinite(numbers).all()) and not isinstance(value, str | bool)
    except (TypeError, ValueError):
        is_right = False
    if not is_right:
        raise ValueError(f"{name} = {value!r}, expected finite numbers")
    if numbers.ndim > 1 or numbers.size == 0:
        raise ValueError(f"{name} has shape {numbers.shape}, expected a list of one number or more")
    bad = numbers[numbers < 0] if name == "alphas" else numbers[numbers <= 0]
    if bad.size:
        expected = "of 0 or more" if name == "alphas" else "above 0"
        raise ValueError(f"{name} holds {bad.ravel()[0]:g}, expected numbers {expected}")


def _check_lags(lags: Any) -> None:
    if lags is None:
        return
    if not isinstance(lags, Mapping):
        raise TypeError(f"lags = {lags!r}, expected a mapping of names to the first and the last lag")
    for feature, pair in lags.items():
        if np.shape(pair) != (2,) or not all(map(is_whole, pair)):
            raise ValueError(f"lags of {feature!r} are {pair!r}, expected two whole numbers, the first and the last lag")
        if pair[0] > pair[1]:
            raise ValueError(f"lags of {feature!r} are {pair!r}, expected a last lag that is not below the first")


def _check_bands(bands: Any) -> None:
    if bands is None:
        return
    if not isinstance(bands, Mapping):
        raise TypeError(f"bands = {bands!r}, expected a mapping of names of bands to lists of features")
    if not bands:
        raise ValueError("bands is empty, expected lists of features by names of bands; None makes each feature a band")
    for band, members in bands.items():
        if not isinstance(band, str):
            raise TypeError(f"bands has the key {band!r}, expected the name of a band")
        _check_list_of_names(f"bands[{band!r}]", members)
        if len(members) == 0:
            raise ValueError(f"bands[{band!r}] is empty, expected the name of a feature or more")


def _check_targets(targets: Any) -> None:
    if targets is not None:
        _check_list_of_names("targets", targets)
        if len(targets) == 0:
            raise ValueError("targets is empty, expected the name of a feature or more; None tells all")


def _check_use_features(names: Any) -> None:
    if names is not None:
        _check_list_of_names("use_features", names)


def _check_list_of_names(what: str, names: Any) -> None:
    is_list = isinstance(names, list | tuple | np.ndarray)
    if not is_list or not all(isinstance(name, str) for name in names):
        raise TypeError(f"{what} = {names!r}, expected a list of names of features")
