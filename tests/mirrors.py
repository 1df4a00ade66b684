"""Mirrors on this computer, so that no test asks another."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Generator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from shutil import copyfile
from typing import Any

LOCAL = "http://127.0.0.1"


class Mirror:
    """A `gigo.datasets.fetch.Get` whose addresses are folders; it keeps what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, address: str, path: str, _: object) -> None:
        self.asked.append(Path(address).name)
        copyfile(address, path)  # an OSError where there is no such file


@contextlib.contextmanager
def served(folder: Path, *, cut: bool = False) -> Generator[tuple[str, list[str]], None, None]:
    """A mirror of a folder: its address, and the paths it was asked for.

    With ``cut``, the connection ends in the middle of each file.
    """
    asked: list[str] = []

    class Handler(SimpleHTTPRequestHandler):
        def copyfile(self, source: Any, outputfile: Any) -> None:
            content = source.read()
            outputfile.write(content[: len(content) // 2] if cut else content)

        def log_request(self, code: object = "-", size: object = "-") -> None:
            asked.append(self.path)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"{LOCAL}:{server.server_port}/", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
