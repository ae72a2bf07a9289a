"""Put an authority into the store of a person's Chromium, as installing it on a phone does: ``installing.py HOME FILE``."""

import ctypes
import ssl
import sys
from pathlib import Path


def install(folder: Path, authority: Path) -> None:
    (folder / ".pki/nssdb").mkdir(parents=True)
    der = ssl.PEM_cert_to_DER_cert(authority.read_text())
    nss, smime = ctypes.CDLL("libnss3.so"), ctypes.CDLL("libsmime3.so")
    for function in (nss.PK11_GetInternalKeySlot, nss.CERT_GetDefaultCertDB, smime.CERT_DecodeCertFromPackage):
        function.restype = ctypes.c_void_p
    assert nss.NSS_InitReadWrite(f"sql:{folder}/.pki/nssdb".encode()) == 0
    slot = ctypes.c_void_p(nss.PK11_GetInternalKeySlot())
    assert nss.PK11_InitPin(slot, None, b"") == 0
    certificate = ctypes.c_void_p(smime.CERT_DecodeCertFromPackage(der, len(der)))
    assert nss.PK11_ImportCert(slot, certificate, ctypes.c_ulong(0), b"Lianfang", 0) == 0
    flags = (ctypes.c_uint * 3)()
    assert nss.CERT_DecodeTrustString(flags, b"C,,") == 0
    assert nss.CERT_ChangeCertTrust(ctypes.c_void_p(nss.CERT_GetDefaultCertDB()), certificate, flags) == 0


if __name__ == "__main__":
    install(Path(sys.argv[1]), Path(sys.argv[2]))
