"""An engine without processes of its own, for tests to which it is no matter where trials are trained."""

from contextlib import contextmanager

import pytest

from sweep.engines.shutdown import Switch
from sweep.runner import run as runner
from sweep.system.environment import one_blas_thread
from sweep.trial import worker


class Here:
    """Trains one trial after the other in this process, as a worker does; it starts none, which takes a second."""

    def __init__(self, *means):
        self.switch = Switch(ask=lambda: None, kill=lambda: None)

    def run_all(self, assignments):
        """Train trials; yield how each has ended."""
        yield from map(worker.run_trial, assignments)

    @contextmanager
    def closing(self):
        """Use one BLAS thread, and close what is open at the end."""
        worker.open_store.cache_clear()
        with one_blas_thread():
            yield self
        worker.open_store.cache_clear()


@contextmanager
def training_here():
    """Let sweeps be trained in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner, "Pool", Here)
        yield
