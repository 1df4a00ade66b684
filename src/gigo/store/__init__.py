"""The store: a run is a folder with one SQLite file, ``run.sqlite``; what is in it is final.

Tables, for whoever wants to query them (``sqlite3 run.sqlite``)::

    run       one row: precision (resolved), science (of the trials' keys)
    grid      position, grid (JSON): the studies run into this folder, resolved, in order
    test_set  position, sha256, name, class_names (JSON), y_test (array), n_train, source
    record    position, and a column for each field of `gigo.types.Record`; trial, curve and
              provenance are JSON, predictions and predictions_last are arrays

    SELECT trial ->> 'size', trial ->> 'rate', avg(epochs) FROM record GROUP BY 1, 2

An array is NumPy's name of its type in three letters, such as ``|u1``, then its bytes, compressed:
``np.frombuffer(zlib.decompress(blob[3:]), blob[:3].decode())``. In a curve, numbers that JSON
lacks are the texts ``NaN``, ``Infinity`` and ``-Infinity``; nothing else may hold any.

``PRAGMA application_id`` is "gigo" in ASCII and ``PRAGMA user_version`` the number of this layout.
Tables and first grid come in one transaction, so that a file is either empty or a run.

The journal is a write-ahead log, so that readers never wait; where the file system has no shared
memory, SQLite's usual one. ``synchronous = EXTRA`` flushes to the disk at each commit in either
mode: a trial takes seconds, a flush milliseconds, and none is lost to a kill or a power cut. A
writer holds ``run.sqlite.lock``, which the kernel frees when it dies; ``run.sqlite.writer`` says
who it is. The store touches no file but these and SQLite's own beside the database. (The runner
keeps the folder ``checkpoints`` beside them while stacks train; reports are written there too.)
"""

from gigo.store.store import Store

__all__ = ["Store"]
