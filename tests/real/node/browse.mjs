// Opens pages in a Chromium as people do, in each view and colour scheme, and prints what their
// layout is, one line of JSON for all. Screenshots go into the folder.
//
// The browser is spoken to over a pipe (DevTools protocol, messages that end in a zero byte).

import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

const { chromium, folder, pages, views, schemes } = JSON.parse(process.argv[1]);

const browser = spawn(
  chromium,
  [
    "--headless=new",
    "--remote-debugging-pipe",
    `--user-data-dir=${join(folder, "profile")}`,
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-proxy-server",
    // Nothing but loopback is reached.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    // Root may not have a sandbox.
    ...(process.getuid() === 0 ? ["--no-sandbox"] : []),
    "about:blank",
  ],
  { stdio: ["ignore", "ignore", "pipe", "pipe", "pipe"] },
);
let complaints = "";
browser.stderr.on("data", (text) => (complaints += text));
let over = false;
browser.on("exit", (code) => {
  if (!over) {
    console.error(`Chromium ended with ${code}:\n${complaints}`);
    process.exit(1);
  }
});

const waiting = new Map();
const listeners = new Set();
let next = 0;
let rest = "";
browser.stdio[4].on("data", (chunk) => {
  const messages = (rest + chunk).split("\0");
  rest = messages.pop();
  for (const text of messages) {
    const message = JSON.parse(text);
    const answered = waiting.get(message.id);
    if (answered) {
      waiting.delete(message.id);
      message.error ? answered.reject(new Error(JSON.stringify(message.error))) : answered.resolve(message.result);
    } else {
      listeners.forEach((listener) => listener(message));
    }
  }
});

function send(method, params = {}, sessionId = undefined) {
  const id = ++next;
  browser.stdio[3].write(JSON.stringify({ id, method, params, sessionId }) + "\0");
  return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
}

function event(method, sessionId) {
  return new Promise((resolve) => {
    const listener = (message) => {
      if (message.method === method && message.sessionId === sessionId) {
        listeners.delete(listener);
        resolve(message.params);
      }
    };
    listeners.add(listener);
  });
}

// Runs in the page. The policy of a page keeps out its own scripts, not those of the tools.
function measure() {
  const channels = (text) => (text.match(/[\d.]+/g) ?? []).map(Number);
  const luminance = ([r, g, b]) => {
    const linear = (c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4);
    return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const [r, g, b, alpha = 1] = channels(getComputedStyle(at).backgroundColor);
      if (alpha > 0) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const name = (element) => `${element.localName}.${element.getAttribute("class") ?? ""}`;
  const contrast = (a, b) => {
    const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
    return (light + 0.05) / (dark + 0.05);
  };
  const width = document.documentElement.clientWidth;
  const elements = [...document.body.querySelectorAll("*")].filter((e) => !e.closest("svg"));
  const visible = elements.filter((e) => e.getClientRects().length > 0);
  const texts = visible.filter((e) =>
    [...e.childNodes].some((n) => n.nodeType === Node.TEXT_NODE && n.data.trim()),
  );
  const contrasts = texts.map((e) => [contrast(channels(getComputedStyle(e).color), ground(e)), name(e)]);
  contrasts.sort(([a], [b]) => a - b);
  // Names may be broken where there is no room, words not.
  const broken = (element) =>
    [...element.childNodes]
      .filter((node) => node.nodeType === Node.TEXT_NODE)
      .flatMap((node) => [...node.data.matchAll(/[\w<>]{1,24}(?![\w<>])/g)].map((word) => [node, word]))
      .filter(([node, word]) => !/[\w<>/-]/.test(node.data[word.index - 1] ?? " "))
      .filter(([node, word]) => {
        const range = document.createRange();
        range.setStart(node, word.index);
        range.setEnd(node, word.index + word[0].length);
        return new Set([...range.getClientRects()].map((rect) => rect.top)).size > 1;
      })
      .map(([, word]) => word[0]);
  const box = (element) => {
    const { left, right, top, bottom } = element.getBoundingClientRect();
    return { left, right, top, bottom };
  };
  return {
    title: document.title,
    width,
    scroll_width: document.documentElement.scrollWidth,
    beyond: visible.filter((e) => box(e).right > width + 0.5 || box(e).left < -0.5).map(name),
    broken: texts.flatMap(broken),
    least_contrast: contrasts[0],
    smallest_text: Math.min(...texts.map((e) => parseFloat(getComputedStyle(e).fontSize))),
    ground: ground(document.body),
    rows: [...document.querySelectorAll(".probes tbody tr")].map((row) => row.innerText),
    steps: [...document.querySelectorAll(".waterfall li")].map((step) => {
      const rect = step.querySelector("rect");
      return {
        name: step.querySelector(".step").innerText,
        outcome: step.querySelector(".badge").innerText,
        row: box(step),
        track: box(step.querySelector(".bar")),
        bar: rect && box(rect),
        fill: rect && getComputedStyle(rect).fill,
      };
    }),
    lines: document.querySelectorAll(".story li").length,
  };
}

const { targetId } = await send("Target.createTarget", { url: "about:blank" });
const { sessionId } = await send("Target.attachToTarget", { targetId, flatten: true });
const complained = [];
listeners.add(({ method, params }) => {
  if (method === "Log.entryAdded") complained.push(params.entry.text);
});
for (const domain of ["Page", "Log", "Runtime"]) await send(`${domain}.enable`, {}, sessionId);

const measured = [];
for (const page of pages) {
  for (const view of views) {
    for (const scheme of schemes) {
      const { width, height, mobile } = view;
      await send("Emulation.setDeviceMetricsOverride", { width, height, mobile, deviceScaleFactor: 1 }, sessionId);
      const features = [{ name: "prefers-color-scheme", value: scheme }];
      await send("Emulation.setEmulatedMedia", { features }, sessionId);
      complained.length = 0;
      const loaded = event("Page.loadEventFired", sessionId);
      const { errorText } = await send("Page.navigate", { url: page.url }, sessionId);
      if (errorText) throw new Error(`${page.url}: ${errorText}`);
      await loaded;
      const { result, exceptionDetails } = await send(
        "Runtime.evaluate",
        { expression: `(${measure})()`, returnByValue: true },
        sessionId,
      );
      if (exceptionDetails) throw new Error(JSON.stringify(exceptionDetails));
      const { cssContentSize } = await send("Page.getLayoutMetrics", {}, sessionId);
      const clip = { x: 0, y: 0, width, height: Math.min(cssContentSize.height, 4000), scale: 1 };
      const { data } = await send(
        "Page.captureScreenshot",
        { format: "png", captureBeyondViewport: true, clip },
        sessionId,
      );
      const file = `${page.name}-${view.name}-${scheme}.png`;
      writeFileSync(join(folder, file), Buffer.from(data, "base64"));
      measured.push({
        page: page.name,
        view: view.name,
        scheme,
        complaints: [...complained],
        ...result.value,
      });
    }
  }
}
over = true;
console.log(JSON.stringify(measured));
await send("Browser.close").catch(() => {});
process.exit(0);
