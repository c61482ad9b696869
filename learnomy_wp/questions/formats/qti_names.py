"""How QTI 2.1 and 3.0 spell the same things."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_HUMP = re.compile(r"(?<=[a-z0-9])([A-Z])")


@dataclass(frozen=True)
class Names:
    """The spelling of one version."""

    is_three: bool
    namespace: str
    package: str
    schema: str
    schema_version: str
    resource_type: str
    templates: str

    def tag(self, name: str) -> str:
        """An element by its name of version 2."""
        return f"qti-{dashed(name)}" if self.is_three else name

    def attributes(self, given: Mapping[str, str]) -> dict[str, str]:
        """Attributes by their names of version 2."""
        return {dashed(name): value for name, value in given.items()} if self.is_three else dict(given)

    def template(self, name: str) -> str:
        """The address of a standard response processing."""
        return f"{self.templates}/{name}"


TWO = Names(
    is_three=False,
    namespace="http://www.imsglobal.org/xsd/imsqti_v2p1",
    package="http://www.imsglobal.org/xsd/imscp_v1p1",
    schema="QTIv2.1 Package",
    schema_version="1.0.0",
    resource_type="imsqti_item_xmlv2p1",
    templates="http://www.imsglobal.org/question/qti_v2p1/rptemplates",
)
THREE = Names(
    is_three=True,
    namespace="http://www.imsglobal.org/xsd/imsqtiasi_v3p0",
    package="http://www.imsglobal.org/xsd/qti/qtiv3p0/imscp_v1p1",
    schema="QTI Package",
    schema_version="3.0.0",
    resource_type="imsqti_item_xmlv3p0",
    templates="https://purl.imsglobal.org/spec/qti/v3p0/rptemplates",
)


def dashed(name: str) -> str:
    """`responseIdentifier` as `response-identifier`."""
    return _HUMP.sub(lambda found: f"-{found[1].lower()}", name)


def humped(name: str) -> str:
    """`qti-simple-choice` and `response-identifier` as version 2 has them."""
    bare = name.removeprefix("qti-")
    return re.sub("-([a-z0-9])", lambda found: found[1].upper(), bare)
