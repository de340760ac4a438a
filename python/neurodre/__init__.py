"""The Deep Recurrent Encoder for MEG and EEG, and its linear references, on identical terms.

Arrays are ``(n_epochs, n_channels | n_features, n_times)``, time last. See the user guide in ``docs/``.

>>> import numpy as np
>>> import neurodre as dre
>>> rng = np.random.default_rng(0)
>>> X = rng.standard_normal((40, 1, 60)).astype("float32")
>>> y = np.roll(X, 3, axis=2) + 0.1 * rng.standard_normal((40, 2, 60)).astype("float32")
>>> trf = dre.TRF(lag_max=5).fit(X[:30], y[:30])
>>> bool(trf.score(X[30:], y[30:]) > 0.9)
True
"""

from ._ask import GroupTest
from ._cohort import Cohort, CohortRecording, read_cohort
from ._compare import Comparison, NoiseCeiling, SeedSpread, compare, noise_ceiling
from ._decoder import Decoder, DecodingScores
from ._dre import DRE
from ._errors import NeurodreWarning, NotFittedError, PhaseWarning
from ._features import Feature, metadata_features
from ._floors import Leak, ProcessingFloor, filter_reach, leak, processing_floor
from ._importance import Importance, PermutedInput, permutation_importance
from ._linear import RTRF, TRF, BandedRidge
from ._native import version as _version
from ._progress import Progress
from ._scores import Scores
from ._simulate import SimulatedEpochs, SimulatedRecording, SimulatedStudy, simulate
from ._split import Split, split_in_time
from ._state import StateModulation, StateModulations, state_modulation
from ._stimulus import StimulusShare, stimulus_share
from ._study import Audit, Results, leakage_audit, prepare, report, run

__version__ = _version()

__all__ = [
    "DRE",
    "RTRF",
    "TRF",
    "Audit",
    "BandedRidge",
    "Cohort",
    "CohortRecording",
    "Comparison",
    "Decoder",
    "DecodingScores",
    "Feature",
    "GroupTest",
    "Importance",
    "Leak",
    "NeurodreWarning",
    "NoiseCeiling",
    "NotFittedError",
    "PermutedInput",
    "PhaseWarning",
    "ProcessingFloor",
    "Progress",
    "Results",
    "Scores",
    "SeedSpread",
    "SimulatedEpochs",
    "SimulatedRecording",
    "SimulatedStudy",
    "Split",
    "StateModulation",
    "StateModulations",
    "StimulusShare",
    "compare",
    "filter_reach",
    "leak",
    "leakage_audit",
    "metadata_features",
    "noise_ceiling",
    "permutation_importance",
    "prepare",
    "processing_floor",
    "read_cohort",
    "report",
    "run",
    "simulate",
    "split_in_time",
    "state_modulation",
    "stimulus_share",
]
