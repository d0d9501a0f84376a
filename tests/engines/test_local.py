"""The engine of local worker processes."""

import os

from threadpoolctl import threadpool_info

from sweep.engines import RunOptions
from sweep.engines.local import LocalEngine
from sweep.store import Store
from tests.runner.test_train import is_running


def test_workers_use_one_blas_thread():
    engine = LocalEngine(1, crashes=None)
    with engine.running():
        (worker,) = engine._workers
        pools = worker.executor.submit(threadpool_info).result()
        environment = worker.executor.submit(os.getenv, "OPENBLAS_NUM_THREADS").result()
    assert pools
    assert {library["num_threads"] for library in pools} == {1}
    assert environment == "1"
    assert not is_running(worker.number)


def test_there_are_no_more_processes_than_trials(tmp_path):
    store = Store(str(tmp_path / "sweeps.db"), create=True)
    with LocalEngine.opened(RunOptions(workers=3), store, 1) as engine:
        assert engine.size == 1
        assert len(engine._workers) == 1
    assert engine._workers == []
