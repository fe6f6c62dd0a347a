"""Where the cells and the contacts of each fragment are in a table."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from napari_axonem.evaluation.grouping import Ints, firsts_of, ranges
from napari_axonem.evaluation.tables import Cells, CellTable

Index = npt.NDArray[np.int32]


class CellIndex:
    """The cells of each fragment, which lie one after the other in a table.

    Parameters
    ----------
    cells
        The cells.
    n_fragments
        Number of fragments, ids 0 to n - 1.
    """

    def __init__(self, cells: Cells, n_fragments: int) -> None:
        self._first = firsts_of(cells.fragment, n_fragments)

    def of(self, fragments: Ints) -> Ints:
        """Return the rows of the cells of some fragments, in the order given."""
        return ranges(self._first[fragments], self._first[fragments + 1] - self._first[fragments])


class ContactIndex:
    """The contacts of each fragment that can make a mistake.

    They are kept in two lists. *Kin* lie within one true object and between two fragments: they
    make a false split where the fragments are in two segments. *Strangers* lie between two
    true objects, or one and voxels without truth: they say where a false merge is to be cut.

    Parameters
    ----------
    table
        The table; its contacts are sorted by cells.
    n_fragments
        Number of fragments, ids 0 to n - 1.
    """

    def __init__(self, table: CellTable, n_fragments: int) -> None:
        cells, self._contacts = table.cells, table.contacts
        a, b = self._contacts.cell_a, self._contacts.cell_b
        low, high = cells.fragment[a], cells.fragment[b]
        same = cells.truth[a] == cells.truth[b]
        kin = np.flatnonzero(same & (cells.truth[a] > 0) & (low > 0) & (low != high))
        self._upper = _Neighbours(firsts_of(low[kin], n_fragments), high[kin], kin.astype(np.int32))
        self._lower = self._upper.turned(n_fragments)
        strangers = np.flatnonzero(~same)
        self._strangers = _Neighbours(
            firsts_of(low[strangers], n_fragments), high[strangers], strangers.astype(np.int32)
        )

    def between(self, members: Ints, segment: npt.NDArray[np.uint32]) -> Ints:
        """Return the kin of some fragments in other segments, as rows of the contacts.

        Parameters
        ----------
        segment
            Segment of each fragment.

        Returns
        -------
        Rows of contacts, those between two of `members` twice.
        """
        rows = []
        for neighbours in (self._upper, self._lower):
            mine, theirs, contact = neighbours.of(members)
            differs = segment[theirs] != np.repeat(segment[members], mine)
            rows.append(contact[differs])
        return np.concatenate(rows).astype(np.int64)

    def within(self, members: Ints, segment: npt.NDArray[np.uint32]) -> Ints:
        """Return the strangers in one segment, for all the fragments of some segments."""
        mine, theirs, contact = self._strangers.of(members)
        inside = segment[theirs] == np.repeat(segment[members], mine)
        rows: Ints = contact[inside].astype(np.int64)
        return rows


class _Neighbours:
    """Neighbours of each fragment, with the contact."""

    def __init__(self, first: Ints, fragment: npt.NDArray[np.uint32], contact: Index) -> None:
        self._first = first
        self._fragment = fragment
        self._contact = contact

    def of(self, fragments: Ints) -> tuple[Ints, npt.NDArray[np.uint32], Index]:
        """Return how many neighbours each fragment has, the neighbours, and the contacts."""
        counts = self._first[fragments + 1] - self._first[fragments]
        places = ranges(self._first[fragments], counts)
        return counts, self._fragment[places], self._contact[places]

    def turned(self, n_fragments: int) -> _Neighbours:
        """Return the same contacts as neighbours of the fragments on the other side."""
        shape = (len(self._first) - 1, n_fragments)
        # sparse matrices are turned by counting, in a tenth of the time of sorting
        matrix = csr_array((self._contact, self._fragment, self._first), shape=shape).tocsc()
        return _Neighbours(
            matrix.indptr.astype(np.int64), matrix.indices.astype(np.uint32), matrix.data
        )
