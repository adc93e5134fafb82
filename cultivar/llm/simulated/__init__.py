"""The simulated teacher: deterministic answers without weights, from the structured content of the request.

It stands in for a model so that the complete graph runs on a laptop; every answer is marked `simulated`. Topic modules in
this folder register their answers (registry.py); no other module imports them.
"""
