"""Parameters of review: datasheet, report."""

from typing import Annotated

from pydantic import Field

from schemas.params.base import Count, Positive, Section


class DatasheetParams(Section):
    """What the datasheet says of this data version."""

    title: Annotated[str, Field(min_length=1)] = "Cultivar data"
    samples: Count = 2
    sample_chars: Positive = 300
    width: Annotated[int, Field(ge=300, le=2000)] = 420
    height: Annotated[int, Field(ge=120, le=1000)] = 190


class ReportParams(Section):
    """How the report is drawn."""

    title: Annotated[str, Field(min_length=1)] = "Cultivar run"
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    width: Annotated[int, Field(ge=300, le=2000)] = 420
    height: Annotated[int, Field(ge=120, le=1000)] = 190
    items: Count = 3
    answer_chars: Positive = 400
