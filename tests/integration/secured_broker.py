"""The broker of a test as the cluster has it: TLS, SCRAM-SHA-512, and rights."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from embedded_broker import EmbeddedBroker

from cosmo.artifacts import Jars
from cosmo.broker import Broker
from cosmo.broker.access import PARTS
from cosmo.embedded import java, kafka
from cosmo.embedded.child import Child
from cosmo.embedded.folder import DataFolder
from cosmo.errors import BrokerError
from cosmo.probes import Finding
from cosmo.settings import Settings

ROLES = Path(__file__).parents[2] / "roles"
USERS = ("admin", *PARTS)


def secrets_of_role() -> Any:
    """Import what makes secrets at init."""
    sys.path.insert(0, str(ROLES / "secrets" / "files"))
    spec = importlib.util.find_spec("secrets_document")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class SecuredBroker(EmbeddedBroker):
    """ZooKeeper and the broker with users and rights, and their credentials in a folder for each user."""

    def __init__(self, folder: Path, jars: Jars) -> None:
        super().__init__(folder / "data", jars)
        self.folder = folder
        self.secrets, _ = secrets_of_role().completed({}, "test", USERS, ["127.0.0.1"])
        ca = folder / "ca.pem"
        ca.write_text(self.secrets["ca"]["certificate"])
        for user, password in self.secrets["passwords"].items():
            path = self.credentials(user) / "kafka.json"
            path.parent.mkdir(parents=True)
            path.touch(0o600)
            path.write_text(json.dumps({"user": user, "password": password}))
        document = self.settings.model_dump(mode="json")
        document["security"] = {"mode": "tls", "ca": str(ca), "credentials": str(self.credentials("admin"))}
        path = folder / "cosmo.yml"
        path.write_text(yaml.safe_dump(document))
        self.settings = Settings.load(path)

    def credentials(self, user: str) -> Path:
        """Return the folder with what a user is given."""
        return self.folder / "credentials" / user

    def settings_of(self, user: str) -> Settings:
        """Return settings with which Kafka takes us for a user."""
        security = self.settings.security.model_copy(update={"credentials": self.credentials(user)})
        return self.settings.model_copy(update={"security": security})

    def _broker_child(self, folder: DataFolder) -> Child:
        child = kafka.child(self.settings, folder, self._jars, self._answers)
        assert child.before is not None
        (configuration,) = (path for path in child.files if path.name == "server.properties")
        secured = {configuration: child.files[configuration] + self._configuration()}
        before = partial(self._with_users, child.before)
        return replace(child, files={**child.files, **secured}, before=before)

    def _answers(self) -> Finding:
        try:
            Broker(self.settings).create_topics()
        except BrokerError as error:
            return Finding("kafka", False, str(error))
        return Finding("kafka", True, "answers")

    def _with_users(self, before: Callable[[], Finding]) -> Finding:
        found = before()
        if found.ok:
            for user in USERS:
                self.set_password(user, self.secrets["passwords"][user])
        return found

    def set_password(self, user: str, password: str) -> None:
        """Tell ZooKeeper, as init does."""
        given = self.folder / "password"
        given.write_text(f"SCRAM-SHA-512=password={password}\n")
        self._users("--entity-name", user, "--alter", "--add-config-file", str(given))

    def described_users(self) -> str:
        """Return what Kafka's own tool tells of all users."""
        return self._users("--describe")

    def _users(self, *what: str) -> str:
        at = ["--zookeeper", f"127.0.0.1:{self.settings.ports.zookeeper}", "--entity-type", "users"]
        argv = [java.JAVA, "-XX:TieredStopAtLevel=1", "kafka.admin.ConfigCommand", *at, *what]
        ended = subprocess.run(
            argv,
            env=dict(java.environment(self._jars.kafka)),
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        )
        return ended.stdout

    def _configuration(self) -> str:
        password = self.secrets["passwords"]["admin"]
        login = "org.apache.kafka.common.security.scram.ScramLoginModule"
        return "\n" + java.properties(
            {
                "listeners": f"SASL_SSL://127.0.0.1:{self.settings.ports.kafka}",
                "security.inter.broker.protocol": "SASL_SSL",
                "sasl.enabled.mechanisms": "SCRAM-SHA-512",
                "sasl.mechanism.inter.broker.protocol": "SCRAM-SHA-512",
                "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": (
                    f'{login} required username="admin" password="{password}";'
                ),
                "ssl.keystore.type": "PEM",
                "ssl.keystore.key": self.secrets["broker"]["key"].replace("\n", "\\n"),
                "ssl.keystore.certificate.chain": self.secrets["broker"]["certificate"].replace("\n", "\\n"),
                "ssl.endpoint.identification.algorithm": "",
                "ssl.truststore.type": "PEM",
                "ssl.truststore.location": str(self.folder / "ca.pem"),
                "authorizer.class.name": "kafka.security.authorizer.AclAuthorizer",
                "super.users": "User:admin",
            }
        )
