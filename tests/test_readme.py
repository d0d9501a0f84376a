"""The README is short, names the two commands, and leads somewhere; `tests/docs` runs all that stands in it."""

import re

import pytest

from tests.docs.pages import ROOT

LONGEST = 200
READMES = ["README.md", "README.ja.md"]


@pytest.mark.parametrize("name", READMES)
def test_it_is_short_and_begins_with_two_commands(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LONGEST
    first = re.search(r"```sh\n(.*?)```", text, re.DOTALL)[1]
    assert [line.split("#")[0].strip() for line in first.splitlines()] == ["make demo", "make test"]


@pytest.mark.parametrize("name", READMES)
def test_its_links_lead_somewhere(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    targets = [target for target in re.findall(r"\]\(([^)]+)\)", text) if not target.startswith("https://")]
    assert len(targets) > 20
    assert [target for target in targets if not (ROOT / target.partition("#")[0]).exists()] == []
