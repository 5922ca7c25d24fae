"""Merging a value into the one that is there, and sets as values.

A set is its elements in ascending order of their bytes, each behind its length as LEB128. The empty set has no bytes.
"""

from __future__ import annotations

from collections.abc import Iterable

from .description import Merge

NUMBER_BYTES = 8

# A length has at most four bytes of seven bits.
LENGTH_BITS = 28


def merged(how: Merge, before: bytes, value: bytes) -> bytes:
    """Merges a value into the one that is there. Neither is wrong."""
    if how is Merge.ADD:
        # In two's complement, the sum is the same with and without a sign.
        number = int.from_bytes(before, "little") + int.from_bytes(value, "little")
        return (number % 2**64).to_bytes(NUMBER_BYTES, "little")
    if how is Merge.MIN:
        return min(before, value)
    if how is Merge.MAX:
        return max(before, value)
    if how is Merge.APPEND:
        return before + value
    return set_bytes(set_elements(before) | set_elements(value))


def wrong_with(how: Merge, value: bytes) -> str | None:
    """Says what is wrong with a value that is merged, or that others are merged into."""
    if how is Merge.ADD and len(value) != NUMBER_BYTES:
        return "not a number of eight bytes"
    if how is Merge.SET_UNION:
        try:
            elements = set_elements(value)
        except ValueError as what:
            return str(what)
        if set_bytes(elements) != value:
            return "not a set: its elements do not ascend"
    return None


def set_bytes(elements: Iterable[bytes]) -> bytes:
    """Returns the value that is a set of these elements."""
    value = bytearray()
    for element in sorted(set(elements)):
        length = len(element)
        while length >= 0x80:
            value.append(length & 0x7F | 0x80)
            length >>= 7
        value.append(length)
        value += element
    return bytes(value)


def set_elements(value: bytes) -> set[bytes]:
    """Returns the elements of a set. A `ValueError` says what is wrong with the value."""
    elements, at = set(), 0
    while at < len(value):
        length, at = _length(value, at)
        elements.add(value[at : at + length])
        at += length
    if at > len(value):
        raise ValueError("not a set: an element reaches past its end, or a length is malformed")
    return elements


def _length(value: bytes, at: int) -> tuple[int, int]:
    """Returns the length at a place, and the place behind it."""
    length = 0
    for shift in range(0, LENGTH_BITS, 7):
        if at == len(value):
            break
        length |= (value[at] & 0x7F) << shift
        at += 1
        if value[at - 1] < 0x80:
            return length, at
    raise ValueError("not a set: an element reaches past its end, or a length is malformed")
