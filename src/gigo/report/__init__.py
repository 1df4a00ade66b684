"""Tables and estimates become a document of blocks: an HTML page, Markdown, terminal output.

Material ──► report, brief ──► blocks ──► html, terminal, markdown
    └──────► panels ─────────► figures (drawn apart from their data)
"""

from __future__ import annotations

from pathlib import Path

from gigo.errors import SpecError
from gigo.files import write_whole
from gigo.report.figure_data import panels
from gigo.report.figures import figure
from gigo.report.material import Material

__all__ = ["Material", "figure", "panels", "write_report"]


def write_report(path: Path, material: Material) -> Path:
    """Write the report, whole or not at all: ``.html`` is a page, ``.md`` Markdown.

    Returns:
        The path.

    Raises:
        SpecError: another ending.
        StoreError: it can't be written.
    """
    from gigo.report.document import report
    from gigo.report.html import page
    from gigo.report.markdown import markdown

    blocks = report(material)
    match path.suffix.lower():
        case ".html" | ".htm":
            content = page(blocks)
        case ".md":
            content = markdown(blocks)
        case _:
            raise SpecError("out", str(path), "a file whose name ends in .html or .md")
    return write_whole(path, content.encode())
