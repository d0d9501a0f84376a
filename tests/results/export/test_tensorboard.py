"""Tests of the folder for TensorBoard, as TensorBoard's own readers see it."""

import math

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import api_pb2
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

from sweep.errors import SweepError, UsageError
from tests.results.export.conftest import METRIC, OTHER


@pytest.fixture
def folder(hostile, tmp_path):
    assert hostile.export(tmp_path, format="tensorboard") == 24
    return tmp_path / "hostile"


def read(folder):
    """Return what TensorBoard has read of the files in a folder."""
    found = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    found.Reload()
    return found


def plugin(folder, tag):
    """Return the message for the HParams plugin with a tag."""
    content = read(folder).SummaryMetadata(f"_hparams_/{tag}").plugin_data.content
    return HParamsPluginData.FromString(content)


def test_curves_have_every_epoch_of_every_trial(hostile, folder):
    for number, epochs in hostile.epochs().groupby("trial"):
        events = read(folder / str(number))
        for metric in (METRIC, OTHER):
            scalars = events.Scalars(metric)
            assert [scalar.step for scalar in scalars] == [*epochs["epoch"]]
            assert [scalar.value for scalar in scalars] == pytest.approx([*epochs[metric]], rel=1e-6)


def test_a_trial_that_diverged_keeps_the_epochs_it_had_and_is_a_failure(hostile, folder):
    diverged = hostile.trials().query("status == 'diverged'")["trial"]
    assert len(diverged) == 4
    for number in diverged:
        assert [scalar.step for scalar in read(folder / str(number)).Scalars(METRIC)] == [1]
        end = plugin(folder / str(number), "session_end_info").session_end_info
        assert end.status == api_pb2.STATUS_FAILURE


def test_the_value_that_ranks_a_trial_stands_beside_the_last_one(hostile, folder):
    row = hostile.trials().iloc[2]
    (scalar,) = read(folder / "2").Scalars(f"best_{METRIC}")
    assert (scalar.step, scalar.value) == (row["epoch"], pytest.approx(row[METRIC]))
    assert plugin(folder / "2", "session_end_info").session_end_info.status == api_pb2.STATUS_SUCCESS


def test_each_trial_has_its_parameters_and_its_configuration_as_group(hostile, folder):
    for row in hostile.trials().to_dict("records"):
        start = plugin(folder / str(row["trial"]), "session_start_info").session_start_info
        assert start.group_name == str(row["trial"] // 2)
        values = {name: getattr(value, value.WhichOneof("kind")) for name, value in start.hparams.items()}
        assert values["rates[0]"] == row["rates[0]"]
        assert values["units"] == row["units"]
        assert values["label"] == {True: "true", 0.5: "0.5"}.get(row["label"], row["label"])
        assert values["status"] == row["status"]
        assert ("a" in values) == (not math.isnan(row["a"]))


def test_the_columns_have_their_ranges_and_all_their_texts(hostile, folder):
    experiment = plugin(folder, "experiment").experiment
    columns = {info.name: info for info in experiment.hparam_infos}
    trials = hostile.trials()
    assert columns["rates[0]"].type == api_pb2.DATA_TYPE_FLOAT64
    interval = columns["rates[0]"].domain_interval
    assert (interval.min_value, interval.max_value) == (trials["rates[0]"].min(), trials["rates[0]"].max())
    assert columns["units"].domain_interval.max_value == trials["units"].max()
    assert [*columns["status"].domain_discrete] == ["completed", "diverged", "failed", "queued"]
    assert [*columns["flag"].domain_discrete] == ["false", "true"]
    assert [info.name.tag for info in experiment.metric_infos] == [f"best_{METRIC}", METRIC, OTHER]


def test_a_second_export_replaces_the_first(hostile, folder):
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    hostile.export(folder.parent, format="tensorboard")
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_what_cannot_be_written_is_one_sentence(hostile, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(SweepError, match=r"make the folder .*file/hostile': '.*/file' is not a folder; choose another"):
        hostile.export(tmp_path / "file", format="tensorboard")
    with pytest.raises(UsageError, match="table cannot be 'epochs' here, since all of a sweep is written"):
        hostile.export(tmp_path, format="tensorboard", table="epochs")
