"""The runner: one stage, from dvc.yaml to its tables. `python -m cultivar.runner STAGE` is the command of every stage."""
