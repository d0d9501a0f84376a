"""Writing packs: what is in them, always in the same bytes, and what is refused."""

import csv
import io
import json
import sqlite3
from contextlib import closing

import pytest
from sqlalchemy import Column, LargeBinary, select, update

import sweep
from sweep.errors import SweepError
from sweep.pack import tables
from sweep.pack.scratch import digests, file_lines, scratch, stored_digests
from sweep.pack.tables import load_table, write_tables
from sweep.store import schema
from sweep.store.digests import seal_all
from tests.pack.forging import texts


def rows(file, name):
    return list(csv.DictReader(io.StringIO(texts(file)[name], newline="")))


def test_a_pack_holds_what_the_database_holds(toy, tmp_path):
    packed = toy.pack(tmp_path / "toy.zip")
    assert packed.trials == 9 and packed.without_batches > 0 and packed.bytes == packed.file.stat().st_size
    epochs = toy.epochs()
    found = [(float(row["test_loss"]), float(row["test_accuracy"])) for row in rows(packed.file, "epochs.csv")]
    assert found == list(zip(epochs["test_loss"], epochs["test_accuracy"], strict=True))
    configurations = [json.loads(row["configuration"]) for row in rows(packed.file, "trials.csv")]
    assert configurations == [toy.trial(number).configuration for number in range(9)]
    assert [int(row["seed_weights"]) for row in rows(packed.file, "trials.csv")] == [
        toy.trial(number).seeds.weights for number in range(9)
    ]
    ranked = toy.best(9)
    assert [int(row["trial"]) for row in rows(packed.file, "leaderboard.csv")] == ranked["trial"].tolist()
    assert [float(row["value"]) for row in rows(packed.file, "leaderboard.csv")] == ranked["test_accuracy"].tolist()
    assert texts(packed.file)["experiment.toml"] == toy.record.experiment
    assert json.loads(rows(packed.file, "sweeps.csv")[0]["environment"]) == toy.record.environment
    assert "batches.csv" not in texts(packed.file)


def test_the_same_sweep_gives_the_same_bytes(toy, tmp_path):
    one, two = toy.pack(tmp_path / "one.zip"), sweep.load("toy", db=tmp_path / "sweeps.db").pack(tmp_path / "two.zip")
    assert one.sha256 == two.sha256 and one.file.read_bytes() == two.file.read_bytes()


def test_losses_of_mini_batches_are_packed_where_they_are_asked_for(toy, tmp_path):
    packed = toy.pack(tmp_path / "toy.zip", batches=True)
    assert packed.without_batches == 0 and "digests.csv" not in texts(packed.file)
    losses = [float(row["loss"]) for row in rows(packed.file, "batches.csv")]
    assert losses == toy.store.batches(toy.record.id)["loss"].tolist() and losses
    assert sweep.verify(packed.file, share=0).is_verified


def test_every_column_is_described(toy, tmp_path):
    described = json.loads(texts(toy.pack(tmp_path / "toy.zip").file)["columns.json"])
    for name, table in described["tables"].items():
        assert table["comment"] and all(column["comment"] for column in table["columns"].values()), name
    assert described["tables"]["trials.csv"]["columns"]["seed_weights"]["type"] == "integer"


def test_a_column_that_the_schema_gets_later_is_packed_as_well(toy, tmp_path, monkeypatch):
    bits = Column("bits", LargeBinary)
    table = schema.trials.to_metadata(sqlalchemy_metadata := schema.MetaData())
    for other in (schema.sweeps, *tables.KEPT):
        other.to_metadata(sqlalchemy_metadata)
    table.append_column(bits)
    with closing(sqlite3.connect(tmp_path / "sweeps.db")) as connection, connection:
        connection.execute("ALTER TABLE trials ADD COLUMN bits BLOB")
        connection.execute("UPDATE trials SET bits = ? WHERE number = 3", (b"\x00\xff",))
    monkeypatch.setattr(tables, "TABLES", (table,))
    with toy.store.database.reading() as connection:
        written = write_tables(connection, toy.record.id, tmp_path, False)
    text = written["trials.csv"].read_text()
    assert [row["bits"] for row in csv.DictReader(io.StringIO(text))] == ["", "", "", "AP8=", *[""] * 5]
    with toy.store.database.writing() as connection:
        connection.exec_driver_sql("DELETE FROM trials")
        assert load_table(connection, table, iter(io.StringIO(text, newline="")), "trials.csv") == 9
        assert connection.execute(select(table.c.bits).where(table.c.number == 3)).scalar() == b"\x00\xff"


def test_what_is_read_again_has_the_digests_of_the_database(toy, tmp_path):
    with toy.store.database.reading() as connection:
        members = write_tables(connection, toy.record.id, tmp_path, True)
    with scratch({name: file_lines(path) for name, path in members.items()}) as store:
        assert digests(store) == stored_digests(store) == stored_digests(toy.store)


def test_any_text_is_packed_and_read_again(toy, tmp_path):
    words = ["", '"', 'a,"b"\r\nc\n', "\r", "é\u2028\x85", " "]
    with toy.store.database.writing() as connection:
        for number, text in enumerate(words):
            connection.execute(update(schema.trials).where(schema.trials.c.number == number).values(error=text))
        seal_all(connection, schema.trials.c.id > 0)
    packed = toy.pack(tmp_path / "toy.zip")
    assert sweep.verify(packed.file, share=0).is_verified


def test_a_sweep_that_is_being_trained_is_not_packed(toy, tmp_path):
    with closing(sqlite3.connect(tmp_path / "sweeps.db")) as connection, connection:
        connection.execute("UPDATE trials SET status = 'running', digest = NULL WHERE number = 4")
    with pytest.raises(SweepError, match=r"1 trial of toy is being trained; pack the sweep once it has ended"):
        toy.pack(tmp_path / "toy.zip")
    assert not (tmp_path / "toy.zip").exists()


def test_a_damaged_database_is_not_packed(toy, tmp_path):
    with closing(sqlite3.connect(tmp_path / "sweeps.db")) as connection, connection:
        connection.execute("UPDATE epochs SET train_loss = train_loss + 1e-9 WHERE trial_id = 2 AND epoch = 1")
    with pytest.raises(SweepError, match=r"trial 1 of toy is not as it was stored"):
        toy.pack(tmp_path / "toy.zip", batches=True)
    assert not (tmp_path / "toy.zip").exists()


def test_a_place_that_cannot_be_written_is_named(toy, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SweepError, match=r"'.*/file' is not a folder; choose another place"):
        toy.pack(tmp_path / "file" / "toy.zip")
    (tmp_path / "toy.zip").mkdir()
    with pytest.raises(SweepError, match=r"cannot write '.*/toy\.zip': Is a directory; name a file in it"):
        toy.pack(tmp_path / "toy.zip")
