#!/usr/bin/env python3
"""What kazoo_history.py writes where threads meet; no server is needed.

    pip install kazoo==2.11.0
    python3 conformance/history/emitters/kazoo_history_test.py
"""

import io
import threading
import unittest
import unittest.mock

import kazoo_history
from kazoo.client import KazooClient
from kazoo.protocol.serialization import Sync
from kazoo.protocol.states import KeeperState

# A thread that is held up is given so long to go on all the same, in seconds.
HELD_S = 0.5


class LostConnection(unittest.TestCase):
    def test_a_request_that_kazoo_gives_up_is_not_one_of_the_next_connection(self):
        with unittest.mock.patch("builtins.open", return_value=io.StringIO()):
            recorder = kazoo_history.Recorder("history")
        client = kazoo_history.RecordedClient(recorder, 1, "127.0.0.1:1")
        client._state = KeeperState.CONNECTED
        asking = threading.Thread(
            target=lambda: client._call(Sync("/a"), unittest.mock.Mock()), daemon=True
        )
        give_up = KazooClient._notify_pending

        def while_another_thread_asks(own, state):
            asking.start()
            asking.join(HELD_S)
            give_up(own, state)

        with unittest.mock.patch.object(KazooClient, "_notify_pending", while_another_thread_asks):
            client._session_callback(KeeperState.CONNECTING)
        asking.join()
        # What is open is what kazoo will send.
        self.assertEqual([one[0] for one in client.open], [one[0] for one in client._queue])


if __name__ == "__main__":
    unittest.main()
