"""What is seen: lazy layers over fragments and volumes, highlights, marks, and where to look."""
