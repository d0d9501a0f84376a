"""Tests of `sweep dashboard` as a command: it says where it is, ends at Ctrl-C, and says why it cannot begin."""

import signal
import socket
import subprocess
import sys
import urllib.request


def test_it_says_where_it_is_and_ends_at_a_signal(shelf):
    command = [sys.executable, "-m", "sweep", "dashboard", "digits-quickstart", "--port", "0"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=shelf.environment, **pipes) as process:
        address = process.stdout.readline().strip()
        with urllib.request.urlopen(address) as answer:
            assert b"<html" in answer.read().lower()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert "Traceback" not in err
    assert "Ctrl-C ends the dashboard" in err


def test_a_port_that_is_taken_is_one_sentence(cli):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        sentence = cli("dashboard", "--port", port).sentence(1)
    assert sentence == f"Error: another program listens on port {port}; choose another one, such as with --port 8081"


def test_without_optuna_dashboard_the_extra_is_named(cli, monkeypatch):
    monkeypatch.setattr("sweep.results.studies.find_spec", lambda name: None)
    assert "install it with pip install 'sweep-lab[dashboard]'" in cli("dashboard").sentence(1)
