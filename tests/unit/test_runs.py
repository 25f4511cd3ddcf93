"""A run's record, its account, and the settings that go with it: what contradicts it is refused."""

from __future__ import annotations

import logging
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from click.testing import CliRunner

from cosmo import beat, cli, probes, producer, runs
from cosmo.broker import Broker, Newest
from cosmo.commands.runs import _sentence
from cosmo.errors import BrokerAway, BrokerError, SettingsError
from cosmo.producer import produce
from cosmo.results import MAX_RUN, Result, Run
from cosmo.runs import Account
from cosmo.settings import Settings
from cosmo.slice_numbers import SliceNumbers
from cosmo.slice_records import utc
from cosmo.statistics import Summary
from dashboard_results import hits_summary, result, run_record, run_total

LOCALHOST = Path(__file__).parents[2] / "config" / "localhost" / "cosmo.yml"
SETTINGS = Settings.load(LOCALHOST)
STREAM = SETTINGS.topics.stream
OTHERS = [
    pytest.param({"topics.stream.name": "other"}, f"other with {STREAM.partitions}", id="name"),
    pytest.param({"topics.stream.partitions": 16}, f"{STREAM.name} with 16", id="partitions"),
]


def changed(**changes: object) -> Settings:
    return Settings.load(LOCALHOST, {key.replace("__", "."): value for key, value in changes.items()})


class Memory(Broker):
    """A broker that keeps in memory what was put on it, with topics as they were made."""

    def __init__(self, settings: Settings, messages: dict[tuple[str, int], bytes] | None = None) -> None:
        super().__init__(settings)
        self.messages = {} if messages is None else messages  #: by topic and number
        self.totals = {}
        self.published: list[Result] = []

    def seen_with(self, settings: Settings) -> Memory:
        """Return the same broker as other settings name it."""
        return Memory(settings, self.messages)

    def run_messages(self):
        runs = [
            Run.from_json(message)
            for (topic, _), message in self.messages.items()
            if topic == self.topics.runs.name
        ]
        return {run.number: run for run in runs}, self.totals

    def put_run(self, run: Run) -> None:
        self.messages[self.topics.runs.name, run.number] = run.to_json()

    def end_offsets(self, _topic: str):
        return dict.fromkeys(range(STREAM.partitions), 7)

    def newest(self, topic: str, _run: int, _start):
        return Newest(None, self.end_offsets(topic), {})

    def results(self, _run: int, after: int):
        return [each for each in self.published if each.number > after]


@pytest.fixture
def broker() -> Memory:
    return Memory(SETTINGS)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        pytest.param("files /tmp/Ångström.csv", "files /tmp/Ångström.csv", id="UTF-8"),
        pytest.param("files /tmp/bad\udcff.csv", r"files /tmp/bad\xff.csv", id="a name that is not"),
    ],
)
def test_a_run_tells_its_source_and_note_as_valid_text(broker: Memory, given: str, told: str) -> None:
    begun = runs.begin(broker, given, note=given)
    assert (begun.source, begun.note) == (told, told)
    assert broker.current_run() == begun


def test_a_run_tells_its_stream_and_what_the_settings_call_its_source(broker: Memory) -> None:
    runs.begin(broker, "cosmics", source_names=SETTINGS.source_names)
    run = broker.current_run()
    assert run.stream.name == STREAM.name
    assert run.stream.partitions == STREAM.partitions == len(run.start_offsets)
    assert run.source_names == SETTINGS.source_names


def test_the_numbers_of_runs_can_be_used_up(broker: Memory) -> None:
    broker.put_run(run_record(MAX_RUN - 1, ended=utc(0)))
    with pytest.raises(BrokerError, match=f"holds the record of run {MAX_RUN - 1}, which is the last"):
        runs.begin(broker, "cosmics")
    broker.messages.clear()
    broker.put_run(run_record(MAX_RUN - 2, ended=utc(0)))
    assert runs.begin(broker, "cosmics").number == MAX_RUN - 1
    assert broker.current_run().number == MAX_RUN - 1


@pytest.mark.parametrize("known", [{}, {"rows_sent": 5}, {"rows_accounted": 5}])
def test_an_ended_run_that_does_not_tell_its_rows(broker: Memory, known: dict[str, int]) -> None:
    run = run_record(ended=utc(0), **known)
    assert _sentence(run).endswith("to 1970-01-01T00:00:00Z: rows sent and accounted are unknown: cosmics")
    assert runs.account(broker, run) == Account(0, 0, 0), "what the topics say"


# -- another stream


@pytest.mark.parametrize(("changes", "named"), OTHERS)
def test_another_stream_than_the_runs_is_refused(broker: Memory, changes, named: str) -> None:
    run = runs.begin(broker, "cosmics")
    other = broker.seen_with(Settings.load(LOCALHOST, changes))
    sentence = (
        f"run 1 streams into {STREAM.name} with {STREAM.partitions} partitions, the settings say "
        f"{named} partitions; halt it with the earlier settings first"
    )
    for ask in (
        other.current_run,
        lambda: other.newest_slice(run),
        lambda: runs.account(other, run),
        lambda: runs.end(other, run),
        lambda: runs.begin(other, "cosmics"),
        lambda: runs.go_on_or_begin(other, "cosmics", SETTINGS.source_names),
    ):
        with pytest.raises(SettingsError) as refused:
            ask()
        assert str(refused.value) == sentence
        assert refused.value.exit_code == 2
    assert [probe(other).evidence for probe in (probes.result, probes.stream)] == [sentence] * 2
    assert broker.current_run() == run


def test_a_topic_with_another_number_of_partitions_is_refused(broker: Memory) -> None:
    other = broker.seen_with(changed(topics__stream__partitions=16))
    with pytest.raises(SettingsError, match=rf"to have 16 partitions.*got {STREAM.partitions}; set it to"):
        runs.begin(other, "cosmics")
    assert broker.messages == {}


def test_a_record_of_an_earlier_version_is_held_to_nothing(broker: Memory) -> None:
    broker.put_run(run_record())
    other = broker.seen_with(changed(topics__stream__name="other"))
    assert other.current_run() == run_record()
    assert run_record().is_of(["files a.csv"])


# -- another source


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({}, ["generated cosmics, seed 1"]),
        (
            {"source.kind": "beam", "source.seed": 2, "source.faults": ["dead-cell:chamber=0,channel=3"]},
            ["generated beam, seed 2"],
        ),
        ({"source.kind": "files", "source.files": ["/srv/*.csv", "/b"]}, ["files /srv/*.csv", "/b"]),
        ({"source.kind": "files", "source.files": ["a\udcff"]}, [r"files a\xff"]),
        (
            {"source.kind": "bucket", "bucket.name": "b", "bucket.prefix": "p/"},
            [f"bucket b at {SETTINGS.bucket.endpoint_url}, prefix 'p/'"],
        ),
    ],
    ids=["cosmics", "beam", "files", "not UTF-8", "bucket"],
)
def test_a_source_is_told_by_its_names(changes, names: list[str]) -> None:
    assert Settings.load(LOCALHOST, changes).source_names == names


@pytest.mark.parametrize(
    ("names", "is_same"),
    [
        pytest.param(["files a.csv", "b.csv"], True, id="the same"),
        pytest.param(["files a.csv", "b.csv", "c.csv"], True, id="one more"),
        pytest.param(["files a.csv"], False, id="one less"),
        pytest.param(["files b.csv", "a.csv"], False, id="another order"),
        pytest.param(["generated cosmics, seed 1"], False, id="another kind"),
    ],
)
def test_a_run_goes_on_with_its_source_whatever_it_holds_by_now(broker: Memory, names, is_same: bool) -> None:
    begun, is_new = runs.go_on_or_begin(broker, "files, 2 of them", ["files a.csv", "b.csv"])
    assert is_new
    if not is_same:
        with pytest.raises(SettingsError, match=r"run 1 streams files a\.csv, b\.csv, the settings say "):
            begun.require_source(names)
    found, is_new = runs.go_on_or_begin(broker, "files, more of them", names)
    assert (found.number, is_new) == ((1, False) if is_same else (2, True))
    assert bool(broker.run_messages()[0][1].ended) != is_same


@pytest.mark.parametrize(("source", "goes_on"), [("cosmics", True), ("beam", False)])
def test_a_run_of_an_earlier_version_is_known_by_its_source_in_words(broker: Memory, source, goes_on) -> None:
    broker.put_run(run_record())
    found, is_new = runs.go_on_or_begin(broker, source, ["generated"])
    assert (found.number, is_new) == ((1, False) if goes_on else (2, True))


def test_a_producer_refuses_another_source_than_the_runs(broker: Memory, monkeypatch) -> None:
    runs.begin(broker, "cosmics", source_names=SETTINGS.source_names)
    monkeypatch.setattr(producer, "Broker", broker.seen_with)
    for changes in ({"source.kind": "beam"}, {"source.seed": 2}):
        stop = SimpleNamespace(wait=lambda _: pytest.fail("it waits"), is_set=lambda: False)
        with pytest.raises(SettingsError, match="run 1 streams generated cosmics, seed 1, the settings say"):
            produce(Settings.load(LOCALHOST, changes), stop)


# -- the account


def of_partitions(n: int, number: int) -> Summary:
    """Return one hit in a slice of a topic with so many partitions."""
    return hits_summary(1) + Summary.counting(numbers=SliceNumbers.of(n, number % n, [number]))


def test_a_result_that_does_not_add_up_is_left_out_and_told(broker: Memory, caplog) -> None:
    run = runs.begin(broker, "cosmics")
    broker.totals[1] = run_total(3, of_partitions(8, 0))
    broker.published = [result(4, of_partitions(16, 8)), result(5, of_partitions(8, 16))]
    with caplog.at_level(logging.WARNING):
        account = runs.account(broker, run)
    assert account == Account(0, 2, 0, slices_lost=1, results_left_out=1)
    assert str(account).endswith("2 rows accounted; 1 slices lost; 1 results left out")
    (told,) = caplog.messages
    assert told.startswith("result 4 of run 1 is left out of the sum: expected slices of a topic with 8")
    assert not runs.end(broker, run).is_closed


def unframed(rows: int) -> Summary:
    return Summary.of_unframed([b"2,0,1,5,6,7"] * rows)


@pytest.mark.parametrize(
    ("measured", "is_closed", "told"),
    [
        pytest.param(hits_summary(9), True, "9 rows sent = 9 rows accounted", id="all"),
        pytest.param(
            hits_summary(9) + unframed(1),
            True,
            "9 rows sent = 9 rows accounted; 1 more rows unframed, sent by no producer",
            id="all and a stranger's row",
        ),
        pytest.param(
            hits_summary(8) + unframed(1),
            False,
            "9 rows sent but 8 rows accounted; 1 more rows unframed, sent by no producer",
            id="a stranger's row instead of ours",
        ),
        pytest.param(
            hits_summary(8) + of_partitions(8, 8),
            False,
            "9 rows sent = 9 rows accounted; 1 slices lost",
            id="a lost slice without rows",
        ),
    ],
)
def test_an_account_is_closed_by_the_producers_rows_alone(broker, monkeypatch, measured, is_closed, told):
    run = runs.begin(broker, "cosmics")
    broker.published = [result(0, measured)]
    monkeypatch.setattr(
        broker, "newest_slice", lambda _: (SimpleNamespace(rows_so_far=9, carry_rows=0), None)
    )
    account = runs.end(broker, run)
    assert (account.is_closed, str(account)) == (is_closed, told)
    assert runs.recorded_account(runs.newest(broker)) == account
    assert f": {told}: cosmics" in _sentence(runs.newest(broker))


def test_what_the_total_holds_is_measured_though_its_results_are_gone(broker: Memory, monkeypatch) -> None:
    run = runs.begin(broker, "cosmics")
    seen = []
    ends = dict.fromkeys(range(STREAM.partitions), 9)
    monkeypatch.setattr(broker, "record_ends", lambda _: ends)
    monkeypatch.setattr(broker, "first_from", lambda _topic, start: seen.append(start) or [])
    broker.totals[1] = run_total(3, hits_summary(1)).model_copy(update={"offsets": {str(p): 9 for p in ends}})
    assert runs.drain(broker, run, lambda _: pytest.fail("it waits")) == 0
    assert runs.oldest_unread_s(broker, run) is None
    assert seen == [ends]


def test_an_account_with_results_left_out_is_not_closed() -> None:
    assert Account(5, 5, 0).is_closed
    assert not Account(5, 5, 0, results_left_out=1).is_closed


def test_the_account_of_a_run_that_has_ended_is_that_of_its_record(broker: Memory, monkeypatch) -> None:
    begun = runs.begin(broker, "cosmics")
    closing = Account(7, 5, 2, slices_lost=1, results_left_out=4, rows_unframed=3)
    with monkeypatch.context() as patch:
        patch.setattr(runs, "account", lambda *_: closing)
        runs.end(broker, begun)
    other = broker.seen_with(changed(topics__stream__name="other"))
    assert runs.account(other, runs.newest(other)) == closing


def test_beat_says_why_the_account_cannot_be_told(broker: Memory, monkeypatch) -> None:
    run = runs.begin(broker, "cosmics", "night")
    monkeypatch.setattr(beat, "Broker", broker.seen_with)
    assert beat.run_of(SETTINGS)["rows_sent"] == 0
    told = beat.run_of(changed(topics__stream__name="other"))
    assert told.pop("not_told").startswith(f"run 1 streams into {STREAM.name} with ")
    assert told == {"number": 1, "note": "night", "started": run.started, "ended": None}


# -- settings that are to replace those of a host


@pytest.fixture
def check(broker: Memory, monkeypatch, tmp_path):
    """Return what asks whether changed settings may replace others, as init does."""
    monkeypatch.setattr(runs, "Broker", lambda settings: broker.seen_with(settings))

    def check(changes, before=None):
        paths = []
        for name, different in (("new.yml", changes), ("installed.yml", before or {})):
            settings = Settings.load(LOCALHOST, different)
            paths.append(tmp_path / name)
            paths[-1].write_text(yaml.safe_dump(settings.model_dump(mode="json")))
        return CliRunner().invoke(
            cli.cosmo, ["--config", str(paths[0]), "config", "check", "--replacing", str(paths[1])]
        )

    return check


CONTRADICTIONS = [
    *(pytest.param(*case.values, id=case.id) for case in OTHERS),
    pytest.param(
        {"source.seed": 2}, "the settings say generated cosmics, seed 2; halt it first", id="source"
    ),
    pytest.param(
        {"topics.runs.name": "other"},
        f"run 1 is recorded in {SETTINGS.topics.runs.name}, the settings say other",
        id="topic of the runs",
    ),
]


@pytest.mark.parametrize(("changes", "says"), CONTRADICTIONS)
def test_settings_that_contradict_a_run_that_is_on_do_not_come_to_a_host(
    broker: Memory, check, changes, says: str
) -> None:
    assert check(changes).exit_code == 0, "none was begun"
    run = runs.begin(broker, "cosmics", source_names=SETTINGS.source_names)
    refused = check(changes)
    assert isinstance(refused.exception, SettingsError)
    assert says in str(refused.exception)
    assert check({"producer.rows_per_s": 5.0}).exit_code == 0
    runs.end(broker, run)
    assert check(changes).exit_code == 0, "it has ended"


@pytest.mark.parametrize(("wrong", "_says"), CONTRADICTIONS)
def test_settings_that_mend_those_of_a_host_come_to_it(broker: Memory, check, wrong, _says) -> None:
    runs.begin(broker, "cosmics", source_names=SETTINGS.source_names)
    assert check({}, before=wrong).exit_code == 0


def test_a_first_init_has_nobody_to_ask(monkeypatch, tmp_path) -> None:
    class Away(Memory):
        def run_messages(self):
            raise BrokerAway("nobody listens")

    monkeypatch.setattr(runs, "Broker", Away)
    runs.require_fit(SETTINGS, tmp_path / "there is none")


def test_settings_of_an_earlier_version_are_no_way_round(broker: Memory, monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(runs, "Broker", broker.seen_with)
    runs.begin(broker, "cosmics")
    installed = tmp_path / "cosmo.yml"
    installed.write_text("application: cosmo_analysis\n")
    with pytest.raises(SettingsError, match="other with"):
        runs.require_fit(changed(topics__stream__name="other"), installed)
