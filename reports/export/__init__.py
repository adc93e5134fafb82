"""D and P in the formats of other tools: files per split, a dataset card, Croissant metadata, and a push to a hub."""
