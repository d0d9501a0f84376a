"""Tests of new experiment files: all that they say, also in their comments, is taken by sweep."""

import re
import tomllib

import pytest

from sweep.errors import SweepError
from sweep.experiment.file import load, parse, shipped_files
from sweep.experiment.schema import FILE, LINE, schema_text
from sweep.experiment.template import FUNCTION, NETWORK, new_files, write_new

TEMPLATES = {"network": NETWORK.replace("{name}", "x"), "function": FUNCTION.format(name="x", module="mine")}
ALTERNATIVES = [
    (kind, block)
    for kind, text in TEMPLATES.items()
    for block in re.findall(
        r"^# (?:\w+ = .*\n(?:#     .*\n# \] \}.*\n|#     .*\n)*|\[\w+\].*\n(?:# .*\n)+)", text, re.M
    )
]


def test_the_alternatives_are_found():
    assert len(ALTERNATIVES) >= 20


@pytest.mark.parametrize(("kind", "block"), ALTERNATIVES, ids=lambda value: value.split("=")[0].strip("# \n"))
def test_every_alternative_is_one(kind, block):
    text, alternative = TEMPLATES[kind], re.sub(r"(?m)^# ", "", block)
    key = re.match(r"(\w+) =", alternative)
    table = tomllib.loads(text)
    if key and key[1] not in table:  # of a section; what it excludes is removed
        text = re.sub(rf"(?m)^{key[1]} = .*\n", "", text)
        text = re.sub(r"(?m)^hidden = .*\n", "", text) if key[1] == "layers" else text
    text = text.replace(block, alternative)
    if key and key[1] == "trainer":
        text = text.replace('trainer = "mine:train"\n', "")
    if key and key[1] == "task":
        text = re.sub(r"(?ms)^dataset = \"digits.*?\n|^\[objective\].*?(?=^#)", "", text)
        text = re.sub(r"(?m)^# (dataset = .*csv.*)", r"\1", text)
    if key and key[1] in ("dataset", "optimizer") and kind == "network":
        text = re.sub(rf"(?m)^{key[1]} = (?!{re.escape(alternative.partition('= ')[2][:20])}).*\n", "", text, count=1)
    if key and key[1] == "activation":
        text = re.sub(r"(?m)^activation = \{ kind.*\n", "", text)
    parse(text, "template")


@pytest.mark.parametrize("kind", TEMPLATES)
def test_the_names_behind_a_value_are_alternatives_to_it(kind):
    text = TEMPLATES[kind]
    for line, key, comment in re.findall(r"(?m)^((?:# )?(\w+) = \S.*?  +# (.*\|?.*))$", text):
        for name in re.findall(r"(?:^|\| )([a-z_]+)(?= \||:|$| \(default\))", comment) if "|" in comment else []:
            section = "".join(re.findall(r"(?m)^# \[stopping\].*$", text)) if key == "kind" else ""
            changed = text.replace(section, "[stopping]") if section else text
            parse(changed.replace(line, f'{key} = "{name}"'), f"{key} = {name}")


def test_what_is_there_stays(tmp_path):
    file = tmp_path / "my first sweep.toml"
    files = new_files(file, trainer=tmp_path / "mine.py")
    (tmp_path / "mine.py").write_text("# my work\n")
    assert write_new(files) == ([file, tmp_path / FILE], [tmp_path / "mine.py"])
    assert (tmp_path / "mine.py").read_text() == "# my work\n"
    assert load(file).name == "my-first-sweep"
    file.write_text("# my work\n")
    with pytest.raises(SweepError, match="is there already"):
        write_new(files)
    assert file.read_text() == "# my work\n"
    assert write_new(files, overwrite=True)[0] == [file]


def test_the_experiment_is_written_last(tmp_path, monkeypatch):
    file, done = tmp_path / "x.toml", []
    files = new_files(file, trainer=tmp_path / "mine.py")
    monkeypatch.setattr("sweep.experiment.template.write_whole", lambda path, _: done.append(path.name))
    write_new(files)
    assert done == ["mine.py", FILE, "x.toml"]


@pytest.mark.parametrize("name", shipped_files())
def test_a_copy_differs_by_its_name_alone(tmp_path, name):
    file = tmp_path / "copy.toml"
    write_new(new_files(file, source=name))
    original = shipped_files()[name].read_text("utf-8")
    assert file.read_text("utf-8") == original.replace(f'name = "{name}"', 'name = "copy"', 1)
    assert original.startswith(LINE) and (tmp_path / FILE).read_text("utf-8") == schema_text()
    needed = set(re.findall(r"[\w-]+\.(?:csv|py)\b|\w+(?=:train)", "\n".join(original.splitlines()[3:])))
    assert {path.removesuffix(".py") for path in needed} <= {
        path.name.removesuffix(".py") for path in tmp_path.iterdir()
    }
