"""The command report: what it writes and says, and what it refuses."""

import pytest


def test_it_writes_a_page_and_says_where(cli, workplace):
    answer = cli("report", "-o", "report.html")
    assert (answer.code, answer.out) == (0, "")
    size = (workplace / "report.html").stat().st_size
    assert answer.err == f"report: report.html, {size / 1e3:,.0f} kB\n"
    assert "<h1>digits-quickstart</h1>" in (workplace / "report.html").read_text(encoding="utf-8")


def test_another_sweep_can_be_named(cli, workplace):
    assert cli("report", "tiny", "--output", "tiny.md").code == 0
    assert (workplace / "tiny.md").read_text(encoding="utf-8").startswith("# tiny\n")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((), 2, "say where to write, such as -o report.html"),
        (("-o", "report.pdf"), 2, "its name must end in .html or .md"),
        (("-o", "no/report.html"), 1, "there is no folder 'no'"),
        (("nosuch", "-o", "report.html"), 1, "there is no sweep 'nosuch'"),
    ],
)
def test_wrong_arguments_are_refused(cli, workplace, arguments, code, words):
    assert words in cli("report", *arguments).sentence(code)
    assert not [*workplace.iterdir()]
