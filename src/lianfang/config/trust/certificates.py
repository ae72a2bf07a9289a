"""A certificate authority for one server and nothing else, and that server's certificate.

Phones open cameras and install the field app over trusted HTTPS only, and a county's own server often has no name that a
public authority would vouch for. The authority made here can vouch for the names and addresses it was made for and for no
others (name constraints, critical), and not for further authorities (path length 0).
"""

import ipaddress
import os
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lianfang.config.home import Home, NotReady, SecretUnreadable
from lianfang.kit.clock import machine_now

#: browsers refuse a server's certificate that is valid for longer (398 days), so one day less
SERVER_DAYS = 397
#: a phone trusts the authority once; it should outlive the phone
AUTHORITY_DAYS = 3650
#: below this many days the certificate is renewed by itself, or warned about where the authority's key is kept elsewhere
RENEW_BELOW_DAYS = 30
#: phones with a clock that is behind must not refuse a certificate made a minute ago
BACKDATED = timedelta(hours=12)

NAME = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class CertificateRefused(NotReady):
    """What was asked for makes no certificate, or would replace one that phones trust."""


class NoCertificate(NotReady):
    """There is no certificate yet."""


@dataclass(frozen=True)
class Trust:
    """The files below ``<home>/tls``; keys are 0600 like every secret of the home."""

    folder: Path

    @classmethod
    def of(cls, home: Home) -> "Trust":
        """Return where a home keeps them."""
        return cls(home.path / "tls")

    @property
    def authority_key(self) -> Path:
        """May be kept elsewhere (a safe); then renewal needs it back."""
        return self.folder / "authority.key"

    @property
    def authority_file(self) -> Path:
        """The authority's certificate, PEM: what phones install."""
        return self.folder / "authority.pem"

    @property
    def server_file(self) -> Path:
        """The server's key and certificate in one file, so that renewal replaces both at one instant."""
        return self.folder / "server.pem"

    @property
    def authority(self) -> x509.Certificate:
        """Read the authority's certificate; raises ``NoCertificate`` or ``SecretUnreadable``."""
        return _read(self.authority_file)

    @property
    def server(self) -> x509.Certificate:
        """Read the server's certificate; raises ``NoCertificate`` or ``SecretUnreadable``."""
        return _read(self.server_file)

    @property
    def open_to_others(self) -> list[Path]:
        """Keys that other users of the machine may read."""
        return [
            path for path in (self.authority_key, self.server_file) if path.exists() and path.stat().st_mode & 0o077
        ]


def make(home: Home, names: Sequence[str], addresses: Sequence[str], *, replace: bool = False) -> Trust:
    """Make the authority and the server's certificate; a present authority is replaced only when that is said.

    Raises ``CertificateRefused`` for a name or address that none can be made for.
    """
    home.ensure()
    trust = Trust.of(home)
    wanted = [read_name(name) for name in names], [read_address(text) for text in addresses]
    if not any(wanted):
        raise CertificateRefused(
            "Say what phones call the server: --name zhihui.example.gov, --address 10.1.2.3, or both."
        )
    if trust.authority_file.exists() and not replace:
        raise CertificateRefused(
            f"There is an authority already ({fingerprint(trust.authority)[:23]}…), and phones that trust it would not "
            "trust a new one. Use `lianfang certificate renew`, or --replace and have every phone install the new one."
        )
    trust.folder.mkdir(mode=0o700, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    authority = _authority(key, *wanted)
    # the old server certificate goes first: cut short here, there is none rather than one that fits no authority
    trust.server_file.unlink(missing_ok=True)
    _write(trust.authority_key, _key_bytes(key))
    _write(trust.authority_file, authority.public_bytes(serialization.Encoding.PEM), 0o644)
    _issue(trust, key, authority, *wanted)
    return trust


def renew(home: Home) -> Trust:
    """Make a new key and certificate for the server under the same authority, for the same names; phones notice nothing."""
    trust = Trust.of(home)
    authority = trust.authority
    if not trust.authority_key.exists():
        raise CertificateRefused(
            f"The authority's key is not in {trust.authority_key}. Put it there from where you keep it, then renew."
        )
    key = _read_key(trust.authority_key)
    if key.public_key() != authority.public_key():
        raise SecretUnreadable(f"The key in {trust.authority_key} is not that of {trust.authority_file}.")
    if authority.not_valid_after_utc <= machine_now():
        raise CertificateRefused(
            "The authority itself has ended. Make a new one: `lianfang certificate make --replace`."
        )
    _issue(trust, key, authority, *_permitted(authority))
    return trust


def renew_when_due(home: Home) -> str:
    """Renew a certificate that ends soon; return a sentence when something was done or has to be, else ""."""
    trust = Trust.of(home)
    left = days_left(trust.server)
    if left >= RENEW_BELOW_DAYS:
        return ""
    try:
        renew(home)
    except NotReady as error:
        return f"The server's certificate ends in {left} days. {error.message}"
    return f"The server's certificate was renewed; it is valid for {days_left(trust.server)} days."


def days_left(certificate: x509.Certificate) -> int:
    """Return how many whole days a certificate is still valid; negative when it has ended."""
    return (certificate.not_valid_after_utc - machine_now()).days


def hosts(certificate: x509.Certificate) -> list[str]:
    """Return the names, then the addresses a certificate is for."""
    listed = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return [
        *listed.get_values_for_type(x509.DNSName),
        *(str(address) for address in listed.get_values_for_type(x509.IPAddress)),
    ]


def fingerprint(certificate: x509.Certificate) -> str:
    """Return the SHA-256 of a certificate as phones show it: ``AB:CD:…``."""
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()


def read_name(text: str) -> str:
    """Read a host name; a Chinese one becomes its form on the wire (xn--…)."""
    try:
        name = text.strip().rstrip(".").lower().encode("idna").decode()
    except UnicodeError:
        name = ""
    if not NAME.fullmatch(name) or _is_address(name):
        raise CertificateRefused(
            f"“{text}” is no host name. Write it like zhihui.example.gov, without https:// and port."
        )
    return name


def read_address(text: str) -> Address:
    """Read an IP address."""
    try:
        return ipaddress.ip_address(text.strip())
    except ValueError:
        raise CertificateRefused(f"“{text}” is no address. Write it like 10.1.2.3, without port.") from None


def _authority(key: ec.EllipticCurvePrivateKey, names: list[str], addresses: list[Address]) -> x509.Certificate:
    # the serial in the name tells two authorities of one county apart in a phone's list
    label = f"Lianfang {(names or addresses)[0]} {machine_now():%Y%m%d%H%M}"
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, label[:64])])
    usage = x509.KeyUsage(
        digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    return (
        _begun(subject, subject, key.public_key(), AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(_constraints(names, addresses), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _constraints(names: list[str], addresses: list[Address]) -> x509.NameConstraints:
    # a kind of name that is not spoken of at all would be free: without addresses every address is excluded, and
    # without names only one that cannot exist (RFC 6761) is permitted
    permitted: list[x509.GeneralName] = [x509.DNSName(name) for name in names or ["invalid"]]
    permitted += [x509.IPAddress(ipaddress.ip_network(address)) for address in addresses]
    everywhere = [ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0")]
    excluded = None if addresses else [x509.IPAddress(network) for network in everywhere]
    return x509.NameConstraints(permitted, excluded)


def _permitted(authority: x509.Certificate) -> tuple[list[str], list[Address]]:
    constraints = authority.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees or []
    names = [one.value for one in constraints if isinstance(one, x509.DNSName) and one.value != "invalid"]
    networks = [ipaddress.ip_network(one.value) for one in constraints if isinstance(one, x509.IPAddress)]
    return names, [network.network_address for network in networks]


def _issue(
    trust: Trust,
    authority_key: ec.EllipticCurvePrivateKey,
    authority: x509.Certificate,
    names: list[str],
    addresses: list[Address],
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, str((names or addresses)[0])[:64])])
    listed: list[x509.GeneralName] = [x509.DNSName(name) for name in names]
    listed += [x509.IPAddress(address) for address in addresses]
    usage = x509.KeyUsage(
        digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=False, crl_sign=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    certificate = (
        _begun(subject, authority.subject, key.public_key(), SERVER_DAYS, until=authority.not_valid_after_utc)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(listed), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    _write(trust.server_file, _key_bytes(key) + certificate.public_bytes(serialization.Encoding.PEM))


def _begun(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: int, until: datetime | None = None
) -> x509.CertificateBuilder:
    begin = (machine_now() - BACKDATED).replace(microsecond=0)
    end = begin + timedelta(days=days) - timedelta(seconds=1)  # the last second counts as valid (RFC 5280)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(min(end, until) if until else end)
    )


def _key_bytes(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _read_key(path: Path) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise SecretUnreadable(f"The key in {path} cannot be read: {error}.") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise SecretUnreadable(f"The key in {path} is of another kind than those made here.")
    return key


def _read(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except FileNotFoundError:
        raise NoCertificate(
            "There is no certificate yet. Make one: `lianfang certificate make --name … --address …`."
        ) from None
    except (OSError, ValueError) as error:
        raise SecretUnreadable(f"The certificate in {path} cannot be read: {error}.") from error


def _write(path: Path, content: bytes, mode: int = 0o600) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")  # mkstemp gives 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(mode)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
