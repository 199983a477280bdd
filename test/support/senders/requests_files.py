"""Posts a form of MIB zeros as most scripts do: `requests_files.py HOST:PORT PATH MIB`."""

import sys

import requests

address, path, mib = sys.argv[1], sys.argv[2], int(sys.argv[3])
files = {"file": ("zeros.bin", bytes(mib << 20))}
answer = requests.post(f"http://{address}{path}", files=files, timeout=60)
print(answer.status_code, answer.text)
