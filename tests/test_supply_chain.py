"""What is installed is what is locked, with hashes; what its licences ask for is in NOTICE; and the bill of materials is whole."""

import json
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
LOCKS = sorted(path.name for path in ROOT.glob("requirements*.txt"))
NOTICE = (ROOT / "NOTICE").read_text()
COPYLEFT = re.compile(
    r"GPL|GNU|MPL|Mozilla|EPL|Eclipse|CDDL|EUPL|OSL|CeCILL|CPL|Artistic|CC-BY-SA|Sleepycat|Share.?Alike", re.I
)
COPYLEFT_LIBRARIES = re.compile(
    r"lib(gfortran|quadmath|gomp|git2|zmq|avcodec|avformat|avutil|swscale|swresample|x26[45])\b"
)
PIN = re.compile(
    r"^(?P<name>[a-z0-9-]+)==(?P<version>[^ ;]+)(?P<rest>( ;[^\n]*?)?( \\\n +--hash=sha256:[0-9a-f]{64})+)$", re.M
)


def locked(name: str) -> dict[str, str]:
    """{package: version} of a lock file; every line of it has to be a comment or belong to a pin with hashes."""
    text = (ROOT / name).read_text()
    pins = {match["name"]: match["version"] for match in PIN.finditer(text)}
    left = [line for line in PIN.sub("", text).splitlines() if line and not line.startswith("#")]
    assert pins and left == []
    return pins


def installed() -> dict[str, metadata.Distribution]:
    return {canonicalize_name(d.name): d for d in metadata.distributions()}


@pytest.mark.parametrize("name", LOCKS)
def test_every_pin_has_hashes_and_every_requirement_a_pin(name):
    """No address, no option: only comments and pins pass `locked`."""
    pins, lines = locked(name), Path(ROOT, name).with_suffix(".in")
    lines = lines if lines.exists() else ROOT / "requirements.in"  # requirements-cuda.txt is another lock of it
    known = pins | locked("requirements-cuda.txt")
    for line in lines.read_text().splitlines():
        if line and not line.startswith("#"):
            wanted = Requirement(line)
            version = known[canonicalize_name(wanted.name)].partition("+")[0]
            assert wanted.specifier.contains(version), line


def test_locks_that_are_installed_together_agree():
    versions: dict[str, set[str]] = {}
    for name in ("requirements.txt", "requirements-cuda.txt", "requirements-dev.txt", "requirements-vllm-cpu.txt"):
        for package, version in locked(name).items():
            versions.setdefault(package, set()).add(version.partition("+")[0])
    assert {package: found for package, found in versions.items() if len(found) > 1} == {}


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_what_is_installed_is_what_is_locked(name):
    found = installed()
    versions = {package: found[package].version if package in found else None for package in locked(name)}
    public = {package: version and version.partition("+")[0] for package, version in versions.items()}
    assert public == {package: version.partition("+")[0] for package, version in locked(name).items()}


def licence_of(distribution: metadata.Distribution) -> str:
    """What the metadata says: the expression, else the classifiers and the first line of the text."""
    fields = distribution.metadata
    named = [c.rpartition(" :: ")[2] for c in fields.get_all("Classifier", []) if c.startswith("License :: ")]
    text = (fields.get("License") or "").strip().partition("\n")[0]
    return fields.get("License-Expression") or " ".join([*named, text]).strip()


def test_notice_lists_every_package_with_copyleft_or_without_a_licence():
    asking = {name for name, d in installed().items() if COPYLEFT.search(licence_of(d)) or not licence_of(d)}
    listed = set(re.findall(r"^  ([a-z0-9-]+)  +\S", NOTICE[: NOTICE.index("Shared libraries")], re.M))
    assert asking - {"cultivar"} <= listed
    assert listed & installed().keys() <= asking


def test_notice_lists_every_wheel_with_a_copyleft_library():
    shared = NOTICE[NOTICE.index("Shared libraries") :]
    for name, distribution in installed().items():
        for file in distribution.files or ():
            if ".so" in file.name and (library := COPYLEFT_LIBRARIES.match(file.name)) and name != "pygit2":
                assert re.search(rf"\b{name}\b", shared), f"{name}: {library[0]}"


@pytest.mark.parametrize(
    ("licence", "asks"),
    [
        *[(text, True) for text in ("MPL-2.0 AND MIT", "LGPL-2.1-only", "GPLv2", "EPL-2.0 OR GPL-2.0-or-later")],
        *[(text, True) for text in ("License :: OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)", "CC-BY-SA-4.0")],
        *[(text, False) for text in ("MIT", "Apache-2.0", "BSD-3-Clause AND ISC", "PSF-2.0", "MIT-CMU", "Unlicense")],
    ],
)
def test_which_licences_are_copyleft(licence, asks):
    assert bool(COPYLEFT.search(licence)) == asks


def test_the_bill_of_materials_lists_what_is_installed(tmp_path):
    """As `make sbom`, but for its validation, which takes most of its time."""
    command = [shutil.which("cyclonedx-py", path=Path(sys.executable).parent), "environment", "--no-validate"]
    command += ["--pyproject", str(ROOT / "pyproject.toml"), "--output-reproducible", "-o", str(tmp_path / "sbom.json")]
    subprocess.run([*command, sys.executable], check=True, capture_output=True)
    bill = json.loads((tmp_path / "sbom.json").read_text())
    parts = {canonicalize_name(part["name"]): part["version"] for part in bill["components"]}
    assert bill["bomFormat"] == "CycloneDX" and bill["metadata"]["component"]["name"] == "cultivar"
    assert parts == {name: d.version for name, d in installed().items() if name != "cultivar"}
