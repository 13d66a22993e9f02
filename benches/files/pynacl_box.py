"""PyNaCl's SealedBox as NumerBay's Python client uses it: each file is read, opened or sealed, and written whole.

    pynacl_box.py key KEYFILE                    a new key pair, in the form of numerbay.json
    pynacl_box.py open KEYFILE IN OUT [--sync]
    pynacl_box.py seal PUBLICKEY IN OUT [--sync]
    pynacl_box.py open-all KEYFILE FOLDER OUT    each FOLDER/NAME.sealed to OUT/NAME
"""

import json
import os
import sys

from nacl.encoding import Base64Encoder
from nacl.public import PrivateKey, PublicKey, SealedBox


def opener(key_file):
    with open(key_file, encoding="utf8") as file:
        return SealedBox(PrivateKey(json.load(file)["private_key"], encoder=Base64Encoder))


def sealer(public_key):
    return SealedBox(PublicKey(public_key, encoder=Base64Encoder))


def read(path):
    with open(path, "rb") as file:
        return file.read()


def write(path, data, sync=False):
    with open(path, "wb") as file:
        file.write(data)
        if sync:
            file.flush()
            os.fsync(file.fileno())
    if sync:
        folder = os.open(os.path.dirname(path), os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)


def new_key(path):
    key = PrivateKey.generate()
    pair = {"public_key": key.public_key, "private_key": key}
    text = json.dumps({name: value.encode(Base64Encoder).decode() for name, value in pair.items()})
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf8") as file:
        file.write(text)


def open_all(key_file, folder, out):
    box = opener(key_file)
    for name in os.listdir(folder):
        write(os.path.join(out, name[: -len(".sealed")]), box.decrypt(read(os.path.join(folder, name))))


def main(arguments):
    sync = arguments[-1] == "--sync"
    command, *rest = arguments[: -1 if sync else None]
    if command == "key":
        new_key(*rest)
    elif command == "open-all":
        open_all(*rest)
    elif command == "open":
        key_file, source, target = rest
        write(target, opener(key_file).decrypt(read(source)), sync)
    elif command == "seal":
        public_key, source, target = rest
        write(target, sealer(public_key).encrypt(read(source)), sync)
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
