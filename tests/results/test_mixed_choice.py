"""A parameter that is text in some trials and false in others: in tables, conditions, and files that run again."""

import sweep
from sweep.results.format import render

MIXED = """
name = "mixed"
trials = 9
seed = 0
[data]
dataset = "digits"
[network]
hidden = []
[training]
epochs = 1
batch_size = 500
optimizer = { kind = "sgd", learning_rate = 0.1 }
shuffle = { choice = ["epoch", "with_replacement", false] }
"""


def test_false_is_shown_found_and_run_again(here, tmp_path):
    path = tmp_path / "mixed.toml"
    path.write_text(MIXED)
    first = sweep.run(path)
    drawn = [trial.parameters["training.shuffle"] for trial in first.experiment.trials()]
    assert {*drawn} == {"epoch", "with_replacement", False}
    assert [*first.trials()["shuffle"]] == drawn
    assert first.best(None, where="shuffle == false")["shuffle"].eq(False).sum() == drawn.count(False)
    assert "false" in render(first.trials(), "markdown")
    first.export(tmp_path / "trials.csv")
    assert ",false\n" in (tmp_path / "trials.csv").read_text()
    table = 'sampler = { kind = "list", file = "trials.csv" }'
    path.write_text(MIXED.replace("trials = 9", table).replace("mixed", "again"))
    assert [*sweep.run(path).trials()["shuffle"]] == drawn
