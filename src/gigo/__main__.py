"""The ``gigo`` command, also as ``python -m gigo``."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; interrupted while it is still imported, it ends without a word."""
    try:
        from gigo.cli import main as command

        command()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
