"""What an operator says of itself, in the types of the component."""

from __future__ import annotations

from wit_world.exports import operator as wit
from wit_world.imports import types

from ..description import Clock, Description, Format, Hashed, Kind, Merge, Namespace, Ordered

CLOCKS = {Clock.EVENT: types.TimeDomain.EVENT, Clock.PROCESSING: types.TimeDomain.PROCESSING}

INPUTS = {Format.LINES: wit.InputFormat.COLUMNS, Format.RECORDS: wit.InputFormat.RECORDS}

OUTPUTS = {Format.LINES: wit.OutputFormat.LINES, Format.RECORDS: wit.OutputFormat.RECORDS}

MERGES = {
    Merge.ADD: types.MergeOperator.ADD,
    Merge.MIN: types.MergeOperator.MIN,
    Merge.MAX: types.MergeOperator.MAX,
    Merge.APPEND: types.MergeOperator.APPEND,
    Merge.SET_UNION: types.MergeOperator.SET_UNION,
}


def described_of(described: Description) -> wit.Description:
    """Returns a description in the types of the component."""
    return wit.Description(
        described.name,
        described.schema_version,
        inputs=[wit.Input(port.name, INPUTS[port.format]) for port in described.inputs],
        outputs=[wit.Output(port.name, OUTPUTS[port.format]) for port in described.outputs],
        namespaces=[declared(namespace) for namespace in described.namespaces],
        parameters=[wit.Parameter(each.name, each.default, each.doc) for each in described.parameters],
    )


def declared(namespace: Namespace) -> types.NamespaceDeclaration:
    """Returns the declaration of a namespace."""
    expires = None
    if namespace.expires is not None:
        clock, after_ms = namespace.expires
        expires = types.Expiry(CLOCKS[clock], after_ms)
    merge = None if namespace.merge is None else MERGES[namespace.merge]
    return types.NamespaceDeclaration(namespace.name, kind_of(namespace.kind), expires, merge)


def kind_of(kind: Kind) -> types.NamespaceKind:
    """Returns how the keys of a namespace are kept."""
    if isinstance(kind, Hashed):
        return types.NamespaceKind_Hashed()
    if isinstance(kind, Ordered):
        return types.NamespaceKind_Ordered(kind.route_bytes)
    return types.NamespaceKind_Timers(CLOCKS[kind.clock])
