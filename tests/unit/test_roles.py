"""What a role declares is what it takes, and nothing is written in two places."""

import re
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from jinja2.nativetypes import NativeEnvironment

from cosmo.analysis import JAVA_OPTIONS
from cosmo.settings import Settings

ROOT = Path(__file__).parents[2]
ROLES = sorted(path for path in (ROOT / "roles").iterdir() if path.is_dir())
DEPLOYMENTS = sorted(path.parent.name for path in (ROOT / "config").glob("*/cosmo.yml"))
DUTIES = {"zookeeper", "kafka", "spark_master", "spark_worker", "analysis", "producer", "dashboard"}
by_name = pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)


def document(path):
    """Return a YAML document, {} where there is no file."""
    return yaml.safe_load(path.read_text()) or {} if path.exists() else {}


def specified(role):
    """Return the options of all entry points of a role, by name."""
    specs = document(role / "meta" / "argument_specs.yml").get("argument_specs", {})
    options = {}
    for spec in specs.values():
        for name, option in spec["options"].items():
            assert options.setdefault(name, option) == option, f"{role.name}: {name} is specified in two ways"
    return options


@by_name
def test_defaults_are_those_of_the_specification(role):
    wanted = {name: option["default"] for name, option in specified(role).items() if "default" in option}
    assert document(role / "defaults" / "main.yml") == wanted


@by_name
def test_an_input_is_required_or_has_a_default(role):
    undecided = [
        name for name, option in specified(role).items() if ("default" in option) == ("required" in option)
    ]
    assert undecided == []


@by_name
def test_inputs_carry_the_name_of_the_role(role):
    strangers = [name for name in specified(role) if not name.startswith(f"{role.name}_")]
    assert strangers == []


@by_name
def test_every_entry_point_is_a_verb_with_tasks(role):
    specs = document(role / "meta" / "argument_specs.yml")["argument_specs"]
    assert [verb for verb in specs if not (role / "tasks" / f"{verb}.yml").exists()] == []


@by_name
def test_defaults_are_documented(role):
    path = role / "defaults" / "main.yml"
    lines = path.read_text().splitlines() if path.exists() else []
    bare = [
        line for before, line in pairwise(lines) if re.match(r"[a-z]", line) and not before.startswith("#")
    ]
    assert bare == []


@by_name
def test_a_role_has_a_readme_that_names_it(role):
    assert (role / "README.md").read_text().startswith(f"# {role.name}\n")


@by_name
def test_a_role_knows_nothing_of_the_deployment(role):
    """Only playbooks/group_vars/all.yml reads config/; a role has its own inputs."""
    for path in sorted(role.rglob("*.yml")) + sorted(role.rglob("*.j2")):
        assert "deployment." not in path.read_text(), f"{path} reads the deployment; give the role an input"


def test_a_command_on_a_host_names_its_settings():
    """On localhost it would else take those that the operator's COSMO_CONFIG_PATH names."""
    lines = [line for path in ROOT.glob("roles/*/tasks/*.yml") for line in path.read_text().splitlines()]
    calls = [line for line in lines if "/bin/cosmo" in line and "service_command:" not in line]
    assert calls
    assert [line for line in calls if "--config" not in line] == []


def test_only_one_file_of_ansible_reads_the_settings():
    readers = [
        str(path.relative_to(ROOT))
        for folder in ("playbooks", "roles")
        for path in (ROOT / folder).rglob("*.yml")
        if "/config/" in path.read_text() and "molecule" not in path.parts
    ]
    assert readers == ["playbooks/group_vars/all.yml"]


def test_spark_services_open_what_the_application_opens():
    """The same list of Java packages, in analysis.py for driver and executors, here for master and worker."""
    opened = set(re.findall(r"--add-opens=java.base/([a-z.]+)=ALL-UNNAMED", JAVA_OPTIONS))
    assert set(document(ROOT / "roles" / "spark" / "vars" / "main.yml")["_spark_opened_packages"]) == opened


@pytest.mark.parametrize(
    ("duties", "folders"),
    [
        pytest.param(["kafka", "zookeeper"], {"/srv/topics", "/srv/state"}, id="broker"),
        pytest.param(["spark", "spark_worker"], {"/srv/work"}, id="worker"),
        pytest.param(["dashboard"], set(), id="dashboard"),
    ],
)
def test_beat_looks_at_the_disks_of_what_the_inventory_says(duties, folders):
    said = {"kafka_data": "/srv/topics", "zookeeper_data": "/srv/state", "spark_data": "/srv/work"}
    on_every_host = {"artifacts_home": "/opt/cosmo", "paths": {"data": "/srv/cosmo"}}
    template = document(ROOT / "playbooks" / "group_vars" / "cosmo.yml")["cosmo_disks"]
    disks = NativeEnvironment().from_string(template).render(group_names=duties, **on_every_host, **said)
    assert set(disks) == {"/", "/opt/cosmo", "/srv/cosmo"} | folders


@pytest.mark.parametrize("role", ["kafka", "spark", "zookeeper"])
def test_a_folder_of_data_is_that_of_its_role(role):
    """Where the inventory says no other: beat and preflight look at it by the variable of the deployment."""
    name = f"{role}_data"
    of_deployment = document(ROOT / "playbooks" / "group_vars" / f"{role}.yml")[name]
    assert of_deployment == document(ROOT / "roles" / role / "defaults" / "main.yml")[name]


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_a_deployment_is_valid_settings(name):
    Settings.load(ROOT / "config" / name / "cosmo.yml")


def test_deployments_have_the_same_keys():
    def keys(value, prefix=""):
        if not isinstance(value, dict):
            return {prefix}
        return {key for name, inner in value.items() for key in keys(inner, f"{prefix}.{name}")}

    found = {name: keys(document(ROOT / "config" / name / "cosmo.yml")) for name in DEPLOYMENTS}
    assert found["cloud"] == found["localhost"]


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_a_deployment_has_its_inventory(name):
    inventory = document(ROOT / "inventory" / name / "hosts.yml")["all"]
    assert inventory["vars"]["cosmo_deployment"] == name
    assert set(inventory["children"]) == DUTIES | {"spark", "cosmo"}
    for duty in DUTIES:
        assert set(inventory["children"][duty]["hosts"]) <= set(inventory["hosts"]), duty
