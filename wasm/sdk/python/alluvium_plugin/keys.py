"""Keys: texts, whole numbers, times, codes and tuples of them, whose bytes have their order.

The last part of a key takes the rest of the bytes, so a text alone is its UTF-8. A text before another part ends with
the bytes 0 and 1, and a zero byte in it is written as 0 and 2. So a text comes before those that continue it. Numbers
have eight bytes, big-endian, with their sign bit flipped if they have a sign. A time is its milliseconds, and a code
its UTF-8.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, NamedTuple, TypeVar, get_args, get_origin

from .code import Code, is_code
from .times import Time
from .unsigned import Unsigned

Key = str | int | Time | tuple[Any, ...]
"""What a key can be. A `Code` is a text, an `Unsigned` an int, and the parts of a tuple are keys themselves."""

K = TypeVar("K", bound=Key)

END = b"\x00\x01"
ZERO = b"\x00\x02"
NUMBER_BYTES = 8
SIGN = 1 << 63


class Fixed(NamedTuple):
    """A type whose keys always have as many bytes."""

    of: type
    length: int
    write: Callable[[Any], bytes]
    read: Callable[[bytes], Any]


def fixed(of: Any) -> Fixed | None:
    """Returns how the keys of a type are written, if they always have as many bytes."""
    if is_code(of):
        return Fixed(of, of.byte_length, str.encode, lambda raw: of(raw.decode()))
    return FIXED.get(of)


def key_bytes(key: Key) -> bytes:
    """Returns the bytes of a key: a text, a whole number of 64 bits with a sign, a time, or a tuple of these."""
    return _written(key, _shape_of(key), is_last=True)


class Keys(Generic[K]):
    """Writes and reads the keys of one type.

    Their bytes do not say whether they are a text or a number, so reading them needs the type: `str`, `int`, `Time`,
    `Unsigned`, a class of codes, or `tuple[str, int]` with any of these parts.
    """

    def __init__(self, of: type[K]) -> None:
        self.of = of
        self._shape = _shape(of)

    def write(self, key: K) -> bytes:
        """Returns the bytes of a key."""
        # A key of another type could be written, but not be read again.
        if not _has_shape(key, self._shape):
            raise TypeError(f"the key {key!r} is not of the type {type_text(self.of)}")
        return _written(key, self._shape, is_last=True)

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
    of = type(key)
    if of in (str, int, bool) or isinstance(key, (Code, Unsigned)):
        return of
    # A member of an enumeration is its text or number.
    return next((base for base in (str, int) if isinstance(key, base)), of)


def _shape(of: Any) -> Any:
    """Returns the parts of a type: `str`, a `Fixed`, or a tuple of such parts."""
    shape = str if of is str else fixed(of)
    if shape is not None:
        return shape
    parts = get_args(of)
    if get_origin(of) is tuple and parts and Ellipsis not in parts:
        return tuple(_shape(part) for part in parts)
    kinds = "str, int, Time, Unsigned, a class of codes or a tuple of these, as tuple[str, int]"
    raise TypeError(f"the type of a key is {kinds}, and not {type_text(of)}")


def _shape_of(key: Any) -> Any:
    """Returns the parts of the type of a key."""
    if isinstance(key, tuple) and key:
        return tuple(map(_shape_of, key))
    return _shape(type_of(key))


def _has_shape(key: Any, shape: Any) -> bool:
    if isinstance(shape, Fixed):
        return isinstance(key, shape.of) and not isinstance(key, bool)
    if isinstance(shape, tuple):
        return isinstance(key, tuple) and len(key) == len(shape) and all(map(_has_shape, key, shape))
    return isinstance(key, str)


def _number(key: int) -> bytes:
    if not -SIGN <= key < SIGN:
        raise OverflowError(f"the key {key} does not fit 64 bits")
    return (key + SIGN).to_bytes(NUMBER_BYTES, "big")


def _read_number(raw: bytes) -> int:
    return int.from_bytes(raw, "big") - SIGN


FIXED: dict[Any, Fixed] = {
    int: Fixed(int, NUMBER_BYTES, _number, _read_number),
    Time: Fixed(Time, NUMBER_BYTES, lambda time: _number(time.ms), lambda raw: Time(_read_number(raw))),
    Unsigned: Fixed(
        Unsigned,
        NUMBER_BYTES,
        lambda number: int.to_bytes(number, NUMBER_BYTES, "big"),
        lambda raw: Unsigned(int.from_bytes(raw, "big")),
    ),
}


def _written(key: Any, shape: Any, is_last: bool) -> bytes:
    if isinstance(shape, Fixed):
        return shape.write(key)
    if isinstance(shape, tuple):
        *before, (last, of_last) = zip(key, shape, strict=True)
        return b"".join(_written(part, of, False) for part, of in before) + _written(last, of_last, is_last)
    text: bytes = key.encode()
    return text if is_last else text.replace(b"\x00", ZERO) + END


def _read(shape: Any, raw: bytes, at: int, is_last: bool) -> tuple[Any, int]:
    """Reads a part from its place, and returns it with the place after it."""
    if isinstance(shape, Fixed):
        end = at + shape.length
        if end > len(raw):
            raise ValueError("fewer bytes than the part has")
        return shape.read(raw[at:end]), end
    if isinstance(shape, tuple):
        parts = []
        for number, part in enumerate(shape, 1):
            read, at = _read(part, raw, at, is_last and number == len(shape))
            parts.append(read)
        return tuple(parts), at
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
