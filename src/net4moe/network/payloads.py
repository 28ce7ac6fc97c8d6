"""How large what is sent really is, in bits.

A passage of text is small: a thousand words are 48 kbit, a tenth of a second at 0.5 Mbit/s. Radio weighs in
where a device sends an image, the states of a split model, or anything at all over a narrow band.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from net4moe.network.arrays import check
from net4moe.units import BITS_PER_BYTE

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = ["PAYLOADS_BITS", "embedding_bits", "hidden_state_bits", "image_bits", "load_bits"]


def load_bits(words: Float[Any, "*shape"], bits_per_word: float = 48.0) -> Float[Any, "*shape"]:
    """Turn words into bits to send.

        l_n = w_n bits_per_word

    The word count of a passage is its load: arXiv:2402.06942, step 6 of the case study. 48 bits are ours:
    five letters and a space of 8 bits each.

    Args:
      words: words in each passage, at least 0.
      bits_per_word: bits that one word takes, at least 0.

    Returns:
      Load of each passage, bits.

    Raises:
      ValueError: a plain number or an entry of a NumPy array is not as above.
    """
    check("words", words, least=0.0)
    check("bits_per_word", bits_per_word, least=0.0)
    return words * bits_per_word


def image_bits(
    width_px: Float[Any, "*shape"], height_px: Float[Any, "*shape"], bits_per_pixel: float = 1.5
) -> Float[Any, "*shape"]:
    """Compute the size of an image.

        l = width height bits_per_pixel

    1.5 bits per pixel is the upper end of what Wallace, "The JPEG still picture compression standard", IEEE
    Transactions on Consumer Electronics 38(1), 1992, calls excellent quality of a colour image; 24 bits is
    an image that is not compressed.

    Args:
      width_px: width, pixels, at least 0.
      height_px: height, pixels, at least 0.
      bits_per_pixel: bits that one pixel takes, at least 0.

    Returns:
      Size, bits.

    Raises:
      ValueError: a plain number or an entry of a NumPy array is not as above.
    """
    check("width_px", width_px, least=0.0)
    check("height_px", height_px, least=0.0)
    check("bits_per_pixel", bits_per_pixel, least=0.0)
    return width_px * height_px * bits_per_pixel


def embedding_bits(dimensions: Float[Any, "*shape"], bytes_per_value: float = 4.0) -> Float[Any, "*shape"]:
    """Compute the size of an embedding: one vector for the whole of a text or image.

        l = 8 dimensions bytes_per_value

    Args:
      dimensions: length of the vector, at least 0.
      bytes_per_value: bytes of one entry, at least 0; 4 for 32-bit floats.

    Returns:
      Size, bits.

    Raises:
      ValueError: a plain number or an entry of a NumPy array is not as above.
    """
    return hidden_state_bits(1.0, dimensions, bytes_per_value)


def hidden_state_bits(
    tokens: float | Float[Any, "*shape"],
    dimensions: Float[Any, "*shape"],
    bytes_per_value: float = 2.0,
    compression: float = 1.0,
) -> Float[Any, "*shape"]:
    """Compute the size of the hidden states between two layers of a model that is split over devices.

        l = 8 tokens dimensions bytes_per_value / compression

    Args:
      tokens: tokens of the text, at least 0; each has its own vector.
      dimensions: length of a vector, the width of the model, at least 0.
      bytes_per_value: bytes of one entry, at least 0; 2 for 16-bit floats.
      compression: how many times smaller the states are made before they are sent, at least 1.

    Returns:
      Size, bits.

    Raises:
      ValueError: a plain number or an entry of a NumPy array is not as above.
    """
    check("tokens", tokens, least=0.0)
    check("dimensions", dimensions, least=0.0)
    check("bytes_per_value", bytes_per_value, least=0.0)
    check("compression", compression, least=1.0)
    return tokens * dimensions * (BITS_PER_BYTE * bytes_per_value / compression)


PAYLOADS_BITS: Mapping[str, float] = MappingProxyType(
    {
        "100 words": load_bits(100.0),
        "photo": image_bits(1024.0, 768.0),
        "hidden states": hidden_state_bits(512.0, 2048.0),
    }
)
"""Three payloads to look at links with: a passage, a photo of 1024 x 768 pixels, and the states of 512 tokens
that are 2,048 wide, bits."""
