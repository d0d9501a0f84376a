import gzip
import struct

import numpy as np
import pytest

from sweep.data.formats.idx import read_images, read_labels
from sweep.errors import DataError
from tests.data.idx_writer import IMAGES, LABELS, arrays, image_bytes, label_bytes

PICTURES = arrays()["x_train"]
IMAGE_FILE = image_bytes(PICTURES)


@pytest.fixture
def images(tmp_path):
    return tmp_path / "train-images-idx3-ubyte.gz"


@pytest.fixture
def labels(tmp_path):
    return tmp_path / "train-labels-idx1-ubyte.gz"


@pytest.mark.parametrize("pack", [gzip.compress, bytes], ids=["gzipped", "plain"])
def test_images_are_read_row_by_row_whatever_the_name_says(images, pack):
    images.write_bytes(pack(IMAGE_FILE))
    x = read_images(images)
    assert x.dtype == np.uint8
    np.testing.assert_array_equal(x, PICTURES.reshape(12, 784))


@pytest.mark.parametrize("pack", [gzip.compress, bytes], ids=["gzipped", "plain"])
def test_labels_are_read_as_int64(labels, pack):
    labels.write_bytes(pack(label_bytes([3, 0, 9])))
    t = read_labels(labels)
    assert t.dtype == np.int64
    assert t.tolist() == [3, 0, 9]


@pytest.mark.parametrize("held", [0, 1, 12 * 784 - 1])
def test_too_few_pixels_are_refused_with_both_counts(images, refused, held):
    images.write_bytes(gzip.compress(IMAGE_FILE[: 16 + held]))
    with refused(images, "is truncated", "promises 12 images of 28×28", f"holds {held} bytes of pixels"):
        read_images(images)


def test_too_few_labels_are_refused(labels, refused):
    labels.write_bytes(gzip.compress(label_bytes([1, 2, 3], count=4)))
    with refused(labels, "promises 4 labels but it holds 3 bytes of labels"):
        read_labels(labels)


def test_a_count_of_four_thousand_million_is_refused_without_allocating(images, refused):
    images.write_bytes(gzip.compress(image_bytes(PICTURES, count=2**32 - 1)))
    with refused(images, "promises 4294967295 images"):
        read_images(images)


def test_trailing_bytes_are_refused(images, labels, refused):
    images.write_bytes(gzip.compress(IMAGE_FILE + b"\0"))
    with refused(images, "longer than it should be", f"holds {12 * 784 + 1} bytes"):
        read_images(images)
    labels.write_bytes(gzip.compress(label_bytes([1, 2, 3], count=2)))
    with refused(labels, "longer"):
        read_labels(labels)


@pytest.mark.parametrize("length", [1, 4, 15])
def test_a_partial_header_is_refused(images, refused, length):
    images.write_bytes(gzip.compress(IMAGE_FILE[:length]))
    with refused(images):
        read_images(images)


@pytest.mark.parametrize("content", [b"", gzip.compress(b"")], ids=["file", "gzip"])
def test_an_empty_file_is_refused(images, refused, content):
    images.write_bytes(content)
    with refused(images, "is empty"):
        read_images(images)


def test_no_items_are_refused(images, labels, refused):
    images.write_bytes(image_bytes(PICTURES[:0]))
    with refused(images, "no pixels"):
        read_images(images)
    labels.write_bytes(label_bytes([]))
    with refused(labels, "no labels"):
        read_labels(labels)


def test_every_truncation_of_the_gzip_stream_is_refused(images, refused):
    packed = gzip.compress(IMAGE_FILE)
    for length in range(1, len(packed), 997):
        images.write_bytes(packed[:length])
        with refused(images):
            read_images(images)
    images.write_bytes(packed[:-1])
    with refused(images, "is truncated: its gzip stream ends early"):
        read_images(images)


def test_damaged_bytes_in_the_gzip_stream_are_refused(images, refused):
    packed = bytearray(gzip.compress(IMAGE_FILE))
    for position in [2, 3, 20, len(packed) // 2, len(packed) - 6]:
        damaged = packed.copy()
        damaged[position] ^= 0xFF
        images.write_bytes(damaged)
        with refused(images):
            read_images(images)


def test_any_damaged_byte_of_compressed_labels_is_refused_or_harmless(labels):
    expected = [3] * 200 + [7] * 100
    packed = bytearray(gzip.compress(label_bytes(expected)))
    told = set()
    for position in range(len(packed)):
        labels.write_bytes(packed[:position] + bytes([packed[position] ^ 0xFF]) + packed[position + 1 :])
        try:
            assert read_labels(labels).tolist() == expected
        except DataError as error:
            told.add(str(error).partition("(Error")[0])
    assert f"{labels} is corrupt: it does not unpack " in told


def test_garbage_after_the_gzip_stream_is_refused(images, refused):
    images.write_bytes(gzip.compress(IMAGE_FILE) + b"garbage")
    with refused(images, "corrupt"):
        read_images(images)


@pytest.mark.parametrize("pack", [gzip.compress, bytes], ids=["gzipped", "plain"])
def test_a_foreign_file_is_refused(images, refused, pack):
    images.write_bytes(pack(b"<!DOCTYPE html><title>404 Not Found</title>"))
    with refused(images, "is not an IDX file", "3c21444f", "00000803"):
        read_images(images)


def test_the_wrong_sort_of_file_is_named(images, labels, refused):
    images.write_bytes(label_bytes([1, 2]))
    with refused(images, "holds labels where pixels should be"):
        read_images(images)
    labels.write_bytes(IMAGE_FILE)
    with refused(labels, "holds pixels where labels should be"):
        read_labels(labels)


def test_other_types_of_idx_are_refused(images, refused):
    images.write_bytes(image_bytes(PICTURES, magic=0x0D03))
    with refused(images, "00000d03"):
        read_images(images)


def test_images_of_another_size_are_refused(images, refused):
    images.write_bytes(image_bytes(np.zeros((2, 32, 28), np.uint8)))
    with refused(images, "32×28", "28×28"):
        read_images(images)


def test_a_label_above_nine_is_named_with_its_place(labels, refused):
    labels.write_bytes(label_bytes([0, 9, 10, 9]))
    with refused(labels, "label 10 at index 2"):
        read_labels(labels)


def test_missing_files_and_folders_are_refused(tmp_path, refused):
    with refused(tmp_path / "none.gz", "cannot be read"):
        read_images(tmp_path / "none.gz")
    with refused(tmp_path, "cannot be read"):
        read_labels(tmp_path)


def test_the_header_is_big_endian(labels):
    labels.write_bytes(struct.pack(">2I", LABELS, 1) + b"\7")
    assert read_labels(labels).tolist() == [7]
    assert struct.pack(">I", IMAGES) == b"\0\0\x08\x03"
