"""Models that say what they obey: to people by their docstrings, to the API server by rules."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from devperfops_operator.api.rules import Rule, with_rules


class Ruled(BaseModel):
    """camelCase on the wire, immutable in memory.

    Attribute docstrings become the CRD's descriptions (`kubectl explain`), `validations` its CEL rules.
    """

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, frozen=True, use_attribute_docstrings=True
    )

    validations: ClassVar[tuple[Rule, ...]] = ()

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return with_rules(handler(core_schema), cls.validations)
