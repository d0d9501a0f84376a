"""What a notebook shows of a sweep: its best trials and a small chart, with whatever names it has."""

import re
from html.parser import HTMLParser

import pytest

import sweep
from tests.engine_here import training_here

METRIC = '<img src=x onerror=alert(1)> & "数"'


def train(config, trial):
    if config["shift"] > 0.9:
        raise ValueError("too far")
    for epoch in range(1, trial.epochs + 1):
        yield {METRIC: config["shift"] + 1 / epoch}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A sweep of a minimized metric with a hostile name; some of its trials fail."""
    folder = tmp_path_factory.mktemp("page")
    with training_here():
        return sweep.run(
            train,
            parameters={"shift": {"uniform": [0.0, 1.0]}},
            objective=(METRIC, "min"),
            trials=30,
            epochs=2,
            name="hostile",
            db=folder / "sweeps.db",
            observer=None,
        )


class Tags(HTMLParser):
    """The tags of a page, and its text."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.words = [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)

    def handle_data(self, data):
        self.words.append(data)


def test_it_has_the_best_trials_and_a_chart_and_no_tag_of_a_user(results):
    page = results._repr_html_()
    found = Tags(page)
    own = "div strong br table thead tbody tr th td svg title g circle polyline"
    assert set(found.tags) <= set(own.split())
    assert METRIC in found.words  # the head of its column, as it is
    assert found.tags.count("tr") == 6
    completed = (results.trials()["status"] == "completed").sum()
    assert 0 < completed < 30
    assert found.tags.count("circle") == completed
    assert f"{30 - completed} failed" in page
    best = results.best(1).iloc[0]
    assert f">{int(best['trial'])}</td>" in page


def test_the_line_of_the_best_so_far_falls_where_less_is_better(results):
    (points,) = re.findall('points="([^"]*)"', results._repr_html_())
    heights = [float(point.split(",")[1]) for point in points.split()]
    assert heights == sorted(heights)  # y grows downwards


def test_without_any_result_there_are_no_table_and_no_chart(tmp_path):
    with training_here():
        none = sweep.run(
            train,
            parameters={"shift": {"uniform": [0.95, 1.0]}},
            objective=(METRIC, "min"),
            trials=2,
            epochs=1,
            name="none",
            db=tmp_path / "none.db",
            observer=None,
        )
    page = none._repr_html_()
    assert "2/2 trials" in page
    assert "<table" not in page
    assert "<svg" not in page


def test_it_says_why_trials_have_failed(results):
    first = int(results.trials().query("status == 'failed'")["trial"].iloc[0])
    said = "".join(Tags(results._repr_html_()).words)
    assert f"trial {first} failed: ValueError: too far" in said
    assert f"s.trial({first}).traceback" in said
    assert "too far" in results.trial(first).traceback
