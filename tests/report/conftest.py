"""One sweep, its report and what is written of it, for all tests of a process."""

import pytest

from sweep.report.gathering import gather
from sweep.report.writing import html, markdown
from tests.report import hostile_sweep


@pytest.fixture(scope="session")
def searched(tmp_path_factory):
    """The results of the hostile sweep."""
    return hostile_sweep.run(tmp_path_factory.mktemp("hostile"))


@pytest.fixture(scope="session")
def told():
    """The progress that was told of while it was gathered."""
    return []


@pytest.fixture(scope="session")
def report(searched, told):
    """Its report."""
    return gather(searched, lambda done, total: told.append((done, total)))


@pytest.fixture(scope="session")
def page(report):
    """Its page."""
    return html(report)


@pytest.fixture(scope="session")
def text(report):
    """The same in Markdown."""
    return markdown(report)
