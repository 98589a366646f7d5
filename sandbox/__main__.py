"""``python -m sandbox serve`` starts the stand-in Discord; ``python -m sandbox demo`` starts everything on it."""

import argparse
import asyncio
import errno
import json
import logging
import signal
import sys
from pathlib import Path

from sandbox.server import running


def main(argv: list[str] | None = None) -> int:
    """Run a subcommand; the exit status."""
    arguments = sys.argv[1:] if argv is None else argv
    if arguments[:1] == ["demo"]:
        from sandbox import demo

        return demo.main(arguments[1:])
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="serve | demo")
    serve = commands.add_parser("serve", help="a stand-in Discord on 127.0.0.1, alone")
    serve.add_argument("--port", type=int, default=8911, help="0 picks a free one (default: %(default)s)")
    serve.add_argument(
        "--data", type=Path, help="a folder in which the world outlives the process (default: memory only)"
    )
    serve.add_argument("--json", action="store_true", help="print one line of JSON when ready, for programs")
    commands.add_parser("demo", help="the stand-in Discord with Redis, bot and worker on it", add_help=False)
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        asyncio.run(_serve(options.port, options.data, as_json=options.json))
    except OSError as error:
        hint = f" Choose another --port than {options.port}." if error.errno == errno.EADDRINUSE else ""
        print(f"The sandbox cannot start: {error.strerror or error}.{hint}", file=sys.stderr)
        return 2
    return 0


async def _serve(port: int, data: Path | None, *, as_json: bool) -> None:
    """Run until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with running(port, data) as sandbox:
        description = sandbox.description()
        if as_json:
            print(json.dumps(description), flush=True)
        else:
            print(f"The sandbox is ready: open {sandbox.page_url}\n", flush=True)
            print("\n".join(f"{name:<18} {value}" for name, value in description.items()), flush=True)
        await stop.wait()


if __name__ == "__main__":
    sys.exit(main())
