"""Guards of a run. They refuse to record tables whose origin is not what it seems, and change nothing in a table.

The room is left out of fingerprints (cultivar/runner/modules.py, EXEMPT).
"""
