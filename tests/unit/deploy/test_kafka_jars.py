"""Tests of Kafka's jars: only those of the lock file are installed, by their sums."""

import hashlib
from pathlib import Path

import pytest

from deploy.local.errors import StackError
from deploy.local.kafka_jars import LOCK_FILE, Jar, accept, locked, missing

_JAR = Jar("org.example", "thing", "1.0", hashlib.sha256(b"right").hexdigest())


def test_the_lock_file_names_kafka_and_no_place_to_fetch_it_from() -> None:
    jars = locked()

    assert len(jars) == 46
    assert {jar.file_name for jar in jars} >= {"kafka_2.13-4.3.0.jar", "slf4j-simple-1.7.36.jar"}
    assert all(len(jar.sha256) == 64 for jar in jars)
    assert len({jar.file_name for jar in jars}) == len(jars)
    assert "://" not in LOCK_FILE.read_text()


def test_a_line_is_read_as_written() -> None:
    assert Jar.read(str(_JAR)) == _JAR


def test_the_right_jar_is_accepted(tmp_path: Path) -> None:
    (fetched := tmp_path / "fetched").write_bytes(b"right")
    (folder := tmp_path / "jars").mkdir()

    accept(_JAR, fetched, folder)

    assert missing(folder, [_JAR]) == []


def test_a_jar_with_another_sum_is_refused_and_deleted(tmp_path: Path) -> None:
    (fetched := tmp_path / "fetched").write_bytes(b"wrong")
    (folder := tmp_path / "jars").mkdir()

    with pytest.raises(StackError, match=r"thing-1\.0\.jar is not the file"):
        accept(_JAR, fetched, folder)

    assert not fetched.exists()
    assert missing(folder, [_JAR]) == [_JAR]
