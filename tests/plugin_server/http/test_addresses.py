"""Addresses that others can open, and their QR code."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

import cv2
import numpy as np
import pytest

from plugin_server.http.addresses import qr_code, reachable, url_of


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "[::]"])
def test_everywhere_is_no_address(host: str) -> None:
    found = reachable(host, 8772)
    assert found
    for url in found:
        parts = urlsplit(url)
        assert parts.port == 8772
        address = ipaddress.ip_address(parts.hostname or "")
        assert not address.is_unspecified
        if len(found) > 1:
            assert not address.is_loopback


def test_a_name_stays_what_it_is() -> None:
    assert reachable("192.168.1.7", 80) == ["http://192.168.1.7:80"]
    assert reachable("photos.lan", 80) == ["http://photos.lan:80"]
    assert url_of("fe80::1", 80) == url_of("[fe80::1]", 80) == "http://[fe80::1]:80"


def test_the_code_reads_as_the_address() -> None:
    text = "http://192.168.1.7:8772"
    lines = qr_code(text).splitlines()
    rows = []
    for line in lines:  # half blocks: the upper and the lower module of each letter
        plain = [c for c in line if c in " \u2580\u2584\u2588"]
        rows.append([c in "\u2580\u2588" for c in plain])
        rows.append([c in "\u2584\u2588" for c in plain])
    light = np.array([row for row in rows if len(row) == len(rows[0])])
    picture = np.kron(light, np.ones((8, 8))).astype(np.uint8) * 255
    picture = np.pad(picture, 32, constant_values=255)
    read = {cv2.QRCodeDetector().detectAndDecode(shade)[0] for shade in (picture, 255 - picture)}
    assert text in read
