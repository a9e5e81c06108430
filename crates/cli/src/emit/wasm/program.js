// Written by Tacit; changes made here are lost.

/** What the program is called. */
export const name = @NAME@;

/** What it takes: for each input its name, type, shape and what its numbers mean. */
export const inputs = @INPUTS@;

/** What it gives: for each output its name, type, shape and labels. */
export const outputs = @OUTPUTS@;

const ADDRESSES = @ADDRESSES@;

/**
 * Loads the program from bytes or an address; by default from the file beside this module.
 * Every program that is loaded has a memory of its own.
 */
export async function load(source = new URL(@FILE@, import.meta.url)) {
  let bytes = source;
  if (typeof source === "string" || source instanceof URL) {
    const response = await fetch(source);
    if (!response.ok) throw new Error(`${source} cannot be loaded: ${response.status} ${response.statusText}`);
    bytes = await response.arrayBuffer();
  }
  const { instance } = await WebAssembly.instantiate(bytes);
  return new Program(instance.exports);
}

class Program {
  #exports;
  #inputs;
  #outputs;

  constructor(exports) {
    this.#exports = exports;
    // The memory never grows, so that views of it stay valid.
    const views = (tensors, kind) =>
      tensors.map(({ name, shape }) => {
        const elements = shape.reduce((product, extent) => product * extent, 1);
        const address = exports[ADDRESSES[kind][name]].value >>> 0;
        return { name, view: new Float32Array(exports.memory.buffer, address, elements) };
      });
    this.#inputs = views(inputs, "inputs");
    this.#outputs = views(outputs, "outputs");
  }

  /** One run: an array of numbers for each input by its name, and one for each output. */
  run(given) {
    for (const { name, view } of this.#inputs) {
      const numbers = given[name];
      if (numbers?.length !== view.length) {
        const found = numbers === undefined ? "nothing" : `${numbers.length ?? "no list of"} numbers`;
        throw new RangeError(`the input "${name}" takes ${view.length} numbers, and was given ${found}`);
      }
      view.set(numbers);
    }
    this.#exports.run();
    return Object.fromEntries(this.#outputs.map(({ name, view }) => [name, view.slice()]));
  }

  /** Forgets what was kept from earlier runs, if the program keeps anything. */
  reset() {
    this.#exports.reset?.();
  }

  /** The memory, whose size is fixed. */
  get memory() {
    return this.#exports.memory;
  }
}
