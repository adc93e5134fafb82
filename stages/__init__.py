"""The nodes of the graph, one module each, in the order of the recipe; `stages.run` runs one."""
