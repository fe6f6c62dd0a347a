"""The dock Objects: what is said of the object picked, and how much is finished."""
