"""The vectors journal: what was put comes back, or is absent; never wrong, never lost by a crash."""

import logging
import os
import signal
import subprocess
import sys
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pytest

from passage_index import journal as journal_module
from passage_index.dense import encode_stored
from passage_index.encoder import EmbeddedPassage, PassageVectors, unit
from passage_index.journal import Stored, VectorsJournal, forget, journal_file
from tests.fakes import FakeEncoder

IDENTITY = FakeEncoder.identity
DIM = IDENTITY.dim


def vectors(seed: int, sentences: int) -> Stored:
    random = np.random.default_rng(seed)
    drawn = unit(random.normal(size=(sentences + 1, DIM)).astype(np.float32))
    return encode_stored(PassageVectors(drawn[0], drawn[1:]))


def same(one: Stored | None, other: Stored) -> bool:
    return one is not None and all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


KEYS = [blake2b(bytes([number]), digest_size=16).digest() for number in range(3)]  # far from each other
RECORDS = [vectors(seed, sentences) for seed, sentences in ((1, 3), (2, 1), (3, 5))]
SIZES = [28 + 2 * DIM + (DIM + 4) * len(sentences) for _, sentences, _ in RECORDS]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    with VectorsJournal(tmp_path / "vectors" / "one.journal", IDENTITY) as journal:
        for key, stored in zip(KEYS, RECORDS, strict=True):
            journal.put(key, stored)
    return tmp_path / "vectors" / "one.journal"


def kept(file: Path) -> list[bool]:
    with VectorsJournal(file, IDENTITY) as journal:
        return [same(journal.get(key), stored) for key, stored in zip(KEYS, RECORDS, strict=True)]


def test_what_was_put_comes_back(file: Path) -> None:
    assert file.stat().st_size == sum(SIZES)
    assert kept(file) == [True, True, True]
    with VectorsJournal(file, IDENTITY) as journal:
        assert len(journal) == 3
        assert journal.get(b"\0" * 16) is None


def test_a_key_is_written_once_and_found_before_the_flush(file: Path) -> None:
    with VectorsJournal(file, IDENTITY) as journal:
        journal.put(KEYS[0], RECORDS[1])
        new = (99).to_bytes(16, "big")
        journal.put(new, RECORDS[1])
        journal.flush()
        assert same(journal.get(new), RECORDS[1]) and same(journal.get(KEYS[0]), RECORDS[0])
    assert file.stat().st_size == sum(SIZES) + SIZES[1]


def test_a_key_stands_for_text_and_sentences(file: Path) -> None:
    passages = [
        EmbeddedPassage("One. Two.", ((0, 4), (5, 9))),
        EmbeddedPassage("One. Two.", ((0, 9),)),
        EmbeddedPassage("One. Too.", ((0, 4), (5, 9))),
    ]
    with VectorsJournal(file, IDENTITY) as journal:
        keys = [journal.key(passage) for passage in passages]
        assert keys[0] == journal.key(replace(passages[0])) and len(set(keys)) == 3


def test_an_encoder_has_a_file_of_its_own(tmp_path: Path) -> None:
    changed = [
        IDENTITY,
        replace(IDENTITY, weights_sha256="1" * 64),
        replace(IDENTITY, passage_prefix="passage: "),
        replace(IDENTITY, pooling="cls"),
    ]
    assert len({journal_file(tmp_path, identity) for identity in changed}) == 4
    for harmless in (replace(IDENTITY, name="x"), replace(IDENTITY, query_prefix="query: ")):
        assert journal_file(tmp_path, harmless) == journal_file(tmp_path, IDENTITY)


def test_a_torn_tail_is_cut_off_wherever_it_was_torn(file: Path) -> None:
    whole = file.read_bytes()
    first_two = sum(SIZES[:2])
    for length in range(first_two, len(whole)):
        file.write_bytes(whole[:length])
        with VectorsJournal(file, IDENTITY) as journal:
            assert len(journal) == 2 and journal.get(KEYS[2]) is None
            journal.put(KEYS[2], RECORDS[2])
        assert file.read_bytes() == whole


def found_of(file: Path) -> list[Stored | None]:
    with VectorsJournal(file, IDENTITY) as journal:
        return [journal.get(key) for key in KEYS]


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_flipped_bit_costs_one_record_and_no_other(file: Path, number: int) -> None:
    whole, start = file.read_bytes(), sum(SIZES[:number])
    for place in (*range(28), *range(28, SIZES[number], 7)):
        for bit in range(8) if place < 28 else (place % 8,):
            damaged = bytearray(whole)
            damaged[start + place] ^= 1 << bit
            file.write_bytes(damaged)
            found = found_of(file)
            assert found[number] is None
            for other in {0, 1, 2} - {number}:
                assert same(found[other], RECORDS[other]), (place, bit)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_hole_costs_what_it_touches(file: Path, number: int) -> None:
    """Zeros over one record, some of the one before and some of the one behind it."""
    whole = file.read_bytes()
    starts = [sum(SIZES[:one]) for one in range(4)]
    begin, end = max(starts[number] - 10, 0), min(starts[number + 1] + 10, len(whole))
    file.write_bytes(whole[:begin] + bytes(end - begin) + whole[end:])
    found = found_of(file)
    for other, stored in enumerate(RECORDS):
        assert found[other] is None if abs(other - number) < 2 else same(found[other], stored)


def test_many_records_survive_a_hole_wider_than_a_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(journal_module, "_BLOCK", 64)
    file = tmp_path / "many.journal"
    keys = [number.to_bytes(16, "big") for number in range(100)]
    with VectorsJournal(file, IDENTITY) as journal:
        for number, key in enumerate(keys):
            journal.put(key, RECORDS[number % 3])
    whole, edges = file.read_bytes(), np.cumsum([0, *(SIZES[number % 3] for number in range(100))])
    begin, end = int(edges[40]) + 5, int(edges[60]) - 5
    file.write_bytes(whole[:begin] + b"vec1" * ((end - begin) // 4) + whole[begin + (end - begin) // 4 * 4 :])
    with caplog.at_level(logging.WARNING), VectorsJournal(file, IDENTITY) as journal:
        assert f"is damaged before byte {edges[60]}; going on there" in caplog.text
        for number, key in enumerate(keys):
            found = journal.get(key)
            assert found is None if 40 <= number < 60 else same(found, RECORDS[number % 3])
        journal.put(keys[50], RECORDS[50 % 3])
    with VectorsJournal(file, IDENTITY) as journal:
        assert same(journal.get(keys[50]), RECORDS[50 % 3]) and same(journal.get(keys[99]), RECORDS[0])


def test_what_is_forgotten_does_not_come_back_out_of_a_damaged_record(file: Path) -> None:
    """A length that is too long makes the first record reach over the second, which is to be forgotten."""
    damaged = bytearray(file.read_bytes())
    damaged[20] += 1
    file.write_bytes(damaged)
    assert forget(file, IDENTITY, {KEYS[1]}) == 1
    assert kept(file) == [False, False, True]
    assert file.stat().st_size == SIZES[2]


def test_a_damaged_record_can_be_put_again(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    damaged = bytearray(file.read_bytes())
    damaged[SIZES[0] + 40] ^= 1
    file.write_bytes(damaged)
    with caplog.at_level(logging.WARNING), VectorsJournal(file, IDENTITY) as journal:
        assert journal.get(KEYS[1]) is None
        assert f"damaged at byte {SIZES[0]}" in caplog.text
        journal.put(KEYS[1], RECORDS[1])
        assert same(journal.get(KEYS[1]), RECORDS[1])
    assert kept(file) == [True, True, True]


def test_a_second_process_only_reads(file: Path) -> None:
    script = f"""
import sys
from pathlib import Path
from tests.test_journal import IDENTITY, KEYS, RECORDS, same
from passage_index.journal import VectorsJournal
with VectorsJournal(Path({str(file)!r}), IDENTITY) as journal:
    assert same(journal.get(KEYS[2]), RECORDS[2])
    journal.put(b"x" * 16, RECORDS[0])
    print(len(journal), journal.get(b"x" * 16) is None)
"""
    before = file.read_bytes()
    with VectorsJournal(file, IDENTITY) as first:
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        assert done.stdout == "3 True\n"
        first.put((4).to_bytes(16, "big"), RECORDS[0])
    assert file.read_bytes()[: len(before)] == before and file.stat().st_size == len(before) + SIZES[0]


def test_a_killed_writer_loses_only_what_it_had_not_flushed(tmp_path: Path) -> None:
    file = tmp_path / "killed.journal"
    script = f"""
import os, signal
from pathlib import Path
from tests.test_journal import IDENTITY, RECORDS
from passage_index.journal import VectorsJournal
journal = VectorsJournal(Path({str(file)!r}), IDENTITY)
for number in range(2000):
    journal.put(number.to_bytes(16, "big"), RECORDS[number % 3])
    if number == 999:
        journal.flush()
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", script], check=False)
    assert done.returncode == -signal.SIGKILL
    with VectorsJournal(file, IDENTITY) as journal:
        assert 1000 <= len(journal) < 2000  # the buffer's last blocks went with the process
        for number in range(2000):
            found = journal.get(number.to_bytes(16, "big"))
            assert found is None if number >= len(journal) else same(found, RECORDS[number % 3])
    assert os.path.getsize(file) == sum(SIZES[number % 3] for number in range(len(journal)))
