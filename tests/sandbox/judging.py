"""What the tests of verdicts use."""

from cultivar.sandbox import Job, Limits, Sandbox, Verdict

FAST = Limits(cpu_s=1.0, wall_s=10, memory_mb=256)


def one(box: Sandbox, job: Job) -> Verdict:
    (verdict,) = box.run([job])
    return verdict
