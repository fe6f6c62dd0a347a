"""What people say of objects: done, locked, to be discussed, a note; and what follows from it.

Modules, each standing on those before: `statement` (one thing said), `store` (the tables in the
project's database), `extent` (whether an object is still the same), `coverage` (how much of the
volume is finished), `objects` (the states as they are now, and the refusal of edits on locked
objects), `sample` (the share of errors left in what is finished).
"""

from napari_axonem.proofreading.states.coverage import Coverage
from napari_axonem.proofreading.states.objects import ObjectStates
from napari_axonem.proofreading.states.sample import Estimate, ObjectSample
from napari_axonem.proofreading.states.statement import ObjectState, Said

__all__ = [
    "Coverage",
    "Estimate",
    "ObjectSample",
    "ObjectState",
    "ObjectStates",
    "Said",
]
