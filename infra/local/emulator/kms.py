"""Adds to the emulator's KMS what it lacks: ReEncrypt, which the operator's
rewrap makes of data keys. launch.py runs this.
"""

import json

from ministack.services import kms

handle_request = kms.handle_request


async def handle(method, path, headers, body, query_params):
    if headers.get("x-amz-target", "").endswith(".ReEncrypt"):
        return re_encrypt(json.loads(body or b"{}"))
    return await handle_request(method, path, headers, body, query_params)


def re_encrypt(data):
    """Decrypts and encrypts in one call, so that the caller sees no plaintext."""
    opened = kms._decrypt({
        "CiphertextBlob": data.get("CiphertextBlob", ""),
        "KeyId": data.get("SourceKeyId", ""),
        "EncryptionContext": data.get("SourceEncryptionContext", {}),
    })
    if opened[0] != 200:
        return opened
    was = json.loads(opened[2])
    sealed = kms._encrypt({
        "KeyId": data.get("DestinationKeyId", ""),
        "Plaintext": was["Plaintext"],
        "EncryptionContext": data.get("DestinationEncryptionContext", {}),
    })
    if sealed[0] != 200:
        return sealed
    now = json.loads(sealed[2])
    answer = {"CiphertextBlob": now["CiphertextBlob"], "SourceKeyId": was["KeyId"], "KeyId": now["KeyId"]}
    return sealed[0], sealed[1], json.dumps(answer).encode()


kms.handle_request = handle
