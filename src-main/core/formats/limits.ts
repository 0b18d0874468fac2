/** What a model file may ask of us: each limit with its reason. Files come from strangers. */

export const safetensorsLimits = {
  /** Bytes of the JSON header. The reference reader's own cap; SDXL with every module takes about 0.4 MB. */
  headerBytes: 100_000_000,
  /** Tensors in one file. The largest diffusion checkpoints have about 7,000; this many take some 60 MB of memory. */
  tensors: 200_000,
  /** Dimensions of one tensor: what numpy and torch can hold. */
  dimensions: 64,
  /** Characters of a tensor's name. The longest module paths have about 150; names are shown and indexed. */
  nameLength: 1_000,
} as const;

export const torchLimits = {
  /** Entries of the archive, one for each storage. As above; torch itself would need minutes for more. */
  entries: 200_000,
  /** Bytes of the central directory: about 100 for an entry with a long name. */
  directoryBytes: 32_000_000,
  /** Characters of an entry's name: the archive's name and a number. */
  nameLength: 1_000,
  /** Bytes of data.pkl: about 300 for a tensor, so this is 100,000 of them. */
  pickleBytes: 32_000_000,
  /** Instructions of data.pkl: about 30 for a tensor. Bounds both time and the objects that can be made. */
  opcodes: 4_000_000,
  /** Values that wait on the stack. Torch writes dictionaries in batches of 1,000 pairs. */
  stack: 100_000,
  /** Open marks, which is how deep lists, tuples and dictionaries nest while they are read. */
  marks: 200,
  /** Depth of nested dictionaries below the top. Training checkpoints have three or four. */
  depth: 32,
  /** Values looked at while dictionaries are flattened: a dictionary that is shared many times over counts each time. */
  visits: 1_000_000,
  dimensions: 64,
} as const;
