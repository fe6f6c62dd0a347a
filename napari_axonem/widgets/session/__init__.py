"""What a user can do in one viewer, without Qt: the project, the queue, the edits, the keys."""
