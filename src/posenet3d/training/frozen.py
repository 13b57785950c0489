"""The base of every configuration."""

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """Base of every configuration: immutable, and a misspelt field is an error."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True
    )
