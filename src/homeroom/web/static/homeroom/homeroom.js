// Small manners of every page; what a page does stands in its own markup.

// A form with data-once is sent once: its buttons rest while the answer is on its way.
document.addEventListener("submit", (event) => {
  if (!event.target.matches("form[data-once]")) return;
  for (const button of event.target.querySelectorAll("button[type=submit]")) {
    button.classList.add("btn-loading");
    setTimeout(() => { button.disabled = true; });
  }
});
window.addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("form[data-once] .btn-loading")) {
    button.disabled = false;
    button.classList.remove("btn-loading");
  }
});

// A button with data-confirm asks first.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-confirm]");
  if (button && !window.confirm(button.dataset.confirm)) event.preventDefault();
});

// A button with data-print prints the page.
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-print]")) window.print();
});

// A control with data-submit sends its form when it changes.
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
});

// An element with data-failed, inside what asked the server for a part of the page, tells that no answer came.
for (const [name, hidden] of [["beforeRequest", true], ["responseError", false], ["sendError", false], ["timeout", false]]) {
  document.addEventListener(`htmx:${name}`, (event) => {
    for (const note of event.target.querySelectorAll("[data-failed]")) note.hidden = hidden;
  });
}

// A form with data-scan is for one code after the other: it empties itself, and waits for the next.
document.addEventListener("htmx:beforeRequest", (event) => {
  if (!event.target.matches("form[data-scan]")) return;
  event.target.reset();
  event.target.querySelector("input:not([type=hidden])").focus();
});

// What comes of a scan has data-then-focus: unless it asks something itself, the cursor goes back there.
document.addEventListener("htmx:afterSettle", (event) => {
  const next = event.target.dataset?.thenFocus;
  if (next && !event.target.querySelector("form")) document.querySelector(next)?.focus();
});

// A form with data-choosing has boxes of that name, wherever they stand: one box ticks all, a number tells how many are.
function tellChosen(form, changed) {
  const boxes = [...form.elements].filter((each) => each.type === "checkbox" && each.name === form.dataset.choosing);
  const all = form.querySelector("[data-choose-all]");
  if (changed === all) for (const box of boxes) box.checked = all.checked;
  const chosen = boxes.filter((box) => box.checked).length;
  all.checked = chosen > 0 && chosen === boxes.length;
  all.indeterminate = chosen > 0 && chosen < boxes.length;
  form.querySelector("[data-chosen-number]").textContent = chosen;
  if (chosen > 0) form.dispatchEvent(new CustomEvent("chosen"));
}
document.addEventListener("change", (event) => {
  if (event.target.form?.matches("form[data-choosing]")) tellChosen(event.target.form, event.target);
});
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-choosing]")) tellChosen(form);
});
