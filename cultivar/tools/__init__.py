"""What stands beside the graph: the subcommands of `cultivar`."""
