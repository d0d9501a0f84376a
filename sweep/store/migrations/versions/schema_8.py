"""Which examples each classifier has right.

The digests of rows stay as they are: a column that came with this schema counts only where it holds something.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, LargeBinary

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the column."""
    comment = "unused bits at the end; then one bit for each example of the objective's part, 1 if right at best_epoch"
    op.add_column("trials", Column("correct", LargeBinary, comment=comment))
