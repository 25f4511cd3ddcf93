"""Judging the parts of a host, and the table an operator sees. By hand, without systemd."""

import importlib.util
import sys
import types
from pathlib import Path
from unittest.mock import Mock

import pytest

from cosmo import beat, probes, runs, units
from cosmo.probes import Finding
from cosmo.settings import Settings
from dashboard_results import run_record

ROOT = Path(__file__).parents[2]
ROLE = ROOT / "roles" / "cosmo"
LOCALHOST = ROOT / "config" / "localhost" / "cosmo.yml"
NOW = "2026-01-02T03:30:00+00:00"
RUN = {
    "number": 12,
    "note": "night shift",
    "started": "2026-01-02T00:18:00+00:00",
    "ended": None,
    "rows_sent": 12_681_100,
    "rows_accounted": 12_681_014,
    "rows_in_carry": 64,
    "slices_lost": 0,
    "is_closed": False,
    "is_behind": False,
}


@pytest.fixture
def table(monkeypatch):
    """Give the pure part of the action plugin, with stand-ins for Ansible."""
    for name, content in (
        ("ansible.plugins.action", {"ActionBase": object}),
        ("ansible.utils.display", {"Display": object}),
    ):
        module = types.ModuleType(name)
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, name, module)
    path = ROLE / "action_plugins" / "beat_report.py"
    spec = importlib.util.spec_from_file_location("beat_report", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.beat_table


def unit(active="active", *, enabled=True, restarts=0, result="success"):
    return units.Unit("cosmo-producer", active, enabled, 60.0, restarts, result)


def well():
    return Finding("producer", True, "slice 7 sent 0.1 s ago")


@pytest.mark.parametrize(
    ("looked_at", "ask", "may_end", "state", "evidence"),
    [
        pytest.param(unit(), well, False, "ok", "slice 7 sent 0.1 s ago", id="works"),
        pytest.param(
            unit(restarts=2),
            well,
            False,
            "ok",
            "restarted 2 times by systemd",
            id="was restarted by its watchdog",
        ),
        pytest.param(
            unit(),
            lambda: Finding("producer", False, "slice 7 sent 40.0 s ago"),
            False,
            "FAILED",
            "40.0 s ago",
            id="hangs: its unit is active",
        ),
        pytest.param(
            unit("failed", result="watchdog"),
            well,
            False,
            "FAILED",
            "failed, it ended with watchdog",
            id="dead",
        ),
        pytest.param(
            unit("inactive"), well, False, "FAILED", "is inactive", id="was stopped behind our back"
        ),
        pytest.param(unit("inactive"), well, True, "ok", "slice 7", id="its source ended"),
        pytest.param(
            unit("inactive", result="exit-code"), well, True, "FAILED", "exit-code", id="its source failed"
        ),
        pytest.param(
            unit(enabled=False), well, False, "FAILED", "does not start at boot", id="would not come back"
        ),
    ],
)
def test_a_part_is_judged_by_its_unit_and_its_probe(looked_at, ask, may_end, state, evidence):
    row = beat.judged("producer", looked_at, ask, may_end=may_end)
    assert row.state == state
    assert evidence in row.evidence


def test_what_systemd_says_is_read():
    shown = (
        "ActiveState=failed\nSubState=failed\nUnitFileState=enabled\n"
        "StateChangeTimestampMonotonic=40000000\nNRestarts=3\nResult=watchdog\n"
    )
    looked_at = units.parsed("kafka", shown, 100.0)
    assert looked_at == units.Unit("kafka", "failed", True, 60.0, 3, "watchdog")
    assert looked_at.sentence == "kafka is failed, it ended with watchdog"


def test_a_full_disk_is_seen(tmp_path):
    assert probes.disk([tmp_path]).ok
    full = probes.disk([tmp_path], full_percent=0.0)
    assert not full.ok
    assert str(tmp_path) in full.evidence
    assert not probes.disk([]).ok


def test_a_folder_of_a_tier_that_is_not_deployed_is_passed_over(tmp_path):
    assert probes.disk([tmp_path, tmp_path / "absent"]).ok
    finding = probes.disk([tmp_path / "absent"])
    assert not finding.ok
    assert finding.evidence == f"expected one of ['{tmp_path / 'absent'}'], none is there; run init"


def row(part, state="ok", evidence="well", workers=None, journal=()):
    name = beat.UNITS.get(part)
    return {
        "part": part,
        "state": state,
        "since_s": 12_000.0,
        "evidence": evidence,
        "unit": name,
        "journal": list(journal),
        "workers": workers,
    }


def host(name, address, answer, parts=("disk", "kafka", "worker")):
    return {"name": name, "address": address, "parts": parts, "answer": answer}


def answer(*rows, run=None, **more):
    import json

    return {"stdout": json.dumps({"rows": rows, "run": run, **more}), "rc": 0}


def master(workers):
    return host("cmaster", "10.0.0.1", answer(row("kafka"), row("master", workers=workers), run=RUN))


def worker(**changes):
    return host("cworker1", "10.0.0.2", answer(row("worker", evidence="runs", **changes)))


def test_all_is_well(table):
    told = table([master({"10.0.0.2": "ALIVE, 4 cores, 2048 MiB"}), worker()], "cloud", NOW)
    assert told["ok"]
    assert told["lines"] == [
        "cloud · run 12 'night shift' since 00:18:00 (3 h 12 m) · 12,681,014 rows, all accounted for",
        "HOST      PART       STATE    SINCE     EVIDENCE",
        "cmaster   kafka      ok       3 h 20 m  well",
        "cmaster   master     ok       3 h 20 m  well",
        "cworker1  worker     ok       3 h 20 m  ALIVE, 4 cores, 2048 MiB",
    ]
    assert told["document"]["run"]["number"] == 12


@pytest.mark.parametrize(
    ("workers", "evidence"),
    [
        pytest.param({}, "not registered with the master", id="unknown to the master"),
        pytest.param({"10.0.0.2": "DEAD, 4 cores, 2048 MiB"}, "DEAD, 4 cores", id="given up by the master"),
    ],
)
def test_a_worker_that_only_runs_does_not_work(table, workers, evidence):
    told = table([master(workers), worker()], "cloud", NOW)
    assert not told["ok"]
    assert evidence in told["lines"][4]


@pytest.mark.parametrize(
    ("told", "ok"),
    [
        pytest.param({"environment": "/opt/cosmo/environment-b"}, True, id="the same version"),
        pytest.param({"environment": "/opt/cosmo/environment-a"}, False, id="another version"),
        pytest.param({}, False, id="one that does not say which"),
    ],
)
def test_a_worker_of_another_version_than_the_analysis_does_not_work(table, told, ok):
    parts = [row("kafka"), row("master", workers={"10.0.0.2": "ALIVE, 4 cores"}), row("analysis")]
    new = answer(*parts, run=RUN, environment="/opt/cosmo/environment-b")
    of_analysis = host("cmaster", "10.0.0.1", new, ["kafka", "master", "analysis"])
    old = host("cworker1", "10.0.0.2", answer(row("worker", evidence="runs"), **told), ["worker"])
    judged = table([of_analysis, old], "cloud", NOW)
    assert judged["ok"] == ok
    evidence = judged["document"]["parts"][-1]["evidence"]
    assert ("another version than the analysis on cmaster" in evidence) != ok


@pytest.mark.parametrize(("ended", "state"), [(None, "FAILED"), ("2026-01-02T03:00:00+00:00", "off")])
def test_a_part_that_is_off_while_a_run_is_on_is_not_well(table, ended, state):
    parts = [row("kafka"), row("analysis", "off"), row("producer", "off")]
    told = table([host("cmaster", "10.0.0.1", answer(*parts, run=RUN | {"ended": ended}))], "cloud", NOW)
    assert told["ok"] == (state == "off")
    assert [part["state"] for part in told["document"]["parts"]] == ["ok", state, state]


def test_the_packet_filter_is_asked_for(tmp_path, monkeypatch):
    nft = tmp_path / "nft"
    monkeypatch.setattr(probes, "NFT", str(nft))
    for code, said, sentence in ((0, "tcp dport 22 accept", "1 rules"), (1, "No such file", "No such file")):
        nft.write_text(f"#!/bin/sh\necho '{said}'\necho '{said}' >&2\nexit {code}\n")
        nft.chmod(0o755)
        finding = probes.packet_filter()
        assert finding.ok == (code == 0)
        assert sentence in finding.evidence


def test_what_failed_shows_where_to_look(table):
    failed = host(
        "cmaster", "10.0.0.1", answer(row("analysis", "FAILED", "stale", journal=["line 1", "line 2"]))
    )
    told = table([failed], "cloud", NOW)
    assert not told["ok"]
    assert told["lines"][0] == "cloud · no run is known"
    assert told["lines"][3:] == [
        " " * 40 + "see: journalctl -u cosmo-analysis (last lines follow)",
        "    line 1",
        "    line 2",
    ]


@pytest.mark.parametrize(
    ("said", "evidence"),
    [
        pytest.param({"unreachable": True}, "does not answer by SSH", id="off"),
        pytest.param(
            {"rc": 1, "stdout": "", "stderr": "cosmo: no settings"}, "cosmo: no settings", id="refuses"
        ),
        pytest.param({"msg": "no such file: cosmo"}, "no such file: cosmo", id="bare"),
    ],
)
def test_a_host_that_cannot_be_asked_is_not_well(table, said, evidence):
    told = table([master({}), host("cworker1", "10.0.0.2", said)], "cloud", NOW)
    assert not told["ok"]
    assert evidence in told["lines"][-1]
    assert "it is to have: kafka, worker" in told["lines"][-1]


def test_lost_slices_and_an_ended_run_are_said(table):
    ended = RUN | {
        "ended": "2026-01-02T03:00:00+00:00",
        "rows_sent": 5,
        "rows_accounted": 5,
        "is_closed": True,
    }
    assert table([host("a", "b", answer(row("kafka"), run=ended))], "cloud", NOW)["lines"][0] == (
        "cloud · run 12 'night shift' ended 03:00:00 · 5 rows, all accounted for"
    )
    lost = table([host("a", "b", answer(row("kafka"), run=RUN | {"slices_lost": 2}))], "cloud", NOW)
    assert lost["lines"][0].endswith("2 slices LOST")


def test_rows_that_wait_are_not_called_accounted_for(table):
    behind = RUN | {"rows_sent": 90_000_000, "rows_accounted": 12_000_000, "is_behind": True}
    said = table([host("a", "b", answer(row("kafka"), run=behind))], "cloud", NOW)["lines"][0]
    assert said.endswith("90,000,000 rows sent, 12,000,000 measured so far")
    lost = table([host("a", "b", answer(row("kafka"), run=behind | {"slices_lost": 2}))], "cloud", NOW)
    assert lost["lines"][0].endswith("12,000,000 measured so far, 2 slices LOST")


@pytest.mark.parametrize(
    ("sent", "unread_s", "trigger_ms", "is_behind"),
    [
        pytest.param(12, 1.5, 0, True, id="waits for too long"),
        pytest.param(12, 0.5, 0, False, id="is on its way"),
        pytest.param(12, 1.5, 1000, False, id="waits for the trigger"),
        pytest.param(12, None, 0, False, id="came since it was counted"),
        pytest.param(12, -300, 0, True, id="a clock was set back since"),
        pytest.param(10, 1.5, 0, False, id="only empty slices wait"),
    ],
)
def test_what_is_on_its_way_is_told_from_what_waits(monkeypatch, sent, unread_s, trigger_ms, is_behind):
    unread_s = None if unread_s is None else unread_s * beat.IN_FLIGHT_S
    monkeypatch.setattr(beat, "Broker", lambda _: Mock(run_messages=lambda: ({1: run_record()}, {})))
    monkeypatch.setattr(runs, "account", lambda *_: runs.Account(sent, 10, 0))
    monkeypatch.setattr(runs, "oldest_unread_s", lambda *_: unread_s)
    trigger_ms = int(trigger_ms * beat.IN_FLIGHT_S)
    settings = Settings.load(LOCALHOST, {"analysis.trigger_ms": trigger_ms, "dashboard.quiet_after_s": 60})
    assert beat.run_of(settings)["is_behind"] is is_behind


def test_what_of_a_run_cannot_be_told_or_added_is_not_well(table):
    silent = {name: RUN[name] for name in ("number", "note", "started", "ended")}
    silent["not_told"] = "run 12 streams into a, the settings say b"
    told = table([host("a", "b", answer(row("kafka"), run=silent))], "cloud", NOW)
    assert not told["ok"]
    assert told["lines"][0] == "cloud · run 12 'night shift' · run 12 streams into a, the settings say b"

    mixed = table([host("a", "b", answer(row("kafka"), run=RUN | {"results_left_out": 1}))], "cloud", NOW)
    assert mixed["lines"][0].endswith("1 results do not ADD UP")


def test_a_beat_of_some_hosts_tells_nothing_of_the_run(table):
    told = table(
        [host("cworker1", "10.0.0.2", answer(row("worker", evidence="runs")), ["disk", "worker"])],
        "cloud",
        NOW,
    )
    assert told["ok"]
    assert told["lines"][0] == "cloud · the run is not told: the broker's host is not among those asked"
    assert "the master does not say" in told["lines"][-1]


def test_no_host_is_not_well(table):
    assert not table([], "cloud", NOW)["ok"]
