/* Small helps on top of pages that work without them. No inline code, no data kept in the browser
   but one setting: whether shortcut keys are on. */
(() => {
  "use strict";
  const root = document.documentElement;
  root.classList.add("js");
  const KEYS = "itb.keys";
  const keysOn = () => localStorage.getItem(KEYS) !== "off";
  const typing = (el) => el.closest("input, textarea, select, [contenteditable]") !== null;

  /* Menus are <details>: close on Escape, on a click elsewhere, and when focus leaves. */
  const closeMenus = (except) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (menu !== except) menu.open = false;
    }
  };
  document.addEventListener("click", (event) => closeMenus(event.target.closest("details.menu")));
  document.addEventListener("focusin", (event) => closeMenus(event.target.closest("details.menu")));

  /* Rows of a list: j/k and the arrows move, Enter opens (the row's own link has the focus). */
  const move = (by) => {
    const links = [...document.querySelectorAll("[data-rows] [data-row]")];
    if (!links.length) return false;
    const row = document.activeElement.closest("[data-rows] tbody tr");
    const at = row ? links.findIndex((link) => row.contains(link)) : by > 0 ? -1 : links.length;
    const next = links[at + by];
    if (next) {
      next.focus();
      next.closest("tr").scrollIntoView({ block: "nearest" });
    }
    return true;
  };
  const inRows = () => document.activeElement.closest("[data-rows]") !== null;
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") {
      const menu = document.activeElement.closest("details.menu[open]");
      if (menu) {
        menu.open = false;
        menu.querySelector("summary").focus();
      }
      return;
    }
    if (event.key === "ArrowDown" && document.activeElement.matches("[data-search]")) {
      if (move(1)) event.preventDefault();
      return;
    }
    if (typing(document.activeElement)) return;
    const arrows = inRows() ? { ArrowDown: 1, ArrowUp: -1 } : {};
    const letters = keysOn() ? { j: 1, k: -1 } : {};
    const by = { ...arrows, ...letters }[event.key];
    if (by && move(by)) event.preventDefault();
    if (event.key === "/" && keysOn()) {
      const search = document.querySelector("[data-search]");
      if (search) {
        search.focus();
        search.select();
        event.preventDefault();
      }
    }
  });

  /* A date that was picked, in words: the browser may show it the other way round. */
  const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
  const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
  const inWords = (value, today) => {
    const parts = /^(\d{4})-(\d\d)-(\d\d)(?:T(\d\d:\d\d))?/.exec(value);
    if (!parts) return "";
    const day = Date.UTC(+parts[1], +parts[2] - 1, +parts[3]);
    const said = `${DAYS[new Date(day).getUTCDay()]} ${parts[3]}-${MONTHS[+parts[2] - 1]}-${parts[1]}${parts[4] ? ` ${parts[4]}` : ""}`;
    if (!today) return said; /* the clinic's today, from the page: the browser's may be another */
    const ahead = Math.round((day - Date.parse(`${today}T00:00:00Z`)) / 864e5);
    const days = `${Math.abs(ahead).toLocaleString("en-US")} day${Math.abs(ahead) === 1 ? "" : "s"}`;
    return `${said}, ${ahead === 0 ? "today" : ahead > 0 ? `in ${days}` : `${days} ago`}`;
  };
  const echo = (input) => {
    let words = input.parentElement.querySelector(".echo");
    if (!words) {
      words = document.createElement("span");
      words.className = "echo";
      words.setAttribute("aria-live", "polite");
      input.after(words);
    }
    words.textContent = inWords(input.value, input.closest("[data-today]")?.dataset.today);
  };
  document.addEventListener("input", (event) => {
    if (event.target.matches("[data-echo]")) echo(event.target);
  });

  /* A link to a folded part, or to one that is there to be answered, unfolds it; a link to any other
     part only leads there. */
  const unfold = () => {
    const target = window.location.hash && document.querySelector(window.location.hash);
    if (!target || !target.matches("details, [data-unfold]")) return;
    const fold = target.matches("details") ? target : target.querySelector("details");
    if (fold) fold.open = true;
    const field = target.querySelector("input:not([type=hidden]), textarea");
    if (field) field.focus();
    target.scrollIntoView({ block: "center" });
  };
  window.addEventListener("hashchange", unfold);

  /* A form is sent once. */
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.hasAttribute("hx-post") || form.method !== "post") return;
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "1";
  });
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  });

  const showKeys = (button) => {
    button.setAttribute("aria-pressed", String(keysOn()));
    button.querySelector("[data-keys-state]").textContent = keysOn() ? "on" : "off";
  };
  document.addEventListener("click", (event) => {
    const keys = event.target.closest("[data-keys-toggle]");
    if (keys) {
      localStorage.setItem(KEYS, keysOn() ? "off" : "on");
      showKeys(keys);
    }
    if (event.target.closest("[data-print]")) window.print();
  });

  /* Printing shows every sum. */
  window.addEventListener("beforeprint", () => {
    for (const fold of document.querySelectorAll("details.fold:not([open])")) {
      fold.dataset.opened = "1";
      fold.open = true;
    }
  });
  window.addEventListener("afterprint", () => {
    for (const fold of document.querySelectorAll("details[data-opened]")) {
      fold.open = false;
      delete fold.dataset.opened;
    }
  });

  /* Htmx: a list that is asked for after sign-out leads to the sign-in page, not into the list;
     the number of rows is said aloud. */
  document.addEventListener("htmx:beforeSwap", (event) => {
    const xhr = event.detail.xhr;
    const target = event.detail.target;
    if (!xhr.responseText.includes(`id="${target.id}"`)) {
      event.detail.shouldSwap = false;
      window.location.assign(xhr.responseURL || window.location.href);
    }
  });
  document.addEventListener("htmx:afterSwap", () => {
    const said = document.getElementById("board-said");
    const board = document.getElementById("board");
    if (said && board) said.textContent = board.dataset.said;
  });
  for (const name of ["htmx:sendError", "htmx:responseError"]) {
    document.addEventListener(name, () => {
      const said = document.getElementById("board-said");
      if (!said) return;
      said.className = "note stop";
      said.textContent = "The list could not be fetched. What you see is as it was; reload the page.";
    });
  }

  document.addEventListener("DOMContentLoaded", () => {
    for (const input of document.querySelectorAll("[data-echo]")) echo(input);
    for (const button of document.querySelectorAll("[data-keys-toggle]")) showKeys(button);
    unfold();
    const focus = document.querySelector("[data-focus]");
    if (focus) focus.focus();
    /* A list left open all morning says so. */
    const aged = document.querySelector("[data-aged]");
    if (aged) window.setTimeout(() => { aged.hidden = false; }, Number(aged.dataset.minutes) * 60000);
  });
})();
