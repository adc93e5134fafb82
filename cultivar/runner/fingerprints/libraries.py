"""Libraries whose algorithms make content: an upgrade of one reruns the stages that import it, and no others.

Left out, with the reason: polars, pyarrow, duckdb and orjson (tables have the same bytes or are read alike; the tests
compare them), numpy (bit generators and integer arithmetic are stable by its policy), aiohttp, uvloop, fsspec and ruamel
(they carry bytes), vllm (answers are known by the model's revision, and a machine without a GPU has no vLLM).
"""

from functools import cache
from importlib import metadata

LIBRARIES = {
    # imported name: distributions, because of …
    "accelerate": ["accelerate"],  # how gradients of processes and steps are summed
    "datasets": ["datasets"],  # the order in which trainers see rows
    "jinja2": ["jinja2"],  # prompts, and so requests; the report
    "json_repair": ["json-repair"],  # what is read from an answer that is not quite JSON
    "math_verify": ["math-verify", "latex2sympy2-extended", "sympy"],  # which answers are equal
    "pydantic": ["pydantic"],  # JSON schemas are part of requests; what an answer's fields become
    "rapidfuzz": ["rapidfuzz"],  # near duplicates
    "scipy": ["scipy"],  # intervals
    "sklearn": ["scikit-learn"],  # groups of tags
    "snowballstemmer": ["snowballstemmer"],  # tags of one stem
    "tokenizers": ["tokenizers"],  # the vocabulary of the base model
    "torch": ["torch"],  # arithmetic of training, rewards and embeddings
    "transformers": ["transformers", "tokenizers"],  # models, chat templates, schedules, sampling
    "trl": ["trl"],  # losses and collators
}


def versions(imported: set[str]) -> dict[str, str]:
    """Distribution -> installed version ("none" where it is not), of the listed libraries among imported names."""
    distributions = sorted({name for library in imported & LIBRARIES.keys() for name in LIBRARIES[library]})
    return {name: installed(name) for name in distributions}


@cache
def installed(distribution: str) -> str:
    """The public version: how a wheel was built (+cpu, +cu130) is the machine's, not the recipe's."""
    try:
        return metadata.version(distribution).partition("+")[0]
    except metadata.PackageNotFoundError:
        return "none"
