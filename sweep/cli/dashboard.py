"""The command that shows sweeps in a browser while they run."""

from __future__ import annotations

from typing import Annotated

import typer

import sweep
from sweep.cli.options import Db, Name, app, say


@app.command()
def dashboard(
    name: Name = None,
    port: Annotated[int, typer.Option(help="Port of this machine to listen on; 0 for any that is free.")] = 8080,
    db: Db = None,
) -> None:
    """Show all sweeps of a database in the browser, also while they run, by optuna-dashboard.

    It is served to this machine alone, and changes nothing. New trials and epochs appear by themselves. Needs
    `pip install 'sweep-lab[dashboard]'`.
    """
    from sweep.results.studies import require_optuna

    require_optuna("dashboard")
    from sweep.dashboard import server
    from sweep.dashboard.thinning import remark

    results = sweep.load(name, db=db)
    with server.dashboard(results.store, port) as served:
        if thinned := remark(results.record.trials):
            say(f"note: {thinned}")
        print(server.address(served, results.record.id), flush=True)
        say("open this address in a browser on this machine; Ctrl-C ends the dashboard")
        served.serve_forever()
