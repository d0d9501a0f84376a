"""Trials that pause for the decisions of stopping rules, sweeps that grow, and the sizes of networks.

The digests of rows stay as they are: columns that came with this schema count only where they hold something.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import JSON, BigInteger, Column, Double, ForeignKey, Integer, String, Text, text

revision = "0006"
down_revision = "0005"

OLD_STATUSES = ("queued", "running", "completed", "diverged", "failed", "pruned", "interrupted")
STATUSES = ("queued", "running", "paused", "completed", "diverged", "failed", "pruned", "interrupted")
COMMENTED = " | "
LISTED = ", "


def upgrade() -> None:
    """Allow the status `paused`; add columns and the table of decisions."""
    if op.get_context().dialect.name == "sqlite":
        _rewrite_table()
    else:
        op.drop_constraint("known_status", "trials")
        op.create_check_constraint("known_status", "trials", _check(STATUSES))
        op.alter_column("trials", "status", existing_type=String(11), comment=COMMENTED.join(STATUSES))
    _add_columns()
    _create_decisions()


def _check(statuses: tuple[str, ...]) -> str:
    return f"status IN ({LISTED.join(map(repr, statuses))})"


def _rewrite_table() -> None:
    """Change the check of a column in the text of the table.

    SQLite has no statement for it, and to copy a table means to delete the old one, and with it the rows that belong to
    its rows. This is the procedure of https://sqlite.org/lang_altertable.html#otheralter.
    """
    connection = op.get_bind()
    version = connection.execute(text("PRAGMA schema_version")).scalar_one()
    connection.execute(text("PRAGMA writable_schema = ON"))
    for old, new in ((_check(OLD_STATUSES), _check(STATUSES)), (_comment(OLD_STATUSES), _comment(STATUSES))):
        changed = "UPDATE sqlite_master SET sql = replace(sql, :old, :new) WHERE type = 'table' AND name = 'trials'"
        connection.execute(text(changed), {"old": old, "new": new})
    connection.execute(text(f"PRAGMA schema_version = {version + 1}"))
    connection.execute(text("PRAGMA writable_schema = OFF"))


def _comment(statuses: tuple[str, ...]) -> str:
    return f"/* {COMMENTED.join(statuses)} */"


def _add_columns() -> None:
    target = "epochs after which it pauses until a stopping rule decides; none where it does not pause"
    told = "configurations whose results the sampler was told before this draw, as JSON"
    rounds = "group that was drawn together and is compared by stopping rules; none for 0"
    for new in (
        Column("round", Integer, comment=rounds),
        Column("target_epochs", Integer, comment=target),
        Column("exempt", String(9), comment="why no stopping rule ends it: audit | continued"),
        Column("told", JSON, comment=told),
        Column("redraws", Integer, comment="draws outside of the limits before this one; none for 0"),
        Column("network_parameters", Integer, comment="number of values that its network learns"),
        Column("multiplications", BigInteger, comment="multiplications of its network for one sample"),
        Column("taken_from", Text, comment="trial of an earlier sweep whose training it has taken over"),
    ):
        op.add_column("trials", new)
    planned = "number of trials in all where some are drawn only later"
    op.add_column("sweeps", Column("planned_trials", Integer, comment=planned))
    ended = "why no more trials were started, if that was for a budget"
    op.add_column("sweeps", Column("ended", Text, comment=ended))


def _create_decisions() -> None:
    op.create_table(
        "decisions",
        Column("trial_id", Integer, ForeignKey("trials.id", ondelete="CASCADE"), primary_key=True),
        Column("epoch", Integer, primary_key=True, autoincrement=False, comment="epoch after which it was decided"),
        Column("rule", String(50), primary_key=True, comment="kind of the stopping rule"),
        Column("decision", String(5), nullable=False, comment="go on | stop | audit"),
        Column("value", Double, comment="what the rule looked at"),
        Column("threshold", Double, comment="what it was compared with"),
        Column("target_epochs", Integer, comment="epochs to which the trial goes on; none for its end"),
        Column("reason", Text, nullable=False, comment="why, in one clause"),
        comment="one row for each decision of a stopping rule about a trial",
        sqlite_with_rowid=False,
    )
