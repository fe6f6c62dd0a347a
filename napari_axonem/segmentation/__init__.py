"""From images to segments: blockwise inference, agglomeration, and flood filling."""
