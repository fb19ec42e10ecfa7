"use strict";
/* The session of this page: taken up again after a reload or a crash of the browser. */
const HERE_MS = 30000, RELOADED_MS = 2000, OWN = "session";

/* Whether no other page has a session: the browser keeps the lock while this page lives. */
function hold(name, waits) {
  if (!navigator.locks) return Promise.resolve(true);
  const options = waits ? { signal: AbortSignal.timeout(RELOADED_MS) } : { ifAvailable: true };
  return new Promise((done) => {
    const held = (lock) => { done(!!lock); return lock ? new Promise(() => {}) : null; };
    navigator.locks.request(`cmrseg ${name}`, options, held).catch(() => done(false));
  });
}

/* The setup of the session that this page had, else of one that a closed page left, else of a new one. */
async function openSession() {
  const { sessions } = await call("/api/kept"), own = sessionStorage.getItem(OWN);
  const names = [...sessions.filter((name) => name === own), ...sessions.filter((name) => name !== own)];
  let opened = null;
  for (const name of names) {
    /* The page before a reload may still have it for a moment. */
    if (!(await hold(name, name === own))) continue;
    opened = await call("/api/open", { session: name }).catch(() => null);
    if (opened) break;
  }
  if (!opened) {
    opened = await call("/api/open", {});
    await hold(opened.session, false);
  }
  sessionStorage.setItem(OWN, opened.session);
  return opened;
}

function listenToSession() {
  setInterval(() => fetch(`${base}/here`, { method: "POST" }).catch(() => {}), HERE_MS);
  at("deleteAll").onclick = async () => {
    if (image && !(await ask("Delete the images and everything made of them?", "Delete"))) return;
    saved();
    await attempt(async () => {
      await call(`${base}/close`, {});
      sessionStorage.removeItem(OWN);
      location.reload();
    });
  };
  window.addEventListener("beforeunload", (event) => { if (isUnsaved() || (untaken && editedCount())) event.preventDefault(); });
  window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
}

/* Asks before something is lost; true if it shall be done. */
function ask(question, word) {
  const dialog = at("asked");
  at("askedWhat").textContent = question;
  at("askedYes").textContent = word;
  at("askedYes").onclick = () => dialog.close("yes");
  at("askedNo").onclick = () => dialog.close("");
  dialog.returnValue = "";
  dialog.showModal();
  at("askedNo").focus();
  return new Promise((done) => { dialog.onclose = () => done(dialog.returnValue === "yes"); });
}
