"""The dock Proofread: tools, score, history."""
