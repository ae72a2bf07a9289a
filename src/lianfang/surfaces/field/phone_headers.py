"""The headers of the phone app's files, for WhiteNoise: read by the settings, so that nothing of Django is needed here."""

import re
from wsgiref.headers import Headers

ADDRESSES = ("/field/", "/static/field/")
#: names with a hash in them, which are kept for good
HASHED = r"^/(?:static/)?field/assets/.+-[\w-]{8}\.\w+$"
#: the bundled scanner is WebAssembly; photographs are shown before they are sent; nothing comes from elsewhere
POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data: blob:;"
    " font-src 'self' data:; media-src 'self' blob:; connect-src 'self'; worker-src 'self'; manifest-src 'self';"
    " form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
#: the scanner decodes in a worker, which has a policy of its own: browsers before Chrome 97 know no narrower word for WebAssembly
SCANNER = re.compile(r"/assets/zxing[\w-]*\.js$")
SCANNER_POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval' 'unsafe-eval'; connect-src 'self'"
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Permissions-Policy": "camera=(self), geolocation=(self), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def add_headers(headers: Headers, path: str, url: str) -> None:
    """Give a file of the app its headers; those of other surfaces stay as they are."""
    if not url.startswith(ADDRESSES):
        return
    for name, value in HEADERS.items():
        headers[name] = value
    if SCANNER.search(url):
        headers["Content-Security-Policy"] = SCANNER_POLICY
    del headers["Access-Control-Allow-Origin"]
    if not re.match(HASHED, url):
        headers["Cache-Control"] = "no-cache"
