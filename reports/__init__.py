"""Review: what changed between data versions and why, gates, the lineage of a row, forgetting, browsing, history."""
