"""The simulated cluster trains a whole sweep, on a tiny size."""

import pytest

from benchmarks import cluster

SMALL = cluster.Size(40, processes=1, threads=2)
ROWS = ["trials a second", "coordinator's CPU time a trial", "coordinator, last ÷ first"]
OTHERS = ["workers' CPU time a trial", "database's CPU time a trial"]


def test_every_row_is_there_and_every_trial_has_ended(postgres, monkeypatch):
    found = []
    monkeypatch.setattr(cluster.SimulatedCluster, "parts", lambda self, trials: found.append(self) or [1.0, 2.0, 3.0])
    table = cluster.measured(SMALL, postgres)
    assert list(table.rows) == [*ROWS, *OTHERS]
    assert table.rows[ROWS[2]]["measured"].value == pytest.approx(1.5)
    assert all(cell.value > 0 for cell in table.cells)
    assert len(found[0].times) == SMALL.trials + 1
    assert not any(process.is_alive() for process in found[0]._processes)


def test_the_cost_is_that_of_each_part():
    engine = cluster.SimulatedCluster(SMALL, None, None, [])
    engine.times = [cluster.Moment(0.0, cpu) for cpu in (1.0, 1.5, 2.0, 4.0, 6.0)]
    assert engine.parts(2) == [0.5, 2.0]


def test_workers_that_end_are_not_waited_for():
    class Ended:
        def is_alive(self):
            return False

    engine = cluster.SimulatedCluster(SMALL, None, cluster.multiprocessing.Queue(), [Ended()])
    with pytest.raises(RuntimeError, match="has ended"):
        engine.next_done()
