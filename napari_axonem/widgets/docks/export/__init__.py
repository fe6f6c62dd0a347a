"""The dock Export: write corrected labels."""
