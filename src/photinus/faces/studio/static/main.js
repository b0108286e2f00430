// Puts views, controls and the connection together. Settings live in the address, so that it can be shared.

import { Connection } from "./connection.js";
import { button, element } from "./controls.js";
import { ImagesPage } from "./images.js";
import { ImperfectPage } from "./imperfect.js";
import { LaserPage } from "./laser.js";
import { LedgerPage } from "./ledger.js";
import { NetworkPage } from "./network.js";
import { Panel, savePng, saveSvg } from "./panel.js";

const PAGES = { network: NetworkPage, laser: LaserPage, imperfect: ImperfectPage, ledger: LedgerPage, images: ImagesPage };
const PATIENCE = 600; // ms without an answer after which the page says that it waits
const at = (id) => document.getElementById(id);

const studio = { view: "network", settings: {}, page: null, running: true, dirty: true, frames: 0, last: 0, ticking: false };

// The address holds what differs from the defaults: #network?problem=pair&chains=32
function readAddress() {
  const [view, query = ""] = location.hash.slice(1).split("?");
  studio.view = PAGES[view] ? view : "network";
  const defaults = PAGES[studio.view].defaults;
  const given = Object.fromEntries(new URLSearchParams(query));
  studio.settings = { ...defaults };
  for (const [name, value] of Object.entries(given)) {
    if (name in defaults) studio.settings[name] = typeof defaults[name] === "string" ? value : Number(value);
  }
}

function changedSettings() {
  const defaults = PAGES[studio.view].defaults;
  return Object.entries(studio.settings).filter(([name, value]) => value !== defaults[name]);
}

function writeAddress() {
  const query = new URLSearchParams(changedSettings()).toString();
  history.replaceState(null, "", `#${studio.view}${query ? `?${query}` : ""}`);
}

function sendSettings() {
  connection.say({ say: "settings", view: studio.view, values: Object.fromEntries(changedSettings()) });
  connection.waiting = 0;
  connection.ask(); // also while paused, so that the change is seen
  wait();
}

const host = {
  get settings() {
    return studio.settings;
  },
  set(name, value) {
    studio.settings[name] = value;
    writeAddress();
    sendSettings();
  },
  press(name) {
    connection.say({ say: "press", button: name });
    connection.ask();
  },
  tell(sentence) {
    notice(sentence);
  },
  touch() {
    studio.dirty = true;
    schedule();
  },
};

function say(text) {
  if (at("state").textContent !== text) at("state").textContent = text;
}

// Says that it waits, should a frame that was asked for not come soon.
function wait() {
  clearTimeout(studio.patience);
  studio.patience = setTimeout(() => busy(connection.open && connection.waiting > 0), PATIENCE);
}

function busy(waits) {
  clearTimeout(studio.patience);
  at("busy").hidden = !waits;
  at("main").classList.toggle("waiting", waits);
}

// A sentence, with buttons that help: [what the button says, what it does].
function notice(sentence, ways = []) {
  at("notice").replaceChildren(sentence, ...ways.map(([text, act]) => button(text, act)));
  at("notice").hidden = !sentence;
}

function show() {
  const Page = PAGES[studio.view];
  at("side").replaceChildren();
  at("main").replaceChildren();
  at("main").className = Page.layout || studio.view;
  for (const tab of at("tabs").children) tab.setAttribute("aria-current", tab.dataset.view === studio.view ? "page" : "false");
  studio.page = new Page(host);
  const pause = button("Pause", () => setRunning(!studio.running), { id: "pause", accesskey: "p" });
  at("side").append(
    element("div", { class: "buttons" }, pause, button("Reset", () => host.press("reset"), { id: "reset", title: "Start again with the same seed" })),
    element("p", {}, Page.hint),
    ...studio.page.side,
  );
  at("main").append(...studio.page.panels.map((panel) => panel.node));
  setRunning(true);
  sendSettings();
}

function setRunning(running) {
  studio.running = running;
  at("pause").textContent = running ? "Pause" : "Go on";
  at("pause").setAttribute("aria-pressed", String(!running));
  say(running ? "Live" : "Paused");
  schedule();
}

function dialog(title, text, code) {
  at("dialog-title").textContent = title;
  at("dialog-text").textContent = text;
  at("dialog-code").value = code;
  at("dialog").showModal();
}

function share() {
  const text = "This address holds all settings. It opens in this studio; photinus studio --share ADDRESS opens it in another one.";
  dialog("Share", text, location.href);
}

function received(frame) {
  if (frame.kind === "frame") {
    studio.frames += 1;
    at("state").dataset.frames = studio.frames;
    if (studio.running) say("Live");
    busy(false);
    wait();
    studio.page.frame(frame);
  } else if (frame.kind === "about" && frame.view === studio.view) {
    notice("");
    studio.page.about(frame);
  } else if (frame.kind === "python") {
    dialog("Python", PAGES[studio.view].code || "These lines take the same draws.", frame.code);
  } else if (frame.kind === "refusal") {
    refused(frame);
  } else if (frame.kind === "failure") {
    busy(false);
    notice(frame.sentence, [["Start again", () => (notice(""), sendSettings(), schedule())]]);
  }
  host.touch();
}

// What was refused stays refused until something is changed; some sentences come with ways out.
function refused({ sentence, offers = [], titles }) {
  busy(false);
  if (titles) studio.page.titled?.(titles, studio.settings.problem);
  const take = (values) => (Object.assign(studio.settings, values), writeAddress(), show());
  notice(sentence, offers.map(([text, values]) => [text, () => take(values)]));
}

// Frames are asked for only while there is something to go on with, so a page at rest costs nothing.
function schedule() {
  if (!studio.ticking) (studio.ticking = true), requestAnimationFrame(tick);
}

function tick(now) {
  studio.ticking = false;
  const elapsed = Math.min(0.1, (now - studio.last) / 1000);
  studio.last = now;
  if (studio.running) connection.ask();
  const moved = studio.running && studio.page.move(elapsed);
  if (moved || studio.dirty) studio.page.panels.forEach((panel) => panel.paint());
  studio.dirty = false;
  if (studio.running && connection.open) schedule();
}

for (const [view, Page] of Object.entries(PAGES)) {
  const open = () => ((location.hash = view), readAddress(), show());
  at("tabs").append(button(Page.title, open, { "data-view": view }));
}
at("take").append(
  button("Python", () => host.press("python"), { id: "python", title: "The lines that do the same" }),
  button("SVG", () => saveSvg(studio.page.panels, `photinus-${studio.view}`), { id: "svg", title: "Save the figure as SVG" }),
  button("PNG", () => savePng(studio.page.panels, `photinus-${studio.view}`), { id: "png", title: "Save the figure as PNG" }),
  button("Share", share, { id: "share", title: "An address with all settings" }),
);
at("dialog-close").addEventListener("click", () => at("dialog").close());
at("dialog-copy").addEventListener("click", () => (at("dialog-code").select(), navigator.clipboard?.writeText(at("dialog-code").value)));
addEventListener("resize", () => host.touch());
Panel.resized = () => host.touch();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => host.touch());
addEventListener("hashchange", () => (readAddress(), show()));

const socket = new URL("live", location.href.split("#")[0]);
socket.protocol = "ws:";
const connection = new Connection(socket.href, {
  opened() {
    connection.open = true;
    say(studio.running ? "Live" : "Paused");
    notice("");
    studio.page ? (sendSettings(), schedule()) : (readAddress(), show());
  },
  received,
  lost() {
    connection.open = false;
    busy(false);
    say("Not connected. Trying again …");
    notice("The studio does not answer. If you started it again, open the address that it printed.");
  },
});
