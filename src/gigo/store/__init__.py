"""The store: a run is a folder with one SQLite file, ``run.sqlite``; what is in it is final.

Tables, for whoever wants to query them (``sqlite3 run.sqlite``)::

    run         one row: precision (resolved), science (of the trials' keys), and for each other
                table, under its name, how many rows it has
    grid        grid (JSON): the studies run into this folder, resolved, in order
    test_set    sha256, name, classes (JSON), labels (arrays), n_train, source, notes (JSON), groups
                (arrays)
    provenance  provenance (JSON): the distinct ones
    record      a column for each field of `gigo.records.Outcome`; measures is JSON, provenance
                the position of a row of that table
    evidence    what a `gigo.records.Record` holds beyond its outcome, at the same position: trial
                and curve are JSON, predictions and scores arrays

    SELECT status, avg(measures ->> 'accuracy') FROM record GROUP BY status

Nothing is changed or removed: a trial that failed and was trained again has a row for each time, of
which the last one counts (``max(position)``). So a reader that has counted the rows sees the run as
of then, whatever a writer does.

Tables of what a run is read from, all but evidence, stay small: some 600 bytes per trial.

Arrays by name are compressed: ``zlib.decompress(blob)`` is a line of JSON, ``{name: [type,
*shape]}`` with NumPy's names of types, then the bytes of one after the other. In a curve, numbers
that JSON lacks are the texts ``NaN``, ``Infinity`` and ``-Infinity``; nothing else may hold any.

A row is found where it was written, and as it was, or an error says so. Each has a ``position``,
counted from 1 without a gap, and a ``digest``: the sha256 of ``ascii((table, position, *values))``
in Python's notation. Whoever reads a row checks it; a writer first has SQLite check its pages, and
reads all keys. There is no index: it could say something else than the table.

``PRAGMA application_id`` is "gigo" in ASCII and ``PRAGMA user_version`` the number of this layout.
Tables and first grid come in one transaction: a file is either empty or a run.

The journal is a write-ahead log, so that readers never wait; where the file system has no shared
memory, SQLite's usual one. ``synchronous = EXTRA`` flushes to the disk at each commit in either
mode: a trial takes seconds, a flush milliseconds, and none is lost to a kill or a power cut. A
writer holds ``run.sqlite.lock``, which the kernel frees when it dies; ``run.sqlite.writer`` says
who it is. The store touches no file but these and SQLite's own beside the database. (The runner
keeps the folder ``checkpoints`` beside them while stacks train; reports are written there too.)
"""

from gigo.store.store import Store

__all__ = ["Store"]
