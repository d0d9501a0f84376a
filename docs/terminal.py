"""Draw a picture of a terminal: run commands in tmux, and write what stands on its screen as SVG.

    python docs/terminal.py docs/images/leaderboard.svg 110 20 2 "sweep leaderboard digits-quickstart"

The arguments are the file, the columns and lines of the terminal, the seconds to wait for, and one command or more.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.text import Text


def screen(columns: int, lines: int, seconds: float, commands: list[str]) -> str:
    """Return what stands on the screen some seconds after the first command was begun, with its colors."""
    size = ["-x", str(columns), "-y", str(lines)]
    tmux = ["tmux", "-L", "sweep-docs"]
    steps = [f"printf '$ %s\\n' {quoted(each)}; {each.replace('sweep ', 'python -m sweep ', 1)}" for each in commands]
    shell = "; ".join(["clear", *steps, "sleep 600"])
    subprocess.run([*tmux, "-f", "/dev/null", "new-session", "-d", *size, "bash", "-c", shell], check=True)
    try:
        time.sleep(seconds)
        shown = subprocess.run([*tmux, "capture-pane", "-e", "-p"], capture_output=True, text=True, check=True)
        return shown.stdout.rstrip()
    finally:
        subprocess.run([*tmux, "kill-session"], check=True)


def quoted(text: str) -> str:
    """Return a text as one word of a shell."""
    return "'" + text.replace("'", "'\\''") + "'"


def picture(text: str, columns: int) -> str:
    """Return a screen as SVG, whose font is one of the reader's: nothing is fetched."""
    with Path("/dev/null").open("w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=columns, file=nowhere, force_terminal=True, color_system="truecolor")
        console.print(Text.from_ansi(text), soft_wrap=True)
        drawn = console.export_svg(title="sweep", unique_id="sweep")
    drawn = re.sub(r"@font-face \{.*?\}", "", drawn, flags=re.DOTALL)
    return re.sub(r"[ \t]+\n", "\n", drawn.replace("Fira Code", "DejaVu Sans Mono"))


if __name__ == "__main__":
    file, columns, lines, seconds, *commands = sys.argv[1:]
    Path(file).write_text(picture(screen(int(columns), int(lines), float(seconds), commands), int(columns)))
