"""The nodes of the graph, one module each, in the order of the recipe; `cultivar.runner.run` runs one."""
