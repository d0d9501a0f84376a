"""Sweeps that are not trained: their trials are drawn, and how they end is written by hand."""

from sweep.experiment.file import parse
from sweep.records import Divergence, Epoch, SweepRecord
from sweep.store import Ending

METRIC = "誤差 <b>rate</b>"
SCRIPT = "<script>alert(1)</script>"
FILE = f"""
name = "by-hand"
description = "{SCRIPT} & 'quotes'"
trials = 8
seed = 3
epochs = 3
trainer = "mine:train"
[parameters]
learning_rate = {{ log_uniform = [0.001, 0.1] }}
layers = [{{ int = [10, 90], step = 10 }}, {{ int = [1, 9] }}]
style = {{ choice = ["{SCRIPT}", "=cmd|' /C calc'!A0", "日本", true] }}
mixed = {{ choice = ["off", {{ uniform = [0.0, 1.0] }}] }}
nested = {{ choice = [{{ kind = "a", depth = {{ int = [1, 3] }} }}, {{ kind = "b" }}] }}
[objective]
metric = "{METRIC}"
direction = "min"
"""


def draw(store, text=FILE, **changes):
    """Store the drawn trials of an experiment file; return the record of the sweep."""
    experiment = parse(text, "by hand")
    values = {"name": experiment.name, "description": experiment.header.description, "seed": 3, "epochs": 3}
    values |= {"experiment": text, "objective": experiment.objective, "fingerprint": experiment.fingerprint}
    missing = {"overrides": [], "datasets": [], "data_folder": None, "experiment_folder": None, "environment": {}}
    record = SweepRecord(**{**values, **missing, **changes})
    drawn = experiment.trials()
    store.add_sweep(record, drawn)
    return store.sweep(record.name)


def epochs(metric, values, **others):
    """Return epochs from 1 on with these values of a metric, and the same of the others in all of them."""
    return [Epoch(number, 0.25, {metric: value, **others}) for number, value in enumerate(values, start=1)]


def begin(store, record, number, values=()):
    """Begin a trial that has had some epochs; return the claim on it."""
    claim = store.claim(record.id, number, "me:1")
    own = epochs(record.objective.metric, values)
    if own:
        store.record(claim, own, record.objective.choose(own))
    return claim


def end(store, record, number, values, status="completed", **ending):
    """Train a trial by hand to its end."""
    claim = store.claim(record.id, number, "me:1")
    own = epochs(record.objective.metric, values, loss=0.1 + number)
    store.finish(claim, Ending(status, 1.5, **ending), own, record.objective.choose(own))


def end_all_ways(store, record):
    """End six trials in all ways, and leave one running and one queued."""
    end(store, record, 0, [0.5, 0.1 + 0.2, 0.4])
    end(store, record, 1, [0.9], "diverged", divergence=Divergence(2, 0, METRIC, "invalid"))
    end(store, record, 2, [0.8, 0.7], "pruned", error="too slow")
    end(store, record, 3, [], "failed", error="no memory")
    end(store, record, 4, [0.25, 1 / 3, 0.3])
    end(store, record, 5, [0.6, 0.5, 0.45])
    begin(store, record, 6, [0.35])
