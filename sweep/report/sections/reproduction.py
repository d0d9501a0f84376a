"""How to do it again: command, file, seeds, versions, hashes, and the checklist."""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Iterator

from sweep.pack.checklist import checklist
from sweep.report.content import Item, Section, Table, Text, pairs
from sweep.report.source import Source

ITEM = re.compile(r"- \[(?P<done>[x ])\] (?P<text>.*)", re.DOTALL)
MARKS = {"x": "✓", " ": "☐"}


def section(source: Source) -> Section:
    """Return what somebody needs who wants the same figures."""
    record = source.record
    texts = (Text("Commands", _commands(source)), Text(f"{record.name}.toml", record.experiment))
    tables = (pairs("Versions and hashes", [*_facts(source)]), *_seeds(source))
    words = (f"Save the file below as {record.name}.toml. The same file and seed draw and train the same trials.",)
    if source.parent is not None:
        words = (f"These trials were made from those of {source.parent}; train that sweep first.",)
    return Section("again", "How to do it again", words, tables=tables, texts=texts, more=(_checklist(source),))


def _commands(source: Source) -> str:
    record, name = source.record, shlex.quote(source.record.name)
    changes = "".join(f" --set {shlex.quote(change)}" for change in record.overrides)
    named = "" if source.table.get("name", record.name) == record.name else f" --name {name}"
    run = f"sweep run {shlex.quote(f'{record.name}.toml')}{changes}{_count(source)}{named}"
    rest = [f"sweep report {name} -o report.html", f"sweep pack {name} -o {shlex.quote(f'{record.name}.zip')}"]
    return "\n".join([*([run] if source.parent is None else []), *rest])


def _count(source: Source) -> str:
    """Return the option for another number of trials than that of the file."""
    given, drawn = source.table.get("trials"), source.progress.total // source.record.repeats
    return f" --trials {drawn}" if isinstance(given, int) and given != drawn and source.parent is None else ""


def _facts(source: Source) -> Iterator[tuple[str, str]]:
    record = source.record
    yield "seed of the draws", str(record.seed)
    yield "fingerprint of the experiment", record.fingerprint
    yield "SHA-256 of the file", hashlib.sha256(record.experiment.encode()).hexdigest()
    for entry in record.datasets:
        dataset = entry.get("dataset", "")
        kind = dataset.get("kind", dataset) if isinstance(dataset, dict) else dataset
        yield f"SHA-256 of the data set {kind}", str(entry.get("sha256"))
    for key, value in record.environment.items():
        yield ("SHA-256 of the trainer" if key == "trainer" else key), str(value)


def _seeds(source: Source) -> Iterator[Table]:
    numbers = list(source.winners)
    if not numbers:
        return
    seeds = [source.results.trial(number).seeds for number in numbers]
    rows = tuple(
        (str(number), str(each.weights), str(each.shuffling), str(each.dropout))
        for number, each in zip(numbers, seeds, strict=True)
    )
    name = shlex.quote(source.record.name)
    pack = f"`sweep pack {name} -o {shlex.quote(f'{source.record.name}.zip')}`"
    note = f"Those of all trials are in the file trials.csv of the pack that {pack} writes."
    columns = ("trial", "weights", "shuffling", "dropout")
    yield Table("Seeds of the best", columns, rows, (True,) * 4, tuple(row[0] for row in rows), note)


def _checklist(source: Source) -> Section:
    """Return the checklist that a pack of the sweep holds, each part of it as a list."""
    parts: list[Section] = []
    _, *chapters = re.split(r"^## ", checklist(source.results.store, source.record), flags=re.MULTILINE)
    for chapter in chapters:
        title, _, body = chapter.partition("\n")
        found = [ITEM.match(entry) for entry in re.split(r"\n(?=- \[)", body.strip())]
        items = tuple(Item(MARKS[each["done"]], "", _one_line(each["text"]), is_marked=True) for each in found if each)
        parts.append(Section(f"check-{len(parts)}", title, items=items))
    words = (
        "After the Machine Learning Reproducibility Checklist, version 2.0. The pack is the file that "
        f"`sweep pack {source.record.name} -o {source.record.name}.zip` writes. What is not ticked is for the author.",
    )
    return Section("checklist", "Checklist", words, more=tuple(parts))


def _one_line(text: str) -> str:
    """Return an item with what stands below it as a list in one line."""
    head, *rest = re.split(r"\n\s*- ", text.strip())
    return f"{head}: {'; '.join(rest)}" if rest else head
