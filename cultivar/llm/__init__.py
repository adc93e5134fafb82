"""Asking models: requests and their identity, the generation store, three engines, structured answers, prompts."""
