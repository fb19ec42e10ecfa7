"use strict";
/* The list of models: those for patients first, toys apart, and the one that suits a sample. */
function showModels() {
  const kept = at("model").value, groups = [["For images of patients and animals", false], ["Trained on digital hearts; not for patients", true]];
  at("model").replaceChildren(...groups.flatMap(([name, isToy]) => {
    const own = setup.models.filter((model) => !!model.toy === isToy);
    if (!own.length) return [];
    const group = document.createElement("optgroup");
    group.label = name;
    group.append(...own.map((model) => {
      const option = document.createElement("option");
      option.value = model.id;
      option.disabled = !!model.fault;
      option.textContent = model.name + (model.fault ? ` – ${model.fault}` : "");
      return option;
    }));
    return [group];
  }));
  const usable = setup.models.find((model) => model.id === kept) || setup.models.find((model) => !model.fault);
  if (usable) at("model").value = usable.id;
  at("noModels").hidden = !setup.no_models;
  at("noModels").textContent = setup.no_models;
  at("modelChoice").hidden = !!setup.no_models;
}

function showToy(model) {
  at("toy").hidden = !model.toy;
  at("toy").textContent = model.toy ? `A toy: ${model.toy}.` : "";
}

/* Selects the model that suits a sample, or says where one comes from. */
function chooseFor(sample) {
  const { model, advice } = setup.samples.find(({ id }) => id === sample);
  if (model) { at("model").value = model; showModel(); }
  at("sampleAdvice").hidden = !advice;
  at("sampleAdvice").textContent = advice;
}
