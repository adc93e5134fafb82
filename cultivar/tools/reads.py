"""What a stage's code reads besides code, and what of the machine it must not read: found without running anything.

    cultivar reads      # exit status 1 where dvc.yaml and the code differ

From the code of a stage come its tables and models (the signature), its prompt files (`Prompt("…")`, with everything
that the templates include), other files (`files.find("…")`) and its params. A file that dvc.yaml does not list, or lists
although nothing reads it, is named. So is every use of what makes two equal runs differ: environment variables, the
wall clock, random numbers without a seed. A line that says `# changes no result` is taken at its word.

What no reading of code can find (a path put together at run time, what a library reads) is found by running the stage
with nothing but what it declares: cultivar.tools.hermetic.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

from jinja2 import Environment, meta

from cultivar.runlog.console import say
from cultivar.runner.fingerprints import CODE, FOLDER
from cultivar.runner.graph import GRAPH, load_yaml, stage_module, stage_spec
from cultivar.runner.prompts import PROMPTS, calls_in, code_of_stage, dotted, opened_by, tree_of
from schemas.links import Links, normal

HARMLESS = "# changes no result"
ENVIRONMENT_NAMES = ("os.environ", "os.getenv")
CLOCK_NAMES = (
    *("time.time", "time.time_ns", "time.localtime", "time.gmtime", "time.strftime"),
    *("datetime.now", "datetime.utcnow", "datetime.today", "date.today"),
)
RANDOM_NAMES = ("uuid.uuid1", "uuid.uuid4", "os.urandom", "random.SystemRandom")
IMPURE = (
    dict.fromkeys(ENVIRONMENT_NAMES, "an environment variable")
    | dict.fromkeys(CLOCK_NAMES, "the wall clock")
    | dict.fromkeys(RANDOM_NAMES, "unseeded randomness")
)
SEEDED = {"Random", "Generator", "Philox", "PCG64", "SeedSequence", "default_rng", "RandomState"}
LAUNCHING = {"train/launch.py", "train/settings.py", "train/sampling/vllm_sampler.py"}
"""Modules that may use the environment: how many processes and threads work, not what they work out."""


def main() -> int:
    found = {
        stage: problems
        for stage in load_yaml(GRAPH)["stages"]
        if stage != CODE and (problems := list(differences(stage)))
    }
    for stage, problems in found.items():
        say("\n".join(f"{stage}: {problem}" for problem in problems))
    if not found:
        say("dvc.yaml lists exactly the prompts, files, tables and params that each stage reads")
    return 1 if found else 0


def differences(stage: str) -> Iterator[str]:
    """What dvc.yaml and the code of a stage do not agree on, and impure code; one line each."""
    graph = load_yaml(GRAPH)
    matrix = graph["stages"][stage].get("matrix", {})
    spec = stage_spec(stage, {name: str(values[0]) for name, values in matrix.items()}, graph)
    fingerprint = FOLDER / f"{stage}.txt"
    if fingerprint not in spec.deps:
        yield f"lists no {fingerprint} among its deps"
    modules = code_of_stage(stage)
    listed = spec.deps.keys() - {fingerprint}
    read = set(prompts_of(modules)) | set(files_of(modules))
    links = Links(listed)
    for path in sorted(read):
        if not links.holds(normal(path)):
            yield f"reads {path}, which its deps do not list"
        elif fault := links.fault(path):
            yield f"reads {path}, {fault}"
    for dep in sorted(dep for dep in listed if dep.parts[0] == "prompts"):
        if not any(Links([dep]).holds(normal(path)) for path in read):
            yield f"lists {dep}, which it does not read"
    tables, models, params = signature(stage_module(stage), stage)
    for name in sorted(tables - spec.tables.keys()):
        yield f"reads the table {name}, which its deps do not list"
    for name in sorted(models - spec.models.keys()):
        yield f"reads the model {name}, which its deps do not list"
    for name in sorted(set(spec.params) ^ params):
        yield f"{'reads' if name in params else 'lists'} the params {name}, which its {'params do not list' if name in params else 'code does not read'}"
    for module in sorted(modules):
        yield from impurities(module)


def calls(modules: set[str], name: str) -> Iterator[ast.Call]:
    for module in modules:
        yield from calls_in(tree_of(module)[1], name)


def prompts_of(modules: set[str]) -> Iterator[Path]:
    """Prompt files that the modules name, and all that these include; of a computed name, its entire folder."""
    for opened in opened_by(modules):
        if opened.paths is None:
            yield PROMPTS
        for path in opened.paths or ():
            yield from templates(path)


def templates(path: Path) -> Iterator[Path]:
    """A template and those that it includes, extends or imports (relative to its folder), once each."""
    waiting, reached = [path], set()
    while waiting:
        one = waiting.pop()
        if one in reached:
            continue
        reached.add(one)
        yield one
        if one.is_file():
            found = meta.find_referenced_templates(Environment(autoescape=True).parse(one.read_text(encoding="utf-8")))
            waiting += [path.parent / name if name else path.parent for name in found]


def files_of(modules: set[str]) -> Iterator[Path]:
    """Files and folders that `files.find` is called for by a literal name or pattern."""
    for call in calls(modules, "find"):
        pattern = call.args[0].value if isinstance(call.args[0], ast.Constant) else None
        if isinstance(pattern, str) and ("/" in pattern or Path(pattern).exists()):
            yield from sorted(Path().glob(pattern)) or [Path(pattern)]


def signature(module: str, stage: str) -> tuple[set[str], set[str], set[str]]:
    """Names of the tables, models and params that the stage's arguments ask for, read from its annotations."""
    tables, models, params = set(), set(), set()
    _, tree, _ = tree_of(module)
    function = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == stage)
    for argument in function.args.args:
        kind = argument.annotation
        name = dotted(kind.value if isinstance(kind, ast.Subscript) else kind) if kind is not None else ""
        if name in ("Table", "Context"):
            tables.add(argument.arg)
        elif name == "Model":
            models.add(argument.arg)
        elif name == "Engine":
            params.add(f"roles.{argument.arg}")
        elif name == "Sandbox":
            params.add("sandbox")
        elif name.endswith("Params") and name != "RuntimeParams":
            params.add(stage if argument.arg == "params" else argument.arg)
    return tables, models, params


def impurities(module: str) -> Iterator[str]:
    """Uses of the environment, the clock and unseeded randomness, with file and line."""
    path, tree, lines = tree_of(module)
    names = imported_names(tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute | ast.Name) or HARMLESS in lines[node.lineno - 1]:
            continue
        full = dotted(node)
        head, _, rest = full.partition(".")
        full = ".".join(filter(None, [names.get(head, ""), rest])) if head in names else ""
        short = ".".join(full.split(".")[-2:])
        what = IMPURE.get(short)
        if what is None and full.startswith(("random.", "numpy.random.")) and full.split(".")[-1] not in SEEDED:
            what = "unseeded randomness" if full.count(".") == (1 if full.startswith("random.") else 2) else None
        if full.split(".")[-1] in SEEDED and full.startswith(("random.", "numpy.random.")) and unseeded(node, tree):
            what = "unseeded randomness"
        if what is not None and not (short == "os.environ" and str(path) in LAUNCHING):
            yield f"{path}:{node.lineno} uses {what} ({full})"


def unseeded(name: ast.AST, tree: ast.Module) -> bool:
    """Whether a generator is created without a seed."""
    calls_of_it = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.func is name]
    return any(not call.args and not call.keywords for call in calls_of_it)


def imported_names(tree: ast.Module) -> dict[str, str]:
    """Name in the module -> what it stands for, of everything imported."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {
                alias.asname or alias.name.split(".")[0]: alias.name if alias.asname else alias.name.split(".")[0]
                for alias in node.names
            }
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return found


if __name__ == "__main__":
    from cultivar.cli import run_module

    run_module("reads")
