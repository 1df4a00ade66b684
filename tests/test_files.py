"""Files are written whole, and what killed processes left of them goes."""

from __future__ import annotations

import errno
import os
import resource
import time
from pathlib import Path

import pytest

from gigo.errors import StoreError
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


def test_files_are_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = write_whole(tmp_path / "new" / "page", b"one")
    assert path.read_bytes() == b"one"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with pytest.raises(StoreError, match=os.strerror(errno.EFBIG)):
            write_whole(path, bytes(100_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == b"one"
    assert list(path.parent.iterdir()) == [path]
    with pytest.raises(StoreError, match="expected a file that can be written"):
        write_whole(path / "below", b"three")


def test_only_files_are_replaced_and_links_stay_links(tmp_path: Path) -> None:
    umask = os.umask(0o077)
    try:
        page = write_whole(tmp_path / "page", b"one")
    finally:
        os.umask(umask)
    assert page.stat().st_mode & 0o777 == 0o600  # as the user has files made
    (tmp_path / "link").symlink_to(page)
    assert write_whole(tmp_path / "link", b"two") == tmp_path / "link"
    assert (tmp_path / "link").is_symlink()
    assert page.read_bytes() == b"two"
    os.mkfifo(tmp_path / "pipe")
    for other in (tmp_path / "pipe", tmp_path):
        with pytest.raises(StoreError, match="it is a folder, a pipe or a device"):
            write_whole(other, b"three")
    assert {path.name for path in tmp_path.iterdir()} == {"page", "link", "pipe"}
