"""What every params section shares: unknown keys are refused, values are frozen, numbers have bounds."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Rate = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]


class Section(BaseModel):
    """A section of params.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Raises TypeError for names that DVC leaves out of its run cache's key wherever they stand.

        A stage whose `size` changed would be given the outputs of the old one (dvc 3.67, stage/cache.py).
        """
        if unseen := {"size", "nfiles"} & set(cls.model_fields):
            raise TypeError(f"{cls.__name__}.{unseen.pop()}: DVC's run cache does not see a parameter of this name")
