"""A Dask client without a cluster: it records what is submitted, and a test gives the answers."""

from typing import NamedTuple


class Submitted(NamedTuple):
    """One task."""

    function: object
    arguments: tuple
    name: str
    then: object
    worker: str | None


class FakeClient:
    """Stands in for `DaskClient`."""

    def __init__(self, workers=None):
        self.address = "tcp://fake:1"
        self.is_closed, self.is_connected = False, True
        self.submitted = []
        self._workers = workers or {}

    def workers(self):
        return self._workers

    def submit(self, function, *arguments, name, then, worker=None):
        self.submitted.append(Submitted(function, arguments, name, then, worker))

    def handle_answers(self):
        pass

    def of(self, function):
        """Return the tasks that call a function."""
        return [task for task in self.submitted if task.function is function]
