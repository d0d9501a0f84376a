"""What statistics say of a sweep, and the charts of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sweep.arguments import folder_or_file
from sweep.results.charts import DrawnTrials

if TYPE_CHECKING:
    from sweep.pack.writing import Packed


class StudiedTrials(DrawnTrials):
    """The trials of one sweep, about which questions may be asked."""

    def pack(self, file: str | Path, *, batches: bool = False) -> Packed:
        """Write the sweep to one file that `sweep.verify` checks; the same sweep always gives the same bytes.

        Args:
            file: where it is written, in place of an older one, such as digits.zip.
            batches: whether the losses of mini-batches are written, too.

        Raises:
            SweepError: when trials are being trained, or the file cannot be written.
        """
        from sweep.pack.writing import pack

        return pack(self.record, self.store, folder_or_file(file, "file"), with_batches=batches)
