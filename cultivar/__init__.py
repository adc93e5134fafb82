"""What the recipe stands on: text, grading, store, llm, sandbox, runner, runlog, tools; and the `cultivar` command."""
