"""Fields and potentials of current dipoles in a sphere, as MNE-Python computes them.

Writes crates/dre/tests/fixtures/sphere-forward.safetensors. Needs mne 1.13 and scipy; run from the repository's root.

MEG: `mne.make_forward_solution` with a sphere model, for all sensors of the built-in arrays in a turned and shifted helmet.
EEG: the series of Legendre polynomials with the factors of `mne.bem`, summed by SciPy; and what `make_forward_solution` makes
of it, which approximates the series by three dipoles (Berg and Scherg 1994).
"""

import csv
import json
import struct

import mne
import numpy as np
from mne.bem import _fwd_eeg_get_multi_sphere_model_coeffs
from scipy.special import eval_legendre

SENSORS = "crates/dre/src/sensors"
CENTRE = np.array([0.0, 0.0, 0.04])
RADII = np.array([0.87, 0.92, 1.0]) * 0.09
SIGMAS = np.array([0.33, 0.0042, 0.33])

rng = np.random.default_rng(1)
n_dipoles = 5
directions = rng.standard_normal((n_dipoles, 3))
directions[:, 2] = np.abs(directions[:, 2])
directions /= np.linalg.norm(directions, axis=1, keepdims=True)
dipoles = CENTRE + directions * rng.uniform(0.02, 0.07, (n_dipoles, 1))


def turn(angles):
    """About x, then y, then z."""
    out = np.eye(3)
    for axis, angle in enumerate(angles):
        i, j = [(1, 2), (2, 0), (0, 1)][axis]
        one = np.eye(3)
        one[i, i] = one[j, j] = np.cos(angle)
        one[j, i], one[i, j] = np.sin(angle), -np.sin(angle)
        out = one @ out
    return out


def rows(name):
    with open(f"{SENSORS}/{name}.tsv") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            numbers = {key: float(value) for key, value in row.items() if key != "name"}
            yield row["name"], np.array([numbers[k] for k in "xyz"]) * 1e-3, numbers


def unit(v):
    return v / np.linalg.norm(v)


def ctf275():
    for name, place, n in rows("ctf275"):
        z = unit(np.array([n["nx"], n["ny"], n["nz"]]))
        x = unit(np.array([1.0, 0.0, 0.0]) - z[0] * z)
        yield name, 5001, place, (x, np.cross(z, x), z)


def neuromag306():
    for name, place, n in rows("neuromag306"):
        x = unit(np.array([n["ex_x"], n["ex_y"], n["ex_z"]]))
        y = np.array([n["ey_x"], n["ey_y"], n["ey_z"]])
        y = unit(y - x * (x @ y))
        z = np.cross(x, y)
        yield name + "3", 3012, place, (x, y, z)
        yield name + "2", 3012, place, (y, -x, z)
        yield name + "1", 3024, place, (x, y, z)


def forward(info, sphere, **kinds):
    src = mne.setup_volume_source_space(
        pos=dict(rr=dipoles, nn=np.tile([0.0, 0.0, 1.0], (n_dipoles, 1))), sphere_units="m", verbose="error"
    )
    identity = mne.transforms.Transform("head", "mri")
    solution = mne.make_forward_solution(info, identity, src, sphere, mindist=0.0, verbose="error", **kinds)
    assert solution["nsource"] == n_dipoles
    return solution["sol"]["data"].reshape(-1, n_dipoles, 3).astype(float)


out = {"dipoles": dipoles, "centre": CENTRE}
out["angles"], out["shift"] = np.array([0.05, -0.03, 0.08]), np.array([0.003, -0.005, 0.045])
sphere = mne.make_sphere_model(CENTRE, None, verbose="error")
for label, sensors in [("ctf275", list(ctf275())), ("neuromag306", list(neuromag306()))]:
    kinds = {5001: "mag", 3012: "grad", 3024: "mag"}
    info = mne.create_info([s[0] for s in sensors], 1000.0, [kinds[s[1]] for s in sensors])
    for ch, (_, coil, place, axes) in zip(info["chs"], sensors):
        ch["coil_type"] = coil
        ch["loc"] = np.concatenate([place, *axes])
    trans = np.eye(4)
    trans[:3, :3], trans[:3, 3] = turn(out["angles"]), out["shift"]
    with info._unlock():
        info["dev_head_t"] = mne.transforms.Transform("meg", "head", trans)
    out[label] = forward(info, sphere, meg=True, eeg=False)

n_electrodes = 20
electrodes = rng.standard_normal((n_electrodes, 3))
electrodes = CENTRE + 0.09 * electrodes / np.linalg.norm(electrodes, axis=1, keepdims=True)
out["electrodes"] = electrodes
n_terms = 401
layers = [dict(rad=r, rel_rad=r / RADII[-1], sigma=s) for r, s in zip(RADII, SIGMAS)]
factors = _fwd_eeg_get_multi_sphere_model_coeffs(dict(layers=layers), n_terms)
degree = np.arange(1, n_terms)
series = np.zeros((n_electrodes, n_dipoles, 3))
for i, electrode in enumerate(electrodes):
    r = unit(electrode - CENTRE)
    for j, dipole in enumerate(dipoles):
        r0 = unit(dipole - CENTRE)
        f = np.linalg.norm(dipole - CENTRE) / 0.09
        x = r @ r0
        p = eval_legendre(degree, x)
        # (1 - x²) P' = n (P(n-1) - x P(n)).
        slope = degree * (eval_legendre(degree - 1, x) - x * p) / (1 - x * x)
        size = (2 * degree + 1) / degree * factors * f ** (degree - 1)
        along, across = np.sum(size * degree * p), np.sum(size * slope)
        series[i, j] = (along * r0 + across * (r - x * r0)) / (4 * np.pi * SIGMAS[-1] * 0.09**2)
out["eeg_series"] = series

names = [f"E{i}" for i in range(n_electrodes)]
info = mne.create_info(names, 1000.0, "eeg")
montage = mne.channels.make_dig_montage(dict(zip(names, electrodes)), coord_frame="head",
                                        nasion=[0, 0.08, 0], lpa=[-0.08, 0, 0], rpa=[0.08, 0, 0])
info.set_montage(montage)
shells = mne.make_sphere_model(CENTRE, 0.09, None, relative_radii=RADII / 0.09, sigmas=SIGMAS, verbose="error")
out["eeg_mne"] = forward(info, shells, meg=False, eeg=True)
error = np.linalg.norm(out["eeg_mne"] - series) / np.linalg.norm(series)
print(f"MNE's three dipoles differ from the series by {error:.1e}")
meta = {"mne": mne.__version__, "made_by": "bench/golden/sphere_forward.py"}
header, data = {"__metadata__": {"meta": json.dumps(meta)}}, b""
for name, array in out.items():
    array = np.ascontiguousarray(array, dtype="<f8")
    header[name] = {"dtype": "F64", "shape": list(array.shape), "data_offsets": [len(data), len(data) + array.nbytes]}
    data += array.tobytes()
text = json.dumps(header).encode()
text += b" " * (-len(text) % 8)
with open("crates/dre/tests/fixtures/sphere-forward.safetensors", "wb") as file:
    file.write(struct.pack("<Q", len(text)) + text + data)
