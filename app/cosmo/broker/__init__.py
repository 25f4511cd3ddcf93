"""Slices, results and runs in and out of Kafka. The only importer of kafka."""

from cosmo.broker.broker import Broker
from cosmo.broker.description import PartitionDescription, TopicDescription
from cosmo.broker.following import Ends, Follower
from cosmo.broker.numbered_log import NumberedLog
from cosmo.broker.records import Newest, Offsets, Record, whole_number
from cosmo.broker.run_messages import newest_run_messages
from cosmo.broker.waiting import wait_for

__all__ = [
    "Broker",
    "Ends",
    "Follower",
    "Newest",
    "NumberedLog",
    "Offsets",
    "PartitionDescription",
    "Record",
    "TopicDescription",
    "newest_run_messages",
    "wait_for",
    "whole_number",
]
