"""X.509 authorities and certificates as VDSM's engine and vdsm-gencerts.sh make them, by openssl."""

import os
import subprocess
import time

CONFIG = """
[ca]
default_ca = here
[here]
dir = {dir}
new_certs_dir = {dir}
database = {dir}/index.txt
serial = {dir}/serial
crlnumber = {dir}/crlnumber
default_md = sha256
policy = any
copy_extensions = none
unique_subject = no
email_in_dn = no
rand_serial = no
preserve = yes
[any]
O = optional
CN = optional
"""
KEYS = {"rsa": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
        "rsa1024": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"],
        "p256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
        "p384": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
        "p521": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"]}
CLIENT = "basicConstraints=CA:FALSE\nkeyUsage=digitalSignature,keyEncipherment\n" \
         "extendedKeyUsage=serverAuth,clientAuth\n"
AUTHORITY = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n"


def openssl(*arguments, **options):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True,
                   stdin=subprocess.DEVNULL, **options)


def moment(offset):
    return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + offset))


class Pki:
    """Everything lies in one folder; .key and .pem of a name belong together."""

    def __init__(self, folder):
        self.dir = folder
        os.makedirs(folder, exist_ok=True)

    def path(self, name):
        return f"{self.dir}/{name}"

    def key(self, name, kind="rsa"):
        path = self.path(f"{name}.key")
        if not os.path.exists(path):
            openssl("genpkey", *KEYS[kind], "-out", path)
            os.chmod(path, 0o600)
        return path

    def _folder(self, name):
        folder = self.path(f"{name}.ca")
        if not os.path.exists(folder):
            os.makedirs(folder)
            for file, text in (("index.txt", ""), ("serial", "01\n"), ("crlnumber", "01\n"),
                               ("conf", CONFIG.format(dir=folder))):
                with open(f"{folder}/{file}", "w", encoding="ascii") as out:
                    out.write(text)
        return folder

    def make(self, name, issuer, subject, extensions=CLIENT, kind="rsa", since=-3600, until=86400,
             key=None):
        """A certificate by issuer (its own name: self-signed); returns the key's path."""
        key = key or self.key(name, kind)
        folder = self._folder(issuer)
        request, text = self.path(f"{name}.csr"), self.path(f"{name}.ext")
        openssl("req", "-new", "-key", key, "-subj", subject, "-out", request)
        with open(text, "w", encoding="ascii") as out:
            out.write(f"[x]\n{extensions}")
        by = ["-selfsign", "-keyfile", key] if issuer == name else \
            ["-cert", self.path(f"{issuer}.pem"), "-keyfile", self.key(issuer)]
        openssl("ca", "-batch", "-notext", "-config", f"{folder}/conf", *by, "-in", request,
                "-out", self.path(f"{name}.pem"), "-startdate", moment(since), "-enddate",
                moment(until), "-extfile", text, "-extensions", "x")
        return key

    def authority(self, name, subject="/O=engine/CN=engine.example.4711", issuer=None,
                  extensions=AUTHORITY, **options):
        return self.make(name, issuer or name, subject, extensions, **options)

    def revoke(self, issuer, name):
        openssl("ca", "-config", f"{self._folder(issuer)}/conf", "-cert",
                self.path(f"{issuer}.pem"), "-keyfile", self.key(issuer), "-revoke",
                self.path(f"{name}.pem"))

    def crl(self, issuer):
        """The issuer's list as it stands now; returns its path."""
        path = self.path(f"{issuer}.crl")
        openssl("ca", "-config", f"{self._folder(issuer)}/conf", "-cert",
                self.path(f"{issuer}.pem"), "-keyfile", self.key(issuer), "-gencrl", "-crldays",
                "30", "-out", path)
        return path
