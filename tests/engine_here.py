"""An engine without processes of its own, for tests to which it does not matter where trials are trained."""

from contextlib import contextmanager

from sweep.engines import registered
from sweep.engines.shutdown import Shutdown
from sweep.system.environment import one_blas_thread
from sweep.trial import worker


class Here:
    """Trains one trial after the other in this process, as a worker does; it starts none, which takes a second."""

    def __init__(self):
        self.shutdown = Shutdown()

    @classmethod
    @contextmanager
    def opened(cls, options, store, trials):
        """Use one BLAS thread, and close what is open at the end."""
        worker.open_store.cache_clear()
        with one_blas_thread():
            yield cls()
        worker.open_store.cache_clear()

    def run_all(self, assignments):
        """Train trials; yield how each has ended."""
        yield from map(worker.run_trial, assignments)


def training_here():
    """Let sweeps be trained in this process, as a context."""
    return registered("local", Here.opened)
