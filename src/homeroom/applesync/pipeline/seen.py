"""Which rows of the mirror a listing has met: a bit for each row id, 125 kB for a million."""

import zlib
from collections.abc import Iterable


class Seen:
    def __init__(self, packed: bytes = b"") -> None:
        self._bits = bytearray(zlib.decompress(packed)) if packed else bytearray()

    def add(self, row_ids: Iterable[int]) -> None:
        for row_id in row_ids:
            byte, bit = divmod(row_id, 8)
            if byte >= len(self._bits):
                self._bits.extend(bytes(byte + 1 - len(self._bits)))
            self._bits[byte] |= 1 << bit

    def __contains__(self, row_id: int) -> bool:
        byte, bit = divmod(row_id, 8)
        return byte < len(self._bits) and bool(self._bits[byte] >> bit & 1)

    def packed(self) -> bytes:
        return zlib.compress(self._bits, level=1)
