"""Modules in the current folder that have the names of Python's own: no process of sweep imports them."""

import subprocess
import sys
from pathlib import Path

import pytest

import sweep
from tests.fault_tools import options


@pytest.mark.parametrize("program", [["-m", "sweep"], [Path(sys.executable).with_name("sweep")]], ids=["-m", "script"])
def test_a_sweep_runs_beside_them(tmp_path, monkeypatch, program):
    for name in ("random.py", "queue.py", "numpy/__init__.py"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("raise RuntimeError('imported from the current folder')\n")
    monkeypatch.chdir(tmp_path)
    arguments = ["run", "digits-quickstart", "--workers", "1", "-q", *options(["trials=1", "epochs=1"])]
    ended = subprocess.run([sys.executable, *program, *arguments], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "RuntimeError" not in ended.stderr
    assert sweep.load().trials()["status"].tolist() == ["completed"]


def test_a_users_own_command_imports_what_lies_beside_it(tmp_path):
    """Its environment is that of the shell, without what protects the workers."""
    (tmp_path / "mine.py").write_text("import json, neighbor\nprint(json.dumps({'loss': neighbor.LOSS}))\n")
    (tmp_path / "neighbor.py").write_text("LOSS = 0.5\n")
    (tmp_path / "own.toml").write_text(
        "name = 'own'\ntrainer = { kind = 'command', run = 'python mine.py' }\ntrials = 1\nepochs = 1\n"
        "[parameters]\n[objective]\nmetric = 'loss'\ndirection = 'min'\n"
    )
    results = sweep.run(tmp_path / "own.toml", workers=1)
    assert results.best()["loss"].tolist() == [0.5]
