// The HTTP API, version 1: one function a call. Refusals are thrown as Refusal.

import { t } from "./texts.js";

const RETRIES = 6;

/** What the server refused; the message is its own explanation. */
export class Refusal extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

export const server = new EventTarget(); // "token" when one is needed, "busy" while it waits
let token = "";

export function setToken(value) {
  token = value.trim();
}

const wait = (seconds, signal) =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, seconds * 1000);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });

/** Send a request; a busy server (429, 503 with Retry-After) is asked again as it says. */
async function call(path, { method = "GET", fields, accept, signal, insists = true } = {}) {
  const headers = {};
  if (token) headers.Authorization = `Bearer ${token}`;
  if (accept) headers.Accept = accept;
  for (let attempt = 0; ; attempt++) {
    const body = fields === undefined ? undefined : formOf(fields);
    const response = await reach(path, { method, headers, body, signal });
    if (response.ok) return response;
    const pause = Number(response.headers.get("Retry-After"));
    const isBusy = response.status === 503 || (response.status === 429 && insists);
    if (isBusy && pause && attempt < RETRIES) {
      server.dispatchEvent(new CustomEvent("busy", { detail: { seconds: pause } }));
      await wait(pause, signal);
      continue;
    }
    if (response.status === 401) server.dispatchEvent(new Event("token"));
    throw new Refusal(await explain(response), response.status);
  }
}

async function reach(path, options) {
  try {
    return await fetch(path, options);
  } catch (error) {
    if (error instanceof TypeError) throw new Refusal(t("errorOffline"), 0); // no connection
    throw error;
  }
}

function formOf(fields) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    if (value === null || value === undefined || value === "") continue;
    if (value instanceof Blob) form.append(name, value, value.name ?? name);
    else form.append(name, String(value));
  }
  return form;
}

async function explain(response) {
  try {
    return (await response.json()).detail;
  } catch {
    return t("errorStatus", { status: `${response.status} ${response.statusText}` });
  }
}

/** A picture with what its headers say. Notices travel percent-encoded, separated by commas. */
async function pictureOf(response) {
  const notices = response.headers.get("Photochrom-Notice");
  const [, id, score] = /^\s*([\w-]+)\s*(?:;\s*score=([\d.]+))?/.exec(
    response.headers.get("Photochrom-Exemplar") ?? "",
  ) ?? [null, null, null];
  return {
    blob: await response.blob(),
    notices: notices ? notices.split(",").map((notice) => decodeURIComponent(notice.trim())) : [],
    exemplar: id,
    score: score === undefined || score === null ? null : Number(score),
    timing: response.headers.get("Server-Timing") ?? "",
  };
}

export const health = async () => (await call("/v1/health")).json();

export const colorize = async (fields, { accept, signal } = {}) =>
  pictureOf(await call("/v1/colorize", { method: "POST", fields, accept, signal }));

/** Keep a photo on the server for a while and return its id. */
export const keepImage = async (image, signal) =>
  (await (await call("/v1/images", { method: "POST", fields: { image }, signal })).json()).id;

export const suggestions = async (fields, signal) =>
  (await (await call("/v1/suggestions", { method: "POST", fields, signal })).json()).suggestions;

/** The things that the description names: [{phrase, color, found, box, mask, notice, ...}]. */
export const findThings = async (fields, signal) =>
  (await (await call("/v1/things", { method: "POST", fields, signal })).json()).things;

export const confidence = async (fields, signal) =>
  (await call("/v1/confidence", { method: "POST", fields, signal })).blob();

export const searchExemplars = async (fields, signal) =>
  (await (await call("/v1/exemplars/search", { method: "POST", fields, signal })).json()).results;

export const addExemplar = async (fields) =>
  (await call("/v1/exemplars", { method: "POST", fields })).json();

/** A picture of this server as a blob: an <img> could not send the token. */
export const fetchPicture = async (path, signal) => (await call(path, { signal })).blob();

/** Colour in the background: `onState` hears how far it is; aborting cancels it on the server. */
export async function colorizeInBackground(fields, { accept, signal, onState }) {
  const response = await call("/v1/jobs", { method: "POST", fields, accept, signal });
  const place = response.headers.get("Location") ?? `/v1/jobs/${(await response.json()).id}`;
  const path = new URL(place, location.href).pathname;
  const cancel = () => call(path, { method: "DELETE" }).catch(() => null); // it may be over already
  signal?.addEventListener("abort", cancel);
  try {
    const state = await follow(path, signal, onState);
    if (state.state === "cancelled") throw new DOMException(t("statusCancelled"), "AbortError");
    if (state.state === "failed") {
      throw new Refusal(t("errorJob", { reason: describe(state.error) }), 500);
    }
    return await pictureOf(await call(`${path}/result`, { accept, signal }));
  } finally {
    signal?.removeEventListener("abort", cancel);
  }
}

const describe = (error) => (typeof error === "string" ? error : (error?.detail ?? ""));
const isOver = ({ state }) => state !== "queued" && state !== "running";

/** Read the job's server-sent events to the end; where there are none, ask for the state. */
async function follow(path, signal, onState) {
  for (;;) {
    const events = await eventsFor(path, signal);
    for await (const state of events ? eventsOf(events) : []) {
      onState(state);
      if (isOver(state)) return state;
    }
    const state = await (await call(path, { signal })).json();
    onState(state);
    if (isOver(state)) return state;
    await wait(0.5, signal);
  }
}

/** The stream of a job's events; null where as many programs follow jobs as the server allows. */
async function eventsFor(path, signal) {
  try {
    const accept = "text/event-stream";
    return (await call(`${path}/events`, { accept, signal, insists: false })).body;
  } catch (error) {
    if (error.status === 429) return null;
    throw error;
  }
}

async function* eventsOf(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      text += value.replaceAll("\r\n", "\n");
      const events = text.split("\n\n");
      text = events.pop();
      for (const event of events) {
        const data = event.split("\n").filter((line) => line.startsWith("data:"));
        if (data.length) yield JSON.parse(data.map((line) => line.slice(5)).join("\n"));
      }
    }
  } finally {
    reader.cancel().catch(() => null); // the connection may be gone
  }
}
