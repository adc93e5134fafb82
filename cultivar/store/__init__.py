"""What is expensive, cached by content: immutable Parquet segments, their compaction and synchronisation."""
