"""Keys: texts, whole numbers and tuples of them, whose bytes have their order.

The last part of a key takes the rest of the bytes, so a text alone is its UTF-8. A text before another part ends with
the bytes 0 and 1, and a zero byte in it is written as 0 and 2. So a text comes before those that continue it. Numbers
have eight bytes, big-endian, with their sign bit flipped.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar, get_args, get_origin

Key = str | int | tuple[Any, ...]
"""What a key can be. The parts of a tuple are keys themselves."""

K = TypeVar("K", bound=Key)

END = b"\x00\x01"
ZERO = b"\x00\x02"
NUMBER_BYTES = 8
SIGN = 1 << 63


def key_bytes(key: Key) -> bytes:
    """Returns the bytes of a key: a text, a whole number of 64 bits with a sign, or a tuple of these."""
    return _written(key, is_last=True)


def _written(key: Any, is_last: bool) -> bytes:
    if isinstance(key, str):
        text = key.encode()
        return text if is_last else text.replace(b"\x00", ZERO) + END
    if isinstance(key, int) and not isinstance(key, bool):
        if not -SIGN <= key < SIGN:
            raise OverflowError(f"the key {key} does not fit 64 bits")
        return (key + SIGN).to_bytes(NUMBER_BYTES, "big")
    if isinstance(key, tuple) and key:
        *before, last = key
        return b"".join(_written(part, is_last=False) for part in before) + _written(last, is_last)
    raise TypeError(f"a key is a text, a whole number or a tuple of these, and not {key!r}")


class Keys(Generic[K]):
    """Writes and reads the keys of one type.

    Their bytes do not say whether they are a text or a number, so reading them needs the type: `str`, `int`, or
    `tuple[str, int]` with any parts.
    """

    def __init__(self, of: type[K]) -> None:
        self.of = of
        self._shape = _shape(of)

    def write(self, key: K) -> bytes:
        """Returns the bytes of a key."""
        # A key of another type could be written, but not be read again.
        if not _has_shape(key, self._shape):
            raise TypeError(f"the key {key!r} is not of the type {type_text(self.of)}")
        return key_bytes(key)

    def read(self, raw: bytes) -> K | None:
        """Reads a key from its bytes. `None` says that they are none."""
        try:
            key, end = _read(self._shape, raw, 0, is_last=True)
        except (ValueError, IndexError):
            return None
        return key if end == len(raw) else None


def type_text(of: Any) -> str:
    """Returns the name of a type, as one writes it."""
    return of.__name__ if isinstance(of, type) and get_origin(of) is None else str(of)


def type_of(key: Any) -> Any:
    """Returns the type of a key, as `Keys` takes it."""
    if isinstance(key, tuple):
        return tuple[tuple(type_of(part) for part in key)]  # type: ignore[misc]
    return str if isinstance(key, str) else type(key)


def _shape(of: Any) -> Any:
    """Returns the parts of a type: `str`, `int`, or a tuple of such parts."""
    if of in (str, int):
        return of
    parts = get_args(of)
    if get_origin(of) is tuple and parts and Ellipsis not in parts:
        return tuple(_shape(part) for part in parts)
    raise TypeError(f"the type of a key is str, int or a tuple of these, as tuple[str, int], and not {type_text(of)}")


def _has_shape(key: Any, shape: Any) -> bool:
    if isinstance(shape, tuple):
        return isinstance(key, tuple) and len(key) == len(shape) and all(map(_has_shape, key, shape))
    return isinstance(key, shape) and not isinstance(key, bool)


def _read(shape: Any, raw: bytes, at: int, is_last: bool) -> tuple[Any, int]:
    """Reads a part from its place, and returns it with the place after it."""
    if isinstance(shape, tuple):
        parts = []
        for number, part in enumerate(shape, 1):
            read, at = _read(part, raw, at, is_last and number == len(shape))
            parts.append(read)
        return tuple(parts), at
    if shape is int:
        end = at + NUMBER_BYTES
        if end > len(raw):
            raise ValueError("fewer bytes than a number has")
        return int.from_bytes(raw[at:end], "big") - SIGN, end
    if is_last:
        return raw[at:].decode(), len(raw)
    text = bytearray()
    while True:
        zero = raw.index(0, at)
        text += raw[at:zero]
        # A zero byte must have one behind it that says whether it is the end.
        at, what = zero + 2, raw[zero : zero + 2]
        if what == END:
            return text.decode(), at
        if what != ZERO:
            raise ValueError("a zero byte that means nothing")
        text.append(0)
