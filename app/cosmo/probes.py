"""Is a part working? One small function a part, each with one sentence of evidence.

A probe answers within a few seconds, changes nothing, and returns a `Finding` where the part does not
answer: an exception from a probe is a fault of the probe.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from cosmo import runs
from cosmo.broker import Broker
from cosmo.errors import BrokerError, CosmoError, MalformedMessage, NoRun, PartFailed
from cosmo.results import BEHIND_S

ANSWER_S: Final = 2.0
"""A part on the same network that takes longer to answer is not working."""
POLL_S: Final = 0.1
FRESH_S: Final = 15.0
"""Slices and results come at least every 5 s, empty if need be."""
APART_S: Final = 1.0
"""A message that is ahead of our clock by more than this tells nothing of its age."""
FULL_PERCENT: Final = 95.0
"""Of a disk: Kafka stops when it cannot write."""
NFT: Final = "/usr/sbin/nft"
LONGEST_ANSWER_BYTES: Final = 1 << 20


@dataclass(frozen=True)
class Finding:
    """What a probe saw."""

    part: str
    ok: bool
    evidence: str
    """One sentence without a full stop: 'answers in 3 ms, 3 topics'."""
    workers: Mapping[str, str] | None = None
    """Of the Spark master: what it says of each worker, by address."""


Probe = Callable[[], Finding]


def zookeeper(host: str, port: int) -> Finding:
    """Say whether ZooKeeper serves requests: it says imok, and which mode it runs in."""
    began = time.monotonic()
    try:
        health = _four_letter_word(host, port, b"ruok")
        status = _four_letter_word(host, port, b"srvr")
    except OSError as error:
        return Finding("zookeeper", False, f"does not answer on {host}:{port}: {error}")
    took_ms = 1000 * (time.monotonic() - began)
    facts = dict(line.split(": ", 1) for line in status.splitlines() if ": " in line)
    if health != "imok" or "Mode" not in facts:
        said = " ".join((health + " " + status).split()) or "nothing"
        return Finding("zookeeper", False, f"answers on {host}:{port}, but says: {said[:200]}")
    version = facts.get("Zookeeper version", "unknown").partition("-")[0]
    return Finding("zookeeper", True, f"answers in {took_ms:.0f} ms, version {version}, {facts['Mode']}")


def zookeeper_forgot(host: str, port: int, znode: str) -> Finding:
    """Say whether no session holds an ephemeral znode, such as that of a broker that was killed."""
    try:
        sessions = _four_letter_word(host, port, b"dump")
    except OSError as error:
        return Finding("zookeeper", False, f"does not answer on {host}:{port}: {error}")
    if "Sessions with Ephemerals" not in sessions:
        said = " ".join(sessions.split()) or "nothing"
        return Finding("zookeeper", False, f"expected its sessions, it says: {said[:200]}")
    if znode in (line.strip() for line in sessions.splitlines()):
        return Finding("zookeeper", False, f"an earlier session still holds {znode}")
    return Finding("zookeeper", True, f"no session holds {znode}")


def wait_until(
    probe: Probe,
    deadline_s: float,
    gave_up: Callable[[], str | None] = lambda: None,
    *,
    poll_s: float = POLL_S,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], object] | None = None,
) -> Finding:
    """Ask a probe until it is content, and return that finding.

    Parameters
    ----------
    probe : asked at least once.
    deadline_s : seconds until it is hopeless.
    gave_up : a reason to stop before, such as the end of the process; None while there is hope.
    poll_s : seconds between two questions.
    clock, pause : monotonic seconds, and what waits `poll_s`.

    Raises
    ------
    PartFailed : with the last evidence, and the reason if there is one.
    """
    pause = pause or threading.Event().wait
    end = clock() + deadline_s
    while not (finding := probe()).ok:
        reason = gave_up()
        if reason is not None:
            raise PartFailed(
                f"{finding.part}: expected it to work, got: {reason}; its last evidence: {finding.evidence}"
            )
        if clock() >= end:
            raise PartFailed(
                f"{finding.part}: expected it to work within {deadline_s:g} s, got: {finding.evidence}; "
                f"see its log"
            )
        pause(poll_s)
    return finding


def _four_letter_word(host: str, port: int, word: bytes) -> str:
    with socket.create_connection((host, port), timeout=ANSWER_S) as connection:
        connection.sendall(word)
        answer = bytearray()
        while len(answer) < LONGEST_ANSWER_BYTES and (chunk := connection.recv(1 << 16)):
            answer += chunk
    return answer.decode("utf-8", "replace")


def spark_master(port: int, wanted: int | None = None) -> Finding:
    """Say whether the master is alive and has its workers; `workers` of the finding says which.

    Parameters
    ----------
    port : of its web page, on loopback.
    wanted : how many workers there should be; None: at least one.
    """
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/", timeout=ANSWER_S) as answer:
            state = json.load(answer)
        workers = {
            worker["host"]: f"{worker['state']}, {worker['cores']} cores, {worker['memory']} MiB"
            for worker in sorted(state["workers"], key=lambda worker: worker["state"] == "ALIVE")
        }
        alive = sum(worker["state"] == "ALIVE" for worker in state["workers"])
        status = str(state["status"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        return Finding("master", False, f"does not answer on 127.0.0.1:{port}: {error!r}")
    ok = status == "ALIVE" and alive >= (1 if wanted is None else wanted)
    of_wanted = "" if wanted is None else f" of {wanted}"
    return Finding("master", ok, f"{status}, {alive}{of_wanted} workers alive", workers)


def disk(folders: Sequence[Path], full_percent: float = FULL_PERCENT) -> Finding:
    """Say how full the fullest disk of these folders is; of a tier that is not deployed there is none."""
    used = {}
    for folder in folders:
        try:
            usage = shutil.disk_usage(folder)
        except FileNotFoundError:
            continue
        except OSError as error:
            return Finding("disk", False, f"{folder}: {error.strerror}")
        used[folder] = 100 * usage.used / max(1, usage.used + usage.free)
    if not used:
        return Finding("disk", False, f"expected one of {[*map(str, folders)]}, none is there; run init")
    fullest = max(used, key=lambda folder: used[folder])
    return Finding("disk", used[fullest] < full_percent, f"{fullest} is {used[fullest]:.0f} % full")


def kafka(broker: Broker) -> Finding:
    """Say whether the broker answers and our topics exist."""
    try:
        took_ms = broker.answers_in_ms()
    except BrokerError as error:
        return Finding("kafka", False, str(error))
    return Finding("kafka", True, f"answers in {took_ms:.0f} ms, 3 topics")


def result(broker: Broker, fresh_s: float = FRESH_S, since: float = 0.0) -> Finding:
    """Say whether the analysis has published a result, be it a heartbeat, lately.

    Parameters
    ----------
    fresh_s : a result is fresh up to this age.
    since : Unix time; an older result does not count.
    """
    try:
        run = broker.current_run()
        newest, _ = broker.newest_result(run.number)
    except CosmoError as error:
        return Finding("result", False, str(error))
    if newest is None:
        return Finding("result", False, f"run {run.number} has no result yet")
    published = datetime.fromisoformat(newest.published).timestamp()
    age_s = time.time() - published
    name = f"result {newest.number} of run {run.number}"
    if age_s < -APART_S:
        return Finding("result", False, _of_another_clock(name, -age_s, newest.analysis.partition(":")[0]))
    evidence = f"{name} published {max(0.0, age_s):.1f} s ago"
    backlog = newest.timings.backlog_slices
    if backlog is not None:
        evidence += f", backlog {backlog} slices"
    return Finding("result", age_s <= fresh_s and published >= since, evidence)


def _of_another_clock(name: str, ahead_s: float, host: str) -> str:
    return (
        f"{name} bears a time {ahead_s:.1f} s ahead of ours: the clock of {host} was set back, or its and "
        "ours differ; set them right, and ask again when another one has come"
    )


def analysis(broker: Broker) -> Finding:
    """Say whether the analysis publishes results, and keeps up with the stream."""
    finding = result(broker)
    if not finding.ok:
        return finding
    try:
        unread_s = runs.oldest_unread_s(broker, broker.current_run())
    except (BrokerError, NoRun, MalformedMessage) as error:
        return Finding("result", False, str(error))
    if unread_s is None or unread_s <= BEHIND_S:
        return finding
    why = (
        f"but it is behind: the oldest slice not measured has waited {unread_s:.0f} s; send fewer rows/s, or "
        "add cores or workers, unless it is catching up after a pause"
    )
    return replace(finding, ok=False, evidence=f"{finding.evidence}, {why}")


def stream(broker: Broker, fresh_s: float = FRESH_S, since: float = 0.0) -> Finding:
    """Say whether the producer has sent a slice, be it an empty one, lately; see `result`."""
    try:
        run = broker.current_run()
        newest, found = broker.newest_slice(run)
    except CosmoError as error:
        return Finding("producer", False, str(error))
    if newest is None or found.record is None:
        return Finding("producer", False, f"run {run.number} has no slice yet")
    age_s = time.time() - found.record.timestamp_s
    if age_s < -APART_S and not newest.end:
        said = _of_another_clock(f"slice {newest.number}", -age_s, "the broker's host")
        return Finding("producer", False, said)
    evidence = f"slice {newest.number} sent {max(0.0, age_s):.1f} s ago, {newest.rows_so_far:,} rows so far"
    fresh = (newest.end or age_s <= fresh_s) and found.record.timestamp_s >= since
    return Finding("producer", fresh, evidence + (", then its source ended" if newest.end else ""))


def packet_filter() -> Finding:
    """Say whether our table of nftables is loaded; only root may ask."""
    listed = subprocess.run(
        [NFT, "list", "chain", "inet", "cosmo", "input"], capture_output=True, text=True, check=False
    )
    if listed.returncode != 0:
        said = " ".join(listed.stderr.split())[:200] or "nothing"
        return Finding("firewall", False, f"its table is not loaded, nft says: {said}")
    return Finding("firewall", True, f"its table is loaded, {listed.stdout.count(' accept')} rules let in")


def dashboard(port: int, *, with_data: bool = False, host: str = "127.0.0.1") -> Finding:
    """Say whether the dashboard answers, and if wanted, whether it has data to show."""
    try:
        with urllib.request.urlopen(f"http://{host}:{port}/healthz", timeout=ANSWER_S) as answer:
            health = json.load(answer)
    except (OSError, ValueError) as error:
        return Finding("dashboard", False, f"does not answer on {host}:{port}: {error}")
    rows = health.get("rows", 0)
    return Finding("dashboard", bool(rows) or not with_data, f"answers on port {port}, shows {rows:,} rows")
