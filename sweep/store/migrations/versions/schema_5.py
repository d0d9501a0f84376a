"""Digests of the files of a trial, and a rank that is kept while it is trained on.

The digests of rows stay as they are: columns that came with this schema count only where they hold something.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, Integer, String

revision = "0005"
down_revision = "0004"

LEADERBOARD = """
CREATE VIEW leaderboard AS
SELECT sweeps.name AS sweep,
       ROW_NUMBER() OVER (PARTITION BY sweeps.id
                          ORDER BY CASE direction WHEN 'max' THEN -best_value ELSE best_value END NULLS LAST,
                                   tie_value NULLS LAST, number) AS rank,
       number AS trial, objective AS metric, best_value AS value, best_epoch AS epoch, tie_value,
       seconds, configuration
FROM trials JOIN sweeps ON sweeps.id = trials.sweep_id
WHERE status = 'completed' OR ranked_epochs IS NOT NULL
"""


def upgrade() -> None:
    """Add the columns; make the view anew."""
    op.execute("DROP VIEW leaderboard")
    ranked = "epochs of an ended training by which it ranks while a longer one is not completed"
    op.add_column("trials", Column("weights_sha256", String(64), comment="SHA-256 of the file weights"))
    op.add_column("trials", Column("checkpoint_sha256", String(64), comment="SHA-256 of the file checkpoint"))
    op.add_column("trials", Column("ranked_epochs", Integer, comment=ranked))
    op.drop_index("ranking", "trials")
    op.create_index("ranking", "trials", ["sweep_id", "status", "best_value", "ranked_epochs"])
    op.execute(LEADERBOARD)
