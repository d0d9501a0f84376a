"""Writes small files in the layout of CIFAR-10, as it is published and as Python 3 writes it."""

import pickle
import struct
from itertools import count

import numpy as np

TRAINING = [f"data_batch_{number}" for number in range(1, 6)]
TEST, META = "test_batch", "batches.meta"
CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


class Python2:
    """Content -> bytes, opcode by opcode as cPickle of Python 2 with NumPy 1 wrote protocol 2."""

    def __init__(self):
        self.places, self.seen = count(1), {}

    def pickle(self, content):
        return b"\x80\x02" + self.written(content) + b"."

    def put(self):
        place = next(self.places)
        return b"q" + bytes([place]) if place < 256 else b"r" + struct.pack("<I", place)

    def written(self, value):
        match value:
            case None | True | False:
                return {None: b"N", True: b"\x88", False: b"\x89"}[value]
            case int():
                return self.integer(value)
            case str():
                return self.string(value.encode()) + self.put()
            case bytes():  # of NumPy's own, which cPickle did not put into the memo
                return self.string(value)
            case tuple():
                items = self.each(value)
                return (b"(" + items + b"t") if len(value) > 3 else items + bytes([0x84 + len(value)])
            case list():
                return b"]" + self.put() + self.in_thousands(value, b"a", b"e")
            case dict():
                return b"}" + self.put() + b"(" + self.each(part for item in value.items() for part in item) + b"u"
            case np.ndarray():
                return self.array(value)

    def each(self, values):
        return b"".join(self.written(value) for value in values)

    def in_thousands(self, values, one, many):
        blocks = [values[start : start + 1000] for start in range(0, len(values), 1000)]
        return b"".join(self.each(b) + one if len(b) == 1 else b"(" + self.each(b) + many for b in blocks)

    def integer(self, value):
        if 0 <= value < 256:
            return b"K" + bytes([value])
        return b"M" + struct.pack("<H", value) if 0 <= value < 65536 else b"J" + struct.pack("<i", value)

    def string(self, value):
        return (b"U" + bytes([len(value)]) if len(value) < 256 else b"T" + struct.pack("<i", len(value))) + value

    def named(self, module, name):
        if (module, name) in self.seen:
            return b"h" + bytes([self.seen[module, name]])
        put = self.put()
        self.seen[module, name] = put[1]
        return f"c{module}\n{name}\n".encode() + put

    def array(self, array):
        code = array.dtype.str[1:]
        start = self.named("numpy.core.multiarray", "_reconstruct") + self.named("numpy", "ndarray")
        start += self.written((0,)) + self.written(b"b") + b"\x87R" + self.put()
        shape = b"(K\x01" + self.written(array.shape)
        of_type = self.named("numpy", "dtype") + self.string(code.encode()) + b"K\x00K\x01\x87R" + self.put()
        of_type += self.written((3, array.dtype.str[:1].encode(), None, None, None, -1, -1, 0)) + b"b"
        by_columns = array.flags.f_contiguous and not array.flags.c_contiguous
        values = array.tobytes("F" if by_columns else "C")
        return start + shape + of_type + self.written(by_columns) + self.string(values) + b"tb"


def published(content):
    """As the files on the net."""
    return Python2().pickle(content)


def present(content):
    """As Python 3 and the installed NumPy write bytes keys and strings."""
    return pickle.dumps(in_bytes(content), protocol=4)


def with_strings(content):
    """As Python 3 and the installed NumPy write strings."""
    return pickle.dumps(content, protocol=4)


def in_bytes(value):
    match value:
        case str():
            return value.encode()
        case list():
            return [in_bytes(item) for item in value]
        case dict():
            return {in_bytes(key): in_bytes(item) for key, item in value.items()}
    return value


def batch(samples=3, seed=0, **changed):
    rng = np.random.default_rng(seed)
    return {
        "batch_label": f"batch {seed}",
        "labels": rng.integers(0, 10, samples).tolist(),
        "data": rng.integers(0, 256, (samples, 3072), np.uint8),
        "filenames": [f"{seed}_{index}.png" for index in range(samples)],
    } | changed


def meta(**changed):
    return {"num_cases_per_batch": 10000, "label_names": CLASSES, "num_vis": 3072} | changed


def write_cifar10(folder, write=published):
    """Write the seven files, of 3, 4, 5, 6, 7 and 8 random images. Returns the six batches by name of the file."""
    folder.mkdir(parents=True, exist_ok=True)
    batches = {name: batch(3 + seed, seed) for seed, name in enumerate([*TRAINING, TEST])}
    for name, content in (batches | {META: meta()}).items():
        (folder / name).write_bytes(write(content))
    return batches
