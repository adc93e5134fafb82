"""Causes: why a row of D or P differs between two versions, each charged to exactly one change."""
