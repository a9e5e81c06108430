// Written by Tacit; changes made here are lost.

/** What the program is called. */
export declare const name: string;

/** An input or output. */
export interface Tensor {
  readonly name: string;
  /** Inputs: number, category, ordinal, date, vector, image. Outputs: category, labels, number, anomaly. */
  readonly type: string;
  /** Of one example; an image is height, width, channels, the last dimension contiguous. */
  readonly shape: readonly number[];
  /** Outputs: what each number is the probability of. Categories: the labels from position 1 on; ordinal inputs: from 0 on. */
  readonly labels: readonly string[];
  /** The names of the numbers in the data; one for pictures. */
  readonly columns: readonly string[];
  /** Images: the number of full brightness. */
  readonly scale: number | null;
  /** Inputs: whether NaN stands for a missing number. */
  readonly missing?: boolean;
  /** Inputs: the least and greatest number of each column in training; of an image, its mean. */
  readonly range?: readonly (readonly [number, number])[];
  /** Anomalies: the score above which an example is one. */
  readonly threshold?: number | null;
}

export declare const inputs: readonly Tensor[];
export declare const outputs: readonly Tensor[];

export interface Inputs {
@INPUTS@}

export interface Outputs {
@OUTPUTS@}

export interface Program {
  /** One run. It throws a RangeError if an input is missing or has another length. */
  run(inputs: Inputs): Outputs;
  /** Forgets what was kept from earlier runs, if the program keeps anything. */
  reset(): void;
  /** The memory, whose size is fixed. */
  readonly memory: WebAssembly.Memory;
}

/** Loads the program from bytes or an address; by default from the file beside this module. */
export declare function load(source?: string | URL | BufferSource): Promise<Program>;
