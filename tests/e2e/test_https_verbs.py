"""Verbs over https: JSON in and out, the broker's table and rights, one status for the whole."""

import json
import os
import re
import shutil
import subprocess

import pytest

from lib import schema
from lib.https import Raw, curl, make_https, say_and_close, status
from lib.proc import wait_until
from lib.session import BROKEN, DENIED, DONE, ask


@pytest.fixture(scope="module")
def https(module_daemons, user, pki, virt):
    return make_https(module_daemons, user, pki, virt,
                      **{"access hosts": {"allow": "view, type, force, control, log, admin, power"},
                         "access watcher": {"who": "cert:CN=guestless*", "vms": "*",
                                            "allow": "view"}})


@pytest.fixture(scope="module")
def guest(https, module_guests):
    made = module_guests()
    https.knows(made)
    return made


def post_to(daemon, path, body=None, *options, **more):
    """(status, answer)."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = () if body is None else ("-H", "Content-Type: application/json",
                                    "--data-binary", "@-")
    done = curl(daemon, path, "-X", "POST", *sent, *options, data=data, **more)
    text, _, code = done.stdout.rpartition(b"\n")
    return int(code), json.loads(text)


def post(daemon, guest, verb, *body_and_options, **more):
    return post_to(daemon, f"/vm/{guest.name}/{verb}", *body_and_options, **more)


def test_what_is_typed_and_waited_for_comes_in_one_answer(https, guest):
    for more in ((), ("-H", "Transfer-Encoding: chunked"), ("-H", "Expect: 100-continue")):
        code, answer = post(https, guest, "send",
                            {"arguments": ["id"], "enter": True, "wait": f"guest {guest.name}",
                             "timeout": "20s"}, *more)
        assert (code, answer["accepted"]) == (200, 3)
        assert answer["text"].endswith(f"guest {guest.name}")
    code, again = post(https, guest, "wait",
                       {"from": answer["offset"], "arguments": ["guest (.+)"]})
    assert (code, again["start"]) == (200, answer["start"])


def test_a_wait_that_times_out_says_so_by_its_status(https, guest):
    code, answer = post(https, guest, "wait", {"timeout": "200ms", "arguments": ["never"]})
    assert (code, answer["status"]) == (504, 124)
    assert "timed out" in answer["error"], answer


def test_verbs_without_a_body_answer_in_json(https, guest):
    with https.pipes(guest.name) as session:
        ask(session)
        assert post(https, guest, "break") == (200, {"sent": "break"})
        session.expect("<BREAK>", 15)
        ask(session)  # whose answer ends that line
    code, answer = post(https, guest, "status", {})
    assert (code, answer["name"], answer["state"]) == (200, guest.name, "running")
    code, answer = post(https, guest, "ticket", {"ttl": "1m", "uses": 3})
    assert (code, answer["seconds"], answer["uses"]) == (200, 60, 3)


def test_what_the_terminal_shows_is_got(https, guest):
    with https.pipes(guest.name) as session:
        shown = ask(session)
    path, json_too = f"/vm/{guest.name}/screen?size=40x12", ("-H", "Accept: application/json")
    text, _, code = curl(https, path, *json_too).stdout.rpartition(b"\n")
    screen = schema.check("screen", json.loads(text))
    assert (code, screen["columns"], len(screen["lines"])) == (b"200", 40, 12)
    line = f"guest> {shown}"  # the guest does not echo
    assert line in screen["lines"]
    assert curl(https, path).stdout.decode().split("\n") == [*screen["lines"], "", "200"]
    before = screen["offset"] - len(f"{shown}\r\nguest> ")
    assert line not in curl(https, f"{path}&at={before}").stdout.decode().split("\n")


@pytest.mark.parametrize("query, who, code", [
    ("", "guestless", "200"), ("?at=0", "guestless", "403"), ("?size=0x1", "host", "400"),
    ("?color=yes", "host", "400"), ("", None, "401")])
def test_no_other_screen_is_got(https, guest, query, who, code):
    assert status(https, f"/vm/{guest.name}/screen{query}", who=who) == code


def test_a_right_that_is_missing_is_named(https, guest):
    code, answer = post(https, guest, "power", {"arguments": ["off"]}, who="guestless")
    assert (code, answer) == (403, {"error": f"permission denied: power on VM {guest.name}",
                                    "status": 77})


@pytest.mark.parametrize("verb, body, code, error", [
    ("wait", {"nothing": True}, 400, "unknown option --nothing"),
    ("wait", {"from": "x"}, 400, "invalid"),
    ("wait", b"{", 400, "malformed JSON"),
    ("wait", {"arguments": "x"}, 400, "a list of texts"),
    ("sysrq", {"arguments": ["--", "hh"]}, 400, "unexpected argument"),
    ("wait", {"arguments": ["x" * 9000]}, 400, "too many options"),
    ("wait", {"arguments": ["x" * 17000]}, 413, "16 KiB"),
])
def test_what_is_wrong_is_named(https, guest, verb, body, code, error):
    got, answer = post(https, guest, verb, body)
    assert got == code and error in answer["error"], answer


def test_a_page_of_another_site_cannot_give_orders(https, guest):
    foreign = ("-H", "Origin: https://evil.example")
    assert post(https, guest, "break", {}, *foreign)[0] == 403
    ours = ("-H", f"Origin: https://127.0.0.1:{https.port_tls}")
    assert post(https, guest, "status", {}, *ours)[0] == 200
    plain = curl(https, f"/vm/{guest.name}/break", "-H", "Content-Type: text/plain", "-d", "{}")
    assert plain.stdout.endswith(b"\n415"), plain


def test_a_verb_is_posted_and_an_unknown_one_is_not_there(https, guest):
    head = curl(https, f"/vm/{guest.name}/wait", "-D", "-").stdout
    assert head.endswith(b"\n405") and b"Allow: POST\r\n" in head, head
    assert curl(https, f"/vm/{guest.name}/reload", "-X", "POST").stdout.endswith(b"\n404")


def test_a_client_that_leaves_ends_its_wait(https, guest):
    body, before = b'{"arguments": ["never"]}', https.log().count("asks wait")
    raw = Raw(https).send(b"POST /vm/%s/wait HTTP/1.1\r\nHost: h\r\nContent-Type: application/json"
                          b"\r\nContent-Length: %d\r\n\r\n%s" % (guest.name.encode(), len(body),
                                                             body))
    wait_until(lambda: https.log().count("asks wait") > before, 10, "it waits")
    raw.socket.close()
    https.wait_audit(event="verb", verb="wait", reason="the client left")


def test_requests_follow_one_another_on_a_connection(https, guest):
    raw = Raw(https)
    for length in (2, 2):
        raw.send(b"POST /vm/%s/status HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
                 b"Content-Length: %d\r\n\r\n{}" % (guest.name.encode(), length))
        head = raw.until(rb"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK\r\n"), head
        body = int(re.search(rb"Content-Length: (\d+)", head)[1])
        assert json.loads(raw.until(rb"\A.{%d}" % body))["name"] == guest.name


@pytest.mark.parametrize("request_text, body", [
    (b"GET /vms HTTP/1.1\r\nHost: h\r\n\r\n", rb"running"),
    (b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\nGET /consoleLog/%s HTTP/1.1\r\nHost: h\r\n\r\n",
     rb"\r\n\r\nok\nHTTP/1.1 200 OK\r\n.*\r\nETag: "),
    (b"POST /consoleStream/%s?output=no HTTP/1.0\r\n\r\nid\r", rb'"accepted":3,'),
])
def test_a_client_that_closes_its_side_behind_a_request_is_answered(https, guest, request_text,
                                                                    body):
    if b"%s" in request_text:
        request_text = request_text % guest.name.encode()
    answer = say_and_close(https, request_text)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n"), answer
    assert re.search(body, answer, re.S), answer


# keys for ssh

def deposit(daemon, *body_and_options, **more):
    return post_to(daemon, "/sshKey", *body_and_options, **more)


@pytest.fixture(scope="module")
def fresh_key(tmp_path_factory):
    """The path of a key that nobody knows."""
    path = str(tmp_path_factory.mktemp("key") / "key")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return path


def test_a_certificate_lets_a_key_in_by_ssh_as_itself(https, guest, fresh_key):
    refused = https.ssh(guest.name, "status", key=fresh_key)
    assert refused.status == BROKEN
    with open(fresh_key + ".pub", encoding="ascii") as file:
        code, answer = deposit(https, {"key": file.read()})
    assert code == 200 and answer["seconds"] == 3600, answer
    assert https.ssh(guest.name, "status", key=fresh_key).status == DONE
    https.wait_audit(event="login", method="publickey", fingerprint=answer["key"],
                     identity="cert:CN=host1.example,O=engine")
    https.wait_audit(event="verb", verb="deposit", reason=re.escape(answer["key"]))
    with open(fresh_key + ".pub", encoding="ascii") as file:
        code, refused = deposit(https, {"key": file.read()}, who="guestless")
    assert (code, refused["status"]) == (409, 75) and "another certificate" in refused["error"]
    assert https.ssh(guest.name, "send", "--enter", "id", key=fresh_key).status == DONE


def test_without_a_body_it_is_the_certificates_own_key(https, guest):
    key = https.pki.path("guestless.key")
    assert https.ssh(guest.name, "status", key=key).status == BROKEN
    code, answer = deposit(https, who="guestless")
    assert code == 200 and answer["key"].startswith("SHA256:"), answer
    assert https.ssh(guest.name, "status", key=key).status == DONE
    assert b"permission denied: type" in https.ssh(guest.name, "send", "x", key=key).err


def test_a_revoked_certificate_ends_who_came_by_its_key(https, guest, user):
    https.pki.make("lost", "ca", "/O=engine/CN=host-lost.example")
    key, crl = https.pki.path("lost.key"), f"{https.folder}/ca.crl"
    assert deposit(https, who="lost")[0] == 200
    with https.pipes(guest.name, key=key) as session:
        ask(session)
        https.pki.revoke("ca", "lost")
        shutil.copy(https.pki.crl("ca"), f"{crl}.new")
        user.own(f"{crl}.new", 0o600)
        os.rename(f"{crl}.new", crl)
        assert session.wait(20) == DENIED
        assert "no longer accepted" in session.errors()
    assert https.ssh(guest.name, "status", key=key).status == BROKEN


def test_a_ticket_deposits_no_key(https, guest, fresh_key):
    _, answer = post(https, guest, "ticket")
    code, answer = deposit(https, None, "-u", f"{guest.name}:{answer['ticket']}", who=None)
    assert (code, answer["status"]) == (403, 77) and "client certificate" in answer["error"]
    assert deposit(https, {"key": "ssh-ed25519 AAAA"})[0] == 400
    https.configure({"https": {"ssh_key_time": "0s"}})
    https.reload()
    wait_until(lambda: deposit(https)[0] == 403, 20, "no key can be deposited any more")
    assert https.ssh(guest.name, "status", key=fresh_key).status == BROKEN
