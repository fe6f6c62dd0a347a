"""The dock Errors: the list to work through."""
