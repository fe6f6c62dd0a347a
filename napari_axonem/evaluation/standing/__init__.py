"""Scores and the list of mistakes, kept up to date through edits.

`Standing` holds them for segments that are sets of fragments: `lists` and `index` find the parts
and fragments of a segment, and the cells and contacts of a fragment; `tally` holds the scores;
`rows` and `listing` the ranked mistakes, of which `choice` filters some out. `Runs` does the same
for the expected run length along skeletons, from what these share with fragments (`shares`) and
what counts as merged (`merging`); `trials` and `lengths` say what repairs gain in it. `waiting` and
`order` put the cuts first that a join has to wait for.
"""

from napari_axonem.evaluation.standing.choice import USUAL, Choice, Rank
from napari_axonem.evaluation.standing.lengths import RunLengths
from napari_axonem.evaluation.standing.merging import USUAL_RUNS, RunSettings
from napari_axonem.evaluation.standing.runs import Runs
from napari_axonem.evaluation.standing.standing import MistakeGroup, Standing

__all__ = [
    "USUAL",
    "USUAL_RUNS",
    "Choice",
    "MistakeGroup",
    "Rank",
    "RunLengths",
    "RunSettings",
    "Runs",
    "Standing",
]
