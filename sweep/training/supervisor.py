"""Run a user's program, and kill it with all its children when the process that started this one is gone.

Started as a script: `python supervisor.py DESCRIPTOR PROGRAM ARGUMENT…`, as the leader of a process group of its own.
The descriptor is the reading end of a pipe, whose other end the starting process holds open.
"""

import os
import signal
import subprocess
import sys
import threading


def kill_group_after(descriptor: int) -> None:
    """Wait until the other end of the pipe is closed, then kill the process group."""
    os.read(descriptor, 1)
    os.killpg(os.getpgrp(), signal.SIGKILL)


def main() -> None:
    """Run the program and end as it ended: with its exit code, or by its signal."""
    descriptor, command = int(sys.argv[1]), sys.argv[2:]
    signal.signal(signal.SIGTERM, lambda number, frame: None)  # a handler, unlike SIG_IGN, is not inherited
    try:
        child = subprocess.Popen(command)
    except OSError as error:
        print(f"{command[0]} cannot be run: {error.strerror}", file=sys.stderr)
        os._exit(127)
    threading.Thread(target=kill_group_after, args=(descriptor,), daemon=True).start()
    code = child.wait()
    if code < 0:
        signal.signal(-code, signal.SIG_DFL) if -code not in (signal.SIGKILL, signal.SIGSTOP) else None
        os.kill(os.getpid(), -code)
    sys.stdout.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
