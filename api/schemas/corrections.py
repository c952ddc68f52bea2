"""Corrections of images by a person, as clients send them, and as /docs describes them."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from ..spellings import INDEX

MOST = 1000
"""Images that are corrected by one request."""

LONGEST = 10_000
"""Characters of a text: twice as many as a page full of small writing has."""


class Correction(BaseModel):
    """A correction of one image: a label, or a text for many characters; null withdraws it."""

    model_config = ConfigDict(extra="forbid")

    label: Annotated[str | None, Field(json_schema_extra={"maxLength": LONGEST, "minLength": 1})]


class Corrections(BaseModel):
    """Corrections of many images, by index."""

    model_config = ConfigDict(extra="forbid")

    labels: Annotated[
        dict[Annotated[str, Field(pattern=INDEX)], str | None],
        Field(
            min_length=1,
            max_length=MOST,
            json_schema_extra={"propertyNames": {"pattern": INDEX}},
        ),
    ]
    overwrite: Annotated[bool, Field(description="false: corrected images stay as they are")] = True


class Corrected(BaseModel):
    """How many images were corrected, or had their correction withdrawn."""

    corrected: int
    kept: dict[str, str] = Field(
        description="other corrections that were there before and stay, by index"
    )
