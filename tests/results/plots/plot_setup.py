"""What the tests of the pictures share: a frame of trials, and what can be read back from any figure."""

from unittest.mock import patch

import numpy as np
import pandas as pd
from matplotlib.text import Text

from sweep.records import Parameter

WIDTH = Parameter("network.hidden[0]", "hidden[0]")
ALPHA = Parameter("network.activation.alpha", "alpha")
ACTIVATION = Parameter("network.activation", "activation", categorical=True)
RATE = Parameter("training.optimizer.learning_rate", "learning_rate", log=True)
BATCH = Parameter("training.batch_size", "batch_size")
PARAMETERS = [WIDTH, ALPHA, ACTIVATION, RATE, BATCH]


def trials(count=60, seed=0):
    """Return a frame of trials: every seventh diverged, every eleventh failed."""
    rng = np.random.default_rng(seed)
    number = np.arange(count)
    status = np.where(number % 7 == 3, "diverged", np.where(number % 11 == 5, "failed", "completed"))
    activation = np.array(["relu", "leaky_relu", "tanh"])[number % 3]
    has_value = status == "completed"
    return pd.DataFrame(
        {
            "trial": number,
            "status": status,
            "test_accuracy": np.where(has_value, rng.uniform(0.9, 0.98, count), np.nan),
            "test_loss": np.where(has_value, rng.uniform(0.1, 0.3, count), np.nan),
            "train_loss": np.where(has_value, rng.uniform(0.1, 0.2, count), np.nan),
            "hidden[0]": rng.integers(10, 100, count),
            "alpha": np.where(activation == "leaky_relu", rng.uniform(0, 0.4, count), np.nan),
            "activation": activation,
            "learning_rate": np.exp(rng.uniform(np.log(0.005), np.log(0.5), count)),
            "batch_size": pd.array(rng.integers(1, 10, count) * 10, dtype="Int64"),
        }
    )


def tick_words(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def words_of(figure):
    """Lay the figure out and return the texts that are drawn, with the boxes (left, bottom, right, top) they fill."""
    texts, draw = [], Text.draw

    def record(text, renderer, *args, **options):
        if text.get_visible() and text.get_text().strip():
            texts.append(text)
        return draw(text, renderer, *args, **options)

    with patch.object(Text, "draw", record):
        figure.draw_without_rendering()
    # The box of an annotation would include its line.
    return [text.get_text() for text in texts], np.array([Text.get_window_extent(text).extents for text in texts])


def assert_legible(figure):
    """No word of the figure may be cut off or lie on another."""
    words, boxes = words_of(figure)
    assert words
    left, bottom, right, top = boxes.T
    within = (left >= 0) & (bottom >= 0) & (right <= figure.bbox.x1) & (top <= figure.bbox.y1)
    assert within.all(), f"cut off: {[word for word, is_within in zip(words, within, strict=True) if not is_within]}"
    apart_x = (right[:, None] <= left + 0.5) | (left[:, None] + 0.5 >= right)
    apart_y = (top[:, None] <= bottom + 0.5) | (bottom[:, None] + 0.5 >= top)
    overlapping = np.argwhere(np.triu(~(apart_x | apart_y), 1))
    assert not len(overlapping), f"on each other: {[(words[one], words[other]) for one, other in overlapping]}"


def line(axes, label):
    """Return the (x, y) of the points of the line with this label."""
    (found,) = (line for line in axes.get_lines() if line.get_label() == label)
    return found.get_xydata()


def only(frame, status):
    """Return the trials of one status."""
    return frame[frame["status"] == status]


def drawn(axes, look):
    """Return the (x, y) of the points of one look, in the order of the trials."""
    offsets = [np.asarray(points.get_offsets()) for points in axes.collections if points.get_label() == look]
    return np.concatenate(offsets) if offsets else np.empty((0, 2))


def all_drawn(axes):
    """Return the (x, y) of the points of all completed trials."""
    return np.concatenate([drawn(axes, look) for look in ("completed", "beyond", "best")])


def panel(figure, name):
    """Return the panel of a parameter."""
    return next(axes for axes in figure.axes if axes.get_xlabel() == name)
