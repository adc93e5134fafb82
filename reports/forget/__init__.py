"""`cultivar forget`: a source, a row, an annotator, a model or one answer goes from sources, store, cache and models."""
