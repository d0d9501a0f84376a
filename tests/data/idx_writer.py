"""Writes small files in the IDX format, as MNIST is published."""

import gzip
import struct

import numpy as np

IMAGES, LABELS = 0x0803, 0x0801
NAMES = {
    "x_train": "train-images-idx3-ubyte",
    "t_train": "train-labels-idx1-ubyte",
    "x_test": "t10k-images-idx3-ubyte",
    "t_test": "t10k-labels-idx1-ubyte",
}


def image_bytes(images, *, magic=IMAGES, count=None):
    """(samples, rows, columns) uint8 -> an IDX file; `count` overrides the header's promise."""
    count = len(images) if count is None else count
    return struct.pack(">4I", magic, count, *images.shape[1:]) + images.tobytes()


def label_bytes(labels, *, magic=LABELS, count=None):
    count = len(labels) if count is None else count
    return struct.pack(">2I", magic, count) + np.asarray(labels, np.uint8).tobytes()


def arrays(train=12, test=5, seed=0):
    rng = np.random.default_rng(seed)
    return {
        "x_train": rng.integers(0, 256, (train, 28, 28), np.uint8),
        "t_train": rng.integers(0, 10, train, np.uint8),
        "x_test": rng.integers(0, 256, (test, 28, 28), np.uint8),
        "t_test": rng.integers(0, 10, test, np.uint8),
    }


def write_idx_files(folder, *, compress=True, **changed):
    """Write the four files; `changed` replaces arrays by name. Returns what was written."""
    folder.mkdir(parents=True, exist_ok=True)
    written = arrays() | changed
    for name, array in written.items():
        content = image_bytes(array) if name[0] == "x" else label_bytes(array)
        if compress:
            (folder / f"{NAMES[name]}.gz").write_bytes(gzip.compress(content, mtime=0))
        else:
            (folder / NAMES[name]).write_bytes(content)
    return written
