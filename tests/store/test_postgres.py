"""What is special to a PostgreSQL server: connections, locks, zones, several writers."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from sqlalchemy import inspect, select

from sweep.errors import StoreError, SweepError, UsageError
from sweep.store import Ending, Store, lifecycle
from sweep.store import connection as database
from sweep.store.digests import sweep_digest
from sweep.store.schema import metadata, sweeps
from tests.fault_tools import wait_until
from tests.postgres_server import PASSWORD, QUOTED
from tests.store.store_setup import add, assert_times_are_in_utc, at_once, epoch, finished, row_of, seals

CREATE = """
import sys
from pathlib import Path
from sweep.store import Store
print("ready", flush=True)
sys.stdin.readline()
Store(sys.argv[1], create=True).close()
"""


WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


class TestPostgres:
    @pytest.fixture
    def url(self, postgres):
        return postgres.create_database()

    @pytest.fixture
    def plain(self, url):
        """A connection that knows nothing of us."""
        with psycopg.connect(re.sub(r"\+psycopg", "", url), autocommit=True) as connection:
            yield connection

    def test_the_schema_says_what_each_table_and_column_holds(self, store):
        with store.database.reading() as connection:
            inspector = inspect(connection)
            for table in metadata.sorted_tables:
                assert inspector.get_table_comment(table.name)["text"] == table.comment
                found = {column["name"]: column["comment"] for column in inspector.get_columns(table.name)}
                assert found == {column.name: column.comment for column in table.columns}
        assert sum(bool(column.comment) for table in metadata.sorted_tables for column in table.columns) > 45

    def test_a_tag_is_unique_among_those_of_the_sweep_itself_alone(self, store, plain):
        (definition,) = plain.execute("SELECT indexdef FROM pg_indexes WHERE indexname = 'tags_of_sweeps'").fetchone()
        assert definition.startswith("CREATE UNIQUE INDEX")
        assert definition.endswith("(sweep_id, tag) WHERE (trial_number IS NULL)")

    def test_an_empty_database_holds_no_sweeps_yet(self, url):
        with pytest.raises(StoreError, match=r"test_\d+ holds no sweeps yet; begin one with `sweep\.run\(\.\.\.\)`"):
            Store(url)
        for _ in range(2):
            Store(url, create=True).close()
        Store(url).close()

    def test_several_processes_may_create_it_at_once(self, url):
        at_once(CREATE, url, count=4)
        store = Store(url)
        assert store.sweeps().empty
        store.close()

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ((QUOTED, "wrong-s3cret"), 'password authentication failed for user "sweeper"'),
            (("test_", "nowhere_"), r'database "nowhere_\d+" does not exist'),
            ((r":\d+/", ":1/"), "Connection refused"),
            ((f":{QUOTED}(.*)", r"\1?password=wrong-s3cret"), 'password authentication failed for user "sweeper"'),
        ],
    )
    def test_what_cannot_be_reached_is_a_sentence_without_the_password(self, url, change, reason):
        with pytest.raises(
            StoreError,
            match=f"^the database postgresql.*cannot be read: connection .*{reason}; (check|create|start) .+$",
        ) as caught:
            Store(re.sub(*change, url))
        for secret in (PASSWORD, QUOTED, "wrong-s3cret"):
            assert secret not in str(caught.value)

    def test_a_port_that_is_no_number(self, url):
        with pytest.raises(UsageError, match=r"^db takes a file or a URL"):
            Store(re.sub(r":\d+/", ":s3cret/", url))

    @pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kathmandu"])
    def test_the_zone_of_the_server_changes_nothing(self, url, plain, zone):
        plain.execute(f"ALTER DATABASE {plain.info.dbname} SET timezone = '{zone}'")
        store = Store(url, create=True)
        assert_times_are_in_utc(store)
        row = row_of(store, store.sweep().id, 0)
        digest = lambda: [digest for _, digest in seals(store)]  # noqa: E731
        before = digest()
        (text,) = plain.execute("SELECT (started AT TIME ZONE 'UTC')::text FROM trials WHERE number = 0").fetchone()
        assert text.rstrip("0") == str(row["started"]).rstrip("0")
        store.close()
        plain.execute(f"ALTER DATABASE {plain.info.dbname} SET timezone = 'UTC'")
        store = Store(url)
        assert digest() == before
        store.close()

    def test_a_lock_that_is_never_released_is_a_sentence(self, url, plain, monkeypatch):
        monkeypatch.setattr(database, "BUSY_SECONDS", 1)
        monkeypatch.setenv("SWEEP_PATIENCE", "0.5")
        store = Store(url, create=True)
        sweep_id = add(store)
        plain.execute("SET idle_in_transaction_session_timeout = '20s'")  # so that this test ends in any case
        with plain.transaction():
            plain.execute("LOCK TABLE trials IN ACCESS EXCLUSIVE MODE")
            with pytest.raises(StoreError, match=r"cannot be written: .*lock timeout; end the program that"):
                store.claim(sweep_id, 0, "me:1")
            with pytest.raises(StoreError, match=r"cannot be read: .*lock timeout"):
                store.trials(sweep_id)
        assert store.claim(sweep_id, 0, "me:1").attempt == 1
        store.close()

    def test_a_server_that_is_restarted_costs_only_time(self, store, postgres):
        sweep_id, stop = add(store), threading.Event()

        def write():
            claim, numbers = store.claim(sweep_id, 0, "me:1"), 0
            while not stop.is_set():
                store.record(claim, [epoch(numbers)], epoch(0))
                numbers += 1
            store.finish(claim, Ending("completed", 1.0), [epoch(numbers)], epoch(0))
            return numbers

        with ThreadPoolExecutor(1) as pool:
            written = pool.submit(write)
            try:
                for restart in (postgres.restart, lambda: (postgres.kill(), postgres.start())):
                    before = wait_until(lambda: len(store.epochs(sweep_id)))
                    restart()
                    wait_until(lambda before=before: written.done() or len(store.epochs(sweep_id)) > before + 10)
            finally:
                stop.set()
        assert store.epochs(sweep_id)["epoch"].tolist() == list(range(written.result() + 1))

    def meanwhile(self, store, plain, first, second):
        """Do `second` while `first` is done but not committed; return what it gives in the end."""
        with ThreadPoolExecutor(1) as pool:
            with store.database.writing() as connection:
                first(connection)
                result = pool.submit(second)
                wait_until(lambda: result.done() or plain.execute(WAITING).fetchone() == (1,))
            return result.result()

    def test_failed_trials_are_queued_again_by_one_alone(self, store, plain):
        sweep_id = add(store)
        finished(store, sweep_id, 0, [], "failed", error="x")
        count = self.meanwhile(store, plain, lambda c: lifecycle.retry(c, sweep_id), lambda: store.retry(sweep_id))
        assert (count, store.queued(sweep_id)) == (0, [0, 1, 2])

    def test_a_trial_is_extended_by_one_alone(self, store, plain):
        sweep_id = add(store)
        finished(store, sweep_id, 0, [epoch(0)])
        with pytest.raises(SweepError, match="trial 0 is not completed any more"):
            self.meanwhile(
                store,
                plain,
                lambda c: lifecycle.extend(c, sweep_id, 0, 9),
                lambda: store.extend(sweep_id, [0], 7),
            )
        assert store.claim(sweep_id, 0, "me:1").configuration["training"]["epochs"] == 9

    def test_the_digest_of_a_sweep_is_that_of_the_last_change(self, store, plain):
        sweep_id = add(store)
        self.meanwhile(
            store, plain, lambda c: lifecycle.lengthen(c, sweep_id, 20), lambda: store.extend(sweep_id, [], 3)
        )
        with store.database.reading() as connection:
            kept = connection.execute(select(sweeps.c.digest)).scalar()
            assert kept == sweep_digest(connection, sweep_id)
        assert store.sweep().epochs == 20
