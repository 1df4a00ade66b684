"""Tables and estimates become figures, one HTML page, image files and terminal output.

Material ──► panels ──► draw ──► figure, write_report
    └──────► terminal.overview
"""

from __future__ import annotations

from gigo.report.figure_data import panels
from gigo.report.figures import figure
from gigo.report.html import write_report
from gigo.report.material import Material

__all__ = ["Material", "figure", "panels", "write_report"]
