"""`python -m bot`: what comes before the imports, which are most of a start."""

from __future__ import annotations

import gc
import signal
import sys


def main() -> int:
    """Run the bot; the status is that of `bot.process.main`."""
    # The first process of a container ignores a signal that it does not handle, and the next second is spent importing.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    sys.modules.setdefault("rich", None)  # type: ignore[arg-type]  # structlog would load it, for tracebacks in colour
    gc.disable()  # modules are no garbage: searching them for it while they load takes an eighth of the start
    from bot.process import main as run

    gc.freeze()
    gc.enable()
    return run()


if __name__ == "__main__":
    sys.exit(main())
