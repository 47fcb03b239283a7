"""A certificate authority of a test's own, and what it signs."""

import datetime
import ipaddress
import pathlib
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DOMAIN = "e2b.localhost"

_DAY = datetime.timedelta(days=1)
# Newer Pythons are strict about what an authority says of itself.
_FOR_SIGNING_CERTIFICATES = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)


class Certificates:
    """An authority, and one certificate for a domain, everything one level below it, localhost and 127.0.0.1."""

    def __init__(self, folder: pathlib.Path, domain: str = DOMAIN):
        folder.mkdir(parents=True, exist_ok=True)
        self.domain = domain
        self.authority = folder / "authority.pem"
        self.certificate = folder / "server.pem"
        self.key = folder / "server.key"
        self._authority_key = ec.generate_private_key(ec.SECP256R1())
        self._authority_name = _name("A test's authority")
        authority = (
            _built(self._authority_name, self._authority_name, self._authority_key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_FOR_SIGNING_CERTIFICATES, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._authority_key.public_key()), critical=False)
            .sign(self._authority_key, hashes.SHA256())
        )
        self.authority.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
        self.renew()

    def renew(self, days: float = 2) -> int:
        """A new certificate with a new key in the place of the old ones; its serial number."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = [x509.DNSName(name) for name in (self.domain, f"*.{self.domain}", "localhost")]
        names.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
        certificate = (
            _built(_name(self.domain), self._authority_name, key, days)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._authority_key.public_key()), critical=False
            )
            .sign(self._authority_key, hashes.SHA256())
        )
        self.key.touch(mode=0o600)
        self.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        self.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return certificate.serial_number

    @property
    def settings(self) -> dict[str, str]:
        """What a gateway is started with, and what its commands trust."""
        return {
            "GATEWAY_TLS_CERT": str(self.certificate),
            "GATEWAY_TLS_KEY": str(self.key),
            "GATEWAY_DOMAIN": self.domain,
            "SSL_CERT_FILE": str(self.authority),
        }

    def context(self, *protocols: str) -> ssl.SSLContext:
        """A client's, which trusts this authority alone and offers these protocols."""
        context = ssl.create_default_context(cafile=str(self.authority))
        if protocols:
            context.set_alpn_protocols(list(protocols))
        return context


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _built(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, days: float = 2
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.timezone.utc)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 2 * _DAY)
        .not_valid_after(now + days * _DAY)
    )
