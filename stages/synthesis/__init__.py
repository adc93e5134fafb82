"""Automated synthesis (Qwen2 report, 4.1.2): rejection sampling, execution feedback, repurposing, constitution."""
