import subprocess
import sys
from pathlib import Path

import numpy as np

from sweep.data import open_dataset, prepare

ROOT = Path(__file__).parents[3]


def test_digits_are_those_of_scikit_learn_and_its_split():
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    dataset = open_dataset(prepare("digits"))
    x, t = load_digits(return_X_y=True)
    parts = train_test_split(x, t, test_size=0.25, random_state=0)
    for ours, theirs in zip((dataset.train.x, dataset.test.x, dataset.train.t, dataset.test.t), parts, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert dataset.train.x.shape == (1347, 64)
    assert dataset.test.x.shape == (450, 64)
    assert dataset.train.x.dtype == np.uint8
    assert dataset.train.x.max() == 16
    assert dataset.shape == (1, 8, 8)
    assert dataset.class_names == tuple("0123456789")
    assert dataset.name == "digits"


def test_cached_digits_need_no_import_of_scikit_learn_or_pandas():
    expected = prepare("digits")
    code = (
        "import sys; from sweep.data import open_dataset, prepare; folder = prepare('digits');"
        "open_dataset(folder); print(folder);"
        "print([name for name in ('sklearn', 'pandas', 'scipy') if name in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert answer.stdout.splitlines() == [str(expected), "[]"]


def test_a_scikit_learn_without_its_file_is_refused(tmp_path, monkeypatch, refused):
    class Spec:
        origin = str(tmp_path / "__init__.py")

    monkeypatch.setattr("sweep.data.formats.digits.find_spec", lambda name: Spec)
    with refused(tmp_path / "datasets" / "data" / "digits.csv.gz", "install scikit-learn again"):
        prepare("digits")
    monkeypatch.setattr("sweep.data.formats.digits.find_spec", lambda name: None)
    with refused("install scikit-learn"):
        prepare("digits")
