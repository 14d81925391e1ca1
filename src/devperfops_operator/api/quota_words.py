"""Texts that the parts of a quota policy share."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from devperfops_operator.api import quota_rules, strict

Text = Annotated[strict.Text, quota_rules.SOMETHING]
Sentence = Annotated[strict.Sentence, quota_rules.SOMETHING]
Dimensions = Annotated[dict[strict.Text, Text], Field(default_factory=dict, max_length=8)]
Day = Annotated[Text, quota_rules.DAY]
