"""A terminal of a given width, to run commands in."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios


def in_terminal(width, arguments, environment):
    """Run Python in a pseudo-terminal of so many columns; return the lines that it shows."""
    side, other = pty.openpty()
    fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    left_out = {"COLUMNS", "LINES"}
    environment = {key: value for key, value in environment.items() if key not in left_out} | {"TERM": "xterm"}
    process = subprocess.Popen(
        [sys.executable, *map(str, arguments)], stdin=other, stdout=other, stderr=other, env=environment
    )
    os.close(other)
    written = b""
    while block := _read(side):
        written += block
    os.close(side)
    assert process.wait() == 0, written.decode()
    return re.sub(r"\x1b\[[0-9;]*m", "", written.decode()).replace("\r\n", "\n").splitlines()


def _read(side):
    try:
        return os.read(side, 65536)
    except OSError:  # Linux says so that the other side is closed
        return b""
