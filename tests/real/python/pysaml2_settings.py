"""What a provider and a consumer made of pysaml2 have in common."""

import os
import shutil

from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.config import Config
from saml2.metadata import entity_descriptor, sign_entity_descriptor
from saml2.sigver import security_context
from saml2.xmldsig import DIGEST_SHA256, SIG_RSA_SHA256

# Without these it signs with SHA-1.
SHA256 = {"sign_alg": SIG_RSA_SHA256, "digest_alg": DIGEST_SHA256}


def files_of(folder, name, pair):
    """Paths of a key and a certificate, which pysaml2 takes from files alone."""
    paths = {}
    for part in ("key", "certificate"):
        paths[part] = os.path.join(folder, f"{name}.{part}.pem")
        with open(paths[part], "w", encoding="utf-8") as file:
            file.write(pair[part])
    return paths


def common(entity_id, files, others):
    """The settings that every role needs; `others` is the metadata of those that it knows."""
    return {
        "entityid": entity_id,
        "key_file": files["key"],
        "cert_file": files["certificate"],
        "xmlsec_binary": shutil.which("xmlsec1"),
        "metadata": {"inline": others},
        "delete_tmpfiles": True,
    }


def signed_metadata(config, algorithms):
    """Metadata of this configuration, signed with its key."""
    context = security_context(config)
    _, text = sign_entity_descriptor(entity_descriptor(config), None, context, **algorithms)
    return str(text)


def consumer_metadata(entity_id, acs_url, files):
    """Metadata of a consumer that is somewhere else."""
    settings = {
        "entityid": entity_id,
        "cert_file": files["certificate"],
        "key_file": files["key"],
        "encryption_keypairs": [
            {"key_file": files["key"], "cert_file": files["certificate"]}
        ],
        "service": {
            "sp": {
                "endpoints": {"assertion_consumer_service": [(acs_url, BINDING_HTTP_POST)]},
                "authn_requests_signed": False,
            }
        },
        "xmlsec_binary": shutil.which("xmlsec1"),
    }
    return str(entity_descriptor(Config().load(settings)))


def provider_metadata(entity_id, sso_url, files):
    """Metadata of a provider that is somewhere else."""
    endpoints = [(sso_url, BINDING_HTTP_REDIRECT), (sso_url, BINDING_HTTP_POST)]
    settings = {
        "entityid": entity_id,
        "cert_file": files["certificate"],
        "key_file": files["key"],
        "service": {"idp": {"endpoints": {"single_sign_on_service": endpoints}}},
        "xmlsec_binary": shutil.which("xmlsec1"),
    }
    return str(entity_descriptor(Config().load(settings)))
