/** What a torch pickle can turn into here: plain data and descriptions, never anything that acts. */
import type { DType } from "../../tensor/dtype.ts";

/** The name of a Python global from the allow-list; it stands for itself and is never looked up. */
export interface PickleGlobal {
  readonly kind: "global";
  readonly name: string;
}

export interface PickleSequence<Kind extends "tuple" | "list" | "set"> {
  readonly kind: Kind;
  readonly items: PickleValue[];
}

export interface PickleDictionary {
  readonly kind: "dictionary";
  readonly pairs: [PickleValue, PickleValue][];
}

/** A block of numbers in its own entry of the archive; several tensors may share one. */
export interface PickleStorage {
  readonly kind: "storage";
  readonly dtype: DType;
  readonly key: string;
  /** Elements. */
  readonly length: number;
}

/** A view of a storage. Offset and strides in elements. */
export interface PickleTensor {
  readonly kind: "tensor";
  readonly storage: PickleStorage;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

/** Something allowed that has no use here: a device, a dtype, bytes. */
export interface PickleOpaque {
  readonly kind: "opaque";
}

export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | PickleGlobal
  | PickleSequence<"tuple">
  | PickleSequence<"list">
  | PickleSequence<"set">
  | PickleDictionary
  | PickleStorage
  | PickleTensor
  | PickleOpaque;
