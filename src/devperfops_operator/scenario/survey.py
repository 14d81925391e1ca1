"""What is known of a document before anything is put in order."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from devperfops_operator.scenario import security
from devperfops_operator.scenario.dependencies import Dependencies
from devperfops_operator.scenario.document import Document
from devperfops_operator.scenario.errors import DocumentError, Unusable
from devperfops_operator.scenario.material import Makers, Material, Materials
from devperfops_operator.scenario.model import Offer, Operation, Skipped
from devperfops_operator.scenario.operations import read_offer
from devperfops_operator.scenario.overlay import Overlay
from devperfops_operator.scenario.resolving import Resolver
from devperfops_operator.scenario.schema.make import Maker
from devperfops_operator.scenario.shapes import Shapes


@dataclass(frozen=True)
class Survey:
    """`made`: the values of the operations that are `fit` to be played, if their ids are to be had."""

    offer: Offer
    maker: Maker
    materials: Materials
    made: Mapping[str, Material]
    fit: Sequence[Operation]
    unfit: Sequence[Skipped]
    dependencies: Dependencies
    resolver: Resolver

    @classmethod
    def of(cls, document: Document, overlay: Overlay, *, columns: Collection[str], seed: int) -> Self:
        """Take what a person adds into account.

        Raises:
            DocumentError: the overlay speaks of operations that the document does not have.
        """
        offer = read_offer(document)
        _know(overlay, offer)
        makers = Makers.of(document, offer.operations)
        materials = Materials(makers, overlay, seed)
        fit, made, unfit = _fit(offer, overlay, materials)
        sent = {key: each.body for key, each in made.items()}
        dependencies = Dependencies(fit, Shapes(makers.whole.merger), sent)
        resolver = Resolver(made, dependencies, columns, overlay.include)
        return cls(offer, makers.whole, materials, made, fit, unfit, dependencies, resolver)


def _know(overlay: Overlay, offer: Offer) -> None:
    known = {each.key for each in offer.operations} | {each.key for each in offer.unreadable}
    unknown = sorted(overlay.named - known)
    if unknown:
        raise DocumentError(f"speaks of {unknown[0]}, which the document does not have")


def _fit(
    offer: Offer, overlay: Overlay, materials: Materials
) -> tuple[list[Operation], dict[str, Material], list[Skipped]]:
    """Operations that nobody has excluded and whose values can be made."""
    fit: list[Operation] = []
    made: dict[str, Material] = {}
    unfit = list(offer.unreadable)
    for operation in offer.operations:
        reason = operation.left_out if operation.key not in overlay.include else None
        if operation.key in overlay.exclude:
            reason = "the overlay excludes it"
        try:
            if reason is None:
                security.chosen(offer, operation)
                made[operation.key] = materials.of(operation)
                fit.append(operation)
        except Unusable as trouble:
            reason = str(trouble)
        if reason is not None:
            unfit.append(Skipped(operation.key, reason))
    return fit, made, unfit
