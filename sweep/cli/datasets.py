"""Commands on data sets: which there are, what is in them, how they are downloaded and checked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from sweep.cli.manual import Group
from sweep.cli.options import Data, Format, app, check_files, print_table, say, write_figure
from sweep.errors import DataError, SweepError, UsageError, counted, suggest

if TYPE_CHECKING:
    from sweep.data import Dataset
    from sweep.data.sources import Places

data_app = typer.Typer(
    cls=Group,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="The data sets that can be trained on: which there are, what is in them, and whether their files are whole.",
)
app.add_typer(data_app, name="data")

WHAT = {
    "cifar10": ("color photographs of ten kinds of things", "50000 train, 10000 test"),
    "csv": ("a table of your own: one row for each sample, a column with the label", ""),
    "digits": ("handwritten digits that come with scikit-learn", "1347 train, 450 test"),
    "fashion_mnist": ("pictures of clothes, in the files of MNIST", "60000 train, 10000 test"),
    "mnist": ("handwritten digits", "60000 train, 10000 test"),
    "npz": ("arrays of your own: x_train, t_train, x_test and t_test", ""),
}
"""Kind of a data set -> what it is, and its samples where they are known."""

DataName = Annotated[
    str,
    typer.Argument(metavar="NAME|FILE", help="One of `sweep data list`, or a file of your own: mine.csv, mine.npz."),
]
Label = Annotated[
    str | None, typer.Option(help="Of a CSV file: the column that is predicted, such as species.", metavar="COLUMN")
]
Task = Annotated[
    Literal["classification", "regression"] | None,
    typer.Option(help="What is predicted, where the target does not tell: classes or numbers."),
]
Print = Annotated[Format, typer.Option(help="How to print the table.")]


@data_app.command("list", epilog="Example: `sweep data list` — the data sets that sweep knows, and where they are")
def list_(data: Data = None, format: Print = "table") -> None:
    """List the data sets that sweep knows: what each is, its samples, shape and classes, and where it is found."""
    import pandas as pd

    from sweep.data import KINDS

    rows = []
    for name, kind in KINDS.items():
        what, samples = WHAT.get(name, ("", ""))
        shape = "×".join(map(str, kind.shape)) if kind.shape else ""
        found = _found(name, data)
        rows.append({"data set": name, "what": what, "samples": samples, "shape": shape, "classes": kind.classes})
        rows[-1]["found"] = found
    frame = pd.DataFrame(rows).astype({"classes": "Int64"})
    print_table(frame, format, "Data sets", "--format csv")


def _found(kind: str, folder: Path | None) -> str:
    """Return where a data set is, or how it is obtained."""
    from sweep.data import KINDS
    from sweep.data.published import PUBLISHED

    if kind not in PUBLISHED and kind != "digits":
        return f'dataset = {{ kind = "{kind}", file = … }}'
    try:
        return str(KINDS[kind].locate(_places(folder)).files[0].parent)
    except DataError:
        return f"sweep data fetch {kind}" if kind in PUBLISHED else "install scikit-learn"


@data_app.command(epilog="Example: `sweep data show digits -o digits.png` — what is in a data set, with a picture")
def show(
    name: DataName,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Draw it to this .png or .svg.", metavar="FILE")
    ] = None,
    label: Label = None,
    task: Task = None,
    transform: Annotated[Literal["none", "deskew"], typer.Option(help="Of images: as they are, or upright.")] = "none",
    class_: Annotated[
        str | None, typer.Option("--class", help="With -o: draw 25 samples of this class.", metavar="CLASS")
    ] = None,
    features: Annotated[
        bool, typer.Option("--features", help="Print each feature: range, mean, and whether it is constant.")
    ] = False,
    data: Data = None,
    format: Print = "table",
) -> None:
    """Show what is in a data set: samples, ranges, constant features, missing values, duplicates, and each class.

    With -o, images are drawn: one of each class, and the mean of each; of tables a histogram of each feature.
    """
    import pandas as pd

    from sweep.data import open_dataset, prepare, remarks
    from sweep.data.facts import feature_names, overview
    from sweep.data.facts import features as feature_rows

    check_files(output, None)
    kind, options = _named(name, label)
    with _asking_for_the_task(task):
        dataset = open_dataset(prepare(kind, folder=data, task=task, transform=transform, **options))
    if class_ is not None and class_ not in dataset.class_names:
        raise UsageError(f"{name} has no class {class_!r}; {suggest(class_, dataset.class_names)}")
    rows = feature_rows(dataset) if features else overview(dataset)
    frame = pd.DataFrame(rows)
    if not features:
        frame = frame.astype(dict.fromkeys(dataset.parts, object))
    print_table(frame, format, f"Data set {dataset.name}", "--format csv")
    for remark in remarks(dataset):
        say(remark)
    if output is not None:
        write_figure(lambda: _picture(dataset, class_, feature_names(dataset)), output)
        say(f"picture: {output}")


def _picture(dataset: Dataset, class_: str | None, names: tuple[str, ...]) -> Any:
    """Draw samples of images, histograms of the features of tables."""
    import numpy as np

    from sweep.data.facts import one_of_each
    from sweep.results.plots.examples import samples
    from sweep.results.plots.features import feature_histograms

    train = dataset.train
    if class_ is not None:
        rows = np.flatnonzero(train.t == dataset.class_names.index(class_))
        drawn, part = rows[:25], "training part"
        if not len(drawn):
            raise DataError(f"the class {class_} has no sample in the training part")
        facts = f"{len(drawn)} of {counted(len(rows), 'sample')} of {class_} in the {part}"
        return samples(_images(dataset, train.x[drawn]), [f"#{row}" for row in drawn], title=dataset.name, facts=facts)
    if len(dataset.shape) != 3 or not dataset.class_names:
        return feature_histograms(train.x, names, title=f"{dataset.name}, training part")
    first = one_of_each(dataset, train, 10)
    classes = [int(train.t[row]) for row in first]
    means = np.array([train.x[train.t == index].mean(axis=0) for index in classes])
    pictures = np.concatenate([train.x[first].astype(np.float64), means])
    words = [dataset.class_names[index] for index in classes]
    which = "each class" if len(words) == len(dataset.class_names) else f"the first {len(words)} classes"
    facts = f"one of {which}, and below the mean of each, training part"
    names_ = [*words, *(f"mean of {word}" for word in words)]
    return samples(_images(dataset, pictures), names_, title=dataset.name, facts=facts)


def _images(dataset: Dataset, x: Any) -> Any:
    return x.reshape(len(x), *dataset.shape)


@data_app.command(epilog="Example: `sweep data fetch mnist --data data` — download MNIST into the folder data")
def fetch(
    name: Annotated[str, typer.Argument(metavar="NAME", help="mnist, fashion_mnist or cifar10.")],
    data: Data = None,
    format: Print = "table",
) -> None:
    """Download a data set from where it is published, and compare it with the digests of what was published.

    It goes into the folder of --data or SWEEP_DATA, else into a folder of your own where `sweep run` looks, too.
    """
    from sweep.data.fetching import fetch as download
    from sweep.data.fetching import verify as check
    from sweep.data.sources import Places, user_data_folder

    places = _places(data)
    folder = places.data_folder or user_data_folder()
    if folder is None:
        raise UsageError("this user has no home folder; name the folder for the data set with --data DIR")
    if _is_here(name, places):
        say(f"{name} is there already, as it was published: {_found(name, data)}")
        files = check(name, places)
    else:
        with _downloading() as progress:
            paths = download(name, folder, progress)
        say(f"{name} is in {paths[0].parent}, {counted(len(paths), 'file')} as published")
        files = check(name, Places(folder, None))
    _print_checks(files, format, f"Data set {name}")


def _is_here(name: str, places: Places) -> bool:
    from sweep.data.fetching import DIFFERENT
    from sweep.data.fetching import verify as check
    from sweep.data.published import PUBLISHED

    if name not in PUBLISHED:
        return False
    try:
        return all(each.verdict != DIFFERENT for each in check(name, places))
    except DataError:
        return False


@contextmanager
def _downloading() -> Iterator[Any]:
    """Yield a function that shows how far a download is, as a bar in a terminal, else as a line for each file."""
    from sweep.cli.output.progress import counting

    begun: set[str] = set()
    with counting("downloading") as bar:

        def progress(name: str, done: int, total: int) -> None:
            if name not in begun:
                begun.add(name)
                say(f"downloading {name}" + (f", {total / 1e6:.1f} MB" if total else ""))
            bar(done, total)

        yield progress


@data_app.command(epilog="Example: `sweep data verify mnist` — whether the files are those that were published")
def verify(name: DataName, label: Label = None, task: Task = None, data: Data = None, format: Print = "table") -> None:
    """Check the files of a data set: their SHA-256 against what was published, and that all of them can be read.

    The exit code is 1 if a file differs from what was published, or cannot be read.
    """
    from sweep.data.fetching import DIFFERENT, check_readable
    from sweep.data.fetching import verify as check

    kind, options = _named(name, label)
    places = _places(data)
    files = check(kind, places, **options)
    _print_checks(files, format, f"Data set {name}")
    with _asking_for_the_task(task):
        samples = check_readable(kind, places, task, **options)
    if wrong := [each.path for each in files if each.verdict == DIFFERENT]:
        raise SweepError(f"{wrong[0]} is not the published file: move it away and type `sweep data fetch {name}`")
    say(f"{name} can be read: " + ", ".join(f"{counted(count, 'sample')} in {part}" for part, count in samples.items()))


@contextmanager
def _asking_for_the_task(task: str | None) -> Iterator[None]:
    """Name the option where an error names the key of an experiment file."""
    try:
        yield
    except DataError as error:
        if task is None and "data.task = " in str(error):
            words = str(error).replace('data.task = "regression"', "--task regression")
            raise UsageError(words.replace('data.task = "classification"', "--task classification")) from error
        raise


def _print_checks(files: Any, format: Format, title: str) -> None:
    import pandas as pd

    rows = [{"file": str(each.path), "verdict": each.verdict, "sha256": each.sha256} for each in files]
    print_table(pd.DataFrame(rows), format, title, "--format csv")


def _places(folder: Path | None) -> Places:
    from sweep.data.sources import Places

    return Places(folder, None)


def _named(name: str, label: str | None) -> tuple[str, dict[str, Any]]:
    """Return the kind of a data set and its options; a file's kind is told by how its name ends.

    Raises:
        UsageError: when a table has no label, or there is no such data set.
    """
    from sweep.data import KINDS

    stem = name.lower().removesuffix(".gz")
    if stem.endswith(".npz"):
        return "npz", {"file": name}
    if stem.endswith((".csv", ".tsv", ".txt")):
        if label is None:
            raise UsageError(f"say which column of {name} is predicted, such as --label species")
        return "csv", {"file": name, "label": label}
    if name in ("csv", "npz"):
        raise UsageError(f"name the file itself, such as mine.{name}")
    if name not in KINDS:
        raise UsageError(f"there is no data set {name!r}, nor does it end in .csv or .npz; {suggest(name, KINDS)}")
    return name, {}
