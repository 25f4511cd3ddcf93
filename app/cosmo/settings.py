"""The settings document: one typed, validated model of one YAML file.

Whatever is wrong with a document is one `SettingsError` naming the file, the key and what was expected.
"""

from __future__ import annotations

import difflib
import ipaddress
import re
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from cosmo.errors import SettingsError
from cosmo.line_limit import MAX_LINE_BYTES, USUAL_LINE_BYTES
from cosmo.valid_text import valid_text

RECORD_OVERHEAD_KIB = 64
"""Room for a record's small headers and Kafka's own framing."""
LONGEST_WAIT_MS = 20_000
"""Of the linger and of the trigger. The verbs give up after a minute in which nothing is measured."""
LEAST_QUIET_MS = 1000
"""The dashboard says 'no data' this long after data are due, or later."""
_MOST_LAG_ROWS = 4096


def _is_jvm_size(text: str) -> str:
    if not re.fullmatch(r"[1-9][0-9]*[mg]", text):
        raise ValueError("expected a JVM memory size such as 512m or 2g")
    return text


def _is_short_wait(time_ms: int) -> int:
    if time_ms > LONGEST_WAIT_MS:
        raise ValueError(
            f"expected at most {LONGEST_WAIT_MS} ms: verbs and dashboard take a longer wait for a fault"
        )
    return time_ms


def _is_endpoint(text: str) -> str:
    if not re.fullmatch(
        r"https?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?", text
    ):
        raise ValueError("expected an address such as https://store.example.org:5210")
    return text.rstrip("/")


def _expand(path: Path) -> Path:
    return path.expanduser().absolute()


_SHARED = ("var", "usr", "etc", "home", "lib", "boot")
"""Of these the folders right below are everybody's, or somebody's home."""


def _require_own(path: Path) -> Path:
    """Refuse a folder that holds more than COSMO's files: init takes it, and a purge deletes it."""
    _, *below = _expand(path).parts
    if path in (Path(), Path("~")) or len(below) < 2 or (len(below) == 2 and below[0] in _SHARED):
        raise ValueError(f"expected a folder of COSMO's own such as /var/lib/cosmo, got '{path}'")
    return path


def _require_in_own(path: Path) -> Path:
    _require_own(path.parent)
    return path


# Strict: a number in quotes, or true for 1, is a slip of the pen, not a number.
Whole = Annotated[int, Field(strict=True, ge=0)]
Wait = Annotated[Whole, AfterValidator(_is_short_wait)]
Positive = Annotated[int, Field(strict=True, gt=0)]
Port = Annotated[int, Field(strict=True, ge=1, le=65535)]
Flag = Annotated[bool, Field(strict=True)]
JvmSize = Annotated[str, AfterValidator(_is_jvm_size)]
TopicName = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,249}$")]
LocalPath = Annotated[Path, AfterValidator(_expand)]
OwnFolder = Annotated[Path, AfterValidator(_require_own), AfterValidator(_expand)]
FolderInOwn = Annotated[Path, AfterValidator(_require_in_own), AfterValidator(_expand)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Paths(_Section):
    """Folders of this machine."""

    data: OwnFolder
    cache: OwnFolder


class Ports(_Section):
    """TCP ports, each written once for everybody who needs it."""

    zookeeper: Port
    kafka: Port
    spark_master: Port
    spark_master_ui: Port
    spark_worker: Port
    spark_worker_ui: Port
    spark_driver: Port
    spark_block_manager: Port
    spark_application_ui: Port
    dashboard: Port

    @model_validator(mode="after")
    def _differ(self) -> Ports:
        taken: dict[int, str] = {}
        for name, port in self:
            if port in taken:
                raise ValueError(f"expected {name} and {taken[port]} to differ, both are {port}")
            taken[port] = name
        return self


class Security(_Section):
    """Who may connect: everybody on loopback, or who has a password."""

    mode: Literal["tls", "plaintext"]
    ca: LocalPath
    credentials: FolderInOwn

    @property
    def is_on(self) -> bool:
        """Whether there are passwords, rights and encryption."""
        return self.mode == "tls"


class StreamTopic(_Section):
    """Topic of the timeslices."""

    name: TopicName
    partitions: Annotated[int, Field(strict=True, ge=1, le=256)]
    retention_mib: Positive


class ResultsTopic(_Section):
    """Topic of the results, one partition."""

    name: TopicName
    retention_mib: Positive
    retention_hours: Positive


class RunsTopic(_Section):
    """Topic of the runs, one partition, compacted."""

    name: TopicName


class Topics(_Section):
    """The three topics."""

    stream: StreamTopic
    results: ResultsTopic
    runs: RunsTopic

    @model_validator(mode="after")
    def _differ(self) -> Topics:
        names = [self.stream.name, self.results.name, self.runs.name]
        if len(set(names)) < len(names):
            raise ValueError(f"expected three different topic names, got {', '.join(names)}")
        return self


class SourceSettings(_Section):
    """Where the rows come from."""

    kind: Literal["cosmics", "beam", "files", "bucket"]
    files: tuple[str, ...]
    seed: Whole
    faults: tuple[str, ...]
    loop: Flag

    @model_validator(mode="after")
    def _files_are_named(self) -> SourceSettings:
        if self.kind == "files" and not self.files:
            raise ValueError("kind is files, so expected at least one path in source.files")
        return self

    @model_validator(mode="after")
    def _faults_are_possible(self) -> SourceSettings:
        if not self.faults:
            return self
        from cosmo.generator import KINDS, parse_fault  # here: numpy takes longer than all else of a command

        if self.kind not in KINDS:
            raise ValueError(f"kind is {self.kind}, so expected no faults: they are put into generated rows")
        try:
            KINDS[self.kind](seed=self.seed, faults=tuple(parse_fault(text) for text in self.faults))
        except SettingsError as error:
            raise ValueError(str(error)) from error
        return self


class BucketSettings(_Section):
    """A bucket of an S3-compatible store, and how to get at it."""

    endpoint_url: Annotated[str, AfterValidator(_is_endpoint)]
    ca_bundle: LocalPath | None
    credentials_file: LocalPath
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,255}$")]
    prefix: str
    preload_mib: Positive


class ProducerSettings(_Section):
    """Pace and cutting of the stream."""

    rows_per_s: (
        Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)] | Literal["maximum", "recorded"]
    )
    linger_ms: Wait
    slice_kib: Positive
    lag_rows: Annotated[int, Field(strict=True, ge=2)]
    compression: Literal["none", "lz4"]
    carry_kib: Positive

    @property
    def record_max_bytes(self) -> int:
        """Largest record of the stream topic: a slice as value, a carry as header."""
        largest_kib = self.slice_kib + 2 * self.carry_kib + RECORD_OVERHEAD_KIB
        return 1024 * largest_kib + 2 * MAX_LINE_BYTES

    @model_validator(mode="after")
    def _fits(self) -> ProducerSettings:
        if self.carry_kib >= self.slice_kib:
            raise ValueError(f"expected carry_kib below slice_kib ({self.slice_kib}), got {self.carry_kib}")
        if 1024 * self.carry_kib < MAX_LINE_BYTES:
            raise ValueError(
                f"expected carry_kib to hold a line of {MAX_LINE_BYTES} bytes, got {self.carry_kib}"
            )
        # Else orbits are split and hits lost to statistics 4-6 in a stream that has nothing wrong.
        most_lag_rows = min(_MOST_LAG_ROWS, 1024 * self.carry_kib // (2 * USUAL_LINE_BYTES))
        if self.lag_rows > most_lag_rows:
            raise ValueError(
                f"expected lag_rows up to {most_lag_rows}: {_MOST_LAG_ROWS} at most, and as many rows of "
                f"{USUAL_LINE_BYTES} bytes as fill half of carry_kib ({self.carry_kib}); got {self.lag_rows}"
            )
        return self


class AnalysisSettings(_Section):
    """The Spark application."""

    executor_memory: JvmSize
    trigger_ms: Wait
    slices_per_batch: Positive
    slices_per_arrow_batch: Positive


class DashboardSettings(_Section):
    """The web page."""

    window_s: Positive
    history_s: Positive
    quiet_after_s: Positive


class Memory(_Section):
    """Heap of each JVM."""

    zookeeper: JvmSize
    kafka: JvmSize
    spark_driver: JvmSize


class Endpoints(_Section):
    """Addresses: what only the inventory knows. On one machine, loopback."""

    kafka: str | None = None
    spark_master: str | None = None


class Settings(_Section):
    """The whole document."""

    application: Annotated[str, Field(min_length=1)]
    paths: Paths
    ports: Ports
    security: Security
    topics: Topics
    source: SourceSettings
    bucket: BucketSettings
    producer: ProducerSettings
    analysis: AnalysisSettings
    dashboard: DashboardSettings
    memory: Memory
    endpoints: Endpoints = Endpoints()

    @property
    def kafka_address(self) -> str:
        """host:port of the broker."""
        return self.endpoints.kafka or f"127.0.0.1:{self.ports.kafka}"

    @property
    def spark_master(self) -> str:
        """URL of the Spark master; without one, Spark runs inside the analysis on all cores."""
        return self.endpoints.spark_master or "local[*]"

    @property
    def source_names(self) -> list[str]:
        """The source by its names in this document.

        Whatever a folder or a bucket holds at the time, whatever faults are put into generated rows: these
        may change in a run, for a drill.
        """
        source, bucket = self.source, self.bucket
        if source.kind == "files":
            names = [f"files {source.files[0]}", *source.files[1:]]
        elif source.kind == "bucket":
            names = [f"bucket {bucket.name} at {bucket.endpoint_url}, prefix '{bucket.prefix}'"]
        else:
            names = [f"generated {source.kind}, seed {source.seed}"]
        return [valid_text(name) for name in names]

    @property
    def on_cluster(self) -> bool:
        """Whether Spark's work is done by workers of their own."""
        return self.endpoints.spark_master is not None

    @model_validator(mode="after")
    def _plaintext_stays_here(self) -> Settings:
        addresses = {
            "endpoints.kafka": self.endpoints.kafka,
            "endpoints.spark_master": self.endpoints.spark_master,
        }
        for key, address in addresses.items():
            if not self.security.is_on and address and not _is_loopback(address):
                raise ValueError(
                    f"security.mode is plaintext, so expected {key} on loopback, got {address}; "
                    f"set security.mode to tls"
                )
        return self

    @model_validator(mode="after")
    def _arrow_batches_fit(self) -> Settings:
        held_mib = self.analysis.slices_per_arrow_batch * self.producer.record_max_bytes / 2**20
        limit_mib = jvm_size_mib(self.analysis.executor_memory) / 4
        if held_mib > limit_mib:
            raise ValueError(
                f"expected analysis.slices_per_arrow_batch slices to fit a quarter of executor_memory "
                f"({limit_mib:.0f} MiB), they may take {held_mib:.0f} MiB; lower one of them"
            )
        return self

    @model_validator(mode="after")
    def _quiet_is_no_wait(self) -> Settings:
        due_ms = self.producer.linger_ms + self.analysis.trigger_ms
        if 1000 * self.dashboard.quiet_after_s < due_ms + LEAST_QUIET_MS:
            raise ValueError(
                f"expected dashboard.quiet_after_s a second longer than producer.linger_ms and "
                f"analysis.trigger_ms together ({due_ms / 1000:g} s), got {self.dashboard.quiet_after_s}: "
                f"the dashboard would call a healthy stream quiet; raise it or lower one of them"
            )
        return self

    @classmethod
    def load(cls, path: Path, changes: dict[str, Any] | None = None) -> Settings:
        """Read and validate a document.

        Parameters
        ----------
        path : the YAML file.
        changes : values by dotted key ("producer.rows_per_s") that replace those of the file.

        Raises
        ------
        SettingsError : the file cannot be read, or a key is unknown, missing, mistyped or impossible.
        """
        try:
            document = yaml.safe_load(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise SettingsError(f"{path}: expected a settings document, got: {error.strerror}") from error
        except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
            raise SettingsError(f"{path}: expected YAML, got: {' '.join(str(error).split())}") from error
        if not isinstance(document, dict):
            raise SettingsError(f"{path}: expected a mapping of settings, got {type(document).__name__}")
        for key, value in (changes or {}).items():
            _replace(path, document, key, value)
        try:
            return cls.model_validate(document)
        except ValidationError as error:
            raise SettingsError(f"{path}: " + "; ".join(_sentences(error))) from error


def _is_loopback(address: str) -> bool:
    host = address.rpartition("://")[2].rpartition(":")[0].strip("[]")
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False  # another name


def jvm_size_mib(text: str) -> int:
    """Return a JVM memory size such as 512m or 2g in MiB."""
    return int(text[:-1]) * (1024 if text[-1] == "g" else 1)


def _replace(path: Path, document: dict[str, Any], dotted_key: str, value: object) -> None:
    *sections, key = dotted_key.split(".")
    for section in sections:
        inner = document.setdefault(section, {})
        if not isinstance(inner, dict):
            raise SettingsError(f"{path}: {dotted_key}: expected a section in '{section}', got {inner!r}")
        document = inner
    document[key] = value


def _sentences(error: ValidationError) -> list[str]:
    sentences: dict[str, str] = {}
    for problem in error.errors():
        location = [str(part) for part in problem["loc"]]
        if problem["type"] == "extra_forbidden":
            close = difflib.get_close_matches(location[-1], _known_keys(problem["loc"][:-1]), 1)
            hint = f"did you mean '{close[0]}'?" if close else "remove it"
            sentences[".".join(location)] = f"unknown key; {hint}"
            continue
        # Pydantic names the alternatives of a type too: 'constrained-float', "literal['maximum']".
        key = ".".join(part for part in location if not set(part) & set("-[")) or "document"
        if problem["type"] == "missing":
            sentences[key] = "expected a value, the key is missing; add it"
            continue
        message = problem["msg"].removeprefix("Value error, ")
        if key in sentences:
            earlier = sentences[key].rpartition(", got ")[0] or sentences[key]
            message = f"{earlier}, or: {message}"
        got = "" if isinstance(problem["input"], dict) else f", got {problem['input']!r}"
        sentences[key] = message + got
    return [f"{key}: {sentence}" for key, sentence in sentences.items()]


def _known_keys(location: tuple[int | str, ...]) -> list[str]:
    model: Any = Settings
    for part in location:
        annotation = model.model_fields[str(part)].annotation
        model = next((a for a in (annotation, *get_args(annotation)) if hasattr(a, "model_fields")), None)
        if model is None:
            return []
    return list(model.model_fields)
