"use strict";
// The page around the plots: tabs, choices, the head, and what it says when nothing comes.
// The server sends times; how long ago that was is counted here, so it is right even when the server is gone.
const cosmo = (() => {
  const THEME = "cosmo_theme";
  const of = (id) => document.getElementById(id);
  const now_s = () => Date.now() / 1000;
  const clock = new Intl.DateTimeFormat(undefined, {hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23"});
  const day = new Intl.DateTimeFormat(undefined, {weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23"});
  const at = (s) => s == null ? "–" : clock.format(new Date(1000 * s));
  const long = (s) => s < 120 ? `${Math.floor(s)} s` : s < 7200 ? `${Math.floor(s / 60)} min` : `${Math.floor(s / 3600)} h`;
  let controls = null, status = null, shown = null;
  let ahead_s = 0;      // browser's clock minus the server's
  let refreshed_s = 0;  // when the server last said something, by the browser's clock
  let lost_s = null;    // since when the connection is gone
  let asked_s = null;   // when this page, all of it here, asked the server to connect

  function zone() {
    const minutes = -new Date().getTimezoneOffset();
    const two = (n) => String(Math.floor(n)).padStart(2, "0");
    const size = Math.abs(minutes);
    const name = Intl.DateTimeFormat().resolvedOptions().timeZone || "local time";
    return minutes === 0 && name === "UTC" ? name : `${name}, UTC${minutes < 0 ? "−" : "+"}${two(size / 60)}:${two(size % 60)}`;
  }

  // -- colours

  function remembered() {
    const found = document.cookie.match(/(?:^|; )cosmo_theme=(light|dark)/);
    return found && found[1];
  }
  const preferred = () => remembered() || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  function paint(theme) {
    document.documentElement.dataset.theme = theme;
    const button = of("theme");
    if (button) button.textContent = theme === "dark" ? "☀" : "☾";
    if (controls && controls.theme !== theme) controls.theme = theme;
  }
  function choose(theme) {
    document.cookie = `${THEME}=${theme}; path=/; max-age=31536000; SameSite=Strict`;
    paint(theme);
  }

  // -- tabs: arrow keys move between them, as readers of such tabs expect

  function open(tab) {
    for (const button of document.querySelectorAll("[role=tab]")) {
      const chosen = button === tab;
      button.setAttribute("aria-selected", chosen);
      button.tabIndex = chosen ? 0 : -1;
      of(button.getAttribute("aria-controls")).hidden = !chosen;
    }
    if (controls) controls.tab = tab.id.replace("tab-", "");
  }
  function wire_tabs() {
    const tabs = [...document.querySelectorAll("[role=tab]")];
    tabs.forEach((tab, i) => {
      tab.addEventListener("click", () => open(tab));
      tab.addEventListener("keydown", (event) => {
        const step = {ArrowRight: 1, ArrowLeft: -1}[event.key];
        if (!step) return;
        const next = tabs[(i + step + tabs.length) % tabs.length];
        next.focus();
        open(next);
      });
    });
  }

  // -- the head

  function state(server_s) {
    if (lost_s !== null) {
      return ["bad", `No connection to the dashboard's server for ${long(now_s() - lost_s)}: what you see is old. The page comes back by itself.`];
    }
    if (!shown) {
      const asked_for_s = asked_s === null ? 0 : now_s() - asked_s;
      return asked_for_s < 5 ? null : ["bad", `Not connected to the dashboard's server for ${long(asked_for_s)}. The page loads itself anew where that answers.`];
    }
    if (shown.waiting) return [shown.run == null ? "calm" : "bad", `Waiting: ${shown.waiting}`];
    if (shown.ended) return ["calm", `Run ${shown.run} ended on ${day.format(new Date(shown.ended))}.`];
    if (shown.last_result_s == null) return ["calm", "No result yet in this run."];
    const silent_s = server_s - shown.last_result_s;
    if (silent_s < -1) {
      return ["bad", `No result since a clock was set back: the last one came at ${at(shown.last_result_s)}, which is yet to come.`];
    }
    if (silent_s > shown.quiet_after_s) {
      return ["bad", `No data for ${long(server_s - (shown.last_data_s ?? shown.last_result_s))}: the analysis is silent, its last result came at ${at(shown.last_result_s)}.`];
    }
    if (shown.last_data_s == null) return ["warn", "No data yet in this run: the analysis sends heartbeats, the stream is quiet."];
    const quiet_s = server_s - shown.last_data_s;
    if (quiet_s > shown.quiet_after_s) {
      return ["warn", `No data for ${long(quiet_s)}: the stream is quiet. The analysis is alive and sends heartbeats.`];
    }
    return null;
  }
  const say = (id, text) => { const place = of(id); if (place.textContent !== text) place.textContent = text; };
  function tick() {
    const server_s = now_s() - ahead_s;
    const found = state(server_s);
    const place = of("state");
    place.hidden = !found;
    if (found) {
      place.dataset.kind = found[0];
      say("state", found[1]);
    }
    if (!shown) return;
    const ago = (s) => s == null ? "–" : `${at(s)} (${long(Math.max(0, server_s - s))} ago)`;
    say("data", ago(shown.last_data_s));
    say("result", ago(shown.last_result_s));
    say("refreshed", at(refreshed_s));
    const is_still = found && found[0] !== "calm" || shown.ended;
    say("rate", shown.rows_per_s == null || is_still ? "–" : shown.rows_per_s);
  }
  function tell() {
    shown = status.shown;
    refreshed_s = now_s();
    ahead_s = refreshed_s - shown.now_s;
    say("run", shown.run == null ? "no run yet" : `Run ${shown.run}`);
    say("note", shown.note);
    say("since", shown.run == null ? "" : `${shown.ended ? "from" : "on since"} ${day.format(new Date(shown.started))} · ${shown.source}`);
    say("rows", shown.rows);
    say("live", shown.live);
    say("results", shown.results);
    say("words", (shown.paused_s == null ? "Showing " : `Paused at ${at(shown.paused_s)}, showing `) + shown.window);
    of("notices").hidden = shown.notices.length === 0;
    of("notices").replaceChildren(...shown.notices.map((text) => Object.assign(document.createElement("li"), {textContent: text})));
    tick();
  }

  // -- choices

  function wire_choices() {
    of("window").addEventListener("change", (event) => { controls.window = event.target.value; });
    of("collect").addEventListener("change", (event) => { controls.collecting = event.target.checked; });
    of("pause").addEventListener("click", () => {
      controls.paused = !controls.paused;
      of("pause").setAttribute("aria-pressed", controls.paused);
      say("pause", controls.paused ? "Resume" : "Pause");
    });
    of("help").addEventListener("click", () => {
      of("explained").hidden = !of("explained").hidden;
      of("help").setAttribute("aria-expanded", !of("explained").hidden);
    });
    of("theme").addEventListener("click", () => choose(document.documentElement.dataset.theme === "dark" ? "light" : "dark"));
  }

  // -- Bokeh tells when the models are there, and when the connection goes and comes

  function start(the_controls, the_status) {
    [controls, status] = [the_controls, the_status];
    controls.zone = zone();
    say("zone", `times in ${zone()}`);
    paint(preferred());
    wire_choices();
    status.properties.shown.change.connect(tell);
    tell();
    document.documentElement.dataset.ready = "yes";
  }
  function lost() {
    if (lost_s === null) lost_s = now_s();
    tick();
  }
  function found() {
    lost_s = null;
    tick();
  }
  async function come_back() {
    // Bokeh gives up after some tries; a server that answers again has forgotten this page: load it anew.
    // So it has one that was never connected, as of a page that a browser had kept.
    const is_lost = () => lost_s !== null ? now_s() - lost_s >= 4 : controls === null && now_s() - asked_s >= 20;
    if (!is_lost()) return;
    try {
      if ((await fetch("healthz", {cache: "no-store"})).ok && is_lost()) location.reload();
    } catch (error) {
      console.info("the dashboard's server does not answer yet");
    }
  }

  paint(preferred());
  document.addEventListener("DOMContentLoaded", () => {
    paint(preferred());
    wire_tabs();
    asked_s = now_s();
    tick();
    setInterval(tick, 1000);
    setInterval(come_back, 3000);
  });
  return {start, lost, found};
})();
