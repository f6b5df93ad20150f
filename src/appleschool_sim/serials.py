"""Serial numbers by arithmetic: index to serial and back, with no table in between."""

DIGITS = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"
LETTERS = DIGITS[10:]
BASE = len(DIGITS)
_VALUES = {digit: value for value, digit in enumerate(DIGITS)}
_LENGTHS = (12, 11, 10, 10, 10, 12, 10, 10)
_STRIDE = 11_400_714_819_323_198_485
_FIRST_FACTOR = 2_862_933_555_777_941_757
_SECOND_FACTOR = 3_202_034_522_624_059_733


class Serials:
    """A bijection between the natural numbers and well-formed serials, one for each seed.

    Apple's serials have no letter O or I. Devices made since 2021 carry 10 characters, older ones 11 or 12.
    """

    def __init__(self, seed: int) -> None:
        self._offset = (seed + 1) * _STRIDE
        self._inverses = {
            length: (
                pow(_FIRST_FACTOR, -1, BASE ** (length - 1)),
                pow(_SECOND_FACTOR, -1, BASE ** (length - 1)),
            )
            for length in sorted(set(_LENGTHS))
        }

    def at(self, index: int) -> str:
        length = _LENGTHS[index % len(_LENGTHS)]
        space = BASE ** (length - 1)
        mixed = (index * _FIRST_FACTOR + self._offset) % space
        mixed = _value(_digits(mixed, length - 1)[::-1]) * _SECOND_FACTOR % space
        return LETTERS[mixed % 8191 % len(LETTERS)] + _digits(mixed, length - 1)

    def index_of(self, serial: str) -> int | None:
        """The index that has this serial, maybe far beyond the devices that exist; None if none can."""
        length = len(serial)
        if length not in self._inverses or not _VALUES.keys() >= set(serial):
            return None
        space = BASE ** (length - 1)
        first, second = self._inverses[length]
        mixed = _value(serial[1:]) * second % space
        index = (_value(_digits(mixed, length - 1)[::-1]) - self._offset) * first % space
        return index if self.at(index) == serial else None


def _digits(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, BASE)
        digits.append(DIGITS[digit])
    return "".join(reversed(digits))


def _value(digits: str) -> int:
    number = 0
    for digit in digits:
        number = number * BASE + _VALUES[digit]
    return number
