"""Why there is no connection to Redis, in words instead of OpenSSL's."""

from __future__ import annotations

import ssl

# https://docs.openssl.org/3.0/man3/X509_STORE_CTX_get_error/
_CERTIFICATE = {
    9: "its certificate is not valid yet",
    10: "its certificate has expired",
    18: "its certificate is signed by itself, and is none of ssl_ca_certs",
    19: "its certificate is of an authority that is none of ssl_ca_certs",
    20: "its certificate is of an authority that is none of ssl_ca_certs",
    62: "its certificate is for another host name than the URL's",
    64: "its certificate is for another address than the URL's",
}
# Alerts that the server sends, which TLS 1.3 delivers after the handshake.
_ALERTS = {
    "CERTIFICATE_REQUIRED": "it asks for a client certificate (ssl_certfile, ssl_keyfile)",
    "HANDSHAKE_FAILURE": "it asks for a client certificate, or for another version of TLS",
    "UNKNOWN_CA": "it does not know the authority of our client certificate (ssl_certfile)",
    "CERTIFICATE_EXPIRED": "our client certificate has expired (ssl_certfile)",
    "CERTIFICATE": "it does not accept our client certificate (ssl_certfile)",
}
_NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "UNKNOWN_PROTOCOL", "PACKET_LENGTH")
NOT_TLS = "it does not speak TLS on this port; without TLS the URL begins with redis://"
DOUBT = " (is it TLS that it speaks on this port?)"  # a server without waits for more
CLOSED = "it closed the connection at once: it may want TLS (rediss://), or take no more clients"


def in_words(error: BaseException) -> str:
    """Return the reason without a full stop; that of TLS names the option that may mend it."""
    if isinstance(error, ssl.SSLCertVerificationError):
        text = _CERTIFICATE.get(error.verify_code, error.verify_message)
        return f"TLS failed: {text}"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {_of_tls(error)}"
    return str(error).removesuffix(".")


def not_yet(*, tls: bool) -> str:
    """Return what is known while the first attempt to connect goes on."""
    return f"no connection yet{DOUBT if tls else ''}"


def of_attempt(error: BaseException, timeout: float, *, tls: bool) -> str:
    """Return why an attempt to connect, of at most `timeout` seconds, failed."""
    if isinstance(error, TimeoutError) and not str(error):
        return f"no answer within {timeout:g} s{DOUBT if tls else ''}"
    # A server without TLS may end the connection at what it takes for a mistake.
    if tls and isinstance(error, ConnectionError) and not isinstance(error, ConnectionRefusedError):
        return f"TLS failed: {NOT_TLS}"
    return in_words(error)


def _of_tls(error: ssl.SSLError) -> str:
    reason = error.reason or str(error)
    if any(name in reason for name in _NO_TLS):
        return NOT_TLS
    if "ALERT" in reason:
        known = (words for name, words in _ALERTS.items() if name in reason)
        return next(known, f"it refuses ({reason})")
    return reason
