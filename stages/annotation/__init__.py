"""Collaborative annotation (Qwen2 report, 4.1.1): ontology, selection, evolution, ranked responses."""
