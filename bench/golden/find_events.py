"""Makes crates/dre/tests/fixtures/find_events.json: what MNE-Python's find_events finds in random step signals.

    python bench/golden/find_events.py crates/dre/tests/fixtures/find_events.json

Each case: `samples` (run lengths and values), the options, `first_samp`, and `events`, or null where MNE-Python refuses
(events that are too short, offsets that do not pair).
"""

import json
import sys
import warnings

import mne
import numpy as np

mne.set_log_level("ERROR")
warnings.simplefilter("ignore")
rng = np.random.default_rng(0)
SFREQ = 100.0
cases = []
while len(cases) < 300:
    n_runs = int(rng.integers(1, 14))
    values = rng.choice([0, 0, 0, 1, 2, 3, 5, 7, 64, 255, 256, -1, -32768, 32769], n_runs)
    if rng.random() < 0.5:
        values = np.abs(values) % 256
    lengths = rng.integers(1, 7, n_runs)
    options = dict(
        output=str(rng.choice(["onset", "offset", "step"])),
        consecutive=[True, False, "increasing"][rng.integers(3)],
        min_duration=float(rng.choice([0, 0, 0.01, 0.02, 0.025, 0.03, 0.005])),
        shortest_event=int(rng.choice([1, 2, 3])),
        mask=[None, None, 1, 6, 255, 65280][rng.integers(6)],
        mask_type=str(rng.choice(["and", "not_and"])),
        uint_cast=bool(rng.random() < 0.3),
        initial_event=bool(rng.random() < 0.4),
    )
    first_samp = int(rng.choice([0, 1000]))
    info = mne.create_info(["STI 014"], SFREQ, "stim")
    # A fraction, since channels are scaled: what counts is the whole number towards 0.
    raw = mne.io.RawArray(np.repeat(values, lengths)[None] * 1.0, info, first_samp=first_samp)
    try:
        events = mne.find_events(raw, **options).tolist()
    except ValueError:
        events = None
    except IndexError:
        continue  # MNE-Python fails where the only offset comes before the only onset; there is no event.
    cases.append(dict(values=values.tolist(), lengths=lengths.tolist(), first_samp=first_samp, events=events, **options))
text = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
open(sys.argv[1], "w").write(f"[{text}]\n")
print(sum(c["events"] is None for c in cases), "refused,", sum(c["events"] == [] for c in cases), "empty")
