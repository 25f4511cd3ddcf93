"""Each part may do what it does, and nothing else."""

from pathlib import Path

import pytest

from cosmo.broker.access import PARTS, rights
from cosmo.settings import Settings

LOCALHOST = Path(__file__).parents[2] / "config" / "localhost" / "cosmo.yml"
TOPICS = ("cosmo-stream", "cosmo-results", "cosmo-runs")


@pytest.fixture
def wanted():
    return rights(Settings.load(LOCALHOST).topics)


@pytest.mark.parametrize(
    ("user", "reads", "writes"),
    [
        ("producer", {"cosmo-stream", "cosmo-runs"}, {"cosmo-stream"}),
        ("analysis", set(TOPICS), {"cosmo-results", "cosmo-runs"}),
        ("dashboard", {"cosmo-results", "cosmo-runs"}, set()),
        ("operator", {"*"}, {"cosmo-runs"}),
    ],
)
def test_what_a_part_reads_and_writes(wanted, user, reads, writes):
    of_topics = [right for right in wanted if right.user == user and right.kind == "TOPIC"]
    assert {right.name for right in of_topics if right.operation == "READ"} == reads
    assert {right.name for right in of_topics if right.operation == "WRITE"} == writes


def test_nobody_changes_topics_rights_or_the_cluster(wanted):
    assert {right.operation for right in wanted} == {"READ", "WRITE", "DESCRIBE", "DESCRIBE_CONFIGS"}
    assert {right.user for right in wanted} == set(PARTS)


def test_only_spark_reads_in_groups_and_only_in_its_own(wanted):
    groups = [right for right in wanted if right.kind == "GROUP" and right.operation == "READ"]
    assert [str(right) for right in groups] == [
        "analysis may read group all beginning with spark-kafka-source"
    ]
