"""The verbs: which playbook, which inventory, what is passed on, what comes back; with a fake Ansible."""

import json
import shutil
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from cosmo import cli
from cosmo.commands.shared import documents
from cosmo.commands.shared.tunnel import ways

ROOT = Path(__file__).parents[2]
PORTS = {"dashboard": 5006, "spark_application_ui": 4040, "spark_master_ui": 8080}
FAKE = f"""\
#!{Path(sys.executable).resolve()} -IS
import json, os, sys
said = dict(argv=sys.argv[1:], folder=os.getcwd(), config=os.environ["COSMO_CONFIG_PATH"])
open("called.json", "w").write(json.dumps(said))
print(os.environ.get("FAKE_SAYS", ""))
if "--die" in sys.argv: os.kill(os.getpid(), 9)
sys.exit(int(os.environ.get("FAKE_CODE", "0")))
"""

FAKE_INVENTORY = """\
#!/bin/sh
echo "$@" > inventories
cat shown.json
"""


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """Make a checkout whose ansible-playbook writes down how it was called."""
    for folder in ("inventory", "config", "playbooks"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    scripts, programs = tmp_path / "scripts", tmp_path / ".venv-controller" / "bin"
    for folder in (scripts, programs):
        folder.mkdir(parents=True)
    (scripts / "controller").write_text("#!/bin/sh\n")
    (programs / "ansible-playbook").write_text(FAKE)
    (scripts / "controller").chmod(0o755)
    (programs / "ansible-playbook").chmod(0o755)
    (programs / "ansible-inventory").write_text(FAKE_INVENTORY)
    (programs / "ansible-inventory").chmod(0o755)
    monkeypatch.setattr(documents, "CHECKOUT", tmp_path)
    monkeypatch.delenv("COSMO_CONFIG_PATH", raising=False)
    return tmp_path


def called(checkout, *words, environment=None):
    """Run a command; return its exit code and how ansible-playbook was called."""
    result = CliRunner(env=environment).invoke(cli.cosmo, words)
    record = checkout / "called.json"
    return result, json.loads(record.read_text()) if record.exists() else None


@pytest.mark.parametrize(
    ("words", "argv"),
    [
        pytest.param(["init"], ["playbooks/init.yml"], id="init"),
        pytest.param(
            ["init", "--check", "--diff", "-vvv"],
            ["playbooks/init.yml", "--check", "--diff", "-vvv"],
            id="check",
        ),
        pytest.param(
            ["init", "--limit", "a,b", "-e", "x=1"],
            ["playbooks/init.yml", "--limit", "a,b", "-e", "x=1"],
            id="options with values",
        ),
        pytest.param(
            ["init", "--rotate"], ["playbooks/init.yml", '--extra-vars={"cosmo_rotate": true}'], id="rotate"
        ),
        pytest.param(["dismiss"], ["playbooks/dismiss.yml"], id="dismiss"),
        pytest.param(
            ["dismiss", "--purge", "cloud", "-K"],
            ["playbooks/dismiss.yml", '--extra-vars={"cosmo_purge": !unsafe "cloud"}', "-K"],
            id="purge",
        ),
        pytest.param(["prefetch"], ["playbooks/prefetch.yml"], id="prefetch"),
        pytest.param(
            ["init", "-lhost1", "-ehost=1"],
            ["playbooks/init.yml", "-lhost1", "-ehost=1"],
            id="an h in a value",
        ),
        pytest.param(["beat", "-f", "3"], ["playbooks/beat.yml", "-f", "3"], id="beat"),
        pytest.param(["halt"], ["playbooks/halt.yml"], id="halt"),
        pytest.param(["restart"], ["playbooks/restart.yml"], id="restart"),
        pytest.param(
            ["restart", "--tier=kafka"], ["playbooks/restart.yml", "--tags=kafka"], id="restart of a tier"
        ),
        pytest.param(["kafka", "deploy"], ["playbooks/init.yml", "--tags=kafka"], id="kafka deploy"),
        pytest.param(
            ["spark", "stop", "-v"], ["playbooks/dismiss.yml", "--tags=spark", "-v"], id="spark stop"
        ),
        pytest.param(["spark", "status"], ["playbooks/status.yml", "--tags=spark"], id="spark status"),
    ],
)
def test_a_verb_is_its_playbook(checkout, words, argv):
    result, call = called(checkout, *words)
    assert result.exit_code == 0, result.output
    assert call["argv"] == ["--inventory=inventory/cloud", *argv]
    assert call["folder"] == str(checkout)


@pytest.mark.parametrize("asked", ["-h", "--help"])
def test_help_asks_no_host(checkout, asked):
    result, call = called(checkout, "beat", "-f", "3", asked)
    assert (result.exit_code, call) == (0, None)
    assert "Usage: cosmo beat" in result.output


def test_logs_go_where_the_person_is(checkout, monkeypatch):
    monkeypatch.chdir(checkout / "inventory")
    _, call = called(checkout, "logs", "--since", "-2 days")
    variables = extra_variables(call["argv"][-1])
    assert variables == {"cosmo_since": "-2 days", "cosmo_logs": str(checkout / "inventory" / "logs")}


@pytest.mark.parametrize(
    "chosen",
    ["localhost", "config/localhost", "config/localhost/", "/elsewhere/localhost", "x/localhost/cosmo.yml"],
)
def test_only_the_name_of_the_folder_counts(checkout, chosen):
    _, by_option = called(checkout, "--config", chosen, "init")
    _, by_environment = called(checkout, "init", environment={"COSMO_CONFIG_PATH": chosen})
    for call in (by_option, by_environment):
        assert call["argv"][0] == "--inventory=inventory/localhost"
        assert call["config"] == "config/localhost"


def test_a_deployment_without_inventory_is_refused(checkout):
    result, call = called(checkout, "--config", "config/mylab", "init")
    assert call is None
    assert "expected inventory/mylab" in str(result.exception)
    assert "there are: cloud, localhost" in str(result.exception)


def test_no_checkout_is_said(checkout):
    shutil.rmtree(checkout / "playbooks")
    result, _ = called(checkout, "init")
    assert "expected COSMO's checkout" in str(result.exception)


def test_a_controller_that_cannot_be_set_up_is_said(checkout):
    (checkout / "scripts" / "controller").write_text("#!/bin/sh\nexit 2\n")
    result, call = called(checkout, "init")
    assert call is None
    assert "scripts/controller" in str(result.exception)


@pytest.mark.parametrize("code", [0, 2, 4, 99])
def test_the_exit_code_is_that_of_ansible(checkout, code):
    result, _ = called(checkout, "init", environment={"FAKE_CODE": str(code)})
    assert result.exit_code == code


def test_an_ansible_that_was_killed_is_a_failure(checkout):
    result, _ = called(checkout, "init", "--die")
    assert result.exit_code == 128 + 9


def test_a_tier_that_there_is_not_is_refused(checkout):
    result, call = called(checkout, "restart", "--tier=broker")
    assert result.exit_code == 2
    assert call is None


def test_a_run_has_its_note_and_says_how_to_reach_the_pages(checkout):
    shown = inventory(cmaster={"ansible_host": "10.0.0.11", "ansible_ssh_common_args": "-J me@gateway"})
    (checkout / "shown.json").write_text(json.dumps(shown))
    note = "night shift, 'B' = {{ 1 }} µ\""
    result, call = called(checkout, "run", "--note", note + "\udcff", "-i", "more.yml", "-v")
    assert result.exit_code == 0, result.output
    assert extra_variables(call["argv"][2]) == {"cosmo_note": note + r"\xff"}
    assert call["argv"][3:] == ["-i", "more.yml", "-v"]
    assert (checkout / "inventories").read_text().split() == [
        "--inventory=inventory/cloud",
        "--inventory=more.yml",
        "--list",
    ]
    assert "-L 5006:127.0.0.1:5006" in result.output
    assert "-J me@gateway 10.0.0.11" in result.output


@pytest.mark.parametrize(
    ("options", "more"),
    [
        pytest.param([], [], id="no options"),
        pytest.param(["-v"], [], id="none of them an inventory"),
        pytest.param(["-imore.yml"], ["--inventory=more.yml"], id="joined"),
        pytest.param(["-v", "--inventory=more.yml"], ["--inventory=more.yml"], id="long"),
        pytest.param(
            ["--vault-password-file", "word"], ["--vault-password-file=word"], id="vaulted: a file's password"
        ),
        pytest.param(
            ["--vault-pass-file=word"], ["--vault-password-file=word"], id="vaulted: its other name"
        ),
        pytest.param(["--vault-id", "a@word", "-v"], ["--vault-id=a@word"], id="vaulted: one of some"),
        pytest.param(["-J"], ["--ask-vault-password"], id="vaulted: asked for"),
        pytest.param(["--ask-vault-pass"], ["--ask-vault-password"], id="vaulted: asked for, long"),
    ],
)
def test_the_pages_are_looked_for_in_the_inventories_of_the_run(checkout, options, more):
    (checkout / "shown.json").write_text(json.dumps(inventory(cmaster={"ansible_host": "10.0.0.11"})))
    result, _ = called(checkout, "run", *options)
    assert result.exit_code == 0, result.output
    assert (checkout / "inventories").read_text().split() == ["--inventory=inventory/cloud", *more, "--list"]


VAULTED = {"__ansible_vault": "$ANSIBLE_VAULT;1.1;AES256"}


@pytest.mark.parametrize(
    ("shows", "says"),
    [
        pytest.param("#!/bin/sh\necho no vault secrets >&2; exit 4\n", "no vault secrets", id="not at all"),
        pytest.param("#!/bin/sh\ncat shown.json\n", "ansible_ssh_common_args of cmaster", id="not all of it"),
    ],
)
def test_a_run_has_begun_though_its_pages_cannot_be_told(checkout, shows, says):
    (checkout / ".venv-controller" / "bin" / "ansible-inventory").write_text(shows)
    shown = inventory(cmaster={"ansible_host": "10.0.0.11", "ansible_ssh_common_args": VAULTED})
    (checkout / "shown.json").write_text(json.dumps(shown))
    result, _ = called(checkout, "run")
    assert result.exit_code == 0, result.output
    assert "the run is on" in result.output
    assert says in result.output


def test_a_run_that_failed_has_no_pages_to_reach(checkout):
    result, call = called(checkout, "run", environment={"FAKE_CODE": "2"})
    assert result.exit_code == 2
    assert len(call["argv"]) == 2
    assert "ssh" not in result.output


def test_beat_for_machines_is_one_document(checkout):
    document = '{"deployment": "cloud", "ok": false}'
    says = f"PLAY [Beat] ****\n{document}\nfatal: not well"
    result, call = called(checkout, "beat", "--json", environment={"FAKE_SAYS": says, "FAKE_CODE": "2"})
    assert (result.exit_code, result.stdout) == (2, document + "\n")
    assert extra_variables(call["argv"][2]) == {"cosmo_beat_json": True}


def test_beat_that_came_to_nothing_shows_what_ansible_said(checkout):
    result, _ = called(
        checkout, "beat", "--json", environment={"FAKE_SAYS": "ERROR! no such host", "FAKE_CODE": "1"}
    )
    assert (result.exit_code, result.stdout) == (1, "")
    assert "no such host" in result.stderr


def extra_variables(option):
    """Read the option as Ansible does; its tag `!unsafe` means: no template."""
    return yaml.load(option.removeprefix("--extra-vars="), _Loader)


class _Loader(yaml.SafeLoader):
    pass


_Loader.add_constructor("!unsafe", yaml.SafeLoader.construct_yaml_str)


def inventory(**hosts):
    """Return an inventory as ansible-inventory prints it: all pages on the first host, or as named."""
    names = list(hosts)
    return {
        "_meta": {"hostvars": hosts},
        "dashboard": {"hosts": names[-1:]},
        "analysis": {"hosts": names[:1]},
        "spark_master": {"children": ["masters"]},
        "masters": {"hosts": names[:1]},
    }


def test_the_tunnel_goes_through_the_jump_host():
    cloud = {
        "ansible_host": "10.0.0.11",
        "ansible_user": "debian",
        "ansible_port": 2222,
        "ansible_ssh_common_args": "-o ProxyJump=me@gateway.example.org",
        "ansible_ssh_private_key_file": "~/.ssh/a key",
    }
    line, *pages = ways(inventory(cmaster=cloud), PORTS)
    assert line == (
        "ssh -N -L 5006:127.0.0.1:5006 -L 4040:127.0.0.1:4040 -L 8080:127.0.0.1:8080 "
        "-o ProxyJump=me@gateway.example.org -p 2222 -i '~/.ssh/a key' debian@10.0.0.11"
    )
    assert [page.split()[0] for page in pages] == [f"http://localhost:{port}/" for port in (5006, 4040, 8080)]


def test_pages_on_two_hosts_are_two_tunnels():
    lines = ways(inventory(cmaster={}, cdash={"ansible_host": "h"}), PORTS)
    assert lines[:2] == [
        "ssh -N -L 5006:127.0.0.1:5006 h",
        "ssh -N -L 4040:127.0.0.1:4040 -L 8080:127.0.0.1:8080 cmaster",
    ]


def test_this_machine_needs_no_tunnel():
    assert ways(inventory(localhost={"ansible_connection": "local"}), PORTS)[0].startswith("http://")
