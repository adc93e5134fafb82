"""Review: what a data version is and what a run came to."""
