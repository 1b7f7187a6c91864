/* A day that is offered fills in the date and the time; without script the server does it. */
(() => {
  "use strict";
  document.addEventListener("click", (event) => {
    const pick = event.target.closest("[data-pick]");
    if (!pick) return;
    const [day, time] = pick.value.split("T");
    const at = document.getElementById("book_time");
    const on = document.getElementById("book_day");
    if (!at || !on) return;
    event.preventDefault();
    at.value = time;
    on.value = day;
    on.dispatchEvent(new Event("input", { bubbles: true }));
    on.dispatchEvent(new Event("change", { bubbles: true }));
    on.focus();
  });
})();
