"""Readers: one module per family of files that people bring."""
