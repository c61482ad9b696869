"""Endpoints that the contract names and that are still to come: each answers 501 `not_built`.

They stand in unbuilt.tsv. Building one is deleting its line and declaring it in its feature.
"""

from __future__ import annotations

import csv
import re
from functools import cache
from importlib.resources import files

from learnomy_wp.kernel.endpoint import Blueprint, Endpoint
from learnomy_wp.kernel.errors import NotBuilt
from learnomy_wp.kernel.policy import ANY, PUBLIC, USER


@cache
def blueprint() -> Blueprint:
    """One declaration for each line of unbuilt.tsv."""
    declared = Blueprint("unbuilt", group="not built")
    text = files("learnomy_wp").joinpath("unbuilt.tsv").read_text()
    for line in csv.DictReader(text.splitlines(), delimiter="\t"):
        declared.add(_endpoint(line))
    return declared


def _endpoint(line: dict[str, str]) -> Endpoint:
    def refuse() -> None:
        raise NotBuilt

    refuse.__doc__ = (line["summary"] or f"{line['method']} {line['path']}").capitalize() + "."
    rule = {"public": PUBLIC, "any": ANY, "gateway-signature": ANY}.get(line["rule"], USER)
    path = re.sub(r"\{(\w+)\}", lambda m: f"<{m[1]}>" if m[1] in ("uuid", "gateway") else f"<int:{m[1]}>", line["path"])
    words = re.sub(r"\W+", "_", re.sub(r"\{\w+\}", "one", line["path"])).strip("_")
    return Endpoint(
        name=f"{line['method'].lower()}_{words}",
        method=line["method"],
        path=path,
        group=line["group"],
        rule=rule.named(line["rule"]),
        function=refuse,
        limit=line["limit"],
        deadline="read" if line["method"] == "GET" else "write",
        is_built=False,
    )
