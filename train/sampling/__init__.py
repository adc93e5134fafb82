"""Sampling from a policy: in this process, in vLLM, or from servers."""
