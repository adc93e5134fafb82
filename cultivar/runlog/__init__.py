"""How a run went: its record, its closing line, progress, spending, and how tables differ from the previous version.

Two equal runs may differ in all of this, so nothing here is an output and nothing in a table depends on it; the room
is left out of fingerprints (cultivar/runner/fingerprints/closure.py, EXEMPT).
"""
