"""The second paper's own experiments: networks that name pictures, trained in its orders."""
