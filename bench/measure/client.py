"""The client that holds many sessions, a process of its own: its cost is nobody's figure.

Standard input, one order a line; one JSON line is the answer to each:
    open N      so many sessions in all; how many have got an answer
    traffic N   every guest prints N KiB, every session gets them; how many did
    close       all sessions and connections
"""

import asyncio
import contextlib
import json
import sys
import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import asyncssh

AT_ONCE = 8
PATIENCE = 60
TRAFFIC_PATIENCE = 300  # an echo comes in single bytes, and this is Python
AGAIN = 2  # typed again after so many seconds without an answer


class Console(asyncssh.SSHClientSession):
    def __init__(self):
        self.count, self.tail, self.news = 0, b"", asyncio.Event()

    def data_received(self, data, datatype):
        self.count += len(data)
        self.tail = (self.tail + data)[-4096:]
        self.news.set()

    async def until(self, condition, seconds=PATIENCE):
        async def wait():
            while not condition():
                self.news.clear()
                await self.news.wait()
        try:
            await asyncio.wait_for(wait(), seconds)
            return True
        except asyncio.TimeoutError:
            return False


class Holder:
    def __init__(self, port, key, login, names, mark, shell):
        self.port, self.key, self.login, self.names = port, key, login, names
        self.mark, self.shell = mark.encode(), shell
        self.held = []  # (connection, channel, console)
        self.gate = asyncio.Semaphore(AT_ONCE)

    async def one(self, number):
        name = self.names[number % len(self.names)]
        async with self.gate:
            connection = await asyncssh.connect(
                "127.0.0.1", self.port, username=self.login or name, known_hosts=None, config=None,
                client_keys=[self.key], agent_path=None, keepalive_interval=0,
                login_timeout=PATIENCE)
            channel, console = await connection.create_session(
                Console, command=name if self.login else None, term_type="xterm",
                term_size=(80, 24), encoding=None)
            self.held.append((connection, channel, console))
            return await self.answered(number, channel, console)

    async def answered(self, number, channel, console):
        if len(self.names) == 1 and number > 0:  # a watcher sees what there is
            return await console.until(lambda: console.count > 0)
        if self.mark:
            await console.until(lambda: self.mark in console.tail)
        word = f"h{number}".encode()
        typed, answer = ((b"say " + word + b"\r", b"\n" + word + b"\r\n") if self.shell
                         else (word, word))
        for _ in range(PATIENCE // AGAIN):
            channel.write(typed)
            if await console.until(
                    lambda: answer in console.tail or b"> " + answer[1:] in console.tail, AGAIN):
                return True
        return False

    async def open(self, count):
        if not self.held and len(self.names) == 1:  # the first one has the keyboard
            return _sum(await self._open(1, 0), await self._open(count, 1))
        return await self._open(count, len(self.held))

    async def _open(self, count, first):
        done = await asyncio.gather(*(self.one(at) for at in range(first, count)),
                                    return_exceptions=True)
        errors = [repr(one) for one in done if isinstance(one, BaseException)]
        return {"up": sum(one is True for one in done), "errors": errors[:3]}

    async def traffic(self, kib):
        wanted = kib * 1024
        goals = [(console, console.count + wanted) for _, _, console in self.held]
        typists = self.held if len(self.names) > 1 else self.held[:1]
        for _, channel, _ in typists:
            with contextlib.suppress(BrokenPipeError):  # a peer's session that has ended is not up
                channel.write(f"pat {wanted // 64}\r".encode() if self.shell else b"x" * wanted)
        done = await asyncio.gather(*(
            console.until(lambda console=console, goal=goal: console.count >= goal,
                          TRAFFIC_PATIENCE)
            for console, goal in goals))
        return {"up": sum(done)}

    async def close(self):
        for connection, _, _ in self.held:
            connection.close()
        await asyncio.gather(*(connection.wait_closed() for connection, _, _ in self.held))
        self.held.clear()
        return {"up": 0}


def _sum(first, rest):
    return {"up": first["up"] + rest["up"], "errors": first["errors"] + rest["errors"]}


async def main():
    holder = Holder(**json.loads(sys.argv[1]))
    loop = asyncio.get_running_loop()
    while True:
        words = (await loop.run_in_executor(None, sys.stdin.readline)).split()
        if not words:
            return
        answer = await getattr(holder, words[0])(*map(int, words[1:]))
        print(json.dumps(answer), flush=True)


asyncio.run(main())
