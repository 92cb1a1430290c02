// Concepts that this visitor was taught or brought along. They live in this tab, and in the recipes that it sends.
studio.own = (() => {
  const KEPT = "studio-own", FAMILY = "own";
  const all = new Map(remembered());

  function remembered() {
    try {
      return JSON.parse(sessionStorage.getItem(KEPT)) ?? [];
    } catch {
      return [];
    }
  }

  function changed(change = null) {
    try {
      sessionStorage.setItem(KEPT, JSON.stringify([...all]));
    } catch {
      // It is not remembered, then.
    }
    join();
    studio.say("own", change);
  }

  // How a bank of the visitor's is called on the page.
  const called = (bank) => bank.slice(FAMILY.length + 1);

  function record(one) {
    return { ...studio.copy(studio.catalogue.intervention), concept: one.name, bank: one.key, coefficient: one.strength, monitor: studio.copy(studio.catalogue.monitor) };
  }

  // "Yours", among the families of the model that the concepts were taught to.
  function join() {
    const { catalogue } = studio;
    for (const bank of Object.keys(catalogue.banks)) if (!all.has(bank) && bank.startsWith(`${FAMILY}/`)) delete catalogue.banks[bank];
    catalogue.families = catalogue.families.filter((one) => !one.each);
    const fitting = [...all.values()].filter((one) => one.revision === catalogue.revision);
    if (!fitting.length) return;
    const each = Object.fromEntries(fitting.map((one) => [called(one.key), record(one)]));
    const banks = Object.fromEntries(fitting.map((one) => [called(one.key), one.key]));
    for (const one of fitting) catalogue.banks[one.key] = { family: FAMILY, method: "", heard: true, measured: null };
    catalogue.families.push({ name: FAMILY, word: "Yours", concepts: Object.keys(each), banks, each, intervention: Object.values(each)[0] });
  }

  // One more: {name, bank: its text, strength}. Another of the same name gets a number.
  function add(given) {
    const known = [...all.values()].find((one) => one.bank === given.bank);
    if (known) return known;
    let key = given.key ?? `${FAMILY}/${given.name}`;
    for (let n = 2; all.has(key); n++) key = `${FAMILY}/${given.name} ${n}`;
    const one = { ...given, key, revision: studio.catalogue.revision };
    all.set(key, one);
    changed();
    return one;
  }

  // What a recipe carries becomes the visitor's; where another has its name already, the recipe goes by a new one.
  function learn(recipe) {
    const now = { ...recipe, interventions: recipe.interventions.map((one) => ({ ...one })) };
    for (const one of now.interventions) {
      const text = recipe.banks?.[one.bank];
      if (!text?.includes(".") || !one.bank.startsWith(`${FAMILY}/`)) continue;
      const kept = add({ name: one.concept, bank: text, strength: Math.abs(one.coefficient) || 0.06 });
      one.bank = kept.key;
    }
    now.banks = { ...recipe.banks, ...carried(now.interventions) };
    for (const name of Object.keys(now.banks)) if (!now.interventions.some((one) => one.bank === name)) delete now.banks[name];
    return now;
  }

  // What a recipe of these interventions carries.
  function carried(interventions) {
    return Object.fromEntries(interventions.filter((one) => all.has(one.bank)).map((one) => [one.bank, all.get(one.bank).bank]));
  }

  function forget(key) {
    all.delete(key);
    changed({ key });
  }

  // The same concept as text of another name; what uses it is told.
  function rename(key, given) {
    all.delete(key);
    const now = add(given);
    changed({ key, now });
  }

  return { all, add, learn, carried, forget, rename, join, called, record };
})();
