"""Networks, each written as a chain of operations that can be cut anywhere.

This package imports torch; whoever only looks, evaluates or proofreads never loads it.
"""
