"""The dock Segment: a network makes segments of an image, in the background."""
