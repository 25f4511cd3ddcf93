"""Credentials: where they are looked for, and what is refused; no message quotes a secret."""

from pathlib import Path

import pytest

from cosmo import credentials, spark_security
from cosmo.errors import SettingsError
from cosmo.settings import Settings

CLOUD = Path(__file__).parents[2] / "config" / "cloud" / "cosmo.yml"


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    return Settings.load(CLOUD, {"security.credentials": str(tmp_path / "by hand")})


def give(folder, text='{"user": "operator", "password": "wuzzle"}', mode=0o600, name="kafka.json"):
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(text)
    path.chmod(mode)
    return path


def test_a_tool_takes_those_of_the_settings(settings, tmp_path):
    give(tmp_path / "by hand")
    user = credentials.kafka_user(settings)
    assert (user.name, user.password) == ("operator", "wuzzle")
    assert "wuzzle" not in repr(user)


def test_a_service_takes_those_of_systemd(settings, tmp_path, monkeypatch):
    give(tmp_path / "by hand")
    give(tmp_path / "given", '{"user": "producer", "password": "x"}', 0o400)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "given"))
    assert credentials.kafka_user(settings).name == "producer"


def test_systemd_may_have_given_others(settings, tmp_path, monkeypatch):
    give(tmp_path / "by hand")
    give(tmp_path / "given", name="bucket.json")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "given"))
    assert credentials.kafka_user(settings).name == "operator"


@pytest.mark.parametrize(
    ("text", "mode", "said"),
    [
        pytest.param('{"user": "a", "password": "wuzzle"}', 0o644, "chmod 600", id="open to all"),
        pytest.param("wuzzle", 0o600, "got something else; run init again", id="no JSON"),
        pytest.param('["wuzzle"]', 0o600, "got something else", id="a list"),
        pytest.param('{"user": "wuzzle"}', 0o600, "got something else", id="no password"),
        pytest.param('{"user": "wuzzle", "password": 7}', 0o600, "expected two texts", id="a number"),
        pytest.param('{"user": "wuzzle", "password": ""}', 0o600, "expected two texts", id="empty"),
    ],
)
def test_what_is_refused(settings, tmp_path, text, mode, said):
    give(tmp_path / "by hand", text, mode)
    with pytest.raises(SettingsError, match=said) as caught:
        credentials.kafka_user(settings)
    assert "wuzzle" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_missing_file_is_named_with_what_to_do(settings):
    with pytest.raises(SettingsError, match="run this as root on a host of the cluster"):
        credentials.kafka_user(settings)


def test_spark_reads_its_secret_from_the_file(settings, tmp_path):
    path = give(tmp_path / "by hand", "spark.authenticate.secret wuzzle\n", name="spark.properties")
    on_cluster = settings.model_copy(
        update={"endpoints": settings.endpoints.model_copy(update={"spark_master": "spark://a:7077"})}
    )
    assert spark_security.submit_arguments(on_cluster) == f"--properties-file '{path}' pyspark-shell"
    assert spark_security.submit_arguments(settings) == "pyspark-shell"


def test_a_password_is_quoted_for_kafkas_login(settings, tmp_path):
    give(tmp_path / "by hand", r'{"user": "analysis", "password": "a\"b\\c"}')
    login = spark_security.kafka_options(settings)["kafka.sasl.jaas.config"]
    assert login.endswith(r'required username="analysis" password="a\"b\\c";')
