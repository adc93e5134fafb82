"""Curation: what people bring comes in, filtered and mixed it goes out as D and P."""
