"""What the options of all discriminators here have in common."""

from pydantic import BaseModel, ConfigDict, Field


class DiscriminatorOptions(BaseModel):
    """The options of the built-in discriminator ``temporal``, which each of these holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    channels: int = Field(default=256, gt=0)
    """Features of every layer."""

    input_gain: float = Field(default=10.0, gt=0)
    """Factor on the normalised 2D input."""
