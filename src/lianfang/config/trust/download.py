"""What the plain HTTP port answers beside HTTPS: the authority's certificate to install, and the way to HTTPS.

It is a small application of its own, without sessions, database or accounts: nothing that comes in over plain HTTP gets
further. Redirects are temporary and no browser is told to insist on HTTPS (HSTS): a county that loses its authority makes
another one, and nobody is locked out meanwhile.
"""

import html
import os
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import quote

import segno
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from lianfang.config.home import current_home
from lianfang.config.trust.certificates import Trust, fingerprint, hosts

PAGE = Path(__file__).with_name("download.html")
#: Android and HarmonyOS take DER and PEM under this type and name, iPhones take it as a profile
CERTIFICATE_TYPE = "application/x-x509-ca-cert"
FILES = {"/lianfang.crt": serialization.Encoding.DER, "/lianfang.pem": serialization.Encoding.PEM}
#: the page runs nothing; its style stands in the page because it is also printed from a file
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}

Answer = tuple[str, dict[str, str], bytes]


def page(authority: x509.Certificate, served: list[str], address: str, secure: str = "") -> str:
    """Return the page for an authority: how to install it, its fingerprint, and a code that leads to ``address``.

    ``secure`` is where to go on afterwards; without it (a page to print) there is nothing to tap.
    """
    link = '<a class="go{kind}" href="{to}">{zh}<span lang="en">{en}</span></a>'
    buttons = [
        link.format(kind="", to="/lianfang.crt", zh="① 下载证书", en="1 · Download"),
        link.format(
            kind=" next", to=html.escape(secure), zh="② 装好后打开联防", en="2 · When it is installed, open Lianfang"
        ),
    ]
    digits = fingerprint(authority)
    return Template(PAGE.read_text(encoding="utf-8")).substitute(
        buttons="".join(buttons) if secure else "",
        # in four lines of equal length, which two people compare line by line
        fingerprint="<br>".join(digits[start : start + 23] for start in range(0, len(digits), 24)),
        hosts="、".join(html.escape(host) for host in served),
        address=html.escape(address),
        qr=segno.make(address, error="m", micro=False).svg_data_uri(scale=4, border=2),
    )


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Answer one plain HTTP request (WSGI)."""
    status, headers, body = answer(environ)
    start_response(status, [*HEADERS.items(), *headers.items(), ("Content-Length", str(len(body)))])
    return [b"" if environ["REQUEST_METHOD"] == "HEAD" else body]


def answer(environ: dict[str, Any]) -> Answer:
    """Decide on one request: the page, the certificate, a redirect of what only reads, else a refusal."""
    trust = Trust.of(current_home())
    path = environ.get("PATH_INFO", "/").encode("latin-1").decode("utf-8", "replace")
    if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
        # what it carried has been sent in the clear already: it must not seem to have worked
        return "403 Forbidden", _text(), "请改用 https 地址。 Use the https address.\n".encode()
    if path in FILES:
        headers = {
            "Content-Type": CERTIFICATE_TYPE,
            "Content-Disposition": f'attachment; filename="{path[1:]}"',
        }
        return "200 OK", headers, _authority(trust).public_bytes(FILES[path])
    host, port = _host(environ, trust)
    secure_port = os.environ.get("LIANFANG_SECURE_PORT", "443")
    secure = f"https://{host}" if secure_port == "443" else f"https://{host}:{secure_port}"
    if path == "/":
        address = f"http://{host}{port}/"
        content = page(_authority(trust), _served(trust), address, f"{secure}/field/").encode()
        return "200 OK", {"Content-Type": "text/html; charset=utf-8"}, content
    query = environ.get("QUERY_STRING", "")
    to = f"{secure}{quote(path)}" + (f"?{quote(query, safe='=&%+,:;/?@~')}" if query else "")
    return "307 Temporary Redirect", {**_text(), "Location": to}, f"{to}\n".encode()


def _host(environ: dict[str, Any], trust: Trust) -> tuple[str, str]:
    # only a host of the certificate is repeated: a made-up Host header leads to the first of them
    asked = environ.get("HTTP_HOST", "")
    host, colon, port = asked.rpartition(":") if asked.rpartition(":")[2].isdigit() else (asked, "", "")
    known = _served(trust)
    bare = host.strip("[]").lower()
    if bare not in known:
        bare = known[0]
    return (f"[{bare}]" if ":" in bare else bare), f"{colon}{port}"


def _text() -> dict[str, str]:
    return {"Content-Type": "text/plain; charset=utf-8"}


@cache
def _authority(trust: Trust) -> x509.Certificate:
    return trust.authority


@cache
def _served(trust: Trust) -> list[str]:
    return hosts(trust.server)
