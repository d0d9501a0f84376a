"""Tests of the commands on kept networks: continue, predict, and the chart of the costs."""

import re
import shutil
import sys
from io import StringIO
from pathlib import Path

import pandas as pd
import pytest

import sweep
from sweep.cli.output.progress import counting
from sweep.nn.layers.activations import ACTIVATIONS
from tests.engine_here import training_here

PNG = b"\x89PNG\r\n\x1a\n"
OVERRIDES = [
    "trials=4",
    "epochs=3",
    "learning_rate={log_uniform=[0.01,0.2]}",
    "training.keep_weights=last",
    "training.record_batches=true",
]


@pytest.fixture(scope="module")
def shelf_of_weights(tmp_path_factory, shelf):
    folder = tmp_path_factory.mktemp("weights")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SWEEP_CACHE", str(shelf.cache))
        for name in ("first", "second"):
            db = str(folder / "sweeps.db")
            with training_here():
                sweep.run("digits-quickstart", overrides=[*OVERRIDES, f"name={name}"], db=db).store.close()
    return folder


@pytest.fixture
def kept(shelf_of_weights, workplace, monkeypatch):
    """The current folder holds two sweeps with weights, `second` the newest, in results/."""
    shutil.copytree(shelf_of_weights, workplace / "results")
    monkeypatch.setenv("SWEEP_DB", "results/sweeps.db")
    return sweep.load("second")


class TestContinue:
    def test_it_trains_on_and_ranks(self, cli, kept):
        answer = cli("continue", "first/1", "first/3", "--epochs", 5, "--workers", 1)
        assert answer.code == 0, answer.err
        assert answer.out.split()[0] == "Best"
        assert re.search(r"4/4 trials", answer.err)
        results = sweep.load("first")
        assert results.trials()["epochs"].tolist() == [3, 5, 3, 5]
        assert kept.trials()["epochs"].eq(3).all()

    @pytest.mark.usefixtures("here")
    def test_the_best_of_the_newest_or_of_one_by_name(self, cli, kept):
        best = kept.best(2)["trial"].tolist()
        assert cli("continue", "--best", 2, "--epochs", 4, "--quiet").out == ""
        assert sorted(kept.trials().query("epochs == 4")["trial"]) == sorted(best)
        assert cli("continue", "first", "--best", 1, "--epochs", 4, "--quiet").code == 0
        assert sweep.load("first").trials()["epochs"].tolist().count(4) == 1

    @pytest.mark.parametrize(
        ("arguments", "code", "words"),
        [
            (["1"], 2, "how many epochs .* such as --epochs 100"),
            (["--epochs", 9], 2, "say which trials .* or --best 5"),
            (["--epochs", 3, "1"], 2, "second/1 has 3 epochs already"),
            (["--epochs", 9, "17"], 1, "there is no trial 17 in "),
            (["--epochs", 9, "first/1", "second/1"], 2, "several sweeps"),
            (["--epochs", 3, "first/1", "2"], 2, "first/1 has 3 epochs already"),
            (["--epochs", 2**31, "1"], 2, "--epochs must be at most 2147483647"),
            (["--epochs", 9, "first", "1", "--best", 2], 2, "--best takes the best trials of one sweep"),
            (["--epochs", 9, "--best", 0], 2, "--best must be at least 1, not 0"),
            (["--epochs", 9, "x"], 2, "a trial is a number such as 12"),
            (["--epochs", 9, "frist/1"], 1, "did you mean 'first'"),
            (["--epochs", -9, "1"], 2, "has 3 epochs already"),
        ],
    )
    def test_what_cannot_be_done_is_one_sentence_and_changes_nothing(self, cli, kept, arguments, code, words):
        before = kept.trials()
        assert re.search(words, cli("continue", *arguments).sentence(code))
        pd.testing.assert_frame_equal(kept.trials(), before)


class TestPredict:
    def test_both_parts_the_confusion_and_two_pictures(self, cli, kept):
        answer = cli("predict", "2")
        assert answer.code == 0, answer.err
        last = kept.epochs(2).iloc[-1]
        accuracies = dict(re.findall(r"(train|test) +\d+ +\d+ +(0\.\d+)", answer.out))
        assert float(accuracies["test"]) == round(last["test_accuracy"], 4)
        assert float(accuracies["train"]) == round(last["train_accuracy"], 4)
        assert "second/2: weights of epoch 3" in answer.err
        rows = re.findall(r"^ +(\d)((?: +\d+){10}) *$", answer.out, re.MULTILINE)
        counts = [[int(n) for n in row.split()] for _, row in rows]
        right = sum(counts[i][i] for i in range(10))
        assert (len(counts), sum(map(sum, counts))) == (10, 450)
        assert right / 450 == last["test_accuracy"]
        for path in re.findall(r"(?:misclassified|confusion): +(.+)$", answer.err, re.MULTILINE):
            assert Path(path).parent == Path("results/sweeps.db-files/second")
            assert Path(path).read_bytes().startswith(PNG)

    def test_one_example(self, cli, kept):
        answer = cli("predict", "first/2", "--index", 11, "--part", "train", "-o", "eleven.png")
        assert answer.code == 0, answer.err
        outputs = [float(p) for p in re.findall(r"^ +\d +([\d.e-]+) +(?:true|false)", answer.out, re.MULTILINE)]
        assert len(outputs) == 10
        assert outputs == sorted(outputs, reverse=True)
        assert sum(outputs) == pytest.approx(1, abs=1e-3)
        assert len(re.findall(r"\d +true *$", answer.out, re.MULTILINE)) == 1
        assert Path("eleven.png").read_bytes().startswith(PNG)

    @pytest.mark.parametrize(
        ("arguments", "code", "words"),
        [
            (["0", "--index", 450], 2, "--index must be from 0 to 449 in the test part, not 450"),
            (["0", "--index", -1], 2, "--index must be from 0 to 449"),
            (["0", "--index", 1347, "--part", "train"], 2, "from 0 to 1346 in the train part"),
            (["9"], 1, "there is no trial 9"),
            (["0", "-o", "x.pdf"], 2, "must end in .png or .svg"),
            (["0", "--part", "validation"], 2, "no validation part; choose from train, test"),
            (["0", "--file", "new.csv"], 1, "second/0 was trained on digits, which is not a table"),
            (["0", "--file", "new.csv", "--index", 3], 2, "--index and --file exclude each other"),
        ],
    )
    @pytest.mark.usefixtures("kept")
    def test_what_cannot_be_done_is_one_sentence(self, cli, arguments, code, words):
        answer = cli("predict", *arguments)
        assert answer.code == code
        assert re.search(words, answer.err.splitlines()[-1])

    def test_without_weights_it_says_how_to_keep_them(self, cli):
        assert "--set training.keep_weights=best" in cli("predict", "tiny/0").sentence(1)


class TestCosts:
    def test_the_chart_of_the_costs(self, cli, kept):
        answer = cli("plot", "first", "--kind", "cost")
        assert answer.code == 0, answer.err
        assert Path("results/sweeps.db-files/first/cost.png").read_bytes().startswith(PNG)
        assert cli("plot", "--kind", "cost", "--trial", 1, "--trial", 2, "-o", "two.svg").code == 0
        assert "trial 1" in Path("two.svg").read_text()

    @pytest.mark.parametrize(
        ("arguments", "code", "words"),
        [
            (
                ["--kind", "cost", "--x", "alpha"],
                2,
                "draws the loss of each mini-batch; it goes with scatter, parallel, heatmap, ",
            ),
            (
                ["--trial", 3],
                2,
                "--trial does not go with --kind scatter, which draws a metric",
            ),
            (["--kind", "sharpness", "--y", "test_loss"], 2, "--y does not go with --kind sharpness"),
            (["--kind", "sharpness"], 2, "set training.record_sharpness = true"),
            (["--kind", "cost", "--trial", 99], 1, "there is no trial 99"),
        ],
    )
    @pytest.mark.usefixtures("kept")
    def test_what_cannot_be_done_is_one_sentence(self, cli, arguments, code, words):
        assert words in cli("plot", *arguments).sentence(code)

    def test_without_losses_it_says_how_to_record_them(self, cli):
        assert "training.record_batches = true" in cli("plot", "tiny", "--kind", "cost").sentence(2)

    def test_the_losses_can_be_exported(self, cli, kept):
        assert cli("export", "first", "--batches", "-o", "losses.csv").code == 0
        frame = pd.read_csv("losses.csv")
        pd.testing.assert_frame_equal(frame, sweep.load("first").batches(), check_dtype=False)
        assert "exclude each other" in cli("export", "--batches", "--epochs", "-o", "x.csv").sentence(2)


class TestGradcheck:
    def test_a_right_network_is_ok_and_needs_no_data(self, cli):
        answer = cli("gradcheck", "mnist-cnn", "--samples", 5, "--format", "csv")
        assert (answer.code, answer.err) == (0, "")
        frame = pd.read_csv(StringIO(answer.out))
        assert frame["verdict"].eq("OK").all()
        assert {"layers[0]/convolution", "layers[1]/batch_norm", "output"} <= {*frame["layer"]}
        assert {*frame["parameter"]} == {"weights", "biases", "gamma", "beta", "input"}
        assert frame["error"].max() <= 1e-7
        assert frame.loc[frame["parameter"] != "input", "checked"].max() == 5

    def test_all_entries_on_demand(self, cli):
        answer = cli("gradcheck", "digits-quickstart", "--samples", 0, "--set", "network.hidden=[4]", "--format", "csv")
        frame = pd.read_csv(StringIO(answer.out)).query("parameter != 'input'")
        assert frame["checked"].tolist() == frame["entries"].tolist() == [4 * 64, 4, 10 * 4, 10]

    def test_a_wrong_gradient_is_a_problem_and_named(self, cli, monkeypatch):
        right = ACTIVATIONS["tanh"]

        def tanh():
            layer = right()

            def backward(params, cache, dy, work, need_dx):
                dx, gradient = layer.backward(params, cache, dy, work, need_dx)
                return dx * 1.001, gradient

            return layer._replace(backward=backward)

        monkeypatch.setitem(ACTIVATIONS, "tanh", tanh)
        answer = cli(
            "gradcheck", "digits-quickstart", "--set", "network.hidden=[6]", "--set", "network.activation=tanh"
        )
        assert answer.code == 1
        assert answer.out.count("PROBLEM") == 3
        expected = "Error: the gradient of hidden[0]/tanh is wrong: look at its backward function"
        assert answer.err.splitlines()[-1] == expected

    @pytest.mark.parametrize(
        ("arguments", "code", "words"),
        [
            (["nope"], 2, "there is no experiment 'nope'"),
            (["mnist-cnn", "--samples", -1], 2, "must be at least 1, not -1"),
            (["mnist-cnn", "--set", "network.layers=['softmax']"], 2, "softmax"),
            (
                ["digits-cnn", "--set", "network.layers[0].kernel=30", "--set", "network.layers[0].padding=0"],
                2,
                "30×30",
            ),
            (["mnist-cnn", "--set", "data.dataset={kind='npz',file='no.npz'}"], 1, "no.npz"),
        ],
    )
    def test_what_cannot_be_checked_is_one_sentence(self, cli, arguments, code, words):
        answer = cli("gradcheck", *arguments)
        assert (answer.code, answer.out) == (code, "")
        assert answer.err.startswith("Error: ")
        assert words in answer.err


def test_a_count_is_a_bar_in_a_terminal_and_nothing_elsewhere(monkeypatch, capsys):
    with counting("checking") as tell:
        tell(1, 2)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    with counting("checking") as tell:
        tell(1, 2)
        tell(2, 2)
    assert "checking" in capsys.readouterr().err
