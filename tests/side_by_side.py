"""Calls that begin together, each on a connection of its own."""

import threading

from django.db import connections


def at_once(*calls):
    """What each of some calls returned or raised, all begun together."""
    gate, said = threading.Barrier(len(calls)), [None] * len(calls)

    def call(number, what):
        try:
            gate.wait()
            said[number] = what()
        except Exception as error:
            said[number] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=call, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return said
