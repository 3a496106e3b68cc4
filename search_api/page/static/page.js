// What the page does beside htmx: keys, copying, what is said while it works and when it is done.
// Everything else is links and forms, which work without this file.
"use strict";
(() => {
  const root = document.documentElement;
  const find = (selector) => document.querySelector(selector);
  const KEYS = "article-search-keys";
  root.classList.add("scripts");

  // Said to screen readers; an equal text twice would not be said again.
  const say = (text) => {
    const said = find("#said");
    said.textContent = said.textContent === text ? `${text}\u00a0` : text;
  };
  const trouble = (text) => {
    const box = find("#trouble");
    box.textContent = text;
    box.hidden = !text;
  };

  // Storage may be forbidden; keys then work until they are switched off on this page.
  const keysOn = () => {
    try { return localStorage.getItem(KEYS) !== "off"; } catch { return find("#keys-on").checked; }
  };
  const switchKeys = (on) => {
    try { localStorage.setItem(KEYS, on ? "on" : "off"); } catch { /* see above */ }
    say(on ? "Keys are on" : "Keys are off");
  };

  const steps = () => [...document.querySelectorAll(".step")].filter((one) => one.checkVisibility());
  const step = (by) => {
    const all = steps();
    if (!all.length) return false;
    const here = all.findIndex((one) => one === document.activeElement || one.closest(".further, .hit")?.contains(document.activeElement));
    const exact = all.indexOf(document.activeElement);
    const from = exact >= 0 ? exact : here >= 0 ? here - (by > 0 ? 0 : -1) : by > 0 ? -1 : all.length;
    const next = all[from + by];
    if (!next) return false;
    next.focus({ preventScroll: true });
    next.scrollIntoView({ block: "center" });
    return true;
  };

  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch { // no permission, or no secure address
      const area = document.createElement("textarea");
      area.value = text;
      area.className = "unseen";
      document.body.append(area);
      area.select();
      const done = document.execCommand("copy");
      area.remove();
      return done;
    }
  };
  const copyFrom = async (id, button) => {
    const back = document.activeElement;
    const done = await copy(document.getElementById(id).textContent);
    back?.focus({ preventScroll: true });
    say(done ? "Citation copied" : "Copying is not allowed here; select the text instead");
    if (!button) return;
    button.classList.toggle("done", done);
    setTimeout(() => button.classList.remove("done"), 1500);
  };

  // Esc: close what is open around here, else leave the field, else back to the results.
  const escape = () => {
    const active = document.activeElement;
    const open = active?.closest?.("details[open]");
    if (!find("#trouble").hidden) trouble("");
    else if (open) {
      open.open = false;
      open.querySelector("summary").focus();
    } else if (active && active !== document.body) active.blur();
    else if (location.pathname.startsWith("/articles/") && history.length > 1) history.back();
  };

  const isTyping = (target) => target.matches("input:not([type=checkbox], [type=radio]), textarea, select");
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || !keysOn()) return;
    const { key, target } = event;
    if (key === "Escape") return escape();
    const arrow = { ArrowDown: 1, ArrowUp: -1 }[key];
    if (arrow && (target.matches(".step") || (target.id === "q" && arrow > 0))) {
      if (step(arrow)) event.preventDefault();
      else if (arrow < 0) { find("#q").focus(); event.preventDefault(); }
      return;
    }
    if (isTyping(target)) return;
    if (key === "/") {
      find("#q")?.focus();
      find("#q")?.select();
    } else if (key === "j" || key === "k") step(key === "j" ? 1 : -1);
    else if (key === "c") {
      const around = target.closest?.(".further, .hit, .answer") ?? find("main");
      const id = around.querySelector("[data-copy]")?.dataset.copy;
      if (!id) return;
      copyFrom(id);
    } else if (key === "?") {
      find("#keys").open = true;
      find("#keys summary").focus();
    } else return;
    event.preventDefault();
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-copy]");
    if (button) copyFrom(button.dataset.copy, button);
  });
  document.addEventListener("change", (event) => {
    if (event.target.id === "keys-on") switchKeys(event.target.checked);
  });

  // Fields left empty stay out of the address.
  document.addEventListener("htmx:config:request", ({ detail: { ctx } }) => {
    for (const [name, value] of [...(ctx.request.body ?? [])]) {
      if (value === "" && ctx.request.body.getAll(name).every((one) => one === "")) ctx.request.body.delete(name);
    }
  });
  let waiting;
  document.addEventListener("htmx:before:request", () => {
    trouble("");
    clearTimeout(waiting);
    waiting = setTimeout(() => { find("#main").ariaBusy = "true"; say("Searching"); }, 200);
  });
  // htmx swaps whatever comes back; only our own pages have a #main to take.
  document.addEventListener("htmx:before:response", (event) => {
    const { raw } = event.detail.ctx.response;
    if (raw.headers.has("x-request-id") && raw.headers.get("content-type")?.startsWith("text/html")) return;
    event.preventDefault();
    trouble(`Something between you and the search answered instead (status ${raw.status}). Try again in a moment.`);
  });
  document.addEventListener("htmx:error", ({ detail }) => {
    if (detail.ctx) trouble("The search cannot be reached. Is the server still running? Your question is still in the box.");
  });
  document.addEventListener("htmx:finally:request", () => {
    clearTimeout(waiting);
    find("#main")?.removeAttribute("aria-busy");
  });
  document.addEventListener("htmx:after:swap", () => {
    const count = find("#count");
    const answer = find("#answer-head");
    const told = [find("#main .fault"), answer, find(".answer .quote"), count].map((one) => one?.textContent ?? "");
    say(told.filter(Boolean).join(". ").replace(/\s+/g, " ").trim());
    if (document.activeElement === document.body) (count ?? find("#main")).focus({ preventScroll: true });
  });

  find("#keys-on").checked = keysOn();
})();
