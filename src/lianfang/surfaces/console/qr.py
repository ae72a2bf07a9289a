"""Codes as pictures that a page carries in itself, so that nothing is asked from elsewhere."""

import segno


def qr(code: str) -> str:
    """Return a code as the address of a picture (SVG)."""
    return str(segno.make(code, error="m", micro=False).svg_data_uri(scale=3, border=1))
