"""`cultivar trace`: where a row comes from, what was made of it, and how far a source, licence or model reaches."""
