"""Damage to files: blind edits, and edits that know where a format keeps its lengths, tags and checksums."""

from __future__ import annotations

import contextlib
import random
import re
import struct
import zlib
from collections.abc import Callable, Sequence

LARGEST = 1 << 20

_NUMBERS = (0, 1, 2, 3, 7, 8, 9, 16, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 1 << 24, (1 << 31) - 1, 1 << 31)
_NUMBERS += ((1 << 32) - 1, 1 << 32, (1 << 63) - 1, 1 << 63, (1 << 64) - 1)
_REALS = (0.0, -1.0, 3.4e38, -3.4e38, 1e-45, float("inf"), float("nan"), float("-inf"), 1.7e308, 5e-324)
_TOKENS = (
    *("0", "-1", "1e999", "-1e999", "1e-400", "NaN", "Infinity", "nan", "inf", "9" * 30, "9" * 5000, "0x10", "1_0"),
    *("null", "true", "false", "[]", "{}", '""', "[" * 2000, '{"a":' * 2000, "[[[]]]", "{", "}", "[", "]", ",", ":"),
    *('"', "'", "=", ";", "\t", "\r", "\n", "\0", " ", "#", "\\", '"\\ud800"', '"\\u0000"', "\ud800", "\ufeff"),
    *("é", "\u202e", "\x1b[2J", "../../x", "/", "a" * 3000, "1979-05-27T07:32:00Z", "12:00:00", "[[a]]", "[a.b]"),
    *("<a>", "</a>", "&amp;", "&x;", "<!DOCTYPE x [<!ENTITY x 'y'>]>", "<?xpacket?>", "<![CDATA[", "]]>", "-->"),
)
_TOKEN = re.compile(r"\s+|\w+|[^\w\s]")

Edit = Callable[[bytearray, random.Random], None]


def mutated(data: bytes, others: Sequence[bytes], rng: random.Random) -> bytes:
    """A damaged copy; ``others`` lend parts of themselves."""
    result = bytearray(data)
    for _ in range(1 + min(int(rng.expovariate(0.7)), 6)):
        if rng.random() < 0.35 and (edit := _edit_of(bytes(result))) is not None:
            # What earlier edits left may be too short for the format's own.
            with contextlib.suppress(struct.error, IndexError):
                edit(result, rng)
        elif rng.random() < 0.1 and others:
            _splice(result, rng.choice(others), rng)
        else:
            rng.choice(_BLIND)(result, rng)
        del result[LARGEST:]
    # A wrong checksum would hide from the readers whatever else is wrong.
    if result.startswith(_PNG) and rng.random() < 0.8:
        result[:] = _with_checksums(bytes(result))
    return bytes(result)


def _place(data: bytearray, rng: random.Random) -> int:
    """Somewhere; half the time near the start, where headers are."""
    return rng.randrange(max(1, min(len(data), 300) if rng.random() < 0.5 else len(data)))


def _flip(data: bytearray, rng: random.Random) -> None:
    if data:
        data[_place(data, rng)] ^= 1 << rng.randrange(8)


def _byte(data: bytearray, rng: random.Random) -> None:
    if data:
        data[_place(data, rng)] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))


def _number(data: bytearray, rng: random.Random) -> None:
    order, kind = rng.choice("<>"), rng.choice("HHIIIQfd")
    if kind in "fd":
        value = rng.choice(_REALS if kind == "d" else _REALS[:7])
        packed = struct.pack(order + kind, value)
    else:
        packed = struct.pack(order + kind, rng.choice(_NUMBERS) % (1 << 8 * struct.calcsize(kind)))
    at = _place(data, rng)
    data[at : at + len(packed)] = packed


def _nudge(data: bytearray, rng: random.Random) -> None:
    kind = rng.choice((">H", "<H", ">I", "<I"))
    at, size = _place(data, rng), struct.calcsize(kind)
    if at + size <= len(data):
        (value,) = struct.unpack_from(kind, data, at)
        struct.pack_into(kind, data, at, (value + rng.randrange(-16, 17)) % (1 << 8 * size))


def _cut(data: bytearray, rng: random.Random) -> None:
    del data[rng.randrange(len(data) + 1) :]


def _delete(data: bytearray, rng: random.Random) -> None:
    at = _place(data, rng)
    del data[at : at + int(rng.expovariate(0.05)) + 1]


def _double(data: bytearray, rng: random.Random) -> None:
    at, size = _place(data, rng), int(rng.expovariate(0.02)) + 1
    data[at:at] = data[at : at + size] * rng.choice((1, 1, 1, 2, 50))


def _blank(data: bytearray, rng: random.Random) -> None:
    at, size = _place(data, rng), int(rng.expovariate(0.02)) + 1
    size = min(size, len(data) - at)
    data[at : at + size] = bytes([rng.choice((0, 0, 0x20, 0xFF))]) * size


def _insert(data: bytearray, rng: random.Random) -> None:
    at = _place(data, rng)
    data[at:at] = rng.randbytes(rng.choice((1, 1, 2, 4, 8, 64)))


def _move(data: bytearray, rng: random.Random) -> None:
    size = rng.choice((1, 2, 4, 8, 12, 32))
    source, target = _place(data, rng), _place(data, rng)
    data[target : target + size] = data[source : source + size]


_BLIND: tuple[Edit, ...] = (_flip, _flip, _byte, _byte, _number, _number, _nudge, _nudge)
_BLIND += (_cut, _delete, _double, _blank, _insert, _move)


def _splice(data: bytearray, other: bytes, rng: random.Random) -> None:
    at = rng.randrange(len(other) + 1)
    part = other[at : at + rng.choice((4, 12, 64, 512, len(other)))]
    place = rng.randrange(len(data) + 1)
    data[place : place + rng.choice((0, len(part)))] = part


def _edit_of(data: bytes) -> Edit | None:
    """The edit that knows this format."""
    if data.startswith(_PNG):
        return _edit_png
    if data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return _edit_tiff
    if data.startswith(b"\xff\xd8"):
        return _edit_jpeg
    if data.startswith(b"RIFF"):
        return _edit_riff
    if data[4:8] == b"ftyp":
        return _edit_boxes
    if data[36:40] == b"acsp":
        return _edit_profile
    if data[8:9] == b"{" and data[3:8] == bytes(5):
        return _edit_safetensors
    try:
        data.decode()
    except UnicodeDecodeError:
        return None
    return _edit_text


_PNG = b"\x89PNG\r\n\x1a\n"


def _parts(data: bytes, start: int, read: Callable[[int], tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """(start, content, end) of parts that follow each other, as far as they make sense."""
    parts = []
    while start < len(data):
        try:
            begin, content, end = read(start)
        except (struct.error, IndexError):
            break
        if not begin < end <= len(data):
            break
        parts.append((begin, content, end))
        start = end
    return parts


def _edit_part(data: bytearray, part: tuple[int, int, int], tail: int, rng: random.Random) -> int:
    """Edit the content of one part, drop it, double it or cut it; how much longer its content has become."""
    begin, content, end = part
    choice = rng.random()
    if choice < 0.1:
        del data[begin:end]
        return 0
    if choice < 0.2:
        data[end:end] = data[begin:end]
        return 0
    inner = bytearray(data[content : end - tail])
    rng.choice(_BLIND)(inner, rng)
    data[content : end - tail] = inner
    return len(inner) - (end - tail - content)


def _edit_png(data: bytearray, rng: random.Random) -> None:
    def read(at: int) -> tuple[int, int, int]:
        return at, at + 8, at + 12 + struct.unpack_from(">I", data, at)[0]

    if parts := _parts(data, 8, read):
        part = rng.choice(parts)
        grown = _recompress(data, part, rng) if rng.random() < 0.3 else _edit_part(data, part, 4, rng)
        if grown and rng.random() < 0.9:
            struct.pack_into(">I", data, part[0], max(0, part[2] - part[1] - 4 + grown))


def _recompress(data: bytearray, part: tuple[int, int, int], rng: random.Random) -> int:
    """Edit what a zlib stream within one part unfolds to; how much longer the part has become."""
    _, start, end = part
    at = data.find(b"\x78", start, end)
    try:
        inner = bytearray(zlib.decompressobj().decompress(bytes(data[at : end - 4]), LARGEST))
    except zlib.error:
        return 0
    rng.choice(_BLIND)(inner, rng)
    packed = zlib.compress(bytes(inner))
    data[at : end - 4] = packed
    return len(packed) - (end - 4 - at)


def _with_checksums(data: bytes) -> bytes:
    result, at = bytearray(data), 8
    while at + 12 <= len(result):
        (length,) = struct.unpack_from(">I", result, at)
        if at + 12 + length > len(result):
            break
        struct.pack_into(">I", result, at + 8 + length, zlib.crc32(result[at + 4 : at + 8 + length]))
        at += 12 + length
    return bytes(result)


def _edit_tiff(data: bytearray, rng: random.Random) -> None:
    """One entry of a directory: its tag, type, count or value; or the place of the next directory."""
    order = "<" if data[:1] == b"I" else ">"
    big = data[2:4] in (b"+\0", b"\0+")
    entry_size, count_kind, field = (20, "Q", "Q") if big else (12, "H", "I")
    todo, seen, entries = [struct.unpack_from(order + field, data, 8 if big else 4)[0]], set(), []
    while todo and len(seen) < 8:
        at = todo.pop()
        if at in seen or at + 8 > len(data):
            continue
        seen.add(at)
        (count,) = struct.unpack_from(order + count_kind, data, at)
        first = at + struct.calcsize(count_kind)
        if count > 200 or first + count * entry_size + struct.calcsize(field) > len(data):
            continue
        for number in range(count):
            entry = first + number * entry_size
            entries.append(entry)
            tag = struct.unpack_from(order + "H", data, entry)[0]
            if tag in (330, 34665, 34853, 40965):
                todo.append(struct.unpack_from(order + field, data, entry + 4 + struct.calcsize(field))[0])
        todo.append(struct.unpack_from(order + field, data, first + count * entry_size)[0])
    if not entries:
        return
    entry, what = rng.choice(entries), rng.randrange(6)
    if what == 0:
        struct.pack_into(order + "H", data, entry, rng.choice(_TAGS))
    elif what == 1:
        struct.pack_into(order + "H", data, entry + 2, rng.choice((0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 13, 16, 99)))
    elif what == 2:
        struct.pack_into(order + field, data, entry + 4, rng.choice(_NUMBERS) % (1 << 8 * struct.calcsize(field)))
    elif what == 3:
        value = rng.choice((*_NUMBERS, entry, *seen, len(data), len(data) - 1)) % (1 << 8 * struct.calcsize(field))
        struct.pack_into(order + field, data, entry + 4 + struct.calcsize(field), value)
    elif what == 4:
        struct.pack_into(order + "H", data, entry + 4 + struct.calcsize(field), rng.choice(_NUMBERS) % 65536)
    else:
        other = rng.choice(entries)
        data[entry : entry + entry_size] = data[other : other + entry_size]


_TAGS = (254, 256, 257, 258, 259, 262, 270, 271, 272, 273, 274, 277, 278, 279, 282, 284, 296, 306, 317, 320, 322, 323)
_TAGS += (324, 325, 330, 338, 339, 347, 513, 514, 529, 530, 700, 33421, 33422, 33723, 34377, 34665, 34675, 34853)
_TAGS += (36864, 40961, 40965, 50706, 50708, 50714, 50717, 50721, 50728, 50778, 50829, 51008, 51022, 0, 65535)


def _edit_jpeg(data: bytearray, rng: random.Random) -> None:
    def read(at: int) -> tuple[int, int, int]:
        if data[at] != 0xFF or data[at + 1] in (0xD8, 0xD9, 0xDA):
            raise IndexError
        return at, at + 4, at + 2 + struct.unpack_from(">H", data, at + 2)[0]

    if parts := _parts(data, 2, read):
        part = rng.choice(parts)
        grown = _edit_part(data, part, 0, rng)
        if grown and rng.random() < 0.9 and part[0] + 4 <= len(data):
            struct.pack_into(">H", data, part[0] + 2, min(65535, max(2, part[2] - part[0] - 2 + grown)))


def _edit_riff(data: bytearray, rng: random.Random) -> None:
    def read(at: int) -> tuple[int, int, int]:
        size = struct.unpack_from("<I", data, at + 4)[0]
        return at, at + 8, at + 8 + size + size % 2

    if parts := _parts(data, 12, read):
        part = rng.choice(parts)
        grown = _edit_part(data, part, 0, rng)
        if grown and part[0] + 8 <= len(data):
            struct.pack_into("<I", data, part[0] + 4, max(0, part[2] - part[1] + grown))
    if len(data) >= 8 and rng.random() < 0.8:
        struct.pack_into("<I", data, 4, len(data) - 8)


_NESTING = {b"meta": 4, b"iprp": 0, b"ipco": 0, b"moov": 0, b"trak": 0, b"iinf": 6, b"dinf": 0, b"iref": 4}


def _edit_boxes(data: bytearray, rng: random.Random) -> None:
    """The content of one box, however deep; most of the time without moving what comes behind it."""
    found: list[tuple[int, int, int]] = []

    def walk(start: int, end: int) -> None:
        while start + 8 <= end and len(found) < 500:
            size, kind = struct.unpack_from(">I4s", data, start)
            stop = end if size == 0 else start + size
            if not start + 8 <= stop <= end:
                return
            found.append((start, start + 8, stop))
            if kind in _NESTING:
                walk(start + 8 + _NESTING[kind], stop)
            start = stop

    walk(0, len(data))
    if not found:
        return
    part = rng.choice(found)
    if rng.random() < 0.75:
        inner = bytearray(data[part[0] : part[2]])
        size = len(inner)
        rng.choice((_flip, _byte, _number, _nudge, _blank, _move))(inner, rng)
        data[part[0] : part[2]] = inner[:size].ljust(size, b"\0")
    else:
        _edit_part(data, part, 0, rng)


def _edit_profile(data: bytearray, rng: random.Random) -> None:
    """A tag's signature, place, size or content of an ICC profile."""
    count = struct.unpack_from(">I", data, 128)[0] if len(data) >= 132 else 0
    if not 0 < count < 100 or 132 + 12 * count > len(data):
        return
    entry = 132 + 12 * rng.randrange(count)
    _, place, size = struct.unpack_from(">4sII", data, entry)
    if rng.random() < 0.4:
        struct.pack_into(
            ">I", data, entry + rng.choice((4, 8)), rng.choice((*_NUMBERS, place + 1, size - 1)) % (1 << 32)
        )
    elif place + size <= len(data):
        inner = bytearray(data[place : place + size])
        rng.choice((_flip, _byte, _number, _nudge, _blank, _move))(inner, rng)
        data[place : place + size] = inner[:size].ljust(size, b"\0")


def _edit_safetensors(data: bytearray, rng: random.Random) -> None:
    (length,) = struct.unpack_from("<Q", data)
    if length > len(data) - 8:
        return
    header = bytearray(data[8 : 8 + length])
    _edit_text(header, rng)
    data[8 : 8 + length] = header
    struct.pack_into("<Q", data, 0, len(header))


def _edit_text(data: bytearray, rng: random.Random) -> None:
    """Tokens of a text, exchanged for others that parsers stumble over."""
    tokens = _TOKEN.findall(data.decode(errors="surrogateescape"))
    if not tokens:
        return
    at, what = rng.randrange(len(tokens)), rng.randrange(6)
    if what == 0:
        tokens[at] = rng.choice(_TOKENS)
    elif what == 1:
        tokens.insert(at, rng.choice(_TOKENS))
    elif what == 2:
        tokens[at] = rng.choice(tokens)
    elif what == 3:
        del tokens[at : at + rng.choice((1, 1, 2, 5, 20))]
    elif what == 4:
        tokens[at:at] = tokens[at : at + rng.choice((1, 3, 10))] * rng.choice((1, 1, 100))
    else:
        numbers = [place for place, token in enumerate(tokens) if token[:1].isdigit()]
        if numbers:
            tokens[rng.choice(numbers)] = rng.choice(_TOKENS[:13])
    data[:] = "".join(tokens).encode(errors="surrogatepass" if rng.random() < 0.5 else "replace")
