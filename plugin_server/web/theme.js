// Sets the theme before the first paint; a classic script, since modules wait for the whole page.
{
  const stored = (() => {
    try {
      return localStorage.getItem("photochrom-theme");
    } catch {
      return null; // storage is switched off: the system's theme it is
    }
  })();
  if (stored === "light" || stored === "dark") document.documentElement.dataset.theme = stored;
}
