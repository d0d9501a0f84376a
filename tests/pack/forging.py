"""Packs that somebody has altered."""

import hashlib
import io
import json
from zipfile import ZIP_DEFLATED, ZipFile

from sqlalchemy import select, true

from sweep.pack.scratch import scratch
from sweep.pack.writing import pack
from sweep.store.digests import seal_all, seal_drawn
from sweep.store.rows import seal_sweep
from sweep.store.schema import sweeps


def texts(file):
    """The members of a pack, as text by name."""
    with ZipFile(file) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def forge(file, changes, *, fitting=True, drop=(), **head):
    """Write members of a pack anew, with the manifest made to fit unless it is not `fitting`; return the file."""
    members = {name: text for name, text in texts(file).items() if name not in drop} | changes
    manifest = json.loads(texts(file)["manifest.json"]) | head
    if fitting:
        others = {name: text.encode() for name, text in members.items() if name != "manifest.json"}
        manifest["members"] = {
            name: {"sha256": hashlib.sha256(text).hexdigest(), "bytes": len(text)} for name, text in others.items()
        }
    if "manifest.json" not in changes:
        members["manifest.json"] = json.dumps(manifest)
    with ZipFile(file, "w", ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return file


def replaced(file, name, old, new):
    """Replace the first occurrence of a text in a member, with a manifest that fits; return the file."""
    text = texts(file)[name]
    assert old in text
    return forge(file, {name: text.replace(old, new, 1)})


def repacked(file, change):
    """Change the database of a pack and compute all digests again, as a forger would; return the file."""
    members = {name: iter(io.StringIO(text, newline="")) for name, text in texts(file).items()}
    with scratch(members) as store:
        with store.database.writing() as connection:
            change(connection)
            seal_sweep(connection, connection.execute(select(sweeps.c.id)).scalar())
            seal_drawn(connection, true())
            seal_all(connection, true())
        pack(store.sweep(), store, file, with_batches="batches.csv" in members)
    return file


def altered(verification):
    """What was found altered."""
    return [check.what for check in verification.checks if check.verdict == "altered"]


def verdict(verification, what):
    """The verdicts of a check."""
    return [check.verdict for check in verification.checks if check.what == what]


def evidence(verification, what):
    """The evidence of a check, in one text."""
    return " ".join(check.evidence for check in verification.checks if check.what == what)
