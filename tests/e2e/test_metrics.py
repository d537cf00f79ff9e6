"""Metrics: the format, the right, and figures that follow what happens."""

import re
import shutil
import subprocess

import pytest

from lib.https import curl, make_https
from lib.proc import wait_until
from lib.session import ask

HEAD = re.compile(r"# (HELP|TYPE) ([a-z_]+) (.+)")
SAMPLE = re.compile(r'([a-z_]+)(?:\{((?:[a-z]+="(?:[^"\\\n]|\\[\\"n])*",?)+)\})? ([0-9]+(?:\.[0-9]{6})?)')
LABEL = re.compile(r'([a-z]+)="((?:[^"\\\n]|\\[\\"n])*)"')


@pytest.fixture(scope="module")
def metered(module_daemons, user, pki, virt):
    return make_https(module_daemons, user, pki, virt,
                      **{"access scraper": {"who": "cert:CN=guestless*", "vms": "*",
                                            "allow": "metrics"}})


def scrape(daemon):
    answer = curl(daemon, "/metrics", who="guestless").stdout.decode()
    text, _, code = answer.rpartition("\n")
    assert code == "200", answer
    return text


def read(text):
    """{(family, labels): number}, of text that keeps to the format strictly."""
    samples, types, family, last = {}, {}, None, None
    for line in text.splitlines():
        head = HEAD.fullmatch(line)
        if head:
            word, family, rest = head.groups()
            assert (word, last) in (("HELP", None), ("TYPE", "HELP")), line
            assert family not in types, line
            if word == "TYPE":
                types[family] = rest
                assert (rest == "counter") == family.endswith("_total"), line
                last = None
            else:
                last = word
            continue
        sample = SAMPLE.fullmatch(line)
        assert sample and sample[1] == family and family in types, line
        key = (family, tuple(LABEL.findall(sample[2] or "")))
        assert key not in samples, line
        assert ("." in sample[3]) == family.endswith("_seconds"), line
        samples[key] = float(sample[3])
    return samples


def figures(daemon, family, **labels):
    """The sum of the family's samples with these labels."""
    found = [number for (name, has), number in read(scrape(daemon)).items()
             if name == family and labels.items() <= dict(has).items()]
    assert found, (family, labels)
    return sum(found)


def test_metrics_keep_to_the_format(metered, module_guests):
    metered.knows(module_guests())
    text = scrape(metered)
    assert read(text)
    if shutil.which("promtool"):
        done = subprocess.run(["promtool", "check", "metrics"], input=text.encode(),
                              capture_output=True, timeout=60)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_metrics_are_for_those_who_have_the_right(metered):
    denied = curl(metered, "/metrics", "-D", "-").stdout
    assert denied.endswith(b"permission denied: metrics on this host\n\n403"), denied
    head = curl(metered, "/metrics", "-I", who="guestless").stdout
    assert b"Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n" in head
    assert metered.ctl("metrics").out.startswith(b"# HELP vmconsoled_info ")


def test_a_scrape_that_succeeds_is_told_at_level_debug_alone(metered):
    told = re.compile(r" info: \[c\d+\.\d+\] (.* asks metrics|ended with 0)$", re.M)
    before = told.findall(metered.log())
    scrape(metered)
    curl(metered, "/metrics")
    wait_until(lambda: re.search(r" info: .* ended with 77: permission denied: metrics",
                                 metered.log()), 10, "one that fails is told")
    assert told.findall(metered.log()) == before


def test_figures_of_a_console_follow_it(metered, module_guests):
    guest = module_guests()
    metered.knows(guest)
    console = {"uuid": guest.uuid, "vm": guest.name}
    session = metered.pipes(guest.name)
    ask(session)
    assert figures(metered, "vmconsoled_console_open", **console) == 1
    assert figures(metered, "vmconsoled_console_viewers", **console) == 1
    assert figures(metered, "vmconsoled_sessions", verb="attach") == 1
    printed = figures(metered, "vmconsoled_console_output_bytes_total", **console)
    typed = figures(metered, "vmconsoled_console_input_bytes_total", **console)
    ask(session)
    assert figures(metered, "vmconsoled_console_output_bytes_total", **console) > printed
    assert figures(metered, "vmconsoled_console_input_bytes_total", **console) > typed
    before = figures(metered, "vmconsoled_client_bytes_total", protocol="ssh", direction="out")
    session.close()
    wait_until(lambda: figures(metered, "vmconsoled_viewers") == 0, 10, "the session has gone")
    assert figures(metered, "vmconsoled_client_bytes_total", protocol="ssh",
                   direction="out") >= before


def test_panics_are_counted_by_who_says_so(metered, module_guests):
    guest = module_guests(on_crash="preserve")
    metered.knows(guest)
    before = {kind: figures(metered, "vmconsoled_panics_total", kind=kind)
              for kind in ("hypervisor", "text")}
    session = metered.pipes(guest.name)
    ask(session)
    session.line("say Kernel panic - not syncing: test")
    wait_until(lambda: figures(metered, "vmconsoled_panics_total", kind="text")
               > before["text"], 10, "the text is counted")
    session.line("panic")
    wait_until(lambda: figures(metered, "vmconsoled_panics_total", kind="hypervisor")
               == before["hypervisor"] + 1, 10, "the panic is counted")


def test_logins_are_counted_by_method_and_result(metered):
    def count(result):
        return figures(metered, "vmconsoled_logins_total", protocol="https",
                       method="certificate", result=result)

    accepted, refused = count("accepted"), count("refused")
    assert curl(metered, "/vms", who="stranger").stdout.endswith(b"\n401")
    assert count("refused") == refused + 1
    assert count("accepted") == accepted + 3  # each scrape is one
