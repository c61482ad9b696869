"""The features, in the order in which they are registered."""

from __future__ import annotations

from learnomy_wp import unbuilt
from learnomy_wp.kernel.endpoint import Blueprint


def blueprints() -> list[Blueprint]:
    """Every feature's endpoints; what the contract names beyond them answers 501."""
    built: list[Blueprint] = []
    return [*built, unbuilt.blueprint()]
