"""The model's string types and their limits, in characters.

Source: the service model `datapipeline/2012-10-29`, shapes of scalar type. Which characters a
string may hold is one rule for all of them and is checked apart, in ``wire/characters.py``.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

Id = Annotated[str, Meta(min_length=1, max_length=1024)]
Text = Annotated[str, Meta(max_length=1024)]
FieldName = Annotated[str, Meta(min_length=1, max_length=256)]
FieldValue = Annotated[str, Meta(max_length=10240)]
Expression = Annotated[str, Meta(max_length=20_971_520)]
TaskHandle = Annotated[str, Meta(min_length=1, max_length=2048)]
TagKey = Annotated[str, Meta(min_length=1, max_length=128)]
TagValue = Annotated[str, Meta(max_length=256)]
