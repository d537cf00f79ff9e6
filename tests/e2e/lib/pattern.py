"""What the test guest prints, byte by byte (tests/guest/README.md), and what differs from it."""

ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
LINE = 64
_FILL = LINE - 13
_TURNS = [((ALPHABET + ALPHABET)[at:at + _FILL]) for at in range(len(ALPHABET))]


def line(number):
    return b"%010d %s\r\n" % (number, _TURNS[number * 7 % len(ALPHABET)])


def lines(first, count):
    return b"".join(line(number) for number in range(first, first + count))


def exactly(count):
    """The output of `bytes COUNT`."""
    return lines(0, -(-count // LINE))[:count]


def binary(count):
    """The output of `bin COUNT`, without the CR LF after it."""
    state, out = 2463534242, bytearray()
    for _ in range(count):
        state ^= state << 13 & 0xFFFFFFFF
        state ^= state >> 17
        state ^= state << 5 & 0xFFFFFFFF
        out.append(state >> 24)
    return bytes(out)


def fnv1a(data):
    value = 0xcbf29ce484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001b3 & 0xFFFFFFFFFFFFFFFF
    return value


def first_difference(got, wanted):
    """None if equal, else a sentence that names the first wrong byte."""
    if got == wanted:
        return None
    for at, (left, right) in enumerate(zip(got, wanted)):
        if left != right:
            return (f"byte {at} of {len(wanted)} differs: got {got[at:at + 80]!r}, "
                    f"wanted {wanted[at:at + 80]!r}")
    return f"got {len(got)} bytes, wanted {len(wanted)}; ends with {got[-80:]!r}"


def assert_same(got, wanted):
    difference = first_difference(got, wanted)
    assert difference is None, difference
