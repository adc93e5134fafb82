"""A local page over any table of any data version: `cultivar browse`."""
