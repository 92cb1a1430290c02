// Knobs of a MIDI controller: each is learned by a press on 'learn' and a turn of the knob.
class Knobs {
  static kept = "studio-knobs";

  // onturn(name, share): a knob that belongs to a name stands at -1 to 1; 64 of 0 to 127 is 0 exactly.
  constructor(onturn, onlearned) {
    this.onturn = onturn;
    this.onlearned = onlearned;
    this.learning = null;
    this.names = new Map(Knobs.remembered());
  }

  static remembered() {
    try {
      return JSON.parse(localStorage.getItem(Knobs.kept)) ?? [];
    } catch {
      return [];
    }
  }

  static share(value) {
    return value <= 64 ? (value - 64) / 64 : (value - 64) / 63;
  }

  // Says what is there, in words.
  async open() {
    if (!navigator.requestMIDIAccess) throw new Error("This browser has no Web MIDI: Chrome, Edge and Firefox have it.");
    try {
      this.access = await navigator.requestMIDIAccess();
    } catch {
      throw new Error("The browser did not let this page use MIDI: allow it beside the page's address.");
    }
    const plug = () => {
      for (const input of this.access.inputs.values()) input.onmidimessage = ({ data }) => this.turned(data);
    };
    this.access.onstatechange = plug;
    plug();
    const names = [...this.access.inputs.values()].map((one) => one.name);
    return names.length ? `MIDI: ${names.join(", ")}. Press 'learn' at a fader, then turn a knob.` : "No MIDI controller is plugged in: plug one in and turn a knob.";
  }

  // A control change: channel, controller, 0 to 127.
  turned([status, controller, value]) {
    if ((status & 0xf0) !== 0xb0) return;
    const knob = `${status & 15}/${controller}`;
    if (this.learning !== null) {
      for (const [known, name] of this.names) if (name === this.learning) this.names.delete(known);
      this.names.set(knob, this.learning);
      this.learning = null;
      this.remember();
      this.onlearned(controller);
    }
    const name = this.names.get(knob);
    if (name !== undefined) this.onturn(name, Knobs.share(value));
  }

  remember() {
    try {
      localStorage.setItem(Knobs.kept, JSON.stringify([...this.names]));
    } catch {
      // It is not remembered, then.
    }
  }

  of(name) {
    for (const [knob, known] of this.names) if (known === name) return knob.split("/")[1];
    return null;
  }
}
