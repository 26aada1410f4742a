"""What the members of the chain of command have in common: a log line for each step, and an order as one line over TCP."""

import socket
import sys
import time

PORT = 4000


class Member:
    def __init__(self, name: str) -> None:
        self.name = name

    def log(self, text: str) -> None:
        # One write a line: four containers share the console.
        sys.stdout.write(f"[{time.monotonic():.6f}] {self.name}: {text}\n")
        sys.stdout.flush()

    def send(self, host: str, order: str) -> None:
        """Connects, hands the order over and waits until it was taken. Tries again until someone listens there."""
        while True:
            try:
                with socket.create_connection((host, PORT), timeout=10) as connection:
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    connection.sendall(order.encode() + b"\n")
                    if connection.makefile().readline() == "taken\n":
                        return
            except OSError:
                time.sleep(0.05)

    def receive(self):
        """Yields each order that comes in; it counts as taken at once, before it is carried out."""
        with socket.create_server(("", PORT)) as server:
            self.log("ready")
            while True:
                connection, peer = server.accept()
                with connection:
                    order = connection.makefile().readline().strip()
                    if order:
                        connection.sendall(b"taken\n")
                if order:
                    self.log(f"received '{order}' from {peer[0]}")
                    yield order
