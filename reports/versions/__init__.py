"""Data versions: what a git revision, an experiment or the working tree holds, read without a checkout."""
