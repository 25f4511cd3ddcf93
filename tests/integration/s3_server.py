"""A real S3 server on loopback, over TLS under a CA of its own, and a proxy that breaks connections."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import boto3
from botocore.client import Config
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "127.0.0.1"
READY_WITHIN_S = 30.0
READER = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["s3:ListBucket", "s3:GetObject"], "Resource": "*"}],
}


def make_authority(folder: Path) -> Path:
    """Write a CA (ca.pem) and a certificate of it for 127.0.0.1 (server.pem, server.key)."""
    folder.mkdir()
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"test CA {folder.name}")])
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "store")])
    now = datetime.datetime.now(datetime.timezone.utc)

    def certificate(subject, public_key, *extensions):
        made = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(ca_name)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(hours=5))
        )
        for extension, critical in extensions:
            made = made.add_extension(extension, critical)
        return made.sign(ca_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))])
    (folder / "ca.pem").write_bytes(
        certificate(ca_name, ca_key.public_key(), (x509.BasicConstraints(ca=True, path_length=0), True))
    )
    (folder / "server.pem").write_bytes(certificate(name, key.public_key(), (address, False)))
    (folder / "server.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return folder


class S3Server:
    """Moto's server as a process of its own: it checks signatures and rights, and can be killed."""

    def __init__(self, folder: Path) -> None:
        self.authority = make_authority(folder / "authority")
        with socket.create_server((HOST, 0)) as free:
            self.port = free.getsockname()[1]
        self._log = folder / "server.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._s3 = self._client("s3")
        self.reader: dict[
            str, str
        ] = {}  #: credentials of a user that may list and read, as our file has them
        self.stranger: dict[str, str] = {}  #: of one that may do nothing

    @property
    def address(self) -> str:
        return f"https://{HOST}:{self.port}"

    @property
    def ca_bundle(self) -> Path:
        return self.authority / "ca.pem"

    def start(self) -> None:
        """Start it, without any content but with its users; return when it answers."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "moto.server", "-H", HOST, "-p", str(self.port)),
                    *("-c", self.authority / "server.pem", "-k", self.authority / "server.key"),
                ],
                env={**kept, "PYTHONWARNINGS": "ignore"},
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + READY_WITHIN_S
        while True:
            try:
                self._post("reset-auth", b"inf")
            except OSError:
                assert self._process.poll() is None, self._log.read_text()[-2000:]
                assert time.monotonic() < deadline, self._log.read_text()[-2000:]
                self._process_ended_within(0.05)
            else:
                break
        self._post("seed?a=1", b"")  # the same users with the same keys after each start
        self.reader = self._make_user("reader", may_read=True)
        self.stranger = self._make_user("stranger", may_read=False)

    def kill(self) -> None:
        """SIGKILL: what it held is gone."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def _client(self, service: str):
        """Return a client for administration; only of use while everybody may do everything."""
        return boto3.client(
            service,
            endpoint_url=self.address,
            verify=str(self.ca_bundle),
            region_name="us-east-1",
            aws_access_key_id="admin",
            aws_secret_access_key="admin",
            config=Config(s3={"addressing_style": "path"}),
        )

    def fill(self, bucket: str, objects: dict[str, bytes]) -> None:
        """Make a bucket with these objects."""
        with self.anyone_may():
            self._s3.create_bucket(Bucket=bucket)  # again: nothing happens
            for key, content in objects.items():
                self._s3.put_object(Bucket=bucket, Key=key, Body=content)

    def put_in_parts(self, bucket: str, key: str, content: bytes, part_bytes: int) -> None:
        """Store an object in parts, whose ETag is then one of MD5s."""
        with self.anyone_may():
            client, upload = self._s3, {"Bucket": bucket, "Key": key}
            upload["UploadId"] = client.create_multipart_upload(**upload)["UploadId"]
            parts = []
            for number, start in enumerate(range(0, len(content), part_bytes), 1):
                part = content[start : start + part_bytes]
                etag = client.upload_part(**upload, PartNumber=number, Body=part)["ETag"]
                parts.append({"PartNumber": number, "ETag": etag})
            client.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})

    def _make_user(self, name: str, *, may_read: bool) -> dict[str, str]:
        """Return the credentials of a new user, as our file has them."""
        with self.anyone_may(), contextlib.closing(self._client("iam")) as iam:
            iam.create_user(UserName=name)
            if may_read:
                iam.put_user_policy(UserName=name, PolicyName="read", PolicyDocument=json.dumps(READER))
            key = iam.create_access_key(UserName=name)["AccessKey"]
        return {"access_key": key["AccessKeyId"], "secret_key": key["SecretAccessKey"]}

    @contextlib.contextmanager
    def anyone_may(self):
        """Switch the check of signatures and rights off for a while."""
        self._post("reset-auth", b"inf")
        yield
        self._post("reset-auth", b"0")

    def _post(self, action: str, data: bytes) -> None:
        trust = ssl.create_default_context(cafile=self.ca_bundle)
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust)
        )
        url, plain = f"{self.address}/moto-api/{action}", {"Content-Type": "text/plain"}
        opener.open(urllib.request.Request(url, data, plain), timeout=5).close()

    def _process_ended_within(self, seconds: float) -> None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)


class FaultyProxy:
    """Hands TCP on to a server; can break every connection after so many bytes, or be down."""

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self._listener: socket.socket | None = None
        self._open: set[socket.socket] = set()
        self._moved = threading.Condition()
        self.bytes_down = 0  #: from the server, since the last `up`
        self.connections = 0
        self.break_after: int | None = None  #: bytes from the server, per connection
        self.break_times = 0  #: so many connections are broken, then no more
        self.port = 0

    @property
    def address(self) -> str:
        return f"https://{HOST}:{self.port}"

    @property
    def is_up(self) -> bool:
        return self._listener is not None

    def up(self) -> None:
        """Listen, on the same port as before."""
        # No SO_REUSEPORT: the port must be ours alone.
        self._listener = socket.create_server((HOST, self.port))
        self.port = self._listener.getsockname()[1]
        self.bytes_down = self.connections = 0
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def down(self) -> None:
        """Break all connections and refuse new ones."""
        if self._listener is not None:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        with self._moved:
            for each in list(self._open):
                self._break(each)

    def wait_for_bytes(self, n_bytes: int, within_s: float = 20.0) -> None:
        """Wait until so many bytes have come from the server."""
        with self._moved:
            assert self._moved.wait_for(lambda: self.bytes_down >= n_bytes, within_s), self.bytes_down

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
                server = socket.create_connection((HOST, self._server_port))
            except OSError:
                return
            with self._moved:
                self._open |= {client, server}
                self.connections += 1
                left = self.break_after if self.break_times else None
                self.break_times -= bool(self.break_times)
            for way in ((client, server, False, None), (server, client, True, left)):
                threading.Thread(target=self._hand_on, args=way, daemon=True).start()

    def _hand_on(
        self, source: socket.socket, target: socket.socket, is_down: bool, limit: int | None
    ) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if limit is not None:
                    data, limit = data[:limit], limit - len(data[:limit])
                target.sendall(data)
                if is_down:
                    with self._moved:
                        self.bytes_down += len(data)
                        self._moved.notify_all()
                if limit == 0:
                    break
        with self._moved:
            self._break(source)
            self._break(target)

    def _break(self, connection: socket.socket) -> None:
        self._open.discard(connection)
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
        connection.close()
