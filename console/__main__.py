"""`easel`, from its first moment: what the operator does while libraries are still read is no traceback either."""

from __future__ import annotations

import os
import signal
import sys


def main() -> None:
    """Read the commands, then run one."""
    interrupted = signal.getsignal(signal.SIGINT)
    if interrupted is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it without a word
    try:
        os.getcwd()
    except FileNotFoundError:
        print("easel: the folder that it was called in is gone: go to one that is there", file=sys.stderr)
        sys.exit(2)
    from console.command_line import main as run

    signal.signal(signal.SIGINT, interrupted)
    run()


if __name__ == "__main__":
    main()
