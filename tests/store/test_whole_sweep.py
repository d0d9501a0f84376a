"""A sweep in a file and the same one on a server are the same to every bit and every command."""

import re
import sys
from io import StringIO

import pandas as pd
import pytest

import sweep
from sweep.cli.entry import main
from tests.fault_tools import assert_same, figures


class TestWholeSweep:
    """A sweep in a file, and the same one on a server."""

    OPTIONS = {"overrides": ["trials=4", "epochs=2", "training.record_batches=true"], "workers": 2}

    @pytest.fixture
    def both(self, postgres, tmp_path, monkeypatch):
        monkeypatch.setenv("SWEEP_RESULTS", str(tmp_path / "results"))
        urls = [str(tmp_path / "sweeps.db"), postgres.create_database()]
        for url in urls:
            sweep.run("digits-quickstart", db=url, **self.OPTIONS).store.close()
        return urls

    def test_it_is_the_same_to_every_bit_and_every_command(self, both, tmp_path, monkeypatch, capsys):
        assert_same(*(figures(db=url) for url in both))
        batches = [sweep.load(db=url).batches() for url in both]
        pd.testing.assert_frame_equal(*batches, check_exact=True)
        assert len(batches[0]) > 100

        def told(url, *arguments):
            monkeypatch.setattr(sys, "argv", ["sweep", *arguments, "--db", url])
            capsys.readouterr()
            with pytest.raises(SystemExit) as caught:
                main()
            out, err = capsys.readouterr()
            assert not caught.value.code, err
            return out

        def without_times(text):
            frame = pd.read_csv(StringIO(text))
            return frame.drop(columns=[name for name in ("seconds", "created") if name in frame])

        for command in (["list"], ["leaderboard"], ["leaderboard", "--by", "train_loss"], ["leaderboard", "--worst"]):
            one, other = (without_times(told(url, *command, "--format", "csv")) for url in both)
            pd.testing.assert_frame_equal(one, other, check_exact=True)
            assert len(one) == (1 if command == ["list"] else 3), "one of the four diverges"
        for options in ([], ["--epochs"], ["--batches"]):
            files = [tmp_path / name for name in ("file.csv", "server.csv")]
            for url, file in zip(both, files, strict=True):
                told(url, "export", "-o", str(file), *options)
            one, other = (without_times(file.read_text()) for file in files)
            pd.testing.assert_frame_equal(one, other, check_exact=True)
        charts = [tmp_path / name for name in ("file.svg", "server.svg")]
        for url, chart in zip(both, charts, strict=True):
            told(url, "plot", "-o", str(chart))
        assert charts[0].read_bytes() == charts[1].read_bytes()
        shown = [
            re.sub(r"(?m)^trained for .*$|\S+-files/|(?<=\d) +\S+ *$|[ ─]+", " ", told(url, "show", "1"))
            for url in both
        ]
        assert shown[0] == shown[1]
        assert "training.optimizer" in shown[0]
