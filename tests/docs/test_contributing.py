"""The worked example of CONTRIBUTING.md, done as it is written, in a copy of the project."""

from pages import blocks, run_block, write_block
from workspace import ROOT, Workspace


def test_the_worked_example_adds_a_stage(tmp_path):
    workspace = Workspace(tmp_path)
    printed = ""
    for block in blocks(ROOT / "CONTRIBUTING.md"):
        if block.file:
            write_block(workspace, block)
        else:
            assert block.language == "sh"
            printed += run_block(workspace, block)
    assert "code: fingerprints of" in printed
    assert "brief: 144 rows in: 120 kept, 24 dropped, 0 quarantined" in printed
    assert "lists exactly" in printed
    assert "stages/annotation/brief.py" in (tmp_path / "fingerprints/brief.txt").read_text()
