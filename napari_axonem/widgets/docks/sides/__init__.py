"""The dock Side views: what the picture shows, cut along the other two planes."""
