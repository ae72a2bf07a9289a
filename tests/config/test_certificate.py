"""A county's own authority vouches for its server and for nothing else, and phones come to it over plain HTTP."""

import socket
import ssl
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from lianfang.config import doctor
from lianfang.config.cli import main
from lianfang.config.home import Home
from lianfang.config.trust import certificates
from lianfang.config.trust.certificates import CertificateRefused, Trust, days_left, fingerprint, hosts
from lianfang.config.trust.download import answer

NAME, ADDRESS = "zhihui.example.gov", "127.0.0.1"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("LIANFANG_HOME", str(tmp_path / "home"))
    return Home(tmp_path / "home")


@pytest.fixture
def trust(home: Home) -> Trust:
    return certificates.make(home, [NAME], [ADDRESS])


@contextmanager
def listening(pem: Path) -> Iterator[int]:
    """A TLS server on loopback that answers every handshake with a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection = server.accept()[0]
            except OSError:
                return
            try:
                context.wrap_socket(connection, server_side=True).close()
            except (ssl.SSLError, OSError):
                connection.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield server.getsockname()[1]
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join(5)


def greet(port: int, name: str, authority: Path) -> None:
    context = ssl.create_default_context(cafile=str(authority))
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    with socket.create_connection(("127.0.0.1", port), timeout=5) as plain:
        context.wrap_socket(plain, server_hostname=name).close()


def test_the_chain_holds_for_its_name_and_address_and_for_no_other(trust: Trust) -> None:
    with listening(trust.server_file) as port:
        greet(port, NAME, trust.authority_file)
        greet(port, ADDRESS, trust.authority_file)
        for other in ("www.example.gov", "example.gov", "127.0.0.2"):
            with pytest.raises(ssl.SSLCertVerificationError):
                greet(port, other, trust.authority_file)


@pytest.mark.parametrize(
    ("names", "addresses", "stolen_names", "stolen_addresses"),
    [
        ([NAME], [ADDRESS], ["bank.example"], []),
        ([NAME], [ADDRESS], [], ["127.0.0.2"]),
        ([NAME], [], [], [ADDRESS]),
        ([], [ADDRESS], ["bank.example"], []),
    ],
)
def test_a_stolen_authority_vouches_for_no_other_site(
    home: Home, names: list[str], addresses: list[str], stolen_names: list[str], stolen_addresses: list[str]
) -> None:
    trust = certificates.make(home, names, addresses)
    key = certificates._read_key(trust.authority_key)
    stolen = [certificates.read_address(text) for text in stolen_addresses]
    certificates._issue(trust, key, trust.authority, stolen_names, stolen)
    with listening(trust.server_file) as port, pytest.raises(ssl.SSLCertVerificationError, match="subtree"):
        greet(port, [*stolen_names, *stolen_addresses][0], trust.authority_file)


def test_lengths_and_constraints(trust: Trust) -> None:
    basic = trust.authority.extensions.get_extension_for_class(x509.BasicConstraints)
    assert (basic.critical, basic.value.ca, basic.value.path_length) == (True, True, 0)
    assert trust.authority.extensions.get_extension_for_class(x509.NameConstraints).critical
    length = trust.server.not_valid_after_utc - trust.server.not_valid_before_utc
    assert length < timedelta(days=397)
    assert hosts(trust.server) == [NAME, ADDRESS]


def test_keys_are_the_owners_alone(trust: Trust) -> None:
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (trust.authority_key, trust.server_file)}
    assert modes == {"authority.key": 0o600, "server.pem": 0o600}
    assert trust.open_to_others == []


@pytest.mark.parametrize("names", [["https://a.gov"], ["a_b.gov"], ["*.gov"], ["10.1.2.3"], ["-a.gov"], [""]])
def test_what_is_no_name_is_refused(home: Home, names: list[str]) -> None:
    with pytest.raises(CertificateRefused, match="is no host name"):
        certificates.make(home, names, [])


def test_a_chinese_name_is_written_as_on_the_wire(home: Home) -> None:
    assert hosts(certificates.make(home, ["指挥.中国"], []).server) == ["xn--xuuoc.xn--fiqs8s"]


def test_an_authority_is_not_replaced_by_accident(home: Home, trust: Trust) -> None:
    before = fingerprint(trust.authority)
    with pytest.raises(CertificateRefused, match="There is an authority already"):
        certificates.make(home, ["other.gov"], [])
    assert fingerprint(trust.authority) == before
    certificates.make(home, ["other.gov"], [], replace=True)
    assert fingerprint(trust.authority) != before


def test_renewal_keeps_the_authority_and_is_trusted_by_phones_that_installed_it(
    home: Home, trust: Trust, tmp_path: Path
) -> None:
    installed = tmp_path / "installed.pem"
    installed.write_bytes(trust.authority_file.read_bytes())
    first = trust.server.serial_number
    certificates.renew(home)
    assert trust.server.serial_number != first
    with listening(trust.server_file) as port:
        greet(port, NAME, installed)


def test_a_certificate_that_ends_soon_is_renewed_by_itself(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificates, "SERVER_DAYS", 20)
    trust = certificates.make(home, [NAME], [])
    monkeypatch.undo()
    assert doctor.certificate(home).state == "warn"
    kept = trust.authority_key.rename(trust.folder / "elsewhere")
    assert "ends in 19 days. The authority's key is not in" in certificates.renew_when_due(home)
    kept.rename(trust.authority_key)
    assert "was renewed" in certificates.renew_when_due(home)
    assert days_left(trust.server) > 390
    assert certificates.renew_when_due(home) == ""
    assert doctor.certificate(home).state == "ok"


def test_the_doctor_sees_an_ended_certificate_and_an_open_key(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificates, "SERVER_DAYS", 1)
    monkeypatch.setattr(certificates, "BACKDATED", timedelta(days=3))
    trust = certificates.make(home, [NAME], [])
    assert doctor.certificate(home).state == "fail"
    trust.authority_key.chmod(0o644)
    assert "Other users may read" in doctor.certificate(home).sentence


def test_commands_make_show_and_export(home: Home, tmp_path: Path) -> None:
    run = CliRunner()
    assert "There is no certificate yet" in run.invoke(main, ["certificate", "show"]).output
    made = run.invoke(main, ["certificate", "make", "--name", NAME, "--address", "10.1.2.3"])
    digits = fingerprint(Trust.of(home).authority)
    assert made.exit_code == 0
    assert digits in made.output
    exported = run.invoke(main, ["certificate", "export", str(tmp_path / "out")])
    assert exported.exit_code == 0, exported.output
    crt = x509.load_der_x509_certificate((tmp_path / "out/lianfang.crt").read_bytes())
    pem = x509.load_pem_x509_certificate((tmp_path / "out/lianfang.pem").read_bytes())
    assert fingerprint(crt) == fingerprint(pem) == digits
    shown = (tmp_path / "out/lianfang.html").read_text()
    assert all(
        word in shown for word in ("鸿蒙", "安卓", "苹果", "HarmonyOS", "10.1.2.3", digits[:23], "data:image/svg")
    )
    assert f"http://{NAME}:8180/" in shown
    assert "href" not in shown


class TestPlainPort:
    """What a phone hears that comes by HTTP while the house speaks HTTPS."""

    @pytest.fixture(autouse=True)
    def secure_port(self, trust: Trust, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("LIANFANG_SECURE_PORT", "8100")
        self.trust = trust

    def ask(
        self, path: str, host: str = f"{NAME}:8180", method: str = "GET", query: str = ""
    ) -> tuple[str, dict[str, str], bytes]:
        return answer({"REQUEST_METHOD": method, "PATH_INFO": path, "HTTP_HOST": host, "QUERY_STRING": query})

    def test_offers_the_page_and_the_certificate(self) -> None:
        status, _, body = self.ask("/")
        assert status == "200 OK"
        assert f"https://{NAME}:8100/field/" in body.decode()
        status, headers, body = self.ask("/lianfang.crt")
        assert headers["Content-Type"] == "application/x-x509-ca-cert"
        assert body == self.trust.authority.public_bytes(serialization.Encoding.DER)

    def test_leads_to_https_for_now_only(self) -> None:
        status, headers, _ = self.ask("/rounds/甲".encode().decode("latin-1"), query="at=1&b=%20")
        assert status.startswith("307")
        assert headers["Location"] == f"https://{NAME}:8100/rounds/%E7%94%B2?at=1&b=%20"
        assert not any("strict-transport" in name.lower() for name in headers)

    def test_repeats_no_host_but_its_own(self) -> None:
        for host in ("evil.example", "evil.example:8180", "", 'a"b', f"{NAME}.evil.example"):
            assert self.ask("/x", host=host)[1]["Location"] == f"https://{NAME}:8100/x"
            assert "evil" not in self.ask("/", host=host)[2].decode()

    def test_takes_nothing_in(self) -> None:
        assert self.ask("/api/session", method="POST")[0].startswith("403")
        assert self.ask("//evil.example/x")[1]["Location"] == f"https://{NAME}:8100//evil.example/x"
