"""The settings of a ledger in memory: there are none."""

from pydantic import BaseModel, ConfigDict


class Options(BaseModel):
    """``[erps.<name>.options]``."""

    model_config = ConfigDict(frozen=True, extra="forbid")
