"""What is known of a data version before any table of it is read."""

from dataclasses import dataclass

from reports.history.measures import Metrics
from reports.history.revisions import Revision


@dataclass(frozen=True)
class State:
    """What is known of one data version without reading its tables. `stale`: metrics of an earlier version, by file."""

    revision: Revision
    metrics: Metrics
    stale: tuple[str, ...]
    md5: dict[str, str]
