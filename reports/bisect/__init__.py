"""Which data version or which part of the data moved a metric."""
