"""Who may do what with our topics: one user for each part, and nothing beyond what it needs.

Nobody else may do anything; the user 'admin', whom init and dismiss work as, needs no rights.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    KafkaAdminClient,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
)

from cosmo.errors import BrokerError
from cosmo.settings import Topics

PARTS: Final = ("producer", "analysis", "dashboard", "operator")
GROUPS_OF_SPARK: Final = "spark-kafka-source"
_ALL: Final = "*"


class Right(NamedTuple):
    """One user may do one thing with one resource, or with all whose names begin so."""

    user: str
    operation: str  #: of Kafka, as in `ACLOperation`
    kind: str  #: of Kafka, as in `ResourceType`
    name: str
    is_prefix: bool = False

    def __str__(self) -> str:
        beginning = "all beginning with " if self.is_prefix else ""
        return f"{self.user} may {self.operation.lower()} {self.kind.lower()} {beginning}{self.name}"


def rights(topics: Topics) -> frozenset[Right]:
    """Return what each part may do; a right to read or write includes that to describe."""
    stream, results, runs = topics.stream.name, topics.results.name, topics.runs.name
    of_topics: dict[str, dict[str, tuple[str, ...]]] = {
        # Its state is its newest slice, so it reads what it writes.
        "producer": {"READ": (stream, runs), "WRITE": (stream,)},
        # So is the newest result that of the analysis.
        "analysis": {"READ": (stream, results, runs), "WRITE": (results, runs)},
        "dashboard": {"READ": (results, runs)},
        "operator": {"READ": (_ALL,), "DESCRIBE_CONFIGS": (_ALL,), "WRITE": (runs,)},
    }
    return frozenset(
        {
            *(
                Right(user, operation, "TOPIC", name)
                for user, operations in of_topics.items()
                for operation, names in operations.items()
                for name in names
            ),
            Right("analysis", "READ", "GROUP", GROUPS_OF_SPARK, is_prefix=True),
            Right("operator", "DESCRIBE", "GROUP", _ALL),
            Right("operator", "DESCRIBE", "CLUSTER", "kafka-cluster"),
        }
    )


def apply(admin: KafkaAdminClient, wanted: frozenset[Right]) -> list[str]:
    """Make the rights at the broker those that are wanted, and return what was changed, one sentence each."""
    found, _ = admin.describe_acls(_filter(ResourceType.ANY, None, ACLResourcePatternType.ANY))
    by_right = {_right(acl): acl for acl in found}
    missing = sorted(wanted - by_right.keys())
    if missing:
        refused = admin.create_acls([_acl(right) for right in missing])["failed"]
        if refused:
            raise BrokerError(f"expected to give {len(missing)} rights, got {refused}; see the broker's log")
    surplus = sorted(by_right.keys() - wanted)
    if surplus:
        admin.delete_acls([_as_filter(by_right[right]) for right in surplus])
    return [f"now {right}" for right in missing] + [f"no more {right}" for right in surplus]


def _acl(right: Right) -> ACL:
    pattern = ACLResourcePatternType.PREFIXED if right.is_prefix else ACLResourcePatternType.LITERAL
    return ACL(
        principal=f"User:{right.user}",
        host=_ALL,
        operation=ACLOperation[right.operation],
        permission_type=ACLPermissionType.ALLOW,
        resource_pattern=ResourcePattern(ResourceType[right.kind], right.name, pattern),
    )


def _right(acl: ACL) -> Right:
    """Return an entry of the broker as a right; one that denies, or is for one host, is like none of ours."""
    pattern = acl.resource_pattern
    user = acl.principal.removeprefix("User:")
    if acl.host != _ALL or acl.permission_type != ACLPermissionType.ALLOW:
        user = f"{user} ({acl.permission_type.name.lower()} from {acl.host})"
    return Right(
        user,
        acl.operation.name,
        pattern.resource_type.name,
        pattern.resource_name,
        pattern.pattern_type == ACLResourcePatternType.PREFIXED,
    )


def _filter(kind: ResourceType, name: str | None, pattern: ACLResourcePatternType) -> ACLFilter:
    return ACLFilter(
        principal=None,
        host=None,
        operation=ACLOperation.ANY,
        permission_type=ACLPermissionType.ANY,
        resource_pattern=ResourcePatternFilter(kind, name, pattern),
    )


def _as_filter(acl: ACL) -> ACLFilter:
    pattern = acl.resource_pattern
    return ACLFilter(
        principal=acl.principal,
        host=acl.host,
        operation=acl.operation,
        permission_type=acl.permission_type,
        resource_pattern=ResourcePatternFilter(
            pattern.resource_type, pattern.resource_name, pattern.pattern_type
        ),
    )
