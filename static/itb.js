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

  /* What could not be done, said in place; what was typed stays. An answer that is not the one that
     was asked for (a fault, the sign-in page) never replaces the page. */
  const kept = "What you typed is still here.";
  const note = (what, why, signIn) => {
    const box = document.createElement("div");
    box.className = "note stop";
    box.dataset.failed = "";
    box.setAttribute("role", "alert");
    box.append(`${what}: ${why}. ${kept} `);
    if (signIn) {
      const link = document.createElement("a");
      const here = window.location.pathname + window.location.search;
      link.href = `${signIn}?next=${encodeURIComponent(here)}`;
      link.target = "_blank";
      link.textContent = "Sign in in another tab";
      box.append(link, ", then go on here.");
    }
    return box;
  };
  const session = () => document.querySelector("meta[name=itb-session]");
  const signedOut = "you are no longer signed in";
  /* After signing in elsewhere the pages that are open carry the wrong token. */
  const renew = async () => {
    const answer = await fetch(session().content, {
      redirect: "manual", cache: "no-store", signal: AbortSignal.timeout(10000),
    });
    if (answer.type === "opaqueredirect") return signedOut;
    if (!answer.ok) return `the server answered with a fault (${answer.status})`;
    const token = await answer.text();
    for (const field of document.querySelectorAll("[name=csrfmiddlewaretoken]")) field.value = token;
    return "";
  };

  /* A form is sent once, and only while somebody is signed in: afterwards the sign-in page would
     stand in its place, and what was typed would be gone. */
  const send = async (form, button) => {
    let why;
    try {
      why = await renew();
    } catch {
      why = "the server could not be reached";
    }
    delete form.dataset.sent;
    for (const old of form.querySelectorAll("[data-failed=send]")) old.remove();
    if (!why) {
      form.dataset.checked = "1";
      form.requestSubmit(button);
      return;
    }
    const box = note("Nothing was saved", why, why === signedOut && session().dataset.signIn);
    box.dataset.failed = "send";
    const actions = button?.closest(".form-actions") || form.querySelector(".form-actions");
    if (actions) actions.before(box);
    else form.append(box);
    box.scrollIntoView({ block: "center" });
  };
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.hasAttribute("hx-post") || form.method !== "post" || event.defaultPrevented) return;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "1";
    const account = (form.getAttribute("action") || "").startsWith("/accounts/");
    if (!session() || account || form.dataset.checked) {
      delete form.dataset.checked;
      return;
    }
    event.preventDefault();
    send(form, event.submitter);
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

  /* Htmx. Old figures beside newly typed values are dimmed after a second, and go when the new ones
     do not come. */
  const waiting = new Map();
  const settled = (target) => {
    window.clearTimeout(waiting.get(target.id));
    waiting.delete(target.id);
    document.getElementById(target.id)?.removeAttribute("aria-busy");
  };
  const clearFailed = () => {
    for (const old of document.querySelectorAll("[data-failed]")) old.remove();
  };
  const COMPUTED = /^(to|rate|flow|total)-\d/;
  const failed = (target, why, signIn) => {
    settled(target);
    target.inert = false;
    clearFailed();
    /* Fields stay, with what is typed in them; the table of steps is nothing but fields. */
    const fields = "input:not([type=hidden]), textarea, select, [name=accepted]";
    for (const part of target.id === "steps" ? [] : [...target.children]) {
      if (!part.matches(fields) && !part.querySelector(fields)) part.remove();
    }
    for (const span of document.querySelectorAll("#steps span[id]")) {
      if (COMPUTED.test(span.id)) span.textContent = "";
    }
    const what = target.id === "board" ? "The list could not be fetched" : "This could not be computed";
    target.prepend(note(what, why, signIn));
  };
  /* An answer knows what was sent, not what was typed since: what a person typed last stays in its
     field, and the caret where it was. Rows of the table of steps change places with an answer, so
     nothing can be typed into it while one is on its way. */
  const TYPED = "textarea[id], input[id]:not([type=checkbox], [type=radio], [type=hidden])";
  const typed = new Map();
  let caret = null;
  document.addEventListener("input", (event) => {
    if (event.target.matches(TYPED)) typed.set(event.target.id, event.target.value);
  });
  const rememberCaret = (target) => {
    const field = document.activeElement;
    caret = target.contains(field) && field.matches(TYPED)
      ? { id: field.id, from: field.selectionStart, to: field.selectionEnd } : null;
  };
  const keepTyped = (target) => {
    if (!target || target.id === "steps") return;
    for (const field of target.querySelectorAll(TYPED)) {
      if (typed.has(field.id) && field.value !== typed.get(field.id)) field.value = typed.get(field.id);
    }
    const field = caret && document.getElementById(caret.id);
    if (!field || !target.contains(field)) return;
    field.focus();
    if (caret.from !== null) field.setSelectionRange(caret.from, caret.to);
  };
  document.addEventListener("htmx:beforeSend", (event) => {
    if (event.detail.target.id === "steps") event.detail.target.inert = true;
  });
  document.addEventListener("htmx:beforeSend", (event) => {
    const { id } = event.detail.target;
    if (!id || waiting.has(id)) return;
    const late = () => document.getElementById(id)?.setAttribute("aria-busy", "true");
    waiting.set(id, window.setTimeout(late, 1000));
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr, target } = event.detail;
    if (xhr.status < 400 && xhr.responseText.includes(`id="${target.id}"`)) {
      settled(target);
      clearFailed();
      rememberCaret(target);
      return;
    }
    event.detail.shouldSwap = false;
    const at = new URL(xhr.responseURL || window.location.href).pathname;
    const out = at.startsWith("/accounts/");
    const refused = "you may not do this, or signed in anew since the page was opened";
    const why = out ? signedOut
      : xhr.status === 403 ? refused
      : xhr.status === 404 ? "the record is not there any more, or you may not see it"
      : `the server answered with a fault (${xhr.status})`;
    failed(target, why, out && at);
    /* Signed in anew in another tab: the next try carries the new token. */
    if (xhr.status === 403 && session()) renew().catch(() => {});
  });
  document.addEventListener("htmx:sendError", (event) => {
    failed(event.detail.target, "the server could not be reached");
  });
  document.addEventListener("htmx:timeout", (event) => {
    failed(event.detail.target, "the server did not answer in time");
  });
  /* Back from the tab in which one signed in: the figures are asked for again. */
  window.addEventListener("focus", async () => {
    if (!document.querySelector("[data-failed] a") || !session()) return;
    if (await renew().catch(() => "not yet")) return;
    clearFailed();
    const form = document.querySelector("#visit, .book-grid form");
    if (form) form.dispatchEvent(new Event("input", { bubbles: true }));
    document.getElementById("book_day")?.dispatchEvent(new Event("change", { bubbles: true }));
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    const swapped = document.getElementById(event.detail.target.id);
    keepTyped(swapped);
    /* Figures that were asked for before the rows changed may still come: the last word is theirs
       that are asked for now. */
    if (swapped?.id === "steps") swapped.dispatchEvent(new Event("input", { bubbles: true }));
    const said = document.getElementById("board-said");
    const board = document.getElementById("board");
    if (said && board) said.textContent = board.dataset.said;
  });

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
