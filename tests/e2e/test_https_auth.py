"""By what a client of https may be known, for each group of requests; bearers of tickets; nobody."""

import base64
import http.server
import ssl

import pytest

from lib.dumps import put
from lib.https import Raw, curl, make_https, serving, status
from lib.proc import wait_until
from lib.session import ask


class Upstream(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answer)
        self.heads = []


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.heads.append(dict(self.headers))
        self.send_response(200)
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"here")

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def upstream():
    server = Upstream()
    with serving(server):
        yield server


@pytest.fixture(scope="module")
def groups(module_daemons, user, pki, virt, upstream, module_guests):
    """Each group takes something else; "near" is whoever comes from here."""
    folder = user.mkdir(f"{virt.dir}/dumps-of-groups")
    daemon = make_https(
        module_daemons, user, pki, virt,
        https={"console_auth": "ticket", "dump_auth": "certificate", "rpc_auth": "none",
               "upstream": f"http://127.0.0.1:{upstream.server_address[1]}"},
        dump={"directories": folder},
        ssh={"max_connections": "100"},  # the default wants more descriptors than some hosts have
        **{"access near": {"who": "address:127.0.0.0/8", "vms": "*",
                           "allow": "view, dump-get, forward"},
           "access tickets": {"who": "ticket", "vms": "*", "allow": "view, type, dump-get"}})
    daemon.guest = module_guests()
    daemon.knows(daemon.guest)
    daemon.dump = put(user, folder, daemon.guest, lambda file: file.write(b"dump"))[1]
    daemon.known_dump = f"/crashDump/{daemon.guest.name}/{daemon.dump}"
    return daemon


def ticket_of(daemon, guest, uses=1):
    return daemon.ctl("ticket", guest.name, "--uses", str(uses)).out.split()[0].decode()


def bearer(ticket):
    return "-H", f"Authorization: Bearer {ticket}"


def with_groups(daemon, **https):
    since = len(daemon.log())
    daemon.configure({"https": https})
    daemon.reload()
    daemon.wait_log("configuration reloaded", since=since)


# bearers

def test_a_bearers_ticket_is_for_the_vm_of_the_path(groups, module_guests):
    other = module_guests()
    groups.knows(other)
    path = f"/vm/{groups.guest.name}/status"
    assert status(groups, path, *bearer("wrong"), who=None) == "401"
    assert status(groups, path, *bearer(ticket_of(groups, other)), who=None) == "401"
    assert curl(groups, "/vms", *bearer("x"), who=None).stdout == (
        b"a bearer's ticket needs a VM in the path\n\n400")
    assert status(groups, path, *bearer(ticket_of(groups, groups.guest)), who=None) == "200"
    groups.wait_audit(event="login-refused", method="password")


def test_a_bearer_of_two_vms_in_one_connection_gets_the_first(groups, module_guests):
    other = module_guests()
    groups.knows(other)
    field = f"Authorization: Bearer {ticket_of(groups, groups.guest)}\r\n\r\n".encode()
    raw = Raw(groups, who=None)
    for guest, wanted in ((groups.guest, rb"HTTP/1.1 200 .*\n"),
                          (other, rb"HTTP/1.1 403 [^\0]*the ticket is for another VM")):
        raw.send(f"GET /vm/{guest.name}/who HTTP/1.1\r\nHost: h\r\n".encode() + field)
        raw.until(wanted)


# groups

def test_a_certificate_does_where_its_group_takes_it(groups):
    refused = curl(groups, f"/vm/{groups.guest.name}/status", "-D", "-").stdout
    assert refused.startswith(b"HTTP/1.1 401") and refused.endswith(b"log in with a ticket\n\n401")
    assert curl(groups, groups.known_dump).stdout == b"dump\n200"
    assert curl(groups, "/upstream").stdout == b"here\n200"


def test_a_ticket_does_where_its_group_takes_it(groups):
    ticket = bearer(ticket_of(groups, groups.guest))
    assert curl(groups, groups.known_dump, *ticket, who=None).stdout == (
        b"log in with a client certificate\n\n403")
    assert status(groups, f"/vm/{groups.guest.name}/status", *ticket, who=None) == "200"


def test_a_connection_is_asked_again_where_what_it_has_shown_is_not_enough(groups):
    raw = Raw(groups)
    raw.send(f"GET {groups.known_dump} HTTP/1.1\r\nHost: h\r\n\r\n".encode()).until(rb"\r\n\r\ndump")
    raw.send(b"GET /vms HTTP/1.1\r\nHost: h\r\n\r\n")
    raw.until(rb"HTTP/1.1 401 [^\0]*log in with a ticket")


def test_a_certificate_has_the_rights_of_its_address_too(groups):
    """guestless is named by no section but the one of its address."""
    assert curl(groups, groups.known_dump, who="guestless").stdout == b"dump\n200"


def test_the_upstream_hears_of_no_subject_where_nobody_has_one(groups, upstream):
    upstream.heads.clear()
    secret = base64.b64encode(b"somebody:secret").decode()
    field = ("-H", f"Authorization: Basic {secret}", "-H", "X-Client-Subject: CN=admin")
    assert curl(groups, "/a", *field, who=None).stdout == b"here\n200"
    assert curl(groups, "/b", *field).stdout == b"here\n200"
    nobody, host = upstream.heads
    assert "X-Client-Subject" not in nobody and nobody["X-Forwarded-For"] == "127.0.0.1"
    assert nobody["Authorization"] == host["Authorization"] == f"Basic {secret}"
    assert "CN=host1.example" in host["X-Client-Subject"]
    record = groups.wait_audit(event="login", method="none")
    assert record["identity"] == "address:127.0.0.1", record


def test_a_certificate_that_is_no_good_is_refused_where_none_is_needed(groups):
    assert status(groups, "/upstream", who="expired") == "403"


# nobody

def test_nobody_sees_what_the_rules_give_its_address(groups):
    with_groups(groups, console_auth="none", rpc_auth="certificate")
    try:
        listed = curl(groups, "/vms", who=None).stdout
        assert groups.guest.name.encode() in listed and listed.endswith(b"200")
        assert curl(groups, groups.known_dump, who=None).stdout == (
            b"log in with a client certificate\n\n403")
        assert status(groups, "/upstream", who=None) == "403"
        typed = curl(groups, f"/vm/{groups.guest.name}/send", "-H", "Content-Type: application/json",
                     "-d", '{"arguments":["x"]}', who=None).stdout
        assert typed.endswith(b"403"), typed
    finally:
        with_groups(groups, console_auth="ticket", rpc_auth="none")


def test_a_stream_ends_when_its_group_takes_nobody_any_more(groups):
    with_groups(groups, console_auth="none")
    console = groups.pipes(groups.guest.name)
    try:
        ask(console)
        raw = Raw(groups, who=None)
        raw.send(f"GET /consoleStream/{groups.guest.name}?notices=yes HTTP/1.1\r\nHost: h\r\n\r\n"
                 .encode()).until(rb"HTTP/1.1 200 ")
    finally:
        with_groups(groups, console_auth="ticket")
    assert b"vmconsoled: the right to view VM" in raw.rest()


def test_nobody_without_a_rule_is_refused(groups):
    with_groups(groups, console_auth="none")
    groups.configure({"access near": {"who": "address:192.0.2.0/24"}})
    groups.reload()
    try:
        wait_until(lambda: status(groups, "/vms", who=None) == "403", 20, "nobody is let in")
        groups.wait_audit(event="login-refused", method="none")
    finally:
        groups.configure({"access near": {"who": "address:127.0.0.0/8"}})
        with_groups(groups, console_auth="ticket")


@pytest.mark.parametrize("key, value, why", [
    ("console_auth", "certificate, password", '"password" is none of certificate, ticket, none'),
    ("rpc_auth", "ticket", '"ticket" is none of certificate, none')])
def test_what_is_no_way_to_be_known_is_named(groups, key, value, why):
    groups.configure({"https": {key: value}})
    try:
        done = groups.check_config()
        assert done.status == 1 and why in done.err.decode(), done
    finally:
        groups.configure({"https": {"console_auth": "ticket", "rpc_auth": "none"}})
