"""The exporter for TensorBoard: its HParams tables and charts, and the curves of all metrics.

A folder is written for the sweep, and in it one for each trial. The messages are those that `tensorboard.plugins.
hparams.summary` makes, which would need TensorFlow; they are described in `tensorboard/plugins/hparams/api.proto`.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweep.records import LOST, Scalar
from sweep.results.export.base import Table, check_installed
from sweep.results.export.databases import nothing_left
from sweep.results.export.runs import Run, read_runs, seconds_of
from sweep.results.format import spelled
from sweep.system.files import make_folder, write_whole

if TYPE_CHECKING:
    from sweep.results.sweep import Sweep

FILE = "events.out.tfevents.0.sweep"
"""Name of each file: TensorBoard reads those that have `tfevents` in it."""
PLUGIN = "hparams"
TAG = "_hparams_/"
STATUS = "status"
"""The column of HParams that tells diverged trials from others."""


class TensorBoard:
    """A folder of event files; the files of an earlier export of the same sweep are replaced."""

    suffixes: tuple[str, ...] = ()

    def write(self, sweep: Sweep, destination: str, table: Table) -> int:
        """Write all trials of a sweep into a folder, and return their number."""
        check_installed("tensorboard", "a folder for TensorBoard", "tensorboard")
        runs, best = read_runs(sweep, table), f"best_{sweep.objective.metric}"
        columns = _columns(runs)
        folder = folder_of(sweep, destination)
        described = _experiment(
            {name: [*values.values()] for name, values in columns.items()}, [best, *sweep.metrics()]
        )
        with nothing_left(_made_first(folder)):
            _write(folder, [_event(seconds_of(sweep.record.created), [described])])
            for run in runs:
                number = run.record.number
                row = {name: values[number] for name, values in columns.items() if number in values}
                _write(folder / str(number), _events(run, _session_start(run, row, number // sweep.repeats), best))
        return len(runs)


def folder_of(sweep: Sweep, destination: str) -> Path:
    """Return the folder of a sweep, which TensorBoard takes as its `--logdir`."""
    return Path(destination) / sweep.name


def _made_first(folder: Path) -> Path:
    """Return the outermost of the folders that must be made for one; itself where all are there."""
    return next((each for each in reversed([folder, *folder.parents]) if not each.exists()), folder)


def _events(run: Run, start: Any, best: str) -> Iterable[bytes]:
    """Yield the events of one trial: its parameters, its epochs, its best value and how it ended."""
    yield _event(run.started, [start])
    for epoch in run.epochs:
        yield _event(epoch.time, [_scalar(*metric) for metric in epoch.metrics.items()], epoch.number)
    if run.record.best_value is not None:  # the tables of HParams show the last value of each metric
        yield _event(run.ended or run.started, [_scalar(best, run.record.best_value)], run.record.best_epoch)
    if run.ended is not None:
        yield _event(run.ended, [_session_end(run)])


def _write(folder: Path, events: Iterable[bytes]) -> None:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.summary.writer.record_writer import RecordWriter

    content = io.BytesIO()
    records = RecordWriter(content)
    records.write(Event(file_version="brain.Event:2").SerializeToString())
    for event in events:
        records.write(event)
    make_folder(folder)
    write_whole(folder / FILE, content.getvalue())


def _event(time: float, values: Sequence[Any], step: int | None = None) -> bytes:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary

    event: bytes = Event(wall_time=time, step=step or 0, summary=Summary(value=values)).SerializeToString()
    return event


def _scalar(name: str, value: float) -> Any:
    from tensorboard.compat.proto.summary_pb2 import Summary

    return Summary.Value(tag=name, simple_value=value)


def _hparams(tag: str, **content: Any) -> Any:
    """Return a value for the plugin, whose content stands in the metadata; the tensor is only there to be one."""
    from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
    from tensorboard.compat.proto.tensor_pb2 import TensorProto
    from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
    from tensorboard.compat.proto.types_pb2 import DT_FLOAT
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    data = SummaryMetadata.PluginData(plugin_name=PLUGIN, content=HParamsPluginData(**content).SerializeToString())
    shape = TensorShapeProto(dim=[TensorShapeProto.Dim(size=1)])
    tensor = TensorProto(dtype=DT_FLOAT, tensor_shape=shape, float_val=[0.0])
    return Summary.Value(tag=TAG + tag, metadata=SummaryMetadata(plugin_data=data), tensor=tensor)


def _experiment(columns: Mapping[str, Sequence[Any]], metrics: Sequence[str]) -> Any:
    """Return what the columns of HParams are: the parameters with their ranges, the status, and the metrics."""
    from tensorboard.plugins.hparams.api_pb2 import Experiment, MetricInfo, MetricName

    infos = [MetricInfo(name=MetricName(tag=name)) for name in metrics]
    described = [_column(name, values) for name, values in columns.items()]
    return _hparams("experiment", experiment=Experiment(hparam_infos=described, metric_infos=infos))


def _column(name: str, values: Sequence[Any]) -> Any:
    """Return a column of HParams: of numbers with their range, else with all texts that occur."""
    from google.protobuf.struct_pb2 import ListValue
    from tensorboard.plugins.hparams.api_pb2 import DATA_TYPE_FLOAT64, DATA_TYPE_STRING, HParamInfo, Interval

    if not isinstance(values[0], str):
        interval = Interval(min_value=min(values), max_value=max(values))
        return HParamInfo(name=name, type=DATA_TYPE_FLOAT64, domain_interval=interval)
    texts = ListValue()
    texts.extend(sorted(set(values)))
    return HParamInfo(name=name, type=DATA_TYPE_STRING, domain_discrete=texts)


def _session_start(run: Run, row: Mapping[str, Any], configuration: int) -> Any:
    """Return the parameters of a trial; the trainings of one configuration are one group."""
    from google.protobuf.struct_pb2 import Value
    from tensorboard.plugins.hparams.plugin_data_pb2 import SessionStartInfo

    values = {
        name: Value(string_value=value) if isinstance(value, str) else Value(number_value=value)
        for name, value in row.items()
    }
    start = SessionStartInfo(hparams=values, group_name=str(configuration), start_time_secs=run.started)
    return _hparams("session_start_info", session_start_info=start)


def _session_end(run: Run) -> Any:
    from tensorboard.plugins.hparams.api_pb2 import STATUS_FAILURE, STATUS_SUCCESS
    from tensorboard.plugins.hparams.plugin_data_pb2 import SessionEndInfo

    status = STATUS_FAILURE if run.record.status in LOST else STATUS_SUCCESS
    return _hparams("session_end_info", session_end_info=SessionEndInfo(status=status, end_time_secs=run.ended))


def _columns(runs: Sequence[Run]) -> dict[str, dict[int, Any]]:
    """Return the values of each column by trial: numbers, or texts where not all are numbers."""
    found: dict[str, dict[int, Scalar]] = {}
    for run in runs:
        for name, value in {**run.parameters, STATUS: run.record.status}.items():
            found.setdefault(name, {})[run.record.number] = value
    return {name: values if _are_numbers(values) else _texts(values) for name, values in found.items()}


def _are_numbers(values: Mapping[int, Scalar]) -> bool:
    return {*map(type, values.values())} <= {int, float}


def _texts(values: Mapping[int, Scalar]) -> dict[int, str]:
    return {number: str(spelled(value)) for number, value in values.items()}
