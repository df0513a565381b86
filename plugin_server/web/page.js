// The page: sends the form to /v1/colorize and shows what comes back.

const byId = (id) => document.getElementById(id);

/** Headers of a request; the token is only asked for where the server needs one. */
function headers(extra = {}) {
  const token = byId("token").value.trim();
  return token ? { ...extra, Authorization: `Bearer ${token}` } : extra;
}

/** The server's words for a refusal. */
async function explain(response) {
  if (response.status === 401) {
    byId("token-row").hidden = false;
    byId("token").focus();
  }
  try {
    return (await response.json()).detail;
  } catch {
    return `The server answered ${response.status} ${response.statusText}.`;
  }
}

/** Notices travel percent-encoded, separated by commas. */
function notices(response) {
  const header = response.headers.get("Photochrom-Notice");
  return header ? header.split(",").map((notice) => decodeURIComponent(notice.trim())) : [];
}

let shown = null;

function show(blob, name) {
  if (shown) URL.revokeObjectURL(shown);
  shown = URL.createObjectURL(blob);
  byId("picture").src = shown;
  byId("download").href = shown;
  byId("download").download = `${name.replace(/\.[^.]*$/, "")}-color.png`;
  byId("result").hidden = false;
}

async function colorize(event) {
  event.preventDefault();
  const photo = byId("photo").files[0];
  const form = new FormData();
  form.append("image", photo);
  form.append("description", byId("description").value);
  byId("error").textContent = "";
  byId("status").textContent = "Colouring...";
  byId("colorize").disabled = true;
  try {
    const started = performance.now();
    const response = await fetch("/v1/colorize", {
      method: "POST",
      body: form,
      headers: headers({ Accept: "image/png" }), // browsers cannot show TIFF
    });
    if (!response.ok) throw new Error(await explain(response));
    show(await response.blob(), photo.name);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    byId("status").textContent = [`Done in ${seconds} s.`, ...notices(response)].join(" ");
  } catch (error) {
    byId("status").textContent = "";
    byId("error").textContent =
      error instanceof TypeError ? "The server does not answer; is it still running?" : error.message;
  } finally {
    byId("colorize").disabled = false;
  }
}

async function showHealth() {
  try {
    const response = await fetch("/v1/health", { headers: headers() });
    if (!response.ok) throw new Error(await explain(response));
    const { version, device, models } = await response.json();
    byId("health").textContent =
      `Photochrom ${version} on ${device}: ${models.colorizer} with ${models.clip}.`;
  } catch (error) {
    byId("health").textContent = error.message;
  }
}

byId("form").addEventListener("submit", colorize);
byId("token").addEventListener("change", showHealth);
showHealth();
