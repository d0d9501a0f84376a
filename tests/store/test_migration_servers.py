"""Servers of older schemas are migrated as files are."""

import logging
import re
from datetime import UTC, datetime

import pandas as pd
import pytest
from alembic import command
from sqlalchemy import MetaData, create_engine, inspect, text

from sweep.errors import StoreError
from sweep.store import Store
from sweep.store.schema import VERSION
from sweep.store.views import create_views
from tests.store.migration_setup import (
    DATA,
    OLD,
    alembic,
    assert_sealed,
    copy_of,
    differences,
    open_at_once,
    opened,
    plant_fault,
)


class TestServer:
    @pytest.fixture
    def url(self, postgres):
        """An empty database of a server."""
        return postgres.create_database()

    @pytest.fixture
    def engine(self, url):
        made = create_engine(url)
        yield made
        made.dispose()

    @pytest.fixture(params=OLD)
    def filled(self, request, engine):
        """A database of an older schema, from before there was a table with its version, with what the file holds."""
        with engine.begin() as connection:
            command.upgrade(alembic(connection), f"{request.param:04}")
            connection.execute(text("DROP TABLE alembic_version"))
            pour(DATA / f"schema-{request.param}.db", connection)
        return request.param

    def test_a_new_one_and_revisions_from_nothing_agree(self, postgres, engine):
        url = postgres.create_database()
        Store(url, create=True).close()
        with engine.begin() as connection:
            command.upgrade(alembic(connection), "head")
            create_views(connection)
            assert differences(connection) == []
        new = create_engine(url)
        assert catalogue(engine) == catalogue(new)
        new.dispose()

    def test_an_old_one_is_brought_up_to_date_as_a_file_is(self, url, filled, tmp_path, caplog):
        store = Store(url)
        (said,) = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
        assert said == f"brought {store.database.shown} from schema {filled} to {VERSION}"
        assert_sealed(store, {0, 1, 3})
        path = copy_of(filled, tmp_path / "old")
        file = Store(str(path))
        for name in ("trials", "epochs", "batches"):
            pd.testing.assert_frame_equal(getattr(store, name)(1), getattr(file, name)(1), check_exact=True)
        digests = "SELECT number, digest, drawn_digest FROM trials ORDER BY number"
        with store.database.reading() as one, file.database.reading() as other:
            assert differences(one) == []
            assert one.execute(text(digests)).all() == other.execute(text(digests)).all()
        store.close()
        file.close()

    @pytest.mark.parametrize("filled", [1], indirect=True)
    def test_of_several_processes_one_does_it_and_the_others_wait(self, url, filled):
        (said,) = open_at_once(url)
        assert "s3cret" not in said
        assert said.endswith(f"from schema {filled} to {VERSION}")

    def test_when_something_fails_nothing_has_happened(self, url, filled, engine, monkeypatch):
        before = catalogue(engine)
        with monkeypatch.context() as patch, pytest.raises(RuntimeError, match="planted"):
            plant_fault(patch)
            opened(url)
        assert catalogue(engine) == before
        opened(url)

    def test_a_role_that_may_not_is_one_sentence(self, postgres, url, filled, engine):
        reader = f"reader_{filled}"  # a role belongs to the whole server
        with engine.begin() as connection:
            connection.execute(text(f"CREATE ROLE {reader} LOGIN PASSWORD 'r'"))
            connection.execute(text(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {reader}"))
        as_reader = re.sub("//.*@", f"//{reader}:r@", url)
        with pytest.raises(StoreError, match=rf"schema {filled} to {VERSION}: open it once as the role that owns"):
            opened(as_reader)

    def test_a_newer_one_is_refused(self, url):
        store = Store(url, create=True)
        with store.database.writing() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '0099'"))
        for create in (True, False):
            with pytest.raises(StoreError, match=rf"newer sweep \(schema 99, this one knows {VERSION}\); upgrade"):
                Store(url, create=create)
        store.close()

    def test_one_of_another_application_is_left_alone(self, url, engine):
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
            connection.execute(text("INSERT INTO alembic_version VALUES ('1975ea83b712')"))
        for create in (True, False):
            with pytest.raises(StoreError, match="'1975ea83b712' of another application; give sweep a database of"):
                Store(url, create=create)
        assert inspect(engine).get_table_names() == ["alembic_version"]


def pour(path, connection):
    """Insert all rows of a file into the tables of a server."""
    engine = create_engine(f"sqlite:///{path}")
    source, target = MetaData(), MetaData()
    target.reflect(connection)
    with engine.connect() as file:
        source.reflect(file)
        for table in target.sorted_tables:
            rows = [dict(row) for row in file.execute(source.tables[table.name].select()).mappings()]
            if rows:
                values = [{name: _in_utc(value) for name, value in row.items()} for row in rows]
                connection.execute(table.insert(), values)
    engine.dispose()


def _in_utc(value):
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value


CATALOGUE = {
    "columns": "SELECT table_name, column_name, data_type, character_maximum_length, is_nullable, column_default, "
    "col_description(table_name::regclass, ordinal_position) FROM information_schema.columns "
    "WHERE table_schema = 'public'",
    "tables": "SELECT relname, relkind, obj_description(oid) FROM pg_class WHERE relnamespace = 'public'::regnamespace",
    "constraints": "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint "
    "WHERE connamespace = 'public'::regnamespace",
    "indexes": "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "views": "SELECT viewname, definition FROM pg_views WHERE schemaname = 'public'",
}


def catalogue(engine):
    """Return all that a server knows of its tables, comments included."""
    with engine.connect() as connection:
        return {
            name: sorted(map(str, connection.execute(text(sql.replace("::", "\\:\\:")))))
            for name, sql in CATALOGUE.items()
        }
