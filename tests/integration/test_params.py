"""Malformed params fail fast through `dvc repro` too, with the key's path, the value and what is allowed."""

import pytest
from workspace import Workspace


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    return Workspace(tmp_path_factory.mktemp("params"))


@pytest.mark.parametrize(
    ("edit", "complaint"),
    [
        (lambda p: p["tag"].update(max_tagz=3), "tag.max_tagz: unknown key"),
        (lambda p: p["sft"].update(learning_rate="fast"), "sft.learning_rate: 'fast' is not allowed"),
        (lambda p: p["roles"]["judge"].update(temperature=9.0), "roles.judge.temperature: 9.0 is not allowed"),
        (
            lambda p: p["runtime"].update(vllm={"dtype": "half"}),
            "dtype: may change answers, so it belongs to what asks",
        ),
        (lambda p: p["roles"].update(jugde={}), "roles.jugde: unknown role (did you mean judge?)"),
    ],
)
def test_faults_are_named(work, edit, complaint):
    before = (work.folder / "params.yaml").read_text()
    work.change(edit)
    done = work.python("-m", "cultivar.tools.params")
    (work.folder / "params.yaml").write_text(before)
    assert done.returncode == 1 and complaint in done.stderr, done.stderr


def test_dvc_repro_stops_at_its_first_stage(work):
    """Any stage refuses a fault in any section: the first one to run does, not the last."""
    work.change(lambda p: p["sft"].update(epocs=3))
    done = work.python("-m", "dvc", "repro", "ingest")
    assert done.returncode != 0 and "sft.epocs: unknown key (did you mean epochs?)" in done.stderr
    assert not (work.folder / "data/instructions.parquet").exists()
