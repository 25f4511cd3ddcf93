"""Run a command with a Maven repository that answers wrongly: with_wrong_repository.py COMMAND..."""

import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class LoginPage(BaseHTTPRequestHandler):
    """Says 200 to everything, as a proxy may."""

    def do_GET(self) -> None:
        """Answer with a page."""
        page = b"<html>Please log in</html>"
        self.send_response(200)
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


with ThreadingHTTPServer(("127.0.0.1", 0), LoginPage) as server:
    threading.Thread(target=server.serve_forever, daemon=True).start()
    repository = f"http://127.0.0.1:{server.server_port}/maven2"
    ran = subprocess.run(sys.argv[1:], env={**os.environ, "COSMO_MAVEN_REPOSITORY": repository}, check=False)
sys.exit(ran.returncode)
