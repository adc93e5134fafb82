"""Lineage: which table holds a row, what it was made from and what was made of it."""
