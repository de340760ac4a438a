"""What the documentation shows runs: docstrings, pages of the user guide, the example script."""

import doctest
import importlib
import pkgutil
import re
import runpy

import pytest
from conftest import ROOT, shared

import neurodre

MODULES = ["neurodre", *(f"neurodre.{m.name}" for m in pkgutil.iter_modules(neurodre.__path__) if m.name != "_native")]
PAGES = sorted((ROOT / "docs/guide").glob("*.md"))
NOTEBOOKS = sorted((ROOT / "docs/examples").glob("*.ipynb"))


@pytest.mark.parametrize("name", MODULES)
def test_docstrings(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_pages(page, tmp_path, monkeypatch):
    text = page.read_text(encoding="utf-8")
    if "import mne" in text:
        pytest.importorskip("mne")
        pytest.importorskip("pandas")
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```python\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    assert blocks
    names = {}
    for block in blocks:
        exec(compile(block, str(page), "exec"), names)


def test_example_script():
    runpy.run_path(str(ROOT / "docs/examples/first_model.py"))


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda notebook: notebook.stem)
def test_notebooks(notebook):
    nbclient = pytest.importorskip("nbclient")
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    book = nbformat.read(notebook, as_version=4)
    nbclient.NotebookClient(book, timeout=120, kernel_name="python3").execute()
    assert all(cell.execution_count for cell in book.cells if cell.cell_type == "code")


def test_the_bar_of_a_notebook_is_one_picture_without_widgets():
    nbclient = pytest.importorskip("nbclient")
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    cells = [
        "import numpy as np, neurodre as dre\nX = np.random.default_rng(0).standard_normal((20, 1, 40))",
        "m = dre.DRE(n_init_times=4, conv_filters=4, lstm_hidden=4, n_passes=3, phase='none', verbose=True).fit(X, X)",
    ]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbclient.NotebookClient(book, timeout=120, kernel_name="python3").execute()
    (output,) = book.cells[1].outputs
    shown = output["data"]["text/html"]
    assert '<progress value="3" max="3"' in shown and "batch 3 of 3" in shown and "pass 3 of 3, loss" in shown


def test_example_on_real_recordings(monkeypatch, tmp_path):
    pytest.importorskip("mne_bids")
    import shutil

    # One run of two subjects is enough.
    folder, data = tmp_path / "bids", shared("data/bids-p300")
    for part in ("dataset_description.json", "participants.tsv"):
        (folder / part).parent.mkdir(exist_ok=True)
        shutil.copy(data / part, folder / part)
    for subject in ("sub-01", "sub-02"):
        eeg = folder / subject / "ses-01" / "eeg"
        eeg.mkdir(parents=True)
        for file in (data / subject / "ses-01" / "eeg").iterdir():
            if "task" not in file.name or "run-01" in file.name:
                shutil.copy(file, eeg / file.name)
    monkeypatch.setattr("sys.argv", ["p300_mne.py", str(folder)])
    monkeypatch.setattr(neurodre.DRE, "fit", lambda self, *args, **kwargs: small(self, fit, *args, **kwargs))
    found = runpy.run_path(str(ROOT / "examples/p300_mne.py"))
    assert found["trf"].subjects_ == ["01", "02"]
    assert found["topography"].data.shape == (4, len(found["trf"].times_))


fit = neurodre.DRE.fit


def small(model, fit, *args, **kwargs):
    """A network that trains in a moment in place of the example's."""
    return fit(model.set_params(n_passes=1, conv_filters=8, lstm_hidden=8), *args, **kwargs)


def test_every_public_name_is_described():
    for name in neurodre.__all__:
        assert getattr(neurodre, name).__doc__, name
