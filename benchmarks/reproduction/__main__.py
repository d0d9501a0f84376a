"""`python -m benchmarks.reproduction`: train what the documents report, and write the pages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import sweep
from benchmarks.reproduction.exports import Results, check_trials, compared, export, further_tables
from benchmarks.reproduction.figures import FigureError, rendered
from benchmarks.reproduction.pages import PAGES, SUBJECTS, Page
from benchmarks.reproduction.trainings import ended, trained

RESULTS = Path(__file__).parents[2] / "results"


def main(
    only: Annotated[str, typer.Option(help="Names of the pages, with commas between them; else all.")] = "",
    data: Annotated[Path | None, typer.Option(help="Folder of the data sets; else SWEEP_DATA.")] = None,
    db: Annotated[Path, typer.Option(help="Database in which the sweeps are kept.")] = RESULTS / "reference.db",
    workers: Annotated[int | None, typer.Option(help="Processes that train; else as many as there are cores.")] = None,
    pages: Annotated[bool, typer.Option("--pages", help="Train nothing: write what has been trained so far.")] = False,
) -> None:
    """Train the sweeps of the pages, or go on with them; export them; write the pages."""
    names = [name.strip() for name in only.split(",") if name.strip()] or list(PAGES)
    if unknown := [name for name in names if name not in PAGES]:
        raise typer.BadParameter(f"there is no page {unknown[0]!r}; there are {', '.join(PAGES)}")
    try:
        for name in names:
            folder = RESULTS / "reference" / name
            export_all(PAGES[name], folder, db, data, workers, is_training=not pages)
            if not PAGES[name].is_there(Results(folder)):
                typer.echo(f"{name}: nothing is there yet", err=True)
                continue
            write(name, folder)
            typer.echo(f"{name}: wrote {folder.relative_to(RESULTS.parent)}", err=True)
        (RESULTS / "reference" / "README.md").write_text(index(RESULTS / "reference"))
    except (sweep.SweepError, FigureError, FileNotFoundError, ValueError) as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(1) from error


def export_all(
    page: Page, folder: Path, db: Path, data: Path | None, workers: int | None, *, is_training: bool
) -> None:
    """Export the sweeps of a page, trained now where that is asked for, else as far as they have ended."""
    found = {}
    for training in page.trainings:
        one = trained(training, db, data, workers) if is_training else ended(training, db)
        if one is not None:
            found[training.name] = one
            typer.echo(export(one, training, folder), err=True)
    if found and is_training:
        page.go_on(found, db, data, workers)
    if found or not page.trainings:
        before = further_tables(folder, page.trainings)
        page.add(found, folder, data)
        for name, table in further_tables(folder, page.trainings).items():
            typer.echo(f"{name}: {compared(before.get(name), table)}", err=True)


def index(folder: Path) -> str:
    """Return the list of all pages, with those that are not there yet."""
    rows = [(name, subject, (folder / name / "README.md").exists()) for name, subject in SUBJECTS.items()]
    return rendered("index.md", {"rows": rows})


def write(name: str, folder: Path) -> None:
    """Write the page and the charts from the exports in a folder.

    Raises:
        FigureError: when it states a figure that is not in the data.
        ValueError: when the exports contradict each other.
    """
    page, results = PAGES[name], Results(folder)
    names = [training.name for training in page.trainings if (folder / f"{training.name}.json").exists()]
    abouts = {training: results.about(training) for training in names}
    for training in names:
        check_trials(results, training)
    content = {"name": name, "abouts": abouts, **page.content(results)}
    (folder / "README.md").write_text(rendered(page.template, content))
    page.draw(results)


if __name__ == "__main__":
    typer.run(main)
