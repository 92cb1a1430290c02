"""A recipe as text that fits into a link, and back: the link alone makes the clip again."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from typing import Any

from curation.errors import BadInput
from studio.limits import LARGEST_RECIPE

LONGEST_CODE = 120_000
"""A recipe with as many moves as it may have, all of them with all their digits, is 65,000 long, and
what it carries of taught banks another 40,000."""

_BROKEN = "the link is damaged or cut off: ask for it again, or load the recipe's file"


def encode(recipe: dict[str, Any]) -> str:
    """A recipe as letters, digits, ``-`` and ``_``.

    >>> decode(encode({"prompt": "calm jazz", "seed": 3}))
    {'prompt': 'calm jazz', 'seed': 3}
    """
    text = json.dumps(recipe, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return base64.urlsafe_b64encode(zlib.compress(text.encode(), 9)).decode().rstrip("=")


def decode(code: str) -> dict[str, Any]:
    """The recipe of a link.

    Raises:
        BadInput: it is damaged, cut off, or would unpack without end.
    """
    if not isinstance(code, str) or len(code) > LONGEST_CODE:
        raise BadInput(_BROKEN)
    try:
        packed = base64.b64decode(code + "=" * (-len(code) % 4), altchars=b"-_", validate=True)
        unpacking = zlib.decompressobj()
        text = unpacking.decompress(packed, LARGEST_RECIPE + 1)
        if len(text) > LARGEST_RECIPE or not unpacking.eof or unpacking.unused_data:
            raise BadInput(_BROKEN)
        recipe = json.loads(text)
        json.dumps(recipe, allow_nan=False)  # refuses numbers that JSON lacks, as 1e999
    except (binascii.Error, zlib.error, ValueError, RecursionError):
        raise BadInput(_BROKEN) from None
    if not isinstance(recipe, dict):
        raise BadInput(_BROKEN)
    return recipe
