"""The dock Train: a network learns, in the background."""
