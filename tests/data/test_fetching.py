"""Tests of downloads, from a server on this machine that serves small files, other files, and half of a file."""

import hashlib
import io
import tarfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from sweep.data import fetching
from sweep.data.fetching import check_readable, fetch, verify
from sweep.data.published import PUBLISHED, Published, PublishedFile
from sweep.data.sources import Places
from sweep.errors import DataError, UsageError
from tests.data.cifar10_writer import write_cifar10
from tests.data.idx_writer import NAMES, write_idx_files


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Handler(SimpleHTTPRequestHandler):
    """Serves a folder; of what is below `broken/` only the first half, and then it hangs up."""

    def do_GET(self):
        self.server.asked.append(self.path)
        if not self.path.startswith("/broken/"):
            return super().do_GET()
        content = (self.server.folder / self.path.rpartition("/")[2]).read_bytes()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2])
        self.close_connection = True
        return None

    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server of the four files of a small MNIST."""
    folder = tmp_path_factory.mktemp("served")
    write_idx_files(folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder))) as served:
        served.folder, served.asked = folder, []
        thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield served
        served.shutdown()
        thread.join()


@pytest.fixture
def address(server):
    server.asked.clear()
    return f"http://127.0.0.1:{server.server_address[1]}/"


@pytest.fixture
def publish(server, monkeypatch):
    """Let `mnist` be published at some addresses, as the server has it or with other digests."""

    def published(*addresses, sha256=None):
        files = [PublishedFile(f"{name}.gz", sha256 or digest(server.folder / f"{name}.gz")) for name in NAMES.values()]
        monkeypatch.setattr(fetching, "PUBLISHED", {"mnist": Published(addresses, tuple(files))})

    return published


def test_what_is_published_is_downloaded_and_read(publish, address, server, tmp_path):
    publish(address)
    told = []
    paths = fetch("mnist", tmp_path, lambda *progress: told.append(progress))
    assert [path.name for path in paths] == [f"{name}.gz" for name in NAMES.values()]
    assert all(path.read_bytes() == (server.folder / path.name).read_bytes() for path in paths)
    assert {name for name, _, _ in told} == {path.name for path in paths}
    assert all(done <= total for _, done, total in told) and told[-1][1] == told[-1][2] == paths[-1].stat().st_size
    assert {check.verdict for check in verify("mnist", Places(tmp_path, None))} == {"as published"}
    assert check_readable("mnist", Places(tmp_path, None)) == {"train": 12, "test": 5}


def test_what_is_there_is_not_downloaded_again(publish, address, server, tmp_path):
    publish(address)
    paths = fetch("mnist", tmp_path)
    paths[1].unlink()
    server.asked.clear()
    assert fetch("mnist", tmp_path) == paths
    assert server.asked == [f"/{paths[1].name}"]


def test_another_file_of_that_name_is_left_alone(publish, address, tmp_path):
    publish(address)
    mine = tmp_path / "mnist" / f"{NAMES['t_test']}.gz"
    mine.parent.mkdir()
    mine.write_bytes(b"my work")
    with pytest.raises(DataError, match="is there, but is not the published file"):
        fetch("mnist", tmp_path)
    assert [*mine.parent.iterdir()] == [mine] and mine.read_bytes() == b"my work"


@pytest.mark.parametrize(
    ("path", "sha256", "reason"),
    [
        ("", "0" * 64, "what it serves is not the published file"),
        ("broken/", None, "the connection broke"),
        ("nowhere/", None, "the server answers 404"),
    ],
)
def test_a_bad_download_leaves_nothing(publish, address, tmp_path, path, sha256, reason):
    publish(address + path, sha256=sha256)
    with pytest.raises(DataError, match=reason) as caught:
        fetch("mnist", tmp_path)
    assert address + path in str(caught.value) and "check the network" in str(caught.value)
    assert [*(tmp_path / "mnist").iterdir()] == []


def test_the_next_address_is_tried(publish, address, tmp_path):
    publish("http://127.0.0.1:9/", f"{address}broken/", address)
    assert len(fetch("mnist", tmp_path)) == 4


def test_without_a_network_there_is_one_sentence(publish, tmp_path):
    publish("http://127.0.0.1:9/")
    with pytest.raises(DataError, match="it cannot be reached") as caught:
        fetch("mnist", tmp_path)
    assert "\n" not in str(caught.value)


def test_an_archive_is_unpacked_without_what_else_it_holds(monkeypatch, address, server, tmp_path):
    batches = tmp_path / "made"
    write_cifar10(batches)
    files = [PublishedFile(file.name, digest(batches / file.name)) for file in PUBLISHED["cifar10"].files]
    archive = server.folder / "small.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.addfile(tarfile.TarInfo("../evil"), io.BytesIO())
        for file in files:
            tar.add(batches / file.name, f"cifar-10-batches-py/{file.name}")
    packed = PublishedFile("small.tar.gz", digest(archive))
    published = Published((address,), tuple(files), packed, "cifar-10-batches-py")
    monkeypatch.setattr(fetching, "PUBLISHED", {"cifar10": published})
    paths = fetch("cifar10", tmp_path / "data")
    assert sorted(path.name for path in paths[0].parent.iterdir()) == sorted(file.name for file in files)
    assert not [*tmp_path.rglob("evil")]
    assert {check.verdict for check in verify("cifar10", Places(tmp_path / "data", None))} == {"as published"}


@pytest.mark.parametrize(("kind", "words"), [("digits", "comes with scikit-learn"), ("mnits", "did you mean 'mnist'?")])
def test_what_nobody_publishes_is_refused(tmp_path, kind, words):
    with pytest.raises(UsageError) as caught:
        fetch(kind, tmp_path)
    assert words in str(caught.value)


def test_the_real_mnist_is_recognized_however_it_is_packed(mnist_folder):
    verdicts = {check.verdict for check in verify("mnist", Places(mnist_folder, None))}
    assert verdicts <= {"as published", "as published, packed anew"}


def test_the_digits_of_scikit_learn_are_known():
    assert [check.verdict for check in verify("digits", Places(None, None))] == ["as published"]


def test_a_changed_file_is_found(publish, address, tmp_path):
    publish(address)
    paths = fetch("mnist", tmp_path)
    write_idx_files(tmp_path / "mnist", t_test=[1, 2, 3, 4, 5])
    checks = {check.path: check.verdict for check in verify("mnist", Places(tmp_path, None))}
    assert [path for path, verdict in checks.items() if verdict == "different"] == [paths[3]]


def test_the_folder_of_the_user_is_looked_into_if_it_exists(publish, address, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert Places(None, None).data_folder is None
    publish(address)
    fetch("mnist", tmp_path / "sweep")
    assert Places(None, None).data_folder == tmp_path / "sweep"
    assert check_readable("mnist", Places(None, None)) == {"train": 12, "test": 5}
