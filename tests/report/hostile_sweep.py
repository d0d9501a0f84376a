"""A sweep whose description, metric, parameters and options would do harm where they are not escaped."""

import math
from html.parser import HTMLParser

import sweep
from tests.engine_here import training_here

METRIC = "<b>ロス</b>|*x*"
DESCRIPTION = "<script>alert(1)</script> 学習率を探す [x](javascript:alert(1)) & `a`"
LONG = "n" * 200
OPTIONS = ["<img src=x onerror=alert(1)>", "c|d", "../日本", "=cmd|' /C calc'!A0"]
TRAINER = f"""
import math

def train(config, trial):
    if config.get("fails"):
        raise ValueError("no <b>such</b> file")
    for epoch in range((trial.state or {{"done": 0}})["done"], trial.epochs):
        trial.save({{"done": epoch + 1}})
        value = 10 * abs(config["rate"] - 0.3) + 1 / (epoch + 1)
        yield {{{METRIC!r}: math.nan if config["rate"] > 0.85 and epoch else value}}
"""
FILE = f"""
name = "hostile"
description = {DESCRIPTION!r}
trainer = {{ kind = "function", function = "hostile:train", deterministic = true }}
trials = 40
epochs = 4
[parameters]
rate = {{ uniform = [0.0, 1.0] }}
"学習率" = {{ log_uniform = [1e-5, 1e-1] }}
{LONG} = {{ int = [1, 9] }}
option = {{ choice = {OPTIONS} }}
[objective]
metric = {METRIC!r}
direction = "min"
"""


def run(folder, file=FILE, **given):
    """Run the sweep of a file with changes, as `sweep.run` takes them."""
    (folder / "hostile.py").write_text(TRAINER)
    (folder / "hostile.toml").write_text(file)
    with training_here():
        return sweep.run(folder / "hostile.toml", db=str(folder / "hostile.db"), **given)


def value(rate, epochs=4):
    """The objective of a trial, NaN of one that diverges."""
    return math.nan if rate > 0.85 else 10 * abs(rate - 0.3) + 1 / epochs


class Page(HTMLParser):
    """A page as a list of (tag, attributes, text directly within)."""

    VOID = ("meta", "br", "img", "link", "input")

    def __init__(self, text):
        super().__init__()
        self.elements, self._open = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        """Note an element."""
        self.elements.append([tag, dict(attributes), ""])
        if tag not in self.VOID:
            self._open.append(self.elements[-1])

    def handle_startendtag(self, tag, attributes):
        """Note an element without content."""
        self.elements.append([tag, dict(attributes), ""])

    def handle_endtag(self, tag):
        """Check that elements end in order."""
        assert self._open.pop()[0] == tag

    def handle_data(self, data):
        """Note text."""
        if self._open:
            self._open[-1][2] += data

    def all(self, *tags):
        """The elements of some tags, in order."""
        return [each for each in self.elements if each[0] in tags]

    def texts(self, *tags):
        """The texts directly within these."""
        return [text for _, _, text in self.all(*tags)]
