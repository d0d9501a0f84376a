"""The tables: one schema for SQLite and PostgreSQL, with a comment on each table and column."""

from __future__ import annotations

from typing import Any, get_args

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    event,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateColumn

from sweep.records import STATUSES, Decided
from sweep.store.columns import Number, Time, Words

VERSION = 9
"""Version of the schema: the number of the last revision in `migrations/versions`."""
APPLICATION_ID = 0x53574550
"""Marks a SQLite file as ours ("SWEP"), as `application_id`."""

PLANNED = "epochs after which it is completed; 0 where not known"
RANKED = "epochs of an ended training by which it ranks while a longer one is not completed"
TARGET = "epochs after which it pauses until a stopping rule decides; none where it does not pause"
TOLD = "configurations whose results the sampler was told before this draw, as JSON"
EXEMPT = "why no stopping rule ends it: audit | continued"
CHOSEN = "epoch that stands for a trial: best | last"
WHOSE = "trial of the sweep, by its number; none where it is about the sweep itself"
CORRECT = "unused bits at the end; then one bit for each example of the objective's part, 1 if right at best_epoch"

metadata = MetaData()


def _utc(name: str, comment: str) -> Column[Any]:
    return Column(name, Time, comment=f"{comment}, UTC")


sweeps = Table(
    "sweeps",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(100), nullable=False, unique=True, comment="name on the command line"),
    Column("description", Text, nullable=False, comment="one line from the experiment file"),
    _utc("created", "when the sweep was begun"),
    Column("trials", Integer, nullable=False, comment="number of trials drawn"),
    Column("repeats", Integer, nullable=False, server_default="1", comment="trainings of each configuration"),
    Column("epochs", Integer, nullable=False, comment="epochs of the longest trial"),
    Column("seed", BigInteger, nullable=False, comment="seed of all draws"),
    Column("experiment", Text, nullable=False, comment="the experiment file, exactly as it was read"),
    Column("format", Integer, nullable=False, server_default="1", comment="format of the experiment file"),
    Column("overrides", JSON, nullable=False, comment="what the command line changed in it, as KEY=VALUE"),
    Column("fingerprint", String(64), nullable=False, comment="SHA-256 of all that decides the draws"),
    Column("objective", String(255), nullable=False, server_default="test_accuracy", comment="metric ranked by"),
    Column("direction", String(3), nullable=False, server_default="max", comment="what is better: max | min"),
    Column("objective_epoch", String(4), nullable=False, server_default="best", comment=CHOSEN),
    Column("tie_break", String(255), comment="metric that orders equal values, the lower one first"),
    Column("datasets", JSON, nullable=False, comment="each data set, as configured, with the SHA-256 of its files"),
    Column("data_folder", Text, comment="folder in which the data sets were found"),
    Column("experiment_folder", Text, comment="folder of the experiment file"),
    Column("environment", JSON, nullable=False, comment="versions of packages, BLAS and CPU"),
    Column("digest", String(64), comment="SHA-256 over this row"),
    Column("planned_trials", Integer, comment="number of trials in all where some are drawn only later"),
    Column("ended", Text, comment="why no more trials were started, if that was for a budget"),
    comment="one row for each sweep",
)

trials = Table(
    "trials",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("sweep_id", ForeignKey("sweeps.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False, comment="position in the sweep, dense from 0"),
    Column("repeat", Integer, nullable=False, server_default="0", comment="training of its configuration, from 0"),
    Column("status", String(11), nullable=False, comment=" | ".join(STATUSES)),
    Column("attempt", Integer, nullable=False, comment="how often the trial has been started"),
    Column("crashes", Integer, nullable=False, server_default="0", comment="how often its worker process has crashed"),
    Column("owner", Text, comment="host:process@start:parent@start that trains it, or did last"),
    _utc("heartbeat", "when its owner last wrote"),
    _utc("started", "when this attempt began"),
    _utc("finished", "when this attempt ended"),
    Column("seconds", Number, comment="training time of this attempt, in seconds of wall time"),
    Column("error", Words, comment="why it failed, in one sentence"),
    Column("traceback", Words, comment="Python traceback of the failure"),
    Column("log", Words, comment="end of what a command of the user wrote"),
    Column("diverged_epoch", Integer, comment="epoch in which the first value that is not finite appeared"),
    Column("diverged_step", Integer, comment="mini-batch within that epoch, from 1"),
    Column("diverged_place", Text, comment="computation that gave it, such as hidden[1]/backward"),
    Column("diverged_kind", String(8), comment="overflow | invalid | divide"),
    Column("seed_weights", BigInteger, nullable=False, comment="seed of the first weights"),
    Column("seed_shuffling", BigInteger, nullable=False, comment="seed of the order of samples"),
    Column("seed_dropout", BigInteger, nullable=False, comment="seed of dropout"),
    Column("configuration", JSON, nullable=False, comment="data, network and training, all values drawn"),
    Column("planned_epochs", Integer, nullable=False, server_default="0", comment=PLANNED),
    Column("best_value", Number, comment="value of the objective of the sweep at the epoch best_epoch"),
    Column("best_epoch", Integer, comment="epoch that stands for the trial by the objective of the sweep"),
    Column("tie_value", Number, comment="value of the metric tie_break of the sweep at that epoch"),
    Column("last_epoch", Integer, comment="last epoch recorded; 0 is the untrained network"),
    Column("drawn_digest", String(64), comment="SHA-256 over number, seeds, configuration and parameters"),
    Column(
        "digest",
        String(64),
        comment="SHA-256 over all that is kept of the trial; none while it is running",
    ),
    Column("weights", Text, comment="file of the kept weights, relative to the folder of the database"),
    Column("weights_epoch", Integer, comment="epoch that they are of"),
    Column("checkpoint", Text, comment="file to go on from if its worker dies, relative to the same folder"),
    Column("checkpoint_epoch", Integer, comment="epoch that it is of"),
    Column("weights_sha256", String(64), comment="SHA-256 of the file weights"),
    Column("checkpoint_sha256", String(64), comment="SHA-256 of the file checkpoint"),
    Column("ranked_epochs", Integer, comment=RANKED),
    Column("round", Integer, comment="group that was drawn together and is compared by stopping rules; none for 0"),
    Column("target_epochs", Integer, comment=TARGET),
    Column("exempt", String(9), comment=EXEMPT),
    Column("told", JSON(none_as_null=True), comment=TOLD),
    Column("redraws", Integer, comment="draws outside of the limits before this one; none for 0"),
    Column("network_parameters", Integer, comment="number of values that its network learns"),
    Column("multiplications", BigInteger, comment="multiplications of its network for one sample"),
    Column("taken_from", Text, comment="trial of an earlier sweep whose training it has taken over"),
    Column("finding", Words, comment="what is wrong with how it learned, in one clause; none where nothing is"),
    Column("forked_from", Text, comment="trial and epoch, as SWEEP/TRIAL@EPOCH, whose state it has gone on from"),
    Column("correct", LargeBinary, comment=CORRECT),
    UniqueConstraint("sweep_id", "number"),
    CheckConstraint(f"status IN ({', '.join(repr(s) for s in STATUSES)})", name="known_status"),
    Index("ranking", "sweep_id", "status", "best_value", "ranked_epochs"),
    comment="one row for each trial",
)

epochs = Table(
    "epochs",
    metadata,
    Column("trial_id", ForeignKey("trials.id", ondelete="CASCADE"), primary_key=True),
    Column("epoch", Integer, primary_key=True, autoincrement=False, comment="0 is the untrained network"),
    Column("train_loss", Number, comment="mean over the training part"),
    Column("train_accuracy", Number, comment="fraction in [0, 1]"),
    Column("test_loss", Number, comment="mean over the test part"),
    Column("test_accuracy", Number, comment="fraction in [0, 1]"),
    Column("seconds", Number, nullable=False, comment="wall time of the epoch, its evaluation included"),
    Column("metrics", JSON, comment="all other metrics, by name"),
    comment="one row for each epoch of each trial",
    sqlite_with_rowid=False,
)

batches = Table(
    "batches",
    metadata,
    Column("trial_id", ForeignKey("trials.id", ondelete="CASCADE"), primary_key=True),
    Column("epoch", Integer, primary_key=True, autoincrement=False, comment="from 1"),
    Column("step", Integer, primary_key=True, autoincrement=False, comment="mini-batch within the epoch, from 1"),
    Column("loss", Number, nullable=False, comment="mean over the mini-batch, before the step"),
    comment="one row for each mini-batch of trials with training.record_batches",
    sqlite_with_rowid=False,
)

decisions = Table(
    "decisions",
    metadata,
    Column("trial_id", ForeignKey("trials.id", ondelete="CASCADE"), primary_key=True),
    Column("epoch", Integer, primary_key=True, autoincrement=False, comment="epoch after which it was decided"),
    Column("rule", String(50), primary_key=True, comment="kind of the stopping rule"),
    Column("decision", String(5), nullable=False, comment=" | ".join(get_args(Decided))),
    Column("value", Number, comment="what the rule looked at"),
    Column("threshold", Number, comment="what it was compared with"),
    Column("target_epochs", Integer, comment="epochs to which the trial goes on; none for its end"),
    Column("reason", Text, nullable=False, comment="why, in one clause"),
    comment="one row for each decision of a stopping rule about a trial",
    sqlite_with_rowid=False,
)

parameters = Table(
    "parameters",
    metadata,
    Column("trial_id", ForeignKey("trials.id", ondelete="CASCADE"), primary_key=True),
    Column("name", String(255), primary_key=True, comment="dotted path, such as training.batch_size"),
    Column("type", String(5), nullable=False, comment="int | float | bool | str"),
    Column("number", Number, comment="value of an int, a float or a bool (0 or 1)"),
    Column("text", Text, comment="value of a str"),
    comment="one row for each drawn value of each trial",
    sqlite_with_rowid=False,
)

notes = Table(
    "notes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("sweep_id", ForeignKey("sweeps.id", ondelete="CASCADE"), nullable=False),
    Column("trial_number", Integer, comment=WHOSE),
    Column("text", Words, nullable=False, comment="what was noted"),
    Column("written", Time, nullable=False, comment="when it was noted, UTC"),
    Index("notes_of_sweeps", "sweep_id"),
    comment="one row for each note on a sweep or a trial",
)

tags = Table(
    "tags",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("sweep_id", ForeignKey("sweeps.id", ondelete="CASCADE"), nullable=False),
    Column("trial_number", Integer, comment=WHOSE),
    Column("tag", String(100), nullable=False, comment="one word"),
    UniqueConstraint("sweep_id", "trial_number", "tag"),
    comment="one row for each tag of a sweep or a trial",
)
_of_sweep = tags.c.trial_number.is_(None)
# Databases take two rows for different where a column of a unique constraint has no value.
_tags_of_sweeps = Index("tags_of_sweeps", tags.c.sweep_id, tags.c.tag, unique=True, sqlite_where=_of_sweep)


@event.listens_for(tags, "before_create")
def _complete_index(table: Table, connection: Connection, **_: Any) -> None:
    """Give the index its condition for PostgreSQL, whose dialect would else be imported for SQLite, too."""
    if connection.dialect.name == "postgresql":
        _tags_of_sweeps.dialect_options["postgresql"]["where"] = _of_sweep


parameter_names = Table(
    "parameter_names",
    metadata,
    Column("sweep_id", ForeignKey("sweeps.id", ondelete="CASCADE"), primary_key=True),
    Column("name", String(255), primary_key=True, comment="dotted path, such as training.batch_size"),
    Column("short_name", String(255), nullable=False, comment="the end of it that is unique in the sweep"),
    Column("type", String(5), nullable=False, comment="int | float | bool | str | mixed"),
    comment="one row for each parameter of each sweep, for the views",
    sqlite_with_rowid=False,
)

wide_views = Table(
    "wide_views",
    metadata,
    Column("sweep_id", ForeignKey("sweeps.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("view", String(100), nullable=False, comment="view with one row for each trial of the sweep"),
    comment="one row for each sweep",
)

is_completed = trials.c.status == "completed"
is_ranked_by_earlier = trials.c.ranked_epochs.is_not(None)
is_ranked = is_completed | is_ranked_by_earlier
"""The condition that a trial is ranked, which the view repeats."""


@compiles(CreateColumn, "sqlite")
def _keep_comment(element: CreateColumn, compiler: Any, **options: Any) -> str:
    """Write a column's comment into the statement, which SQLite keeps word for word and shows as `.schema`."""
    text: str = compiler.visit_create_column(element, **options)
    comment = element.element.comment
    return f"{text} /* {comment} */" if comment else text
