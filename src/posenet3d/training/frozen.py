"""The base of every configuration."""

from typing import Any

from pydantic import BaseModel, ConfigDict

Info = Any
"""pydantic's ValidationInfo, a protocol that runtime type checks cannot check."""


class Frozen(BaseModel):
    """Base of every configuration: immutable, and a misspelt field is an error."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True
    )
