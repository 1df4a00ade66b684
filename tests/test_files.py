"""Files are written whole, and what killed processes left of them goes."""

from __future__ import annotations

import os
import time
from pathlib import Path

from gigo.files import ABANDONED, write_whole


def test_what_a_killed_process_left_goes_with_the_next_writing(tmp_path: Path) -> None:
    page = tmp_path / "page[1].html"
    for kind in ("page[1].html.0123abcd.unfinished", "other.html.0123abcd.unfinished"):
        (tmp_path / f".{kind}").touch()
        then = time.time() - 2 * ABANDONED
        os.utime(tmp_path / f".{kind}", (then, then))
    young = tmp_path / ".page[1].html.4567cdef.unfinished"  # another process is still at it
    mine = tmp_path / ".page[1].html.original"
    young.touch()
    mine.touch()
    os.utime(mine, (0, 0))
    write_whole(page, b"one")
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {page.name, young.name, mine.name, ".other.html.0123abcd.unfinished"}
    assert page.read_bytes() == b"one"
