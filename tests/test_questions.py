"""The encoder's one owner: many threads, each with its own question's vector, and no thread left behind."""

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import pytest

from passage_index.encoder import unit
from passage_index.types import Vectors
from search_api import questions
from search_api.questions import BATCH, EncodedQuestion, QuestionEncoder
from tests.fakes import FakeEncoder, bag


class SlowEncoder(FakeEncoder):
    """Waits for leave before each batch, keeps every batch, and fails at questions with `fail` in them."""

    def __init__(self) -> None:
        self.leave = threading.Semaphore(0)
        self.batches: list[list[str]] = []
        self.busy = threading.Lock()

    def encode_questions(self, questions: Sequence[str]) -> Vectors:
        assert self.busy.acquire(blocking=False), "two threads in the encoder at once"
        assert self.leave.acquire(timeout=60)
        self.batches.append(list(questions))
        self.busy.release()
        if any("fail" in question for question in questions):
            raise RuntimeError("encoder failed")
        return super().encode_questions(questions)


@pytest.fixture
def encoder() -> SlowEncoder:
    return SlowEncoder()


def expected(question: str) -> list[float]:
    return unit(bag(question)[None])[0].tolist()


def test_fifty_threads_get_their_own_vectors(encoder: SlowEncoder) -> None:
    encoder.leave.release(1000)
    owner = QuestionEncoder(encoder)
    asked = [f"question number {number % 70} of {number // 70}" for number in range(500)]
    with ThreadPoolExecutor(50) as threads:
        found = list(threads.map(owner.encode, asked))
    owner.close()
    assert [vector.tolist() for vector in found] == [expected(question) for question in asked]


def test_what_waits_together_is_encoded_together(encoder: SlowEncoder) -> None:
    owner = QuestionEncoder(encoder)
    first = owner.submit("first")
    encoder.leave.release()
    first.result(timeout=60)
    held = owner.submit("held")
    waiting = [owner.submit(f"waiting {number}") for number in range(BATCH + 5)]
    encoder.leave.release(3)
    for number, future in enumerate(waiting):
        assert future.result(timeout=60).vector.tolist() == expected(f"waiting {number}")
    assert held.result().vector.tolist() == expected("held")
    owner.close()
    # The thread may have taken up `held` before or with the first of those that wait.
    assert sum(map(len, encoder.batches)) == BATCH + 7 and max(map(len, encoder.batches)) == BATCH
    assert len(encoder.batches) <= 4


def test_an_error_reaches_everyone_in_its_batch_and_nobody_else(encoder: SlowEncoder) -> None:
    encoder.leave.release(10)
    owner = QuestionEncoder(encoder)
    with pytest.raises(RuntimeError, match="encoder failed"):
        owner.encode("please fail")
    assert owner.encode("please work").tolist() == expected("please work")
    with pytest.raises(RuntimeError, match="encoder failed"):
        owner.encode("please fail")  # a failure is not remembered
    owner.close()
    assert encoder.batches == [["please fail"], ["please work"], ["please fail"]]


def test_a_question_asked_again_is_not_encoded_again(
    encoder: SlowEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(questions, "CACHED", 2)
    encoder.leave.release(10)
    owner = QuestionEncoder(encoder)
    for question in ("a", "b", "a", "c", "a", "b"):  # c pushes out b, the one not asked for longest
        assert owner.encode(question).tolist() == expected(question)
    owner.close()
    assert encoder.batches == [["a"], ["b"], ["c"], ["b"]]


def test_a_cancelled_question_harms_nobody(encoder: SlowEncoder) -> None:
    owner = QuestionEncoder(encoder)
    owner.submit("holds the thread")
    cancelled: Future[EncodedQuestion] = owner.submit("not wanted any more")
    cancelled.cancel()
    waiting = owner.submit("still wanted")
    encoder.leave.release(3)
    assert waiting.result(timeout=60).vector.tolist() == expected("still wanted")
    owner.close()


def test_close_answers_what_waits_and_ends_the_thread(encoder: SlowEncoder) -> None:
    owner = QuestionEncoder(encoder)
    waiting = [owner.submit(f"waiting {number}") for number in range(2 * BATCH)]
    encoder.leave.release(10)
    owner.close()
    assert all(future.done() for future in waiting)
    assert np.allclose(waiting[-1].result().vector, expected(f"waiting {2 * BATCH - 1}"))
    assert not owner._thread.is_alive()


def test_tokens_count_the_special_ones_and_are_counted_by_the_owner(encoder: SlowEncoder) -> None:
    encoder.leave.release(10)
    counting = []
    count = encoder.count_tokens
    encoder.count_tokens = lambda texts: (counting.append(threading.current_thread().name), count(texts))[1]  # type: ignore[method-assign]
    owner = QuestionEncoder(encoder)
    assert owner.tokens("five words and two more") == 7
    assert owner.encode("five words and two more").tolist() == expected("five words and two more")
    assert owner.tokens("five words and two more") == 7
    owner.close()
    assert counting == ["question-encoder"] and encoder.batches == [["five words and two more"]]
