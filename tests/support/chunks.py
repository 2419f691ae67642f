"""Chunks that no server may take for what they are not (RFC 9112, section 7.1)."""

BAD_CHUNKS = {
    "chunk-size-that-is-none": b"zz\r\n",
    "empty-chunk-size": b"\r\n\r\n",
    "negative-chunk-size": b"-1\r\n",
    "chunk-size-with-a-plus": b"+0\r\n\r\n",
    "chunk-size-with-0x": b"0x0\r\n\r\n",
    "chunk-size-with-an-underscore": b"0_0\r\n\r\n",
    "chunk-size-beyond-64-bits": b"10000000000000000\r\n",
    "chunk-longer-than-its-size": b"1\r\n{}\r\n0\r\n\r\n",
    "bare-CR-in-a-chunk-extension": b"0;\rx\r\n\r\n",
}
"""What follows the head of a request whose body comes in chunks."""
