"use strict";
/* The button that fetches the published networks: terms first, then progress, or what to do offline. */
const FETCH_POLL_MS = 400;
let networks = null, fetchTimer = null;

async function lookForNetworks() {
  networks = await call(`${base}/networks`);
  at("networks").hidden = !networks.missing.length && !networks.busy && !networks.fault;
  at("getNetworks").disabled = networks.busy;
  at("networksWork").hidden = !networks.busy;
  if (at("networksDoing").textContent !== networks.doing) at("networksDoing").textContent = networks.doing;
  at("networksPart").textContent = networks.part === null ? "" : `${Math.round(100 * networks.part)} %`;
  if (networks.part === null) at("networksProgress").removeAttribute("value"); else at("networksProgress").value = networks.part;
  at("networksFault").hidden = !networks.fault;
  at("networksFault").textContent = networks.fault;
  at("networksAdvice").replaceChildren(...networks.advice.map(item));
  return networks.busy;
}

async function followNetworks() {
  clearTimeout(fetchTimer);
  const before = networks ? networks.missing.length : 0;
  try {
    if (await lookForNetworks()) { fetchTimer = setTimeout(followNetworks, FETCH_POLL_MS); }
  } catch (error) { at("networksFault").hidden = false; at("networksFault").textContent = error.message; return; }
  if (networks.missing.length < before) await newModels();
}

/* The list with what was fetched; the network for short axes is selected. */
async function newModels() {
  const known = new Set(setup.models.map(({ id }) => id));
  Object.assign(setup, await call(`${base}/models`));
  showModels();
  const fresh = setup.models.find((model) => !known.has(model.id) && !model.fault && model.sequence === "sa");
  if (fresh) at("model").value = fresh.id;
  showModel();
}

function showTerms() {
  fill(at("termsFacts"), {
    networks: networks.missing.join(", "),
    "trained on": networks.trained_on.join("; "),
    from: `${networks.from} (${networks.size})`,
    reference: networks.references.join("; "),
  });
  at("termsText").replaceChildren(...networks.terms.map((text) => {
    const paragraph = document.createElement("p");
    paragraph.textContent = text;
    return paragraph;
  }));
  at("acceptTerms").textContent = `Accept and download ${networks.size}`;
  at("terms").showModal();
}

async function acceptTerms() {
  at("terms").close();
  try { await call(`${base}/networks`, { agreed: true }); } catch (error) { showFault(error.message); }
  await followNetworks();
}

function listenToFetching() {
  at("getNetworks").onclick = showTerms;
  at("acceptTerms").onclick = acceptTerms;
  at("refuseTerms").onclick = () => at("terms").close();
  attempt(followNetworks);
}
