// The control page: every button is a request to the control API beside it.

const AFTER_TYPING = 250;
const EVERY_SECOND = 1000;
const SHOWN_REQUESTS = 60;
const SHOWN_EVENTS = 30;

const byId = (id) => document.getElementById(id);

function made(tag, text = "", className = "") {
  const element = document.createElement(tag);
  element.textContent = text;
  if (className) element.className = className;
  return element;
}

async function ask(path, body) {
  let answer;
  try {
    const options = body === undefined ? {} : { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
    answer = await fetch(path, options);
  } catch {
    throw new Error("The simulator does not answer. Is it still running?");
  }
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.error);
  return told;
}

// What a form says

const conversions = {
  number: Number,
  percent: (text) => Number(text) / 100,
  hours: (text) => Number(text) * 3600,
  days: (text) => Number(text) * 86400,
  day: (text) => `${text}T00:00:00Z`,
  moment: (text) => `${text}Z`.replace(/T(\d\d:\d\d)Z$/, "T$1:00Z"),
};

function bodyOf(form) {
  const body = {};
  for (const field of form.elements) {
    if (!field.name) continue;
    const place = field.dataset.in ? (body[field.dataset.in] ??= {}) : body;
    if (field.type === "checkbox") place[field.name] = field.checked;
    else if (field.value.trim()) place[field.name] = (conversions[field.dataset.as] ?? String)(field.value.trim());
  }
  if (form.id === "fault-form" && byId("only-chosen").checked) (body.setting ??= {}).serials = chosen();
  return body;
}

function chosen() {
  return [...new Set(byId("chosen").value.toUpperCase().split(/[\s,;]+/).filter(Boolean))];
}

function needsChosen(form, button) {
  return form.dataset.chosen || (form.id === "fault-form" && byId("only-chosen").checked && !("bare" in button.dataset));
}

function requestsOf(form, button) {
  const bare = "bare" in button.dataset;
  const body = bare || !form.dataset.action ? {} : bodyOf(form);
  if (button.dataset.seconds) body.by_seconds = Number(button.dataset.seconds);
  if (form.dataset.chosen === "list") return [{ ...body, serials: chosen() }];
  if (form.dataset.chosen !== "each") return [body];
  // Another button of the form takes another action, which knows nothing of the form's fields.
  const fields = button.dataset.action ? {} : body;
  return chosen().map((serial) => ({ ...fields, serial }));
}

// Taking an action, and saying what came of it

function happened(text, refused) {
  byId("nothing-happened").hidden = true;
  const item = made("li", "", refused ? "refused" : "");
  item.append(made("time", new Date().toLocaleTimeString()), ` ${refused ? "Refused: " : ""}${text}`);
  byId("happened").prepend(item);
  while (byId("happened").children.length > SHOWN_EVENTS) byId("happened").lastChild.remove();
}

function say(output, lines, refused) {
  output.textContent = lines.join("\n");
  output.classList.toggle("refused", refused);
}

async function take(form, button) {
  const output = form.querySelector("output");
  if (needsChosen(form, button) && !chosen().length) {
    say(output, ["Choose a device first: look for one above, or write its serial number under “Chosen devices”."], true);
    byId("chosen").focus();
    return;
  }
  const action = button.dataset.action ?? form.dataset.action;
  const lines = [];
  let refused = false;
  button.disabled = true;
  say(output, ["…"], false);
  for (const body of requestsOf(form, button)) {
    try {
      const told = await ask(action, body);
      lines.push(told.sentence);
      happened(told.sentence, false);
    } catch (error) {
      refused = true;
      lines.push(`Refused: ${error.message}`);
      happened(error.message, true);
    }
  }
  button.disabled = false;
  button.focus();
  say(output, lines, refused);
  watch.now();
}

for (const form of document.querySelectorAll("form:not(#search)")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    take(form, event.submitter ?? form.querySelector("button"));
  });
}

// Finding devices

function foundDevice(device) {
  const item = made("li");
  const words = made("div");
  const told = [
    [device.model, device.capacity, device.color.toLowerCase()].filter(Boolean).join(", "),
    device.coverage,
    device.released ? `released ${device.released.slice(0, 10)}` : (device.server ?? "not assigned"),
    device.replaces && `replaces ${device.replaces}`,
    device.replaced_by && `replaced by ${device.replaced_by}`,
    device.order_number && `order ${device.order_number}`,
  ];
  words.append(made("span", device.serial, "serial"), made("p", told.filter(Boolean).join(" · "), "quiet"));
  const button = made("button", "Choose");
  button.type = "button";
  button.setAttribute("aria-label", `Choose ${device.serial}`);
  button.addEventListener("click", () => {
    byId("chosen").value = [...new Set([...chosen(), device.serial])].join("\n") + "\n";
    byId("found-state").textContent = `${device.serial} is chosen: ${chosen().length} in all.`;
  });
  item.append(words, button);
  return item;
}

let latestSearch = 0;

async function look(path, none) {
  const search = ++latestSearch;
  byId("found-state").textContent = "Looking …";
  try {
    const told = await ask(path);
    if (search !== latestSearch) return;
    byId("found").replaceChildren(...told.devices.map(foundDevice));
    byId("found-state").textContent = stateOf(told, none);
  } catch (error) {
    if (search !== latestSearch) return;
    byId("found").replaceChildren();
    byId("found-state").textContent = error.message;
  }
}

function stateOf(told, none) {
  const many = told.devices.length;
  const found = many ? `${many} ${many === 1 ? "device" : "devices"}.` : none;
  if (told.complete ?? true) return found;
  return `${found} A part of a serial number is looked for among the first ${told.looked_at.toLocaleString()} devices and those added later; a whole one among all.`;
}

let typing;
byId("serial").addEventListener("input", () => {
  clearTimeout(typing);
  const written = byId("serial").value.trim();
  if (written.length < 2) {
    latestSearch += 1;
    byId("found").replaceChildren();
    byId("found-state").textContent = "Type at least two characters, or take examples.";
    return;
  }
  typing = setTimeout(() => look(`find?serial=${encodeURIComponent(written)}`, "No such device."), AFTER_TYPING);
});
byId("search").addEventListener("submit", (event) => event.preventDefault());
byId("examples").addEventListener("click", (event) => {
  const of = event.target.dataset.of;
  if (of) look(`examples?of=${of}`, "There are none.");
});
byId("empty-chosen").addEventListener("click", () => {
  byId("chosen").value = "";
  byId("chosen").focus();
});

// Watching

const titles = { school: "Simulated Apple School Manager", business: "Simulated Apple Business" };

function showState(state) {
  byId("title").textContent = document.title = titles[state.kind];
  byId("state-devices").textContent = state.devices.toLocaleString();
  const clock = `${state.now.slice(0, 16).replace("T", " ")} UTC`;
  byId("state-clock").textContent = clock + (state.is_clock_stopped ? ", stands still" : state.is_clock_turned ? ", turned" : "");
  byId("state-key").textContent = state.is_key_revoked ? "Revoked" : "Good";
  const limit = state.rate_limit;
  byId("state-limit").textContent = limit ? `${limit.rate} a second, ${limit.burst} at once` : "None";
  byId("state-due").textContent = state.due ? `${state.due}, the next ${state.next_due.slice(0, 16).replace("T", " ")} UTC` : "Nothing";
  showFaults(state.faults);
}

let shownFaults = "";

function showFaults(faults) {
  const names = Object.keys(faults);
  byId("state-faults").textContent = names.length ? names.join(", ") : "None";
  const told = names.map((name) => [name, faults[name].struck]);
  if (JSON.stringify(told) === shownFaults) return;
  const focused = document.activeElement?.dataset?.fault;
  shownFaults = JSON.stringify(told);
  byId("active-faults").replaceChildren(...told.map(([name, struck]) => {
    const item = made("li");
    const button = made("button", "Switch off");
    button.type = "button";
    button.dataset.fault = name;
    button.setAttribute("aria-label", `Switch ${name} off`);
    button.addEventListener("click", () => switchOff(name));
    item.append(made("span", `${name}: struck ${struck} ${struck === 1 ? "time" : "times"}`), button);
    return item;
  }));
  if (focused) document.querySelector(`[data-fault="${focused}"]`)?.focus();
}

async function switchOff(fault) {
  const output = byId("fault-form").querySelector("output");
  try {
    const told = await ask("fault", { fault, on: false });
    say(output, [told.sentence], false);
    happened(told.sentence, false);
    byId("fault").focus();
  } catch (error) {
    say(output, [error.message], true);
  }
  watch.now();
}

const countNames = {
  most_at_once: "Most at once",
  too_early: "Too early after a 429",
  devices_listed: "Devices listed",
  coverage_devices: "Devices asked for coverage",
  coverage_repeated: "Of these, asked again",
  last_token_mistake: "Last mistake of a token request",
};

function showCounts(counts) {
  const asked = Object.entries(counts.requests).filter(([, count]) => count).map(([kind, count]) => [`Requests: ${kind.replaceAll("_", " ")}`, count]);
  const answered = Object.entries(counts.statuses).map(([status, count]) => [status === "0" ? "Dropped without an answer" : `Answers: ${status}`, count]);
  const others = Object.entries(countNames).map(([name, words]) => [words, counts[name] ?? "none"]);
  byId("counts").tBodies[0].replaceChildren(...[...asked, ...answered, ...others].map(([words, count]) => {
    const row = made("tr");
    const head = made("th", words);
    head.scope = "row";
    row.append(head, made("td", count.toLocaleString()));
    return row;
  }));
}

function showRequests(requests) {
  const rows = byId("requests").tBodies[0];
  rows.prepend(...requests.map((request) => {
    const row = made("tr");
    const answer = request.status === 0 ? "none" : String(request.status);
    row.append(made("td", new Date(request.at).toLocaleTimeString()), made("td", `${request.method} ${request.path}`), made("td", answer, request.status >= 400 || !request.status ? "failed" : ""));
    return row;
  }));
  while (rows.children.length > SHOWN_REQUESTS) rows.lastChild.remove();
  byId("requests").hidden = !rows.children.length;
  byId("no-requests").hidden = rows.children.length > 0;
}

const watch = {
  paused: false,
  last: 0,
  timer: 0,
  asking: false,

  async now() {
    clearTimeout(this.timer);
    if (this.asking) return;
    this.asking = true;
    try {
      const told = await ask(`watch?after=${this.last}`);
      byId("unreachable").hidden = true;
      showState(told.state);
      if (!this.paused) {
        showCounts(told.counts);
        showRequests(told.requests);
        this.last = told.requests[0]?.number ?? this.last;
      }
    } catch (error) {
      if (byId("unreachable").hidden) byId("unreachable").textContent = error.message;
      byId("unreachable").hidden = false;
    } finally {
      this.asking = false;
      this.timer = setTimeout(() => this.now(), EVERY_SECOND);
    }
  },
};

byId("pause").addEventListener("click", () => {
  watch.paused = !watch.paused;
  byId("pause").setAttribute("aria-pressed", String(watch.paused));
});

function option(value, text) {
  const made = document.createElement("option");
  made.value = value;
  made.textContent = text;
  return made;
}

async function offerChoices() {
  try {
    const choices = await ask("choices");
    byId("model").append(...choices.models.map((name) => option(name, name)));
    byId("change-server").append(...choices.servers.map((server) => option(server.id, server.name)));
    byId("fault").append(...choices.faults.map((fault) => option(fault.name, `${fault.name}: ${fault.meaning}`)));
  } catch (error) {
    byId("unreachable").textContent = error.message;
    byId("unreachable").hidden = false;
  }
}

offerChoices();
watch.now();
