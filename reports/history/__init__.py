"""Metrics over data versions."""
