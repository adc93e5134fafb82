"""Gates: what a data version must hold before it is merged, what it costs, and which metrics moved beyond their noise."""
