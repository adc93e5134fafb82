"""Rows of a product that two versions do not share: from hashes and counts where that is enough, else from their ids."""

from typing import NamedTuple

from reports.history.measures import number_at
from reports.history.state import State
from reports.versions.database import connect, parquet
from reports.versions.version import Version


class RowChange(NamedTuple):
    """Rows added, removed and changed (another row with the same prompt); where not counted, only `net` is known."""

    net: int
    added: int | None = None
    removed: int | None = None
    changed: int | None = None


COUNTS = """
with old as (select id, hash(prompt) as prompt from {old}), new as (select id, hash(prompt) as prompt from {new}),
gone as (select prompt, count(*) as rows from old anti join new using (id) group by prompt),
come as (select prompt, count(*) as rows from new anti join old using (id) group by prompt)
select coalesce(sum(come.rows), 0), coalesce(sum(gone.rows), 0), coalesce(sum(least(coalesce(come.rows, 0), coalesce(gone.rows, 0))), 0)
from gone full join come using (prompt)
"""
"""A row's id is the hash of its content, so an edited row is one gone and one come; the prompt tells that they are one."""


def row_change(old: State | None, new: State, letter: str, path: str, count_rows: bool) -> RowChange | None:
    """How a product changed from one version to the next; None where one of them has none, or nobody counted.

    Equal hashes are equal rows. Raises MissingObject where rows are to be counted and their bytes are not to be had.
    """
    if old is None or letter not in old.md5 or letter not in new.md5:
        return None
    if old.md5[letter] == new.md5[letter]:
        return RowChange(0, 0, 0, 0)
    if count_rows:
        return counted(version_of(old), version_of(new), path)
    name = path.removeprefix("data/").removesuffix(".parquet")
    before, after = (number_at(state.metrics, f"assemble:out.{name}") for state in (old, new))
    return None if before is None or after is None else RowChange(int(after - before))


def counted(old: Version, new: Version, path: str) -> RowChange:
    query = COUNTS.format(old=parquet(old.files(path)), new=parquet(new.files(path)))
    with connect() as database:
        come, gone, changed = (int(value) for value in database.execute(query).fetchone() or (0, 0, 0))
    return RowChange(come - gone, come - changed, gone - changed, changed)


def version_of(state: State) -> Version:
    return Version(state.revision.name, state.revision.commit)
