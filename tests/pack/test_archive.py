"""Files that are no packs, or were made to do harm: one sentence, nothing is written, and little memory is used."""

import hashlib
import json
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import pytest

import sweep
from sweep.errors import PackError
from sweep.pack import archive
from sweep.pack.archive import FORMAT, opened
from tests.pack.forging import altered, evidence, forge, texts


@pytest.fixture
def file(toy, tmp_path):
    toy.pack(tmp_path / "toy.zip")
    return tmp_path / "toy.zip"


def refused(file):
    """The sentence by which a file is refused."""
    with pytest.raises(PackError) as caught:
        sweep.verify(file)
    words = str(caught.value)
    assert "\n" not in words and len(words) < 400
    return words


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    assert "No such file" in refused(tmp_path / "none.zip")
    assert "Is a directory" in refused(tmp_path)


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x05\x06" + bytes(18), b"PK\x03\x04" + bytes(40)])
def test_a_file_that_is_no_zip_is_refused(tmp_path, content):
    (tmp_path / "x.zip").write_bytes(content)
    assert "not a pack" in refused(tmp_path / "x.zip")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_pack_that_was_cut_short_is_refused(file, share):
    content = file.read_bytes()
    file.write_bytes(content[: int(share * len(content))])
    assert "was cut short" in refused(file)


@pytest.mark.parametrize(
    "name", ["../evil.csv", "/etc/evil", "files/../../evil", "files/.ssh", "C:\\evil", "a/b.csv", "x.py"]
)
def test_names_that_lead_elsewhere_are_refused(file, tmp_path, name):
    forge(file, {name: "evil"})
    before = files_around(tmp_path)
    assert "not a pack: a pack has no member named" in refused(file)
    assert files_around(tmp_path) == before


def files_around(folder):
    """All files there and beside it; databases of other tests may be closed meanwhile, which removes two of them."""
    return {path for path in folder.parent.rglob("*") if not path.name.endswith(("-wal", "-shm"))}


def test_two_members_of_one_name_are_refused(file):
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(file, "a") as packed:
        packed.writestr("trials.csv", "")
    assert "two members of one name" in refused(file)


def test_a_zip_without_a_manifest_is_refused(file):
    members = {name: text for name, text in texts(file).items() if name != "manifest.json"}
    with zipfile.ZipFile(file, "w") as packed:
        for name, text in members.items():
            packed.writestr(name, text)
    assert "no manifest.json" in refused(file)


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        ("{", "is not JSON"),
        ("[" * 200_000, "is not JSON"),
        ("[]", "states no format"),
        ('{"format": "1"}', "states no format"),
        ('{"format": true}', "states no format"),
        (json.dumps({"format": FORMAT + 1}), "upgrade sweep"),
        ('{"format": 1}', "lists no members"),
        ('{"format": 1, "members": [1]}', "lists no members"),
        ('{"format": 1, "members": {"trials.csv": 1}}', "lists no members"),
        ("é".encode("latin-1").decode("latin-1") * (9 << 20), "longer than 16 MiB"),
    ],
)
def test_a_manifest_of_another_form_is_refused(file, manifest, words):
    forge(file, {"manifest.json": manifest}, fitting=False)
    assert words in refused(file)


def test_what_would_unpack_to_more_than_any_pack_is_refused_unread(file, monkeypatch):
    monkeypatch.setattr(archive, "MOST_BYTES", 10_000)
    assert "would unpack to more" in refused(file)


def test_a_line_without_an_end_takes_little_memory(file, monkeypatch):
    monkeypatch.setattr(archive, "LONGEST_LINE", 1 << 16)
    forge(file, {"epochs.csv": texts(file)["epochs.csv"] + "0" * (64 << 20)})
    tracemalloc.start()
    found = sweep.verify(file)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert altered(found) == ["tables"] and "a line longer than in any pack" in evidence(found, "tables")
    assert peak < 32 << 20


def test_damaged_bytes_are_found_in_their_member(file):
    content = bytearray(file.read_bytes())
    with zipfile.ZipFile(file) as packed:
        place = packed.getinfo("trials.csv").header_offset + 100
    content[place] ^= 0xFF
    file.write_bytes(content)
    found = sweep.verify(file)
    assert not found.is_verified and "trials.csv" in str(found.checks)


def in_front(content, directory):
    return b"junk" + content


def behind(content, directory):
    return content + b"junk"


def between(content, directory):
    """Return a zip with junk before its directory, whose place at the end is moved by as much."""
    return content[:directory] + b"junk" + content[directory:-6] + (directory + 4).to_bytes(4, "little") + content[-2:]


def as_comment(content, directory):
    return content[:-2] + (4).to_bytes(2, "little") + b"junk"


@pytest.mark.parametrize("add", [in_front, behind, between, as_comment])
def test_bytes_that_are_no_part_of_the_members_are_found(file, add):
    assert "members" not in altered(sweep.verify(file, share=0))
    with zipfile.ZipFile(file) as packed:
        directory = packed.start_dir
    file.write_bytes(add(file.read_bytes(), directory))
    found = sweep.verify(file)
    assert altered(found) == ["members"] and "holds bytes before, between or behind" in evidence(found, "members")
    assert not found.trained


def test_an_encrypted_member_is_not_read(file):
    content = bytearray(file.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + offset] |= 1
    file.write_bytes(content)
    assert "cannot be read" in refused(file)


def test_the_same_members_give_the_same_bytes_whenever_they_were_written(tmp_path, monkeypatch):
    paths = {name: tmp_path / name for name in ("b.csv", "a.csv")}
    for path in paths.values():
        path.write_text(path.name)
    archive.write(tmp_path / "one.zip", paths, {"sweep": "x"})
    monkeypatch.setattr("time.time", lambda: 2e9)
    archive.write(tmp_path / "two.zip", dict(reversed(paths.items())), {"sweep": "x"})
    one = (tmp_path / "one.zip").read_bytes()
    assert one == (tmp_path / "two.zip").read_bytes()
    assert archive.identity(tmp_path / "one.zip") == hashlib.sha256(one).hexdigest()
    with zipfile.ZipFile(tmp_path / "one.zip") as packed:
        assert packed.namelist() == ["manifest.json", "a.csv", "b.csv"] and packed.testzip() is None
        assert {info.date_time for info in packed.infolist()} == {archive.STAMP}


def test_an_older_pack_stays_where_a_new_one_cannot_be_written(tmp_path):
    (tmp_path / "old.zip").write_text("old")
    with pytest.raises(FileNotFoundError):
        archive.write(tmp_path / "old.zip", {"a.csv": tmp_path / "missing"}, {})
    assert (tmp_path / "old.zip").read_text() == "old" and [*tmp_path.iterdir()] == [tmp_path / "old.zip"]


def test_errors_of_zlib_become_sentences(file, monkeypatch):
    def fail(*arguments):
        raise zlib.error("invalid block type")

    with opened(file) as packed:
        monkeypatch.setattr(zipfile.ZipExtFile, "read", fail)
        with pytest.raises(PackError, match=r"columns\.json in .* cannot be read: invalid block type"):
            packed.text("columns.json")


def test_a_pack_can_be_opened_from_any_folder(file, monkeypatch):
    monkeypatch.chdir(file.parent)
    with opened(Path(file.name)) as packed:
        assert packed.manifest["sweep"] == "toy"
