"""The pure parts of what Ansible runs: wheels for a host, bundles, offsets of clocks, ages of files."""

import importlib.util
import os
import sys
import tarfile
import types
from pathlib import Path

import jinja2
import pytest

ROLES = Path(__file__).parents[2] / "roles"
LOCK = """\
numpy==1.26.4 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
    # via cosmo (pyproject.toml)
scipy==1.15.3 ; python_full_version < '3.11' \\
    --hash=sha256:cc
    # via cosmo (pyproject.toml)
scipy==1.17.1 ; python_full_version >= '3.11' \\
    --hash=sha256:dd
    # via
    #   cosmo (pyproject.toml)
colorama==0.4.6 ; sys_platform == 'win32' \\
    --hash=sha256:ee
    # via click
"""


@pytest.fixture
def load(monkeypatch):
    """Import a file of a role; stand-ins for Ansible, which is in the controller's environment only."""
    stand_ins = {
        "ansible.errors": {"AnsibleActionFail": Exception},
        "ansible.plugins.action": {"ActionBase": object},
        "ansible.module_utils.basic": {"AnsibleModule": object},
    }
    for name, content in stand_ins.items():
        module = types.ModuleType(name)
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, name, module)

    def load_file(path):
        monkeypatch.syspath_prepend(str((ROLES / path).parent))
        spec = importlib.util.spec_from_file_location(Path(path).stem, ROLES / path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load_file


@pytest.mark.parametrize(
    ("python", "scipy"),
    [
        pytest.param("3.10", "scipy==1.15.3 --hash=sha256:cc", id="Ubuntu 22.04"),
        pytest.param("3.11", "scipy==1.17.1 --hash=sha256:dd", id="Debian 12"),
    ],
)
def test_the_lock_is_read_for_the_hosts_python(load, python, scipy):
    wanted = load("artifacts/files/wheels.py").pinned_for(LOCK, python)
    assert wanted == {"numpy": "numpy==1.26.4 --hash=sha256:aa --hash=sha256:bb", "scipy": scipy}


def test_a_bundle_ends_with_the_file_that_says_it_is_whole(load, tmp_path):
    bundle = load("artifacts/files/bundle.py")
    bundle.write(tmp_path / "a.tar", [("run", b"text", 0o755)])
    bundle.write(tmp_path / "b.tar", [("run", b"text", 0o755)])
    assert (tmp_path / "a.tar").read_bytes() == (tmp_path / "b.tar").read_bytes()
    with tarfile.open(tmp_path / "a.tar") as tar:
        assert [(member.name, member.mode) for member in tar] == [("run", 0o755), ("COMPLETE", 0o644)]


def test_a_bundle_that_cannot_be_made_leaves_nothing(load, tmp_path):
    bundle = load("artifacts/files/bundle.py")
    with pytest.raises(TypeError):
        bundle.write(tmp_path / "a.tar", [("run", "text is not bytes", 0o755)])
    assert list(tmp_path.iterdir()) == []


def test_a_bundle_is_named_for_names_and_contents(load, tmp_path):
    digest_of = load("artifacts/files/bundle.py").digest_of
    (tmp_path / "ab").write_bytes(b"c")
    (tmp_path / "a").write_bytes(b"bc")
    one = digest_of([tmp_path / "ab"])
    assert len({one, digest_of([tmp_path / "a"]), digest_of([tmp_path / "ab", tmp_path / "a"])}) == 3
    assert digest_of([tmp_path / "ab"]) == one


@pytest.mark.parametrize(
    ("exchanges", "expected"),
    [
        pytest.param([(10.0, 10.5, 10.25)], (-0.25, 0.25), id="same clock, within the exchange"),
        pytest.param([(10.0, 10.5, 12.25)], (1.75, 2.25), id="two seconds ahead"),
        pytest.param(
            [(10.0, 12.0, 11.0), (20.0, 20.5, 20.25)], (-0.25, 0.25), id="the shorter exchange bounds it"
        ),
    ],
)
def test_offset_of_a_clock(load, exchanges, expected):
    assert load("preflight/action_plugins/clock_offset.py").bounds(exchanges) == expected


def test_a_file_that_is_younger_than_the_process_is_seen(load, tmp_path):
    younger = load("service/library/unit_state.py").younger
    for name, written in (("old", 100), ("new", 300)):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (written, written))
    files = [str(tmp_path / name) for name in ("old", "new", "missing")]
    assert younger(files, 200.0) == [str(tmp_path / "new")]


def test_a_moved_link_counts_by_its_own_age(load, tmp_path):
    younger = load("service/library/unit_state.py").younger
    (tmp_path / "version").touch()
    os.utime(tmp_path / "version", (100, 100))
    (tmp_path / "link").symlink_to("version")
    os.utime(tmp_path / "link", (300, 300), follow_symlinks=False)
    assert younger([str(tmp_path / "link")], 200.0) == [str(tmp_path / "link")]


class TestWhileFilesComeAndGo:
    """A process closes files, and ends, while it is looked at."""

    @pytest.fixture
    def busy(self, monkeypatch):
        """Make every other link of /proc vanish before it is read."""
        read, seen = Path.readlink, []

        def readlink(path):
            seen.append(path)
            if len(seen) % 2:
                raise FileNotFoundError(path)
            return read(path)

        monkeypatch.setattr(Path, "readlink", readlink)
        return seen

    def test_handles_that_stay_are_found(self, load, busy):
        module = load("preflight/library/host_measures.py")
        assert module.handles(Path("/proc/self"))
        assert len(busy) > 1
        assert module.handles(Path("/proc/none")) == set()

    @pytest.mark.usefixtures("busy")
    def test_jars_that_stay_are_found(self, load, tmp_path):
        module = load("service/library/unit_state.py")
        path = tmp_path / "kafka.jar"
        path.touch()
        with path.open(), path.open():
            assert module.open_jars(os.getpid()) == ["kafka.jar"]
            path.unlink()  # by an update, while it runs
            assert module.open_jars(os.getpid()) == ["kafka.jar"]
        assert module.open_jars(1 << 22) == []

    def test_a_folder_is_measured_while_files_are_deleted(self, load, tmp_path, monkeypatch):
        module = load("preflight/library/host_measures.py")
        for name in ("a", "b"):
            (tmp_path / name).write_bytes(b"x" * (1 << 20))
        stat = Path.lstat

        def lstat(path):
            path.unlink() if path.name == "a" else None
            return stat(path)

        monkeypatch.setattr(Path, "lstat", lstat)
        assert module.held_mib(str(tmp_path)) == 1


def test_a_damaged_bundle_is_known_as_such(load, tmp_path):
    bundle = load("artifacts/files/bundle.py")
    path = tmp_path / "a.tar"
    bundle.write(path, [("run", b"text" * 50_001, 0o755)])
    assert bundle.is_intact(path)
    path.write_bytes(path.read_bytes().replace(b"text", b"test"))
    assert not bundle.is_intact(path)
    path.unlink()
    assert not bundle.is_intact(path)


def test_a_bundle_of_an_interrupted_writing_is_not_intact(load, tmp_path):
    bundle = load("artifacts/files/bundle.py")
    bundle.write(tmp_path / "a.tar", [("run", b"text", 0o755)])
    bundle.sum_of(tmp_path / "a.tar").unlink()
    assert not bundle.is_intact(tmp_path / "a.tar")


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda folder: (folder / "a.whl").write_bytes(b"other"), id="a wheel is another"),
        pytest.param(lambda folder: (folder / "b.whl").unlink(), id="a wheel is missing"),
        pytest.param(lambda folder: (folder / "c.whl").write_bytes(b"c"), id="a wheel too many"),
        pytest.param(lambda folder: (folder / "COMPLETE").unlink(), id="interrupted before its end"),
    ],
)
def test_a_damaged_folder_of_wheels_is_known_as_such(load, tmp_path, damage):
    wheels = load("artifacts/files/wheels.py")
    for name in ("a", "b"):
        (tmp_path / f"{name}.whl").write_bytes(name.encode())
    (tmp_path / "COMPLETE").write_text(wheels.sums(tmp_path))
    assert wheels.is_intact(tmp_path)
    damage(tmp_path)
    assert not wheels.is_intact(tmp_path)


def test_folders_on_one_disk_need_their_sum(load, tmp_path):
    measures = load("preflight/library/host_measures.py")
    disk = os.statvfs(tmp_path)
    free = disk.f_bavail * disk.f_frsize >> 20
    one, other = str(tmp_path / "one"), str(tmp_path / "not" / "there")
    assert measures.too_small({one: free // 2 - 64, other: free // 2 - 64}) == []
    (clause,) = measures.too_small({one: free // 2 + 512, other: free // 2 + 512})
    assert f"MiB of disk for {one} and {other}, got " in clause


def test_what_a_folder_holds_already_counts_for_it(load, tmp_path):
    measures = load("preflight/library/host_measures.py")
    (tmp_path / "topic").write_bytes(os.urandom(5 << 20))
    assert measures.held_mib(str(tmp_path)) == 5
    assert measures.held_mib(str(tmp_path / "nothing")) == 0


def test_whom_the_packet_filter_lets_in_is_read_from_its_rules(load, tmp_path):
    measures = load("preflight/library/host_measures.py")
    rules = tmp_path / "firewall.nft"
    assert measures.lets_in(rules) is None
    environment = jinja2.Environment(trim_blocks=True)
    environment.tests["search"] = lambda text, found: found in text
    environment.filters["comment"] = lambda text: f"# {text}"
    template = environment.from_string((ROLES / "firewall/templates/firewall.nft.j2").read_text())
    opened = [
        {"port": 9092, "addresses": ["10.0.0.12", "fd00::12", "10.0.0.13"]},
        {"port": 7079, "more": 8, "addresses": ["10.0.0.12"]},
        {"port": 7077, "addresses": []},
    ]
    rules.write_text(template.render(firewall_open=opened, firewall_ssh_port=22, ansible_managed=""))
    assert measures.lets_in(rules) == {"9092": ["10.0.0.12", "10.0.0.13", "fd00::12"], "7079": ["10.0.0.12"]}


def test_folders_from_which_something_runs_are_in_use(load, tmp_path):
    module = load("artifacts/library/folders_in_use.py")
    for pid, told in (
        ("1", b"/opt/cosmo/environment-1/bin/python\0-m\0cosmo"),
        ("2", b"java\0-cp\0/x:/opt/cosmo/environment-2/lib/a.jar:/opt/cosmo/kafka-3/b.jar"),
        ("3", b"less\0/opt/other/environment-4\0/opt/cosmo"),
    ):
        (tmp_path / pid).mkdir()
        (tmp_path / pid / "cmdline").write_bytes(told)
    used = ["/opt/cosmo/environment-1", "/opt/cosmo/environment-2", "/opt/cosmo/kafka-3"]
    assert module.in_use("/opt/cosmo/", tmp_path) == used


def test_an_open_file_is_in_use(load, tmp_path):
    module = load("artifacts/library/folders_in_use.py")
    (tmp_path / "kafka-1").mkdir()
    with (tmp_path / "kafka-1" / "a.jar").open("w"):
        assert module.in_use(str(tmp_path)) == [str(tmp_path / "kafka-1")]
    assert module.in_use(str(tmp_path)) == []


def test_an_address_of_another_host_is_not_here(load):
    measures = load("preflight/library/host_measures.py")
    assert measures.is_here("127.0.0.1")
    assert not measures.is_here("192.0.2.77")
