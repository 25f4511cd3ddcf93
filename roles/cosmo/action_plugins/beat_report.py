"""Ansible action: print what every host answered to beat, as one table; fail if not all is well.

beat_report:
  deployment: cloud
  hosts: [cmaster, cworker1]     # names; each has cosmo_beat (the answer), cosmo_probed and cosmo_address
  json: false                    # true: one JSON document on one line instead of the table
"""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

COLUMNS = "{:<9} {:<10} {:<8} {:<9} {}"
PARTS_OF_A_RUN = ("analysis", "producer", "dashboard")
INDENT = " " * 40
JOURNAL_LINES = 10


def duration(seconds: float | None) -> str:
    """Return a duration as an operator says it: 12 s, 40 m, 3 h 20 m, 2 d 4 h."""
    if seconds is None:
        return ""
    minutes = int(seconds) // 60
    if minutes < 1:
        return f"{int(seconds)} s"
    if minutes < 60:
        return f"{minutes} m"
    if minutes < 24 * 60:
        return f"{minutes // 60} h {minutes % 60} m"
    return f"{minutes // 1440} d {minutes % 1440 // 60} h"


def header(deployment: str, run: dict[str, Any] | None, now: str, *, asked: bool) -> str:
    """Return the first line: the run, since when it is on, and what became of its rows.

    Parameters
    ----------
    asked : whether the broker's host was: it knows of runs.
    """
    if not asked:
        return f"{deployment} · the run is not told: the broker's host is not among those asked"
    if run is None:
        return f"{deployment} · no run is known"
    note = f" '{run['note']}'" if run["note"] else ""
    name = f"{deployment} · run {run['number']}{note}"
    if "not_told" in run:
        return f"{name} · {run['not_told']}"
    rows = f"{run['rows_accounted']:,} rows"
    lost = f", {run['slices_lost']:,} slices LOST" if run["slices_lost"] else ", all accounted for"
    if run.get("is_behind") and not run["ended"]:  # hosts that have not been updated do not tell it
        rows = f"{run['rows_sent']:,} rows sent, {run['rows_accounted']:,} measured so far"
        lost = lost if run["slices_lost"] else ""
    if run.get("results_left_out"):
        lost += f", {run['results_left_out']:,} results do not ADD UP"
    if run["ended"]:
        fate = lost if run["slices_lost"] or run["is_closed"] else f" accounted BUT {run['rows_sent']:,} sent"
        return f"{name} ended {_clock(run['ended'], now)} · {rows}{fate}"
    on_for = (datetime.fromisoformat(now) - datetime.fromisoformat(run["started"])).total_seconds()
    return f"{name} since {_clock(run['started'], now)} ({duration(on_for)}) · {rows}{lost}"


def _clock(then: str, now: str) -> str:
    """Return a time of today without its date. UTC, as everything that is published."""
    return f"{then[11:19]}" if then[:10] == now[:10] else f"{then[:10]} {then[11:19]}"


def beat_table(hosts: list[dict[str, Any]], deployment: str, now: str) -> dict[str, Any]:
    """Return the table, the same as a document for machines, and whether all is well.

    Parameters
    ----------
    hosts : for each its `name`, its `address` for the others, its `parts` by duty, and its `answer`: the
        registered result of `cosmo probe --json --units`, or a message of its unreachability.
    now : UTC, ISO 8601.
    """
    rows: list[dict[str, Any]] = []
    run, workers = None, None
    environments: dict[str, str | None] = {}
    for host in hosts:
        answered, why = _answer(host["answer"])
        if answered is None:
            parts = ", ".join(part for part in host["parts"] if part not in ("disk", "firewall"))
            rows.append(_row(host, "host", "FAILED", f"{why}; it is to have: {parts}"))
            continue
        run = run or answered["run"]
        environments[host["name"]] = answered.get("environment")
        for row in answered["rows"]:
            told = row.pop("workers")
            workers = workers if told is None else told
            rows.append({"host": host["name"], **row})
    addresses = {host["name"]: host["address"] for host in hosts}
    analysis = next((host["name"] for host in hosts if "analysis" in host["parts"]), None)
    for row in rows:
        if row["part"] == "worker" and row["state"] == "ok":
            _judge_worker(row, addresses[row["host"]], workers)
            if analysis in environments and environments[row["host"]] != environments[analysis]:
                evidence = (
                    f"has another version than the analysis on {analysis}, it measures nothing; run init"
                )
                row.update(state="FAILED", evidence=evidence)
        if run and not run["ended"] and row["part"] in PARTS_OF_A_RUN and row["state"] == "off":
            row.update(
                state="FAILED", evidence=f"is off while run {run['number']} is on; run goes on with it"
            )
    ok = bool(rows) and all(row["state"] != "FAILED" for row in rows) and "not_told" not in (run or {})
    asked = any("kafka" in host["parts"] for host in hosts)
    lines = [
        header(deployment, run, now, asked=asked),
        COLUMNS.format("HOST", "PART", "STATE", "SINCE", "EVIDENCE"),
    ]
    for row in rows:
        lines += _lines(row)
    document = {"deployment": deployment, "ok": ok, "at": now, "run": run, "parts": rows}
    return {"ok": ok, "lines": [line.rstrip() for line in lines], "document": document}


def _answer(answer: dict[str, Any]) -> tuple[dict[str, Any] | None, str]:
    """Return what a host answered, or None and why it did not."""
    if answer.get("unreachable"):
        return None, "does not answer by SSH"
    try:
        return json.loads(answer.get("stdout", "")), ""
    except ValueError:
        said = (answer.get("stderr") or answer.get("msg") or "it says nothing").strip().splitlines()
        return None, f"cannot be asked, run init: {said[-1]}"


def _judge_worker(row: dict[str, Any], address: str, workers: dict[str, str] | None) -> None:
    """Put beside a worker that runs what the master says of it: it works where the master has it."""
    if workers is None:
        row["evidence"] = "runs; the master does not say whether it is registered"
    elif address not in workers:
        row.update(state="FAILED", evidence="runs, but is not registered with the master")
    else:
        row["evidence"] = workers[address] + row["evidence"].removeprefix("runs")
        row["state"] = "ok" if workers[address].startswith("ALIVE") else "FAILED"


def _row(host: dict[str, Any], part: str, state: str, evidence: str) -> dict[str, Any]:
    return {
        "host": host["name"],
        "part": part,
        "state": state,
        "since_s": None,
        "evidence": evidence,
        "unit": None,
        "journal": [],
    }


def _lines(row: dict[str, Any]) -> list[str]:
    since = duration(row["since_s"])
    lines = [COLUMNS.format(row["host"], row["part"], row["state"], since, row["evidence"])]
    if row["state"] == "FAILED" and row["unit"]:
        lines.append(f"{INDENT}see: journalctl -u {row['unit']} (last lines follow)")
        lines += [f"    {line}" for line in row["journal"][-JOURNAL_LINES:]]
    return lines


class ActionModule(ActionBase):
    """Put the answers together, print them, judge."""

    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return `failed` and the message that names what is not well."""
        result = super().run(tmp, task_vars)
        given, hostvars = self._task.args, (task_vars or {})["hostvars"]
        hosts = [
            {
                "name": name,
                "address": hostvars[name]["cosmo_address"],
                "parts": hostvars[name]["cosmo_probed"],
                "answer": dict(hostvars[name].get("cosmo_beat", {"unreachable": True})),
            }
            for name in given["hosts"]
        ]
        now = datetime.now(timezone.utc).isoformat(timespec="seconds")
        table = beat_table(hosts, given["deployment"], now)
        lines = [json.dumps(table["document"])] if given.get("json") else table["lines"]
        Display().display("\n".join(lines))
        failed = [
            f"{row['part']} on {row['host']}"
            for row in table["document"]["parts"]
            if row["state"] == "FAILED"
        ]
        if "not_told" in (table["document"]["run"] or {}):
            failed.append("the account of the run")
        return {
            **result,
            "changed": False,
            "failed": not table["ok"],
            "msg": f"not well: {', '.join(failed)}" if failed else "all is well",
        }
