"""`cultivar diff`: what differs between two versions of the data, row by row."""
