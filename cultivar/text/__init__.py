"""One reading of text: words and n-grams."""
