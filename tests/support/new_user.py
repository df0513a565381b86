"""All that a new user runs in the first hour, in one process, with the real models.

python -m tests.support.new_user FOLDER [--without-posix] [--writes FILE]

FOLDER holds photos. Without POSIX neither this process nor the decoders have the modules and calls
that Windows has not. FILE gets a line for every path that Python writes to, here or in a decoder.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

MODULES = ("fcntl", "resource", "pwd", "grp", "termios", "syslog")
CALLS = ("fork", "forkpty", "killpg", "setsid")
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
# Audit events, and which of their arguments are paths that are written to.
EVENTS = {
    "os.mkdir": [0], "os.rename": [0, 1], "os.link": [1], "os.symlink": [1], "os.remove": [0],
    "os.rmdir": [0], "os.truncate": [0], "os.chmod": [0], "os.utime": [0], "sqlite3.connect": [0],
}  # fmt: skip
# Decoders are started with sys.executable, -c and a program.
START_DECODER = """#!{python}
import sys
sys.path[:], sys.dont_write_bytecode = {path!r}, True
from tests.support.new_user import prepare
prepare({without_posix}, {writes!r})
exec(sys.argv[2])
"""


def prepare(without_posix: bool, writes: str | None) -> None:
    """Make unimportable what Windows has not, and note down what is written to."""
    if writes:
        trace(writes)
    if without_posix:
        for name in MODULES:
            sys.modules[name] = None  # type: ignore[assignment]
        for name in CALLS:
            if hasattr(os, name):
                delattr(os, name)


def trace(writes: str) -> None:
    """Append the path of everything that is written to from now on."""
    file = os.open(writes, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def note(event: str, args: tuple[object, ...]) -> None:
        if event == "open":
            is_written = isinstance(args[2], int) and args[2] & WRITING
            paths = [args[0]] if is_written else []
        else:
            paths = [args[i] for i in EVENTS.get(event, ())]
        for path in paths:
            if isinstance(path, str | bytes | os.PathLike):
                name = os.path.abspath(os.fsdecode(path))
                os.write(file, f"{event} {name}\n".encode(errors="surrogateescape"))

    sys.addaudithook(note)


def run(*words: str | Path) -> None:
    """Run a command as the shell does."""
    from plugin_server.cli import main

    print("$ photochrom", *words, flush=True)
    try:
        main([str(word) for word in words], obj=load)
    except SystemExit as ended:
        if ended.code:
            sys.exit(f"{words} ended with {ended.code}")


def load(config: object) -> object:
    """Load a service; the models of the first serve the others too."""
    from plugin_server.config import Config
    from plugin_server.engine.library import open_library
    from plugin_server.images.codec import Limits
    from plugin_server.images.sandbox import Decoders
    from plugin_server.service import Service

    assert isinstance(config, Config)
    colorizer, clip = models()
    decoders = Decoders(config.workers, Limits())
    library = open_library(config.library, clip, decoders.decode_small)
    return Service(colorizer, clip, library=library, decoders=decoders, workers=config.workers)


@cache
def models() -> tuple:  # type: ignore[type-arg]
    from models.networks.loading import load_pair

    return load_pair(None, "embedded")


def ask_and_stop(port: int, photo: Path) -> None:
    """Colour a photo over HTTP once the server answers, then press Ctrl+C."""
    from plugin_server.client import Client

    try:
        for _ in range(600):
            with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.2)
        with Client(f"http://127.0.0.1:{port}") as client:
            print("answer:", *client.colorize(photo, description="ein rotes Kleid").notices)
    finally:
        signal.raise_signal(signal.SIGINT)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def serve(command: str, photo: Path, *words: str) -> None:
    port = free_port()
    asking = threading.Thread(target=ask_and_stop, args=(port, photo))
    asking.start()
    run(command, "--port", str(port), *words)
    asking.join()


def main() -> None:
    """Do it all."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--without-posix", action="store_true")
    parser.add_argument("--writes")
    asked = parser.parse_args()
    start = Path.home() / "python"
    start.write_text(
        START_DECODER.format(
            python=sys.executable, path=sys.path, without_posix=asked.without_posix,
            writes=asked.writes,
        ),
        "utf-8",
    )  # fmt: skip
    start.chmod(0o700)
    sys.executable = str(start)
    prepare(asked.without_posix, asked.writes)

    folder = asked.folder
    photo = next(folder.iterdir())
    run("setup", "--at-login")
    run("doctor", "--port", str(free_port()))
    run("colorize", photo, "-d", "ein rotes Kleid")
    run("library", "add", folder)
    coloured, sheet = folder.with_name("coloured"), folder.with_name("sheet.html")
    run("colorize", folder, "-o", coloured, "--contact-sheet", sheet)
    serve("serve", photo)
    serve("demo", photo, "--no-browser")
    run("setup", "--undo")
    print("done")


if __name__ == "__main__":
    main()
