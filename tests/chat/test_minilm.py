"""The sentence encoder: a small model against arithmetic written out slowly, and the real one."""

import hashlib
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from net4moe.chat import weights
from net4moe.chat.minilm import Encoded, MiniLM
from net4moe.errors import ModelFileError

WIDTH, HEADS, LAYERS, INNER, PLACES, WINDOW = 24, 12, 6, 48, 256, 254
WORDS = ("the", "fox", "learn", "##s", "to", "sail", "boat", "sink", ".", "a", "sea")
VOCABULARY = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS)
TEXTS = ("The fox learns to sail.", "a boat sinks", "Sea!", "")

Tensors = dict[str, np.ndarray]
Vector = list[float]


@pytest.fixture(scope="module")
def tensors() -> Tensors:
    """Draw weights, with the names and the depth of the real model and a sixteenth of its width."""
    lot = np.random.default_rng(7)
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (len(VOCABULARY), WIDTH),
        "embeddings.position_embeddings.weight": (PLACES, WIDTH),
        "embeddings.token_type_embeddings.weight": (2, WIDTH),
    }
    dense = {
        "attention.self.query": (WIDTH, WIDTH),
        "attention.self.key": (WIDTH, WIDTH),
        "attention.self.value": (WIDTH, WIDTH),
        "attention.output.dense": (WIDTH, WIDTH),
        "intermediate.dense": (INNER, WIDTH),
        "output.dense": (WIDTH, INNER),
    }
    norms = ["embeddings.LayerNorm"]
    for layer in range(LAYERS):
        name = f"encoder.layer.{layer}"
        for part, shape in dense.items():
            shapes[f"{name}.{part}.weight"] = shape
            shapes[f"{name}.{part}.bias"] = shape[:1]
        norms += [f"{name}.attention.output.LayerNorm", f"{name}.output.LayerNorm"]
    drawn = {name: lot.normal(0.0, 0.4, shape) for name, shape in shapes.items()}
    for name in norms:
        drawn[f"{name}.weight"] = 1.0 + lot.normal(0.0, 0.2, WIDTH)
        drawn[f"{name}.bias"] = lot.normal(0.0, 0.2, WIDTH)
    found = {name: values.astype(np.float32) for name, values in drawn.items()}
    return found | {"embeddings.position_ids": np.arange(PLACES, dtype=np.int64)[None]}


@pytest.fixture(scope="module")
def files(tensors: Tensors, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Write the weights and the vocabulary."""
    folder = tmp_path_factory.mktemp("minilm")
    save_file(tensors, folder / "model.safetensors")
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n", "utf-8")
    return folder / "model.safetensors", folder / "vocab.txt"


@pytest.fixture
def model(files: tuple[Path, Path]) -> MiniLM:
    """Load a model that has read nothing yet."""
    return MiniLM(*files)


def reference(tensors: Tensors, numbers: Sequence[int]) -> list[Vector]:
    """Compute the last state of each piece of one window, number by number, in double precision."""

    def linear(vector: Vector, name: str) -> Vector:
        rows, bias = tensors[f"{name}.weight"].tolist(), tensors[f"{name}.bias"].tolist()
        return [sum(map(float.__mul__, row, vector)) + own for row, own in zip(rows, bias, strict=True)]

    def normed(vector: Vector, name: str) -> Vector:
        mean = sum(vector) / WIDTH
        spread = math.sqrt(sum((value - mean) ** 2 for value in vector) / WIDTH + 1e-12)
        weight, bias = tensors[f"{name}.weight"].tolist(), tensors[f"{name}.bias"].tolist()
        return [(vector[at] - mean) / spread * weight[at] + bias[at] for at in range(WIDTH)]

    def added(*vectors: Vector) -> Vector:
        return [sum(values) for values in zip(*vectors, strict=True)]

    def attention(states: list[Vector], name: str) -> list[Vector]:
        queries, keys, values = (
            [linear(state, f"{name}.{part}") for state in states] for part in ("query", "key", "value")
        )
        size = WIDTH // HEADS
        heard = [[0.0] * WIDTH for _ in states]
        for head in range(HEADS):
            own = range(head * size, (head + 1) * size)
            for here, query in enumerate(queries):
                scores = [sum(query[at] * key[at] for at in own) / math.sqrt(size) for key in keys]
                shares = [math.exp(score) for score in scores]
                for at in own:
                    parts = (share * value[at] for share, value in zip(shares, values, strict=True))
                    heard[here][at] = sum(parts) / sum(shares)
        return heard

    def gelu(value: float) -> float:
        return value * 0.5 * (1.0 + math.erf(value / math.sqrt(2.0)))

    table, places, kinds = (
        tensors[f"embeddings.{name}_embeddings.weight"].tolist()
        for name in ("word", "position", "token_type")
    )
    states = [
        normed(added(table[number], places[place], kinds[0]), "embeddings.LayerNorm")
        for place, number in enumerate(numbers)
    ]
    for layer in range(LAYERS):
        name = f"encoder.layer.{layer}"
        heard = attention(states, f"{name}.attention.self")
        states = [
            normed(
                added(linear(one, f"{name}.attention.output.dense"), state),
                f"{name}.attention.output.LayerNorm",
            )
            for one, state in zip(heard, states, strict=True)
        ]
        states = [
            normed(
                added(
                    linear(
                        [gelu(value) for value in linear(state, f"{name}.intermediate.dense")],
                        f"{name}.output.dense",
                    ),
                    state,
                ),
                f"{name}.output.LayerNorm",
            )
            for state in states
        ]
    return states


def unit(values: np.ndarray) -> np.ndarray:
    """Bring vectors to length one."""
    return values / np.linalg.norm(values, axis=-1, keepdims=True)


def framed(*pieces: str) -> list[int]:
    """Number pieces, with the marks around them."""
    return [VOCABULARY.index(piece) for piece in ("[CLS]", *pieces, "[SEP]")]


def same(one: Encoded, other: Encoded, *, within: float) -> None:
    """Hold two answers against each other."""
    np.testing.assert_allclose(one.vector, other.vector, atol=within)
    np.testing.assert_allclose(one.pieces, other.pieces, atol=within)
    assert one.words == other.words


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("The fox learns to sail.", ("the", "fox", "learn", "##s", "to", "sail", ".")),
        ("a boat sinks", ("a", "boat", "sink", "##s")),
        ("zebra", ("[UNK]",)),
        ("", ()),
    ],
)
def test_against_the_arithmetic(model: MiniLM, tensors: Tensors, text: str, pieces: tuple[str, ...]) -> None:
    """The mean over all states, marks too, is the text; those between the marks are its pieces."""
    (found,) = model.encode([text])
    states = np.array(reference(tensors, framed(*pieces)))
    np.testing.assert_allclose(found.vector, unit(states.mean(axis=0)), atol=1e-5)
    assert (len(pieces), WIDTH) == found.pieces.shape
    np.testing.assert_allclose(found.pieces, unit(states[1:-1]), atol=1e-5)
    assert (np.float32, np.float32) == (found.vector.dtype, found.pieces.dtype)


def test_words_know_their_pieces(model: MiniLM) -> None:
    """Each word and mark, without capitals and accents, with the places of its pieces in order."""
    (found,) = model.encode(["Fox learns \u0301."])
    assert (("fox", (0,)), ("learns", (1, 2)), (".", (3,))) == found.words


def test_texts_together_are_as_each_alone(model: MiniLM, files: tuple[Path, Path]) -> None:
    """Texts of one call, one of them twice and one empty, do not see each other."""
    together = model.encode([*TEXTS, TEXTS[0]])
    assert together[0] is together[-1]
    for text, found in zip(TEXTS, together, strict=False):
        same(MiniLM(*files).encode([text])[0], found, within=1e-5)
    assert [] == model.encode([])


def test_a_long_text_is_read_in_windows(model: MiniLM, tensors: Tensors) -> None:
    """One piece more than a window holds is read in a window of its own, with marks of its own."""
    words = [WORDS[number % 3] for number in range(WINDOW)]
    words = ["fox" if word.startswith("#") else word for word in words]
    long, window = model.encode([" ".join([*words, "sea"]), " ".join(words)])
    assert (WINDOW + 1, WIDTH) == long.pieces.shape
    assert ("sea", (WINDOW,)) == long.words[-1]
    np.testing.assert_allclose(long.pieces[:WINDOW], window.pieces, atol=1e-5)
    last = np.array(reference(tensors, framed("sea")))
    np.testing.assert_allclose(long.pieces[-1], unit(last[1]), atol=1e-5)


def test_a_long_text_is_the_mean_of_its_windows(model: MiniLM) -> None:
    """The same window twice is what it is once; of two different ones the text lies between them."""
    fox, sea = " ".join(["fox sail"] * (WINDOW // 2)), " ".join(["the sea"] * (WINDOW // 2))
    twice, once, both, other = (
        one.vector for one in model.encode([f"{fox} {fox}", fox, f"{fox} {sea}", sea])
    )
    np.testing.assert_allclose(twice, once, atol=1e-5)
    assert min(both @ once, both @ other) > once @ other + 1e-3
    assert pytest.approx(1.0, abs=1e-5) == float(np.linalg.norm(both))


def test_what_is_known_changes_no_answer(model: MiniLM, files: tuple[Path, Path]) -> None:
    """The same object while it is remembered; after many others, the same numbers again."""
    text = TEXTS[0]
    (first,) = model.encode([text])
    assert first is model.encode([text, "a boat"])[0]
    for begin in range(0, 1_000, 100):
        model.encode(
            [f"fox {'a ' * (number % 7)}sea" + " ." * (number % 11) for number in range(begin, begin + 100)]
        )
        model.encode([" ".join(["boat", *format(number, "b")]) for number in range(begin, begin + 100)])
    same(first, model.encode([text])[0], within=1e-5)
    same(MiniLM(*files).encode([text])[0], model.encode([text])[0], within=1e-5)


def test_half_precision_is_read_as_well(files: tuple[Path, Path], tensors: Tensors, tmp_path: Path) -> None:
    """Weights of half the size give nearly the same; what is computed stays in single precision."""
    small = tmp_path / "model.safetensors"
    save_file(
        {
            name: values.astype(np.float16) if values.dtype.kind == "f" else values
            for name, values in tensors.items()
        },
        small,
    )
    (found,), (whole,) = (MiniLM(path, files[1]).encode(TEXTS[:1]) for path in (small, files[0]))
    assert np.float32 == found.vector.dtype
    assert float(found.vector @ whole.vector) > 0.99


@pytest.mark.parametrize(
    "damage", ["cut", "no weights", "other weights", "no vocabulary", "no words", "no text"]
)
def test_a_damaged_file(files: tuple[Path, Path], damage: str, tmp_path: Path) -> None:
    """Whichever it is, the sentence names both and what they should be."""
    model, vocabulary = tmp_path / "model.safetensors", tmp_path / "vocab.txt"
    model.write_bytes(files[0].read_bytes())
    vocabulary.write_bytes(files[1].read_bytes())
    match damage:
        case "cut":
            model.write_bytes(files[0].read_bytes()[:-1])
        case "no weights":
            model.unlink()
        case "other weights":
            save_file({"something": np.zeros(3, np.float32)}, model)
        case "no vocabulary":
            vocabulary.unlink()
        case "no words":
            vocabulary.write_text("fox\n")
        case _:
            vocabulary.write_bytes(b"\xff\xfe\xff")
    with pytest.raises(ModelFileError) as caught:
        MiniLM(model, vocabulary)
    start = f"{model} and {vocabulary} are not the sentence encoder all-MiniLM-L6-v2 ("
    assert str(caught.value).startswith(start)


PAIRS = (
    ("A fox learns to sail.", "A young fox is taught how to handle a boat.", 0.793109),
    ("A fox learns to sail.", "The bank raised its interest rates.", 0.030306),
    (
        "Crème brûlée is served cold!",
        "Dessert: custard with burnt sugar, straight from the fridge.",
        0.401973,
    ),
)
"""Texts and their cosine, computed once by another implementation with the tokenizer of the model."""


@pytest.fixture(scope="module")
def real(encoder_files: tuple[Path, ...]) -> MiniLM:
    """Load the real model."""
    return MiniLM(*encoder_files)


@pytest.mark.model
@pytest.mark.parametrize(("one", "other", "cosine"), PAIRS)
def test_real_cosines(real: MiniLM, one: str, other: str, cosine: float) -> None:
    """As another implementation has them."""
    first, second = real.encode([one, other])
    assert pytest.approx(cosine, abs=1e-3) == float(first.vector @ second.vector)


@pytest.mark.model
def test_what_means_alike_lies_near(real: MiniLM) -> None:
    """Of three sentences each is nearest to its own paraphrase."""
    sentences = ("The boat sank in the storm.", "Bread rises because of yeast.", "He lost his job in spring.")
    again = (
        "A gale drove the ship under.",
        "Leaven makes dough swell.",
        "In April they let him go from work.",
    )
    cosines = (
        np.array([one.vector for one in real.encode(sentences)])
        @ np.array([one.vector for one in real.encode(again)]).T
    )
    assert [0, 1, 2] == cosines.argmax(axis=1).tolist()


@pytest.mark.model
def test_the_files_are_the_pinned_ones(encoder_files: tuple[Path, ...]) -> None:
    """What lies in the cache are the files whose hashes the program holds."""
    found = [hashlib.sha256(path.read_bytes()).hexdigest() for path in encoder_files]
    assert [file.sha256 for file in weights.MINILM.files] == found
