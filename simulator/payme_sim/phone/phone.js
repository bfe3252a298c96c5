// The phone page: asks the simulator how one phone stands, and passes on what the person does.
// State lives in the simulator; this file only draws it. Nothing is drawn from text as markup.
"use strict";

const POLL_MILLISECONDS = 700;
const FRIENDLY = {
  "1": "Not paid: not enough money on this phone.",
  "17": "Not paid: the same amount was paid less than 2 minutes ago.",
  "1032": "Cancelled. Nothing was paid.",
  "1037": "Not answered in time. Nothing was paid.",
  "2001": "Wrong PIN. Nothing was paid.",
};
const REJECTED = {
  C2B00011: "Not paid: the shop does not take this phone.",
  C2B00012: "Not paid: the shop does not know this account number.",
  C2B00013: "Not paid: the shop does not take this amount.",
};

const find = (id) => document.getElementById(id);
const chosen = chosenNumber();
let drawnPrompt = null;
let drawnMessages = "";
let drawnPhones = "";

function chosenNumber() {
  const match = /^\/phone\/(254[17]\d{8})$/.exec(location.pathname);
  return match ? match[1] : null;
}

function normalised(text) {
  const digits = text.replace(/\D/g, "");
  const local = digits.startsWith("254") ? digits.slice(3) : digits.replace(/^0/, "");
  return /^[17]\d{8}$/.test(local) ? `254${local}` : null;
}

function spoken(msisdn) {
  return `0${msisdn.slice(3, 6)} ${msisdn.slice(6, 9)} ${msisdn.slice(9)}`;
}

function element(tag, text = "", attributes = {}) {
  const made = document.createElement(tag);
  made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

async function ask(path, body) {
  const options = body ? { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) } : {};
  const answer = await fetch(path, options);
  return answer.json();
}

function drawPhones(phones) {
  const known = JSON.stringify(phones);
  if (known === drawnPhones) return;
  drawnPhones = known;
  find("no-phones").hidden = phones.length > 0;
  find("phones").replaceChildren(...phones.map(({ msisdn, waiting }) => {
    const link = element("a", spoken(msisdn), { href: `/phone/${msisdn}` });
    if (msisdn === chosen) link.setAttribute("aria-current", "page");
    if (waiting) link.append(element("span", "asks to pay", { class: "waiting" }));
    const item = element("li");
    item.append(link);
    return item;
  }));
}

function drawPrompt(prompt) {
  const place = find("prompt-place");
  if (!prompt) {
    if (drawnPrompt) find("handset").focus({ preventScroll: true });
    place.replaceChildren();
    find("announcement").textContent = "";
    drawnPrompt = null;
    return;
  }
  if (drawnPrompt !== prompt.id) {
    drawnPrompt = prompt.id;
    place.replaceChildren(newPrompt(prompt));
    find("announcement").textContent = prompt.text;
    find("pin").focus({ preventScroll: true });
  }
  place.querySelector("progress").value = prompt.seconds_left;
  place.querySelector(".seconds").textContent = `${prompt.seconds_left} s left`;
}

function newPrompt(prompt) {
  const form = find("prompt-template").content.firstElementChild.cloneNode(true);
  const pin = form.querySelector("#pin");
  form.querySelector(".question").textContent = prompt.text;
  form.querySelector(".note").textContent = prompt.waits_for_person ? "" : "This number answers by itself in a moment.";
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    answer(form, prompt.id, { action: "pin", pin: pin.value });
  });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Escape") answer(form, prompt.id, { action: "cancel" });
  });
  form.addEventListener("click", (event) => {
    const { digit, action } = event.target.dataset;
    if (digit && pin.value.length < 4) pin.value += digit;
    if ("erase" in event.target.dataset) pin.value = pin.value.slice(0, -1);
    if (action) answer(form, prompt.id, { action });
  });
  return form;
}

async function answer(form, promptId, decision) {
  for (const button of form.querySelectorAll("button")) button.disabled = true;
  try {
    await ask(`/_sim/prompts/${promptId}/answer`, decision);
    await draw();
  } catch {
    find("trouble").hidden = false;
    for (const button of form.querySelectorAll("button")) button.disabled = false;
  }
}

function drawResult(last, isAsking) {
  const result = find("result");
  const text = last && !isAsking ? resultText(last) : "";
  result.hidden = text === "";
  result.className = `result ${last && last.code === "0" ? "paid" : "failed"}`;
  if (result.textContent !== text) result.textContent = text;
}

function resultText(last) {
  if (last.code === "0") return `Paid KES ${last.amount.toLocaleString("en-KE")}.`;
  return FRIENDLY[last.code] ?? `Not paid: ${last.text} (${last.code})`;
}

function drawMessages(messages) {
  const known = messages.map(({ receipt }) => receipt).join();
  find("no-messages").hidden = messages.length > 0;
  find("no-messages").textContent = "No messages on this phone yet.";
  if (known === drawnMessages) return;
  drawnMessages = known;
  find("messages").replaceChildren(...messages.map(({ text, at }) => {
    const item = element("li");
    const head = element("b", "Simulated SMS");
    head.append(element("span", at));
    item.append(head, document.createTextNode(text));
    return item;
  }));
}

async function payByHand(form) {
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    const order = { msisdn: chosen, shortcode: find("payee").value, amount: Number(find("amount").value), reference: find("account").value };
    drawPaidByHand(await ask("/_sim/pay", order));
    await draw();
  } catch {
    find("trouble").hidden = false;
  } finally {
    button.disabled = false;
  }
}

function drawPaidByHand({ paid, code, name, amount_cents: cents, error }) {
  const place = find("paid-by-hand");
  const failure = () => FRIENDLY[code] ?? REJECTED[code] ?? `Not paid (${code})`;
  place.hidden = false;
  place.className = `result ${paid ? "paid" : "failed"}`;
  if (error) place.textContent = "No such till or paybill here.";
  else place.textContent = paid ? `Paid KES ${(cents / 100).toLocaleString("en-KE")} to ${name}.` : failure();
}

async function draw() {
  const { phones } = await ask("/phone/state");
  drawPhones(phones);
  if (!chosen) return;
  const phone = await ask(`/phone/state/${chosen}`);
  find("time").textContent = phone.time;
  drawPrompt(phone.prompts[0]);
  drawResult(phone.last, phone.prompts.length > 0);
  drawMessages(phone.messages);
}

async function keepDrawing() {
  try {
    await draw();
    find("trouble").hidden = true;
  } catch {
    find("trouble").hidden = false;
  }
  setTimeout(keepDrawing, POLL_MILLISECONDS);
}

async function drawOutcomes() {
  const outcomes = await ask("/_sim/outcomes");
  const suffixes = Object.keys(outcomes).sort();
  find("outcomes").replaceChildren(...suffixes.map((suffix) => {
    const row = element("tr");
    row.append(element("td", suffix), element("td", outcomes[suffix]));
    return row;
  }));
}

find("open-number").addEventListener("submit", (event) => {
  event.preventDefault();
  const msisdn = normalised(find("number").value);
  if (msisdn) location.assign(`/phone/${msisdn}`);
  else find("number-hint").textContent = "Write a Kenyan mobile number, such as 0711 222 355.";
});

find("pay").addEventListener("submit", (event) => {
  event.preventDefault();
  payByHand(event.currentTarget);
});

if (chosen) {
  find("by-hand").hidden = false;
  find("owner").textContent = spoken(chosen);
  document.title = `${spoken(chosen)} · Phone simulator`;
  document.body.classList.add("chosen");
}
find("suffixes").open = matchMedia("(min-width: 62rem)").matches;
drawOutcomes().catch(() => { find("trouble").hidden = false; });
keepDrawing();
