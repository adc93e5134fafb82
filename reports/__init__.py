"""Review: what changed between data versions and why, gates, the lineage of a row, forgetting, browsing, history."""

import schemas.features  # noqa: F401  (JSON columns are texts in every table read here)
