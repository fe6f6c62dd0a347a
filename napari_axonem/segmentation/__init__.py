"""From an image to fragments and segments, blockwise, on volumes of any size."""
