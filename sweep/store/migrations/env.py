"""Run by Alembic: carries out revisions in the transaction that is open already."""

from typing import Any

from alembic import context
from alembic.ddl.base import AddColumn, visit_add_column
from sqlalchemy.ext.compiler import compiles


@compiles(AddColumn, "sqlite")
def _keep_comment(element: AddColumn, compiler: Any, **options: Any) -> str:
    """Write a new column's comment into the statement; `sweep.store.schema` does so for the tables that are made."""
    text = visit_add_column(element, compiler, **options)
    return f"{text} /* {element.column.comment} */" if element.column.comment else text


context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
