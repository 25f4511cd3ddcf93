"""The settings document: what is right loads, and what is wrong is one sentence a key."""

from pathlib import Path

import pytest
import yaml

from cosmo.errors import SettingsError
from cosmo.results import BEHIND_S
from cosmo.runs import DRAIN_STALL_S
from cosmo.settings import Settings, jvm_size_mib

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "config" / "localhost" / "cosmo.yml"


def load(tmp_path, changes=None, without=None):
    """Load the preset with values changed by dotted key, and one key left out."""
    document = yaml.safe_load(DOCUMENT.read_text())
    for key, value in (changes or {}).items():
        section, last = inside(document, key)
        section[last] = value
    if without:
        section, last = inside(document, without)
        del section[last]
    path = tmp_path / "cosmo.yml"
    path.write_text(yaml.safe_dump(document))
    return Settings.load(path)


def inside(document, dotted_key):
    *sections, last = dotted_key.split(".")
    for section in sections:
        document = document[section]
    return document, last


@pytest.mark.parametrize(
    "path", sorted((ROOT / "config").glob("*/cosmo.yml")), ids=lambda path: path.parent.name
)
def test_each_preset_loads(path):
    settings = Settings.load(path)
    assert settings.application == "cosmo_analysis"
    assert settings.ports.kafka == 9092


def test_presets_have_the_same_keys():
    def keys(document):
        return {
            key: keys(value) if isinstance(value, dict) else None
            for key, value in document.items()
            if key != "endpoints"
        }

    presets = [yaml.safe_load(path.read_text()) for path in (ROOT / "config").glob("*/cosmo.yml")]
    assert presets
    assert all(keys(preset) == keys(presets[0]) for preset in presets)


def test_what_the_application_makes_of_the_localhost_preset():
    settings = Settings.load(DOCUMENT)
    assert (settings.kafka_address, settings.spark_master) == ("127.0.0.1:9092", "local[*]")
    assert settings.paths.data == Path.home() / ".local" / "state" / "cosmo"
    # 1024 + 2 (256 + 64) + 64 KiB
    assert settings.producer.record_max_bytes == 1728 * 1024


def test_endpoints_go_before_loopback(tmp_path):
    endpoints = {"kafka": "cmaster:9092", "spark_master": "spark://cmaster:7077"}
    settings = load(tmp_path, {"endpoints": endpoints, "security.mode": "tls"})
    assert (settings.kafka_address, settings.spark_master) == ("cmaster:9092", "spark://cmaster:7077")


@pytest.mark.parametrize("address", ["127.0.0.1:9092", "localhost:9092", "[::1]:9092"])
def test_plaintext_is_for_loopback(tmp_path, address):
    assert load(tmp_path, {"endpoints": {"kafka": address}}).kafka_address == address


def test_changes_replace_values_of_the_file():
    settings = Settings.load(DOCUMENT, {"producer.rows_per_s": "maximum", "ports.kafka": 19092})
    assert (settings.producer.rows_per_s, settings.kafka_address) == ("maximum", "127.0.0.1:19092")


def test_an_unknown_change_is_refused():
    with pytest.raises(SettingsError, match=r"prodcer: unknown key; did you mean 'producer'\?"):
        Settings.load(DOCUMENT, {"prodcer.rows_per_s": 1})


def test_a_change_inside_a_value_is_refused():
    with pytest.raises(
        SettingsError, match=r"application\.name: expected a section in 'application', got 'cosmo_analysis'"
    ):
        Settings.load(DOCUMENT, {"application.name": "x"})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param(
            {"ports.dashbord": 5}, "ports.dashbord: unknown key; did you mean 'dashboard'?", id="hint"
        ),
        pytest.param({"zzz": 5}, "zzz: unknown key; remove it", id="unknown key like no other"),
        pytest.param({"topics.stream.partitons": 5}, "did you mean 'partitions'?", id="hint, deep"),
        pytest.param({"ports.kafka": "many"}, "ports.kafka: Input should be a valid integer", id="mistyped"),
        pytest.param({"ports.kafka": 70000}, "ports.kafka: Input should be less than", id="no port"),
        pytest.param(
            {"ports.kafka": 8080},
            "expected spark_master_ui and kafka to differ, both are 8080",
            id="port twice",
        ),
        pytest.param({"topics.runs.name": "cosmo-stream"}, "three different topic names", id="topic twice"),
        pytest.param({"topics.runs.name": "a b"}, "topics.runs.name: String should match", id="topic name"),
        pytest.param({"producer.rows_per_s": 0}, "producer.rows_per_s", id="no rate"),
        pytest.param({"producer.rows_per_s": "fast"}, "producer.rows_per_s", id="rate in words"),
        pytest.param(
            {"producer.rows_per_s": float("inf")},
            "a finite number, or: Input should be 'maximum' or 'recorded', got inf",
            id="infinite rate",
        ),
        pytest.param(
            {"producer.carry_kib": 1024}, "expected carry_kib below slice_kib (1024), got 1024", id="carry"
        ),
        pytest.param({"producer.lag_rows": 1}, "producer.lag_rows: Input should be greater", id="no lag"),
        pytest.param(
            {"producer.lag_rows": 4097}, "expected lag_rows up to 4096: 4096 at most, and", id="long lag"
        ),
        pytest.param(
            {"producer.lag_rows": 1130, "producer.carry_kib": 64},  # 64 KiB / 58 bytes = 1129.9
            "expected lag_rows up to 1129: 4096 at most, and as many rows of 29 bytes as fill half of "
            "carry_kib (64); got 1130",
            id="lag beyond the carry",
        ),
        pytest.param({"producer.lag_rows": True}, "producer.lag_rows", id="a flag for a number"),
        *(
            pytest.param({key: wrong}, f"{key}: {expected}, got {wrong!r}", id=f"{key}: {wrong!r}")
            for key, expected in (
                (
                    "producer.rows_per_s",
                    "Input should be a valid number, or: Input should be 'maximum' or 'recorded'",
                ),
                ("producer.slice_kib", "Input should be a valid integer"),
                ("topics.stream.partitions", "Input should be a valid integer"),
                ("source.seed", "Input should be a valid integer"),
                ("ports.kafka", "Input should be a valid integer"),
            )
            for wrong in (True, "500")
        ),
        *(
            pytest.param({"source.loop": wrong}, "Input should be a valid boolean", id=f"loop: {wrong!r}")
            for wrong in (1, "yes")
        ),
        pytest.param(
            {"source.kind": "tape"},
            "source.kind: Input should be 'cosmics', 'beam', 'files' or 'bucket', got 'tape'",
            id="kind",
        ),
        pytest.param(
            {"bucket.endpoint_url": "store.example.org:5210"},
            "expected an address such as https://store.example.org:5210, got 'store.example.org:5210'",
            id="endpoint without scheme",
        ),
        pytest.param(
            {"bucket.endpoint_url": "https://user:word@store"}, "expected an address", id="endpoint with user"
        ),
        pytest.param({"bucket.name": "a/b"}, "bucket.name: String should match", id="bucket name"),
        pytest.param({"bucket.preload_mib": 0}, "bucket.preload_mib", id="no room to read ahead"),
        *(
            pytest.param({"paths.data": folder}, "expected a folder of COSMO's own", id=f"data in '{folder}'")
            for folder in ("/", "/home", "/var/lib", "/home/somebody", "~", "", "/data")
        ),
        pytest.param({"paths.cache": "/var/cache"}, "expected a folder of COSMO's own", id="shared cache"),
        pytest.param(
            {"security.credentials": "/etc/operator"}, "COSMO's own such as", id="credentials beside others"
        ),
        pytest.param({"source.kind": "files"}, "expected at least one path in source.files", id="no files"),
        pytest.param(
            {"source.kind": "files", "source.files": ["x"], "source.faults": ["lost-fpga:fpga=0"]},
            "expected no faults: they are put into generated rows",
            id="faults in files",
        ),
        pytest.param(
            {"source.kind": "bucket", "source.faults": ["lost-fpga:fpga=0"]},
            "kind is bucket, so expected no faults",
            id="faults in a bucket",
        ),
        pytest.param({"source.faults": ["dead-cel:chamber=0"]}, "expected a kind of dead-cell", id="fault"),
        pytest.param(
            {"source.faults": ["lost-fpga:fpga=0", "lost-fpga:fpga=0"]},
            "got lost-fpga:fpga=0 twice",
            id="twice",
        ),
        pytest.param(
            {"memory.kafka": "512"}, "expected a JVM memory size such as 512m or 2g, got '512'", id="heap"
        ),
        pytest.param(
            {"memory.kafka": 512}, "memory.kafka: Input should be a valid string, got 512", id="number"
        ),
        pytest.param({"analysis.slices_per_arrow_batch": 500}, "lower one of them", id="arrow batches"),
        pytest.param(
            {"endpoints": {"kafka": "192.0.2.1:9092"}},
            "expected endpoints.kafka on loopback, got 192.0.2.1:9092; set security.mode to tls",
            id="plaintext to others",
        ),
        pytest.param(
            {"endpoints": {"spark_master": "spark://cmaster:7077"}},
            "expected endpoints.spark_master on loopback",
            id="plaintext to a name",
        ),
        pytest.param(
            {"security.mode": "ssl"},
            "security.mode: Input should be 'tls' or 'plaintext', got 'ssl'",
            id="mode",
        ),
        *(
            pytest.param(
                {key: 20_001, "dashboard.quiet_after_s": 100},
                f"{key}: expected at most 20000 ms: verbs and dashboard take a longer wait for a fault",
                id=f"{key} too long",
            )
            for key in ("producer.linger_ms", "analysis.trigger_ms")
        ),
        pytest.param(
            {"producer.linger_ms": 5000, "analysis.trigger_ms": 4001},
            "a second longer than producer.linger_ms and analysis.trigger_ms together (9.001 s), got 10",
            id="a healthy stream called quiet",
        ),
        pytest.param({"ports": None}, "ports: Input should be", id="an empty section"),
        pytest.param({"application": ""}, "application", id="no name"),
    ],
)
def test_impossible_values(tmp_path, changes, said):
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, changes)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'cosmo.yml'}: ")
    assert said in message
    assert "\n" not in message


def test_the_longest_waits(tmp_path):
    waits = {"producer.linger_ms": 20_000, "analysis.trigger_ms": 20_000}
    settings = load(tmp_path, waits | {"dashboard.quiet_after_s": 41})
    waits_s = (settings.producer.linger_ms + settings.analysis.trigger_ms) / 1000
    run = yaml.safe_load((ROOT / "roles" / "cosmo" / "defaults" / "main.yml").read_text())
    assert waits_s + 15 <= min(DRAIN_STALL_S, BEHIND_S, run["cosmo_patience_s"])  # time for a batch


@pytest.mark.parametrize(("lag_rows", "carry_kib"), [(4096, 256), (1129, 64), (2, 64)])
def test_lags_that_the_carry_holds(tmp_path, lag_rows, carry_kib):
    changes = {"producer.lag_rows": lag_rows, "producer.carry_kib": carry_kib}
    assert load(tmp_path, changes).producer.lag_rows == lag_rows


@pytest.mark.parametrize("rate", [500, 500.5, "maximum", "recorded"])
def test_rates(tmp_path, rate):
    assert load(tmp_path, {"producer.rows_per_s": rate}).producer.rows_per_s == rate


@pytest.mark.parametrize("key", ["ports.kafka", "producer", "topics.stream.name"])
def test_a_missing_key(tmp_path, key):
    with pytest.raises(SettingsError, match=f"{key}: expected a value, the key is missing; add it"):
        load(tmp_path, without=key)


def test_all_problems_are_told_at_once(tmp_path):
    with pytest.raises(SettingsError, match=r"ports\.kafka: .*; ports\.dashbord: "):
        load(tmp_path, {"ports.kafka": "x", "ports.dashbord": 1})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(b"a: [1", "expected YAML", id="broken YAML"),
        pytest.param(b"\xff\xfe\xff", "expected YAML", id="binary"),
        pytest.param(b"", "expected a mapping of settings, got NoneType", id="empty"),
        pytest.param(b"- 1\n", "expected a mapping of settings, got list", id="a list"),
        pytest.param(b"1: 2\n", "expected a value", id="a number as key"),
        pytest.param(b"a: " + b"[" * 5000, "expected YAML", id="deeply nested"),
    ],
)
def test_what_is_no_document(tmp_path, text, said):
    path = tmp_path / "cosmo.yml"
    path.write_bytes(text)
    with pytest.raises(SettingsError, match=said) as caught:
        Settings.load(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("name", ["absent.yml", "."], ids=["no file", "a folder"])
def test_what_cannot_be_read(tmp_path, name):
    with pytest.raises(SettingsError, match="expected a settings document, got"):
        Settings.load(tmp_path / name)


@pytest.mark.parametrize(("text", "mib"), [("512m", 512), ("2g", 2048)])
def test_jvm_size(text, mib):
    assert jvm_size_mib(text) == mib
