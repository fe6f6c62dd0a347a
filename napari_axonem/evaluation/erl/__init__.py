"""Expected run length (ERL): how far a segment can be followed without an error.

`lookup` reads the segment under each node of the skeletons, `erl` scores them. The default
definition is that of em_erl, to its last digit on data that em_erl reads rightly. It differs
where em_erl goes wrong: positions in voxels whose size float32 cannot hold, and ids above 2**32.
"""

from napari_axonem.evaluation.erl.definitions import Definition
from napari_axonem.evaluation.erl.scoring import Erl, Interval, SkeletonScores, erl

__all__ = ["Definition", "Erl", "Interval", "SkeletonScores", "erl"]
