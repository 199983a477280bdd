"""Posts a form of MIB zeros with http.client: `http_client.py HOST:PORT PATH length|chunked MIB`."""

import http.client
import sys

address, path, mode, mib = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
block = bytes(1 << 20)
head = (
    b'--ferry\r\nContent-Disposition: form-data; name="file"; filename="zeros.bin"\r\n'
    b"Content-Type: application/octet-stream\r\n\r\n"
)
tail = b"\r\n--ferry--\r\n"


def body():
    yield head
    for _ in range(mib):
        yield block
    yield tail


connection = http.client.HTTPConnection(address, timeout=60)
headers = {"Content-Type": "multipart/form-data; boundary=ferry"}
if mode == "length":
    headers["Content-Length"] = str(len(head) + mib * len(block) + len(tail))
connection.request("POST", path, body(), headers, encode_chunked=mode == "chunked")
answer = connection.getresponse()
print(answer.status, answer.read().decode())
