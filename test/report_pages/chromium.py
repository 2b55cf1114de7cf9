# Licensed under the Apache License, Version 2.0. See LICENSE at the top of the repository.
"""A headless Chromium, driven by its DevTools protocol over a pipe: no package for browsers is needed."""
import base64
import json
import os
import pathlib
import subprocess
import time

SECONDS = 300  # for any one answer of the browser: the machine may be busy


class Browser:
    """A Chromium and one tab of it. Messages are JSON, ended by a zero byte, over file descriptors 3 and 4."""

    def __init__(self, program, profile):
        to_browser, self.out = os.pipe()
        self.inp, from_browser = os.pipe()
        # The shell puts the pipes where the protocol wants them.
        command = ["/bin/sh", "-c", f'exec "$0" "$@" 3<&{to_browser} 4>&{from_browser}', program, "--headless=new",
                   "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                   "--disable-background-networking", "--disable-component-update", "--disable-sync",
                   f"--user-data-dir={profile}", "--remote-debugging-pipe", "about:blank"]
        self.log = open(pathlib.Path(profile).parent / "chromium.log", "w", encoding="utf-8")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL,
                                        pass_fds=(to_browser, from_browser))
        os.close(to_browser)
        os.close(from_browser)
        os.set_blocking(self.inp, False)
        self.buffer, self.number, self.events, self.session = b"", 0, [], None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(domain + ".enable")

    def receive(self, deadline):
        while b"\0" not in self.buffer:
            if time.monotonic() > deadline:
                raise RuntimeError(f"Chromium does not answer within {SECONDS} s")
            if self.process.poll() is not None:
                said = pathlib.Path(self.log.name).read_text(encoding="utf-8", errors="replace")
                raise RuntimeError(f"Chromium ended with {self.process.returncode}: {said[-1000:]}")
            try:
                self.buffer += os.read(self.inp, 1 << 20)
            except BlockingIOError:
                time.sleep(0.01)
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.out, data):]
        deadline = time.monotonic() + SECONDS
        while True:
            answer = self.receive(deadline)
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def wait_for(self, event):
        deadline = time.monotonic() + SECONDS
        while not any(e.get("method") == event for e in self.events):
            self.events.append(self.receive(deadline))

    def evaluate(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(str(result["exceptionDetails"]))
        return result["result"].get("value")

    def show(self, width, scheme, media=""):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=844 if width < 600 else 900,
                  deviceScaleFactor=1, mobile=width < 600)
        self.call("Emulation.setEmulatedMedia", media=media,
                  features=[{"name": "prefers-color-scheme", "value": scheme}])

    def open(self, page):
        self.events.clear()
        self.call("Page.navigate", url=page.as_uri())
        self.wait_for("Page.loadEventFired")
        # Pictures may still be decoding.
        self.evaluate("Promise.all([...document.images].map((i) => i.decode().catch(() => 0))).then(() => 0)")

    def complaints(self, page):
        """What the page said or asked for since it was opened."""
        for event in self.events:
            method, data = event.get("method"), event.get("params", {})
            if method == "Runtime.exceptionThrown":
                yield "throws: " + data["exceptionDetails"]["text"]
            elif method == "Runtime.consoleAPICalled":
                yield "writes to the console: " + json.dumps(data["args"])[:200]
            elif method == "Log.entryAdded":
                yield "console: " + data["entry"]["text"]
            elif method == "Network.requestWillBeSent":
                url = data["request"]["url"]
                if not url.startswith("data:") and url.split("#")[0] != page.as_uri():
                    yield "asks for " + url

    def screenshot(self, path):
        size = self.evaluate("[document.documentElement.clientWidth, document.documentElement.scrollHeight]")
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True,
                         clip={"x": 0, "y": 0, "width": size[0], "height": min(size[1], 16000), "scale": 1})
        path.write_bytes(base64.b64decode(shot["data"]))

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.log.close()
