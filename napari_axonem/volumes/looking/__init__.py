"""Looking at volumes of any size: a picture at once, and never an exception.

`ChunkedVolume` puts pictures together from decoded chunks. They are kept for the whole program in
one bounded ``chunkcache``, decoded by the threads of ``decoding``, and fetched ahead along the way
the user goes, as the ``lattice`` of chunks says. What is not there in time is shown from a coarser
level first (``stand_in``), what cannot be read as background (``pieces``). `with_levels` gives
coarser levels to a volume that has none (``scaled``).
"""

from napari_axonem.volumes.looking.chunked import ChunkedVolume
from napari_axonem.volumes.looking.scaled import with_levels

__all__ = ["ChunkedVolume", "with_levels"]
