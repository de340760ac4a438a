"""Ctrl-C ends whatever runs, soon."""

import _thread
import signal
import sys
import threading

import numpy as np
import pytest
from conftest import shared, simulated, small_dre

import neurodre as dre
from neurodre import _native


@pytest.fixture
def interrupt(monkeypatch):
    """Presses Ctrl-C once a function of the extension runs, with the interpreter released.

    Python would have another thread press it when it likes. With such an interval it does so only where the calling thread
    lets go of the interpreter, which is in the midst of the function.
    """

    def press(owner, name):
        started, real = threading.Event(), getattr(owner, name)

        def presses():
            started.wait()
            _thread.interrupt_main()

        def called(*args):
            thread.start()
            sys.setswitchinterval(1000)
            started.set()
            try:
                return real(*args)
            finally:
                sys.setswitchinterval(interval)

        interval, thread = sys.getswitchinterval(), threading.Thread(target=presses)
        monkeypatch.setattr(owner, name, called)

    return press


# Each would take minutes.
MANY = np.logspace(-3, 3, 300_000)
LONG_FITS = {
    "TRF": ("fit_linear", lambda X, y: dre.TRF(lag_max=6, alphas=MANY).fit(X, y)),
    "BandedRidge": ("fit_linear", lambda X, y: dre.BandedRidge(lag_max=6, n_iter=1_000_000).fit(X, y)),
    "RTRF": (
        "fit_linear",
        lambda X, y: dre.RTRF(n_lags_data=9, n_lags_features=9, n_init_times=8, alphas=MANY, phase="none").fit(X, y),
    ),
    "Decoder": ("fit_decoder", lambda X, y: dre.Decoder(lag_min=-6, alphas=MANY).fit(y, X)),
}


@pytest.mark.parametrize("name", LONG_FITS)
def test_ctrl_c_ends_a_fit(name, data, interrupt):
    function, fit = LONG_FITS[name]
    interrupt(_native, function)
    with pytest.raises(KeyboardInterrupt):
        fit(*data)


def test_ctrl_c_ends_permutations(data, interrupt):
    model = dre.TRF(lag_max=6, alphas=1.0).fit(*data)
    interrupt(_native, "permutation_importance")
    with pytest.raises(KeyboardInterrupt):
        dre.permutation_importance(model, *data, n_permutations=10_000)


def test_ctrl_c_ends_a_simulation(interrupt):
    interrupt(_native, "simulate_study")
    with pytest.raises(KeyboardInterrupt):
        dre.simulate(n_subjects=3000, n_threads=1)


def test_ctrl_c_ends_predictions(data, interrupt, monkeypatch):
    X, y = data
    model = small_dre(conv_filters=64, lstm_hidden=64, n_passes=1).fit(X, y)
    many = [np.tile(array, (200, 1, 1)) for array in data]

    class Interrupted:
        """The extension's model, which cannot be patched."""

        def predict(self, *args):
            return native.predict(*args)

        def score(self, *args):
            return native.score(*args)

    native, model._model = model._model, Interrupted()
    for name in ("predict", "score"):
        interrupt(model._model, name)
        with pytest.raises(KeyboardInterrupt):
            getattr(model, name)(*many)
    native_only, model._model = model._model, native
    assert native_only is not native and np.isfinite(model.score(X, y)), "the model is as it was"


def test_an_interrupted_fit_leaves_no_fitted_model(interrupt):
    X, y = simulated()
    model = dre.BandedRidge(lag_max=6, n_iter=2).fit(X, y)
    interrupt(_native, "fit_linear")
    with pytest.raises(KeyboardInterrupt):
        model.set_params(n_iter=1_000_000).fit(X, y)
    with pytest.raises(dre.NotFittedError):
        model.predict(X)


def test_what_the_handler_of_the_signal_raises_is_raised(data, interrupt):
    class EnoughError(Exception):
        pass

    def handler(number, frame):
        raise EnoughError

    before = signal.signal(signal.SIGINT, handler)
    try:
        interrupt(_native, "fit_linear")
        with pytest.raises(EnoughError):
            dre.BandedRidge(lag_max=6, n_iter=1_000_000).fit(*data)
    finally:
        signal.signal(signal.SIGINT, before)


STUDY = """
name = "oddball"
seed = 0
[data]
task = "p300"
subjects = ["01"]
sessions = ["01"]
runs = ["01"]
picks = ["eeg"]
[prepare]
l_freq = 1.0
h_freq = 30.0
[epochs]
tmin = -0.1
tmax = 0.4
[cleaning]
reject_above = 1e9
[[features]]
name = "onset"
kind = "presence"
[[features]]
name = "target"
kind = "map"
column = "trial_type"
values = { target = 1.0, nontarget = -1.0 }
[models.banded]
kind = "banded"
lag_max = 20
n_iter = 1_000_000
"""


def test_ctrl_c_ends_a_linear_fit_of_a_study(tmp_path, interrupt):
    study, settings = tmp_path / "study.toml", {"data": shared("data/bids-p300"), "out": tmp_path / "out"}
    study.write_text(STUDY)
    dre.prepare(study, **settings)
    interrupt(_native, "fit_study")
    with pytest.raises(KeyboardInterrupt, match="what was finished is kept"):
        dre.run(study, **settings, verbose=False)
    assert not (tmp_path / "out" / "models" / "banded" / "model.json").exists()
