"""A page that shows what an evaluation found: figures, charts, and pictures of the worst places.

`write_report` writes `Findings` as one HTML file that needs nothing else: no network, no script.
`histogram` and `worst` say what to show, `pictures` and `charts` draw it, `markup` makes HTML in
which every text is escaped; `lengths` and `objects` are sections of the `page`.
"""

from napari_axonem.evaluation.report.findings import (
    Findings,
    RunFindings,
    VoxelFindings,
    fit_into_cells,
)
from napari_axonem.evaluation.report.page import write_report

__all__ = ["Findings", "RunFindings", "VoxelFindings", "fit_into_cells", "write_report"]
