"""The simulated teacher: deterministic answers without weights, from the structured content of the request.

It stands in for a model so that the whole graph runs on a laptop; every answer is marked `simulated`. Topic modules in
this folder register their answers (registry.py); nobody else needs to know of them.
"""
