// Taking things away: files and the clipboard.

const KEPT = 60_000; // milliseconds that a browser gets to fetch a blob it saves

/** Save a blob under a name. */
export function saveBlob(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), KEPT);
}

/** Copy a text; where the browser does not allow it, show it for copying by hand: false. */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    document.getElementById("copy-text").value = text;
    document.getElementById("copy-dialog").showModal();
    document.getElementById("copy-text").select();
    return false;
  }
}
