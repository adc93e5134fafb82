"""Training: base, sft, reward, dpo, online_dpo, evaluate; merging.py holds the Online Merging Optimizers."""
