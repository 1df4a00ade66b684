"""Tables and estimates become figures, one HTML page, image files and terminal output.

Material ──► panels ──► draw ──► write_report, save_figures
    └──────► terminal.overview
"""

from __future__ import annotations

from gigo.report.figure_data import panels
from gigo.report.figures import figure
from gigo.report.files import save_figures
from gigo.report.html import write_report
from gigo.report.material import Material

__all__ = ["Material", "figure", "panels", "save_figures", "write_report"]
