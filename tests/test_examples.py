"""The notebooks in examples/ run from their first cell to the last, and a kernel that is interrupted keeps a sweep."""

import os
import re
import time
from pathlib import Path

import nbformat
import pytest
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient

import sweep

EXAMPLES = Path(__file__).parent.parent / "examples"
SMALLER = {
    "digits": "TRIALS, EPOCHS, SEEDS = 40, 6, 1",
    "pytorch": "TRIALS, EPOCHS = 4, 1",
}
HERE = "from tests.engine_here import training_here; training_here().__enter__()"
PROGRAM = """
import sweep
sweep.run("digits-quickstart", workers=1, overrides=["trials=4", "epochs=3000", "keep_weights=none"])
"""


@pytest.fixture(autouse=True)
def quiet_kernel(monkeypatch):
    """Kernels say that they talk over TCP, which is not encrypted on this machine either."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(EXAMPLES.parent), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("PYTHONWARNINGS", "ignore")


def read(name):
    return nbformat.read(EXAMPLES / f"{name}.ipynb", 4)


@pytest.mark.parametrize("name", SMALLER)
def test_they_are_stored_with_what_they_show(name):
    notebook = read(name)
    codes = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in codes] == list(range(1, len(codes) + 1))
    kinds = {kind for cell in codes for output in cell.outputs for kind in output.get("data", ())}
    assert {"image/png", "text/html"} <= kinds
    assert (EXAMPLES / f"{name}.ipynb").stat().st_size < 300_000
    assert not re.search(r"/tmp/|/home/|/work/|Traceback", nbformat.writes(notebook))


@pytest.mark.filterwarnings("ignore")
def test_they_run(tmp_path):
    """One after the other in one kernel, in which the trials are trained, too: imports take longest."""
    both = nbformat.v4.new_notebook()
    both.cells = [nbformat.v4.new_code_cell(HERE)]
    for name, parameters in SMALLER.items():
        both.cells += read(name).cells
        (first,) = (cell for cell in both.cells if f'DB = "{name}.db"' in cell.source)
        first.source = re.sub("^TRIALS.*$", parameters, first.source, flags=re.MULTILINE)
    NotebookClient(both, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    for cell in both.cells:
        if ".plot" in cell.source:
            assert [list(output.data) for output in cell.outputs] == [["text/plain", "image/png"]]  # once
    outputs = [output for cell in both.cells for output in cell.get("outputs", [])]
    assert [output.output_type for output in outputs].count("display_data") == 3  # the progress of each sweep
    assert not [output for output in outputs if output.output_type == "stream"]


@pytest.fixture
def kernel(tmp_path):
    """A kernel in an empty folder, and what talks to it."""
    manager = KernelManager()
    manager.start_kernel(cwd=str(tmp_path))
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(60)
    yield manager, client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


@pytest.mark.filterwarnings("ignore")
def test_an_interrupted_kernel_has_kept_what_was_trained(kernel, here):
    manager, client = kernel
    client.execute(PROGRAM)
    displays, errors, interrupted, deadline = [], [], False, time.monotonic() + 60
    while not errors and time.monotonic() < deadline:
        message = client.get_iopub_msg(60)
        kind, content = message["msg_type"], message["content"]
        if kind in ("display_data", "update_display_data"):
            displays.append((kind, content["data"]["text/html"], content["transient"]["display_id"]))
        if kind == "error":
            errors.append(content)
        if displays and re.search(r"\b[1-9]\d*/3000 ", displays[-1][1]) and not interrupted:
            manager.interrupt_kernel()
            interrupted = True
    assert errors[0]["ename"] == "SweepInterrupted"
    assert "go on" in errors[0]["evalue"].lower()
    assert [kind for kind, *_ in displays].count("display_data") == 1
    assert len({identity for *_, identity in displays}) == 1  # one output, which was written over
    results = sweep.load()
    assert results.trials()["status"].isin(["interrupted", "queued"]).all()
    assert len(results.epochs(0)) > 1
