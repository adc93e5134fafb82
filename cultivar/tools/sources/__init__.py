"""Sources of a project: add, remove and list them, start without those of the demo."""
