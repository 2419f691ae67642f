"""A self-signed certificate for where there is no better one: ``python -m operations certificate``."""

import argparse
import ipaddress
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from operations.console import finish
from operations.files import replace_file
from shared.settings import SettingsError

CERTIFICATE = "tls.crt"
PRIVATE_KEY = "tls.key"
"""As Kubernetes calls them in a Secret of TLS."""
NAMES = ("localhost", "127.0.0.1", "::1")
LIFE = timedelta(days=397)
"""The longest that browsers take (CA/Browser Forum, 2020)."""
CLOCKS_APART = timedelta(minutes=5)
"""How far behind a client's clock may be."""
RENEWAL = timedelta(days=30)
"""Before its end a certificate is made anew."""
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"(?:\*\.)?{_LABEL}(?:\.{_LABEL})*", re.IGNORECASE)


def make_certificate(directory: Path, names: Sequence[str] = NAMES) -> bool:
    """Make a key and its certificate in ``directory``, made if missing; False where there is one that still serves.

    One that somebody else signed is never touched, and one of ours only in its last 30 days or for other names.

    Raises:
        SettingsError: a name is no host name and no IP address.
        OSError, ValueError: what is there cannot be read, or nothing can be written.
    """
    wanted = [_general_name(name) for name in names]
    path, key_path = directory / CERTIFICATE, directory / PRIVATE_KEY
    if path.exists() and key_path.exists():
        present = x509.load_pem_x509_certificate(path.read_bytes())
        present_key = serialization.load_pem_private_key(key_path.read_bytes(), password=None)
        if not _is_due(present, wanted, is_pair=present.public_key() == present_key.public_key()):
            return False
    directory.mkdir(parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    replace_file(key_path, pem, 0o600)
    replace_file(path, _sign(key, wanted).public_bytes(serialization.Encoding.PEM), 0o644)
    return True


def _sign(key: ec.EllipticCurvePrivateKey, names: Sequence[x509.GeneralName]) -> x509.Certificate:
    now = datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Flycatcher, self-signed")])
    public = key.public_key()
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCKS_APART)
        .not_valid_after(now + LIFE)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)
        .sign(key, hashes.SHA256())
    )


def _is_due(certificate: x509.Certificate, names: Sequence[x509.GeneralName], *, is_pair: bool) -> bool:
    if certificate.issuer != certificate.subject:
        return False
    if not is_pair:  # a run was broken off between the two files
        return True
    told = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return list(told) != list(names) or certificate.not_valid_after_utc - datetime.now(UTC) < RENEWAL


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        if len(name) > 253 or not _HOST.fullmatch(name):
            raise SettingsError(f"{name} is no host name and no IP address") from None
        return x509.DNSName(name.lower())


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.description = f"Make {PRIVATE_KEY} and the self-signed {CERTIFICATE}, unless they are there and still serve."
    parser.add_argument("directory", type=Path, help="where the two files are")
    told = f"host or address (default: {', '.join(NAMES)})"
    parser.add_argument("--name", action="append", metavar="NAME", help=told)


def run(args: argparse.Namespace) -> int:
    """The command: 0 when done, 1 when it cannot be, 2 when a name is none."""

    def work() -> str:
        made = make_certificate(args.directory, args.name or NAMES)
        return f"{'made' if made else 'kept'} {args.directory / CERTIFICATE}"

    return finish("certificate", work, OSError, ValueError)
