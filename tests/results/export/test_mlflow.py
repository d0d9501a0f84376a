"""Tests of the export to MLflow, as MLflow's own client reads it."""

import sqlite3
from datetime import UTC

import pytest

from sweep.errors import SweepError, UsageError
from sweep.results.export import base
from sweep.results.export.mlflow import database_url, names, page_of
from tests.results.export.conftest import METRIC, OTHER

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of MLflow's, with new versions of SQLAlchemy
KEY, OTHER_KEY = names([METRIC, OTHER]).values()


def client_of(url):
    """Return MLflow's own client; to import it takes 1.5 s, which other files need not wait for."""
    from mlflow.tracking import MlflowClient

    return MlflowClient(tracking_uri=url)


@pytest.fixture(scope="module")
def database(hostile_database, tmp_path_factory):
    """The URL of a database of MLflow with the sweep, exported twice."""
    import sweep

    url = f"sqlite:///{tmp_path_factory.mktemp('mlflow') / 'mlflow.db'}"
    results = sweep.load("hostile", db=hostile_database)
    assert results.export(url, format="mlflow") == 24
    client = client_of(url)
    (experiment,) = [each for each in client.search_experiments() if each.name == "hostile"]
    (run,) = client.search_runs([experiment.experiment_id], "tags.trial = '0'")
    client.set_tag(run.info.run_id, "mine", "kept")
    assert results.export(url, format="mlflow") == 24
    results.store.close()
    return url


@pytest.fixture
def client(database):
    return client_of(database)


@pytest.fixture
def runs(client):
    """The runs by trial."""
    found = client.search_runs([client.get_experiment_by_name("hostile").experiment_id])
    return {int(run.data.tags["trial"]): run for run in found}


def test_there_is_one_run_for_each_trial_even_when_exported_twice(hostile, runs):
    assert sorted(runs) == [*range(24)]
    assert {run.info.run_name for run in runs.values()} == {f"hostile/{number}" for number in range(24)}


def test_the_status_and_the_divergence_are_told(hostile, runs):
    expected = {"completed": "FINISHED", "diverged": "FAILED", "failed": "FAILED", "queued": "SCHEDULED"}
    for row in hostile.trials().to_dict("records"):
        run = runs[row["trial"]]
        assert run.info.status == expected[row["status"]]
        assert run.data.tags["status"] == row["status"]
        assert ("divergence" in run.data.tags) == (row["status"] == "diverged")
        assert run.data.tags["configuration"] == str(row["trial"] // 2)
    assert runs[4].data.tags["divergence"] == f"invalid in {METRIC}, epoch 2, step 0"
    assert runs[12].data.tags["error"] == "ValueError: no such label"


def test_the_parameters_have_the_names_that_mlflow_takes(hostile, runs):
    for row in hostile.trials().to_dict("records"):
        found = runs[row["trial"]].data.params
        assert float(found["rates.0"]) == row["rates[0]"]
        assert found["label"] == {True: "true", 0.5: "0.5"}.get(row["label"], row["label"])
        assert found["flag"] == str(row["flag"]).lower()
        assert ("a" in found) != ("b" in found)


def test_each_epoch_is_in_the_history(hostile, client, runs):
    for number, epochs in hostile.epochs().groupby("trial"):
        history = client.get_metric_history(runs[number].info.run_id, KEY)
        assert [(each.step, each.value) for each in history] == [*zip(epochs["epoch"], epochs[METRIC], strict=True)]
        assert runs[number].data.metrics[OTHER_KEY] == epochs[OTHER].iloc[-1]
    assert runs[23].data.metrics == {}


def test_the_value_that_ranks_a_trial_and_its_times_are_there(hostile, runs):
    (best,) = [name for name in runs[0].data.metrics if name.startswith("best_")]
    for number in (0, 4):
        record = hostile.store.trial(hostile.record.id, number)
        assert runs[number].data.metrics[best] == record.best_value
        elapsed = (runs[number].info.end_time - runs[number].info.start_time) / 1000
        assert elapsed == pytest.approx((record.finished - record.started).total_seconds(), abs=0.0011)
    created = hostile.record.created.replace(tzinfo=UTC).timestamp()
    assert runs[23].info.start_time == pytest.approx(1000 * created, abs=1)  # of a trial that was never started


def test_what_users_have_added_stays(runs):
    assert runs[0].data.tags["mine"] == "kept"


def test_the_page_is_that_of_the_experiment(hostile, client, database):
    number = client.get_experiment_by_name("hostile").experiment_id
    assert page_of(hostile, database) == f"/#/experiments/{number}/runs?compareRunsMode=CHART"


def test_the_command_line_says_where_to_look(answer, database, hostile_database):
    code, out, err = answer("export", "hostile", "--mlflow", database, "--db", hostile_database)
    assert (code, out) == (0, "")
    assert err.startswith(f"wrote 24 runs of hostile to {database}; look at them with `mlflow ui --backend-store-uri ")
    assert err.endswith(", at http://127.0.0.1:5000/#/experiments/1/runs?compareRunsMode=CHART\n")


def test_names_are_unique_and_taken_by_mlflow():
    from mlflow.utils.validation import _validate_metric_name, _validate_param_name

    own = [
        "hidden[0]",
        "hidden.0",
        "a/b",
        "/a",
        "../x",
        "..",
        ".",
        "a//b",
        "=cmd|x",
        "損失",
        "x" * 300,
        "a:b",
        "a\nb",
        "",
    ]
    found = names(own)
    assert found["hidden[0]"] == "hidden.0"
    assert found["a/b"] == "a/b"
    assert len({*found.values()}) == len(own)
    for name in found.values():
        _validate_metric_name(name)
        _validate_param_name(name)
        assert 0 < len(name) <= 250


def test_a_place_that_will_not_do_is_one_sentence(hostile, hostile_database, tmp_path):
    before = hostile_database.read_bytes()
    with pytest.raises(SweepError, match=r"sweeps\.db is not a database of MLflow; name another one"):
        hostile.export(f"sqlite:///{hostile_database}", format="mlflow")
    assert hostile_database.read_bytes() == before
    with pytest.raises(UsageError, match="cannot write to the server http://localhost:5000; name its database"):
        hostile.export("http://localhost:5000", format="mlflow")
    with pytest.raises(UsageError, match="is a folder, and MLflow takes databases only"):
        hostile.export(tmp_path, format="mlflow")
    with pytest.raises(UsageError, match="names no database that can be opened"):
        hostile.export("nosuch://:secret@host/x", format="mlflow")
    assert database_url("mlflow.db") == "sqlite:///mlflow.db"


def test_an_experiment_of_another_sweep_is_left_alone(hostile, database, tmp_path):
    path = tmp_path / "mlflow.db"
    with sqlite3.connect(database.removeprefix("sqlite:///")) as source, sqlite3.connect(path) as target:
        source.backup(target)
        target.execute("UPDATE experiment_tags SET value = 'another' WHERE key = 'sweep.id'")
    source.close()
    target.close()
    with pytest.raises(SweepError, match="has an experiment hostile already, which is not of this sweep; rename it"):
        hostile.export(f"sqlite:///{path}", format="mlflow")


def test_without_mlflow_the_sentence_says_how_to_install_it(hostile, tmp_path, monkeypatch):
    monkeypatch.setattr(base, "find_spec", lambda name: None)
    with pytest.raises(SweepError, match=r"MLflow needs the package mlflow; install it with: pip install 'sweep-lab\["):
        hostile.export(tmp_path / "mlflow.db", format="mlflow")
