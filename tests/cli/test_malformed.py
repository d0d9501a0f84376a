"""Two hundred malformed experiment files: each is answered with sentences and exit code 2, and nothing is stored."""

import random
import re
from pathlib import Path

import pytest

SHIPPED = Path(__file__).parents[2] / "experiments"
FILES = {
    name: (SHIPPED / f"{name}.toml").read_text()
    for name in ("digits-quickstart", "digits-cnn", "mnist-widths", "mnist-search-everything")
}
COUNT = 200
NEVER_VALID = [
    *(
        "{ uniform = [2, 1] }",
        "{ log_uniform = [0, 1] }",
        "{ int = [1] }",
        "{ choice = [] }",
        "{ int = [1, 9], step = 0 }",
    ),
    *("{ uniform = ['a', 'b'] }", "{ nonsense = 1 }", "{ kind = 'no such kind' }", "{}", "[[[]]]", "1979-05-27"),
    *("nan", "inf", "-inf", "-7", "'no such thing'", "''"),
]
FREE = ("name", "description", "layers", "hidden")
"""Keys whose values may be nearly anything, or go on in the next line."""
NEEDED = ("name", "dataset", "epochs", "iterations", "optimizer")


def lines_of(text, keys=None):
    """Return the numbers of the lines with a whole value, of certain keys or of all but free ones."""
    found = []
    for number, line in enumerate(text.splitlines()):
        match = re.match(r"(\w+) = (.*)", line)
        whole = match and match[2].count("[") == match[2].count("]") and match[2].count("{") == match[2].count("}")
        if whole and (match[1] in keys if keys else match[1] not in FREE):
            found.append(number)
    return found


def replaced(text, rng):
    """A value that no key takes."""
    lines = text.splitlines()
    number = rng.choice(lines_of(text))
    lines[number] = f"{lines[number].partition(' = ')[0]} = {rng.choice(NEVER_VALID)}"
    return "\n".join(lines)


def misspelt(text, rng):
    """A key with a letter too many."""
    lines = text.splitlines()
    number = rng.choice(lines_of(text))
    place = rng.randrange(lines[number].index(" "))
    lines[number] = lines[number][:place] + rng.choice("xyz_") + lines[number][place:]
    return "\n".join(lines)


def deleted(text, rng):
    """A key that is needed is gone."""
    number = rng.choice(lines_of(text, NEEDED))
    return "\n".join(line for n, line in enumerate(text.splitlines()) if n != number)


def doubled(text, rng):
    """A key that stands there twice."""
    lines = text.splitlines()
    number = rng.choice(lines_of(text))
    return "\n".join([*lines[: number + 1], *lines[number:]])


def cut(text, rng):
    """A file whose end is lost, with a section that must be there."""
    return text[: rng.randrange(text.index("[training]") + len("[training]"))]


def noise(text, rng):
    """Bytes that are no text in the middle of the file."""
    place = rng.randrange(len(text))
    return text[:place].encode() + bytes([0xFF, rng.randrange(128, 256)]) + text[place:].encode()


def unclosed(text, rng):
    """A bracket or a quote too many."""
    lines = text.splitlines()
    number = rng.choice(lines_of(text))
    lines[number] = lines[number].partition(" #")[0] + " " + rng.choice("]}[{'\"=")
    return "\n".join(lines)


HARMS = [replaced, replaced, replaced, misspelt, deleted, doubled, cut, noise, unclosed]


def malformed():
    rng = random.Random(11)
    for number in range(COUNT):
        name, harm = rng.choice([*FILES]), HARMS[number % len(HARMS)]
        yield f"{number}-{name}-{harm.__name__}", harm(FILES[name], rng)


def some(every):
    """Choose one in so many of each harm."""
    found, step = list(malformed()), len(HARMS)
    return [each for number, each in enumerate(found) if number // step % every == 0]


@pytest.fixture
def attempt(cli, workplace):
    """Try to run an experiment file of some content."""

    def run(content, *options):
        path = workplace / "experiment.toml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return cli("run", path, *options)

    return run


@pytest.mark.parametrize("every", [pytest.param(1, marks=pytest.mark.slow), 3])
def test_each_is_refused_with_sentences_and_nothing_is_stored(attempt, workplace, every):
    told = set()
    for what, content in some(every):
        answer = attempt(content, "--db", workplace / "new.db")
        assert (answer.code, answer.out) == (2, ""), f"{what}\n{content}\n{answer.err}"
        first, *others = answer.err.splitlines()
        assert first.startswith("Error: "), what
        for line in [first.removeprefix("Error: "), *others]:  # one for each mistake
            assert re.match(r"\S*experiment\.toml|--set", line), f"{what}\n{answer.err}"
            assert line.isprintable()
        told.add(answer.err)
        assert not (workplace / "new.db").exists(), what
        assert not (workplace / "results").exists(), what
    assert len(told) > COUNT / every / 2  # sentences of their own, not one for all


def test_a_database_that_is_there_is_left_as_it_is(attempt, shelf, content):
    before = content(shelf.database)
    for what, text in some(20):
        assert attempt(text).code == 2, what
    assert content(shelf.database) == before


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("name", FILES)
def test_without_the_harm_the_files_are_sound(attempt, workplace, name):
    """So that it is the harm that is refused: here nothing but the data set is missing, or one trial is trained."""
    small = ["--trials", "1", "-q", "--db", workplace / "new.db", "--set", "epochs=1"]
    answer = attempt(FILES[name], *small)
    assert answer.code == (0 if "digits" in name else 1), answer.err
